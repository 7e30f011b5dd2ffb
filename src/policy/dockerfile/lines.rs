//! Lines: how the text is cut into them, which are comments and directives, and how
//! those that belong together are joined.

use super::{Comment, DirectiveName, MAX_BYTES, MAX_LINES, ParseProblem};

/// White space between words, as the builder has it (`[\t\v\f\r ]`).
pub(super) const BLANK: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// One line without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) number: u32,
    pub(super) start: usize,
    pub(super) text: &'a str,
}

/// The lines of a text, one after another.
#[derive(Debug)]
pub(super) struct Source<'a> {
    left: &'a str,
    at: usize,
    number: u32,
}

impl<'a> Source<'a> {
    /// Looks at what must hold of the whole text.
    pub(super) fn open(text: &'a str) -> Result<Self, ParseProblem> {
        if text.len() > MAX_BYTES {
            return Err(ParseProblem::TooLong);
        }
        if text.split('\n').count() > MAX_LINES {
            return Err(ParseProblem::TooManyLines);
        }
        let stray = text.split('\n').zip(1..).find(|(line, _)| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            line.contains('\r')
        });
        if let Some((_, line)) = stray {
            return Err(ParseProblem::Ambiguous {
                line,
                what: "a carriage return that ends no line",
            });
        }
        // The mark is no part of the first line, but of the text.
        let left = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Self {
            left,
            at: text.len().saturating_sub(left.len()),
            number: 0,
        })
    }

    /// Where the next line begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Source<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.left.is_empty() {
            return None;
        }
        let (line, rest) = match self.left.split_once('\n') {
            Some((line, rest)) => (line, rest),
            None => (self.left, ""),
        };
        let start = self.at;
        self.at += self.left.len().saturating_sub(rest.len());
        self.left = rest;
        self.number = self.number.saturating_add(1);
        Some(Line {
            number: self.number,
            start,
            text: line.strip_suffix('\r').unwrap_or(line),
        })
    }
}

/// A directive as it stands in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'a> {
    pub(super) name: DirectiveName,
    pub(super) value: &'a str,
}

/// Reads `# name = value`. Builders differ in what they take for a `syntax` directive:
/// some look behind a `#!` or behind `//`; see `findings`, which looks there too.
pub(super) fn directive(line: &str) -> Option<Directive<'_>> {
    let rest = line.trim_start().strip_prefix('#')?;
    let (name, value) = rest.split_once('=')?;
    let value = value.trim();
    let name = match name.trim().to_ascii_lowercase().as_str() {
        "syntax" => DirectiveName::Syntax,
        "escape" => DirectiveName::Escape,
        "check" => DirectiveName::Check,
        _ => return None,
    };
    (!value.is_empty()).then_some(Directive { name, value })
}

/// What stands in a line that is a comment.
pub(super) fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('#')
}

/// Text of one instruction, and which of it stood in which line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    text: String,
    /// From this byte on, this line.
    lines: Vec<(usize, u32)>,
}

impl Joined {
    pub(super) fn push(&mut self, text: &str, line: u32) {
        self.lines.push((self.text.len(), line));
        self.text.push_str(text);
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The line in which the byte at this place stood.
    #[must_use]
    pub fn line_at(&self, at: usize) -> Option<u32> {
        let before = self.lines.partition_point(|(start, _)| *start <= at);
        self.lines
            .get(before.saturating_sub(1))
            .map(|(_, line)| *line)
    }

    /// All behind so many bytes, white space at both ends left out.
    pub(super) fn after(&self, at: usize) -> Self {
        let rest = self.text.get(at..).unwrap_or_default();
        let at = self.text.len() - rest.trim_start().len();
        let text = rest.trim().to_owned();
        let line = self.line_at(at).map(|line| (0, line));
        let later = self.lines.iter().filter(|(start, _)| *start > at);
        let lines = line.into_iter();
        let lines = lines.chain(later.map(|(start, line)| (start - at, *line)));
        Self {
            lines: lines.collect(),
            text,
        }
    }

    /// The first word and all behind it.
    pub(super) fn first_word(&self) -> (String, Self) {
        let whole = self.after(0);
        let end = whole.text.find(BLANK).unwrap_or(whole.text.len());
        let word = whole.text.get(..end).unwrap_or_default().to_owned();
        (word, whole.after(end))
    }
}

/// Lines that belong together.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) logical: Joined,
    pub(super) first_line: u32,
    pub(super) last_line: u32,
    pub(super) start: usize,
    /// Whether the last of them asks for another.
    pub(super) is_open: bool,
}

/// Joins a line with those that continue it. Comments and blank lines in between are
/// passed over, as the builder does.
pub(super) fn join(
    first: Line<'_>,
    source: &mut Source<'_>,
    escape: char,
    comments: &mut Vec<Comment>,
) -> Result<Unit, ParseProblem> {
    let (text, mut is_open) = continued(first, escape)?;
    let mut unit = Unit {
        logical: Joined::default(),
        first_line: first.number,
        last_line: first.number,
        start: first.start,
        is_open,
    };
    unit.logical.push(text.trim_start(), first.number);
    while is_open && let Some(line) = source.next() {
        unit.last_line = line.number;
        if let Some(text) = comment(line.text) {
            comments.push(Comment {
                line: line.number,
                text: text.to_owned(),
                is_inside: true,
            });
        } else if !line.text.trim().is_empty() {
            let text;
            (text, is_open) = continued(line, escape)?;
            unit.logical.push(text, line.number);
        }
    }
    unit.is_open = is_open;
    Ok(unit)
}

/// A line without the character that continues it, and whether it had one.
fn continued(line: Line<'_>, escape: char) -> Result<(&str, bool), ParseProblem> {
    let Some(text) = line.text.trim_end_matches([' ', '\t']).strip_suffix(escape) else {
        return Ok((line.text, false));
    };
    if text.ends_with(escape) {
        // BuildKit of old continues the line, that of today does not.
        return Err(ParseProblem::Ambiguous {
            line: line.number,
            what: "two continuation characters at its end",
        });
    }
    Ok((text, true))
}
