//! Blanks the halves of wide characters that lost their other half.
//!
//! The emulator erases and shifts cells without regard to wide characters and leaves
//! halves behind, which later blank their neighbours. Mending them as soon as they are
//! left lets a snapshot say everything that the grid holds.

use alacritty_terminal::grid::Dimensions as _;
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::Flags;

use super::recorder::Recorder;

impl Recorder {
    /// Mends the two edges of what was erased from the cursor on: the cell before the
    /// cursor, and the one `count` cells after it and its right neighbour.
    pub(super) fn mend_after(&mut self, count: usize) {
        let point = self.term.grid().cursor.point;
        let column = point.column.0;
        let after = column.saturating_add(count);
        for column in [
            column.wrapping_sub(1),
            column,
            after,
            after.saturating_add(1),
        ] {
            self.mend(point.line, column);
        }
    }

    pub(super) fn mend_row(&mut self) {
        let line = self.term.grid().cursor.point.line;
        for column in 0..self.term.columns() {
            self.mend(line, column);
        }
    }

    pub(super) fn mend(&mut self, line: Line, column: usize) {
        let columns = self.term.columns();
        if column >= columns {
            return;
        }
        let row = &mut self.term.grid_mut()[line];
        let has = |column: usize, flag| row[Column(column)].flags.contains(flag);
        let spacer = has(column, Flags::WIDE_CHAR_SPACER)
            && !(column > 0 && has(column - 1, Flags::WIDE_CHAR));
        let wide = has(column, Flags::WIDE_CHAR)
            && !(column + 1 < columns && has(column + 1, Flags::WIDE_CHAR_SPACER));
        if spacer || wide {
            let cell = &mut row[Column(column)];
            cell.clear_wide();
            cell.flags.remove(Flags::WIDE_CHAR_SPACER);
        }
    }
}
