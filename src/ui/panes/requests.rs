//! What the agent of one bottle asked for: a row a request, what waits first, and below
//! the rows what is known of the selected one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_line, put_text, row, safe, wrap};
use super::inbox::{about, kind, of_request};
use crate::state::{
    Answer, Bottle, Focus, RequestRecord, RequestRef, RequestState, State, Tab, age,
};

/// Columns of the state, of the time and of the number.
const STATE: usize = 10;
const TIME: usize = 4;
const NUMBER: usize = 4;
/// Columns of the kind and of the answer, where there is room for them.
const KIND: usize = 13;
const ANSWER: usize = 22;
/// From this many columns on there are kinds and answers.
const ROOMY: u16 = 74;
/// Rows that the selected one is told in, at most and at least.
const MOST_TOLD: u16 = 12;
const LEAST_TOLD: u16 = 3;

/// Where the parts are.
struct Parts {
    head: Rect,
    rows: Rect,
    told: Rect,
}

impl Parts {
    fn of(body: Rect, count: usize) -> Self {
        let head = row(body, 0);
        let rest = Rect {
            y: body.y + head.height,
            height: body.height - head.height,
            ..body
        };
        let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
        // The rows come first; what they leave, and a third at least, tells of one.
        let least = (rest.height / 3).min(MOST_TOLD);
        let least = if least < LEAST_TOLD { 0 } else { least };
        let rows = count.min(rest.height - least);
        let gap = u16::from(rest.height > rows);
        let told = (rest.height - rows - gap).min(MOST_TOLD);
        Self {
            head,
            rows: Rect {
                height: rows,
                ..rest
            },
            told: Rect {
                y: rest.y + rows + gap,
                height: told,
                ..rest
            },
        }
    }
}

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    body: Rect,
    buffer: &mut Buffer,
) {
    let rows = bottle.request_rows();
    if rows.is_empty() {
        draw_none(look, bottle, body, buffer);
        return;
    }
    let parts = Parts::of(body, rows.len());
    head(look, body.width).draw(parts.head, buffer);
    let at = state.request_place(&rows);
    let first = first(at, rows.len(), parts.rows);
    let height = usize::from(parts.rows.height);
    for (place, record) in rows.iter().enumerate().skip(first).take(height) {
        let area = row(parts.rows, place - first);
        line(state, look, bottle, record, area.width).draw(area, buffer);
        if place == at {
            select(state, look, area, buffer);
        }
    }
    if let Some(record) = rows.get(at) {
        let width = usize::from(parts.told.width);
        let lines = about(state, look, record, width);
        for (at, line) in lines.iter().enumerate() {
            put_line(line, row(parts.told, at), buffer);
        }
    }
}

/// Which request is in a row of the page, if that page is shown.
pub(in crate::ui) fn row_at(state: &State, body: Rect, line: u16) -> Option<usize> {
    if state.view.tab != Tab::Requests || state.attached().is_some() {
        return None;
    }
    let rows = state.selected_bottle()?.request_rows();
    let area = Parts::of(body, rows.len()).rows;
    let line = usize::from(line.checked_sub(area.y)?);
    let at = first(state.request_place(&rows), rows.len(), area) + line;
    (line < usize::from(area.height) && at < rows.len()).then_some(at)
}

/// The first row in sight.
fn first(at: usize, count: usize, area: Rect) -> usize {
    let height = usize::from(area.height);
    at.saturating_sub(height / 2)
        .min(count.saturating_sub(height))
}

fn draw_none(look: Look, bottle: &Bottle, body: Rect, buffer: &mut Buffer) {
    let text = if bottle.runs(crate::state::Role::Supervise) {
        "Its agent asked for nothing yet.\n\nWhat it asks for stands here, what waits first, \
         with your answers below."
    } else {
        "Its requests are told by its sidecars, which do not run: r starts the bottle again."
    };
    let width = usize::from(body.width).saturating_sub(2);
    let area = Rect {
        x: body.x + 1,
        width: body.width.saturating_sub(1),
        ..body
    };
    for (at, line) in wrap(look, text, width).into_iter().enumerate() {
        put_text(&line, look.style(Role::Faint), row(area, at), buffer);
    }
}

fn head(look: Look, width: u16) -> Words {
    let head = |text: &str, width| pad(look, text, width);
    let mut words = Words::new(look)
        .put(Role::Heading, format!("   {}", head("STATE", STATE)))
        .put(Role::Heading, format!("{:>TIME$} ", "FOR"))
        .put(Role::Heading, format!("{:>NUMBER$}  ", "NO"));
    if width >= ROOMY {
        words = words
            .put(Role::Heading, head("KIND", KIND))
            .put(Role::Heading, head("ANSWER", ANSWER));
    }
    words.put(Role::Heading, "WHAT")
}

fn line(state: &State, look: Look, bottle: &Bottle, record: &RequestRecord, width: u16) -> Words {
    let request = RequestRef {
        bottle: bottle.bottle.clone(),
        id: record.id,
    };
    let is_busy = state.view.inbox.busy.contains(&request);
    let since = age(state.now, record.state.at().unwrap_or(record.first));
    let said = of_request(look, record, since, is_busy);
    let word = match (matches!(record.state, RequestState::Pending), is_busy) {
        (true, true) => "answering",
        (true, false) => "waits",
        (false, _) => said.kind.as_str(),
    };
    let mut words = Words::new(look)
        .put(said.role, format!(" {} ", said.sign))
        .put(said.role, pad(look, word, STATE))
        .put(Role::Faint, format!("{:>TIME$} ", said.time))
        .put(Role::Strong, format!("{:>NUMBER$}  ", record.id));
    if width >= ROOMY {
        words = words
            .put(Role::Plain, pad(look, &kind(&record.ask), KIND))
            .put(Role::Plain, pad(look, &answer(record), ANSWER - 1))
            .put(Role::Plain, " ");
    }
    let room = usize::from(width).saturating_sub(words.width() + 1);
    words.put(Role::Plain, safe(look, &said.words, room))
}

/// The answer and its terms, as short as they can be.
fn answer(record: &RequestRecord) -> String {
    let answer = record.state.verdict().map(|verdict| &verdict.answer);
    match (answer, &record.state) {
        (Some(Answer::Approve { terms, edited }), _) => {
            let mut parts = vec![match terms.scope {
                crate::state::GrantScope::Bottle => String::from("yes, this bottle"),
                crate::state::GrantScope::Manifest => String::from("yes, manifest"),
            }];
            parts.extend(edited.as_ref().map(|_| String::from("edited")));
            parts.extend(terms.uses.map(|uses| format!("{uses} uses")));
            parts.extend(terms.until.map(|_| String::from("for a time")));
            parts.join(", ")
        }
        (Some(Answer::Deny { .. }), _) => String::from("no"),
        (Some(Answer::Reply { text }), _) => format!("reply: {text}"),
        (None, RequestState::Expired { .. }) => String::from("none in time"),
        (None, RequestState::Withdrawn { .. }) => String::from("taken back"),
        (None, _) if record.times > 1 => format!("asked {} times", record.times),
        (None, _) => String::from("asked once"),
    }
}

fn select(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let has_keys = state.view.focus == Focus::Detail && state.view.modal.is_none();
    let style = if has_keys {
        buffer.set_style(area.intersection(buffer.area), look.blank());
        look.style(Role::Selected)
    } else {
        look.style(Role::Marked)
    };
    buffer.set_style(area.intersection(buffer.area), style);
    put_text(look.glyph("▌", ">"), style, area, buffer);
}
