//! The last row: the keys of the moment, or the last thing the operator was told.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::super::look::{Look, Role};
use super::super::text::{Words, put_line, safe};
use crate::state::{Binding, Command, Context, LogPromptKind, Notice, State, bindings};

/// Columns between two keys.
const GAP: usize = 2;

/// A key of the footer and where it stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::ui) struct Item {
    pub(in crate::ui) binding: &'static Binding,
    pub(in crate::ui) column: usize,
    pub(in crate::ui) width: usize,
}

pub(in crate::ui) fn draw(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    if let Some(told) = &state.view.notice {
        notice(look, told, area).draw(area, buffer);
        return;
    }
    let mut words = prompt(state, look);
    for item in items(state, look, area) {
        let missing = item.column.saturating_sub(words.width());
        words = words
            .put(Role::Plain, " ".repeat(missing))
            .put(Role::Key, key_name(state, item.binding))
            .put(Role::Faint, format!(" {}", item.binding.short));
    }
    put_line(&words.line(), area, buffer);
}

/// What the operator was told, in its sign and words.
pub(in crate::ui) fn notice(look: Look, notice: &Notice, area: Rect) -> Words {
    let (role, sign) = if notice.is_error {
        (Role::Troubled, look.glyph("▲", "^"))
    } else {
        (Role::Busy, look.glyph("▸", ">"))
    };
    let room = usize::from(area.width).saturating_sub(4);
    Words::new(look)
        .put(role, format!(" {sign} "))
        .put(Role::Plain, safe(look, &notice.text, room))
}

/// The filter while it is typed.
fn prompt(state: &State, look: Look) -> Words {
    let words = Words::new(look);
    if state.context() != Context::Filter {
        return words;
    }
    let text = safe(look, state.typed_filter(), 32);
    let sign = match state.view.logs.prompt.as_ref().map(|prompt| prompt.kind) {
        None | Some(LogPromptKind::Find) => " /",
        Some(LogPromptKind::With) => " &",
        Some(LogPromptKind::Without) => " -",
    };
    words
        .put(Role::Key, sign)
        .put(Role::Plain, text)
        .put(Role::Key, look.glyph("▏", "_"))
}

fn key_name(state: &State, binding: &'static Binding) -> String {
    state
        .keys
        .of(binding)
        .first()
        .map(|key| key.name())
        .unwrap_or_default()
}

/// The keys that fit, in order; help and quit are kept before others.
pub(in crate::ui) fn items(state: &State, look: Look, area: Rect) -> Vec<Item> {
    let start = match prompt(state, look).width() {
        0 => 1,
        width => width + GAP,
    };
    let mut room = usize::from(area.width).saturating_sub(start);
    let all: Vec<&'static Binding> = bindings(state.context())
        .filter(|binding| !binding.short.is_empty() && state.can(binding.command))
        .filter(|binding| !state.keys.of(binding).is_empty())
        .collect();
    let width =
        |binding: &'static Binding| key_name(state, binding).width() + 1 + binding.short.width();
    let is_kept = |binding: &Binding| matches!(binding.command, Command::Help | Command::Quit);
    let mut fits = vec![false; all.len()];
    for kept in [true, false] {
        for (at, binding) in all.iter().enumerate() {
            let needed = width(binding) + GAP;
            if is_kept(binding) == kept && needed <= room + GAP {
                room = room.saturating_sub(needed);
                if let Some(fits) = fits.get_mut(at) {
                    *fits = true;
                }
            }
        }
    }
    let mut column = start;
    all.into_iter()
        .zip(fits)
        .filter(|(_, fits)| *fits)
        .map(|(binding, _)| {
            let item = Item {
                binding,
                column,
                width: width(binding),
            };
            column += item.width + GAP;
            item
        })
        .collect()
}
