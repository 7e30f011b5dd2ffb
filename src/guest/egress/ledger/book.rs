//! What was used, as it is known now: the ledger's own state, which it locks.

use super::Standing;
use super::clock::Clock;
use super::windows::{Amounts, Windows};
use crate::policy::{BottleBudget, Measure, Prices};
use crate::wire::{AnswerUsage, Hits, RouteHits, RouteKey, Usage};

#[derive(Debug)]
pub(super) struct Book {
    pub(super) usage: Usage,
    pub(super) hits: Hits,
    pub(super) windows: Windows,
    /// The ledger's own clock.
    pub(super) time: u64,
    /// Where the machine's stood then.
    pub(super) uptime: u64,
    pub(super) budgets: Vec<BottleBudget>,
    pub(super) prices: Prices,
    /// Whether nothing is known of what was used before, so that budgets count as spent.
    pub(super) is_lost: bool,
    /// Whether the file holds less.
    pub(super) is_ahead: bool,
}

impl Book {
    /// Moves the ledger's clock along with the machine's.
    pub(super) fn tick(&mut self, clock: &Clock) {
        let uptime = clock.uptime();
        let passed = uptime.saturating_sub(self.uptime);
        self.time = self.time.saturating_add(passed);
        self.uptime = self.uptime.max(uptime);
    }

    pub(super) fn count(&mut self, change: impl FnOnce(&mut Self) -> Amounts) {
        let more = change(self);
        self.windows.add(self.time, &more);
        self.is_ahead = true;
    }

    pub(super) const fn request(&mut self) -> Amounts {
        self.usage.requests = self.usage.requests.saturating_add(1);
        Amounts {
            requests: 1,
            tokens: 0,
            cost: 0,
            bytes: 0,
        }
    }

    pub(super) fn has_bytes_budget(&self) -> bool {
        let mut budgets = self.budgets.iter();
        budgets.any(|budget| budget.what == Measure::Bytes)
    }

    pub(super) fn has_bytes(&self) -> bool {
        let mut budgets = self.budgets.iter();
        budgets.all(|budget| {
            budget.what != Measure::Bytes || self.windows.spent(budget, self.time) <= budget.amount
        })
    }

    pub(super) fn standings(&self) -> Vec<Standing> {
        let budgets = self.budgets.iter();
        let standing = |budget: &BottleBudget| Standing {
            budget: *budget,
            spent: self.windows.spent(budget, self.time),
            room_in: self.windows.room_in(budget, self.time),
        };
        budgets.map(standing).collect()
    }
}

/// What a bottle used before anybody counted it for budgets.
pub(super) fn total(usage: &Usage, prices: &Prices) -> Amounts {
    let answers = usage.models.iter().map(|(model, used)| AnswerUsage {
        model: model.clone(),
        tokens: used.tokens,
    });
    Amounts {
        tokens: usage.tokens().total(),
        cost: answers.fold(0, |sum, answer| {
            sum.saturating_add(answer.microdollars(prices))
        }),
        bytes: usage.sent_bytes.saturating_add(usage.received_bytes),
        requests: usage.requests,
    }
}

/// Changes what is told of a route, adding the route if there is room.
pub(super) fn told(hits: &mut Hits, key: &RouteKey, change: impl FnOnce(&mut RouteHits)) {
    if let Some(known) = hits.routes.iter_mut().find(|known| known.route == *key) {
        change(known);
    } else if hits.routes.len() < Hits::MAX_ROUTES {
        let mut known = RouteHits {
            route: key.clone(),
            passed: crate::wire::Passed::default(),
            spent: None,
        };
        change(&mut known);
        hits.routes.push(known);
    }
}
