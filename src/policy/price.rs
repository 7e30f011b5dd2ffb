//! What models cost, as data: a table of our own, and how a model finds its price in it.
//! Where an operator's own table comes from is the manifest's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The table of our own, as data.
const PRICES: &str = include_str!("../../assets/prices.json");
/// No price is higher, so that sums of costs stay numbers.
const MAX_DOLLARS: f64 = 1e6;

/// A price in millionths of a US dollar per million tokens.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(u64);

impl Rate {
    /// What so many tokens cost, in millionths of a millionth of a dollar, so that no
    /// rounding adds up.
    #[must_use]
    pub fn of(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

/// Not a price.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("use {0} as a price: write dollars per million tokens, 0 or more")]
pub struct RateError(f64);

impl TryFrom<f64> for Rate {
    type Error = RateError;

    fn try_from(dollars: f64) -> Result<Self, RateError> {
        if !(0.0..=MAX_DOLLARS).contains(&dollars) {
            return Err(RateError(dollars));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was just checked"
        )]
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "at most 1e12")]
        let millionths = rate.0 as Self;
        millionths / 1e6
    }
}

/// The price of each kind of token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Read, with no cache in it.
    pub input: Rate,
    /// Written.
    pub output: Rate,
    /// Read into a cache.
    pub cache_write: Rate,
    /// Read into a cache for an hour.
    pub cache_write_hour: Rate,
    /// Read from a cache.
    pub cache_read: Rate,
}

/// What one model costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Price {
    /// Usually.
    pub usual: Rates,
    /// Where a request's prompt is a long one, if that differs.
    pub long_prompt: Option<Rates>,
}

/// How a price is written: flat, where unknown keys are an error.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    input: Rate,
    output: Rate,
    cache_write: Rate,
    cache_write_hour: Rate,
    cache_read: Rate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    long_prompt: Option<Rates>,
}

impl From<Written> for Price {
    fn from(written: Written) -> Self {
        let usual = Rates {
            input: written.input,
            output: written.output,
            cache_write: written.cache_write,
            cache_write_hour: written.cache_write_hour,
            cache_read: written.cache_read,
        };
        Self {
            usual,
            long_prompt: written.long_prompt,
        }
    }
}

impl From<Price> for Written {
    fn from(price: Price) -> Self {
        let usual = price.usual;
        Self {
            input: usual.input,
            output: usual.output,
            cache_write: usual.cache_write,
            cache_write_hour: usual.cache_write_hour,
            cache_read: usual.cache_read,
            long_prompt: price.long_prompt,
        }
    }
}

/// What models cost, by how their names begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// For those who read the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    models: BTreeMap<String, Price>,
}

impl Prices {
    /// The table of our own.
    ///
    /// # Errors
    /// Never: a test reads the data. A build whose data is broken has none.
    pub fn builtin() -> Result<Self, serde_json::Error> {
        serde_json::from_str(PRICES)
    }

    /// This table with another over it.
    #[must_use]
    pub fn under(mut self, theirs: Self) -> Self {
        self.models.extend(theirs.models);
        self
    }

    /// What a model costs: by the longest beginning of its name that has a price.
    /// `None` if there is none.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&Price> {
        let fitting = self.models.iter().filter(|(begin, _)| {
            let rest = model.strip_prefix(begin.as_str());
            rest.is_some_and(|rest| !goes_on(rest))
        });
        fitting
            .max_by_key(|(begin, _)| begin.len())
            .map(|(_, price)| price)
    }

    /// The dearest price of each kind of token that any model has: what one without a
    /// price costs at most, as far as anybody knows.
    #[must_use]
    pub fn dearest(&self) -> Rates {
        let all = self.models.values();
        let all = all.flat_map(|price| std::iter::once(price.usual).chain(price.long_prompt));
        all.fold(Rates::default(), |most, rates| Rates {
            input: most.input.max(rates.input),
            output: most.output.max(rates.output),
            cache_write: most.cache_write.max(rates.cache_write),
            cache_write_hour: most.cache_write_hour.max(rates.cache_write_hour),
            cache_read: most.cache_read.max(rates.cache_read),
        })
    }
}

/// Whether a name that goes on like this is another model's: `claude-opus-5` is neither
/// `claude-opus-57` nor `claude-opus-5-5`, but it is `claude-opus-5-20260724`.
fn goes_on(rest: &str) -> bool {
    let version = rest.strip_prefix(['-', '.']).unwrap_or_default();
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    rest.starts_with(|c: char| c.is_ascii_alphanumeric()) || (1..=3).contains(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(prices: &Prices, model: &str) -> Option<f64> {
        prices.of(model).map(|price| price.usual.input.into())
    }

    #[test]
    fn the_table_of_our_own_can_be_read_and_says_where_it_is_from() {
        let prices = Prices::builtin().unwrap();
        assert!(prices.models.len() > 10);
        let written: serde_json::Value = serde_json::from_str(PRICES).unwrap();
        let comment = written["comment"].as_str().unwrap();
        assert!(comment.contains("https://") && comment.contains("as of 20"));
        for (name, price) in &prices.models {
            for rates in [Some(price.usual), price.long_prompt].into_iter().flatten() {
                let order = [rates.cache_read, rates.input, rates.cache_write];
                assert!(order.is_sorted_by_key(|rate| rate.0), "{name}");
                assert!(rates.output.0 > rates.input.0, "{name}");
                assert_eq!(rates.cache_write_hour.0, 2 * rates.input.0, "{name}");
            }
        }
    }

    #[test]
    fn a_model_is_priced_by_its_beginning_and_another_version_is_another_model() {
        let prices = Prices::builtin().unwrap();
        for (model, dollars) in [
            ("claude-opus-5", Some(5.0)),
            ("claude-opus-5[1m]", Some(5.0)),
            ("claude-opus-5-20260724", Some(5.0)),
            ("claude-opus-5-5", Some(4.0)),
            ("claude-opus-5-5-20260901", Some(4.0)),
            ("claude-opus-5-7", None),
            ("claude-opus-5.7", None),
            ("claude-opus-57", None),
            ("claude-sonnet-4-20250514", Some(3.0)),
            ("claude-sonnet-4-5-20250929", Some(3.0)),
            ("claude-haiku-4-5-20251001", Some(1.0)),
            ("claude", None),
            ("", None),
            ("unnamed", None),
        ] {
            assert_eq!(input(&prices, model), dollars, "{model}");
        }
    }

    #[test]
    fn nothing_is_dearer_than_the_dearest() {
        let prices = Prices::builtin().unwrap();
        let most = prices.dearest();
        for price in prices.models.values() {
            for rates in [Some(price.usual), price.long_prompt].into_iter().flatten() {
                assert!(rates.input <= most.input && rates.output <= most.output);
                assert!(rates.cache_write <= most.cache_write);
                assert!(rates.cache_write_hour <= most.cache_write_hour);
                assert!(rates.cache_read <= most.cache_read);
            }
        }
        assert_eq!(Prices::default().dearest(), Rates::default());
    }

    #[test]
    fn a_table_reads_as_it_is_written() {
        let prices = Prices::builtin().unwrap();
        let text = serde_json::to_string(&prices).unwrap();
        assert_eq!(serde_json::from_str::<Prices>(&text).unwrap(), prices);
    }
}
