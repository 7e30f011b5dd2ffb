//! The pages of egress: what left, and what was refused.

use super::{Binding, DECIDED, ENTER, row};
use crate::state::command::{Command, Context};
use crate::state::key::Key;

use Context::{AllEgress, Egress};

pub(super) const ROWS: &[Binding] = &[
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
];
