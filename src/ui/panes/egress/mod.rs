//! What may leave a bottle, and what tried to; and the same of all bottles.

mod all;
mod budgets;
mod decisions;
mod parts;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::Look;
use super::super::text::{Words, row};
use crate::state::{Bottle, Focus, State, Tab};

pub(in crate::ui) use all::draw_all;
pub(in crate::ui) use decisions::tail_words;

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    let top = top(state, look, bottle, area);
    let rest = rest_of(area, top.len());
    for (at, words) in top.into_iter().enumerate() {
        words.draw(row(area, at), buffer);
    }
    decisions::draw(state, look, decisions::Naming::One, rest, buffer);
}

/// Which decision is in a row of the page or of the view, if that is what is shown.
pub(in crate::ui) fn decision_at(
    state: &State,
    look: Look,
    area: Rect,
    line: u16,
) -> Option<usize> {
    match state.view.focus {
        Focus::Egress => all::decision_at(state, look, area, line),
        Focus::List | Focus::Detail if state.view.tab == Tab::Egress => {
            let bottle = state.shown_bottle()?;
            let rest = rest_of(area, top(state, look, bottle, area).len());
            decisions::at(state, rest, line)
        }
        Focus::List
        | Focus::Detail
        | Focus::Inbox
        | Focus::Builds
        | Focus::Audit
        | Focus::Attached { .. } => None,
    }
}

/// The lines above the decisions.
fn top(state: &State, look: Look, bottle: &Bottle, area: Rect) -> Vec<Words> {
    let hub = &bottle.hub;
    let mut lines = parts::routes(state, look, bottle, area);
    lines.extend(parts::refused_change(look, bottle, area));
    let waiting = hub.holds.values().map(|hold| (None, hold));
    lines.extend(parts::holds(state, look, waiting));
    lines.extend(budgets::paused(
        state,
        look,
        bottle,
        usize::from(area.width),
    ));
    // On few rows the decisions matter more than the sums.
    if area.height > parts::TALL {
        lines.extend(parts::used(state, look, bottle, area));
        lines.extend(budgets::rows(state, look, bottle, usize::from(area.width)));
        lines.extend(parts::refused(look, bottle, area));
        lines.push(Words::new(look));
    }
    let counts = (hub.allowed, hub.denied);
    lines.push(decisions::head(state, look, counts, area.width));
    lines
}

/// What is left of an area below its first `lines` lines.
fn rest_of(area: Rect, lines: usize) -> Rect {
    let used = u16::try_from(lines).unwrap_or(u16::MAX).min(area.height);
    Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    }
}
