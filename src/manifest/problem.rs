//! What is wrong in one of the user's files, where, and what to write instead.

use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use serde::{Deserialize, Serialize};

use super::visible::{visible, visible_in_place};

/// One mistake in one file. Serialises to what `--json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Problem {
    /// The file, as it is shown to the user.
    pub file: String,
    /// The line, counted from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if the file as a whole is meant.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
    /// What to write or do instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The text and the place in it, for the line with the caret.
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: Arc<str>,
    range: Range<usize>,
}

/// One file of the user's, kept so that mistakes found later can still be shown in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceFile {
    /// As it is shown to the user.
    pub(super) name: String,
    /// The text, without a byte order mark.
    pub(super) text: Arc<str>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<SourceFile>,
    pub(super) range: Range<usize>,
}

/// How many characters of a line are shown on each side of the caret's start. A
/// stranger's file may be one line of a megabyte.
const SHOWN_CHARACTERS: usize = 60;

/// The line that a problem is in, cut around the caret and safe to print.
struct OneLine {
    file: String,
    text: String,
    mark: Range<usize>,
    line: usize,
    column: usize,
}

/// How problems are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Colours and box characters.
    Color,
    /// Box characters without colour, for `NO_COLOR` and for files.
    Plain,
}

impl Problem {
    /// Says something about a file as a whole.
    pub(super) fn of_file(file: &str, message: &str, help: Option<String>) -> Self {
        Self {
            file: visible(file),
            line: 0,
            column: 0,
            message: visible(message),
            help,
            excerpt: None,
        }
    }

    /// Draws the problem with its line and a caret, `width` columns wide at most.
    #[must_use]
    pub fn render(&self, paint: Paint, width: usize) -> String {
        let theme = match paint {
            Paint::Color => GraphicalTheme::unicode(),
            Paint::Plain => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width.max(40))
            .without_syntax_highlighting();
        let mut diagnostic = MietteDiagnostic::new(self.message.clone());
        if let Some(help) = &self.help {
            diagnostic = diagnostic.with_help(help.clone());
        }
        let mut drawn = String::new();
        let outcome = if let Some(excerpt) = &self.excerpt {
            let line = OneLine::of(self, excerpt);
            let label = LabeledSpan::underline(line.mark.clone());
            let report = miette::Report::new(diagnostic.with_label(label)).with_source_code(line);
            handler.render_report(&mut drawn, report.as_ref())
        } else {
            diagnostic.message = format!("{}: {}", self.file, self.message);
            handler.render_report(&mut drawn, &diagnostic)
        };
        if outcome.is_err() {
            return self.to_string();
        }
        drawn
    }
}

impl OneLine {
    fn of(problem: &Problem, excerpt: &Excerpt) -> Self {
        let before = excerpt.text.get(..excerpt.range.start).unwrap_or_default();
        let from = excerpt.text.get(excerpt.range.start..).unwrap_or_default();
        let before = before.rsplit('\n').next().unwrap_or_default();
        let after = from.split(['\n', '\r']).next().unwrap_or_default();
        let skipped = before.chars().count().saturating_sub(SHOWN_CHARACTERS);
        let before: String = before.chars().skip(skipped).collect();
        let after: String = after.chars().take(SHOWN_CHARACTERS).collect();
        let length = excerpt.range.len().min(after.len());
        Self {
            file: problem.file.clone(),
            mark: before.len()..before.len() + length,
            text: visible_in_place(&format!("{before}{after}")),
            line: problem.line.saturating_sub(1),
            column: problem.column.saturating_sub(1),
        }
    }
}

impl SourceCode for OneLine {
    fn read_span<'a>(
        &'a self,
        _span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            self.text.as_bytes(),
            (0, self.text.len()).into(),
            self.line,
            self.column,
            1,
        )))
    }
}

impl std::fmt::Display for Problem {
    /// One line: `file:line:column: message (help)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.file)?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl Place {
    /// Says something about this place.
    pub(super) fn problem(&self, message: &str, help: Option<String>) -> Problem {
        let (line, column) = self.file.position(self.range.start);
        Problem {
            file: self.file.name.clone(),
            line,
            column,
            message: visible(message),
            help: help.map(|help| visible(&help)),
            excerpt: Some(Excerpt {
                text: Arc::clone(&self.file.text),
                range: self.file.first_line_of(&self.range),
            }),
        }
    }
}

impl SourceFile {
    /// Line and column of a byte, both from 1, the column in characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before
            .get(start..)
            .map_or(0, |text| text.chars().count())
            .saturating_add(1);
        (line, column)
    }

    /// Cuts a range at its first line end, so that a caret never spans a page.
    fn first_line_of(&self, range: &Range<usize>) -> Range<usize> {
        let end = range.end.min(self.text.len());
        let start = range.start.min(end);
        let text = self.text.get(start..end).unwrap_or_default();
        let length = text.find(['\n', '\r']).unwrap_or(text.len());
        start..start + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, range: Range<usize>) -> Place {
        Place {
            file: Arc::new(SourceFile {
                name: String::from("cellar.json"),
                text: Arc::from(text),
            }),
            range,
        }
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        let problem = place("{\n  \"ü\": 1", 9..10).problem("no", None);
        assert_eq!((problem.line, problem.column), (2, 7));
    }

    #[test]
    fn a_hostile_file_cannot_reach_the_terminal() {
        let problem = place("\"\x1b[2J\u{202e}x\"", 0..9).problem("bad \x1b[2J", None);
        for text in [problem.render(Paint::Plain, 80), problem.to_string()] {
            assert!(!text.contains(['\x1b', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn colour_is_only_drawn_when_asked_for() {
        let problem = place("{}", 0..2).problem("no", None);
        assert!(!problem.render(Paint::Plain, 80).contains('\x1b'));
        assert!(problem.render(Paint::Color, 80).contains('\x1b'));
    }

    #[test]
    fn the_whole_line_is_drawn_with_the_caret_below_its_place() {
        let problem = place("{\n  \"key\": 1,\n}", 4..9).problem("no", None);
        let drawn = problem.render(Paint::Plain, 80);
        assert!(drawn.contains("[f:2:3]".replace('f', "cellar.json").as_str()));
        assert!(drawn.contains("2 │   \"key\": 1,\n"), "{drawn}");
        assert!(drawn.contains("·   ─────\n"), "{drawn}");
    }

    #[test]
    fn an_endless_line_is_cut_around_the_caret() {
        let text = format!("{}\"key\"{}", " ü".repeat(50_000), "x".repeat(100_000));
        let problem = place(&text, 150_000..150_005).problem("no", None);
        let drawn = problem.render(Paint::Plain, 80);
        assert!(drawn.len() < 2000, "{}", drawn.len());
        assert!(drawn.contains("\"key\"xxx"), "{drawn}");
        assert_eq!((problem.line, problem.column), (1, 100_001));
    }

    #[test]
    fn places_outside_the_text_are_drawn_all_the_same() {
        let problem = place("{", 7..90).problem("no", None);
        assert!(problem.render(Paint::Plain, 80).contains("no"));
    }
}
