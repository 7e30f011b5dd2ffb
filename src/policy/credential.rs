//! Which credential a route carries, by reference: a name, never a value.

use serde::{Deserialize, Serialize};

/// The name of a secret in the operator's manifest: letters, digits, `-` and `_`, at
/// most 64, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// Why a text cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It is no name of a secret.
    #[error("accept `{text}` as a secret's name: write letters, digits, - and _, 64 at most")]
    SecretName {
        /// The text, with anything unprintable escaped.
        text: String,
    },
    /// It is no header that can carry a credential.
    #[error("accept `{text}` as the header of a credential")]
    HeaderField {
        /// The text, with anything unprintable escaped.
        text: String,
    },
}

const MAX_CHARS: usize = 64;

fn shown(text: &str) -> String {
    let short: String = text.chars().take(MAX_CHARS).collect();
    short.escape_debug().to_string()
}

impl SecretName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`CredentialError::SecretName`].
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let good = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= MAX_CHARS
            && text.chars().all(plain);
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(CredentialError::SecretName { text: shown(text) })
        }
    }

    /// Gives the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SecretName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SecretName {
    type Error = CredentialError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

/// The name of a header that carries a credential, in small letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct HeaderField(String);

/// Headers that say where a message ends, whom it is for, or that are for one hop.
const FORBIDDEN: [&str; 16] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "content-encoding",
];

impl HeaderField {
    /// Parses a header's name (RFC 9110, 5.6.2).
    ///
    /// # Errors
    /// [`CredentialError::HeaderField`] for what is no name, and for headers that frame
    /// or route a message.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let name = text.to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let good = !name.is_empty()
            && name.len() <= MAX_CHARS
            && name.bytes().all(token)
            && !FORBIDDEN.contains(&name.as_str());
        if good {
            Ok(Self(name))
        } else {
            Err(CredentialError::HeaderField { text: shown(text) })
        }
    }

    /// Gives the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HeaderField {
    type Error = CredentialError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<HeaderField> for String {
    fn from(name: HeaderField) -> Self {
        name.0
    }
}

/// A credential that the proxy puts into a route's requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Auth {
    /// How it is written into the request.
    #[serde(flatten)]
    pub scheme: AuthScheme,
    /// Which secret it is.
    pub secret: SecretName,
}

/// How a credential is written into a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "scheme", rename_all = "snake_case")]
pub enum AuthScheme {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: token …`, as some code hosts want it.
    Token,
    /// `Authorization: Basic …` with this user (RFC 7617).
    Basic {
        /// The user.
        user: String,
    },
    /// A header of its own.
    Header {
        /// The header.
        name: HeaderField,
    },
}

/// What a route is for, where the proxy must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RouteRole {
    /// Claude Code's model API with an OAuth token.
    ClaudeCodeOauth,
    /// The model API with an API key.
    AnthropicApiKey,
}

impl RouteRole {
    /// All roles.
    pub const ALL: [Self; 2] = [Self::ClaudeCodeOauth, Self::AnthropicApiKey];

    /// The role's word in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCodeOauth => "claude_code_oauth",
            Self::AnthropicApiKey => "anthropic_api_key",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_a_plain_word() {
        assert!(SecretName::parse("github-token_2").is_ok());
        for text in ["", "2x", "-x", "a b", "a/b", "é", "a\n", &"a".repeat(65)] {
            assert!(SecretName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_credential_travels_in_no_header_that_frames_a_message() {
        assert_eq!(
            HeaderField::parse("X-Api-Key").unwrap().as_str(),
            "x-api-key"
        );
        for text in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "a:b",
            "a\r\n",
            "",
            "x y",
        ] {
            assert!(HeaderField::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_auth_reads_as_it_is_written() {
        for text in [
            r#"{"scheme":"bearer","secret":"s"}"#,
            r#"{"scheme":"basic","user":"u","secret":"s"}"#,
            r#"{"scheme":"header","name":"x-api-key","secret":"s"}"#,
        ] {
            let auth: Auth = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&auth).unwrap(), text);
        }
    }
}
