//! Several sessions side by side, each with its bottle's name and state above its screen.
//!
//! A tile shows as much of a session as there is room for and never asks it to be
//! another size: who is attached leads the size, a tile only watches, and a program that
//! was drawn anew for a ninth of a terminal would be of no use to who attaches next.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::Screens;
use super::super::look::{Look, Role, role_of};
use super::super::text::{pad, put_text, row, safe, wrap};
use super::session::{first_row, put_cells};
use crate::pty::Screen;
use crate::state::{Bottle, Split, State, age};

/// A tile is not narrower than this while there is room below it.
const LEAST_COLUMNS: u16 = 36;
/// A tile is not lower than this while there is room beside it.
const LEAST_ROWS: u16 = 5;

/// The places of as many tiles as there are, row by row. Each is at least a row high as
/// long as there are rows; the others are empty.
fn tiles(area: Rect, count: usize) -> Vec<Rect> {
    let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
    let (columns, rows) = grid(area, count);
    let place = |at: u16| {
        let (column, line) = (at % columns, at / columns);
        // The last row has fewer, which share its width.
        let in_row = columns.min(count - line * columns);
        let x = share(area.width, in_row, column);
        let y = share(area.height, rows, line);
        Rect {
            x: area.x + x,
            y: area.y + y,
            width: share(area.width, in_row, column + 1) - x,
            height: share(area.height, rows, line + 1) - y,
        }
    };
    (0..count).map(place).collect()
}

/// How many tiles stand side by side, and how many rows of them there are.
fn grid(area: Rect, count: u16) -> (u16, u16) {
    let fits = (area.width / LEAST_COLUMNS).max(1);
    let square = (1..=count).find(|side| side * side >= count).unwrap_or(1);
    let mut columns = square.min(fits);
    while columns < fits && area.height / count.div_ceil(columns) < LEAST_ROWS {
        columns += 1;
    }
    (columns, count.div_ceil(columns))
}

/// Where the part of this number begins when `whole` is shared among `parts`.
fn share(whole: u16, parts: u16, number: u16) -> u16 {
    let at = u32::from(whole) * u32::from(number) / u32::from(parts.max(1));
    u16::try_from(at).unwrap_or(whole)
}

/// Which tile is at a place.
pub(in crate::ui) fn tile_at(split: &Split, area: Rect, at: Position) -> Option<usize> {
    let tiles = tiles(area, split.bottles.len());
    tiles.iter().position(|tile| tile.contains(at))
}

pub(in crate::ui) fn draw(
    state: &State,
    split: &Split,
    screens: &Screens<'_>,
    look: Look,
    area: Rect,
    buffer: &mut Buffer,
) {
    let places = tiles(area, split.bottles.len());
    for (at, (bottle, place)) in split.bottles.iter().zip(places).enumerate() {
        let Some(known) = state.fleet.get(bottle) else {
            continue;
        };
        if place.height == 0 {
            continue;
        }
        // A wall between it and the one to its left.
        let wall = u16::from(place.x > area.x);
        for line in 0..place.height * wall {
            let style = look.style(Role::Faint);
            put_text(look.wall(), style, row(place, usize::from(line)), buffer);
        }
        let inner = Rect {
            x: place.x + wall,
            width: place.width.saturating_sub(wall),
            ..place
        };
        let screen = screens.get(bottle).copied();
        let has_keys = state.tile_at() == Some(at);
        draw_head(state, look, known, (screen, has_keys), inner, buffer);
        let body = Rect {
            y: inner.y + 1,
            height: inner.height - 1,
            ..inner
        };
        match screen {
            Some(screen) => draw_screen(screen, look, body, buffer),
            None => draw_nothing(known, look, body, buffer),
        }
    }
}

fn draw_head(
    state: &State,
    look: Look,
    bottle: &Bottle,
    (screen, has_keys): (Option<&Screen>, bool),
    area: Rect,
    buffer: &mut Buffer,
) {
    let dot = look.dot();
    let since = bottle.since().map(|since| age(state.now, since));
    let how = format!(
        "{} {} {}",
        look.shape(&bottle.phase),
        bottle.phase.word(),
        since.unwrap_or_default()
    );
    let mut text = format!(" {}{dot}{}", bottle.bottle.id, how.trim_end());
    let session = bottle.hub.session.as_ref();
    let told = session.and_then(|session| session.title.as_deref());
    let title = screen.and_then(Screen::title).or(told);
    if let Some(title) = title.filter(|title| !title.is_empty()) {
        text = format!("{text}{dot}{}", safe(look, title, usize::from(area.width)));
    }
    let style = if has_keys {
        look.style(Role::Selected)
    } else {
        look.style(role_of(&bottle.phase))
            .patch(look.style(Role::Strong))
    };
    let line = pad(look, &text, usize::from(area.width));
    put_text(&line, style, row(area, 0), buffer);
}

fn draw_screen(screen: &Screen, look: Look, area: Rect, buffer: &mut Buffer) {
    let first = first_row(screen, area);
    let rows = screen.size().rows.saturating_sub(first).min(area.height);
    for at in 0..rows {
        let place = row(area, usize::from(at));
        put_cells(screen.row(first + at, 0), look, place, buffer);
    }
}

fn draw_nothing(bottle: &Bottle, look: Look, area: Rect, buffer: &mut Buffer) {
    let words = bottle.phase.words();
    let words = if words.is_empty() {
        String::from("No screen yet.")
    } else {
        words
    };
    let inner = Rect {
        x: area.x.saturating_add(1),
        width: area.width.saturating_sub(2),
        ..area
    };
    let lines = wrap(look, &words, usize::from(inner.width));
    for (at, line) in lines.into_iter().take(usize::from(area.height)).enumerate() {
        put_text(&line, look.style(Role::Faint), row(inner, at), buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_their_place_and_none_lies_over_another() {
        for (width, height) in [(80, 20), (120, 36), (40, 9), (200, 46), (24, 3), (1, 1)] {
            let area = Rect::new(3, 2, width, height);
            for count in 2..=9 {
                let places = tiles(area, count);
                assert_eq!(places.len(), count);
                let covered: u32 = places.iter().map(|place| place.area()).sum();
                assert_eq!(covered, area.area(), "{count} on {width}x{height}");
                for (at, place) in places.iter().enumerate() {
                    assert_eq!(place.intersection(area), *place);
                    let others = places.iter().skip(at + 1);
                    for other in others.filter(|other| !other.is_empty()) {
                        assert!(place.is_empty() || !place.intersects(*other));
                    }
                }
            }
        }
    }

    #[test]
    fn there_are_as_many_side_by_side_as_leaves_room() {
        for (width, height, count, expected) in [
            (200, 46, 4, (2, 2)),
            (200, 46, 9, (3, 3)),
            (80, 20, 4, (2, 2)),
            (80, 20, 9, (2, 5)),
            (40, 9, 4, (1, 4)),
            (200, 10, 4, (2, 2)),
            (200, 9, 4, (4, 1)),
        ] {
            let area = Rect::new(0, 0, width, height);
            assert_eq!(grid(area, count), expected, "{count} on {width}x{height}");
        }
    }
}
