//! Reading back what a session shows, held still meanwhile: where the operator stands in
//! it, what is selected, what is looked for.
//!
//! The text itself is not here: what needs it is asked for as a [`ScreenWish`], and what
//! is copied goes from the screen to the clipboard without being an event.

use serde::{Deserialize, Serialize};

use super::sighting::BottleRef;

/// A place in a screen with its scrollback.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Spot {
    /// The line, counted from the oldest that is kept.
    pub line: usize,
    /// The column.
    pub column: u16,
}

/// How large the screen is that is held still, and its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillExtent {
    /// Its lines, the scrollback with them; at least one.
    pub lines: usize,
    /// Its columns; at least one.
    pub columns: u16,
    /// The rows of the place where it is shown.
    pub rows: u16,
}

/// What the operator wants while reading back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyCommand {
    /// Hold what is shown still.
    Begin,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// To the first column.
    LineStart,
    /// To the last character of the line.
    LineEnd,
    /// To the next word.
    NextWord,
    /// To the word before.
    PreviousWord,
    /// Type what is looked for.
    Find,
    /// The next hit.
    Next,
    /// The one before.
    Previous,
    /// Select characters, or no longer.
    Characters,
    /// Select whole lines, or no longer.
    Lines,
    /// Copy what is selected.
    Copy,
    /// Back to what is live, at once.
    Leave,
}

/// What is to be read of the screen that is held still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum ScreenWish {
    /// Where a text stands.
    Find {
        /// The text.
        text: String,
        /// From where it is looked for.
        from: Spot,
        /// Down or up.
        is_down: bool,
        /// Whether a hit at that very place counts.
        is_here: bool,
    },
    /// Where a word begins.
    Word {
        /// From where.
        from: Spot,
        /// The next one, or the one before.
        is_forward: bool,
    },
    /// Where a line's text ends.
    LineEnd {
        /// Which line.
        line: usize,
    },
    /// Put text into the operator's clipboard.
    Copy {
        /// Its first place.
        from: Spot,
        /// Its last place.
        to: Spot,
        /// Whether whole lines are meant.
        by_line: bool,
    },
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum ScreenNews {
    /// Where to go.
    At {
        /// There.
        spot: Spot,
    },
    /// A hit, the how manieth of how many.
    Found {
        /// Where.
        spot: Spot,
        /// Counted from 1.
        number: usize,
        /// How many there are.
        total: usize,
    },
    /// There is no hit.
    NotFound,
    /// The text is on its way to the clipboard.
    Copied {
        /// Its lines.
        lines: usize,
        /// Its bytes.
        bytes: u64,
        /// Whether there was no room for all of it.
        is_cut: bool,
    },
    /// The screen is not held any more.
    Lost,
}

/// What is selected, from a place to the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Where it began.
    pub from: Spot,
    /// Whether whole lines are selected.
    pub by_line: bool,
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopySearch {
    /// The text.
    pub text: String,
    /// Which hit the cursor is at, counted from 1, and how many there are.
    pub hit: Option<(usize, usize)>,
}

/// A session that is read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copying {
    /// Whose.
    pub bottle: BottleRef,
    /// How large it is.
    pub extent: StillExtent,
    /// Where the operator stands.
    pub cursor: Spot,
    /// The first line in sight.
    pub top: usize,
    /// What is selected.
    pub selection: Option<Selection>,
    /// What is looked for.
    pub search: Option<CopySearch>,
    /// What is typed to be looked for.
    pub prompt: Option<String>,
    /// Whether the wheel began it and nothing else was done since: then it is over as
    /// soon as the wheel comes back to the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_by_wheel: bool,
}

impl Copying {
    /// Begins at a place, `back` lines above the end in sight.
    #[must_use]
    pub fn begin(bottle: BottleRef, extent: StillExtent, cursor: Spot, back: usize) -> Self {
        let mut copying = Self {
            bottle,
            extent,
            cursor,
            top: 0,
            selection: None,
            search: None,
            prompt: None,
            is_by_wheel: false,
        };
        copying.top = copying.last_top().saturating_sub(back);
        copying.cursor.line = copying.in_sight(cursor.line);
        copying.go(copying.cursor);
        copying
    }

    /// How many lines are below what is in sight.
    #[must_use]
    pub fn back(&self) -> usize {
        self.last_top().saturating_sub(self.top)
    }

    /// The selected places in their order, and whether whole lines are meant.
    #[must_use]
    pub fn selected(&self) -> Option<(Spot, Spot, bool)> {
        let selection = self.selection?;
        let (from, to) = (selection.from, self.cursor);
        Some((from.min(to), from.max(to), selection.by_line))
    }

    /// Goes to a place, as near as there is one, and keeps it in sight.
    pub(super) fn go(&mut self, spot: Spot) {
        self.cursor = Spot {
            line: spot.line.min(self.extent.lines.saturating_sub(1)),
            column: spot.column.min(self.extent.columns.saturating_sub(1)),
        };
        let line = self.cursor.line;
        if line < self.top {
            self.top = line;
        } else if line >= self.top.saturating_add(self.rows()) {
            self.top = (line + 1).saturating_sub(self.rows());
        }
        self.top = self.top.min(self.last_top());
    }

    /// Goes up or down by lines.
    pub(super) fn step(&mut self, step: i64) {
        let line = moved(self.cursor.line, step);
        self.go(Spot {
            line,
            ..self.cursor
        });
    }

    /// Moves what is in sight; the cursor comes along where it would be left behind.
    pub(super) fn scroll(&mut self, step: i64) {
        self.top = moved(self.top, step).min(self.last_top());
        self.cursor.line = self.in_sight(self.cursor.line);
    }

    /// Whether the wheel that began it came back to where the screen is live.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.is_by_wheel && self.back() == 0
    }

    /// Begins to select, changes what is selected, or selects no longer.
    pub(super) fn select(&mut self, by_line: bool) {
        self.selection = match self.selection {
            Some(selection) if selection.by_line == by_line => None,
            Some(selection) => Some(Selection {
                by_line,
                ..selection
            }),
            None => Some(Selection {
                from: self.cursor,
                by_line,
            }),
        };
    }

    /// The rows of a page, less one that stays.
    pub(super) fn page(&self) -> i64 {
        i64::from(self.extent.rows.saturating_sub(1).max(1))
    }

    fn in_sight(&self, line: usize) -> usize {
        let last = self.top.saturating_add(self.rows()).saturating_sub(1);
        line.clamp(self.top, last)
            .min(self.extent.lines.saturating_sub(1))
    }

    fn rows(&self) -> usize {
        usize::from(self.extent.rows.max(1))
    }

    fn last_top(&self) -> usize {
        self.extent.lines.saturating_sub(self.rows())
    }
}

fn moved(from: usize, step: i64) -> usize {
    let by = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    if step < 0 {
        from.saturating_sub(by)
    } else {
        from.saturating_add(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture::bottle;

    fn copying(lines: usize, rows: u16, line: usize, back: usize) -> Copying {
        let extent = StillExtent {
            lines,
            columns: 80,
            rows,
        };
        Copying::begin(bottle("a-2"), extent, Spot { line, column: 3 }, back)
    }

    #[test]
    fn it_begins_where_the_operator_was() {
        for (lines, rows, line, back, top, cursor) in [
            (100, 10, 95, 0, 90, 95),
            (100, 10, 95, 30, 60, 69),
            (100, 10, 95, 500, 0, 9),
            (5, 10, 3, 0, 0, 3),
            (1, 0, 0, 0, 0, 0),
        ] {
            let copying = copying(lines, rows, line, back);
            assert_eq!((copying.top, copying.cursor.line), (top, cursor));
        }
    }

    #[test]
    fn the_cursor_stays_inside_and_in_sight() {
        let mut copying = copying(100, 10, 95, 0);
        for (step, line, top) in [
            (1, 96, 90),
            (-20, 76, 76),
            (i64::MIN, 0, 0),
            (9, 9, 0),
            (1, 10, 1),
            (i64::MAX, 99, 90),
        ] {
            copying.step(step);
            assert_eq!((copying.cursor.line, copying.top), (line, top), "{step}");
            assert_eq!(copying.cursor.column, 3);
        }
    }

    #[test]
    fn scrolling_takes_the_cursor_along_only_where_it_must() {
        let mut copying = copying(100, 10, 95, 0);
        for (step, top, line, back) in [
            (-3, 87, 95, 3),
            (-6, 81, 90, 9),
            (i64::MIN, 0, 9, 90),
            (4, 4, 9, 86),
            (8, 12, 12, 78),
        ] {
            copying.scroll(step);
            assert_eq!(
                (copying.top, copying.cursor.line, copying.back()),
                (top, line, back),
                "{step}"
            );
        }
    }

    #[test]
    fn a_selection_goes_either_way_and_changes_its_kind() {
        let mut copying = copying(100, 10, 95, 0);
        copying.select(false);
        copying.step(-2);
        let (up, down) = (
            Spot {
                line: 93,
                column: 3,
            },
            Spot {
                line: 95,
                column: 3,
            },
        );
        assert_eq!(copying.selected(), Some((up, down, false)));
        copying.select(true);
        assert_eq!(copying.selected(), Some((up, down, true)));
        copying.select(true);
        assert_eq!(copying.selected(), None);
    }
}
