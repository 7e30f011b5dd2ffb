//! The command line and the palette: every command by its name, with what it is about.
//!
//! Both read one table. What a line completes to follows from what is known now: bottles,
//! states, agents of the list.

use serde::{Deserialize, Serialize};

use super::command::{Command, Context, Life, OrderCommand};
use super::console::State;
use super::key::Key;
use super::keymap::KEYMAP;
use super::order::SortKey;
use super::sighting::BottleRef;
use super::view::Tab;
use crate::manifest::builtin_theme_names;

/// The most that is offered at once.
const OFFERS: usize = 200;
/// Lines that are remembered.
pub(super) const HISTORY: usize = 100;

/// What a command wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Nothing.
    None,
    /// Bottles; without any those that are marked, or the selected one.
    Bottles,
    /// One bottle.
    Bottle,
    /// Any text; without it what is there is dropped.
    Text,
    /// A key to sort by.
    Sort,
    /// The name of a theme.
    Theme,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// What a key does.
    Key(Command),
    /// Marks the bottles and does what a key does then.
    Marked(Life),
    /// Marks the bottles.
    Mark,
    /// Drops all marks.
    Unmark,
    /// Selects the bottle.
    Go,
    /// Approves what bottles ask for.
    Approve,
    /// Types into sessions.
    Send,
    /// Filters the list.
    Filter,
    /// Sorts the list.
    Sort,
    /// Draws in other colours.
    Theme,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) action: Action,
    pub(super) argument: Argument,
    help: &'static str,
}

const fn key(name: &'static str, command: Command, help: &'static str) -> Named {
    own(name, Action::Key(command), Argument::None, help)
}

const fn life(name: &'static str, life: Life, help: &'static str) -> Named {
    own(name, Action::Marked(life), Argument::Bottles, help)
}

const fn own(name: &'static str, action: Action, argument: Argument, help: &'static str) -> Named {
    Named {
        name,
        action,
        argument,
        help,
    }
}

/// All commands, as the palette lists them.
pub(super) const COMMANDS: &[Named] = &[
    own("go", Action::Go, Argument::Bottle, "to a bottle"),
    key("attach", Command::Attach, "attach to the session"),
    key("full", Command::AttachFull, "attach on the whole terminal"),
    key("start", Command::Start, "start an agent in a new bottle"),
    life("stop", Life::Stop, "stop bottles; their work is kept"),
    life("resume", Life::Resume, "start stopped bottles again"),
    life(
        "restart",
        Life::Restart,
        "stop bottles and start them again",
    ),
    life("freeze", Life::FreezeOnly, "freeze bottles where they are"),
    life("unfreeze", Life::Unfreeze, "let frozen bottles go on"),
    life("cut", Life::CutOnly, "cut bottles from the network"),
    life(
        "reconnect",
        Life::Reconnect,
        "give bottles that were cut their network back",
    ),
    life("remove", Life::Remove, "remove bottles and their volumes"),
    key(
        "panic",
        Command::Life(Life::Panic),
        "freeze and cut everything, or let it go",
    ),
    own(
        "mark",
        Action::Mark,
        Argument::Bottles,
        "mark bottles by id, pattern or state",
    ),
    own(
        "send",
        Action::Send,
        Argument::Text,
        "type a line into sessions, marked or selected",
    ),
    own("unmark", Action::Unmark, Argument::None, "drop all marks"),
    key("inbox", Command::Inbox, "all that waits for your answer"),
    key("answer", Command::Answer, "answer what waits"),
    own(
        "approve",
        Action::Approve,
        Argument::Bottles,
        "approve all that bottles ask for (asks first)",
    ),
    key(
        "next",
        Command::NextNeed,
        "to the next bottle that needs you",
    ),
    key(
        "session",
        Command::Read(Tab::Session),
        "the session of the bottle",
    ),
    key("logs", Command::Read(Tab::Logs), "the logs of the bottle"),
    key(
        "egress",
        Command::Read(Tab::Egress),
        "what left the bottle, or tried to",
    ),
    key(
        "requests",
        Command::Read(Tab::Requests),
        "what the agent of the bottle asked for",
    ),
    key(
        "spec",
        Command::Read(Tab::Spec),
        "what the bottle was made from",
    ),
    key("stats", Command::Read(Tab::Stats), "what the bottle uses"),
    key(
        "all-egress",
        Command::AllEgress,
        "what left all bottles, or tried to",
    ),
    key("hits", Command::Hits, "what each route let out"),
    key(
        "builds",
        Command::Builds,
        "the images that are and were made",
    ),
    key(
        "audit",
        Command::Audit,
        "what was decided and done, of marked bottles or all",
    ),
    own(
        "filter",
        Action::Filter,
        Argument::Text,
        "show only bottles with this in them",
    ),
    own("sort", Action::Sort, Argument::Sort, "sort the list"),
    key(
        "reverse",
        Command::Order(OrderCommand::Reverse),
        "sort it the other way round",
    ),
    key(
        "group",
        Command::Order(OrderCommand::Group),
        "group by agent, template, engine, nothing",
    ),
    key(
        "fold",
        Command::Order(OrderCommand::FoldAll),
        "fold or unfold all groups",
    ),
    key(
        "cancel",
        Command::CancelOperation,
        "cancel a start or a change",
    ),
    own(
        "theme",
        Action::Theme,
        Argument::Theme,
        "draw in other colours, until you leave",
    ),
    key("refresh", Command::Refresh, "ask the engine again"),
    key("help", Command::Help, "show the keys"),
    key("quit", Command::Quit, "leave the console; bottles go on"),
];

/// The names of all commands.
pub fn command_names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|named| named.name)
}

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The line that it makes of what was typed.
    pub line: String,
    /// Whether more is to be typed after it.
    pub is_open: bool,
    /// What it does.
    pub help: String,
    /// The key that does the same, if there is one.
    pub key: String,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub(super) action: Action,
    pub(super) words: Vec<&'a str>,
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, for the operator.
pub(super) fn parse(line: &str) -> Result<Parsed<'_>, String> {
    let mut words = line.split_whitespace();
    let Some(name) = words.next() else {
        return Err(String::from("nothing was typed"));
    };
    let named = COMMANDS
        .iter()
        .find(|named| named.name == name)
        .or_else(|| only_one(name))
        .ok_or_else(|| unknown(name))?;
    let words: Vec<&str> = words.collect();
    match (named.argument, words.as_slice()) {
        (Argument::None, [first, ..]) => Err(format!(
            "`{}` takes nothing after it, not `{first}`",
            named.name
        )),
        (Argument::Bottle, []) => Err(format!("`{}` wants the id of a bottle", named.name)),
        (Argument::Bottle | Argument::Sort | Argument::Theme, [_, more, ..]) => Err(format!(
            "`{}` takes one word, not also `{more}`",
            named.name
        )),
        (Argument::Theme, []) => Err(format!(
            "`{}` wants the name of a theme, such as {}",
            named.name,
            builtin_theme_names().collect::<Vec<_>>().join(", ")
        )),
        (Argument::Sort, []) => Err(format!(
            "`{}` wants one of {}",
            named.name,
            sort_words().join(", ")
        )),
        _ => Ok(Parsed {
            action: named.action,
            words,
        }),
    }
}

/// The one command that begins so.
fn only_one(beginning: &str) -> Option<&'static Named> {
    let mut those = COMMANDS
        .iter()
        .filter(|named| named.name.starts_with(beginning));
    let first = those.next()?;
    those.next().is_none().then_some(first)
}

fn unknown(name: &str) -> String {
    let near = COMMANDS
        .iter()
        .map(|named| (strsim::damerau_levenshtein(named.name, name), named.name))
        .min();
    match near {
        Some((distance, near)) if distance <= 2 && distance * 2 <= name.len() => {
            format!("`{name}` is no command (did you mean `{near}`?)")
        }
        _ => format!("`{name}` is no command (ctrl-k lists them)"),
    }
}

fn sort_words() -> Vec<String> {
    SortKey::ALL
        .into_iter()
        .map(|sort| sort.word().to_lowercase())
        .collect()
}

/// The sort key that a word names.
pub(super) fn sort_key(word: &str) -> Option<SortKey> {
    let word = word.to_lowercase();
    SortKey::ALL
        .into_iter()
        .find(|sort| sort.word().to_lowercase().starts_with(&word))
}

/// Whether a pattern with `*` and `?` matches a whole text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // The last star, and how far the text was when it stood for as little as it could.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match (pattern.get(at), text.get(seen)) {
            (Some('*'), _) => {
                star = Some((at, seen));
                at += 1;
            }
            (Some(one), Some(other)) if one == other || *one == '?' => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, from)) = star else {
                    return false;
                };
                star = Some((place, from + 1));
                at = place + 1;
                seen = from + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|left| *left == '*')
}

/// How well a text answers to what was typed: the lower the better, `None` if it does not.
/// All characters must come in their order.
fn fit(typed: &str, name: &str, help: &str) -> Option<u32> {
    let typed = typed.to_lowercase();
    if typed.is_empty() || name == typed {
        return Some(0);
    }
    if name.starts_with(&typed) {
        return Some(1);
    }
    if name.contains(&typed) {
        return Some(2);
    }
    if typed
        .split_whitespace()
        .all(|word| help.contains(word) || name.contains(word))
    {
        return Some(3);
    }
    let mut wanted = typed
        .chars()
        .filter(|character| !character.is_whitespace())
        .peekable();
    for character in name.chars() {
        if wanted.peek() == Some(&character) {
            wanted.next();
        }
    }
    wanted.peek().is_none().then_some(4)
}

impl State {
    /// The bottles that words name: ids, beginnings of ids, patterns, states, `all`,
    /// `marked`.
    ///
    /// # Errors
    /// The word that names none.
    pub fn named<'a>(&self, words: &[&'a str]) -> Result<Vec<BottleRef>, &'a str> {
        let mut found = Vec::new();
        for word in words {
            let before = found.len();
            for known in self.fleet.bottles() {
                let id = known.bottle.id.as_str();
                let is_it = match *word {
                    "all" => true,
                    "marked" => self.view.marked.contains(&known.bottle),
                    word if word.contains(['*', '?']) => matches(word, id),
                    word => id.starts_with(word) || known.phase.word() == word,
                };
                if is_it && !found.contains(&known.bottle) {
                    found.push(known.bottle.clone());
                }
            }
            if found.len() == before && *word != "all" {
                return Err(word);
            }
        }
        Ok(found)
    }

    /// What can be chosen for what was typed, best first.
    #[must_use]
    pub fn offers(&self, typed: &str, is_line: bool) -> Vec<Offer> {
        let typed = typed.trim_start();
        let mut offers = match typed.split_once(char::is_whitespace) {
            Some((name, rest)) if is_line || COMMANDS.iter().any(|named| named.name == name) => {
                self.argument_offers(name, rest)
            }
            _ => self.command_offers(typed, is_line),
        };
        offers.truncate(OFFERS);
        offers
    }

    fn command_offers(&self, typed: &str, is_line: bool) -> Vec<Offer> {
        let mut ranked: Vec<(u32, Offer)> = COMMANDS
            .iter()
            .filter(|named| !is_line || named.name.starts_with(typed))
            .filter(|named| self.can_now(named))
            .filter_map(|named| {
                let fit = fit(typed, named.name, named.help)?;
                Some((fit, self.offer_of(named)))
            })
            .collect();
        if !is_line {
            // A bottle is found by its id or what it works on, without a command.
            let bottles = self.fleet.bottles().iter().filter_map(|known| {
                let id = known.bottle.id.as_str();
                let title = known
                    .hub
                    .session
                    .as_ref()
                    .and_then(|said| said.title.clone());
                let title = title.unwrap_or_default();
                let fit = fit(typed, id, &title.to_lowercase())?;
                let offer = Offer {
                    line: format!("go {id}"),
                    is_open: false,
                    help: format!("{} {title}", known.phase.word()),
                    key: String::new(),
                };
                Some((fit, offer))
            });
            if !typed.is_empty() {
                ranked.extend(bottles);
            }
        }
        ranked.sort_by_key(|(fit, _)| *fit);
        ranked.into_iter().map(|(_, offer)| offer).collect()
    }

    fn offer_of(&self, named: &Named) -> Offer {
        let command = match named.action {
            Action::Key(command) => Some(command),
            Action::Marked(Life::FreezeOnly | Life::Unfreeze) => Some(Command::Life(Life::Freeze)),
            Action::Marked(Life::CutOnly | Life::Reconnect) => Some(Command::Life(Life::Cut)),
            Action::Marked(life) => Some(Command::Life(life)),
            Action::Send => Some(Command::Life(Life::Send)),
            Action::Approve => Some(Command::Answer),
            Action::Filter => Some(Command::Filter),
            Action::Sort => Some(Command::Order(OrderCommand::Choose)),
            Action::Mark => Some(Command::Life(Life::Mark)),
            Action::Unmark | Action::Go | Action::Theme => None,
        };
        // One that works where no box lies.
        let binding = KEYMAP
            .iter()
            .find(|row| Some(row.command) == command && row.contexts.contains(&Context::List));
        let key = binding.and_then(|row| self.keys.of(row).first()).copied();
        Offer {
            line: named.name.to_owned(),
            is_open: matches!(
                named.argument,
                Argument::Bottle | Argument::Text | Argument::Sort | Argument::Theme
            ),
            help: named.help.to_owned(),
            key: key.map(Key::name).unwrap_or_default(),
        }
    }

    /// Whether a command would do something; what takes words may always.
    fn can_now(&self, named: &Named) -> bool {
        match named.action {
            Action::Key(command) => self.can(command),
            Action::Marked(_) | Action::Mark | Action::Go | Action::Approve => {
                !self.fleet.bottles().is_empty()
            }
            Action::Send => self.can(Command::Life(Life::Send)),
            Action::Unmark => !self.view.marked.is_empty(),
            Action::Filter | Action::Sort | Action::Theme => true,
        }
    }

    fn argument_offers(&self, name: &str, rest: &str) -> Vec<Offer> {
        let Some(named) = COMMANDS
            .iter()
            .find(|named| named.name == name)
            .or_else(|| only_one(name))
        else {
            return Vec::new();
        };
        let (before, word) = match rest.rsplit_once(char::is_whitespace) {
            Some((before, word)) => (format!("{} {before} ", named.name), word),
            None => (format!("{} ", named.name), rest),
        };
        let line = |word: &str| format!("{before}{word}");
        let plain = |word: &str, help: &str| Offer {
            line: line(word),
            is_open: false,
            help: help.to_owned(),
            key: String::new(),
        };
        let mut offers = Vec::new();
        match named.argument {
            Argument::None | Argument::Text => {}
            Argument::Sort => {
                for sort in SortKey::ALL {
                    let name = sort.word().to_lowercase();
                    if name.starts_with(word) {
                        offers.push(plain(&name, sort.first(false)));
                    }
                }
            }
            Argument::Theme => {
                let names = self.themes.iter().filter(|name| name.starts_with(word));
                offers.extend(names.map(|name| plain(name, "")));
            }
            Argument::Bottle | Argument::Bottles => {
                if named.argument == Argument::Bottles {
                    offers.extend(self.group_offers(word, &plain));
                }
                for known in self.fleet.bottles() {
                    let id = known.bottle.id.as_str();
                    if id.starts_with(word) {
                        offers.push(plain(id, known.phase.word()));
                    }
                }
            }
        }
        offers
    }

    /// Words that stand for several bottles.
    fn group_offers(&self, word: &str, plain: &impl Fn(&str, &str) -> Offer) -> Vec<Offer> {
        let mut states: Vec<(&str, usize)> = Vec::new();
        for known in self.fleet.bottles() {
            let state = known.phase.word();
            match states.iter_mut().find(|(there, _)| *there == state) {
                Some((_, count)) => *count += 1,
                None => states.push((state, 1)),
            }
        }
        let all = [("all", self.fleet.bottles().len())];
        let marked = [("marked", self.view.marked.len())];
        all.into_iter()
            .chain(marked)
            .chain(states)
            .filter(|(name, count)| *count > 0 && name.starts_with(word))
            .map(|(name, count)| {
                let bottles = if count == 1 { "bottle" } else { "bottles" };
                plain(name, &format!("{count} {bottles}"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_each_has_a_line_of_help() {
        for (at, named) in COMMANDS.iter().enumerate() {
            let rest = COMMANDS.iter().skip(at + 1);
            assert!(rest.clone().all(|other| other.name != named.name));
            assert!(
                !named.help.is_empty() && named.help.len() <= 52,
                "{}",
                named.name
            );
        }
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, is_it) in [
            ("*", "", true),
            ("api-*", "api-k3x9q", true),
            ("api-*", "my-api-1", false),
            ("*-1", "api-1-1", true),
            ("a?i*q", "api-k3x9q", true),
            ("a?i", "api-k3x9q", false),
            ("", "a", false),
            ("**a**", "bab", true),
            ("*a*b*c", "xaxbxbxc", true),
            ("*a*b*c", "xaxbxbx", false),
        ] {
            assert_eq!(matches(pattern, text), is_it, "{pattern} {text}");
        }
    }

    #[test]
    fn lines_are_read_or_refused_with_what_to_do() {
        let ok = |line| parse(line).unwrap().action;
        assert_eq!(ok("  quit "), Action::Key(Command::Quit));
        assert_eq!(ok("rest all"), Action::Marked(Life::Restart));
        assert_eq!(ok("filter a b"), Action::Filter);
        for (line, why) in [
            ("", "nothing was typed"),
            ("quit now", "`quit` takes nothing after it, not `now`"),
            ("go", "`go` wants the id of a bottle"),
            ("go a b", "`go` takes one word, not also `b`"),
            (
                "sort",
                "`sort` wants one of age, state, name, cpu, memory, cost",
            ),
            ("frezee", "`frezee` is no command (did you mean `freeze`?)"),
            ("s", "`s` is no command (ctrl-k lists them)"),
            ("xyzzy", "`xyzzy` is no command (ctrl-k lists them)"),
        ] {
            assert_eq!(parse(line).unwrap_err(), why);
        }
    }

    #[test]
    fn what_is_typed_is_found_in_names_first() {
        assert!(fit("st", "stop", "") < fit("st", "restart", ""));
        assert!(fit("top", "stop", "") < fit("where they", "freeze", "where they are"));
        assert_eq!(fit("frz", "freeze", ""), Some(4));
        assert_eq!(fit("zrf", "freeze", ""), None);
    }
}
