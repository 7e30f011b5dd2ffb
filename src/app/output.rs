//! What verbs print: lines, tables and JSON on standard output, notes on standard
//! error. Text from an agent is made safe here and nowhere else.

use std::borrow::Cow;
use std::io::{Stderr, Stdout, Write as _};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::pty::one_line;

/// Where a verb prints.
#[derive(Debug)]
pub(crate) struct Output {
    data: Stdout,
    notes: Stderr,
    /// Whether frames are printed; screen readers name each piece of one.
    has_frames: bool,
}

impl Output {
    /// Standard output and standard error.
    pub(crate) fn standard() -> Self {
        Self {
            data: std::io::stdout(),
            notes: std::io::stderr(),
            has_frames: true,
        }
    }

    /// The same for who has it read aloud: without frames.
    pub(crate) fn spoken() -> Self {
        Self {
            has_frames: false,
            ..Self::standard()
        }
    }

    fn framed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let is_frame = |c: char| matches!(c, '\u{2500}'..='\u{259f}');
        if self.has_frames || !text.contains(is_frame) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.replace(is_frame, ""))
    }

    /// Prints a line of data.
    pub(crate) fn line(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.data, "{}", one_line(&self.framed(text)))
    }

    /// Prints a text of our own making as it is.
    pub(crate) fn raw(&mut self, text: &[u8]) -> std::io::Result<()> {
        self.data.write_all(text)
    }

    /// Prints what stands before what is typed, and no end of a line.
    pub(crate) fn prompt(&mut self, text: &str) -> std::io::Result<()> {
        self.data.write_all(text.as_bytes())?;
        self.data.flush()
    }

    /// Prints a note that is no data.
    pub(crate) fn note(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.notes, "{}", one_line(&self.framed(text)))
    }

    /// Prints a note of our own making that has lines and colours of its own.
    pub(crate) fn raw_note(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.notes, "{}", self.framed(text))
    }

    /// Prints one JSON document.
    pub(crate) fn json<T: Serialize>(&mut self, value: &T) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        writeln!(self.data, "{text}")
    }

    /// Prints one JSON object on one line.
    pub(crate) fn json_line<T: Serialize>(&mut self, value: &T) -> std::io::Result<()> {
        let text = serde_json::to_string(value)?;
        writeln!(self.data, "{text}")
    }

    /// Prints a table with aligned columns.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
        self.data.write_all(table(head, rows).as_bytes())
    }
}

/// Lays out a table: columns two spaces apart, no space at the line's end.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut all: Vec<Vec<String>> = vec![head.iter().map(|&cell| cell.to_owned()).collect()];
    all.extend(
        rows.iter()
            .map(|row| row.iter().map(|cell| one_line(cell)).collect()),
    );
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            all.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_aloud_has_no_frames() {
        assert_eq!(Output::spoken().framed("│ a ├─"), " a ");
        assert_eq!(Output::standard().framed("│ a ├─"), "│ a ├─");
    }

    #[test]
    fn columns_align_and_lines_end_clean() {
        let rows = vec![
            vec![String::from("a"), String::from("waiting")],
            vec![String::from("long-name"), String::new()],
        ];
        assert_eq!(
            table(&["BOTTLE", "STATE"], &rows),
            "BOTTLE     STATE\na          waiting\nlong-name\n"
        );
    }
}
