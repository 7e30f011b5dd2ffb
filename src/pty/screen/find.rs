//! Looking for a text in a screen with its scrollback, where lines that the program wrote
//! over the edge are one.

use std::collections::VecDeque;
use std::ops::Range;

use super::Screen;

/// A place of a text: from its first cell to its last, which may stand in a later line
/// where the program wrote it over the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Line and column of its first cell.
    pub first: (usize, u16),
    /// Line and column of its last cell.
    pub last: (usize, u16),
}

impl Hit {
    /// The columns that it takes in a line: the first, and the one after the last;
    /// `u16::MAX` where it goes on. `None` in a line that it does not touch.
    #[must_use]
    pub fn columns(&self, line: usize) -> Option<(u16, u16)> {
        if !(self.first.0..=self.last.0).contains(&line) {
            return None;
        }
        let first = if line == self.first.0 {
            self.first.1
        } else {
            0
        };
        let end = if line == self.last.0 {
            self.last.1.saturating_add(1)
        } else {
            u16::MAX
        };
        Some((first, end))
    }
}

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
    /// Where a text stands that touches these lines, in order; none within another. A
    /// text without capitals finds both. Lines that the program wrote over the edge are
    /// one.
    #[must_use]
    pub fn hits(&self, lines: Range<usize>, text: &str) -> Vec<Hit> {
        let wanted = Wanted::of(text);
        let mut hits = Vec::new();
        if wanted.letters.is_empty() || lines.is_empty() {
            return hits;
        }
        let mut begin = lines.start;
        while begin > 0 && self.is_wrapped(begin - 1) {
            begin -= 1;
        }
        let mut search = Search::default();
        for line in begin..self.lines() {
            let goes_on = line > begin && self.is_wrapped(line - 1);
            if !goes_on {
                search = Search::default();
            }
            // Behind the lines only what begins in them is of interest.
            if line >= lines.end && (!goes_on || search.places.is_empty()) {
                break;
            }
            for (letter, first, last) in self.letters(line, &wanted) {
                let hit = search.take(&wanted, letter, ((line, first), (line, last)));
                hits.extend(hit.filter(|hit| hit.last.0 >= lines.start));
            }
        }
        hits.retain(|hit| hit.first.0 < lines.end);
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
        let hits = self.hits(0..self.lines(), text);
        let places: Vec<(usize, u16)> = hits.iter().map(|hit| hit.first).collect();
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

    /// The letters of a line, each with its first and its last column.
    fn letters<'screen>(
        &'screen self,
        line: usize,
        wanted: &Wanted,
    ) -> impl Iterator<Item = (char, u16, u16)> + 'screen {
        let folds = wanted.folds;
        let cells = self.written(line).filter(|(_, cell)| cell.width > 0);
        cells.map(move |(column, cell)| {
            let column = u16::try_from(column).unwrap_or(u16::MAX);
            let last = column.saturating_add(u16::from(cell.width.saturating_sub(1)));
            (folded(cell.character, folds), column, last)
        })
    }
}

/// A text that is looked for.
struct Wanted {
    letters: Vec<char>,
    /// For each number of letters that stand together, how many of them could begin the
    /// text anew when the next one is another (Knuth, Morris and Pratt).
    shorter: Vec<usize>,
    folds: bool,
}

impl Wanted {
    fn of(text: &str) -> Self {
        let folds = !text.chars().any(char::is_uppercase);
        let letters: Vec<char> = text.chars().map(|letter| folded(letter, folds)).collect();
        let mut shorter = vec![0];
        let mut length = 0;
        for letter in letters.iter().skip(1) {
            length = longer(&letters, &shorter, length, *letter);
            shorter.push(length);
        }
        Self {
            letters,
            shorter,
            folds,
        }
    }
}

/// How many letters of the text stand together once this one follows `length` of them.
fn longer(letters: &[char], shorter: &[usize], mut length: usize, letter: char) -> usize {
    loop {
        if letters.get(length) == Some(&letter) {
            return length + 1;
        }
        match length.checked_sub(1).and_then(|last| shorter.get(last)) {
            Some(less) => length = *less,
            None => return 0,
        }
    }
}

/// A search under way: the places of the letters that stand together, each as its first
/// and its last cell. However long lines are, it holds no more of them than are wanted.
#[derive(Default)]
struct Search {
    places: VecDeque<((usize, u16), (usize, u16))>,
}

impl Search {
    fn take(
        &mut self,
        wanted: &Wanted,
        letter: char,
        place: ((usize, u16), (usize, u16)),
    ) -> Option<Hit> {
        let stand = self.places.len();
        let length = longer(&wanted.letters, &wanted.shorter, stand, letter);
        self.places.push_back(place);
        let gone = self.places.len().saturating_sub(length);
        self.places.drain(..gone);
        if length < wanted.letters.len() {
            return None;
        }
        let first = self.places.front().map(|(first, _)| *first)?;
        self.places.clear();
        Some(Hit {
            first,
            last: place.1,
        })
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
    use proptest::prelude::*;

    use super::*;
    use crate::wire::TerminalSize;

    fn screen(columns: u16, rows: u16, bytes: &[u8]) -> Screen {
        let mut screen = Screen::new(TerminalSize { columns, rows }, 100);
        drop(screen.feed(bytes));
        screen
    }

    #[test]
    fn what_is_looked_for_is_found_on_both_sides_and_from_the_other_end() {
        let screen = screen(20, 2, "Ask ask\r\nnothing\r\n日本 ask".as_bytes());
        let hits = |line: usize, text: &str| -> Vec<(u16, u16)> {
            let hits = screen.hits(line..line + 1, text);
            hits.iter().filter_map(|hit| hit.columns(line)).collect()
        };
        assert_eq!(hits(0, "ask"), [(0, 3), (4, 7)]);
        assert_eq!(hits(0, "Ask"), [(0, 3)]);
        assert_eq!(hits(2, "本 a"), [(2, 6)]);
        assert_eq!(hits(0, ""), []);
        assert_eq!(hits(9, "ask"), []);
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

    /// It was found in no line, since none holds all of it.
    #[test]
    fn what_is_split_by_a_wrap_is_found_once_and_in_both_lines() {
        let screen = screen(8, 4, b"the needle there\r\nneed\r\nle");
        let hit = Hit {
            first: (0, 4),
            last: (1, 1),
        };
        for lines in [0..4, 0..1, 1..2] {
            assert_eq!(screen.hits(lines.clone(), "needle"), [hit], "{lines:?}");
        }
        // Lines that the program ended itself do not hold it together.
        assert_eq!(screen.hits(2..4, "needle"), []);
        assert_eq!(
            [0, 1, 2].map(|line| hit.columns(line)),
            [Some((4, u16::MAX)), Some((0, 2)), None]
        );
        for (from, is_down) in [((0, 0), true), ((3, 0), false), ((0, 4), true)] {
            let found = screen.find("needle", from, is_down, false).unwrap();
            assert_eq!((found.line, found.column), (0, 4));
            assert_eq!((found.number, found.total), (1, 1));
        }
        assert_eq!(screen.word((0, 4), true), (1, 3));
        assert_eq!(screen.word((1, 3), false), (0, 4));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// What is found is what a plain search finds in the text as it was written.
        #[test]
        fn wraps_make_no_difference_to_what_is_found(
            text in "[ab ]{0,60}", wanted in "[ab]{1,4}", columns in 2u16..9,
        ) {
            let screen = screen(columns, 4, text.as_bytes());
            let all = screen.hits(0..screen.lines(), &wanted);
            prop_assert_eq!(all.len(), text.matches(&wanted).count());
            for hit in &all {
                let found = screen.text_between(hit.first, hit.last, false);
                prop_assert_eq!(&found, &wanted);
            }
            for line in 0..screen.lines() {
                let here = screen.hits(line..line + 1, &wanted);
                let touching: Vec<Hit> = all
                    .iter()
                    .filter(|hit| hit.columns(line).is_some())
                    .copied()
                    .collect();
                prop_assert_eq!(here, touching);
            }
        }
    }
}
