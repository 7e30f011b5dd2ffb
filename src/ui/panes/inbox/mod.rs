//! All that waits for the operator: the list, and everything that is known of its
//! selected row.

mod detail;
mod diff;
mod list;

pub(in crate::ui) use detail::about;
pub(in crate::ui) use diff::Diff;
pub(in crate::ui) use list::{kind, of_request};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::look::{Look, Role};
use super::super::text::{Words, put_text, row};
use crate::state::{InboxPage, State};

/// From this many columns on the selected row stands beside the list.
const BESIDE: u16 = 110;
/// Columns of the list there, at most.
const LIST: u16 = 72;
/// Rows of the list above the selected row, at most.
const ABOVE: u16 = 12;

/// Where the parts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    head: Rect,
    list: Rect,
    /// The line between list and detail.
    wall: Rect,
    detail: Rect,
}

impl Parts {
    fn of(state: &State, area: Rect) -> Self {
        if state.view.inbox.is_reading {
            return Self {
                detail: area,
                ..Self::default()
            };
        }
        let head = row(area, 0);
        let rest = Rect {
            y: area.y + head.height,
            height: area.height - head.height,
            ..area
        };
        if area.width >= BESIDE {
            let width = (area.width / 2).min(LIST);
            return Self {
                head,
                list: Rect { width, ..rest },
                wall: Rect {
                    x: rest.x + width,
                    width: 1,
                    ..rest
                },
                detail: Rect {
                    x: rest.x + width + 1,
                    width: rest.width - width - 1,
                    ..rest
                },
            };
        }
        let rows = u16::try_from(state.view.inbox.rows.len()).unwrap_or(u16::MAX);
        // A short list leaves its rows to what is read.
        let height = rows.clamp(1, ABOVE).min((rest.height / 2).max(1));
        let wall = u16::from(rest.height > height + 4);
        Self {
            head,
            list: Rect { height, ..rest },
            wall: Rect {
                y: rest.y + height,
                height: wall,
                ..rest
            },
            detail: Rect {
                y: rest.y + height + wall,
                height: rest.height - height - wall,
                ..rest
            },
        }
    }
}

pub(in crate::ui) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let parts = Parts::of(state, area);
    if parts.head.height > 0 {
        head(state, look).draw(parts.head, buffer);
    }
    list::draw(state, look, parts.list, buffer);
    draw_wall(look, parts.wall, buffer);
    detail::draw(state, look, parts.detail, buffer);
}

fn draw_wall(look: Look, wall: Rect, buffer: &mut Buffer) {
    let style = look.style(Role::Faint);
    if wall.width == 1 {
        for at in 0..wall.height {
            put_text(look.wall(), style, row(wall, usize::from(at)), buffer);
        }
    } else if wall.height > 0 {
        let text = look.rule().repeat(usize::from(wall.width));
        put_text(&text, style, wall, buffer);
    }
}

/// The names of the two lists with their lengths, the shown one first.
fn head(state: &State, look: Look) -> Words {
    let inbox = &state.view.inbox;
    let rows = inbox.rows.iter().filter(|row| !row.is_member).count();
    let (shown, other) = match inbox.page {
        InboxPage::Waiting => ("Needs you", "answered"),
        InboxPage::Answered => ("Answered", "waiting"),
    };
    Words::new(look)
        .put(Role::Strong, format!(" {shown} {rows}"))
        .also(
            Role::Key,
            match inbox.marked.len() {
                0 => String::new(),
                marked => format!("{marked} marked"),
            },
        )
        .also(Role::Faint, format!("tab: {other} {}", inbox.others))
}

/// Which row of the list is at a place.
pub(in crate::ui) fn row_at(state: &State, area: Rect, column: u16, line: u16) -> Option<usize> {
    let list = Parts::of(state, area).list;
    let place = ratatui::layout::Position::new(column, line);
    if !list.contains(place) {
        return None;
    }
    let at = list::first(state, list) + usize::from(line - list.y);
    (at < state.view.inbox.rows.len()).then_some(at)
}
