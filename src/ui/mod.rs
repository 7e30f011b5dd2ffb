//! Drawing: from the state to cells.
//!
//! Everything is drawn from `&State`, the lent screens and a [`Look`]; nothing here
//! changes the state. Text of agents and engines is made safe here, at the last
//! moment, so that no other part needs to be trusted with it. No size of a terminal
//! and no text makes drawing panic.

mod canvas;
mod clock;
mod hit;
mod ink;
mod layout;
mod look;
mod modals;
mod painter;
mod panes;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::layout::{LEAST, Layout};
use self::look::Role;
use self::text::{put_text, row, safe};
use crate::pty::Screen;
use crate::state::{BottleRef, Focus, State, TerminalSize};

pub use canvas::Canvas;
pub use hit::hit;
pub use ink::{Depth, Inks};
pub use look::Look;
pub use painter::Painter;

/// The screens of sessions, attached or previewed, by bottle.
pub type Screens<'a> = BTreeMap<&'a BottleRef, &'a Screen>;

/// A place on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionArea {
    /// The first column.
    pub column: u16,
    /// The first row.
    pub row: u16,
    /// Columns and rows, the size that the session should have.
    pub size: TerminalSize,
}

/// Draws the state. Call it only when [`State::revision`] changed. The terminal's
/// cursor is shown where the attached session has it, and nowhere else.
pub fn draw(state: &State, screens: &Screens<'_>, look: Look, frame: &mut Frame<'_>) {
    let area = frame.area();
    if let Some(cursor) = draw_into(state, screens, look, area, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

fn draw_into(
    state: &State,
    screens: &Screens<'_>,
    look: Look,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    let layout = Layout::of(state, area);
    buffer.set_style(area, look.blank());
    if layout == Layout::default() {
        draw_too_small(look, area, buffer);
        return None;
    }
    panes::title::draw(state, look, layout.title, buffer);
    if let Some(split) = state.shown_split() {
        panes::split::draw(state, split, screens, look, layout.all, buffer);
    } else if state.view.focus == Focus::Inbox {
        panes::inbox::draw(state, look, layout.all, buffer);
    } else if state.view.focus == Focus::Audit {
        panes::audit::draw(state, look, layout.all, buffer);
    } else if state.view.focus == Focus::Builds {
        panes::builds::draw(state, look, layout.all, buffer);
    } else {
        panes::egress::draw_all(state, look, layout.all, buffer);
    }
    panes::list::draw(state, look, &layout, buffer);
    let cursor = panes::detail::draw(state, screens, look, &layout, buffer);
    panes::needs::draw(state, screens, look, &layout, buffer);
    panes::footer::draw(state, look, layout.footer, buffer);
    // Asking for a secret may overtake an attached session, and what the operator called
    // for; nothing else does.
    if state.attached().is_none() || state.overtakes_session() {
        modals::draw(state, look, area, buffer);
    }
    cursor.filter(|_| !state.overtakes_session())
}

/// Tells the link at a place where the pointer rests, over what was drawn.
fn draw_pointed(
    state: &State,
    screens: &Screens<'_>,
    look: Look,
    at: Option<(u16, u16)>,
    buffer: &mut Buffer,
) {
    if let Some(link) = at.and_then(|at| panes::link::pointed(state, screens, at)) {
        panes::link::draw(state, &link, look, buffer);
    }
}

fn draw_too_small(look: Look, area: Rect, buffer: &mut Buffer) {
    let (columns, rows) = LEAST;
    let texts = ["too small".to_owned(), format!("needs {columns}×{rows}")];
    for (at, text) in texts.iter().enumerate() {
        let text = safe(look, text, usize::from(area.width));
        put_text(&text, look.style(Role::Plain), row(area, at), buffer);
    }
}

/// Where the shown session is drawn; ask again after every applied event and tell
/// the session when its size changed. `None` while no session can be shown.
#[must_use]
pub fn session_area(state: &State) -> Option<SessionArea> {
    let body = Layout::of(state, whole(state)).body;
    let is_some = body.width > 0 && body.height > 0;
    is_some.then_some(SessionArea {
        column: body.x,
        row: body.y,
        size: TerminalSize {
            columns: body.width,
            rows: body.height,
        },
    })
}

/// The column and the row of a session's own screen that are at a place of the terminal,
/// while it is live. `None` outside it.
#[must_use]
pub fn session_cell(state: &State, screen: &Screen, column: u16, row: u16) -> Option<(u16, u16)> {
    let body = Layout::of(state, whole(state)).body;
    panes::session::cell_at(screen, body, (column, row))
}

/// Where a link of a program really goes, in at most `width` columns. Safe to print.
#[must_use]
pub fn link_line(look: Look, uri: &str, width: usize) -> String {
    panes::link::line(look, uri, width)
}

/// The size of the page of logs; tell the state whenever it is another one. `None`
/// while no log is shown.
#[must_use]
pub fn log_area(state: &State) -> Option<TerminalSize> {
    panes::logs::area(state, &Layout::of(state, whole(state)))
}

const fn whole(state: &State) -> Rect {
    Rect::new(0, 0, state.size.columns, state.size.rows)
}

/// One line for the last row of a session that has the whole terminal: which bottle,
/// how to detach, what else needs the operator. Safe to print.
#[must_use]
pub fn status_line(state: &State, look: Look) -> String {
    let width = usize::from(state.size.columns);
    let Some(bottle) = state.attached() else {
        return String::new();
    };
    let dot = look.dot();
    let word = state
        .fleet
        .get(bottle)
        .map_or("gone", |known| known.phase.word());
    let key = state.keys.detach_key().name();
    let mut text = format!(" {}{dot}{word}{dot}{key} detaches", bottle.id);
    if let Some(words) = panes::detail::clipboard(state, look) {
        text = format!(" {}{dot}{word}{dot}{words}", bottle.id);
    }
    if let Some(notice) = &state.view.notice {
        text = format!("{text}{dot}{}", notice.text);
    }
    if let Some(words) = panes::needs::others(state, look) {
        let needs = state.needs();
        let others = needs.iter().filter(|need| need.bottle != *bottle);
        let others: Vec<String> = others
            .map(|need| format!("{} {}", need.bottle.id, need.word))
            .collect();
        text = format!("{text}{dot}{words}: {}", others.join(", "));
    }
    safe(look, &text, width)
}
