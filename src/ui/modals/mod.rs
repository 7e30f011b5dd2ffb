//! What lies over everything: one box, its lines, and where they stand.

mod approvals;
mod inbox;
mod lines;
mod mass;
mod order;
mod palette;
mod picker;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_width::UnicodeWidthStr as _;

use super::look::{Look, Role};
use super::text::{put_line, put_text, row};
use crate::state::{Modal, State, Target};

/// What a box shows.
#[derive(Debug)]
pub(super) struct Content {
    title: String,
    /// Lines above the list that do not scroll.
    head: Vec<Line<'static>>,
    lines: Vec<Line<'static>>,
    /// The line of `lines` that must be in sight.
    sight: Sight,
    /// The width that the box would like, border included.
    width: u16,
}

/// Which lines are in sight.
#[derive(Clone, Copy, Debug)]
enum Sight {
    /// Those from this one on.
    From(usize),
    /// Those around this one, which is marked.
    Around(usize),
}

/// Draws what lies over everything, if something does.
pub(super) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let Some((content, place)) = place(state, look, area) else {
        return;
    };
    clear(place, look, buffer);
    frame(&content.title, look, place, buffer);
    let inner = inner(place);
    for (at, line) in content.head.iter().enumerate() {
        put_line(line, row(inner, at), buffer);
    }
    let list = list_area(&content, inner);
    let first = first_line(&content, list);
    for (at, line) in content.lines.iter().skip(first).enumerate() {
        let area = row(list, at);
        put_line(line, area, buffer);
        if matches!(content.sight, Sight::Around(chosen) if chosen == first + at) {
            buffer.set_style(area.intersection(buffer.area), look.blank());
            buffer.set_style(area.intersection(buffer.area), look.style(Role::Selected));
        }
    }
    let hidden = content
        .lines
        .len()
        .saturating_sub(first + usize::from(list.height));
    if hidden > 0 {
        more(hidden, look, place, buffer);
    }
}

/// What of the box is at a place; nothing if the place is outside of it.
pub(super) fn hit(state: &State, look: Look, area: Rect, column: u16, line: u16) -> Option<Target> {
    let (content, place) = place(state, look, area)?;
    let at = ratatui::layout::Position::new(column, line);
    if !place.contains(at) {
        return None;
    }
    let list = list_area(&content, inner(place));
    let is_choice = matches!(
        state.view.modal,
        Some(Modal::Picker { .. } | Modal::Palette { .. })
    );
    if !list.contains(at) || !is_choice {
        return Some(Target::Modal);
    }
    let number = first_line(&content, list) + usize::from(line - list.y);
    Some(if number < content.lines.len() {
        Target::Offer { at: number }
    } else {
        Target::Modal
    })
}

fn place(state: &State, look: Look, area: Rect) -> Option<(Content, Rect)> {
    let modal = state.view.modal.as_ref()?;
    let widest = area.width.saturating_sub(2);
    let content = match modal {
        Modal::Palette {
            text,
            chosen,
            is_line,
            ..
        } => palette::content(state, text, (*chosen, *is_line), look, widest),
        Modal::Picker { picker } => picker::content(picker, look, widest),
        Modal::Order => order::content(state, look),
        Modal::Approve { draft, scroll } => inbox::approve(state, draft, *scroll, look, widest),
        Modal::ApproveAll { approvals, scroll } => {
            approvals::content(state, approvals, *scroll, look, widest)
        }
        Modal::Terms { draft, line } => inbox::terms(state, draft, *line, look, widest),
        Modal::Line {
            purpose,
            shown,
            text,
        } => inbox::line(state, purpose, shown, text, look, widest),
        Modal::ConfirmUndo { request, words } => inbox::undo(state, request, words, look, widest),
        Modal::ConfirmAll {
            kind,
            bottles,
            left_out,
        } => mass::all(state, look, widest, *kind, (bottles, *left_out)),
        Modal::ConfirmPanic { running } => mass::panic(state, look, widest, *running),
        Modal::ConfirmLift { standing } => mass::lift(state, look, widest, standing),
        Modal::Help { .. }
        | Modal::ConfirmStop { .. }
        | Modal::ConfirmRemove { .. }
        | Modal::ConfirmCancel { .. }
        | Modal::Clipboard { .. }
        | Modal::ConfirmQuit
        | Modal::Answer { .. }
        | Modal::Raise { .. }
        | Modal::Allow { .. }
        | Modal::Decision { .. }
        | Modal::Hits { .. }
        | Modal::Plan { .. }
        | Modal::Secret { .. }
        | Modal::Message { .. } => lines::content(state, modal, look, widest),
    };
    let rows = content.head.len() + content.lines.len() + 2;
    let width = content.width.min(widest);
    let height = u16::try_from(rows)
        .unwrap_or(u16::MAX)
        .min(area.height.saturating_sub(2));
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 2,
        width,
        height,
    };
    Some((content, place))
}

/// The inside of a box, with a column of margin.
const fn inner(place: Rect) -> Rect {
    Rect {
        x: place.x + 2,
        y: place.y + 1,
        width: place.width.saturating_sub(4),
        height: place.height.saturating_sub(2),
    }
}

fn list_area(content: &Content, inner: Rect) -> Rect {
    let head = u16::try_from(content.head.len())
        .unwrap_or(u16::MAX)
        .min(inner.height);
    Rect {
        y: inner.y + head,
        height: inner.height - head,
        ..inner
    }
}

fn first_line(content: &Content, list: Rect) -> usize {
    let height = usize::from(list.height);
    let last = content.lines.len().saturating_sub(height);
    match content.sight {
        Sight::From(first) => first.min(last),
        Sight::Around(chosen) => chosen.saturating_sub(height / 2).min(last),
    }
}

fn clear(place: Rect, look: Look, buffer: &mut Buffer) {
    let place = place.intersection(buffer.area);
    // A wide character that the box cuts in two would leave half of itself.
    let left = Rect {
        x: place.x.saturating_sub(1),
        width: 1,
        ..place
    };
    for position in left.positions().chain(place.positions()) {
        if let Some(cell) = buffer.cell_mut(position)
            && (place.contains(position) || cell.symbol().width() > 1)
        {
            cell.reset();
            cell.set_style(look.blank());
        }
    }
}

fn frame(title: &str, look: Look, place: Rect, buffer: &mut Buffer) {
    let style = look.style(Role::Faint);
    let across = look
        .rule()
        .repeat(usize::from(place.width.saturating_sub(2)));
    let top = format!("{}{across}{}", look.glyph("╭", "+"), look.glyph("╮", "+"));
    let bottom = format!("{}{across}{}", look.glyph("╰", "+"), look.glyph("╯", "+"));
    let last = usize::from(place.height.saturating_sub(1));
    put_text(&top, style, row(place, 0), buffer);
    for at in 1..last {
        let area = row(place, at);
        put_text(look.wall(), style, area, buffer);
        let right = Rect {
            x: area.x + area.width.saturating_sub(1),
            width: 1,
            ..area
        };
        put_text(look.wall(), style, right, buffer);
    }
    put_text(&bottom, style, row(place, last), buffer);
    let place = Rect {
        x: place.x + 2,
        width: place.width.saturating_sub(4),
        ..row(place, 0)
    };
    put_text(
        &format!(" {title} "),
        look.style(Role::Strong),
        place,
        buffer,
    );
}

fn more(hidden: usize, look: Look, place: Rect, buffer: &mut Buffer) {
    let text = format!(" {hidden} more ");
    let width = u16::try_from(text.len()).unwrap_or(0);
    let last = row(place, usize::from(place.height.saturating_sub(1)));
    let corner = Rect {
        x: (last.x + last.width).saturating_sub(width + 2),
        width,
        ..last
    };
    put_text(&text, look.style(Role::Faint), corner, buffer);
}
