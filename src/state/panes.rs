//! How wide the list is beside the detail, and how many rows what needs the operator has:
//! as the terminal asks for, or as the operator set it.

use serde::{Deserialize, Serialize};

use super::console::State;

/// From here on list and detail stand side by side.
const BESIDE: u16 = 80;
/// The least that either keeps.
const LEAST_LIST: u16 = 20;
const LEAST_DETAIL: u16 = 24;
/// Columns that a key moves the wall.
const STEP: u16 = 4;
/// From this many rows on three needs are shown at first.
const TALL: u16 = 30;

/// Where the wall between list and detail goes, or the rule above the needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WallMove {
    /// To the left: more detail.
    Left,
    /// To the right: more list.
    Right,
    /// The rule goes up: more rows for what needs the operator.
    Up,
    /// The rule goes down.
    Down,
    /// To where both are at first.
    Usual,
}

/// The width at first. The list leaves a session 80 columns as soon as it can.
const fn usual(columns: u16) -> u16 {
    match columns {
        200.. => 104,
        180..200 => 88,
        130..180 => 49,
        120..130 => 39,
        _ => 32,
    }
}

impl State {
    /// Columns of the list on a terminal of so many; `None` where it stands alone.
    #[must_use]
    pub fn list_columns(&self, columns: u16) -> Option<u16> {
        if columns < BESIDE {
            return None;
        }
        let wanted = self.view.list_columns.unwrap_or_else(|| usual(columns));
        // One column is the wall.
        let most = columns.saturating_sub(LEAST_DETAIL + 1);
        Some(wanted.clamp(LEAST_LIST, most))
    }

    /// Rows of what needs the operator on a terminal of so many.
    #[must_use]
    pub fn needs_rows(&self, rows: u16) -> u16 {
        let usual = if rows >= TALL { 3 } else { 1 };
        let wanted = self.view.needs_rows.unwrap_or(usual);
        wanted.clamp(1, (rows / 3).max(1))
    }

    pub(super) fn move_wall(&mut self, to: WallMove) {
        match to {
            WallMove::Left | WallMove::Right => self.move_list_wall(to),
            WallMove::Up => self.set_needs(Some(self.needs_rows(self.size.rows) + 1)),
            WallMove::Down => {
                self.set_needs(Some(self.needs_rows(self.size.rows).saturating_sub(1)));
            }
            WallMove::Usual => {
                self.set_wall(None);
                self.set_needs(None);
            }
        }
    }

    fn move_list_wall(&mut self, to: WallMove) {
        let Some(now) = self.list_columns(self.size.columns) else {
            self.warn(format!(
                "list and detail stand side by side from {BESIDE} columns on"
            ));
            return;
        };
        self.set_wall(Some(if to == WallMove::Left {
            now.saturating_sub(STEP)
        } else {
            now.saturating_add(STEP)
        }));
    }

    /// Gives what needs the operator so many rows, as far as the rest keeps two thirds.
    fn set_needs(&mut self, rows: Option<u16>) {
        let before = self.view.needs_rows;
        self.view.needs_rows = rows;
        if rows.is_some() {
            // What is kept is what is seen.
            self.view.needs_rows = Some(self.needs_rows(self.size.rows));
        }
        if self.view.needs_rows != before {
            self.touch();
        }
    }

    /// Puts the rule above what needs the operator into a row of the screen.
    pub(super) fn set_rule(&mut self, row: u16) {
        // The footer and the rule itself.
        let below = self.size.rows.saturating_sub(row).saturating_sub(2);
        self.set_needs(Some(below));
    }

    /// Puts the wall into a column, as far as both sides keep what they need.
    pub(super) fn set_wall(&mut self, column: Option<u16>) {
        let before = self.view.list_columns;
        self.view.list_columns = column;
        if column.is_some() {
            // What is kept is what is seen.
            self.view.list_columns = self.list_columns(self.size.columns);
        }
        if self.view.list_columns != before {
            self.touch();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::state::fixture::{Console, running};
    use crate::state::{Event, Pointer, PointerAction, Target};

    fn columns(console: &Console) -> Option<u16> {
        console.state.list_columns(console.state.size.columns)
    }

    #[test]
    fn keys_move_the_wall_and_both_sides_keep_something() {
        let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
        assert_eq!(columns(&console), Some(39));
        console.press(&[">", ">"]);
        assert_eq!(columns(&console), Some(47));
        for _ in 0..40 {
            console.press(&[">"]);
        }
        assert_eq!(columns(&console), Some(95));
        for _ in 0..40 {
            console.press(&["<"]);
        }
        assert_eq!(columns(&console), Some(20));
        console.press(&["="]);
        assert_eq!(columns(&console), Some(39));
        assert_eq!(console.state.list_columns(79), None);
    }

    #[test]
    fn what_needs_the_operator_has_the_rows_that_it_is_given() {
        let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
        let rows = |console: &Console| console.state.needs_rows(console.state.size.rows);
        assert_eq!(rows(&console), 3);
        console.press(&["K", "K"]);
        assert_eq!(rows(&console), 5);
        for _ in 0..20 {
            console.press(&["K"]);
        }
        assert_eq!(rows(&console), 13, "a third at most");
        for _ in 0..20 {
            console.press(&["J"]);
        }
        assert_eq!(rows(&console), 1);
        let mut point = |action, target| {
            let pointer = Pointer { action, target };
            console.apply(Event::Pointer { pointer });
            rows(&console)
        };
        let to = |at| Target::Line { at };
        assert_eq!(point(PointerAction::Drag, to(30)), 1, "nothing is held");
        point(PointerAction::Press, Target::Rule);
        assert_eq!(point(PointerAction::Drag, to(30)), 8);
        point(PointerAction::Release, to(30));
        assert_eq!(point(PointerAction::Drag, to(34)), 8);
        console.press(&["="]);
        assert_eq!(rows(&console), 3);
        let small = Console::with(40, 12, Vec::new());
        assert_eq!(rows(&small), 1);
    }

    #[test]
    fn the_wall_follows_the_pointer_until_it_is_let_go() {
        let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
        let mut point = |action, target| {
            let pointer = Pointer { action, target };
            console.apply(Event::Pointer { pointer });
            columns(&console)
        };
        let to = |at| Target::Column { at };
        assert_eq!(
            point(PointerAction::Drag, to(60)),
            Some(39),
            "nothing is held"
        );
        point(PointerAction::Press, Target::Wall);
        assert_eq!(point(PointerAction::Drag, to(60)), Some(60));
        assert_eq!(point(PointerAction::Drag, to(5)), Some(20));
        point(PointerAction::Release, to(5));
        assert_eq!(point(PointerAction::Drag, to(70)), Some(20));
    }
}
