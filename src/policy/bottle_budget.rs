//! Budgets of a whole bottle: how much of something may be used in an hour, in a day or
//! in all, before what wants more has to wait for the operator.

use serde::{Deserialize, Serialize};

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Tokens of all kinds that answers of models tell.
    Tokens,
    /// What those cost, in millionths of a US dollar.
    Cost,
    /// Bytes of bodies and of tunnels, both ways.
    Bytes,
    /// Requests, and tunnels that are not looked into.
    Requests,
}

/// What time a budget is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Any hour, which moves along with the time.
    Hour,
    /// Any 24 hours, likewise.
    Day,
    /// The bottle's whole life.
    Total,
}

/// How much of one thing a bottle may use in one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BottleBudget {
    /// Of what.
    pub what: Measure,
    /// In what time.
    pub per: Span,
    /// How much, in the measure's unit; never 0.
    pub amount: u64,
    /// The amount before it was first raised: what each further raise adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
}

/// Not a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use it as a budget of {}: write {} per hour, per day or in total", what.word(), what.example())]
pub struct BudgetError {
    what: Measure,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tokens, Self::Cost, Self::Bytes, Self::Requests];

    /// The key in a manifest and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Bytes => "bytes",
            Self::Requests => "requests",
        }
    }

    /// An amount as it may be written.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Tokens => "2M",
            Self::Cost => "5.00",
            Self::Bytes => "10GiB",
            Self::Requests => "1000",
        }
    }

    /// Whether only requests to models use it.
    #[must_use]
    pub const fn is_of_models(self) -> bool {
        matches!(self, Self::Tokens | Self::Cost)
    }

    /// Reads an amount such as `2M`, `5.00` or `10GiB`; `None` if it is none, or 0.
    #[must_use]
    pub fn read(self, text: &str) -> Option<u64> {
        let amount = match self {
            Self::Cost => microdollars(text.strip_prefix('$').unwrap_or(text)),
            Self::Tokens | Self::Requests => scaled(text, &THOUSANDS),
            Self::Bytes => scaled(text, &BYTES),
        };
        amount.filter(|amount| *amount > 0)
    }

    /// An amount without its unit, where that is said beside it.
    #[must_use]
    pub fn bare_words(self, amount: u64) -> String {
        match self {
            Self::Cost => dollars(amount),
            Self::Tokens | Self::Requests => short(amount, &THOUSANDS),
            Self::Bytes => short(amount, &BYTES),
        }
    }

    /// An amount in words, such as `2M tokens`, `$5.00`, `1.5 GiB` or `1 request`;
    /// rounded down where it is no round number.
    #[must_use]
    pub fn words(self, amount: u64) -> String {
        let plural = if amount == 1 { "" } else { "s" };
        let bare = self.bare_words(amount);
        match self {
            Self::Cost | Self::Bytes => bare,
            Self::Tokens => format!("{bare} token{plural}"),
            Self::Requests => format!("{bare} request{plural}"),
        }
    }
}

impl Span {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Total];

    /// The word on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Total => "total",
        }
    }

    /// How it stands behind an amount.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "per hour",
            Self::Day => "per day",
            Self::Total => "in total",
        }
    }
}

impl BottleBudget {
    /// A budget that was not raised yet.
    #[must_use]
    pub const fn new(what: Measure, per: Span, amount: u64) -> Self {
        Self {
            what,
            per,
            amount,
            began: None,
        }
    }

    /// Reads a budget such as `5.00 per hour`.
    ///
    /// # Errors
    /// [`BudgetError`], which says how it is written.
    pub fn parse(what: Measure, text: &str) -> Result<Self, BudgetError> {
        Self::read(what, text).ok_or(BudgetError { what })
    }

    fn read(what: Measure, text: &str) -> Option<Self> {
        let (amount, time) = text.split_once(' ')?;
        let per = Span::ALL.into_iter().find(|span| span.words() == time)?;
        Some(Self::new(what, per, what.read(amount)?))
    }

    /// Whether both are of the same thing in the same time.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        (self.what, self.per) == (other.what, other.per)
    }

    /// The budget in words, such as `$5.00 per hour`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} {}", self.what.words(self.amount), self.per.words())
    }

    /// The budget raised to an amount; what a raise adds stays as it is.
    #[must_use]
    pub fn raised_to(&self, amount: u64) -> Self {
        Self {
            amount,
            began: Some(self.step()),
            ..*self
        }
    }

    /// The budget raised by what it began with, as often as it takes to have more than
    /// was spent.
    #[must_use]
    pub fn raised_over(&self, spent: u64) -> Self {
        let over = spent.max(self.amount).saturating_sub(self.amount);
        let steps = (over / self.step()).saturating_add(1);
        let more = steps.saturating_mul(self.step());
        self.raised_to(self.amount.saturating_add(more))
    }

    /// What a raise adds.
    fn step(&self) -> u64 {
        self.began.unwrap_or(self.amount).max(1)
    }

    /// How much of it is spent, in hundredths; 100 only if all is.
    #[must_use]
    pub fn percent(&self, spent: u64) -> u8 {
        let hundredths = u128::from(spent) * 100 / u128::from(self.amount.max(1));
        u8::try_from(hundredths.min(100)).unwrap_or(100)
    }
}

const THOUSANDS: [(&str, u64); 4] = [
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("k", 1_000),
    ("", 1),
];
const BYTES: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end)?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*scale)
}

fn short(amount: u64, units: &[(&str, u64)]) -> String {
    let fitting = units.iter().find(|(_, scale)| amount >= *scale);
    let Some((unit, scale)) = fitting.or(units.last()) else {
        return amount.to_string();
    };
    let (whole, tenth) = (amount / scale, amount % scale / (scale / 10).max(1));
    let space = if unit.ends_with('B') { " " } else { "" };
    if amount.is_multiple_of(*scale) || whole >= 100 {
        format!("{whole}{space}{unit}")
    } else {
        format!("{whole}.{}{space}{unit}", tenth.min(9))
    }
}

/// Dollars with at most six digits behind the point.
fn microdollars(text: &str) -> Option<u64> {
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) if !part.is_empty() => (whole, part),
        Some(_) => return None,
        None => (text, ""),
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !is_number(whole) || !is_number(part) {
        return None;
    }
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    let whole: u64 = whole.parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

fn dollars(amount: u64) -> String {
    let (whole, part) = (amount / 1_000_000, amount % 1_000_000);
    // Less than a cent is told, where it is all there is.
    if whole == 0 && part > 0 && part < 10_000 {
        let digits = format!("{part:06}");
        format!("$0.{}", digits.trim_end_matches('0'))
    } else {
        format!("${whole}.{:02}", part / 10_000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_budget_is_read_as_it_is_written() {
        for (what, text, amount, per, words) in [
            (
                Measure::Cost,
                "5.00 per hour",
                5_000_000,
                Span::Hour,
                "$5.00 per hour",
            ),
            (
                Measure::Cost,
                "$0.5 per day",
                500_000,
                Span::Day,
                "$0.50 per day",
            ),
            (
                Measure::Cost,
                "0.000500 in total",
                500,
                Span::Total,
                "$0.0005 in total",
            ),
            (
                Measure::Tokens,
                "2M per day",
                2_000_000,
                Span::Day,
                "2M tokens per day",
            ),
            (
                Measure::Tokens,
                "1500 in total",
                1500,
                Span::Total,
                "1.5k tokens in total",
            ),
            (
                Measure::Bytes,
                "10GiB in total",
                10 << 30,
                Span::Total,
                "10 GiB in total",
            ),
            (
                Measure::Requests,
                "1 per hour",
                1,
                Span::Hour,
                "1 request per hour",
            ),
        ] {
            let budget = BottleBudget::parse(what, text).unwrap();
            assert_eq!(budget, BottleBudget::new(what, per, amount), "{text}");
            assert_eq!(budget.words(), words);
        }
    }

    #[test]
    fn what_has_two_readings_or_none_is_refused() {
        for text in [
            "",
            "5.00",
            "5.00 per week",
            "5.00 an hour",
            "5.00  per hour",
            " 5.00 per hour",
            "0 per hour",
            "-1 per hour",
            "1e3 per hour",
            "5. per hour",
            ".5 per hour",
            "5,00 per hour",
            "5.0000001 per hour",
            "99999999999999999999 per hour",
            "5.00 per hour ",
            "€5 per hour",
            "+5 per hour",
        ] {
            assert!(BottleBudget::parse(Measure::Cost, text).is_err(), "{text}");
        }
        for text in [
            "2m per day",
            "2 M per day",
            "2.5M per day",
            "2GiB per day",
            "M per day",
        ] {
            assert!(
                BottleBudget::parse(Measure::Tokens, text).is_err(),
                "{text}"
            );
        }
        for text in [
            "10 per day",
            "10GB per day",
            "18446744073709551615TiB per day",
        ] {
            assert!(BottleBudget::parse(Measure::Bytes, text).is_err(), "{text}");
        }
        let error = BottleBudget::parse(Measure::Bytes, "10").unwrap_err();
        assert_eq!(
            error.to_string(),
            "use it as a budget of bytes: write 10GiB per hour, per day or in total"
        );
    }

    #[test]
    fn a_raise_adds_what_it_began_with() {
        let five = BottleBudget::new(Measure::Cost, Span::Hour, 5);
        let ten = five.raised_over(5);
        assert_eq!((ten.amount, ten.began), (10, Some(5)));
        assert_eq!(ten.raised_over(11).amount, 15);
        assert_eq!(ten.raised_over(27).amount, 30);
        let set = ten.raised_to(100);
        assert_eq!(set.raised_over(100).amount, 105);
    }

    #[test]
    fn all_is_spent_only_when_it_is() {
        let budget = BottleBudget::new(Measure::Tokens, Span::Total, 1000);
        assert_eq!(
            [0, 799, 800, 999, 1000, u64::MAX].map(|spent| budget.percent(spent)),
            [0, 79, 80, 99, 100, 100]
        );
    }

    #[test]
    fn amounts_are_short() {
        let words = [0, 999, 1_999, 999_999, 1_234_567, 2_000_000]
            .map(|amount| Measure::Tokens.words(amount));
        assert_eq!(
            words,
            [
                "0 tokens",
                "999 tokens",
                "1.9k tokens",
                "999k tokens",
                "1.2M tokens",
                "2M tokens"
            ]
        );
        let words = [0, 1023, 1536, 1 << 30].map(|amount| Measure::Bytes.words(amount));
        assert_eq!(words, ["0 B", "1023 B", "1.5 KiB", "1 GiB"]);
        let words = [0, 9_999, 10_000, 4_239_999].map(|amount| Measure::Cost.words(amount));
        assert_eq!(words, ["$0.00", "$0.009999", "$0.01", "$4.23"]);
    }

    proptest! {
        #[test]
        fn a_raise_always_makes_room(began in 1u64.., amount in 1u64.., spent in 0u64..u64::MAX / 4) {
            let budget = BottleBudget { began: Some(began), ..BottleBudget::new(Measure::Bytes, Span::Day, amount) };
            let raised = budget.raised_over(spent);
            prop_assert!(raised.amount > spent || raised.amount == u64::MAX);
            prop_assert!(raised.amount > budget.amount || raised.amount == u64::MAX);
            prop_assert_eq!(raised.step(), budget.step());
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,40}", which in 0usize..4) {
            if let Ok(budget) = BottleBudget::parse(Measure::ALL[which], &text) {
                prop_assert!(budget.amount > 0);
            }
        }
    }
}
