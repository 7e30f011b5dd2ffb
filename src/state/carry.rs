//! Going on with what was approved and left half done: by a console that was killed, or
//! one that lost the engine.
//!
//! Looked for once a second, asked for once until it is answered, and asked for again
//! only after a while that grows: who else may be at work is told by a lock on disk, and
//! what fails now fails again in a moment.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::bottle::{Bottle, HubLine};
use super::console::State;
use super::effect::Effect;
use super::inbox::RequestRef;
use super::sighting::BottleRef;
use crate::request::RequestState;
use crate::wire::Role;

/// The shortest and the longest time between two attempts for one bottle.
const FIRST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_secs(60);

/// What was tried for each bottle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried(BTreeMap<BottleRef, Tried>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tried {
    /// Whether it is under way.
    is_asked: bool,
    /// When the next attempt may be.
    next: Timestamp,
    wait: SignedDuration,
}

impl State {
    /// Asks for what was left half done to be gone on with.
    pub(super) fn carry_on(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let mut left = Vec::new();
        for bottle in self.fleet.bottles() {
            if self.is_left(bottle) {
                left.push(bottle.bottle.clone());
            }
        }
        let tries = &mut self.carried.0;
        tries.retain(|bottle, tried| tried.is_asked || left.contains(bottle));
        for bottle in left {
            let tried = tries.entry(bottle.clone()).or_insert(Tried {
                is_asked: false,
                next: now,
                wait: FIRST,
            });
            // A clock that was set back must not keep it waiting.
            let is_early = tried.next > now && tried.next.duration_since(now) <= LONGEST;
            if tried.is_asked || is_early {
                continue;
            }
            tried.is_asked = true;
            effects.push(Effect::CarryOn { bottle });
        }
    }

    /// Whether a bottle that answers has requests that were approved and not done, and
    /// this console does nothing to it.
    fn is_left(&self, known: &Bottle) -> bool {
        let is_free = known.operation.is_none() && known.hub.line == HubLine::Up;
        let mut requests = known.hub.requests.values();
        let busy = &self.view.inbox.busy;
        is_free
            && known.runs(Role::Supervise)
            && requests.any(|one| {
                matches!(
                    one.state,
                    RequestState::Approved { .. } | RequestState::Applying { .. }
                )
            })
            && !known.hub.requests.keys().any(|id| {
                busy.contains(&RequestRef {
                    bottle: known.bottle.clone(),
                    id: *id,
                })
            })
    }

    /// An attempt is over.
    pub(super) fn carried_on(&mut self, bottle: &BottleRef) {
        let now = self.now;
        if let Some(tried) = self.carried.0.get_mut(bottle) {
            tried.is_asked = false;
            tried.next = now.saturating_add(tried.wait).unwrap_or(now);
            tried.wait = (tried.wait * 2).min(LONGEST);
        }
    }
}
