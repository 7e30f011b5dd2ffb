//! The command line and the palette.

use ratatui::text::Line;

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, safe};
use super::{Content, Sight};
use crate::state::{Offer, State};

/// Columns that the box likes, border included.
const WIDTH: u16 = 76;
/// Columns of a line, of a key.
const NAME: usize = 22;
const KEY: usize = 8;
/// From so many columns on there is room for keys.
const ROOMY: usize = 56;

pub(super) fn content(
    state: &State,
    text: &str,
    (chosen, is_line): (Option<usize>, bool),
    look: Look,
    widest: u16,
) -> Content {
    let width = usize::from(WIDTH.min(widest).saturating_sub(4));
    let offers = state.offers(text, is_line);
    let sign = if is_line { ":" } else { "> " };
    let mut prompt = Words::new(look)
        .put(Role::Key, sign)
        .put(Role::Plain, safe(look, text, width.saturating_sub(4)))
        .put(Role::Key, look.glyph("▏", "_"));
    if text.is_empty() {
        let hint = if is_line {
            " a command; tab completes, up brings back"
        } else {
            " a command or a bottle"
        };
        prompt = prompt.put(Role::Faint, hint);
    }
    let lines: Vec<Line<'static>> = offers
        .iter()
        .map(|offer| line(offer, look, width))
        .collect();
    let chosen = chosen.or((!is_line && !offers.is_empty()).then_some(0));
    Content {
        title: String::from(if is_line { "Command" } else { "Palette" }),
        head: vec![prompt.line(), Line::default()],
        lines,
        sight: chosen.map_or(Sight::From(0), Sight::Around),
        width: WIDTH,
    }
}

fn line(offer: &Offer, look: Look, width: usize) -> Line<'static> {
    let name = NAME.min(width / 2);
    let words = Words::new(look).put(Role::Strong, pad(look, &offer.line, name));
    if width < ROOMY {
        let room = width.saturating_sub(name);
        return words.put(Role::Plain, safe(look, &offer.help, room)).line();
    }
    let room = width.saturating_sub(name + KEY);
    let help = format!("{} ", safe(look, &offer.help, room.saturating_sub(1)));
    words
        .put(Role::Plain, pad(look, &help, room))
        .put(Role::Key, safe(look, &offer.key, KEY))
        .line()
}
