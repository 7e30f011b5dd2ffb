//! Which columns the list has, by its width and by what it is sorted by.

use ratatui::layout::Rect;

use crate::state::SortKey;

/// Columns of marker, shape and margins before the name.
pub(super) const LEAD: usize = 4;
/// Columns of a state with its margin.
pub(super) const STATE: usize = 10;
/// Columns of an age and of numbers, each with its margin.
const AGE: usize = 5;
const CPU: usize = 6;
const MEMORY: usize = 6;
const COST: usize = 8;
/// Columns of what egress counted.
const TALLY: usize = 12;
/// Fewer columns of a name would cut its end, which tells bottles of one agent apart.
const LEAST_NAME: usize = 18;
/// Columns of a name where there is room for more than names.
const NAME: usize = 24;
/// From this width on a name has that many columns.
const WIDE: usize = 70;
/// Fewer columns say nothing about a bottle.
const LEAST_ABOUT: usize = 10;

/// Widths of the columns; a column of width 0 is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) name: usize,
    pub(super) age: usize,
    pub(super) cpu: usize,
    pub(super) memory: usize,
    pub(super) cost: usize,
    pub(super) tally: usize,
    pub(super) about: usize,
}

impl Columns {
    /// The columns of a list. What it is sorted by is shown before anything else, if
    /// need be in the place of the age.
    pub(super) fn of(list: Rect, sort: SortKey) -> Self {
        let width = usize::from(list.width);
        let mut columns = Self {
            name: width.saturating_sub(LEAD + STATE + AGE),
            age: AGE,
            cpu: 0,
            memory: 0,
            cost: 0,
            tally: 0,
            about: 0,
        };
        let sorted = columns.of_sort(sort);
        if sorted > 0 && columns.name < LEAST_NAME + sorted {
            columns.name += AGE;
            columns.age = 0;
        }
        let least = if width >= WIDE { NAME } else { LEAST_NAME };
        let mut left = columns.name.saturating_sub(least);
        if sorted > 0 {
            // Short of room, the name gives way.
            left = left.saturating_sub(sorted);
            columns.name = columns.name.saturating_sub(sorted);
        }
        for (column, wanted) in [
            (&mut columns.cpu, CPU),
            (&mut columns.memory, MEMORY),
            (&mut columns.cost, COST),
            (&mut columns.tally, TALLY),
        ] {
            if *column == 0 && left >= wanted {
                *column = wanted;
                left -= wanted;
                columns.name -= wanted;
            }
        }
        if left >= LEAST_ABOUT {
            columns.about = left;
            columns.name -= left;
        }
        columns
    }

    /// Gives the column of a key its width, and says which.
    const fn of_sort(&mut self, sort: SortKey) -> usize {
        let (column, width) = match sort {
            SortKey::Age | SortKey::State | SortKey::Name => return 0,
            SortKey::Cpu => (&mut self.cpu, CPU),
            SortKey::Memory => (&mut self.memory, MEMORY),
            SortKey::Cost => (&mut self.cost, COST),
        };
        *column = width;
        width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_fill_every_width_and_no_more() {
        for width in 24..300_u16 {
            for sort in SortKey::ALL {
                let columns = Columns::of(Rect::new(0, 0, width, 9), sort);
                let sum = LEAD
                    + STATE
                    + columns.name
                    + columns.age
                    + columns.cpu
                    + columns.memory
                    + columns.cost
                    + columns.tally
                    + columns.about;
                assert_eq!(sum, usize::from(width), "{width} {sort:?} {columns:?}");
            }
        }
    }

    #[test]
    fn what_is_sorted_by_is_shown_at_every_width() {
        for width in [32, 39, 40, 49, 79, 88, 104] {
            let of = |sort| Columns::of(Rect::new(0, 0, width, 9), sort);
            assert!(of(SortKey::Cpu).cpu > 0, "{width}");
            assert!(of(SortKey::Memory).memory > 0, "{width}");
            assert!(of(SortKey::Cost).cost > 0, "{width}");
        }
    }

    #[test]
    fn numbers_come_before_words() {
        let shown = |width| {
            let columns = Columns::of(Rect::new(0, 0, width, 9), SortKey::Age);
            [
                columns.cpu,
                columns.memory,
                columns.cost,
                columns.tally,
                columns.about,
            ]
            .map(|width| width > 0)
        };
        assert_eq!(shown(32), [false; 5]);
        assert_eq!(shown(39), [false; 5], "the end of a name matters more");
        assert_eq!(shown(43), [true, false, false, false, false]);
        assert_eq!(shown(49), [true, true, false, false, false]);
        assert_eq!(shown(104), [true; 5]);
    }
}
