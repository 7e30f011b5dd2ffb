//! What tokens cost: pure sums that the console shows and egress holds to budgets.

use super::usage::{AnswerUsage, LONG_PROMPT_TOKENS, ModelUsage, Tokens};
use crate::policy::{Price, Prices, Rates};

/// Costs are summed up in millionths of a millionth of a dollar, so that no rounding
/// adds up: rates are in millionths of a dollar per million tokens.
pub const UNITS_PER_MICRODOLLAR: u128 = 1_000_000;

impl Tokens {
    /// What they cost at these rates, in units of [`UNITS_PER_MICRODOLLAR`].
    #[must_use]
    pub fn cost(&self, rates: &Rates) -> u128 {
        [
            rates.input.of(self.input),
            rates.output.of(self.output),
            rates.cache_write.of(self.cache_write),
            rates.cache_write_hour.of(self.cache_write_hour),
            rates.cache_read.of(self.cache_read),
        ]
        .into_iter()
        .fold(0, u128::saturating_add)
    }

    const fn less(&self, part: &Self) -> Self {
        Self {
            input: self.input.saturating_sub(part.input),
            output: self.output.saturating_sub(part.output),
            cache_write: self.cache_write.saturating_sub(part.cache_write),
            cache_write_hour: self.cache_write_hour.saturating_sub(part.cache_write_hour),
            cache_read: self.cache_read.saturating_sub(part.cache_read),
        }
    }
}

impl ModelUsage {
    /// What all answers of the model cost, in units of [`UNITS_PER_MICRODOLLAR`].
    #[must_use]
    pub fn cost(&self, price: &Price) -> u128 {
        let Some(rates) = &price.long_prompt else {
            return self.tokens.cost(&price.usual);
        };
        let usual = self.tokens.less(&self.long_prompts).cost(&price.usual);
        usual.saturating_add(self.long_prompts.cost(rates))
    }
}

impl AnswerUsage {
    /// What the answer costs in millionths of a dollar, rounded up; a model without a
    /// price costs as the dearest does.
    #[must_use]
    pub fn microdollars(&self, prices: &Prices) -> u64 {
        let is_long = self.tokens.prompt() > LONG_PROMPT_TOKENS;
        let rates = match prices.of(&self.model) {
            Some(price) => price.long_prompt.filter(|_| is_long).unwrap_or(price.usual),
            None => prices.dearest(),
        };
        let units = self.tokens.cost(&rates).div_ceil(UNITS_PER_MICRODOLLAR);
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(model: &str, input: u64, output: u64) -> AnswerUsage {
        AnswerUsage {
            model: model.to_owned(),
            tokens: Tokens {
                input,
                output,
                ..Tokens::default()
            },
        }
    }

    #[test]
    fn an_answer_costs_what_its_model_costs_and_a_stranger_the_most() {
        let prices = Prices::builtin().unwrap();
        let cost = |model, input, output| answer(model, input, output).microdollars(&prices);
        assert_eq!(cost("claude-opus-4-6", 1_000_000, 0), 5_000_000);
        assert_eq!(cost("claude-opus-4-6", 0, 1), 25);
        assert_eq!(cost("claude-haiku-5-5", 100_000, 1_000_000), 510_000);
        assert_eq!(cost("claude-haiku-5-5", 200_000, 1_000_000), 2_600_000);
        let dearest = prices.dearest();
        let tokens = answer("", 7, 9).tokens;
        let most = tokens.cost(&dearest).div_ceil(UNITS_PER_MICRODOLLAR);
        assert_eq!(u128::from(cost("nobody-knows", 7, 9)), most);
        assert!(cost("nobody-knows", 7, 9) >= cost("claude-opus-4-6", 7, 9));
    }

    proptest! {
        /// The sum of a model's answers is never told as less than they cost together.
        #[test]
        fn answers_cost_no_less_than_their_sum(
            answers in proptest::collection::vec((0u64..300_000, 0u64..300_000), 1..20),
        ) {
            let prices = Prices::builtin().unwrap();
            let name = "claude-haiku-5-5";
            let mut model = ModelUsage::default();
            let mut sum = 0_u128;
            for (input, output) in answers {
                let answer = answer(name, input, output);
                model.answer(&answer.tokens);
                sum += u128::from(answer.microdollars(&prices));
            }
            let whole = model.cost(prices.of(name).unwrap());
            prop_assert!(sum * UNITS_PER_MICRODOLLAR >= whole);
        }
    }
}
