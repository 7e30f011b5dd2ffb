//! The logs of a bottle's containers, merged, or of one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::clock;
use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use super::output;
use crate::state::{Bottle, LogEntry, State, Tail};

/// Rows of a build's output, its head included, at most.
const BUILD: u16 = 14;
/// Columns of margin and time, and of a role's name.
const TIME: usize = 10;
const NAME: usize = 10;

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    let area = build(state, look, bottle, area, buffer);
    let sidecar = state.view.selected.as_ref().and_then(|row| row.sidecar);
    let entries: Vec<&LogEntry> = bottle
        .logs
        .numbered()
        .rev()
        .filter(|(number, _)| match state.view.logs {
            Tail::Follow => true,
            Tail::Paused { last } => *number <= last,
        })
        .map(|(_, entry)| entry)
        .filter(|entry| sidecar.is_none_or(|role| role == entry.role))
        .take(usize::from(area.height))
        .collect();
    if entries.is_empty() {
        put_text(
            " No line yet.",
            look.style(Role::Faint),
            row(area, 1),
            buffer,
        );
        return;
    }
    for (at, entry) in entries.into_iter().rev().enumerate() {
        let mut words = Words::new(look).put(
            Role::Faint,
            pad(
                look,
                &format!(" {}", clock::seconds(state, entry.line.at)),
                TIME,
            ),
        );
        if sidecar.is_none() {
            words = words.put(Role::Faint, pad(look, entry.role.as_str(), NAME));
        }
        let room = usize::from(area.width).saturating_sub(words.width());
        words
            .put(Role::Plain, safe(look, &entry.line.text, room))
            .draw(row(area, at), buffer);
    }
}

/// Draws below the logs what is being built for the bottle, or was in vain, and gives the
/// rest of the page.
fn build(state: &State, look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) -> Rect {
    let is_over = bottle.operation.is_none() && bottle.failed.is_none();
    let is_sidecar = state
        .view
        .selected
        .as_ref()
        .is_some_and(|row| row.sidecar.is_some());
    let lines = u16::try_from(bottle.output.len()).unwrap_or(u16::MAX);
    let height = lines.saturating_add(1).min(BUILD).min(area.height / 2);
    if is_over || is_sidecar || lines == 0 || height < 2 {
        return area;
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
    Rect {
        height: rest,
        ..area
    }
}
