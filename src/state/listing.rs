//! The rows of the list: filtered, sorted, in groups, kept until one of them is another.
//!
//! With a thousand bottles this is asked for many times a frame, so rows are made after
//! an event that changed something, and no name is copied unless a row changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::console::State;
use super::order::{Grouping, rank};
use super::sighting::BottleRef;
use super::view::{Focus, RowName};
use crate::wire::Role;

/// Ticks between two looks at where bottles stand by what they use or do: a list whose
/// rows jump each second cannot be read.
const RANK_TICKS: u8 = 3;

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum ListRow {
    /// The head of a group.
    Group {
        /// Its name. Hostile text.
        name: String,
        /// How many bottles it has that pass the filter.
        bottles: usize,
        /// Whether they are hidden.
        is_folded: bool,
    },
    /// A bottle or a sidecar of it.
    Bottle {
        /// Which.
        name: RowName,
    },
}

impl ListRow {
    /// The bottle's row, if it is one.
    #[must_use]
    pub const fn bottle(&self) -> Option<&RowName> {
        match self {
            Self::Bottle { name } => Some(name),
            Self::Group { .. } => None,
        }
    }

    /// The group's name, if it is the head of one.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group { name, .. } => Some(name),
            Self::Bottle { .. } => None,
        }
    }
}

/// A row that borrows its names, to be compared.
#[derive(Clone, Copy)]
enum Borrowed<'a> {
    Group(&'a str, usize, bool),
    Bottle(&'a BottleRef, Option<Role>),
}

impl Borrowed<'_> {
    fn is(&self, row: &ListRow) -> bool {
        match (self, row) {
            (
                Self::Group(name, count, folded),
                ListRow::Group {
                    name: known,
                    bottles,
                    is_folded,
                },
            ) => name == known && count == bottles && folded == is_folded,
            (Self::Bottle(bottle, sidecar), ListRow::Bottle { name }) => {
                **bottle == name.bottle && *sidecar == name.sidecar
            }
            (Self::Group(..), ListRow::Bottle { .. })
            | (Self::Bottle(..), ListRow::Group { .. }) => false,
        }
    }

    fn owned(self) -> ListRow {
        match self {
            Self::Group(name, bottles, is_folded) => ListRow::Group {
                name: name.to_owned(),
                bottles,
                is_folded,
            },
            Self::Bottle(bottle, sidecar) => ListRow::Bottle {
                name: RowName {
                    bottle: bottle.clone(),
                    sidecar,
                },
            },
        }
    }
}

impl State {
    /// The rows of the list, filtered, in order, with the heads of groups among them.
    #[must_use]
    pub fn listed(&self) -> &[ListRow] {
        &self.listed
    }

    /// The rows of bottles and sidecars among them.
    #[must_use]
    pub fn rows(&self) -> Vec<RowName> {
        let rows = self.listed.iter().filter_map(ListRow::bottle);
        rows.cloned().collect()
    }

    /// Bottles that belong to a group and pass the filter.
    pub fn grouped(&self, group: &str) -> impl Iterator<Item = &Bottle> {
        let grouping = self.view.order.grouping;
        let filter = self.view.filter.to_lowercase();
        self.fleet
            .bottles()
            .iter()
            .filter(move |bottle| grouping.of(bottle) == group && passes(bottle, &filter))
    }

    /// How many bottles of each group need the operator: what is folded must not hide
    /// that. Empty if nothing is grouped.
    #[must_use]
    pub fn wanting_by_group(&self) -> BTreeMap<&str, usize> {
        let grouping = self.view.order.grouping;
        let mut counts = BTreeMap::new();
        if grouping == Grouping::Nothing {
            return counts;
        }
        let wanting: BTreeSet<BottleRef> =
            self.needs().into_iter().map(|need| need.bottle).collect();
        let bottles = self.fleet.bottles().iter();
        for bottle in bottles.filter(|bottle| wanting.contains(&bottle.bottle)) {
            *counts.entry(grouping.of(bottle)).or_default() += 1;
        }
        counts
    }

    /// The bottles of rows that are on the screen, or could be: it is not known here
    /// how much of it the list has.
    pub(super) fn in_sight(&self) -> impl Iterator<Item = &BottleRef> {
        let is_shown = match self.view.focus {
            Focus::List | Focus::Detail => true,
            Focus::Attached { full, .. } => !full,
            Focus::Egress | Focus::Inbox | Focus::Builds | Focus::Audit => false,
        };
        let height = usize::from(self.size.rows);
        let first = self.view.selected_at.saturating_sub(height / 2);
        let first = first.min(self.listed.len().saturating_sub(height));
        let shown = if is_shown { height } else { 0 };
        let rows = self.listed.iter().skip(first).take(shown);
        rows.filter_map(ListRow::bottle)
            .filter(|row| row.sidecar.is_none())
            .map(|row| &row.bottle)
    }

    /// Makes the rows anew, and says whether one is another.
    pub(super) fn relist(&mut self) -> bool {
        let rows = self.borrowed_rows();
        let is_same = rows.len() == self.listed.len()
            && rows
                .iter()
                .zip(&self.listed)
                .all(|(row, kept)| row.is(kept));
        if is_same {
            return false;
        }
        let listed = rows.into_iter().map(Borrowed::owned).collect();
        self.listed = listed;
        true
    }

    fn borrowed_rows(&self) -> Vec<Borrowed<'_>> {
        let order = &self.view.order;
        let filter = self.view.filter.to_lowercase();
        let bottles = self.fleet.bottles().iter();
        let mut bottles: Vec<&Bottle> = bottles.filter(|bottle| passes(bottle, &filter)).collect();
        order.sort(&mut bottles);
        let mut rows = Vec::with_capacity(bottles.len());
        if order.grouping == Grouping::Nothing {
            for bottle in bottles {
                self.push_bottle(bottle, &mut rows);
            }
            return rows;
        }
        let mut groups: BTreeMap<&str, Vec<&Bottle>> = BTreeMap::new();
        for bottle in bottles {
            groups
                .entry(order.grouping.of(bottle))
                .or_default()
                .push(bottle);
        }
        for (name, bottles) in groups {
            let is_folded = order.folded.contains(name);
            rows.push(Borrowed::Group(name, bottles.len(), is_folded));
            if !is_folded {
                for bottle in bottles {
                    self.push_bottle(bottle, &mut rows);
                }
            }
        }
        rows
    }

    fn push_bottle<'a>(&'a self, bottle: &'a Bottle, rows: &mut Vec<Borrowed<'a>>) {
        rows.push(Borrowed::Bottle(&bottle.bottle, None));
        if self.view.expanded.contains(&bottle.bottle) {
            let sidecars = [Role::Egress, Role::Supervise];
            rows.extend(sidecars.map(|role| Borrowed::Bottle(&bottle.bottle, Some(role))));
        }
    }

    /// Looks at where bottles stand by the key that the list is sorted by.
    pub(super) fn rank_all(&mut self) {
        let key = self.view.order.sort;
        let prices = std::mem::take(&mut self.prices);
        for bottle in self.fleet.iter_mut() {
            bottle.rank = rank(bottle, key, &prices);
        }
        self.prices = prices;
        self.ranked_ticks = 0;
    }

    /// The same, a few ticks after the last time.
    pub(super) fn rank_now_and_then(&mut self) {
        if !self.view.order.sort.is_ranked() {
            return;
        }
        self.ranked_ticks = self.ranked_ticks.saturating_add(1);
        if self.ranked_ticks >= RANK_TICKS {
            self.rank_all();
            if self.relist() {
                self.touch();
            }
        }
    }
}

fn passes(bottle: &Bottle, filter: &str) -> bool {
    filter.is_empty()
        || bottle.bottle.id.as_str().contains(filter)
        || bottle.agent.to_lowercase().contains(filter)
        || bottle.phase.word().contains(filter)
}
