//! Reading a screen with its scrollback as one text: lines from the oldest that is kept
//! to the bottom, each with its columns.
//!
//! What is given holds no control character and no mark that hides or reorders, since no
//! cell does.

use alacritty_terminal::grid::Dimensions as _;
use alacritty_terminal::index::Line;
use alacritty_terminal::term::cell::Flags;

use super::{Cell, Hyperlink, Screen, cell};

impl Screen {
    /// A copy that no output changes: what is shown now, and the scrollback above it.
    ///
    /// It leaves the screen as it is; see [`Screen::snapshot`] for why it is mutable.
    #[must_use]
    pub fn still(&mut self) -> Self {
        let lines = self.scrollback_len();
        let mut still = Self::new(self.size, u32::try_from(lines).unwrap_or(u32::MAX));
        // Who asked this screen was answered by the program's own host.
        drop(still.feed(&self.snapshot(lines)));
        still
    }

    /// How many lines there are, the scrollback and the rows of the screen.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.recorder.term.grid().total_lines()
    }

    /// The cells of a line, as [`Screen::row`] gives them; none past the last.
    pub fn line(&self, line: usize) -> impl Iterator<Item = Cell<'_>> {
        let term = &self.recorder.term;
        let cells = self
            .grid_line(line)
            .map_or(&[][..], |line| &term.grid()[line][..]);
        cell::cells(cells, term.colors())
    }

    /// The text of a line without the blanks at its end.
    #[must_use]
    pub fn line_text(&self, line: usize) -> String {
        self.text_of(line, 0, u16::MAX)
    }

    /// The last column of a line that is not blank, or the first.
    #[must_use]
    pub fn line_end(&self, line: usize) -> u16 {
        let cells = self.line(line).enumerate();
        let last = cells
            .filter(|(_, cell)| cell.character != ' ' && cell.width > 0)
            .last();
        last.map_or(0, |(column, _)| u16::try_from(column).unwrap_or(u16::MAX))
    }

    /// The text from one place to another, both with it; whole lines if `by_line`. A
    /// line that the program wrote over the edge goes on without a break.
    #[must_use]
    pub fn text_between(&self, from: (usize, u16), to: (usize, u16), by_line: bool) -> String {
        let (from, to) = if from <= to { (from, to) } else { (to, from) };
        let mut text = String::new();
        for line in from.0..=to.0.min(self.lines().saturating_sub(1)) {
            let first = if line == from.0 && !by_line {
                from.1
            } else {
                0
            };
            let last = if line == to.0 && !by_line {
                to.1
            } else {
                u16::MAX
            };
            text.push_str(&self.text_of(line, first, last));
            let goes_on = last == u16::MAX && self.is_wrapped(line) && line < to.0;
            if !goes_on && (line < to.0 || by_line) {
                text.push('\n');
            }
        }
        text
    }

    /// The link at a place. Hostile text.
    #[must_use]
    pub fn link_at(&self, line: usize, column: u16) -> Option<Hyperlink> {
        self.line(line).nth(usize::from(column))?.hyperlink
    }

    /// Whether a line goes on in the next one, because the program wrote over its end.
    #[must_use]
    pub fn is_wrapped(&self, line: usize) -> bool {
        self.last_flags(line).contains(Flags::WRAPLINE)
    }

    /// Where the next word begins, or the one before.
    #[must_use]
    pub fn word(&self, from: (usize, u16), is_forward: bool) -> (usize, u16) {
        let begins = |line: usize| {
            // A word that is written over the edge does not begin anew behind it.
            let mut was_blank = line == 0 || !self.is_wrapped(line - 1) || {
                let letters = self.line(line - 1).filter(|cell| cell.width > 0);
                letters.last().is_none_or(|cell| cell.character == ' ')
            };
            let cells = self
                .line(line)
                .enumerate()
                .filter(|(_, cell)| cell.width > 0);
            let begins = cells.filter_map(move |(column, cell)| {
                let begins = was_blank && cell.character != ' ';
                was_blank = cell.character == ' ';
                begins.then(|| u16::try_from(column).unwrap_or(u16::MAX))
            });
            begins.map(move |column| (line, column)).collect::<Vec<_>>()
        };
        let last = self.lines().saturating_sub(1);
        let found = if is_forward {
            let mut places = (from.0..=last).flat_map(begins);
            places.find(|place| *place > from)
        } else {
            let lines = (0..=from.0.min(last)).rev();
            let mut places = lines.flat_map(|line| begins(line).into_iter().rev());
            places.find(|place| *place < from)
        };
        found.unwrap_or(from)
    }

    fn text_of(&self, line: usize, first: u16, last: u16) -> String {
        let mut text = String::new();
        let columns = usize::from(first)..=usize::from(last);
        for (column, cell) in self.written(line) {
            if columns.contains(&column) {
                cell.push_text(&mut text);
            }
        }
        // Where the text goes on in the next line, a blank at the end is one of it.
        if last != u16::MAX || !self.is_wrapped(line) {
            text.truncate(text.trim_end().len());
        }
        text
    }

    /// The cells of a line with their columns, less the blank at its end that only made
    /// room for a wide character.
    pub(super) fn written(&self, line: usize) -> impl Iterator<Item = (usize, Cell<'_>)> {
        let made_room = self
            .last_flags(line)
            .contains(Flags::WRAPLINE | Flags::LEADING_WIDE_CHAR_SPACER);
        let columns = usize::from(self.size.columns) - usize::from(made_room);
        self.line(line).take(columns).enumerate()
    }

    /// What is noted of the end of a line.
    fn last_flags(&self, line: usize) -> Flags {
        let grid = self.recorder.term.grid();
        let last = self.grid_line(line).and_then(|line| grid[line].last());
        last.map_or(Flags::empty(), |cell| cell.flags)
    }

    fn grid_line(&self, line: usize) -> Option<Line> {
        let history = i32::try_from(self.scrollback_len()).ok()?;
        let at = i32::try_from(line).ok()?.checked_sub(history)?;
        (line < self.lines()).then_some(Line(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TerminalSize;

    fn screen(columns: u16, rows: u16, bytes: &[u8]) -> Screen {
        let mut screen = Screen::new(TerminalSize { columns, rows }, 100);
        drop(screen.feed(bytes));
        screen
    }

    #[test]
    fn lines_go_from_the_oldest_to_the_bottom() {
        let screen = screen(10, 2, b"one\r\ntwo\r\nthree\r\nfour");
        assert_eq!(screen.lines(), 4);
        let texts: Vec<String> = (0..5).map(|line| screen.line_text(line)).collect();
        assert_eq!(texts, ["one", "two", "three", "four", ""]);
        assert_eq!(screen.line_end(2), 4);
        assert_eq!(screen.line_end(9), 0);
    }

    #[test]
    fn a_still_screen_does_not_change_and_changes_nothing() {
        for alternate in [&b""[..], b"\x1b[?1049h\x1b[H"] {
            let mut live = screen(10, 2, b"one\r\ntwo\r\nthree");
            drop(live.feed(alternate));
            drop(live.feed(b"\x1b[1mfour"));
            let (before, lines) = (live.text(), live.lines());
            let still = live.still();
            drop(live.feed(b"\r\nfive\r\nsix"));
            assert_eq!((still.text(), still.lines()), (before, lines));
            assert_eq!(still.size(), live.size());
        }
    }

    #[test]
    fn text_is_taken_by_character_and_by_line_either_way_round() {
        let screen = screen(10, 3, b"alpha beta\r\n  gamma\r\ndelta");
        for (from, to, by_line, expected) in [
            ((0, 6), (0, 9), false, "beta"),
            ((0, 6), (1, 4), false, "beta\n  gam"),
            ((1, 4), (0, 6), false, "beta\n  gam"),
            ((1, 0), (1, 0), true, "  gamma\n"),
            ((2, 3), (1, 9), true, "  gamma\ndelta\n"),
            ((2, 0), (99, 0), true, "delta\n"),
        ] {
            assert_eq!(screen.text_between(from, to, by_line), expected);
        }
    }

    #[test]
    fn a_line_that_was_written_over_the_edge_is_one() {
        let screen = screen(5, 3, b"abcdefgh\r\nnext");
        assert_eq!(screen.text_between((0, 1), (2, 1), false), "bcdefgh\nne");
        assert_eq!(
            screen.text_between((0, 0), (2, 0), true),
            "abcdefgh\nnext\n"
        );
    }

    /// A blank makes room for it at the edge, which is no part of the text.
    #[test]
    fn a_wide_character_that_did_not_fit_follows_without_a_blank() {
        let screen = screen(5, 3, "abcd日本 x".as_bytes());
        let hit = crate::pty::Hit {
            first: (0, 3),
            last: (1, 3),
        };
        assert_eq!(screen.hits(0..3, "d日本"), [hit]);
        assert_eq!(screen.text_between((0, 0), (2, 0), true), "abcd日本 x\n");
    }

    #[test]
    fn a_blank_at_the_edge_is_copied() {
        let screen = screen(4, 3, b"abc def\r\nx");
        assert_eq!(screen.text_between((0, 0), (1, 2), false), "abc def");
        assert_eq!(screen.hits(0..3, "c d").len(), 1);
    }

    #[test]
    fn words_begin_after_blanks_and_lines() {
        let screen = screen(20, 3, b"one  two\r\n\r\n  three");
        for (from, to) in [((0, 0), (0, 5)), ((0, 5), (2, 2)), ((2, 2), (2, 2))] {
            assert_eq!(screen.word(from, true), to);
        }
        for (from, to) in [((2, 4), (2, 2)), ((2, 2), (0, 5)), ((0, 0), (0, 0))] {
            assert_eq!(screen.word(from, false), to);
        }
    }

    /// The text that is copied goes to the operator's clipboard.
    #[test]
    fn hostile_text_comes_out_clean() {
        let screen = screen(
            40,
            2,
            "a\u{202e}b\u{200b}c\u{1b}]52;c;QQ==\u{7}d\u{9b}31me".as_bytes(),
        );
        let text = screen.text_between((0, 0), (1, 0), false);
        assert_eq!(crate::pty::hidden(&text), None, "{text:?}");
        assert!(text.starts_with("abcd"), "{text:?}");
    }

    #[test]
    fn a_link_is_found_where_it_stands() {
        let screen = screen(
            20,
            1,
            b"a \x1b]8;;https://a.test/x\x1b\\link\x1b]8;;\x1b\\ b",
        );
        let uri = |column| screen.link_at(0, column).map(|link| link.uri().to_owned());
        assert_eq!(uri(1), None);
        assert_eq!(uri(2).as_deref(), Some("https://a.test/x"));
        assert_eq!(uri(5).as_deref(), Some("https://a.test/x"));
        assert_eq!(uri(6), None);
    }
}
