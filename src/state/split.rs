//! Several sessions side by side: which ones, and which of them has the keys.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::console::State;
use super::listing::ListRow;
use super::sighting::BottleRef;
use super::view::Focus;

/// The most sessions that are shown side by side.
pub(super) const MOST_TILES: usize = 9;
/// How many are shown when none is marked.
const USUAL_TILES: usize = 4;

/// The sessions shown side by side, in the order of the list. The selected bottle's has
/// the keys; if another bottle is selected, they are shown no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Whose they are; two to nine when it is opened.
    pub bottles: Vec<BottleRef>,
    /// Those whose line ended; they are not asked for again.
    pub broken: BTreeSet<BottleRef>,
}

impl State {
    /// What is shown side by side now.
    #[must_use]
    pub fn shown_split(&self) -> Option<&Split> {
        let is_seen = self.view.focus == Focus::List;
        self.view.split.as_ref().filter(|_| is_seen)
    }

    /// The place of the tile that has the keys.
    #[must_use]
    pub fn tile_at(&self) -> Option<usize> {
        let selected = &self.view.selected.as_ref()?.bottle;
        let split = self.view.split.as_ref()?;
        split.bottles.iter().position(|bottle| bottle == selected)
    }

    /// The bottles that would be shown side by side: the marked ones, or the selected one
    /// and those below it, those without a session left out.
    pub(super) fn to_split(&self) -> Vec<BottleRef> {
        let marked = &self.view.marked;
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let rows = self.listed().iter().filter_map(ListRow::bottle);
        let mut bottles: Vec<&BottleRef> = rows.map(|row| &row.bottle).collect();
        bottles.dedup();
        let has_session = |bottle: &&BottleRef| {
            let known = self.fleet.get(bottle);
            known.is_some_and(super::bottle::Bottle::has_session)
                && !self.fleet.is_lost(&bottle.engine)
        };
        if marked.len() > 1 {
            let marked = bottles.into_iter().filter(|bottle| marked.contains(bottle));
            return marked
                .filter(has_session)
                .take(MOST_TILES)
                .cloned()
                .collect();
        }
        let at = bottles.iter().position(|bottle| Some(*bottle) == selected);
        let at = at.unwrap_or(0);
        let rest = bottles.iter().skip(at).chain(bottles.iter().take(at));
        let mut next: Vec<&BottleRef> = rest.copied().filter(has_session).collect();
        next.truncate(USUAL_TILES);
        let in_order = bottles.iter().filter(|bottle| next.contains(bottle));
        in_order.map(|bottle| (*bottle).clone()).collect()
    }

    /// The sessions whose screens are wanted live for tiles.
    pub(super) fn wanted_tiles(&self) -> BTreeSet<BottleRef> {
        let Some(split) = self.shown_split() else {
            return BTreeSet::new();
        };
        let is_wanted = |bottle: &&BottleRef| {
            let known = self.fleet.get(bottle);
            known.is_some_and(super::bottle::Bottle::has_session)
                && !self.fleet.is_lost(&bottle.engine)
                && !split.broken.contains(*bottle)
        };
        split.bottles.iter().filter(is_wanted).cloned().collect()
    }
}
