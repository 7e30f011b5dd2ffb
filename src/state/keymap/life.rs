//! What is done to bottles, one or several at once.

use super::{Binding, EVERYWHERE, MAIN, row};
use crate::state::command::{Command, Context, Life};
use crate::state::key::Key;

use Context::{AllEgress, Detail, Egress, List, Logs, Requests};

pub(super) const ROWS: &[Binding] = &[
    // Life of a bottle.
    row(
        &[Key::char('s'), Key::char('n')],
        Command::Start,
        &[List, Detail, Egress, Requests, AllEgress],
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
        &[List, Detail, Egress, Requests],
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
];
