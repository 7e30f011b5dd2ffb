//! The pages of a bottle, and those of all bottles.

use super::{Binding, ENTER, EVERYWHERE, MAIN, row};
use crate::state::audit::AuditCommand;
use crate::state::command::{Command, Context};
use crate::state::key::{Key, KeyCode};
use crate::state::view::Tab;

use Context::{AllEgress, Audit, Builds};

pub(super) const ROWS: &[Binding] = &[
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
        &[ENTER],
        Command::OpenBuild,
        &[Builds],
        "output",
        "builds: what the selected build says, or why it failed",
    ),
    row(
        &[Key::char('b')],
        Command::VisitBuild,
        &[Builds],
        "bottle",
        "builds: go to its bottle",
    ),
    row(
        &[Key::char('B')],
        Command::Builds,
        EVERYWHERE,
        "",
        "the images that are being made over all bottles, and those that were",
    ),
    row(
        &[ENTER],
        Command::Entry(AuditCommand::Open),
        &[Audit],
        "details",
        "audit: all that is known of the selected entry",
    ),
    row(
        &[Key::char('/')],
        Command::Entry(AuditCommand::Filter),
        &[Audit],
        "filter",
        "audit: only entries that hold words or match a regular expression",
    ),
    row(
        &[Key::char('o')],
        Command::Entry(AuditCommand::OneBottle),
        &[Audit],
        "only its bottle",
        "audit: only the bottle of the selected entry, or as before",
    ),
    row(
        &[Key::char('f')],
        Command::Entry(AuditCommand::Follow),
        &[Audit],
        "follow",
        "audit: follow what is added, or stay where it is",
    ),
    row(
        &[Key::char('b')],
        Command::Entry(AuditCommand::Visit),
        &[Audit],
        "bottle",
        "audit: go to the bottle of the selected entry",
    ),
    row(
        &[Key::char('A')],
        Command::Audit,
        EVERYWHERE,
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
        Command::Show(Tab::Requests),
        MAIN,
        "",
        "show what its agent asked for, and the answers",
    ),
    row(
        &[Key::char('5')],
        Command::Show(Tab::Spec),
        MAIN,
        "",
        "show what the bottle was made from",
    ),
    row(
        &[Key::char('6')],
        Command::Show(Tab::Stats),
        MAIN,
        "",
        "show what the bottle uses: CPU, memory, network, cost",
    ),
];
