//! A session that is read back.

use super::{Binding, ENTER, ESCAPE, row};
use crate::state::command::{Command, Context};
use crate::state::copying::CopyCommand;
use crate::state::key::{Key, KeyCode};

use Context::{CopyFind, Copying};

pub(super) const ROWS: &[Binding] = &[
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
];
