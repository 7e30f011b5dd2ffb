//! The one table of keys: what is read here is what the footer and the help show.
//!
//! Its rows stand in files by what they are for; the order of the files, and of the rows in
//! them, is the order of the footer and of the help. Within one context no key stands
//! twice. Printable keys without a row are typed where something is typed, and ignored
//! elsewhere.

mod copying;
mod egress;
mod inbox;
mod life;
mod list;
mod logs;
mod pages;
mod questions;
mod sessions;

use super::command::{Command, Context};
use super::key::{Key, KeyCode};

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
    AllEgress, Approve, ApproveAll, ApproveFindings, Audit, Builds, CopyFind, Copying, Decision,
    Detail, Egress, Filter, Help, Inbox, Line, List, Logs, Message, Palette, Picker, Plan,
    Requests, Split, Terms,
};

const MAIN: &[Context] = &[List, Detail, Logs, Egress, Requests];
/// Where everything stands that is of no page in particular.
const ANYWHERE: &[Context] = &[List, Split, Detail, Logs, Egress, Requests, AllEgress];
const DECIDED: &[Context] = &[Egress, AllEgress];
/// As [`ANYWHERE`], and where all that waits is listed.
const EVERYWHERE: &[Context] = &[
    List, Split, Detail, Logs, Egress, Requests, AllEgress, Inbox, Builds, Audit,
];
const LISTS: &[Context] = &[
    List,
    Detail,
    Logs,
    Egress,
    Requests,
    AllEgress,
    Inbox,
    Builds,
    Audit,
    Decision,
    Help,
    Message,
    Plan,
    Terms,
    Approve,
    ApproveFindings,
    ApproveAll,
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

/// The parts of the table, in the order of the footer.
const PARTS: &[&[Binding]] = &[
    questions::ROWS,
    egress::ROWS,
    logs::ROWS,
    inbox::ROWS,
    copying::ROWS,
    sessions::ROWS,
    pages::ROWS,
    life::ROWS,
    list::ROWS,
];

/// The table, in the order of the footer.
pub static KEYMAP: &[Binding] = &joined::<{ count(PARTS) }>(PARTS);

const fn count(mut parts: &[&[Binding]]) -> usize {
    let mut count = 0;
    while let [part, rest @ ..] = parts {
        count += part.len();
        parts = rest;
    }
    count
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses a place that is not there"
)]
const fn joined<const COUNT: usize>(mut parts: &[&[Binding]]) -> [Binding; COUNT] {
    let mut all = [row(&[], Command::Help, &[], "", ""); COUNT];
    let mut at = 0;
    while let [part, rest @ ..] = parts {
        let mut rows = *part;
        while let [row, others @ ..] = rows {
            all[at] = *row;
            at += 1;
            rows = others;
        }
        parts = rest;
    }
    all
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
    fn an_attached_session_gets_every_key_but_the_chords() {
        let ours: Vec<_> = bindings(Context::Attached)
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
