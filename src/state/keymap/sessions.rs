//! Sessions: attached, side by side, and on to the next.

use super::{ANYWHERE, Binding, DOWN, ENTER, ESCAPE, MAIN, UP, row};
use crate::state::command::{Command, Context};
use crate::state::copying::CopyCommand;
use crate::state::key::{Key, KeyCode};

use Context::{Attached, Attaching, Detail, List, Split};

pub(super) const ROWS: &[Binding] = &[
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
        "answer what waits, raise a budget, hand over a secret; approve for all marked",
    ),
];
