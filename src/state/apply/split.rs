//! Several sessions side by side: opened, moved between, closed.

use crate::state::console::State;
use crate::state::sighting::BottleRef;
use crate::state::split::Split;
use crate::state::view::Focus;

impl State {
    /// Shows the marked sessions side by side, or the selected one and the next; if some
    /// are shown, the list again.
    pub(super) fn turn_split(&mut self) {
        self.touch();
        if self.view.split.take().is_some() {
            return;
        }
        let bottles = self.to_split();
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let first = bottles
            .iter()
            .find(|bottle| Some(*bottle) == selected)
            .or(bottles.first())
            .cloned();
        match first {
            Some(first) if bottles.len() > 1 => {
                self.view.focus = Focus::List;
                self.view.split = Some(Split {
                    bottles,
                    broken: std::collections::BTreeSet::new(),
                });
                self.select_bottle(first);
            }
            _ => self.warn(String::from(
                "it takes two running sessions to show a split",
            )),
        }
    }

    /// Gives the keys to another tile.
    pub(super) fn step_tile(&mut self, step: i64) {
        let Some((split, at)) = self.view.split.as_ref().zip(self.tile_at()) else {
            return;
        };
        let last = split.bottles.len().saturating_sub(1);
        let at = if step < 0 {
            at.checked_sub(1).unwrap_or(last)
        } else if at == last {
            0
        } else {
            at + 1
        };
        self.press_tile(at);
    }

    /// Gives the keys to this tile.
    pub(super) fn press_tile(&mut self, at: usize) {
        let split = self.view.split.as_ref();
        if let Some(bottle) = split.and_then(|split| split.bottles.get(at)).cloned() {
            self.select_bottle(bottle);
            self.touch();
        }
    }

    pub(super) fn on_tile_ended(&mut self, bottle: BottleRef) {
        self.lines.tiles.remove(&bottle);
        if let Some(split) = &mut self.view.split {
            split.broken.insert(bottle);
            self.touch();
        }
    }

    /// Bottles that are gone have no tile; where another bottle is selected, or one tile
    /// is left, there is no split.
    pub(super) fn settle_split(&mut self) {
        let fleet = &self.fleet;
        let Some(split) = &mut self.view.split else {
            return;
        };
        split.bottles.retain(|bottle| fleet.get(bottle).is_some());
        if split.bottles.len() < 2 || self.tile_at().is_none() {
            self.view.split = None;
            self.touch();
        }
    }
}
