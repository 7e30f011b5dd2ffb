//! What is done to several bottles at once: the marks, what may be done to each, and
//! how far it is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::command::Life;
use super::console::State;
use super::event::OperationKind;
use super::sighting::{BottleRef, ContainerState};
use crate::wire::Role;

/// Everything was frozen and cut at once, and is so still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Since when.
    pub since: Timestamp,
    /// How many bottles it froze.
    pub frozen: usize,
    /// How many it cut.
    pub cut: usize,
}

/// Something that is being done to several bottles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mass {
    /// What.
    pub kind: OperationKind,
    /// The bottles that were not heard of yet.
    pub waiting: BTreeSet<BottleRef>,
    /// How many there were.
    pub total: usize,
    /// How many of them failed.
    pub failed: usize,
}

impl Mass {
    /// How far it is, in words.
    pub(super) fn words(&self) -> String {
        let done = self.total - self.waiting.len() - self.failed;
        let word = self.kind.done();
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} failed: their rows say why"),
        };
        if self.waiting.is_empty() {
            format!("{done} {word}{failed}")
        } else {
            format!("{word}: {done} of {}{failed}", self.total)
        }
    }
}

impl Bottle {
    /// Whether its egress runs without a network.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.sighting.as_ref().is_some_and(|seen| seen.is_cut)
    }

    /// Why an operation would do nothing to it now, if that is so.
    ///
    /// # Errors
    /// The reason, as it follows the bottle's name.
    pub(super) fn takes(&self, kind: OperationKind) -> Result<(), &'static str> {
        if self.operation.is_some() {
            return Err("something is being done to it");
        }
        let agent = self.container(Role::Agent);
        let is_frozen = agent == Some(&ContainerState::Paused);
        let (may, why) = match kind {
            OperationKind::Stop => (self.is_alive(), "it does not run"),
            OperationKind::Resume => (self.is_resumable(), "it is not stopped"),
            OperationKind::Restart => (agent.is_some(), "it has no agent container"),
            OperationKind::Freeze => (self.runs(Role::Agent), "it does not run"),
            OperationKind::Unfreeze => (is_frozen, "it is not frozen"),
            OperationKind::Cut => (self.is_alive() && !self.is_cut(), "it lets nothing out"),
            OperationKind::Reconnect => (self.is_cut(), "it is not cut"),
            OperationKind::Remove => (self.sighting.is_some(), "nothing is left of it"),
            OperationKind::Start | OperationKind::Change => (false, "it is there"),
        };
        if may { Ok(()) } else { Err(why) }
    }
}

impl State {
    /// The bottles that a command is about: those that are marked, newest first, or the
    /// selected one.
    #[must_use]
    pub fn targets(&self) -> Vec<BottleRef> {
        if self.view.marked.is_empty() {
            let selected = self.view.selected.as_ref();
            return selected.map(|row| row.bottle.clone()).into_iter().collect();
        }
        let bottles = self.fleet.bottles().iter();
        bottles
            .map(|known| &known.bottle)
            .filter(|bottle| self.view.marked.contains(bottle))
            .cloned()
            .collect()
    }

    /// Those of them that have a session to type into.
    pub(super) fn that_talk(&self) -> Vec<BottleRef> {
        let talks =
            |known: &Bottle| known.has_session() && !self.fleet.is_lost(&known.bottle.engine);
        self.targets_that(talks)
    }

    /// Those of them that an operation would do something to.
    pub(super) fn that_take(&self, kind: OperationKind) -> Vec<BottleRef> {
        self.targets_that(|known| known.takes(kind).is_ok())
    }

    /// The bottles that a command is about of which something holds, in one walk: this is
    /// asked for every key of the footer, with a thousand bottles too.
    fn targets_that(&self, holds: impl Fn(&Bottle) -> bool) -> Vec<BottleRef> {
        let (marked, selected) = (&self.view.marked, self.view.selected.as_ref());
        let is_meant = |known: &&Bottle| {
            if marked.is_empty() {
                selected.is_some_and(|row| row.bottle == known.bottle)
            } else {
                marked.contains(&known.bottle)
            }
        };
        let bottles = self.fleet.bottles().iter().filter(is_meant);
        bottles
            .filter(|known| holds(known))
            .map(|known| known.bottle.clone())
            .collect()
    }

    /// Whether a command would do something now.
    pub(super) fn can_do(&self, life: Life) -> bool {
        let any = |kind| !self.that_take(kind).is_empty();
        match life {
            Life::Stop => any(OperationKind::Stop),
            Life::Resume => any(OperationKind::Resume),
            Life::Restart => any(OperationKind::Restart),
            Life::Freeze => any(OperationKind::Freeze) || any(OperationKind::Unfreeze),
            Life::Cut => any(OperationKind::Cut) || any(OperationKind::Reconnect),
            Life::FreezeOnly => any(OperationKind::Freeze),
            Life::Unfreeze => any(OperationKind::Unfreeze),
            Life::CutOnly => any(OperationKind::Cut),
            Life::Reconnect => any(OperationKind::Reconnect),
            // What lives is stopped first.
            Life::Remove => {
                let is_alive = |bottle: &BottleRef| {
                    let known = self.fleet.get(bottle);
                    known.is_none_or(|known| known.is_alive() || known.operation.is_some())
                };
                let targets = self.targets();
                !targets.is_empty() && !targets.iter().any(is_alive)
            }
            Life::Send => !self.that_talk().is_empty(),
            Life::Mark | Life::MarkRange | Life::MarkAll => self.view.selected.is_some(),
            Life::Panic => true,
        }
    }
}
