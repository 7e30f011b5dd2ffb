//! The rows of the inbox.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, pad, put_text, row, safe};
use crate::state::{
    Ask, Bottle, HoldRecord, InboxName, InboxPage, InboxRow, Operation, OperationKind,
    RequestRecord, RequestState, RoleState, Source, State, age, pause_words,
};

/// Columns of the kind, of what is counted, and of the bottle's name where there is room.
const KIND: usize = 11;
const TIME: usize = 6;
const NAME: usize = 18;
/// Below this many columns the bottle's name is as short as it can be.
const ROOMY: u16 = 60;

/// The first row in sight.
pub(super) fn first(state: &State, list: Rect) -> usize {
    let height = usize::from(list.height);
    let inbox = &state.view.inbox;
    let last = inbox.rows.len().saturating_sub(height);
    inbox.at.saturating_sub(height / 2).min(last)
}

pub(super) fn draw(state: &State, look: Look, list: Rect, buffer: &mut Buffer) {
    if list.height == 0 {
        return;
    }
    let inbox = &state.view.inbox;
    if inbox.rows.is_empty() {
        let text = match inbox.page {
            InboxPage::Waiting => " nothing needs you",
            InboxPage::Answered => " nothing was answered yet",
        };
        put_text(text, look.style(Role::Faint), list, buffer);
        return;
    }
    let first = first(state, list);
    let height = usize::from(list.height);
    let rows = inbox.rows.iter().enumerate().skip(first).take(height);
    for (at, shown) in rows {
        let area = row(list, at - first);
        line(state, look, shown, list.width).draw(area, buffer);
        if at == inbox.at {
            let style = if state.view.modal.is_none() {
                buffer.set_style(area.intersection(buffer.area), look.blank());
                look.style(Role::Selected)
            } else {
                look.style(Role::Marked)
            };
            buffer.set_style(area.intersection(buffer.area), style);
            put_text(look.glyph("▌", ">"), style, area, buffer);
        }
    }
}

/// What one row says, beside the bottle's name.
#[derive(Debug)]
pub(in crate::ui) struct Said {
    pub(in crate::ui) role: Role,
    pub(in crate::ui) sign: &'static str,
    pub(in crate::ui) kind: String,
    pub(in crate::ui) time: String,
    pub(in crate::ui) words: String,
}

fn line(state: &State, look: Look, shown: &InboxRow, width: u16) -> Words {
    let said = said(state, look, shown);
    let indent = if shown.is_member { "  " } else { "" };
    let marked = &state.view.inbox.marked;
    let is_marked =
        !shown.requests.is_empty() && shown.requests.iter().all(|one| marked.contains(one));
    let (mark_role, mark) = if is_marked {
        (Role::Key, look.glyph("■", "+"))
    } else {
        (Role::Plain, " ")
    };
    let name = match (&shown.name, shown.requests.len()) {
        (InboxName::Same { .. }, count @ 2..) => {
            format!("{}{count} bottles", look.glyph("×", "x"))
        }
        _ => shown
            .bottle()
            .map(|bottle| bottle.id.to_string())
            .unwrap_or_default(),
    };
    let name = if width >= ROOMY {
        pad(look, &name, NAME)
    } else {
        format!("{} ", safe(look, &name, NAME))
    };
    let words = Words::new(look)
        .put(mark_role, mark)
        .put(said.role, format!("{indent}{} ", said.sign))
        .put(said.role, pad(look, &said.kind, KIND - indent.len()))
        .put(Role::Faint, format!("{:>TIME$}  ", said.time))
        .put(Role::Strong, name);
    let room = usize::from(width).saturating_sub(words.width() + 1);
    words.put(Role::Plain, safe(look, &said.words, room))
}

fn said(state: &State, look: Look, shown: &InboxRow) -> Said {
    let known = shown.bottle().and_then(|bottle| state.fleet.get(bottle));
    let wanting = |kind: &str, time, words| Said {
        role: Role::Wanting,
        sign: look.glyph("◆", "!"),
        kind: kind.to_owned(),
        time,
        words,
    };
    let since = age(state.now, shown.since);
    match &shown.name {
        InboxName::Hold { hold, .. } => {
            let hold = known.and_then(|known| known.hub.holds.get(hold));
            let left = hold.map_or(0, |hold| hold.until.duration_since(state.now).as_secs());
            let words = hold.map(HoldRecord::words).unwrap_or_default();
            wanting("held", format!("-{}s", left.max(0)), words)
        }
        InboxName::Paused { .. } => {
            let budgets = known.and_then(|known| known.hub.budgets.as_ref());
            let words = budgets.and_then(|budgets| pause_words(budgets, state.now));
            wanting("budget", since, words.unwrap_or_default())
        }
        InboxName::Locked { .. } => {
            wanting("locked", since, known.map(missing).unwrap_or_default())
        }
        InboxName::Same { .. } | InboxName::Request { .. } => {
            let first = shown.requests.first();
            let Some(record) = first.and_then(|one| state.request(one)) else {
                return wanting("gone", since, String::new());
            };
            let is_busy = shown
                .requests
                .iter()
                .any(|one| state.view.inbox.busy.contains(one));
            let mut said = of_request(look, record, since, is_busy);
            if let Some(operation) = known.and_then(|known| under_way(known, record, is_busy)) {
                said.time = operation.count();
                said.words = format!("{}: {}", said.words, operation.what);
            }
            said
        }
    }
}

/// The secrets that a bottle's egress waits for.
pub(super) fn missing(bottle: &Bottle) -> String {
    match bottle.hub.roles.get(&crate::state::Role::Egress) {
        Some(RoleState::Locked { missing }) => {
            format!("egress needs the value of {}", missing.join(", "))
        }
        _ => String::new(),
    }
}

/// What is being done for a request, if it is the one that its bottle is changed for.
pub(super) fn under_way<'a>(
    bottle: &'a Bottle,
    record: &RequestRecord,
    is_busy: bool,
) -> Option<&'a Operation> {
    let is_its = match record.state {
        RequestState::Approved { .. } | RequestState::Applying { .. } => true,
        // What it was given is being taken back.
        RequestState::Applied { .. } => is_busy,
        RequestState::Pending
        | RequestState::Answered { .. }
        | RequestState::Denied { .. }
        | RequestState::Failed { .. }
        | RequestState::Undone { .. }
        | RequestState::Expired { .. }
        | RequestState::Withdrawn { .. } => false,
    };
    let operation = bottle.operation.as_ref().filter(|_| is_its)?;
    (operation.kind == OperationKind::Change).then_some(operation)
}

/// What a row says of a request.
pub(in crate::ui) fn of_request(
    look: Look,
    record: &RequestRecord,
    since: String,
    is_busy: bool,
) -> Said {
    let (role, sign, word) = match &record.state {
        RequestState::Pending if is_busy => (Role::Busy, look.glyph("▸", ">"), None),
        RequestState::Pending => (Role::Wanting, look.glyph("◆", "!"), None),
        RequestState::Approved { .. } | RequestState::Applying { .. } => {
            (Role::Busy, look.glyph("▸", ">"), Some("applying"))
        }
        RequestState::Applied { .. } if is_busy => {
            (Role::Busy, look.glyph("▸", ">"), Some("undoing"))
        }
        RequestState::Applied { .. } => (Role::Good, look.yes(), Some("applied")),
        RequestState::Answered { .. } => (Role::Good, look.yes(), Some("answered")),
        RequestState::Failed { .. } => (Role::Broken, look.no(), Some("failed")),
        state @ (RequestState::Denied { .. }
        | RequestState::Undone { .. }
        | RequestState::Expired { .. }
        | RequestState::Withdrawn { .. }) => (Role::Faint, look.no(), Some(state.word())),
    };
    let kind = kind(&record.ask);
    Said {
        role,
        sign,
        kind: word.unwrap_or(&kind).to_owned(),
        time: since,
        words: words(record),
    }
}

/// The kind of what is asked for, as it is read.
pub(in crate::ui) fn kind(ask: &Ask) -> String {
    ask.kind().replace('_', " ")
}

/// What is asked for in a line, the shortest that says it.
fn words(record: &RequestRecord) -> String {
    let words = if let Ask::Route(route) = &record.ask {
        route.route(record.id).words()
    } else {
        record.ask.words()
    };
    match record.source {
        Source::Agent => words,
        Source::Egress => format!("{words}, which egress refused"),
    }
}
