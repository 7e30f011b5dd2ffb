//! What was used in the last hour, in the last day and in all, in the measures of
//! budgets.
//!
//! The last hour is kept by the minute and the last day by the quarter of an hour: each
//! part counts until the last that may be in it is old enough. So a window is never
//! longer than it should be by more than one part, and never shorter.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::{BottleBudget, Measure, Span};

const HOUR: Parts = Parts {
    part: 60,
    window: 60 * 60,
};
const DAY: Parts = Parts {
    part: 15 * 60,
    window: 24 * 60 * 60,
};

/// Amounts in the units of their measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Amounts {
    pub(in super::super) tokens: u64,
    /// In millionths of a dollar.
    pub(in super::super) cost: u64,
    pub(in super::super) bytes: u64,
    pub(in super::super) requests: u64,
}

/// All of it, at times of the ledger's own clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Windows {
    total: Amounts,
    hour: VecDeque<Part>,
    day: VecDeque<Part>,
}

/// What was used in one part of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// Counts parts since the clock began.
    at: u64,
    #[serde(flatten)]
    used: Amounts,
}

/// How a window is cut, in seconds.
#[derive(Clone, Copy)]
struct Parts {
    part: u64,
    window: u64,
}

impl Amounts {
    pub(super) const fn of(&self, what: Measure) -> u64 {
        match what {
            Measure::Tokens => self.tokens,
            Measure::Cost => self.cost,
            Measure::Bytes => self.bytes,
            Measure::Requests => self.requests,
        }
    }

    pub(super) const fn set(&mut self, what: Measure, amount: u64) {
        match what {
            Measure::Tokens => self.tokens = amount,
            Measure::Cost => self.cost = amount,
            Measure::Bytes => self.bytes = amount,
            Measure::Requests => self.requests = amount,
        }
    }

    fn each(&mut self, other: &Self, change: impl Fn(u64, u64) -> u64) {
        for what in Measure::ALL {
            self.set(what, change(self.of(what), other.of(what)));
        }
    }
}

impl Windows {
    /// Begins with what was used before anybody looked at the time.
    pub(super) fn after(total: Amounts) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }

    /// Adds what is used now.
    pub(super) fn add(&mut self, now: u64, more: &Amounts) {
        self.total.each(more, u64::saturating_add);
        for (parts, cut) in [(&mut self.hour, HOUR), (&mut self.day, DAY)] {
            cut.tidy(parts, now);
            cut.add(parts, now, more);
        }
    }

    /// Takes back what was added at a time and was not used after all.
    pub(super) fn take_back(&mut self, then: u64, less: &Amounts) {
        self.total.each(less, u64::saturating_sub);
        for (parts, cut) in [(&mut self.hour, HOUR), (&mut self.day, DAY)] {
            let at = then / cut.part;
            if let Some(part) = parts.iter_mut().find(|part| part.at == at) {
                part.used.each(less, u64::saturating_sub);
            }
        }
    }

    /// Takes a budget for spent, where nothing is known of what was used.
    pub(super) fn spend(&mut self, now: u64, budget: &BottleBudget) {
        let missing = budget.amount.saturating_sub(self.spent(budget, now));
        let mut more = Amounts::default();
        more.set(budget.what, missing);
        match budget.per {
            Span::Hour => HOUR.add(&mut self.hour, now, &more),
            Span::Day => DAY.add(&mut self.day, now, &more),
            Span::Total => self.total.each(&more, u64::saturating_add),
        }
    }

    /// What counts against a budget now.
    pub(super) fn spent(&self, budget: &BottleBudget, now: u64) -> u64 {
        let sum = |parts: &VecDeque<Part>, cut: Parts| {
            let counting = parts.iter().filter(|part| cut.end_of(part) > now);
            counting.fold(0_u64, |sum, part| {
                sum.saturating_add(part.used.of(budget.what))
            })
        };
        match budget.per {
            Span::Hour => sum(&self.hour, HOUR),
            Span::Day => sum(&self.day, DAY),
            Span::Total => self.total.of(budget.what),
        }
    }

    /// How long until a budget has room by itself; `None` if time brings none.
    pub(super) fn room_in(&self, budget: &BottleBudget, now: u64) -> Option<Duration> {
        let (parts, cut) = match budget.per {
            Span::Hour => (&self.hour, HOUR),
            Span::Day => (&self.day, DAY),
            Span::Total => return None,
        };
        let mut left = self.spent(budget, now);
        let mut until = now;
        for part in parts.iter().filter(|part| cut.end_of(part) > now) {
            if left < budget.amount {
                break;
            }
            left = left.saturating_sub(part.used.of(budget.what));
            until = cut.end_of(part);
        }
        Some(Duration::from_secs(until - now))
    }
}

impl Parts {
    /// When a part counts no more: its last second is as old as the window is long.
    const fn end_of(self, part: &Part) -> u64 {
        (part.at + 1)
            .saturating_mul(self.part)
            .saturating_add(self.window)
    }

    /// Adds to the part of this time, which is the newest: the clock never goes back.
    fn add(self, parts: &mut VecDeque<Part>, now: u64, more: &Amounts) {
        let at = now / self.part;
        let mut part = match parts.pop_back() {
            Some(newest) if newest.at >= at => newest,
            older => {
                parts.extend(older);
                let used = Amounts::default();
                Part { at, used }
            }
        };
        part.used.each(more, u64::saturating_add);
        parts.push_back(part);
    }

    fn tidy(self, parts: &mut VecDeque<Part>, now: u64) {
        while parts.front().is_some_and(|part| self.end_of(part) <= now) {
            parts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn requests(requests: u64) -> Amounts {
        Amounts {
            requests,
            ..Amounts::default()
        }
    }

    fn budget(per: Span, amount: u64) -> BottleBudget {
        BottleBudget::new(Measure::Requests, per, amount)
    }

    const SPANS: [(Span, Parts); 2] = [(Span::Hour, HOUR), (Span::Day, DAY)];

    #[test]
    fn a_window_ends_with_the_part_that_was_used() {
        for (per, cut) in SPANS {
            let mut windows = Windows::default();
            let two = budget(per, 2);
            windows.add(cut.part + 1, &requests(1));
            windows.add(3 * cut.part, &requests(1));
            let now = 3 * cut.part;
            assert_eq!(windows.spent(&two, now), 2);
            let room = windows.room_in(&two, now).unwrap().as_secs();
            assert_eq!(now + room, 2 * cut.part + cut.window);
            assert_eq!(windows.spent(&two, now + room - 1), 2);
            assert_eq!(windows.spent(&two, now + room), 1);
            assert_eq!(windows.room_in(&two, now + room), Some(Duration::ZERO));
            assert_eq!(windows.spent(&budget(Span::Total, 2), u64::MAX), 2);
            assert_eq!(windows.room_in(&budget(Span::Total, 2), now), None);
        }
    }

    #[test]
    fn what_is_taken_back_counts_no_more_and_no_other_does() {
        let mut windows = Windows::default();
        windows.add(10, &requests(1));
        windows.add(90, &requests(1));
        windows.take_back(10, &requests(1));
        for (per, _) in SPANS {
            assert_eq!(windows.spent(&budget(per, 9), 100), 1);
        }
        assert_eq!(windows.hour.front().unwrap().used, requests(0));
        assert_eq!(windows.total, requests(1));
    }

    #[test]
    fn what_is_not_known_is_taken_for_spent() {
        for per in Span::ALL {
            let mut windows = Windows::default();
            windows.add(0, &requests(2));
            windows.spend(0, &budget(per, 7));
            assert_eq!(windows.spent(&budget(per, 7), 0), 7);
            windows.spend(0, &budget(per, 5));
            assert_eq!(windows.spent(&budget(per, 7), 0), 7);
        }
    }

    #[test]
    fn windows_do_not_grow_with_use() {
        let mut windows = Windows::default();
        for minute in 0..10_000 {
            windows.add(minute * 60, &requests(1));
        }
        assert!(windows.hour.len() <= 61 && windows.day.len() <= 97);
        let text = serde_json::to_string(&windows).unwrap();
        assert!(text.len() < 16 * 1024, "{}", text.len());
        assert_eq!(serde_json::from_str::<Windows>(&text).unwrap(), windows);
    }

    proptest! {
        /// In no hour and no day more passes than the budget has, each amount at most
        /// being what was under way when it was spent.
        #[test]
        fn no_window_holds_more_than_its_budget(
            steps in proptest::collection::vec((0u64..2_000, 1u64..5), 1..400),
            amount in 1u64..30,
            which in 0usize..2,
        ) {
            let (per, cut) = SPANS[which];
            let budget = budget(per, amount);
            let mut windows = Windows::default();
            let mut passed: Vec<(u64, u64)> = Vec::new();
            let mut now = 0;
            for (wait, wanted) in steps {
                now += wait;
                let room = windows.room_in(&budget, now).unwrap();
                prop_assert_eq!(room.is_zero(), windows.spent(&budget, now) < amount);
                if !room.is_zero() {
                    let then = now + room.as_secs();
                    prop_assert!(windows.spent(&budget, then) < amount);
                    prop_assert!(windows.spent(&budget, then - 1) >= amount);
                    continue;
                }
                windows.add(now, &requests(wanted));
                passed.push((now, wanted));
                let begin = (now + 1).saturating_sub(cut.window);
                let (mut sum, mut last) = (0, 0);
                for (_, count) in passed.iter().filter(|(at, _)| *at >= begin) {
                    sum += count;
                    last = *count;
                }
                prop_assert!(sum - last < amount, "{} in a window of {}", sum, amount);
            }
        }
    }
}
