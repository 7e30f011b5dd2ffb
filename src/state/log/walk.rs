//! How many rows a line takes, and walking over them up and down.

use unicode_width::UnicodeWidthChar as _;

use super::page::{LogPage, LogPlace};

/// A place on the page: a line, and a row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::state) struct At {
    pub(in crate::state) top: u64,
    pub(in crate::state) row: u32,
}

/// Where the rows of a text begin that is wrapped to `width` columns; wherever a row is
/// full, a character of two columns with its half beyond included.
#[must_use]
pub fn wrap_places(text: &str, width: usize) -> Vec<usize> {
    let width = width.max(2);
    let mut places = vec![0];
    if text.len() <= width {
        return places;
    }
    let mut used = 0;
    for (place, character) in text.char_indices() {
        let columns = character.width().unwrap_or(0);
        if used + columns > width {
            places.push(place);
            used = 0;
        }
        used += columns;
    }
    places
}

impl LogPage {
    /// Rows that a line takes, marks below it included. A line that is not in memory
    /// takes one.
    #[must_use]
    pub fn height(&self, number: u64) -> u32 {
        let Some(row) = self.row(number) else {
            return 1;
        };
        let marks = u32::try_from(self.marks_after(number).count()).unwrap_or(0);
        if !self.options.wraps {
            return 1 + marks;
        }
        let rows = wrap_places(&row.text, self.text_columns()).len();
        u32::try_from(rows).unwrap_or(u32::MAX) + marks
    }

    /// The place from which on the page is full to its last line.
    pub(in crate::state) fn last_page(&self) -> At {
        let rows = u32::from(self.area.rows.max(1));
        let end = self.extent.end.max(self.extent.first);
        self.up(At { top: end, row: 0 }, rows)
    }

    /// Where the page begins.
    pub(in crate::state) fn at(&self) -> At {
        match self.place {
            LogPlace::Follow => self.last_page(),
            LogPlace::At { top, row } => At { top, row },
        }
    }

    /// A place so many rows further up; the first row if there are not so many.
    pub(in crate::state) fn up(&self, at: At, rows: u32) -> At {
        let mut at = at;
        let mut left = rows;
        while left > 0 {
            if left <= at.row {
                at.row -= left;
                return at;
            }
            left -= at.row;
            at.row = 0;
            if at.top <= self.extent.first {
                let top = self.extent.first;
                return At { top, row: 0 };
            }
            // What is not in memory is one row a line, however far.
            if self.row(at.top - 1).is_none() {
                let far = u64::from(left).min(at.top - self.extent.first);
                let known = self.window_end();
                let far = if at.top > known {
                    far.min(at.top - known)
                } else {
                    far
                };
                at.top -= far;
                left -= u32::try_from(far).unwrap_or(left);
                continue;
            }
            at.top -= 1;
            at.row = self.height(at.top);
        }
        at
    }

    /// A place so many rows further down.
    pub(in crate::state) fn down(&self, at: At, rows: u32) -> At {
        let mut at = at;
        let mut left = rows;
        while left > 0 && at.top < self.extent.end {
            let rest = self.height(at.top).saturating_sub(at.row);
            if left < rest {
                at.row += left;
                return at;
            }
            left -= rest.min(left);
            at = At {
                top: at.top + 1,
                row: 0,
            };
        }
        at
    }

    /// One after the number of the last line that is in sight.
    #[must_use]
    pub fn sight_end(&self) -> u64 {
        match self.place {
            LogPlace::Follow => self.extent.end,
            LogPlace::At { top, row } => {
                let after = self.down(At { top, row }, u32::from(self.area.rows.max(1)));
                (after.top + u64::from(after.row > 0)).min(self.extent.end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn rows_begin_where_one_is_full() {
        assert_eq!(wrap_places("", 4), [0]);
        assert_eq!(wrap_places("abcd", 4), [0]);
        assert_eq!(wrap_places("abcdefghi", 4), [0, 4, 8]);
        assert_eq!(wrap_places("日本語日", 5), [0, 6]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_row_is_wider_than_the_page(text in "[a-z日é]{0,90}", width in 0_usize..30) {
            let places = wrap_places(&text, width);
            let ends = places.iter().skip(1).copied().chain([text.len()]);
            let rows: Vec<&str> = places.iter().zip(ends).map(|(from, to)| text.get(*from..to).unwrap()).collect();
            prop_assert_eq!(rows.concat(), text.as_str());
            prop_assert!(rows.iter().all(|row| row.width() <= width.max(2)));
        }
    }
}
