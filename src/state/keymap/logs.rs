//! The page of logs.

use super::{Binding, ENTER, row};
use crate::state::command::{Command, Context};
use crate::state::key::{Key, KeyCode};
use crate::state::log::{LogCommand, LogReach};

use Context::Logs;

pub(super) const ROWS: &[Binding] = &[
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
        &[Key::char('M')],
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
];
