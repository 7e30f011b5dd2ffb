//! All bottles of all engines, and the rows that the list shows of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::sighting::{BottleRef, BottleSighting, EngineId};

/// How an engine is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub enum EngineState {
    /// It was not heard of yet.
    Asked,
    /// It answers.
    Up,
    /// It does not answer.
    Lost {
        /// Why.
        why: String,
    },
}

/// All bottles, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// The engines.
    pub engines: BTreeMap<EngineId, EngineState>,
    pub(super) bottles: Vec<Bottle>,
}

impl Fleet {
    /// A fleet of engines that were not heard of yet.
    pub(super) fn new(engines: Vec<EngineId>) -> Self {
        let engines = engines.into_iter();
        Self {
            engines: engines.map(|engine| (engine, EngineState::Asked)).collect(),
            bottles: Vec::new(),
        }
    }

    /// The bottles, newest first, as `cellar list` shows them.
    #[must_use]
    pub fn bottles(&self) -> &[Bottle] {
        &self.bottles
    }

    /// One bottle.
    #[must_use]
    pub fn get(&self, bottle: &BottleRef) -> Option<&Bottle> {
        self.bottles.iter().find(|known| known.bottle == *bottle)
    }

    pub(super) fn get_mut(&mut self, bottle: &BottleRef) -> Option<&mut Bottle> {
        self.bottles
            .iter_mut()
            .find(|known| known.bottle == *bottle)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Bottle> {
        self.bottles.iter_mut()
    }

    /// Whether a bottle's engine does not answer, so that all said of it is old.
    #[must_use]
    pub fn is_lost(&self, engine: &EngineId) -> bool {
        matches!(self.engines.get(engine), Some(EngineState::Lost { .. }))
    }

    /// Takes a bottle as the engine shows it.
    pub(super) fn sight(&mut self, sighting: BottleSighting) {
        let reference = sighting.bottle.clone();
        let known = self.get_or_add(&reference, &sighting.agent);
        known.agent.clone_from(&sighting.agent);
        if known
            .sighting
            .as_ref()
            .is_none_or(|seen| seen.spec != sighting.spec)
        {
            known.spec = super::spec_rows::SpecView::Unknown;
        }
        known.sighting = Some(sighting);
        self.sort();
    }

    /// The bottle, added if it is new.
    pub(super) fn get_or_add(&mut self, bottle: &BottleRef, agent: &str) -> &mut Bottle {
        let at = self
            .bottles
            .iter()
            .position(|known| known.bottle == *bottle)
            .unwrap_or_else(|| {
                // A bottle without a sighting is the newest there is.
                self.bottles
                    .insert(0, Bottle::new(bottle.clone(), agent.to_owned()));
                0
            });
        #[expect(clippy::indexing_slicing, reason = "found or inserted just above")]
        &mut self.bottles[at]
    }

    /// Forgets the bottles for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Bottle) -> bool) {
        self.bottles.retain(keep);
    }

    fn sort(&mut self) {
        self.bottles.sort_by_cached_key(|bottle| {
            let created = bottle
                .sighting
                .as_ref()
                .map_or(Timestamp::MAX, |sighting| sighting.created);
            (Reverse(created), bottle.bottle.clone())
        });
    }
}
