//! What the operator is told of although nobody may be looking: something began to wait
//! for an answer.
//!
//! The words are ours alone: a bottle's name and what kind of thing waits, never a text
//! of an agent's. One bottle is told of once in a while, and what the inbox shows is not
//! told of at all.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::bottle::Hub;
use super::console::State;
use super::effect::Effect;
use super::inbox::InboxPage;
use super::sighting::BottleRef;
use super::view::Focus;
use crate::request::{RequestState, Source};
use crate::wire::{HubToConsole, RoleReport};

/// The shortest time between two notifications of one bottle.
const PACE: SignedDuration = SignedDuration::from_secs(10);

/// What was told of each bottle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    bottles: BTreeMap<BottleRef, Known>,
}

/// What is known of one bottle's requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    /// The highest number seen; `None` until its hub has told all that it holds.
    seen: Option<u64>,
    /// Whether the hub tells what happens, not what it holds.
    is_live: bool,
    /// When the operator was last told.
    told: Option<Timestamp>,
}

impl Known {
    /// What there is to tell of a report.
    fn news(&mut self, hub: &Hub, report: &RoleReport) -> Option<String> {
        if let RoleReport::Request { request } = report {
            let seen = self.seen.as_mut()?;
            let is_new = request.id > *seen;
            *seen = request.id.max(*seen);
            let is_pending = matches!(request.state, RequestState::Pending);
            let kind = request.ask.kind().replace('_', " ");
            let what = match request.source {
                Source::Agent => format!("asks: {kind}"),
                Source::Egress => format!("egress refused something, and asks: {kind}"),
            };
            return (is_new && is_pending).then_some(what);
        }
        let before = hub.budgets.as_ref().and_then(|budgets| budgets.pause);
        let what = if let RoleReport::Held { hold } = report {
            (!hub.holds.contains_key(&hold.id)).then_some("a connection waits")
        } else if let RoleReport::Budgets { budgets } = report {
            (before.is_none() && budgets.pause.is_some()).then_some("a budget is spent")
        } else {
            None
        };
        what.filter(|_| self.is_live).map(str::to_owned)
    }
}

impl State {
    /// What there is to tell of a message, in words, before it is taken. What was there
    /// before the console looked is no news.
    pub(super) fn hear(&mut self, bottle: &BottleRef, message: &HubToConsole) -> Option<String> {
        let fleet = &self.fleet;
        let hub = &fleet.get(bottle)?.hub;
        // Bottles that are gone leave nothing behind.
        if self.told.bottles.len() > 2 * fleet.bottles().len() {
            let bottles = &mut self.told.bottles;
            bottles.retain(|told, _| fleet.get(told).is_some());
        }
        let known = self.told.bottles.entry(bottle.clone()).or_default();
        match message {
            HubToConsole::Hello { .. } | HubToConsole::Missed { .. } => {
                known.is_live = false;
                None
            }
            HubToConsole::Live => {
                let last = hub.requests.keys().next_back().copied().unwrap_or(0);
                known.seen = Some(known.seen.unwrap_or(0).max(last));
                known.is_live = true;
                None
            }
            HubToConsole::Report { report, .. } => known.news(hub, report),
            HubToConsole::Tally { .. } | HubToConsole::Pong => None,
        }
    }

    /// The notification of something, unless it would be one too many.
    pub(super) fn notification(&mut self, bottle: BottleRef, what: String) -> Option<Effect> {
        let is_seen = self.view.focus == Focus::Inbox
            && self.view.inbox.page == InboxPage::Waiting
            && self.view.modal.is_none();
        if is_seen {
            return None;
        }
        let now = self.now;
        let known = self.told.bottles.get_mut(&bottle)?;
        let is_early = |told: Timestamp| now.duration_since(told).abs() < PACE;
        if known.told.is_some_and(is_early) {
            return None;
        }
        known.told = Some(now);
        Some(Effect::Notify { bottle, what })
    }
}
