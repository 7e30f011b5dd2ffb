//! The list, and how one moves anywhere.

use super::{BUT_ATTACHED, Binding, DOWN, ESCAPE, EVERYWHERE, LISTS, MAIN, UP, row};
use crate::state::command::{Command, Context, OrderCommand};
use crate::state::key::{Key, KeyCode};
use crate::state::panes::WallMove;

use Context::{AllEgress, Audit, Builds, Detail, Egress, Help, Inbox, List, Logs, Requests};

pub(super) const ROWS: &[Binding] = &[
    // The list.
    row(
        &[Key::char('/')],
        Command::Filter,
        &[List, Detail, Requests],
        "filter",
        "show only bottles with this in id, agent or state",
    ),
    row(
        &[Key::char('o')],
        Command::Order(OrderCommand::Choose),
        &[List, Detail, Requests],
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
        &[Key::char('K')],
        Command::Wall(WallMove::Up),
        EVERYWHERE,
        "",
        "give what needs you a row more; the rule above it can be dragged too",
    ),
    row(
        &[Key::char('J')],
        Command::Wall(WallMove::Down),
        EVERYWHERE,
        "",
        "give what needs you a row less",
    ),
    row(
        &[Key::char('=')],
        Command::Wall(WallMove::Usual),
        MAIN,
        "",
        "make the list as wide as it is at first, and what needs you as high",
    ),
    row(
        &[Key::char('-')],
        Command::Order(OrderCommand::Fold),
        &[List, Detail, Requests],
        "fold",
        "fold or unfold the group of the selected row",
    ),
    row(
        &[Key::char('Z')],
        Command::Order(OrderCommand::FoldAll),
        &[List, Detail, Requests],
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
        &[Detail, Egress, Requests],
        "",
        "the keys act on the list",
    ),
    row(
        &[ESCAPE],
        Command::Back,
        &[
            Detail, Logs, Egress, Requests, AllEgress, Inbox, Builds, Audit,
        ],
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
