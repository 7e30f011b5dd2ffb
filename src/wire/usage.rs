//! What a bottle used: requests, bytes, and the tokens that models say they counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A prompt of more tokens than this, counting those that a cache held, is a long one:
/// some models cost more then.
pub const LONG_PROMPT_TOKENS: u64 = 100_000;

/// Tokens by how they are paid for. No token is in two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Tokens {
    /// Read, and neither from a cache nor into one.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read into a cache that holds them for five minutes, or as long as it likes.
    pub cache_write: u64,
    /// Read into a cache that holds them for an hour.
    pub cache_write_hour: u64,
    /// Read from a cache.
    pub cache_read: u64,
}

impl Tokens {
    /// All that the model read.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_write)
            .saturating_add(self.cache_write_hour)
            .saturating_add(self.cache_read)
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// Adds others, up to the most that a number holds.
    pub const fn add(&mut self, more: &Self) {
        self.input = self.input.saturating_add(more.input);
        self.output = self.output.saturating_add(more.output);
        self.cache_write = self.cache_write.saturating_add(more.cache_write);
        self.cache_write_hour = self.cache_write_hour.saturating_add(more.cache_write_hour);
        self.cache_read = self.cache_read.saturating_add(more.cache_read);
    }
}

/// What one answer of a model says that it used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AnswerUsage {
    /// The model's name as the answer has it, printable ASCII, 64 characters at most;
    /// empty if the answer names none that can be shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// Its tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// What all answers of one model say that they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ModelUsage {
    /// How many said something.
    pub answers: u64,
    /// The tokens of all of them.
    #[serde(flatten)]
    pub tokens: Tokens,
    /// Of these, the tokens of those whose prompt was a long one.
    pub long_prompts: Tokens,
}

impl ModelUsage {
    /// Adds an answer.
    pub const fn answer(&mut self, tokens: &Tokens) {
        self.answers = self.answers.saturating_add(1);
        self.tokens.add(tokens);
        if tokens.prompt() > LONG_PROMPT_TOKENS {
            self.long_prompts.add(tokens);
        }
    }
}

/// What a bottle used over all lives of its egress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usage {
    /// When the counting began.
    pub since: Timestamp,
    /// Requests, and tunnels that were not looked into, that were let out.
    #[serde(default)]
    pub requests: u64,
    /// Bytes of bodies, and of such tunnels, that went out.
    #[serde(default)]
    pub sent_bytes: u64,
    /// The same that came in.
    #[serde(default)]
    pub received_bytes: u64,
    /// By model, as answers name them.
    #[serde(default)]
    pub models: BTreeMap<String, ModelUsage>,
}

impl Usage {
    /// Nothing yet.
    #[must_use]
    pub const fn since(since: Timestamp) -> Self {
        Self {
            since,
            requests: 0,
            sent_bytes: 0,
            received_bytes: 0,
            models: BTreeMap::new(),
        }
    }

    /// The tokens of all models.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        let mut sum = Tokens::default();
        for model in self.models.values() {
            sum.add(&model.tokens);
        }
        sum
    }
}
