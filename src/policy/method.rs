//! Which methods a route lets through.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An HTTP method: capital letters and hyphens, as the proxy lets methods be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Method(String);

/// Why a text is no method that a route may name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// Empty, too long, or with another character than a capital letter or hyphen.
    #[error("accept `{text}` as a method: write capital letters, such as GET")]
    Malformed {
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// One that no route lets through.
    #[error("accept {method} as a method: no route lets it through")]
    Never {
        /// The method.
        method: &'static str,
    },
}

/// CONNECT opens a tunnel inside the one that is judged; TRACE, and TRACK as some servers
/// call it, answers with the request and thus with the credential that was put in.
const NEVER: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// The longest method: the longest registered one has 17 letters.
const MAX_LENGTH: usize = 24;

impl Method {
    /// Parses a method. The case counts (RFC 9110, 9.1).
    ///
    /// # Errors
    /// [`MethodError`].
    pub fn parse(text: &str) -> Result<Self, MethodError> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        if text.is_empty() || text.len() > MAX_LENGTH || !text.bytes().all(plain) {
            return Err(MethodError::Malformed {
                text: text
                    .chars()
                    .take(MAX_LENGTH)
                    .collect::<String>()
                    .escape_debug()
                    .to_string(),
            });
        }
        if let Some(method) = never(text) {
            return Err(MethodError::Never { method });
        }
        Ok(Self(text.to_owned()))
    }

    /// Gives the method as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Method {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Method {
    type Error = MethodError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.0
    }
}

/// The one of [`NEVER`] that a server might take the text for.
fn never(text: &str) -> Option<&'static str> {
    NEVER
        .into_iter()
        .find(|method| method.eq_ignore_ascii_case(text))
}

/// The methods of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "BTreeSet<Method>", into = "BTreeSet<Method>")]
pub enum Methods {
    /// Every one but CONNECT and TRACE.
    #[default]
    Any,
    /// These; never empty.
    Only(BTreeSet<Method>),
}

impl Methods {
    /// Whether it lets this method through.
    #[must_use]
    pub fn matches(&self, method: &str) -> bool {
        match self {
            Self::Any => never(method).is_none(),
            Self::Only(methods) => methods.contains(method),
        }
    }

    /// Whether it lets every method through.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// None named is every one.
impl From<BTreeSet<Method>> for Methods {
    fn from(methods: BTreeSet<Method>) -> Self {
        if methods.is_empty() {
            Self::Any
        } else {
            Self::Only(methods)
        }
    }
}

impl From<Methods> for BTreeSet<Method> {
    fn from(methods: Methods) -> Self {
        match methods {
            Methods::Any => Self::new(),
            Methods::Only(methods) => methods,
        }
    }
}

impl std::fmt::Display for Methods {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any method"),
            Self::Only(methods) => {
                let words: Vec<&str> = methods.iter().map(Method::as_str).collect();
                f.write_str(&words.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_case_counts_and_some_are_no_methods_of_a_route() {
        assert!(Method::parse("GET").is_ok() && Method::parse("VERSION-CONTROL").is_ok());
        for text in [
            "get",
            "Get",
            "",
            "GE T",
            "GET\r",
            "É",
            "CONNECT",
            "TRACE",
            &"A".repeat(25),
        ] {
            assert!(Method::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_named_methods_pass() {
        let only = Methods::from(BTreeSet::from([Method::parse("GET").unwrap()]));
        assert!(only.matches("GET"));
        assert!(!only.matches("get") && !only.matches("HEAD") && !only.matches(""));
        assert!(Methods::Any.matches("PURGE"));
        for method in ["CONNECT", "TRACE", "trace", "Track"] {
            assert!(!Methods::Any.matches(method), "{method}");
        }
        assert_eq!(Methods::from(BTreeSet::new()), Methods::Any);
    }
}
