//! Names of the scanner's rules, as a route lets what they find pass.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
const MAX_BYTES: usize = 64;
/// Those of `assets/secret-rules.json`, one a line; a test holds the two together.
const KNOWN: &str = include_str!("../../assets/secret-rule-names.txt");

/// The name of a rule that knows secrets by their shape, such as `github-pat`: lowercase
/// letters, digits and hyphens, 64 at most. One that names no rule lets nothing pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ScanRule(String);

/// A text is no name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "read the name of a scan rule: write lowercase letters, digits and hyphens, such as github-pat"
)]
pub struct ScanRuleError;

impl ScanRule {
    /// Parses a name, whether there is such a rule or not.
    ///
    /// # Errors
    /// [`ScanRuleError`].
    pub fn parse(text: &str) -> Result<Self, ScanRuleError> {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(is_plain) {
            return Err(ScanRuleError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rules of this version.
    pub fn known() -> impl Iterator<Item = &'static str> {
        KNOWN.lines()
    }

    /// Several of them in words: `` `github-pat`, `gitlab-pat` ``.
    #[must_use]
    pub fn words(rules: &BTreeSet<Self>) -> String {
        let quoted: Vec<String> = rules.iter().map(|rule| format!("`{}`", rule.0)).collect();
        quoted.join(", ")
    }
}

impl TryFrom<String> for ScanRule {
    type Error = ScanRuleError;

    fn try_from(text: String) -> Result<Self, ScanRuleError> {
        Self::parse(&text)
    }
}

impl From<ScanRule> for String {
    fn from(rule: ScanRule) -> Self {
        rule.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_there_is_can_be_named() {
        assert!(ScanRule::known().count() > 200);
        for name in ScanRule::known() {
            assert_eq!(ScanRule::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        let long = "a".repeat(MAX_BYTES + 1);
        for text in ["", "GitHub", "a b", "a_b", "a`", long.as_str()] {
            assert_eq!(ScanRule::parse(text), Err(ScanRuleError), "{text}");
        }
    }
}
