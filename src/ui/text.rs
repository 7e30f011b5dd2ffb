//! Text that fits: hostile text made safe, cut to its columns, wrapped to a width.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::look::{Look, Role};
use crate::pty::one_line;

/// Characters of a hostile text that are looked at; no screen shows more in a line.
const LOOKED_AT: usize = 1_024;

/// Makes any text safe for one line and cuts it to `width` columns.
pub(super) fn safe(look: Look, text: &str, width: usize) -> String {
    let end = text
        .char_indices()
        .nth(LOOKED_AT)
        .map_or(text.len(), |(at, _)| at);
    let looked_at = text.get(..end).unwrap_or_default();
    let clean = one_line(looked_at);
    let clean = if look.is_ascii {
        to_ascii(&clean)
    } else {
        clean
    };
    fit(look, &clean, width)
}

fn to_ascii(text: &str) -> String {
    text.chars()
        .filter(|character| character.width() != Some(0))
        .map(|character| if character.is_ascii() { character } else { '?' })
        .collect()
}

/// Cuts text to `width` columns; an ellipsis says that it was cut.
pub(super) fn fit(look: Look, text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        out.push(character);
    }
    if width > 0 {
        out.push(look.ellipsis());
    }
    out
}

/// Cuts text to its last `width` columns; an ellipsis says that it was cut.
pub(super) fn fit_end(look: Look, text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = Vec::new();
    let mut used = 0;
    for character in text.chars().rev() {
        let columns = character.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        kept.push(character);
    }
    if width > 0 {
        kept.push(look.ellipsis());
    }
    kept.into_iter().rev().collect()
}

/// Cuts text to `width` columns in its middle, its begin and its end kept.
pub(super) fn fit_middle(look: Look, text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let end = fit_end(look, text, width.div_ceil(2));
    let mut begin = fit(look, text, width.saturating_sub(end.width()) + 1);
    // One ellipsis is enough.
    begin.pop();
    format!("{begin}{end}")
}

/// Cuts or fills text to exactly `width` columns.
pub(super) fn pad(look: Look, text: &str, width: usize) -> String {
    let mut out = safe(look, text, width);
    let missing = width.saturating_sub(out.width());
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Wraps one paragraph to `width` columns, at spaces where there are any.
pub(super) fn wrap(look: Look, text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in safe(look, paragraph, LOOKED_AT).split(' ') {
            let glue = usize::from(!line.is_empty());
            if line.width() + glue + word.width() <= width {
                if glue == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = break_word(word, width, &mut lines);
        }
        lines.push(line);
    }
    lines
}

/// As [`wrap`], of a text of any length: nothing of it is left out.
pub(super) fn wrap_all(look: Look, text: &str, width: usize) -> Vec<String> {
    const PIECE: usize = LOOKED_AT / 2;
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let characters: Vec<char> = paragraph.chars().collect();
        if characters.len() <= PIECE {
            lines.extend(wrap(look, paragraph, width));
            lines.extend(paragraph.is_empty().then(String::new));
            continue;
        }
        for piece in characters.chunks(PIECE) {
            lines.extend(wrap(look, &String::from_iter(piece), width));
        }
    }
    lines
}

/// Breaks a text to `width` columns wherever a line is full, spaces kept.
pub(super) fn break_text(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let rest = break_word(text, width.max(2), &mut lines);
    lines.push(rest);
    lines
}

/// Breaks a word that is wider than a line; gives what is left of it.
fn break_word(word: &str, width: usize, lines: &mut Vec<String>) -> String {
    let mut line = String::new();
    let mut used = 0;
    for character in word.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        used += columns;
        line.push(character);
    }
    line
}

/// A line under construction: pieces of a look, one after the other.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) look: Look,
    line: Line<'static>,
}

impl Words {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            line: Line::default(),
        }
    }

    /// Appends our own text.
    pub(super) fn put(mut self, role: Role, text: impl Into<String>) -> Self {
        let style = self.look.style(role);
        self.line.spans.push(Span::styled(text.into(), style));
        self
    }

    /// Appends our own text unless it is empty, with a dot before it.
    pub(super) fn also(self, role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            return self;
        }
        let dot = self.look.dot();
        if self.line.spans.is_empty() {
            self.put(role, text)
        } else {
            self.put(Role::Faint, dot).put(role, text)
        }
    }

    pub(super) fn width(&self) -> usize {
        self.line.width()
    }

    pub(super) fn line(self) -> Line<'static> {
        self.line
    }

    /// Draws the line into the first row of `area`.
    pub(super) fn draw(self, area: Rect, buffer: &mut Buffer) {
        put_line(&self.line, area, buffer);
    }
}

/// Draws a line into the first row of `area`, cut to it.
pub(super) fn put_line(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.height > 0 && area.width > 0 {
        let mut used = 0;
        for span in &line.spans {
            let room = Rect {
                x: area.x.saturating_add(used),
                width: area.width.saturating_sub(used),
                ..area
            };
            used += put(&span.content, line.style.patch(span.style), room, buffer);
        }
    }
}

/// Draws text into the first row of `area`, cut to it.
pub(super) fn put_text(text: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.height > 0 && area.width > 0 {
        put(text, style, area, buffer);
    }
}

/// Draws text into the first row of `area`, which lies within the buffer, and gives the
/// columns that it took. Most of a screen is ASCII, where each byte is one column: what
/// the library does to find the clusters of other scripts is a fifth of a frame.
fn put(text: &str, style: Style, area: Rect, buffer: &mut Buffer) -> u16 {
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        let room = usize::from(area.width);
        let (end, _) = buffer.set_stringn(area.x, area.y, text, room, style);
        return end.saturating_sub(area.x);
    }
    let columns = area.x..area.right();
    let mut used = 0;
    for (x, character) in columns.zip(text.chars()) {
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.set_char(character).set_style(style);
        }
        used += 1;
    }
    used
}

/// The row of `area` at `at`, empty if there is none.
pub(super) fn row(area: Rect, at: usize) -> Rect {
    match u16::try_from(at) {
        Ok(at) if at < area.height => Rect {
            y: area.y + at,
            height: 1,
            ..area
        },
        _ => Rect { height: 0, ..area },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look {
        has_colors: false,
        is_ascii: false,
        inks: crate::ui::Inks::TERMINAL,
    };

    #[test]
    fn cut_text_fits_and_says_so() {
        assert_eq!(fit(LOOK, "abcdef", 6), "abcdef");
        assert_eq!(fit(LOOK, "abcdef", 4), "abc…");
        assert_eq!(fit(LOOK, "日本語", 4), "日…");
        assert_eq!(fit(LOOK, "日本語", 0), "");
        assert_eq!(pad(LOOK, "日本語", 4).width(), 4);
    }

    #[test]
    fn hostile_text_is_seen_and_not_obeyed() {
        let text = safe(LOOK, "a\x1b[2Jb\u{202e}c\u{200b}\nd", 80);
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{200b}'),
            "{text:?}"
        );
    }

    #[test]
    fn wrapped_text_keeps_its_words() {
        assert_eq!(wrap(LOOK, "one two three", 7), ["one two", "three"]);
        assert_eq!(wrap(LOOK, "abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap(LOOK, "a\n\nb", 9), ["a", "", "b"]);
    }
}
