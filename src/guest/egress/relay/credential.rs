//! Putting a credential into a request, the last thing that happens to it.

use data_encoding::BASE64;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::guest::egress::refusal::Refusal;
use crate::guest::egress::secrets::Secrets;
use crate::policy::{Auth, AuthScheme, Reason, RouteRole};

/// Where Claude's API looks for what a client may use.
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
/// Without it the API takes no OAuth token.
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// A header that is ready to be put in. Its value is marked sensitive, so that it is
/// not shown where headers are.
#[derive(Debug)]
pub(in super::super) struct Credential {
    name: HeaderName,
    value: HeaderValue,
    is_claude_oauth: bool,
}

impl Credential {
    /// Makes the header of a grant.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::Locked`] if the secret is not here, or is none that a
    /// header can hold.
    pub(in super::super) fn new(
        auth: &Auth,
        role: Option<RouteRole>,
        secrets: &Secrets,
    ) -> Result<Self, Refusal> {
        let secret = secrets
            .get(&auth.secret)
            .ok_or_else(|| Refusal::from(Reason::Locked))?
            .expose();
        let (name, text) = match &auth.scheme {
            AuthScheme::Bearer => (AUTHORIZATION, format!("Bearer {secret}")),
            AuthScheme::Token => (AUTHORIZATION, format!("token {secret}")),
            AuthScheme::Basic { user } => {
                let pair = BASE64.encode(format!("{user}:{secret}").as_bytes());
                (AUTHORIZATION, format!("Basic {pair}"))
            }
            AuthScheme::Header { name } => {
                let name = HeaderName::from_bytes(name.as_str().as_bytes())
                    .map_err(|_| Refusal::from(Reason::Locked))?;
                (name, secret.clone())
            }
        };
        let text = zeroize::Zeroizing::new(text);
        let mut value = HeaderValue::from_str(&text).map_err(|_| Refusal::from(Reason::Locked))?;
        value.set_sensitive(true);
        Ok(Self {
            name,
            value,
            is_claude_oauth: role == Some(RouteRole::ClaudeCodeOauth),
        })
    }

    /// What the header says.
    pub(in super::super) fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }

    /// Puts it in, in place of every other value.
    pub(super) fn inject(self, headers: &mut HeaderMap) {
        headers.insert(self.name, self.value);
        if self.is_claude_oauth {
            want_oauth(headers);
        }
    }
}

/// Adds the beta that OAuth tokens need, leaving those that are there.
fn want_oauth(headers: &mut HeaderMap) {
    let is_there = headers
        .get_all(BETA)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == OAUTH_BETA);
    if is_there {
        return;
    }
    let with = |value: &HeaderValue| {
        let more = [value.as_bytes(), b",", OAUTH_BETA.as_bytes()].concat();
        HeaderValue::from_bytes(&more).ok()
    };
    let first = headers.get(BETA).and_then(with);
    match (first, headers.get_mut(BETA)) {
        (Some(value), Some(held)) => *held = value,
        (None | Some(_), _) => {
            headers.insert(BETA, HeaderValue::from_static(OAUTH_BETA));
        }
    }
}
