//! What waits for the operator, and what is being done for it.

use super::{Binding, DECIDED, ENTER, row};
use crate::state::command::{Command, Context};
use crate::state::key::{Key, KeyCode};

use Context::{Audit, Builds, Detail, Egress, Inbox, List, Logs, Requests};

pub(super) const ROWS: &[Binding] = &[
    // What is being done; where nothing is, the footer leaves it out.
    row(
        &[Key::char('c')],
        Command::CancelOperation,
        &[List, Detail, Logs, Egress, Requests, Inbox, Builds],
        "cancel",
        "cancel a start or an approved change (asks first)",
    ),
    // What the agent of one bottle asked for.
    row(
        &[ENTER],
        Command::OpenRequest,
        &[Requests],
        "open",
        "requests page: open the selected one in the inbox, to read and answer it",
    ),
    // What waits for the operator.
    row(
        &[Key::char('a')],
        Command::Approve,
        &[Inbox],
        "approve",
        "inbox: approve what the selected row asks for, or all marked (asks first)",
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
        &[Key::char('m')],
        Command::MarkAsk,
        &[Inbox],
        "",
        "inbox: mark the row; a then approves all marked with one question",
    ),
    row(
        &[Key::char('*')],
        Command::MarkAllAsks,
        &[Inbox],
        "",
        "inbox: mark all that waits, or nothing",
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
        &[List, Detail, Logs, Requests, Builds, Audit],
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
];
