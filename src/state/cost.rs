//! What a bottle used, in words, and what that costs by the operator's prices. The cost
//! is an estimate: it knows the list prices of tokens and nothing of contracts.

use serde::{Deserialize, Serialize};

use crate::policy::Prices;
use crate::wire::{ModelUsage, UNITS_PER_MICRODOLLAR, Usage};

const UNITS_PER_CENT: u128 = UNITS_PER_MICRODOLLAR * 10_000;

/// What use costs, as far as prices are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cost {
    /// The sum over the models that have a price, in hundredths of a US dollar, rounded up.
    pub cents: u64,
    /// The models that have none, whose cost is unknown.
    pub unpriced: Vec<String>,
}

impl Cost {
    /// The cost of all that was used.
    #[must_use]
    pub fn of(usage: &Usage, prices: &Prices) -> Self {
        let mut sum: u128 = 0;
        let mut unpriced = Vec::new();
        for (name, model) in &usage.models {
            match prices.of(name) {
                Some(price) => sum = sum.saturating_add(model.cost(price)),
                None => unpriced.push(name.clone()),
            }
        }
        Self {
            cents: cents(sum),
            unpriced,
        }
    }

    /// The cost in words, such as `~$1.20`, and what of it is unknown.
    #[must_use]
    pub fn words(&self) -> String {
        let known = format!("~{}", dollars(self.cents));
        match (self.cents, self.unpriced.as_slice()) {
            (_, []) => known,
            (0, unpriced) => format!("cost unknown: no price for {}", unpriced.join(", ")),
            (_, unpriced) => format!("{known}, without {}: no price", unpriced.join(", ")),
        }
    }
}

/// What one model cost, as `$1.20` or `unknown`.
#[must_use]
pub fn model_cost(name: &str, model: &ModelUsage, prices: &Prices) -> String {
    match prices.of(name) {
        Some(price) => dollars(cents(model.cost(price))),
        None => String::from("unknown"),
    }
}

/// An estimated cost in at most seven characters, such as `~$1.20`, `~$340` or `~$12k`.
#[must_use]
pub fn cents_words(cents: u64) -> String {
    match cents {
        0..10_000 => format!("~{}", dollars(cents)),
        10_000.. => format!("~${}", short(cents / 100)),
    }
}

/// The tokens of a bottle in words, such as `1.2M tokens in, 34k out`; empty if no model
/// said anything.
#[must_use]
pub fn token_words(usage: &Usage) -> String {
    let tokens = usage.tokens();
    if usage.models.is_empty() {
        return String::new();
    }
    format!(
        "{} tokens in, {} out",
        short(tokens.prompt()),
        short(tokens.output)
    )
}

/// Requests and bytes of a bottle in words.
#[must_use]
pub fn traffic_words(usage: &Usage) -> String {
    let plural = if usage.requests == 1 { "" } else { "s" };
    format!(
        "{} request{plural}, {}B out, {}B in",
        short(usage.requests),
        short(usage.sent_bytes),
        short(usage.received_bytes)
    )
}

/// A number in at most four characters and a letter for its thousands.
#[must_use]
pub fn short(number: u64) -> String {
    const LETTERS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if number < 1000 {
        return number.to_string();
    }
    let mut scale: u64 = 1000;
    let mut letters = LETTERS.iter();
    let mut letter = letters.next();
    while number / scale >= 1000
        && let Some(next) = letters.next()
    {
        scale = scale.saturating_mul(1000);
        letter = Some(next);
    }
    let (whole, tenth) = (number / scale, number % scale / (scale / 10));
    let letter = letter.copied().unwrap_or_default();
    if whole < 10 {
        format!("{whole}.{tenth}{letter}")
    } else {
        format!("{whole}{letter}")
    }
}

fn cents(units: u128) -> u64 {
    u64::try_from(units.div_ceil(UNITS_PER_CENT)).unwrap_or(u64::MAX)
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::Tokens;

    fn used(models: &[(&str, ModelUsage)]) -> Usage {
        let models = models
            .iter()
            .map(|(name, model)| ((*name).to_owned(), *model));
        Usage {
            models: models.collect(),
            ..Usage::since(Timestamp::UNIX_EPOCH)
        }
    }

    fn of(answers: &[Tokens]) -> ModelUsage {
        let mut model = ModelUsage::default();
        for tokens in answers {
            model.answer(tokens);
        }
        model
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let million = 1_000_000;
        for (tokens, cents) in [
            (
                Tokens {
                    input: million,
                    ..Tokens::default()
                },
                500,
            ),
            (
                Tokens {
                    output: million,
                    ..Tokens::default()
                },
                2500,
            ),
            (
                Tokens {
                    cache_write: million,
                    ..Tokens::default()
                },
                625,
            ),
            (
                Tokens {
                    cache_write_hour: million,
                    ..Tokens::default()
                },
                1000,
            ),
            (
                Tokens {
                    cache_read: million,
                    ..Tokens::default()
                },
                50,
            ),
            (
                Tokens {
                    input: 1,
                    ..Tokens::default()
                },
                1,
            ),
            (Tokens::default(), 0),
        ] {
            let prices = Prices::builtin().unwrap();
            let cost = Cost::of(&used(&[("claude-opus-4-6", of(&[tokens]))]), &prices);
            assert_eq!((cost.cents, cost.unpriced.len()), (cents, 0), "{tokens:?}");
        }
    }

    /// A request over the limit costs more as a whole; one at it does not.
    #[test]
    fn long_prompts_have_their_own_price() {
        let prices = Prices::builtin().unwrap();
        let prompt = |input| Tokens {
            input,
            output: 1_000_000,
            ..Tokens::default()
        };
        let cost = |input| {
            let usage = used(&[("claude-haiku-5-5", of(&[prompt(input)]))]);
            Cost::of(&usage, &prices).cents
        };
        assert_eq!(cost(100_000), 51);
        assert_eq!(cost(200_000), 260);
        let both = used(&[("claude-haiku-5-5", of(&[prompt(100_000), prompt(200_000)]))]);
        assert_eq!(Cost::of(&both, &prices).cents, 51 + 260);
    }

    #[test]
    fn a_model_without_a_price_is_said() {
        let prices = Prices::builtin().unwrap();
        let some = of(&[Tokens {
            output: 1_000_000,
            ..Tokens::default()
        }]);
        let words = |models: &[(&str, ModelUsage)]| Cost::of(&used(models), &prices).words();
        assert_eq!(words(&[]), "~$0.00");
        assert_eq!(words(&[("claude-opus-5", some)]), "~$25.00");
        assert_eq!(words(&[("x", some)]), "cost unknown: no price for x");
        assert_eq!(
            words(&[("claude-opus-5", some), ("x", some), ("y", some)]),
            "~$25.00, without x, y: no price"
        );
        assert_eq!(model_cost("x", &some, &prices), "unknown");
        assert_eq!(model_cost("claude-opus-5", &some, &prices), "$25.00");
    }

    #[test]
    fn the_most_that_can_be_told_is_no_failure() {
        let most = Tokens {
            input: u64::MAX,
            output: u64::MAX,
            cache_write: u64::MAX,
            cache_write_hour: u64::MAX,
            cache_read: u64::MAX,
        };
        let usage = used(&[("claude-opus-5", of(&[most, most]))]);
        let cost = Cost::of(&usage, &Prices::builtin().unwrap());
        assert!(cost.cents > 1_000_000_000_000);
        assert_eq!(token_words(&usage), "18E tokens in, 18E out");
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0, 999, 1000, 1999, 34_567, 999_999, 1_234_567, u64::MAX];
        let words = ["0", "999", "1.0k", "1.9k", "34k", "999k", "1.2M", "18E"];
        assert_eq!(numbers.map(short), words);
    }
}
