//! The one table of keys: what is read here is what the footer and the help show.
//!
//! Within one context no key stands twice. Printable keys without a row are typed
//! where something is typed, and ignored elsewhere.

use super::command::{Command, Context};
use super::key::{Key, KeyCode};
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
    AllEgress, Answer, Approve, ApproveFindings, Attached, Attaching, Confirm, Decision, Detail,
    Egress, Filter, Help, Inbox, Line, List, Message, Picker, Plan, Raise, Terms,
};

const MAIN: &[Context] = &[List, Detail, Egress];
/// Where everything stands that is of no page in particular.
const ANYWHERE: &[Context] = &[List, Detail, Egress, AllEgress];
const DECIDED: &[Context] = &[Egress, AllEgress];
/// As [`ANYWHERE`], and where all that waits is listed.
const EVERYWHERE: &[Context] = &[List, Detail, Egress, AllEgress, Inbox];
const LISTS: &[Context] = &[
    List,
    Detail,
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
];
/// Everywhere but where a session has the keys.
const BUT_ATTACHED: &[Context] = match Context::ALL.split_last() {
    Some((_, others)) => others,
    None => &[],
};
const TYPED: &[Context] = &[Filter, Picker, Line];
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
pub const KEYMAP: &[Binding] = &[
    // What a question wants.
    row(&[Key::char('y')], Command::Accept, &[Confirm], "yes", ""),
    row(
        &[Key::char('n'), ESCAPE, Key::char('q')],
        Command::Cancel,
        &[Confirm],
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
    // What is being done; where nothing is, the footer leaves it out.
    row(
        &[Key::char('c')],
        Command::CancelOperation,
        &[List, Detail, Egress, Inbox],
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
        &[List, Detail],
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
    row(
        &[Key::ctrl('q')],
        Command::Detach,
        &[Attached],
        "detach",
        "detach from the session, which goes on",
    ),
    row(
        &[Key::ctrl('q'), ESCAPE],
        Command::Detach,
        &[Attaching],
        "cancel",
        "",
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
    // Life of a bottle.
    row(
        &[Key::char('s'), Key::char('n')],
        Command::Start,
        ANYWHERE,
        "start",
        "start an agent in a new bottle",
    ),
    row(
        &[Key::char('x')],
        Command::Stop,
        MAIN,
        "stop",
        "stop the bottle; its work is kept (asks first)",
    ),
    row(
        &[Key::char('r')],
        Command::Resume,
        MAIN,
        "resume",
        "start a stopped bottle again",
    ),
    row(
        &[Key::char('d')],
        Command::Remove,
        MAIN,
        "remove",
        "remove the bottle and its volumes (asks first)",
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
        &[Key::char(' ')],
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
        &[Detail, Egress, AllEgress, Inbox],
        "back",
        "back; drop the filter",
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

/// What a key means in a context.
#[must_use]
pub fn command(context: Context, key: Key) -> Option<Command> {
    let key = key.normal();
    bindings(context)
        .find(|binding| binding.keys.contains(&key))
        .map(|binding| binding.command)
}

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
    fn an_attached_session_gets_every_key_but_the_chord() {
        let ours: Vec<_> = bindings(Attached)
            .flat_map(|binding| binding.keys)
            .collect();
        assert_eq!(ours, [&Key::ctrl('q')]);
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
