//! A Dockerfile's change: one line under the other, or before and after side by side
//! where there is room. Only lines in sight are made; none is cut, because what is cut
//! is approved unseen.

use ratatui::text::Line;
use unicode_width::UnicodeWidthStr as _;

use super::super::super::look::{Look, Role};
use super::super::super::text::{Words, break_text, pad, safe};
use crate::state::{DiffLine, LineChange, LineDiff};

/// From this many columns on before and after stand side by side.
const BESIDE: u16 = 116;
/// Columns of a line's number.
const NUMBER: usize = 5;
/// The words that Dockerfile instructions begin with.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// One line of the change, or a line of each side.
#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    /// Between hunks.
    Gap,
    One(&'a DiffLine),
    Two(Option<&'a DiffLine>, Option<&'a DiffLine>),
}

/// A change laid out for a width.
#[derive(Debug)]
pub(in crate::ui) struct Diff<'a> {
    /// Each piece with the rows that it takes.
    pieces: Vec<(Piece<'a>, usize)>,
    width: usize,
}

impl<'a> Diff<'a> {
    pub(in crate::ui) fn of(diff: &'a LineDiff, width: u16) -> Self {
        let is_beside = width >= BESIDE;
        let width = usize::from(width);
        let mut pieces = Vec::new();
        for (at, hunk) in diff.hunks.iter().enumerate() {
            if at > 0 {
                pieces.push(Piece::Gap);
            }
            if is_beside {
                beside(&hunk.lines, &mut pieces);
            } else {
                pieces.extend(hunk.lines.iter().map(Piece::One));
            }
        }
        let measured = |piece: Piece<'a>| (piece, piece.rows(width));
        Self {
            pieces: pieces.into_iter().map(measured).collect(),
            width,
        }
    }

    /// How many rows it takes.
    pub(in crate::ui) fn rows(&self) -> usize {
        self.pieces.iter().map(|(_, rows)| rows).sum()
    }

    /// `count` rows from the row `first` on.
    pub(in crate::ui) fn lines(
        &self,
        look: Look,
        first: usize,
        count: usize,
    ) -> impl Iterator<Item = Line<'static>> {
        let mut skip = first;
        let mut pieces = self.pieces.iter();
        let mut lines: Vec<Line<'static>> = Vec::with_capacity(count);
        while lines.len() < count
            && let Some((piece, rows)) = pieces.next()
        {
            if skip >= *rows {
                skip -= rows;
                continue;
            }
            let made = piece.draw(look, self.width).into_iter().skip(skip);
            lines.extend(made.take(count - lines.len()));
            skip = 0;
        }
        lines.into_iter()
    }
}

/// Pairs what goes with what comes in its place.
fn beside<'a>(lines: &'a [DiffLine], pieces: &mut Vec<Piece<'a>>) {
    let mut gone = Vec::new();
    let mut new = Vec::new();
    for line in lines {
        match line.change {
            LineChange::Removed => gone.push(line),
            LineChange::Added => new.push(line),
            LineChange::Kept => {
                pair(&mut gone, &mut new, pieces);
                pieces.push(Piece::Two(Some(line), Some(line)));
            }
        }
    }
    pair(&mut gone, &mut new, pieces);
}

fn pair<'a>(gone: &mut Vec<&'a DiffLine>, new: &mut Vec<&'a DiffLine>, to: &mut Vec<Piece<'a>>) {
    let rows = gone.len().max(new.len());
    let sides = (0..rows).map(|at| Piece::Two(gone.get(at).copied(), new.get(at).copied()));
    to.extend(sides);
    gone.clear();
    new.clear();
}

impl Piece<'_> {
    fn rows(self, width: usize) -> usize {
        match self {
            Self::Gap => 1,
            Self::One(line) => rows_of(line, room(width)),
            Self::Two(before, after) => {
                let room = half_room(width);
                let rows = [before, after].map(|side| side.map_or(1, |line| rows_of(line, room)));
                rows.into_iter().max().unwrap_or(1)
            }
        }
    }

    fn draw(self, look: Look, width: usize) -> Vec<Line<'static>> {
        match self {
            Self::Gap => {
                let text = format!(" {}", look.glyph("⋯", "..."));
                vec![Words::new(look).put(Role::Faint, text).line()]
            }
            Self::One(line) => {
                let texts = break_text(&line.text, room(width)).into_iter().enumerate();
                texts
                    .map(|(at, text)| side(Words::new(look), line, &text, at == 0).line())
                    .collect()
            }
            Self::Two(before, after) => two(look, width, before, after),
        }
    }
}

/// Columns of the text of a line, and of that of one of two sides.
const fn room(width: usize) -> usize {
    let room = width.saturating_sub(NUMBER + 4);
    if room < 8 { 8 } else { room }
}

const fn half_room(width: usize) -> usize {
    room(width.saturating_sub(3) / 2)
}

fn rows_of(line: &DiffLine, room: usize) -> usize {
    // Most lines are short, and bytes are counted already.
    if line.text.len() <= room || line.text.width() <= room {
        return 1;
    }
    break_text(&line.text, room).len()
}

fn two(
    look: Look,
    width: usize,
    before: Option<&DiffLine>,
    after: Option<&DiffLine>,
) -> Vec<Line<'static>> {
    let room = half_room(width);
    let half = room + NUMBER + 4;
    let texts = |line: Option<&DiffLine>| {
        line.map(|line| break_text(&line.text, room))
            .unwrap_or_default()
    };
    let (left, right) = (texts(before), texts(after));
    let rows = left.len().max(right.len()).max(1);
    let mut lines = Vec::with_capacity(rows);
    for at in 0..rows {
        let mut words = Words::new(look);
        if let (Some(line), Some(text)) = (before, left.get(at)) {
            words = side(words, line, text, at == 0);
        }
        let missing = half.saturating_sub(words.width());
        words = words
            .put(Role::Plain, " ".repeat(missing))
            .put(Role::Faint, format!("{} ", look.wall()));
        if let (Some(line), Some(text)) = (after, right.get(at)) {
            // What stays is numbered on each side as it is there.
            words = after_side(words, line, text, at == 0);
        }
        lines.push(words.line());
    }
    lines
}

fn side(words: Words, line: &DiffLine, text: &str, is_first: bool) -> Words {
    let number = match line.change {
        LineChange::Added => line.after,
        LineChange::Kept | LineChange::Removed => line.before,
    };
    written(words, line.change, number, text, is_first)
}

fn after_side(words: Words, line: &DiffLine, text: &str, is_first: bool) -> Words {
    written(words, line.change, line.after, text, is_first)
}

fn written(
    words: Words,
    change: LineChange,
    number: Option<u32>,
    text: &str,
    is_first: bool,
) -> Words {
    let look = words.look;
    let (role, sign) = match change {
        LineChange::Kept => (Role::Plain, " "),
        LineChange::Added => (Role::Good, "+"),
        LineChange::Removed => (Role::Broken, "-"),
    };
    let number = match number {
        Some(number) if is_first => format!("{number:>NUMBER$}"),
        _ => pad(look, "", NUMBER),
    };
    let sign = if is_first {
        sign
    } else {
        look.glyph("↳", "\\")
    };
    let words = words
        .put(Role::Faint, format!("{number} "))
        .put(role, format!("{sign} "));
    let room = text.width();
    let text = safe(look, text, room);
    let is_comment = is_first && text.trim_start().starts_with('#');
    match keyword(&text).filter(|_| is_first) {
        Some((word, rest)) if role == Role::Plain => words.put(Role::Strong, word).put(role, rest),
        _ if is_comment && role == Role::Plain => words.put(Role::Faint, text),
        _ => words.put(role, text),
    }
}

/// The instruction that a line begins with, and the rest of the line.
fn keyword(text: &str) -> Option<(String, String)> {
    let end = text.find(' ').unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let is_one = KEYWORDS.contains(&word.to_ascii_uppercase().as_str());
    is_one.then(|| (word.to_owned(), rest.to_owned()))
}
