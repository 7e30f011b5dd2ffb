//! How the budgets of a bottle stand, as egress counts them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::BottleBudget;

/// All budgets of a bottle, and whether something waits because of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Budgets {
    /// Each of them, as the routes in force have them.
    pub budgets: Vec<BudgetState>,
    /// What waits; `None` if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
}

/// How one budget stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BudgetState {
    /// The budget.
    #[serde(flatten)]
    pub budget: BottleBudget,
    /// What is spent of it; may be more than it has, by what was under way.
    pub spent: u64,
    /// When there will be room again by itself, where it is spent and time brings that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_at: Option<Timestamp>,
    /// Whether the operator refused to raise it: what wants more is refused at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_refused: bool,
}

/// Requests that wait because a budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pause {
    /// Since when some request waits.
    pub since: Timestamp,
    /// How many wait.
    pub waiting: u32,
}

impl BudgetState {
    /// Whether all of it is spent.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.spent >= self.budget.amount
    }
}

impl Budgets {
    /// The budgets that are spent and that nobody refused to raise.
    pub fn spent(&self) -> impl Iterator<Item = &BudgetState> {
        let spent = self.budgets.iter().filter(|state| state.is_spent());
        spent.filter(|state| !state.is_refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Measure, Span};

    #[test]
    fn a_report_reads_as_it_is_written() {
        let budget = BottleBudget::new(Measure::Cost, Span::Hour, 5_000_000);
        let state = BudgetState {
            budget,
            spent: 5_100_000,
            room_at: Some(Timestamp::UNIX_EPOCH),
            is_refused: false,
        };
        let budgets = Budgets {
            budgets: vec![state],
            pause: Some(Pause {
                since: Timestamp::UNIX_EPOCH,
                waiting: 7,
            }),
        };
        let text = serde_json::to_string(&budgets).unwrap();
        assert_eq!(
            text,
            r#"{"budgets":[{"what":"cost","per":"hour","amount":5000000,"spent":5100000,"room_at":"1970-01-01T00:00:00Z"}],"pause":{"since":"1970-01-01T00:00:00Z","waiting":7}}"#
        );
        assert_eq!(serde_json::from_str::<Budgets>(&text).unwrap(), budgets);
    }
}
