//! How the list is ordered: by which key, in which groups, with which of them folded.
//! It is part of the view and plain data, so that it can be kept between runs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::phase::{Doing, Phase};
use crate::policy::Prices;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// When they were made, newest first.
    #[default]
    Age,
    /// How much they want the operator, most first.
    State,
    /// Their ids.
    Name,
    /// What they use of the CPUs, most first.
    Cpu,
    /// What they use of the memory, most first.
    Memory,
    /// What they cost so far, most first.
    Cost,
}

impl SortKey {
    /// All keys in the order of the menu.
    pub const ALL: [Self; 6] = [
        Self::Age,
        Self::State,
        Self::Name,
        Self::Cpu,
        Self::Memory,
        Self::Cost,
    ];

    /// The key in one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::State => "state",
            Self::Name => "name",
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Cost => "cost",
        }
    }

    /// What comes first, unless reversed.
    #[must_use]
    pub const fn first(self, is_reversed: bool) -> &'static str {
        match (self, is_reversed) {
            (Self::Age, false) => "newest first",
            (Self::Age, true) => "oldest first",
            (Self::State, false) => "what needs you first",
            (Self::State, true) => "what needs you last",
            (Self::Name, false) => "a to z",
            (Self::Name, true) => "z to a",
            (Self::Cpu | Self::Memory | Self::Cost, false) => "most first",
            (Self::Cpu | Self::Memory | Self::Cost, true) => "least first",
        }
    }

    /// Whether where a bottle stands by it changes as the bottle goes on.
    pub(super) const fn is_ranked(self) -> bool {
        match self {
            Self::Age | Self::Name => false,
            Self::State | Self::Cpu | Self::Memory | Self::Cost => true,
        }
    }
}

/// What the list is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// It is not.
    #[default]
    Nothing,
    /// The agents of the manifest.
    Agent,
    /// The templates they were made with.
    Template,
    /// The engines they are on.
    Engine,
}

impl Grouping {
    /// The grouping in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Agent => "agent",
            Self::Template => "template",
            Self::Engine => "engine",
        }
    }

    /// The next one.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Nothing => Self::Agent,
            Self::Agent => Self::Template,
            Self::Template => Self::Engine,
            Self::Engine => Self::Nothing,
        }
    }

    /// The group of a bottle.
    pub(super) fn of(self, bottle: &Bottle) -> &str {
        let name = match self {
            Self::Nothing => "",
            Self::Agent => &bottle.agent,
            Self::Template => bottle.template.as_deref().unwrap_or_default(),
            Self::Engine => &bottle.bottle.engine.0,
        };
        if name.is_empty() { "unknown" } else { name }
    }
}

/// How the list is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListOrder {
    /// By what.
    pub sort: SortKey,
    /// Whether the other way round.
    pub is_reversed: bool,
    /// In which groups.
    pub grouping: Grouping,
    /// Groups of which no bottle is shown.
    pub folded: BTreeSet<String>,
}

impl ListOrder {
    /// Whether it is as it is at first.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Sorts bottles, which come newest first. Those that are alike stay as they came.
    pub(super) fn sort(&self, bottles: &mut [&Bottle]) {
        let by_rank = |one: &&Bottle, other: &&Bottle| other.rank.cmp(&one.rank);
        let by_name = |one: &&Bottle, other: &&Bottle| one.bottle.id.cmp(&other.bottle.id);
        match (self.sort, self.is_reversed) {
            (SortKey::Age, false) => {}
            (SortKey::Age, true) => bottles.reverse(),
            (SortKey::Name, false) => bottles.sort_by(by_name),
            (SortKey::Name, true) => bottles.sort_by(|one, other| by_name(other, one)),
            (SortKey::State | SortKey::Cpu | SortKey::Memory | SortKey::Cost, false) => {
                bottles.sort_by(by_rank);
            }
            (SortKey::State | SortKey::Cpu | SortKey::Memory | SortKey::Cost, true) => {
                bottles.sort_by(|one, other| by_rank(other, one));
            }
        }
    }
}

/// Where a bottle stands by a key; more comes first.
pub(super) fn rank(bottle: &Bottle, key: SortKey, prices: &Prices) -> u64 {
    let usage = || bottle.usage_now();
    match key {
        SortKey::Age | SortKey::Name => 0,
        SortKey::State => u64::from(attention(bottle)),
        SortKey::Cpu => usage()
            .and_then(|usage| usage.cpu_millis)
            .map_or(0, |millis| u64::from(millis) + 1),
        SortKey::Memory => usage().map_or(0, |usage| usage.memory_bytes.saturating_add(1)),
        SortKey::Cost => bottle
            .cost(prices)
            .map_or(0, |cost| cost.cents.saturating_add(1)),
    }
}

/// How much a bottle wants the operator.
fn attention(bottle: &Bottle) -> u8 {
    let wants = bottle.waits_for_answer() || bottle.pending().next().is_some();
    match &bottle.phase {
        Phase::Ready {
            doing: Doing::Waiting | Doing::Expired | Doing::Paused,
        } => 9,
        _ if wants => 9,
        Phase::Failed { .. } => 8,
        Phase::Degraded { .. } => 7,
        _ if bottle.has_unseen_end => 6,
        Phase::Planned
        | Phase::Building
        | Phase::Starting
        | Phase::Changing
        | Phase::Stopping
        | Phase::Removing => 5,
        Phase::Ready { doing } => match doing {
            Doing::Limited => 5,
            Doing::Idle => 4,
            Doing::Working => 3,
            Doing::Unknown | Doing::Waiting | Doing::Expired | Doing::Paused => 2,
        },
        Phase::Frozen => 2,
        Phase::Stopped => 1,
    }
}
