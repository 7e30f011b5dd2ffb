//! The logs of a bottle's containers, merged, or of one of them: a head that says what is
//! shown, and the lines.

mod head;
mod line;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::layout::Layout;
use super::super::look::{Look, Role};
use super::super::text::{Words, put_text, row};
use super::output;
use crate::state::{Bottle, State, Tab, TerminalSize};

/// Rows of a build's output, its head included, at most.
const BUILD: u16 = 14;
/// From so many rows on there is one for the head.
const WITH_HEAD: u16 = 3;

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    build(state, look, bottle, area, buffer);
    let lines = lines_area(state, bottle, area);
    if lines.y > area.y {
        head::draw(state, look, row(area, 0), buffer);
    }
    let page = &state.view.logs;
    if page.extent.first == page.extent.end {
        let words = if !page.is_loaded() {
            " reading"
        } else if page.filter.is_empty() {
            " No line yet."
        } else {
            " No line passes the filter: esc drops it."
        };
        put_text(words, look.style(Role::Faint), row(lines, 0), buffer);
        return;
    }
    line::draw_all(state, look, lines, buffer);
}

/// The size that the lines have; `None` while the page is not shown.
pub(in crate::ui) fn area(state: &State, layout: &Layout) -> Option<TerminalSize> {
    let is_shown = state.view.tab == Tab::Logs
        && state.attached().is_none()
        && layout.body.height > 0
        && layout.body.width > 0;
    let bottle = state.shown_bottle().filter(|_| is_shown)?;
    let lines = lines_area(state, bottle, layout.body);
    Some(TerminalSize {
        columns: lines.width,
        rows: lines.height,
    })
}

/// Where the lines are: below the head, above what is being built.
fn lines_area(state: &State, bottle: &Bottle, area: Rect) -> Rect {
    let height = area.height - build_rows(state, bottle, area);
    let head = u16::from(height >= WITH_HEAD);
    Rect {
        y: area.y + head,
        height: height - head,
        ..area
    }
}

/// Rows for what is being built for the bottle, or was in vain.
fn build_rows(state: &State, bottle: &Bottle, area: Rect) -> u16 {
    let is_over = bottle.operation.is_none() && bottle.failed.is_none();
    let is_sidecar = state
        .view
        .selected
        .as_ref()
        .is_some_and(|row| row.sidecar.is_some());
    let lines = u16::try_from(bottle.output.len()).unwrap_or(u16::MAX);
    let height = lines.saturating_add(1).min(BUILD).min(area.height / 2);
    if is_over || is_sidecar || lines == 0 || height < 2 {
        return 0;
    }
    height
}

/// Draws below the logs what is being built for the bottle, or was in vain.
fn build(state: &State, look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    let height = build_rows(state, bottle, area);
    if height == 0 {
        return;
    }
    let rest = area.height - height;
    let head = row(area, usize::from(rest));
    let how = bottle.operation.as_ref();
    let how = how.map_or_else(String::new, |operation| output::progress(look, operation));
    let mut words = Words::new(look).put(Role::Heading, " BUILD");
    words = match bottle.operation {
        Some(_) => words.also(Role::Busy, how),
        None => words.also(Role::Broken, "it failed; the last lines of it"),
    };
    words.draw(head, buffer);
    let lines = Rect {
        y: head.y + 1,
        height: height - 1,
        ..area
    };
    output::draw(look, bottle, lines, buffer);
}
