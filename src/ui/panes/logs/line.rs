//! The lines of a log: time, whose it is, and the text with what was found in it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::super::super::clock;
use super::super::super::look::{Look, Role};
use super::super::super::text::{pad, put_line, put_text, row};
use crate::pty::one_line;
use crate::state::{
    LogMark, LogPage, LogPlace, LogRow, LogSeverity, Paint, PaintKind, State, wrap_places,
};

pub(super) fn draw_all(state: &State, look: Look, area: Rect, buffer: &mut Buffer) {
    let page = &state.view.logs;
    let (mut number, mut skipped) = page.begin();
    let mut at = 0;
    while at < usize::from(area.height) && number < page.extent.end {
        let mut rows = rows(state, look, page, number);
        rows.drain(..skipped.min(rows.len()));
        skipped = 0;
        for line in rows {
            put_line(&line, row(area, at), buffer);
            at += 1;
        }
        number += 1;
    }
    if page.place != LogPlace::Follow && at < usize::from(area.height) {
        let end = format!(" {}", look.glyph("⌁ end", "- end"));
        put_text(&end, look.style(Role::Faint), row(area, at), buffer);
    }
}

/// The rows of a line, and of what the operator drew below it.
fn rows(state: &State, look: Look, page: &LogPage, number: u64) -> Vec<Line<'static>> {
    let Some(known) = page.row(number) else {
        let waiting = Span::styled(format!(" {}", look.ellipsis()), look.style(Role::Faint));
        return vec![Line::from(waiting)];
    };
    let current = page.search.as_ref().and_then(|search| search.current);
    let is_current = current.is_some_and(|(current, _)| current == number);
    let text = Painted::of(look, known);
    let places = if page.options.wraps {
        wrap_places(&known.text, page.text_columns())
    } else {
        vec![0]
    };
    let ends = places.iter().skip(1).copied().chain([known.text.len()]);
    let mut rows = Vec::new();
    for (at, (from, to)) in places.iter().copied().zip(ends).enumerate() {
        let mut spans = if at == 0 {
            before(state, look, page, known, is_current)
        } else {
            vec![Span::raw(" ".repeat(page.head_columns()))]
        };
        if page.options.wraps {
            spans.extend(text.spans(look, from..to));
        } else {
            spans.extend(text.cut(look, page.options.column, page.text_columns()));
        }
        rows.push(Line::from(spans));
    }
    rows.extend(
        page.marks_after(number)
            .map(|mark| drawn(state, look, page, mark)),
    );
    rows
}

/// What stands before a line.
fn before(
    state: &State,
    look: Look,
    page: &LogPage,
    known: &LogRow,
    is_current: bool,
) -> Vec<Span<'static>> {
    let sign = if is_current {
        look.glyph("▸", ">")
    } else {
        " "
    };
    let mut spans = vec![Span::styled(sign, look.style(Role::Key))];
    if page.options.has_times {
        let time = format!("{} ", clock::seconds(state, known.at));
        spans.push(Span::styled(time, look.style(Role::Faint)));
    }
    let columns = page.name_columns();
    if columns > 0 {
        let name = known.role.as_str();
        let name = name.get(..columns - 1).unwrap_or(name);
        let name = pad(look, name, columns);
        spans.push(Span::styled(name, look.source(known.role)));
    }
    spans
}

/// A line that the operator drew.
fn drawn(state: &State, look: Look, page: &LogPage, mark: &LogMark) -> Line<'static> {
    let time = format!(" {} ", clock::seconds(state, mark.at));
    let width = usize::from(page.area.columns).saturating_sub(time.width() + 4);
    let text = format!(
        "{}{time}{}",
        look.rule().repeat(4),
        look.rule().repeat(width)
    );
    Line::from(Span::styled(text, look.style(Role::Key)))
}

/// A text and how its pieces are drawn.
struct Painted {
    text: String,
    paint: Vec<Paint>,
}

impl Painted {
    fn of(look: Look, known: &LogRow) -> Self {
        // Cleaned text stays as it is; what is not clean is drawn without its paint.
        let text = one_line(&known.text);
        let paint = if text == known.text {
            known.paint.clone()
        } else {
            Vec::new()
        };
        if !look.is_ascii {
            return Self { text, paint };
        }
        let text = text.chars().map(|character| {
            let is_plain = character.is_ascii();
            let stand_in = std::iter::repeat_n('?', character.len_utf8());
            // As many bytes as before, so that pieces stay where they are.
            if is_plain {
                String::from(character)
            } else {
                stand_in.collect()
            }
        });
        Self {
            text: text.collect(),
            paint,
        }
    }

    /// A piece of it.
    fn spans(&self, look: Look, range: Range<usize>) -> Vec<Span<'static>> {
        let piece = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default().to_owned();
        let mut spans = Vec::new();
        let mut from = range.start;
        for paint in &self.paint {
            let begin = (paint.from as usize).clamp(from, range.end.max(from));
            let end = (paint.to as usize).clamp(begin, range.end.max(begin));
            if begin == end {
                continue;
            }
            spans.push(Span::raw(piece(from, begin)));
            spans.push(Span::styled(piece(begin, end), style(look, paint.kind)));
            from = end;
        }
        spans.push(Span::raw(piece(from, range.end)));
        spans
    }

    /// What fits of it from a column on.
    fn cut(&self, look: Look, column: u32, width: usize) -> Vec<Span<'static>> {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let from = place_of(&self.text, 0, column);
        let rest = self.text.get(from..).unwrap_or_default();
        if rest.width() <= width {
            return self.spans(look, from..self.text.len());
        }
        let to = place_of(&self.text, from, width.saturating_sub(1));
        let mut spans = self.spans(look, from..to);
        spans.push(Span::styled(
            look.ellipsis().to_string(),
            look.style(Role::Faint),
        ));
        spans
    }
}

/// The byte so many columns after `from`.
fn place_of(text: &str, from: usize, columns: usize) -> usize {
    let mut used = 0;
    let rest = text.get(from..).unwrap_or_default();
    for (place, character) in rest.char_indices() {
        used += character.width().unwrap_or(0);
        if used > columns {
            return from + place;
        }
    }
    text.len()
}

fn style(look: Look, kind: PaintKind) -> Style {
    match kind {
        PaintKind::Key | PaintKind::Note | PaintKind::Level(LogSeverity::Debug) => {
            look.style(Role::Faint)
        }
        PaintKind::Level(LogSeverity::Info) => look.style(Role::Good),
        PaintKind::Level(LogSeverity::Warning) => look.style(Role::Wanting),
        PaintKind::Level(LogSeverity::Error) => look.style(Role::Broken),
        PaintKind::Hit => look.style(Role::Wanting).add_modifier(Modifier::REVERSED),
    }
}
