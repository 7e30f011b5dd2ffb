//! The screen of a session, cell by cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::super::Screens;
use super::super::look::{Look, Role};
use super::super::text::{put_text, row, wrap};
use super::output::{self, bar};
use crate::pty::{self, Cell, CellStyle, Screen, Underline};
use crate::state::{Bottle, Phase, State};

/// Draws the shown session. Gives the place of its cursor while it has the keys.
pub(in crate::ui) fn draw(
    state: &State,
    screens: &Screens<'_>,
    look: Look,
    area: Rect,
    buffer: &mut Buffer,
) -> Option<(u16, u16)> {
    let bottle = state.shown_bottle()?;
    let Some(screen) = screens.get(&bottle.bottle) else {
        draw_nothing(state, look, bottle, area, buffer);
        return None;
    };
    if let Some(copying) = &state.view.copying {
        return super::copying::draw(copying, screen, look, area, buffer);
    }
    let first = first_row(screen, area);
    draw_screen(screen, state.view.session_scroll, first, look, area, buffer);
    cursor(state, screen, first, area)
}

/// The first row shown of a screen that is higher than its place: the cursor's row
/// stays in sight.
pub(in crate::ui) fn first_row(screen: &Screen, area: Rect) -> u16 {
    let hidden = screen.size().rows.saturating_sub(area.height);
    let below = screen.cursor().row.saturating_add(1);
    below.saturating_sub(area.height).min(hidden)
}

/// The column and the row of a live screen that are drawn at a place of the terminal.
pub(in crate::ui) fn cell_at(screen: &Screen, area: Rect, at: (u16, u16)) -> Option<(u16, u16)> {
    let size = screen.size();
    let column = at.0.checked_sub(area.x)?;
    let row = at.1.checked_sub(area.y)?;
    let is_inside = column < area.width && row < area.height;
    let row = row.saturating_add(first_row(screen, area));
    (is_inside && column < size.columns && row < size.rows).then_some((column, row))
}

fn draw_screen(
    screen: &Screen,
    scroll: usize,
    first: u16,
    look: Look,
    area: Rect,
    buffer: &mut Buffer,
) {
    let area = area.intersection(buffer.area);
    let rows = screen.size().rows.saturating_sub(first).min(area.height);
    for at in 0..rows {
        let row = Rect {
            y: area.y + at,
            height: 1,
            ..area
        };
        put_cells(screen.row(first + at, scroll), look, row, buffer);
    }
}

/// Puts cells into a row, as many as there is room for.
pub(in crate::ui) fn put_cells<'screen>(
    cells: impl Iterator<Item = Cell<'screen>>,
    look: Look,
    row: Rect,
    buffer: &mut Buffer,
) {
    let mut text = String::new();
    for (x, cell) in (row.x..).zip(cells.take(usize::from(row.width))) {
        // The second half of a wide character belongs to the first.
        if cell.width == 0 {
            continue;
        }
        let fits = u32::from(x - row.x) + u32::from(cell.width) <= u32::from(row.width);
        let Some(target) = buffer.cell_mut((x, row.y)) else {
            continue;
        };
        text.clear();
        if fits && !cell.style.hidden {
            cell.push_text(&mut text);
        } else {
            text.push(' ');
        }
        target.set_symbol(&text);
        target.set_style(style(cell.style, look));
    }
}

/// The style of a cell. Without colours only what has a shape stays.
fn style(cell: CellStyle, look: Look) -> Style {
    let mut style = Style::reset();
    if look.has_colors {
        style = style.fg(color(cell.foreground)).bg(color(cell.background));
    }
    let modifiers = [
        (cell.bold, Modifier::BOLD),
        (cell.dim, Modifier::DIM),
        (cell.italic, Modifier::ITALIC),
        (cell.inverse, Modifier::REVERSED),
        (cell.strikeout, Modifier::CROSSED_OUT),
        (cell.underline != Underline::None, Modifier::UNDERLINED),
    ];
    for (is_set, modifier) in modifiers {
        if is_set {
            style = style.add_modifier(modifier);
        }
    }
    style
}

const fn color(color: pty::Color) -> Color {
    match color {
        pty::Color::Default => Color::Reset,
        pty::Color::Indexed(index) => Color::Indexed(index),
        pty::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

fn cursor(state: &State, screen: &Screen, first: u16, area: Rect) -> Option<(u16, u16)> {
    let cursor = screen.cursor();
    let row = cursor.row.checked_sub(first)?;
    let is_shown = state.has_open_session()
        && state.view.session_scroll == 0
        && cursor.visible
        && row < area.height
        && cursor.column < area.width;
    is_shown.then_some((area.x + cursor.column, area.y + row))
}

/// Why there is no screen, and what to do about it.
fn draw_nothing(state: &State, look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    let (head, text) = words(state, bottle);
    let inner = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let width = usize::from(inner.width);
    let mut at = 1;
    for (role, text) in [(Role::Plain, head), (Role::Faint, text)] {
        for line in wrap(look, &text, width) {
            put_text(&line, look.style(role), row(inner, at), buffer);
            at += 1;
        }
    }
    if let Some(operation) = bottle.operation.as_ref().filter(|known| known.of > 0) {
        at += 1;
        let bar = bar(look, operation.done, operation.of, width.min(32));
        put_text(&bar, look.style(Role::Busy), row(inner, at), buffer);
        at += 1;
    }
    let used = u16::try_from(at + 1).unwrap_or(u16::MAX);
    let rest = Rect {
        y: area.y.saturating_add(used),
        height: area.height.saturating_sub(used),
        ..area
    };
    output::draw(look, bottle, rest, buffer);
}

fn words(state: &State, bottle: &Bottle) -> (String, String) {
    let id = &bottle.bottle.id;
    if let Some(operation) = &bottle.operation {
        let head = format!("{} {id}", bottle.phase.word());
        return (head, operation.what.clone());
    }
    if state.fleet.is_lost(&bottle.bottle.engine) {
        let head = String::from("The engine does not answer.");
        let text = "What is shown of its bottles is the last that was known; they go on.";
        return (head, text.to_owned());
    }
    if let Some((broken, why)) = &state.lines.broken_preview
        && *broken == bottle.bottle
    {
        let head = String::from("The session cannot be shown.");
        return (head, format!("{why}\nenter tries to attach."));
    }
    match &bottle.phase {
        Phase::Stopped => (
            format!("{id} is stopped."),
            String::from("r resumes it with its files and its conversation. d removes it."),
        ),
        Phase::Frozen => (
            format!("{id} is frozen where it was."),
            String::from(if state.panic.is_some() {
                "! and y let everything go on."
            } else {
                "p lets it go on."
            }),
        ),
        Phase::Failed { .. } if bottle.sighting.is_none() => (
            format!("{id} could not be started; what was made is undone."),
            format!("{}\n\nd drops this row.", bottle.phase.words()),
        ),
        Phase::Failed { .. } if !bottle.has_session() => (
            format!("{id}: {}", bottle.phase.words()),
            String::from("l reads its logs. r starts it again. d removes it."),
        ),
        Phase::Ready { .. } | Phase::Degraded { .. } | Phase::Failed { .. }
            if state.is_replayed =>
        {
            (
                String::from("A recording holds no screens."),
                String::from("What a session showed is not in it; cellar cast records that."),
            )
        }
        Phase::Planned
        | Phase::Building
        | Phase::Starting
        | Phase::Changing
        | Phase::Ready { .. }
        | Phase::Stopping
        | Phase::Removing
        | Phase::Degraded { .. }
        | Phase::Failed { .. } => (
            String::from("No screen yet."),
            String::from("enter attaches to the session."),
        ),
    }
}
