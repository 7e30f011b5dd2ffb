//! Images over all bottles: those that are being made, those that wait for their turn, and
//! those that ended lately.
//!
//! What this console does is known from its operations; what other processes do and what
//! ended is on record, and read while the page is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::sighting::BottleRef;

/// What a step says that waits for other builds, before the build's own first step.
const WAITS: &str = "waits: ";

/// A build that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildEnd {
    /// For which bottle, which may be gone by now.
    pub bottle: BottleRef,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub result: BuildResult,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum BuildResult {
    /// Well.
    Done,
    /// Not.
    Failed {
        /// Why. Hostile text.
        why: String,
    },
    /// It was not wanted any more.
    Cancelled,
}

/// A build of another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildElsewhere {
    /// For which bottle.
    pub bottle: BottleRef,
    /// Since when.
    pub began: Timestamp,
}

/// A row of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildRow<'a> {
    /// One that this console makes, or that waits for its turn.
    Here(&'a Bottle),
    /// One that another process makes.
    Elsewhere(&'a BuildElsewhere),
    /// One that ended.
    Ended(&'a BuildEnd),
}

impl BuildRow<'_> {
    /// Its bottle.
    #[must_use]
    pub const fn bottle(&self) -> &BottleRef {
        match self {
            Self::Here(known) => &known.bottle,
            Self::Elsewhere(other) => &other.bottle,
            Self::Ended(end) => &end.bottle,
        }
    }

    /// When it began, which names it among those of its bottle.
    #[must_use]
    pub fn began(&self) -> Option<Timestamp> {
        match self {
            Self::Here(known) => known.operation.as_ref()?.build_since,
            Self::Elsewhere(other) => Some(other.began),
            Self::Ended(end) => Some(end.began),
        }
    }

    /// Its name: rows move, names do not.
    pub(super) fn name(&self) -> BuildName {
        BuildName {
            bottle: self.bottle().clone(),
            began: match self {
                // The record of it begins a moment later than its operation.
                Self::Here(_) => None,
                Self::Elsewhere(_) | Self::Ended(_) => self.began(),
            },
        }
    }
}

/// Which row is selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildName {
    bottle: BottleRef,
    began: Option<Timestamp>,
}

/// The page of builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builds {
    /// Those of other processes.
    pub elsewhere: Vec<BuildElsewhere>,
    /// Those that ended, the last first.
    pub ended: Vec<BuildEnd>,
    /// Whether the record was read.
    pub is_read: bool,
    /// The selected row; the first if it is none of them.
    pub selected: Option<BuildName>,
    /// Where it stood, for when it goes.
    pub(super) at: usize,
    /// Whether the record is to be read again.
    pub(super) is_stale: bool,
}

impl Bottle {
    /// Whether an image is being made for it from here, or waits for its turn.
    #[must_use]
    pub fn is_building(&self) -> bool {
        self.operation.as_ref().is_some_and(|one| one.is_build)
    }

    /// Whether that waits for other builds.
    #[must_use]
    pub fn waits_to_build(&self) -> bool {
        let operation = self.operation.as_ref().filter(|one| one.is_build);
        operation.is_some_and(|one| one.of == 0 && one.what.starts_with(WAITS))
    }
}

impl Builds {
    /// The rows: what is being made here, what waits, what others make, what ended.
    #[must_use]
    pub fn rows<'a>(&'a self, bottles: &'a [Bottle]) -> Vec<BuildRow<'a>> {
        let mut here: Vec<&Bottle> = bottles.iter().filter(|known| known.is_building()).collect();
        here.sort_by_key(|known| {
            let since = known.operation.as_ref().and_then(|one| one.build_since);
            (known.waits_to_build(), since, known.bottle.clone())
        });
        let is_here = |bottle: &BottleRef| here.iter().any(|known| known.bottle == *bottle);
        let elsewhere: Vec<_> = self
            .elsewhere
            .iter()
            .filter(|one| !is_here(&one.bottle))
            .collect();
        let here = here.iter().map(|known| BuildRow::Here(known));
        let elsewhere = elsewhere.into_iter().map(BuildRow::Elsewhere);
        let ended = self.ended.iter().map(BuildRow::Ended);
        here.chain(elsewhere).chain(ended).collect()
    }

    /// The place of the selected row.
    #[must_use]
    pub fn place(&self, rows: &[BuildRow<'_>]) -> usize {
        let is_it = |row: &BuildRow<'_>| Some(row.name()) == self.selected;
        let last = rows.len().saturating_sub(1);
        let found = rows.iter().position(is_it);
        found.unwrap_or_else(|| {
            let at = if self.selected.is_some() { self.at } else { 0 };
            at.min(last)
        })
    }
}
