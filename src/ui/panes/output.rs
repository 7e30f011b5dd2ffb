//! How far an operation is, and the last of what it said: lines of a build, which an
//! agent may have written.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, row, safe};
use crate::state::{Bottle, Operation};

/// Columns of a bar in a line of other things.
const SHORT: usize = 8;

/// A bar of so many columns.
pub(in crate::ui) fn bar(look: Look, done: u32, of: u32, width: usize) -> String {
    let of = usize::try_from(of).unwrap_or(usize::MAX).max(1);
    let done = usize::try_from(done).unwrap_or(usize::MAX).min(of);
    let full = width.saturating_mul(done) / of;
    let (ink, paper) = (look.glyph("▓", "#"), look.glyph("░", "."));
    format!("{}{}", ink.repeat(full), paper.repeat(width - full))
}

/// How far an operation is, as `3/8` and a short bar; empty where that is not known.
pub(in crate::ui) fn progress(look: Look, operation: &Operation) -> String {
    let count = operation.count();
    if count.is_empty() {
        return count;
    }
    let bar = bar(look, operation.done, operation.of, SHORT);
    format!("{count} {bar}")
}

/// Draws the last lines that fit.
pub(in crate::ui) fn draw(look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    let height = usize::from(area.height);
    let lines: Vec<&String> = bottle.output.iter().rev().take(height).collect();
    let bar = format!(" {} ", look.wall());
    for (at, line) in lines.into_iter().rev().enumerate() {
        let words = Words::new(look).put(Role::Key, bar.clone());
        let room = usize::from(area.width).saturating_sub(words.width() + 1);
        words
            .put(Role::Faint, safe(look, line, room))
            .draw(row(area, at), buffer);
    }
}
