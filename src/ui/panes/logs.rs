//! The logs of a bottle's containers, merged, or of one of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::clock;
use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe};
use crate::state::{Bottle, LogEntry, State, Tail};

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
