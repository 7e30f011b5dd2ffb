//! What needs the operator, over all bottles, most urgent first.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::bottle::{Bottle, Operation};
use super::budget::pause_words;
use super::console::State;
use super::event::OperationKind;
use super::model_health::Refusal;
use super::phase::{Doing, Failure, Phase};
use super::sighting::BottleRef;
use crate::wire::{Role, RoleState};

/// A bottle that needs the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Which.
    pub bottle: BottleRef,
    /// How it is, in one word.
    pub word: &'static str,
    /// Why, in the bottle's or the engine's words. Hostile text.
    pub words: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// Whether something is wrong, rather than waiting.
    pub is_trouble: bool,
}

impl State {
    /// What needs the operator: an open seal, a spent budget, a question, a failure, a trouble, an end
    /// that was not seen; of one kind the one that lasts longest first.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let now = self.now;
        let bottles = self.fleet.bottles().iter();
        let mut needs: Vec<(u8, Need)> = bottles
            .flat_map(|bottle| {
                need(bottle, now)
                    .into_iter()
                    .chain(asks(bottle))
                    .chain(unchanged(bottle))
                    .chain(requests(bottle))
            })
            .collect();
        needs.sort_by_key(|(rank, need)| (*rank, need.since.unwrap_or(Timestamp::MAX)));
        needs.into_iter().map(|(_, need)| need).collect()
    }
}

impl State {
    /// How many bottles need the operator beside the attached one.
    #[must_use]
    pub fn other_needs(&self) -> usize {
        let needs = self.needs();
        let others: BTreeSet<&BottleRef> = needs
            .iter()
            .map(|need| &need.bottle)
            .filter(|bottle| Some(*bottle) != self.attached())
            .collect();
        others.len()
    }
}

/// What egress has to ask: an answer to what it holds, values of its secrets.
fn asks(bottle: &Bottle) -> Vec<(u8, Need)> {
    if !bottle.runs(Role::Egress) {
        return Vec::new();
    }
    let need = |word, words, since| Need {
        bottle: bottle.bottle.clone(),
        word,
        words,
        since,
        is_trouble: false,
    };
    let mut asks = Vec::new();
    if let Some(hold) = bottle.hub.holds.values().next() {
        let more = bottle.hub.holds.len() - 1;
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let verb = match hold.request {
            None => "reach",
            Some(_) => "ask",
        };
        let words = format!("wants to {verb} {}{more}", hold.words());
        asks.push((0, need("held", words, Some(hold.at))));
    }
    if let Some(RoleState::Locked { missing }) = bottle.hub.roles.get(&Role::Egress) {
        let words = format!("egress needs the value of {}", missing.join(", "));
        asks.push((1, need("locked", words, None)));
    }
    asks
}

/// A change that failed and was not read yet. The bottle itself goes on.
fn unchanged(bottle: &Bottle) -> Option<(u8, Need)> {
    let failed = bottle.failed.as_ref();
    let failed = failed.filter(|failed| failed.kind == OperationKind::Change)?;
    let need = Need {
        bottle: bottle.bottle.clone(),
        word: "unchanged",
        words: format!("failed to change it: {}", failed.why),
        since: None,
        is_trouble: true,
    };
    Some((3, need))
}

/// What the agent asked for and nobody answered.
fn requests(bottle: &Bottle) -> Option<(u8, Need)> {
    let mut pending = bottle.pending();
    let first = pending.next()?;
    let more = match pending.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let need = Need {
        bottle: bottle.bottle.clone(),
        word: "asks",
        words: format!("{}{more}", first.ask.words()),
        since: Some(first.first),
        is_trouble: false,
    };
    Some((1, need))
}

fn need(bottle: &Bottle, now: Timestamp) -> Option<(u8, Need)> {
    let session = bottle.hub.session.as_ref();
    // An agent goes on asking while an image is made for it.
    let is_beneath = bottle
        .operation
        .as_ref()
        .is_some_and(Operation::leaves_session);
    let phase = if is_beneath {
        &bottle.phase_beneath()
    } else {
        &bottle.phase
    };
    let (rank, words) = match phase {
        Phase::Failed {
            why: Failure::SealBroken { .. },
        } => (0, phase.words()),
        Phase::Failed { .. } => (2, phase.words()),
        Phase::Degraded { .. } => (3, phase.words()),
        Phase::Ready {
            doing: Doing::Waiting,
        } => {
            let asked = session.and_then(|session| session.waiting_for.clone());
            (1, asked.unwrap_or_else(|| String::from("waits for you")))
        }
        Phase::Ready {
            doing: Doing::Paused,
        } => {
            let budgets = bottle.hub.budgets.as_ref();
            let words = budgets.and_then(|budgets| pause_words(budgets, now));
            (0, format!("budget: {}", words.unwrap_or_default()))
        }
        Phase::Ready {
            doing: Doing::Expired,
        } => {
            let refusal = bottle.model.refusal.as_ref();
            (1, refusal.map_or_else(String::new, Refusal::words))
        }
        Phase::Stopped if bottle.has_unseen_end => (4, String::from("its session ended")),
        Phase::Planned
        | Phase::Building
        | Phase::Starting
        | Phase::Changing
        | Phase::Ready { .. }
        | Phase::Frozen
        | Phase::Stopping
        | Phase::Removing
        | Phase::Stopped => return None,
    };
    let need = Need {
        bottle: bottle.bottle.clone(),
        word: phase.word(),
        words,
        since: bottle.since_of(phase),
        is_trouble: phase.is_trouble(),
    };
    Some((rank, need))
}
