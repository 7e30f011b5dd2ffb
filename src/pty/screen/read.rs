//! Reading a screen with its scrollback as one text: lines from the oldest that is kept
//! to the bottom, each with its columns.
//!
//! What is given holds no control character and no mark that hides or reorders, since no
//! cell does.

use alacritty_terminal::grid::Dimensions as _;
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::Flags;

use super::{Cell, Hyperlink, Screen, cell};

/// Where something was found, and the how manieth of how many it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundText {
    /// Its line.
    pub line: usize,
    /// Its first column.
    pub column: u16,
    /// Counted from 1 at the oldest.
    pub number: usize,
    /// How many there are.
    pub total: usize,
}

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
            let goes_on = last == u16::MAX && self.wraps(line) && line < to.0;
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

    /// Where a line holds a text: the first column of each hit and the one after its
    /// last. A text without capitals finds both.
    #[must_use]
    pub fn hits(&self, line: usize, text: &str) -> Vec<(u16, u16)> {
        let wanted = Wanted::of(text);
        if wanted.letters.is_empty() {
            return Vec::new();
        }
        let letters: Vec<(char, u16, u16)> = self.letters(line, &wanted).collect();
        let mut hits = Vec::new();
        let mut at = 0;
        while let Some(window) = letters.get(at..at + wanted.letters.len()) {
            let is_hit = window.iter().map(|(letter, ..)| letter).eq(&wanted.letters);
            let ends = window.first().zip(window.last());
            if let Some(((_, first, _), (_, _, end))) = ends.filter(|_| is_hit) {
                hits.push((*first, *end));
                at += wanted.letters.len();
            } else {
                at += 1;
            }
        }
        hits
    }

    /// The next hit below a place, or above it, and on from the other end; a hit at the
    /// place itself counts only if `is_here`.
    #[must_use]
    pub fn find(
        &self,
        text: &str,
        from: (usize, u16),
        is_down: bool,
        is_here: bool,
    ) -> Option<FoundText> {
        let places: Vec<(usize, u16)> = (0..self.lines())
            .flat_map(|line| {
                let hits = self.hits(line, text).into_iter();
                hits.map(move |(column, _)| (line, column))
            })
            .collect();
        let at = if is_down {
            let is_behind = |place: &(usize, u16)| *place > from || is_here && *place == from;
            places.iter().position(is_behind).unwrap_or(0)
        } else {
            let is_before = |place: &(usize, u16)| *place < from || is_here && *place == from;
            let last = places.len().saturating_sub(1);
            places.iter().rposition(is_before).unwrap_or(last)
        };
        places.get(at).map(|(line, column)| FoundText {
            line: *line,
            column: *column,
            number: at + 1,
            total: places.len(),
        })
    }

    /// Where the next word begins, or the one before.
    #[must_use]
    pub fn word(&self, from: (usize, u16), is_forward: bool) -> (usize, u16) {
        let begins = |line: usize| {
            let mut was_blank = true;
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
        let cells = self.line(line).enumerate();
        for (_, cell) in cells.filter(|(column, _)| columns.contains(column)) {
            cell.push_text(&mut text);
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// The letters of a line, each with its column and the one after it.
    fn letters<'screen>(
        &'screen self,
        line: usize,
        wanted: &Wanted,
    ) -> impl Iterator<Item = (char, u16, u16)> + 'screen {
        let folds = wanted.folds;
        let cells = self
            .line(line)
            .enumerate()
            .filter(|(_, cell)| cell.width > 0);
        cells.map(move |(column, cell)| {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            let end = column.saturating_add(u16::from(cell.width));
            (folded(cell.character, folds), column, end)
        })
    }

    fn wraps(&self, line: usize) -> bool {
        let grid = self.recorder.term.grid();
        self.grid_line(line).is_some_and(|line| {
            grid[line][Column(grid.columns() - 1)]
                .flags
                .contains(Flags::WRAPLINE)
        })
    }

    fn grid_line(&self, line: usize) -> Option<Line> {
        let history = i32::try_from(self.scrollback_len()).ok()?;
        let at = i32::try_from(line).ok()?.checked_sub(history)?;
        (line < self.lines()).then_some(Line(at))
    }
}

/// A text that is looked for.
struct Wanted {
    letters: Vec<char>,
    folds: bool,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let folds = !text.chars().any(char::is_uppercase);
        let letters = text.chars().map(|letter| folded(letter, folds)).collect();
        Self { letters, folds }
    }
}

/// A letter as it is compared; one that has no small letter of its own stays.
fn folded(letter: char, folds: bool) -> char {
    let mut small = letter.to_lowercase();
    match (folds, small.next(), small.next()) {
        (true, Some(small), None) => small,
        _ => letter,
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

    #[test]
    fn what_is_looked_for_is_found_on_both_sides_and_from_the_other_end() {
        let screen = screen(20, 2, "Ask ask\r\nnothing\r\n日本 ask".as_bytes());
        assert_eq!(screen.hits(0, "ask"), [(0, 3), (4, 7)]);
        assert_eq!(screen.hits(0, "Ask"), [(0, 3)]);
        assert_eq!(screen.hits(2, "本 a"), [(2, 6)]);
        assert_eq!(screen.hits(0, ""), []);
        let at = |from, is_down, is_here| {
            let found = screen.find("ask", from, is_down, is_here);
            found.map(|found| (found.line, found.column, found.number, found.total))
        };
        assert_eq!(at((0, 0), true, false), Some((0, 4, 2, 3)));
        assert_eq!(at((0, 0), true, true), Some((0, 0, 1, 3)));
        assert_eq!(at((2, 5), true, false), Some((0, 0, 1, 3)));
        assert_eq!(at((2, 5), false, false), Some((0, 4, 2, 3)));
        assert_eq!(at((0, 0), false, false), Some((2, 5, 3, 3)));
        assert_eq!(screen.find("absent", (0, 0), true, true), None);
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
