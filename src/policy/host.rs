//! Host names as policy compares them: one spelling for each name.

use serde::{Deserialize, Serialize};

/// A DNS host name in its one canonical spelling: ASCII letters, digits and
/// hyphens in labels joined by dots, lower case, no trailing dot.
///
/// Numeric names (`127.1`, `0x7f.1`, `2130706433`) are refused, because resolvers
/// read them as addresses; so are IP literals, which no route can name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Why a text is not a host name that a route may hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostNameError {
    /// The text was empty or held only a dot.
    #[error("parse an empty host name")]
    Empty,
    /// Longer than 253 bytes, or one label longer than 63 (RFC 1035, section 2.3.4).
    #[error("parse a host name longer than DNS allows")]
    TooLong,
    /// A label is empty, starts or ends with a hyphen, or holds another character
    /// than an ASCII letter, digit, hyphen or underscore.
    #[error("parse the host name label `{label}`")]
    Label {
        /// The label, with anything unprintable escaped.
        label: String,
    },
    /// An IP address, or a name that a resolver would read as one.
    #[error("accept `{text}`, which reads as an address and not as a name")]
    Numeric {
        /// The text as given.
        text: String,
    },
}

/// Suffixes of names that lead to machines of the operator's own network (RFC 6761, 6762,
/// 8375, and ICANN's `internal`), and those commonly used so.
const INNER: [&str; 8] = [
    "localhost",
    "local",
    "internal",
    "lan",
    "home.arpa",
    "intranet",
    "corp",
    "home",
];

impl HostName {
    /// Parses and normalises one host name.
    ///
    /// # Errors
    /// [`HostNameError`] names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, HostNameError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostNameError::Empty);
        }
        if name.len() > 253 {
            return Err(HostNameError::TooLong);
        }
        if name.parse::<std::net::IpAddr>().is_ok() || name.starts_with('[') {
            return Err(HostNameError::Numeric {
                text: name.escape_debug().to_string(),
            });
        }
        for label in name.split('.') {
            check_label(label)?;
        }
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(HostNameError::Numeric {
                text: name.to_owned(),
            });
        }
        Ok(Self(name.to_ascii_lowercase()))
    }

    /// Gives the canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a name of a machine or network of the operator's own, as far as a
    /// name can tell: one label, or below a suffix that is used so.
    #[must_use]
    pub fn is_inner(&self) -> bool {
        let below = |suffix: &&str| {
            let before = self.0.strip_suffix(*suffix);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        !self.0.contains('.') || INNER.iter().any(below)
    }
}

fn check_label(label: &str) -> Result<(), HostNameError> {
    if label.len() > 63 {
        return Err(HostNameError::TooLong);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if label.is_empty()
        || label.starts_with('-')
        || label.ends_with('-')
        || !label.chars().all(plain)
    {
        return Err(HostNameError::Label {
            label: label.escape_debug().to_string(),
        });
    }
    Ok(())
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_trailing_dot_are_one_name() {
        assert_eq!(
            HostName::parse("API.Example.COM."),
            HostName::parse("api.example.com")
        );
    }

    #[test]
    fn spellings_of_addresses_are_refused() {
        for text in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "a.0x7f",
            "[::1]",
            "::1",
            "1.2.3.4.",
            "0",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "127.0.0x1",
            "api.example.0x",
            "example.1",
            "fe80::1%eth0",
            "[::ffff:127.0.0.1]",
            "[api.example.com]",
            "1.2.3.4.5",
            "256.256.256.256",
        ] {
            assert!(
                matches!(
                    HostName::parse(text),
                    Err(HostNameError::Numeric { .. } | HostNameError::Label { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn a_digit_in_front_is_no_address_unless_it_is_the_last_label() {
        for text in ["1password.com", "0x7f.example", "3.a", "127.0.0.1.nip.io"] {
            assert!(HostName::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn lengths_are_those_of_dns() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(HostName::parse(&longest).is_ok());
        assert_eq!(
            HostName::parse(&format!("{longest}a")),
            Err(HostNameError::TooLong)
        );
        assert_eq!(
            HostName::parse(&format!("a{label}.com")),
            Err(HostNameError::TooLong)
        );
    }

    proptest::proptest! {
        /// Whatever is accepted is its own canonical spelling, and no resolver reads
        /// it as an address.
        #[test]
        fn an_accepted_name_is_canonical(text in "\\PC{0,40}|[a-fA-F0-9xX.:_-]{1,40}") {
            if let Ok(name) = HostName::parse(&text) {
                proptest::prop_assert_eq!(HostName::parse(name.as_str()), Ok(name.clone()));
                let plain = name.as_str().bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte)
                });
                proptest::prop_assert!(plain);
                proptest::prop_assert!(name.as_str().parse::<std::net::IpAddr>().is_err());
                let last = name.as_str().rsplit('.').next().unwrap();
                proptest::prop_assert!(!last.as_bytes()[0].is_ascii_digit());
            }
        }
    }

    #[test]
    fn hostile_labels_are_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a\0b",
            "ex%00ample",
            "bücher.de",
            "u:p@h",
        ] {
            assert!(HostName::parse(text).is_err(), "{text:?}");
        }
    }
}
