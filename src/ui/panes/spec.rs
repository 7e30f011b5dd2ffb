//! The description that a bottle was made from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe, wrap};
use crate::state::{Bottle, SpecView, State};

/// Columns of a label.
const LABEL: usize = 14;

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    let width = usize::from(area.width).saturating_sub(2);
    match &bottle.spec {
        SpecView::Unknown | SpecView::Asked => {
            put_text(
                " Reading the record.",
                look.style(Role::Faint),
                row(area, 1),
                buffer,
            );
        }
        SpecView::Unreadable { why } => {
            let text = format!("The spec cannot be read: {why}");
            for (at, line) in wrap(look, &text, width).into_iter().enumerate() {
                let words = Words::new(look).put(Role::Troubled, format!(" {line}"));
                words.draw(row(area, at + 1), buffer);
            }
        }
        SpecView::Known { rows, .. } => {
            let shown = usize::from(area.height);
            let first = state.view.spec_scroll.min(rows.len().saturating_sub(shown));
            for (at, entry) in rows.iter().skip(first).take(shown).enumerate() {
                Words::new(look)
                    .put(Role::Faint, pad(look, &format!(" {}", entry.label), LABEL))
                    .put(
                        Role::Plain,
                        safe(look, &entry.value, width.saturating_sub(LABEL)),
                    )
                    .draw(row(area, at), buffer);
            }
        }
    }
}
