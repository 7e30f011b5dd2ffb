//! Budgets of a bottle in words: what is spent, what waits, and when there is room.

use jiff::Timestamp;

use super::bottle::Bottle;
use crate::policy::BottleBudget;
use crate::wire::{BudgetState, Budgets};

impl Bottle {
    /// The budgets that are spent, each raised so far that it has room again.
    #[must_use]
    pub fn raises(&self) -> Vec<BottleBudget> {
        let budgets = self.hub.budgets.as_ref();
        let states = budgets.map(|known| known.budgets.as_slice());
        let spent = states.unwrap_or_default().iter();
        let spent = spent.filter(|state| state.is_spent());
        spent
            .map(|state| state.budget.raised_over(state.spent))
            .collect()
    }
}

/// How much of a budget is spent, such as `$3.20 of $5.00 per hour`.
#[must_use]
pub fn spent_words(state: &BudgetState) -> String {
    let spent = state.budget.what.bare_words(state.spent);
    format!("{spent} of {}", state.budget.words())
}

/// What becomes of a budget that is spent, such as `room in 23 min`; empty if it is not.
#[must_use]
pub fn room_words(state: &BudgetState, now: Timestamp) -> String {
    if !state.is_spent() {
        return String::new();
    }
    let room = match state.room_at {
        Some(at) => {
            let seconds = at.duration_since(now).as_secs().max(0);
            match seconds {
                0..60 => String::from("room in a moment"),
                60..7_200 => format!("room in {} min", (seconds + 59) / 60),
                _ => format!("room in {} h", (seconds + 3_599) / 3_600),
            }
        }
        None => String::from("no room by itself"),
    };
    if state.is_refused {
        format!("{room}, you refused to raise it")
    } else {
        room
    }
}

/// Why a bottle is paused, such as `$5.00 per hour is spent; 7 requests wait; room in
/// 23 min`; `None` if it is not.
#[must_use]
pub fn pause_words(budgets: &Budgets, now: Timestamp) -> Option<String> {
    let pause = budgets.pause?;
    let spent: Vec<&BudgetState> = budgets.spent().collect();
    let names: Vec<String> = spent.iter().map(|state| state.budget.words()).collect();
    let waiting = match pause.waiting {
        1 => String::from("1 request waits"),
        several => format!("{several} requests wait"),
    };
    // Room is there when the last of them has some.
    let last = spent
        .iter()
        .max_by_key(|state| state.room_at.unwrap_or(Timestamp::MAX));
    let room = last.map(|state| room_words(state, now));
    let mut words = vec![waiting];
    if !names.is_empty() {
        let verb = if names.len() == 1 { "is" } else { "are" };
        words.insert(0, format!("{} {verb} spent", names.join(" and ")));
    }
    words.extend(room);
    Some(words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Measure, Span};
    use crate::state::fixture::{ago, now};
    use crate::wire::Pause;

    fn budgets(spent: &[(BottleBudget, u64, Option<i64>)], waiting: u32) -> Budgets {
        let state = |(budget, spent, room): &(BottleBudget, u64, Option<i64>)| BudgetState {
            budget: *budget,
            spent: *spent,
            room_at: room.map(|seconds| ago(-seconds)),
            is_refused: false,
        };
        let since = ago(60);
        Budgets {
            budgets: spent.iter().map(state).collect(),
            pause: (waiting > 0).then_some(Pause { since, waiting }),
        }
    }

    #[test]
    fn a_pause_says_what_is_spent_who_waits_and_how_long() {
        let hour = BottleBudget::new(Measure::Cost, Span::Hour, 5_000_000);
        let total = BottleBudget::new(Measure::Tokens, Span::Total, 2_000_000);
        let words = |spent: &[_], waiting| pause_words(&budgets(spent, waiting), now());
        assert_eq!(words(&[(hour, 6_000_000, Some(1_380))], 0), None);
        assert_eq!(
            words(&[(hour, 6_000_000, Some(1_380)), (total, 5, None)], 7).unwrap(),
            "$5.00 per hour is spent; 7 requests wait; room in 23 min"
        );
        assert_eq!(
            words(&[(hour, 6_000_000, Some(9)), (total, 2_000_000, None)], 1).unwrap(),
            "$5.00 per hour and 2M tokens in total are spent; 1 request waits; no room by itself"
        );
    }

    #[test]
    fn a_budget_says_how_much_of_it_is_spent() {
        let day = BottleBudget::new(Measure::Bytes, Span::Day, 10 << 30);
        let mut state = budgets(&[(day, 3 << 29, Some(80_000))], 0)
            .budgets
            .remove(0);
        assert_eq!(spent_words(&state), "1.5 GiB of 10 GiB per day");
        assert_eq!(room_words(&state, now()), "");
        state.spent = 10 << 30;
        assert_eq!(room_words(&state, now()), "room in 23 h");
        state.is_refused = true;
        state.room_at = Some(now());
        assert_eq!(
            room_words(&state, now()),
            "room in a moment, you refused to raise it"
        );
    }
}
