//! From a place on the screen to the part that is there, by the layout of the drawing.

use ratatui::layout::{Position, Rect};

use super::layout::Layout;
use super::look::Look;
use super::{modals, panes, whole};
use crate::state::{Focus, ListRow, State, Target};

/// Which part of the screen is at a place. A place within an attached session is
/// [`Target::Detail`]; whether the pointer there belongs to the program is the app's
/// to say.
#[must_use]
pub fn hit(state: &State, look: Look, column: u16, row: u16) -> Target {
    let area = whole(state);
    let layout = Layout::of(state, area);
    let at = Position::new(column, row);
    if let Some(target) = footer(state, look, &layout, at) {
        return target;
    }
    if state.view.modal.is_some() {
        return modals::hit(state, look, area, column, row).unwrap_or(Target::Nothing);
    }
    if layout.all.contains(at)
        && let Some(split) = state.shown_split()
    {
        return panes::split::tile_at(split, layout.all, at)
            .map_or(Target::Nothing, |at| Target::Tile { at });
    }
    if layout.all.contains(at) && state.view.focus == Focus::Inbox {
        return panes::inbox::row_at(state, layout.all, at.x, at.y)
            .map_or(Target::Detail, |at| Target::Inbox { at });
    }
    if layout.all.contains(at) && state.view.focus == Focus::Audit {
        return panes::audit::row_at(state, layout.all, at.y)
            .map_or(Target::Detail, |at| Target::Entry { at });
    }
    if layout.all.contains(at) && state.view.focus == Focus::Builds {
        return panes::builds::row_at(state, layout.all, at.y)
            .map_or(Target::Detail, |at| Target::Build { at });
    }
    if layout.all.contains(at) {
        return panes::egress::decision_at(state, look, layout.all, at.y)
            .map_or(Target::Detail, |at| Target::Decision { at });
    }
    if layout.rule.contains(at) {
        return Target::Rule;
    }
    if layout.wall.contains(at) {
        return Target::Wall;
    }
    if layout.list.contains(at) {
        return list(state, layout.list, at);
    }
    if layout.tabs.contains(at) {
        return tabs(state, &layout, at);
    }
    if layout.body.contains(at)
        && let Some(at) = panes::egress::decision_at(state, look, layout.body, at.y)
    {
        return Target::Decision { at };
    }
    if layout.body.contains(at)
        && let Some(at) = panes::requests::row_at(state, layout.body, at.y)
    {
        return Target::Request { at };
    }
    if layout.body.contains(at) || layout.status.contains(at) {
        return Target::Detail;
    }
    if layout.needs.contains(at) {
        let need = panes::needs::at(state, layout.needs, row - layout.needs.y);
        return need.map_or(Target::Nothing, |need| Target::Need {
            is_request: need.word == "asks",
            bottle: need.bottle,
        });
    }
    Target::Nothing
}

fn list(state: &State, list: Rect, at: Position) -> Target {
    let rows = state.listed();
    let first = panes::list::first_row(state, list, rows.len());
    match rows.get(first + usize::from(at.y - list.y)) {
        Some(ListRow::Bottle { name }) => Target::Row { row: name.clone() },
        Some(ListRow::Group { name, .. }) => Target::Group { name: name.clone() },
        None => Target::List,
    }
}

fn tabs(state: &State, layout: &Layout, at: Position) -> Target {
    if state.attached().is_some() {
        return Target::Detail;
    }
    panes::detail::tab_areas(layout.tabs)
        .find(|(_, area)| area.contains(at))
        .map_or(Target::Detail, |(tab, _)| Target::Tab { tab })
}

fn footer(state: &State, look: Look, layout: &Layout, at: Position) -> Option<Target> {
    // A notice stands where the keys were.
    if !layout.footer.contains(at) || state.view.notice.is_some() {
        return None;
    }
    let column = usize::from(at.x - layout.footer.x);
    panes::footer::items(state, look, layout.footer)
        .into_iter()
        .find(|item| (item.column..item.column + item.width).contains(&column))
        .map(|item| Target::Key {
            command: item.binding.command,
        })
}
