//! Names of agents and ids of bottles.

use serde::{Deserialize, Serialize};

/// A name that may stand in a bottle's id: a lower-case letter, then lower-case
/// letters, digits and hyphens, 40 at most, not ending in a hyphen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct BottleName(String);

/// A bottle's id: `<name>-<5 base32 characters>`, such as `api-k3x9q`, or a
/// [`BottleName`] that the operator chose for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct BottleId(String);

/// A text that can be no bottle's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "accept `{text}` as a name: use a lower-case letter, then up to 47 lower-case letters, digits and hyphens"
)]
pub struct BottleIdError {
    text: String,
}

const NAME_MAX: usize = 40;
const ID_MAX: usize = 48;

fn check(text: &str, max: usize) -> Result<(), BottleIdError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(plain);
    if good {
        Ok(())
    } else {
        Err(BottleIdError {
            text: text.escape_debug().to_string(),
        })
    }
}

impl BottleName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`BottleIdError`] if the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, BottleIdError> {
        check(text, NAME_MAX).map(|()| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl BottleId {
    /// Checks an id.
    ///
    /// # Errors
    /// [`BottleIdError`] if the text breaks the rule of the type.
    pub fn parse(text: &str) -> Result<Self, BottleIdError> {
        check(text, ID_MAX).map(|()| Self(text.to_owned()))
    }

    /// Makes an id from an agent's name and five random bytes.
    #[must_use]
    pub fn mint(name: &BottleName, random: [u8; 5]) -> Self {
        // Base32 without `0`, `1`, `8`, `9`, `l`, `o` would be RFC 4648's; this
        // one also leaves out vowels, so that no id spells a word.
        const ALPHABET: &[u8; 25] = b"23456789bcdfghjkmnpqrtvwx";
        let tail: String = random
            .iter()
            .map(|byte| char::from(*ALPHABET.get(usize::from(*byte) % 25).unwrap_or(&b'x')))
            .collect();
        Self(format!("{}-{tail}", name.as_str()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_type {
    ($type:ty) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BottleIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $type {
            type Err = BottleIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

text_type!(BottleName);
text_type!(BottleId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_are_ids() {
        let name = BottleName::parse("api").unwrap();
        for byte in 0..=255 {
            let id = BottleId::mint(&name, [byte; 5]);
            assert_eq!(BottleId::parse(id.as_str()), Ok(id.clone()), "{id}");
        }
    }

    #[test]
    fn names_that_could_escape_a_path_are_refused() {
        for text in ["", "..", "a/b", "A", "1a", "a-", "a b", "-a", "a\n"] {
            assert!(BottleName::parse(text).is_err(), "{text:?}");
        }
    }
}
