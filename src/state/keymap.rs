//! The one table of keys: what is read here is what the footer and the help show.
//!
//! Within one context no key stands twice. Printable keys without a row are typed
//! where something is typed, and ignored elsewhere.

use super::command::{Command, Context, Life, OrderCommand};
use super::copying::CopyCommand;
use super::key::{Key, KeyCode};
use super::log::{LogCommand, LogReach};
use super::order::SortKey;
use super::panes::WallMove;
use super::view::Tab;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys; the first one is shown in the footer.
    pub keys: &'static [Key],
    /// What they do.
    pub command: Command,
    /// Where.
    pub contexts: &'static [Context],
    /// One word for the footer; empty if the footer leaves it out.
    pub short: &'static str,
    /// A line for the help; empty if the help leaves it out.
    pub help: &'static str,
}

use Context::{
    AllEgress, Answer, Approve, ApproveFindings, Attached, Attaching, Confirm, CopyFind, Copying,
    Decision, Detail, Egress, Filter, Help, Inbox, Line, List, Logs, Message, Order, Palette,
    Panic, Picker, Plan, Raise, Split, Terms,
};

const MAIN: &[Context] = &[List, Detail, Logs, Egress];
/// Where everything stands that is of no page in particular.
const ANYWHERE: &[Context] = &[List, Split, Detail, Logs, Egress, AllEgress];
const DECIDED: &[Context] = &[Egress, AllEgress];
/// As [`ANYWHERE`], and where all that waits is listed.
const EVERYWHERE: &[Context] = &[List, Split, Detail, Logs, Egress, AllEgress, Inbox];
const LISTS: &[Context] = &[
    List,
    Detail,
    Logs,
    Egress,
    AllEgress,
    Inbox,
    Decision,
    Help,
    Message,
    Plan,
    Terms,
    Approve,
    ApproveFindings,
    Copying,
];
/// Everywhere but where a session has the keys or is read back.
const BUT_ATTACHED: &[Context] = Context::ALL.split_at(Context::ALL.len() - 3).0;
const TYPED: &[Context] = &[Filter, Picker, Line, Palette, CopyFind];
const ASKED: &[Context] = &[Approve, ApproveFindings];

const fn row(
    keys: &'static [Key],
    command: Command,
    contexts: &'static [Context],
    short: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        keys,
        command,
        contexts,
        short,
        help,
    }
}

const UP: Key = Key::plain(KeyCode::Up);
const DOWN: Key = Key::plain(KeyCode::Down);
const ENTER: Key = Key::plain(KeyCode::Enter);
const ESCAPE: Key = Key::plain(KeyCode::Escape);

/// The table, in the order of the footer.
pub static KEYMAP: &[Binding] = &[
    // What a question wants.
    row(&[Key::char('y')], Command::Accept, &[Confirm], "yes", ""),
    // The same key twice holds everything still.
    row(
        &[Key::char('!'), Key::char('y')],
        Command::Accept,
        &[Panic],
        "yes",
        "",
    ),
    row(
        &[Key::char('n'), ESCAPE, Key::char('q')],
        Command::Cancel,
        &[Confirm, Panic],
        "no",
        "",
    ),
    row(
        &[ENTER, Key::char('y')],
        Command::Accept,
        &[Plan],
        "start it",
        "",
    ),
    row(
        &[Key::char('y')],
        Command::Accept,
        &[Answer],
        "let it through",
        "",
    ),
    row(&[Key::char('y')], Command::Accept, &[Raise], "raise", ""),
    row(
        &[Key::char('y'), ENTER],
        Command::Accept,
        &[Approve],
        "approve",
        "",
    ),
    // What was found is accepted with a key of its own alone.
    row(
        &[Key::char('y')],
        Command::Accept,
        &[ApproveFindings],
        "approve, and accept what was found",
        "",
    ),
    row(&[Key::char('t')], Command::Terms, ASKED, "terms", ""),
    row(
        &[Key::char('n'), ESCAPE, Key::char('q')],
        Command::Cancel,
        ASKED,
        "no",
        "",
    ),
    row(&[ENTER], Command::Accept, &[Terms], "go on", ""),
    row(
        &[Key::plain(KeyCode::Right), Key::char('l'), Key::char(' ')],
        Command::More,
        &[Terms],
        "next value",
        "",
    ),
    row(
        &[Key::plain(KeyCode::Left), Key::char('h')],
        Command::Less,
        &[Terms],
        "",
        "",
    ),
    row(
        &[Key::plain(KeyCode::Backspace)],
        Command::Erase,
        &[Terms],
        "",
        "",
    ),
    row(
        &[ESCAPE, Key::char('q')],
        Command::Cancel,
        &[Terms],
        "cancel",
        "",
    ),
    row(&[ENTER], Command::Accept, &[Line], "send", ""),
    row(&[ENTER], Command::Accept, &[Palette], "do it", ""),
    row(
        &[Key::plain(KeyCode::Tab)],
        Command::Complete,
        &[Palette],
        "complete",
        "",
    ),
    row(
        &[Key::char('a')],
        Command::Order(OrderCommand::By(SortKey::Age)),
        &[Order],
        "age",
        "",
    ),
    row(
        &[Key::char('s')],
        Command::Order(OrderCommand::By(SortKey::State)),
        &[Order],
        "state",
        "",
    ),
    row(
        &[Key::char('n')],
        Command::Order(OrderCommand::By(SortKey::Name)),
        &[Order],
        "name",
        "",
    ),
    row(
        &[Key::char('c')],
        Command::Order(OrderCommand::By(SortKey::Cpu)),
        &[Order],
        "cpu",
        "",
    ),
    row(
        &[Key::char('m')],
        Command::Order(OrderCommand::By(SortKey::Memory)),
        &[Order],
        "memory",
        "",
    ),
    row(
        &[Key::char('$')],
        Command::Order(OrderCommand::By(SortKey::Cost)),
        &[Order],
        "cost",
        "",
    ),
    row(
        &[Key::char('r')],
        Command::Order(OrderCommand::Reverse),
        &[Order],
        "reverse",
        "",
    ),
    row(
        &[Key::char('g')],
        Command::Order(OrderCommand::Group),
        &[Order],
        "group",
        "",
    ),
    row(
        &[ESCAPE, Key::char('q'), Key::char('o'), ENTER],
        Command::Cancel,
        &[Order],
        "close",
        "",
    ),
    row(
        &[Key::char('n')],
        Command::Refuse,
        &[Answer, Raise],
        "refuse",
        "",
    ),
    row(
        &[ESCAPE, Key::char('q')],
        Command::Cancel,
        &[Answer, Raise],
        "later",
        "",
    ),
    row(&[ENTER], Command::Accept, &[Picker], "plan", ""),
    row(&[ENTER], Command::Accept, &[Filter], "keep", ""),
    row(
        &[ENTER, Key::char('q')],
        Command::Cancel,
        &[Message, Help],
        "close",
        "",
    ),
    row(&[Key::char('+')], Command::Permit, &[Decision], "allow", ""),
    row(
        &[ENTER, Key::char('q'), ESCAPE],
        Command::Cancel,
        &[Decision],
        "close",
        "",
    ),
    row(
        &[ESCAPE, Key::char('n'), Key::char('q')],
        Command::Cancel,
        &[Plan],
        "back",
        "",
    ),
    row(&[ESCAPE], Command::Cancel, &[Message, Help], "", ""),
    row(&[ESCAPE], Command::Cancel, TYPED, "cancel", ""),
    row(
        &[Key::plain(KeyCode::Backspace)],
        Command::Erase,
        TYPED,
        "",
        "",
    ),
    row(&[Key::ctrl('u')], Command::EraseAll, TYPED, "", ""),
    row(&[UP], Command::Up, TYPED, "", ""),
    row(&[DOWN], Command::Down, TYPED, "", ""),
    // What left, and what was refused.
    row(
        &[ENTER, Key::char('i')],
        Command::Open,
        &[Egress],
        "details",
        "egress page: all that is known of the selected decision",
    ),
    row(
        &[ENTER],
        Command::Visit,
        &[AllEgress],
        "its bottle",
        "egress of all: go to that bottle's page",
    ),
    row(
        &[Key::char('i')],
        Command::Open,
        &[AllEgress],
        "details",
        "",
    ),
    row(
        &[Key::char('+')],
        Command::Permit,
        DECIDED,
        "allow",
        "egress: the narrowest route for what was refused (asks first)",
    ),
    row(
        &[Key::char('/')],
        Command::FilterDecisions,
        DECIDED,
        "filter",
        "egress: words in host, path, method, reason; !word leaves out",
    ),
    row(
        &[Key::char('o')],
        Command::OnlyRefused,
        DECIDED,
        "only refused",
        "egress: only what was refused, or everything again",
    ),
    row(
        &[Key::char('h')],
        Command::Hits,
        DECIDED,
        "hits",
        "egress: what each route let out, and what was refused",
    ),
    // The page of logs.
    row(
        &[Key::char('/')],
        Command::Log(LogCommand::Find),
        &[Logs],
        "find",
        "logs: look for words or a regular expression",
    ),
    row(
        &[Key::char('n')],
        Command::Log(LogCommand::Next),
        &[Logs],
        "next",
        "logs: the next line that holds it",
    ),
    row(
        &[Key::char('N')],
        Command::Log(LogCommand::Previous),
        &[Logs],
        "",
        "logs: the one before",
    ),
    row(
        &[Key::char('&')],
        Command::Log(LogCommand::With),
        &[Logs],
        "only",
        "logs: show only lines that hold this; nothing typed shows all",
    ),
    row(
        &[Key::char('-')],
        Command::Log(LogCommand::Without),
        &[Logs],
        "without",
        "logs: show only lines that do not hold this",
    ),
    row(
        &[Key::char('v')],
        Command::Log(LogCommand::Roles),
        &[Logs],
        "whose",
        "logs: of all containers, the agent, egress, supervise, agent and egress",
    ),
    row(
        &[Key::char('t')],
        Command::Log(LogCommand::Times),
        &[Logs],
        "times",
        "logs: with times or without",
    ),
    row(
        &[Key::char('W')],
        Command::Log(LogCommand::Wrap),
        &[Logs],
        "wrap",
        "logs: wrap long lines or not",
    ),
    row(
        &[Key::plain(KeyCode::Right)],
        Command::Log(LogCommand::Right),
        &[Logs],
        "",
        "logs: to the right of long lines",
    ),
    row(
        &[Key::plain(KeyCode::Left)],
        Command::Log(LogCommand::Left),
        &[Logs],
        "",
        "logs: to the left, then to the list",
    ),
    row(
        &[Key::char('p')],
        Command::Log(LogCommand::Json),
        &[Logs],
        "json",
        "logs: JSON as words, or as it is",
    ),
    row(
        &[ENTER],
        Command::Log(LogCommand::Entry),
        &[Logs],
        "whole line",
        "logs: the found line whole, or the last in sight; JSON over several lines",
    ),
    row(
        &[Key::char('m')],
        Command::Log(LogCommand::Mark),
        &[Logs],
        "mark",
        "logs: draw a line below what is there now",
    ),
    row(
        &[Key::char('y')],
        Command::Log(LogCommand::Copy),
        &[Logs],
        "copy",
        "logs: copy the lines in sight",
    ),
    row(
        &[Key::char('Y')],
        Command::Log(LogCommand::CopyFound),
        &[Logs],
        "",
        "logs: copy the lines that were found",
    ),
    row(
        &[Key::ctrl('s')],
        Command::Log(LogCommand::Save),
        &[Logs],
        "save",
        "logs: write what is shown into a file, and say where",
    ),
    row(
        &[Key::char('0')],
        Command::Log(LogCommand::Reach(LogReach::All)),
        &[Logs],
        "",
        "logs: read from their beginning",
    ),
    row(
        &[Key::char('9')],
        Command::Log(LogCommand::Reach(LogReach::Hour)),
        &[Logs],
        "",
        "logs: read the last hour",
    ),
    row(
        &[Key::char('8')],
        Command::Log(LogCommand::Reach(LogReach::Quarter)),
        &[Logs],
        "",
        "logs: read the last 15 minutes",
    ),
    row(
        &[Key::char('7')],
        Command::Log(LogCommand::Reach(LogReach::FiveMinutes)),
        &[Logs],
        "",
        "logs: read the last 5 minutes",
    ),
    row(
        &[Key::char('6')],
        Command::Log(LogCommand::Reach(LogReach::Minute)),
        &[Logs],
        "",
        "logs: read the last minute",
    ),
    row(
        &[Key::char('T')],
        Command::Log(LogCommand::Reach(LogReach::Tail)),
        &[Logs],
        "",
        "logs: read the last lines alone",
    ),
    // What is being done; where nothing is, the footer leaves it out.
    row(
        &[Key::char('c')],
        Command::CancelOperation,
        &[List, Detail, Logs, Egress, Inbox],
        "cancel",
        "cancel a start or an approved change (asks first)",
    ),
    // What waits for the operator.
    row(
        &[Key::char('a')],
        Command::Approve,
        &[Inbox],
        "approve",
        "inbox: approve what the selected row asks for (asks first)",
    ),
    row(
        &[Key::char('t')],
        Command::Terms,
        &[Inbox],
        "terms",
        "inbox: the same for a time, a number of uses, or in the manifest",
    ),
    row(
        &[Key::char('r')],
        Command::Reply,
        &[Inbox],
        "reply",
        "inbox: reply to a question",
    ),
    row(
        &[Key::char('d')],
        Command::Deny,
        &[Inbox],
        "deny",
        "inbox: deny it, with a reason that the agent reads",
    ),
    row(
        &[Key::char('e')],
        Command::Edit,
        &[Inbox],
        "edit",
        "inbox: edit what is asked for in your editor, then approve that",
    ),
    row(
        &[Key::char('u')],
        Command::Undo,
        &[Inbox],
        "undo",
        "inbox: take back what an answered request was given (asks first)",
    ),
    row(
        &[Key::char('n'), Key::char('w')],
        Command::NextAsk,
        &[Inbox],
        "next",
        "inbox: on to the next that waits",
    ),
    row(
        &[ENTER],
        Command::ReadAsk,
        &[Inbox],
        "read",
        "inbox: read the selected row on the whole screen",
    ),
    row(
        &[Key::plain(KeyCode::Tab)],
        Command::OtherList,
        &[Inbox],
        "answered",
        "inbox: what was answered, and back to what waits",
    ),
    row(
        &[Key::char('b')],
        Command::ToBottle,
        &[Inbox],
        "bottle",
        "inbox: go to the bottle that asks",
    ),
    row(
        &[Key::char(' ')],
        Command::Expand,
        &[Inbox],
        "",
        "inbox: bottles that ask the same, each for itself",
    ),
    row(
        &[Key::char('i'), Key::char('I')],
        Command::Inbox,
        &[List, Detail, Logs],
        "inbox",
        "all that waits for your answer, of all bottles",
    ),
    row(&[Key::char('I')], Command::Inbox, DECIDED, "inbox", ""),
    row(
        &[Key::char('i'), Key::char('I')],
        Command::Inbox,
        &[Inbox],
        "",
        "",
    ),
    // A session that is read back.
    row(
        &[Key::char('v')],
        Command::Copy(CopyCommand::Characters),
        &[Copying],
        "select",
        "reading back: select characters, or no longer",
    ),
    row(
        &[Key::char('V')],
        Command::Copy(CopyCommand::Lines),
        &[Copying],
        "lines",
        "reading back: select lines, or no longer",
    ),
    row(
        &[Key::char('y'), ENTER],
        Command::Copy(CopyCommand::Copy),
        &[Copying],
        "copy",
        "reading back: copy what is selected",
    ),
    row(
        &[Key::char('/')],
        Command::Copy(CopyCommand::Find),
        &[Copying],
        "find",
        "reading back: look for words",
    ),
    row(
        &[Key::char('n')],
        Command::Copy(CopyCommand::Next),
        &[Copying],
        "next",
        "reading back: the next place that holds them",
    ),
    row(
        &[Key::char('N')],
        Command::Copy(CopyCommand::Previous),
        &[Copying],
        "",
        "reading back: the one before",
    ),
    row(
        &[Key::char('h'), Key::plain(KeyCode::Left)],
        Command::Copy(CopyCommand::Left),
        &[Copying],
        "",
        "reading back: left",
    ),
    row(
        &[Key::char('l'), Key::plain(KeyCode::Right)],
        Command::Copy(CopyCommand::Right),
        &[Copying],
        "",
        "reading back: right",
    ),
    row(
        &[Key::char('0')],
        Command::Copy(CopyCommand::LineStart),
        &[Copying],
        "",
        "reading back: to the begin of the line",
    ),
    row(
        &[Key::char('$')],
        Command::Copy(CopyCommand::LineEnd),
        &[Copying],
        "",
        "reading back: to its end",
    ),
    row(
        &[Key::char('w')],
        Command::Copy(CopyCommand::NextWord),
        &[Copying],
        "",
        "reading back: to the next word",
    ),
    row(
        &[Key::char('b')],
        Command::Copy(CopyCommand::PreviousWord),
        &[Copying],
        "",
        "reading back: to the word before",
    ),
    row(&[ESCAPE], Command::Back, &[Copying], "live", ""),
    row(
        &[Key::char('q'), Key::ctrl('c'), Key::COPY],
        Command::Copy(CopyCommand::Leave),
        &[Copying],
        "",
        "",
    ),
    row(&[Key::ctrl('c')], Command::Cancel, &[CopyFind], "", ""),
    row(
        &[Key::DETACH],
        Command::Detach,
        &[Copying, CopyFind],
        "",
        "",
    ),
    row(&[ENTER], Command::Accept, &[CopyFind], "find", ""),
    // Sessions.
    row(
        &[ENTER],
        Command::Attach,
        &[List, Detail],
        "attach",
        "attach to the session",
    ),
    row(
        &[Key::char('f')],
        Command::AttachFull,
        MAIN,
        "full",
        "attach on the whole terminal",
    ),
    row(&[ENTER], Command::Attach, &[Split], "attach", ""),
    row(&[Key::char('f')], Command::AttachFull, &[Split], "full", ""),
    row(
        &[
            Key::plain(KeyCode::Tab),
            Key::plain(KeyCode::Right),
            DOWN,
            Key::char('l'),
            Key::char('j'),
        ],
        Command::Down,
        &[Split],
        "next tile",
        "side by side: the keys to the next session",
    ),
    row(
        &[
            Key::plain(KeyCode::BackTab),
            Key::plain(KeyCode::Left),
            UP,
            Key::char('h'),
            Key::char('k'),
        ],
        Command::Up,
        &[Split],
        "",
        "side by side: to the one before",
    ),
    row(
        &[Key::char('|')],
        Command::Split,
        &[List, Detail, Split],
        "",
        "show the marked sessions side by side, or this one and the next; then the list again",
    ),
    row(&[ESCAPE], Command::Back, &[Split], "list", ""),
    row(
        &[Key::DETACH],
        Command::Detach,
        &[Attached],
        "detach",
        "detach from the session, which goes on",
    ),
    row(
        &[Key::DETACH, ESCAPE],
        Command::Detach,
        &[Attaching],
        "cancel",
        "",
    ),
    row(
        &[Key::COPY],
        Command::Copy(CopyCommand::Begin),
        &[Attached],
        "read back",
        "attached: hold what the session shows still, to read, search and copy",
    ),
    row(
        &[Key::char('v')],
        Command::Copy(CopyCommand::Begin),
        &[List, Detail],
        "",
        "hold what the session shows still, to read, search and copy",
    ),
    row(
        &[Key::NEXT_NEED],
        Command::NextNeed,
        &[Attached, Attaching],
        "next need",
        "attached: go to the next bottle that needs you",
    ),
    row(
        &[Key::char('w')],
        Command::NextNeed,
        ANYWHERE,
        "next need",
        "go to the next bottle that needs you",
    ),
    row(
        &[Key::char('a')],
        Command::Answer,
        ANYWHERE,
        "answer",
        "answer what waits, raise a budget, hand over a secret",
    ),
    // Pages.
    row(
        &[Key::char('l')],
        Command::Read(Tab::Logs),
        MAIN,
        "logs",
        "read the logs",
    ),
    row(
        &[Key::char('e')],
        Command::Read(Tab::Egress),
        MAIN,
        "egress",
        "read what left the bottle, or tried to",
    ),
    row(
        &[Key::char('E')],
        Command::AllEgress,
        MAIN,
        "all egress",
        "what left all bottles, or tried to",
    ),
    row(&[Key::char('E')], Command::Back, &[AllEgress], "", ""),
    row(
        &[Key::char('A')],
        Command::Audit,
        ANYWHERE,
        "",
        "read what was decided and done, of marked bottles or all",
    ),
    row(
        &[Key::plain(KeyCode::Tab)],
        Command::NextTab,
        MAIN,
        "",
        "next page of the detail",
    ),
    row(
        &[Key::plain(KeyCode::BackTab)],
        Command::PreviousTab,
        MAIN,
        "",
        "previous page of the detail",
    ),
    row(
        &[Key::char('1')],
        Command::Show(Tab::Session),
        MAIN,
        "",
        "show the session",
    ),
    row(
        &[Key::char('2')],
        Command::Show(Tab::Logs),
        MAIN,
        "",
        "show the logs",
    ),
    row(
        &[Key::char('3')],
        Command::Show(Tab::Egress),
        MAIN,
        "",
        "show egress",
    ),
    row(
        &[Key::char('4')],
        Command::Show(Tab::Spec),
        MAIN,
        "",
        "show what the bottle was made from",
    ),
    row(
        &[Key::char('5')],
        Command::Show(Tab::Stats),
        MAIN,
        "",
        "show what the bottle uses: CPU, memory, network, cost",
    ),
    // Life of a bottle.
    row(
        &[Key::char('s'), Key::char('n')],
        Command::Start,
        &[List, Detail, Egress, AllEgress],
        "start",
        "start an agent in a new bottle",
    ),
    row(&[Key::char('s')], Command::Start, &[Logs], "", ""),
    row(
        &[Key::char('x')],
        Command::Life(Life::Stop),
        MAIN,
        "stop",
        "stop the bottle; its work is kept (asks first)",
    ),
    row(
        &[Key::char('r')],
        Command::Life(Life::Resume),
        MAIN,
        "resume",
        "start a stopped bottle again",
    ),
    row(
        &[Key::char('R')],
        Command::Life(Life::Restart),
        MAIN,
        "",
        "stop the bottle and start it again (asks first)",
    ),
    row(
        &[Key::char('S')],
        Command::Life(Life::Send),
        MAIN,
        "",
        "type one line into the session without attaching",
    ),
    row(
        &[Key::char('p')],
        Command::Life(Life::Freeze),
        &[List, Detail, Egress],
        "",
        "freeze the bottle where it is, or let it go on",
    ),
    row(
        &[Key::char('C')],
        Command::Life(Life::Cut),
        MAIN,
        "",
        "cut its egress from the network, or connect it again (asks first)",
    ),
    row(
        &[Key::char('d')],
        Command::Life(Life::Remove),
        MAIN,
        "remove",
        "remove the bottle and its volumes (asks first)",
    ),
    row(
        &[Key::char('!')],
        Command::Life(Life::Panic),
        EVERYWHERE,
        "",
        "twice: freeze every bottle and cut every egress; then y lets go",
    ),
    // Several bottles at once: what stands above is then about all that are marked.
    row(
        &[Key::char(' ')],
        Command::Life(Life::Mark),
        &[List],
        "",
        "mark the bottle: what you do then is done to all marked",
    ),
    row(
        &[Key::char('V')],
        Command::Life(Life::MarkRange),
        &[List],
        "",
        "mark all from the last mark to here",
    ),
    row(
        &[Key::char('*')],
        Command::Life(Life::MarkAll),
        &[List],
        "",
        "mark all that the list shows, or none",
    ),
    // The list.
    row(
        &[Key::char('/')],
        Command::Filter,
        &[List, Detail],
        "filter",
        "show only bottles with this in id, agent or state",
    ),
    row(
        &[Key::char('o')],
        Command::Order(OrderCommand::Choose),
        &[List, Detail],
        "order",
        "sort the list, or group it by agent, template or engine",
    ),
    row(
        &[Key::char('<')],
        Command::Wall(WallMove::Left),
        MAIN,
        "",
        "make the list narrower; the wall can be dragged too",
    ),
    row(
        &[Key::char('>')],
        Command::Wall(WallMove::Right),
        MAIN,
        "",
        "make the list wider",
    ),
    row(
        &[Key::char('=')],
        Command::Wall(WallMove::Usual),
        MAIN,
        "",
        "make the list as wide as it is at first",
    ),
    row(
        &[Key::char('-')],
        Command::Order(OrderCommand::Fold),
        &[List, Detail],
        "fold",
        "fold or unfold the group of the selected row",
    ),
    row(
        &[Key::char('Z')],
        Command::Order(OrderCommand::FoldAll),
        &[List, Detail],
        "",
        "fold all groups, or unfold them",
    ),
    row(
        &[Key::char('z')],
        Command::Expand,
        MAIN,
        "",
        "show or hide the sidecars",
    ),
    row(&[DOWN, Key::char('j')], Command::Down, LISTS, "", "down"),
    row(&[UP, Key::char('k')], Command::Up, LISTS, "", "up"),
    row(
        &[Key::plain(KeyCode::PageDown), Key::ctrl('d')],
        Command::PageDown,
        LISTS,
        "",
        "one page down",
    ),
    row(
        &[Key::plain(KeyCode::PageUp), Key::ctrl('u')],
        Command::PageUp,
        LISTS,
        "",
        "one page up",
    ),
    row(
        &[Key::char('g'), Key::plain(KeyCode::Home)],
        Command::Top,
        LISTS,
        "",
        "to the top",
    ),
    row(
        &[Key::char('G'), Key::plain(KeyCode::End)],
        Command::Bottom,
        LISTS,
        "",
        "to the end; logs and decisions follow again",
    ),
    row(
        &[Key::plain(KeyCode::Right)],
        Command::FocusDetail,
        &[List],
        "",
        "the keys act on the detail",
    ),
    row(
        &[Key::plain(KeyCode::Left)],
        Command::FocusList,
        &[Detail, Egress],
        "",
        "the keys act on the list",
    ),
    row(
        &[ESCAPE],
        Command::Back,
        &[Detail, Logs, Egress, AllEgress, Inbox],
        "back",
        "back; first drop the filter, or what is looked for",
    ),
    row(&[ESCAPE], Command::Back, &[List], "", ""),
    row(
        &[Key::ctrl('r'), Key::plain(KeyCode::Function(5))],
        Command::Refresh,
        EVERYWHERE,
        "",
        "ask the engine again",
    ),
    row(
        &[Key::char(':')],
        Command::CommandLine,
        EVERYWHERE,
        "",
        "type a command, such as `stop idle`; tab completes",
    ),
    row(
        &[Key::ctrl('k')],
        Command::Palette,
        EVERYWHERE,
        "",
        "find a command or a bottle by a part of its name",
    ),
    row(
        &[Key::char('?')],
        Command::Help,
        EVERYWHERE,
        "help",
        "show the keys",
    ),
    row(&[Key::char('?')], Command::Cancel, &[Help], "", ""),
    row(
        &[Key::char('q')],
        Command::Quit,
        EVERYWHERE,
        "quit",
        "leave the console; bottles go on",
    ),
    row(
        &[Key::ctrl('c')],
        Command::QuitNow,
        BUT_ATTACHED,
        "",
        "leave at once; an attached session gets this key itself",
    ),
];

/// The rows of a context, in the order of the footer.
pub fn bindings(context: Context) -> impl Iterator<Item = &'static Binding> {
    KEYMAP
        .iter()
        .filter(move |binding| binding.contexts.contains(&context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_twice_in_one_context() {
        for context in Context::ALL {
            let mut seen = Vec::new();
            for key in bindings(*context).flat_map(|binding| binding.keys) {
                assert!(!seen.contains(key), "{} twice in {context:?}", key.name());
                assert_eq!(
                    *key,
                    key.normal(),
                    "{} is not in its one spelling",
                    key.name()
                );
                seen.push(*key);
            }
        }
    }

    #[test]
    fn an_attached_session_gets_every_key_but_the_chords() {
        let ours: Vec<_> = bindings(Attached)
            .flat_map(|binding| binding.keys)
            .collect();
        assert_eq!(ours, [&Key::DETACH, &Key::COPY, &Key::NEXT_NEED]);
    }

    #[test]
    fn every_context_can_be_left() {
        for context in Context::ALL {
            let leaves = bindings(*context).any(|binding| {
                matches!(
                    binding.command,
                    Command::Back | Command::Cancel | Command::Detach | Command::QuitNow
                )
            });
            assert!(leaves, "{context:?}");
        }
    }
}
