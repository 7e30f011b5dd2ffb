//! Which hosts a route names: one, or all below a suffix.

use serde::{Deserialize, Serialize};

use super::{HostName, HostNameError};

/// The hosts of a route.
///
/// Ordered by how closely a pattern names a host, closest last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// `*.example.com`: every name below it, however deep, and never the suffix itself.
    Suffix(HostName),
    /// `api.example.com`: this name alone.
    Exact(HostName),
}

/// Why a text is no pattern of hosts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// What stands behind the `*.`, or the whole, is no host name.
    #[error(transparent)]
    Host(#[from] HostNameError),
    /// A `*` stands elsewhere than as the first label.
    #[error("accept `{text}`: a `*` can only be the whole first label")]
    Star {
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// The suffix is one under which anybody can have a name (publicsuffix.org).
    #[error("accept `*.{suffix}`: anybody can have a name under `{suffix}`")]
    PublicSuffix {
        /// The suffix.
        suffix: HostName,
    },
}

impl HostPattern {
    /// Parses and normalises a pattern.
    ///
    /// # Errors
    /// [`HostPatternError`].
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let Some(suffix) = text.strip_prefix("*.") else {
            if text.contains('*') {
                return Err(star(text));
            }
            return Ok(Self::Exact(HostName::parse(text)?));
        };
        if suffix.contains('*') {
            return Err(star(text));
        }
        let suffix = HostName::parse(suffix)?;
        if is_public_suffix(&suffix) {
            return Err(HostPatternError::PublicSuffix { suffix });
        }
        Ok(Self::Suffix(suffix))
    }

    /// Whether it names this host.
    #[must_use]
    pub fn matches(&self, host: &HostName) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Suffix(suffix) => host
                .as_str()
                .strip_suffix(suffix.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|labels| !labels.is_empty()),
        }
    }

    /// Whether some host is named by both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(name), pattern) | (pattern, Self::Exact(name)) => pattern.matches(name),
            (Self::Suffix(one), Self::Suffix(two)) => {
                one == two || self.matches(two) || other.matches(one)
            }
        }
    }

    /// The one host it names, if it is one.
    #[must_use]
    pub const fn exact(&self) -> Option<&HostName> {
        match self {
            Self::Exact(name) => Some(name),
            Self::Suffix(_) => None,
        }
    }
}

/// Whether anybody can register names below it. A suffix that the list does not know is
/// taken for one if it is a single label, as the list's own default rule says.
fn is_public_suffix(suffix: &HostName) -> bool {
    psl::suffix(suffix.as_str().as_bytes())
        .is_some_and(|public| public.as_bytes().len() == suffix.as_str().len())
}

fn star(text: &str) -> HostPatternError {
    HostPatternError::Star {
        text: text.escape_debug().to_string(),
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Suffix(suffix) => write!(f, "*.{suffix}"),
        }
    }
}

impl From<HostName> for HostPattern {
    fn from(name: HostName) -> Self {
        Self::Exact(name)
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        HostPattern::parse(pattern)
            .unwrap()
            .matches(&HostName::parse(host).unwrap())
    }

    #[test]
    fn a_suffix_matches_below_a_label_boundary_and_never_its_apex() {
        for (pattern, host, expected) in [
            ("api.example.com", "API.Example.com.", true),
            ("api.example.com", "x.api.example.com", false),
            ("*.example.com", "api.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "evilexample.com", false),
            ("*.example.com", "example.com.evil.org", false),
            ("*.Example.COM", "api.example.com", true),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn what_anybody_can_have_a_name_under_is_no_suffix() {
        for text in ["*.com", "*.co.uk", "*.github.io", "*.example", "*.COM."] {
            assert!(
                matches!(
                    HostPattern::parse(text),
                    Err(HostPatternError::PublicSuffix { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn a_star_is_the_whole_first_label_or_an_error() {
        for text in [
            "*",
            "a*.example.com",
            "*a.example.com",
            "*.*.example.com",
            "x.*.com",
        ] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_meet_where_they_share_a_host() {
        for (one, two, expected) in [
            ("a.example.com", "a.example.com", true),
            ("a.example.com", "b.example.com", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.a.example.com", "*.b.example.com", false),
        ] {
            let (one, two) = (
                HostPattern::parse(one).unwrap(),
                HostPattern::parse(two).unwrap(),
            );
            assert_eq!(one.meets(&two), expected, "{one} {two}");
            assert_eq!(two.meets(&one), expected, "{two} {one}");
        }
    }

    proptest! {
        #[test]
        fn a_suffix_never_matches_its_apex_or_a_sibling(label in "[a-z]{1,8}", name in "[a-z]{1,8}") {
            let suffix = format!("{name}.example.com");
            let pattern = format!("*.{suffix}");
            let (apex, glued) = (matches(&pattern, &suffix), matches(&pattern, &format!("{label}{suffix}")));
            prop_assert!(!apex && !glued);
            let below = format!("{label}.{suffix}");
            prop_assert!(matches(&pattern, &below));
        }

        #[test]
        fn what_is_shown_parses_to_itself(star: bool, name in "[a-z]{1,8}\\.[a-z]{1,8}\\.com") {
            let text = if star { format!("*.{name}") } else { name };
            let pattern = HostPattern::parse(&text).unwrap();
            prop_assert_eq!(HostPattern::parse(&pattern.to_string()), Ok(pattern));
        }
    }
}
