//! What a refused client is told: a status, a stable code, and a sentence that says
//! what to do. Coding agents show the text to their user as it stands.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ask::Shown;
use super::authority::Fault;
use crate::policy::{Reason, ScanRule};
use crate::request::Wants;
use crate::spec::layout;

/// The header that carries the stable code.
pub(super) const REASON_HEADER: &str = "x-cellar-reason";

/// A request that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    /// What more is known, as a clause.
    pub(super) detail: String,
    /// After how long asking again may help, where that is known.
    pub(super) retry: Option<Duration>,
    /// The scanner's rules that refused it, where nothing but they did.
    pub(super) rules: BTreeSet<ScanRule>,
    /// How the operator hears of it.
    pub(super) asking: Asking,
}

/// How the operator hears of what a route could allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Asking {
    /// The agent says so in its session.
    #[default]
    Session,
    /// The agent has a tool to ask with.
    Tool,
    /// A request is made of it.
    Request {
        /// For what.
        wants: Box<Wants>,
        /// Whether the agent has tools to see it with.
        has_tools: bool,
    },
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            detail: String::new(),
            retry: None,
            rules: BTreeSet::new(),
            asking: Asking::Session,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::new(fault.reason, fault.words)
    }
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            retry: None,
            rules: BTreeSet::new(),
            asking: Asking::Session,
        }
    }

    /// Says which of the scanner's rules alone refused it.
    pub(super) fn found_by(mut self, rules: BTreeSet<ScanRule>) -> Self {
        self.rules = rules;
        self
    }

    /// Says after how long asking again may help.
    pub(super) fn retry_in(mut self, wait: Duration) -> Self {
        self.retry = Some(wait);
        self
    }

    /// The headers beside type, length and reason, by name: when to ask again, and that
    /// before then nobody should, as clients of the model API read it.
    pub(super) fn more_headers(&self) -> Vec<(&'static str, String)> {
        let Some(wait) = self.retry else {
            return Vec::new();
        };
        let seconds = wait.as_secs().max(1);
        vec![
            ("retry-after", seconds.to_string()),
            ("x-should-retry", String::from("false")),
        ]
    }

    /// The text as the model API tells an error, so that its clients show it.
    pub(super) fn model_error(&self, asked: &Shown) -> String {
        let text = self.text(asked);
        serde_json::json!({
            "type": "error",
            "error": { "type": "rate_limit_error", "message": text.trim_end() },
        })
        .to_string()
    }

    /// Whether no route speaks of it, so that the operator may be asked.
    pub(super) const fn is_unlisted(&self) -> bool {
        matches!(
            self.reason,
            Reason::HostNotAllowed | Reason::PortNotAllowed | Reason::RouteExpired
        )
    }

    /// Whether another table of routes might let it out.
    pub(super) const fn is_of_routes(&self) -> bool {
        self.is_unlisted()
            || matches!(
                self.reason,
                Reason::MethodNotAllowed
                    | Reason::PathNotAllowed
                    | Reason::WebsocketNotAllowed
                    | Reason::HeldTooLong
                    | Reason::AskQueueFull
            )
    }

    /// What it is to be a request for.
    pub(super) const fn wants(&self) -> Option<&Wants> {
        match &self.asking {
            Asking::Request { wants, .. } => Some(&**wants),
            Asking::Session | Asking::Tool => None,
        }
    }

    /// What to do where a route is missing.
    fn ask(&self) -> String {
        let page = format!(
            "http://127.0.0.1:{} lists what is allowed.",
            layout::ports::SUPERVISE
        );
        match &self.asking {
            Asking::Session => format!("Ask the operator to add a route for it; {page}"),
            Asking::Tool => format!("Ask for it with the tool request_route; {page}"),
            Asking::Request { has_tools, .. } => requested(*has_tools),
        }
    }

    /// What is said beside that it is to be left out.
    fn ask_to_pass(&self) -> String {
        match &self.asking {
            Asking::Session | Asking::Tool => String::new(),
            Asking::Request { has_tools, .. } => {
                let tools = if *has_tools {
                    ": list_requests shows it, await_request waits for the answer"
                } else {
                    ""
                };
                format!(
                    " If it must stay, the operator is asked to let it pass, unless too many requests wait already or it was denied before{tools}."
                )
            }
        }
    }

    /// What to do where the operator was asked in vain.
    fn again(&self) -> String {
        match &self.asking {
            Asking::Session | Asking::Tool => String::from("Go on without it, or try again later."),
            Asking::Request { has_tools, .. } => requested(*has_tools),
        }
    }

    /// The HTTP status: 400 for what was asked badly, 403 for what is not allowed, 502
    /// and 503 where asking again may help.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named is not allowed"
    )]
    pub(super) const fn status(&self) -> u16 {
        match self.reason {
            Reason::BadRequest
            | Reason::InvalidHost
            | Reason::InvalidPath
            | Reason::NotTls
            | Reason::SniMismatch
            | Reason::TlsClientRejected => 400,
            Reason::BodyTooLarge => 413,
            Reason::AuthorityMismatch => 421,
            Reason::BottlePaused => 429,
            Reason::Unreachable | Reason::UpstreamTls => 502,
            Reason::TooManyConnections | Reason::Locked => 503,
            _ => 403,
        }
    }

    /// The text for the client.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "one table; what is not named says its reason as it stands"
    )]
    pub(super) fn text(&self, asked: &Shown) -> String {
        let code = self.reason.code();
        let detail = &self.detail;
        let what = if asked.host.is_empty() {
            "a request".to_owned()
        } else {
            asked.to_string()
        };
        let ask = self.ask();
        let again = self.again();
        let more = match self.detail.as_str() {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        let rest = match self.reason {
            Reason::HostNotAllowed => format!("is not on this bottle's allowlist ({code}). {ask}"),
            Reason::PortNotAllowed => format!(
                "is not on this bottle's allowlist: the host is, this port is not ({code}). {ask}"
            ),
            Reason::MethodNotAllowed => format!(
                "is not on this bottle's allowlist: the host is, this method is not ({code}). {ask}"
            ),
            Reason::PathNotAllowed => format!(
                "is not on this bottle's allowlist: the host is, this path is not ({code}). {ask}"
            ),
            Reason::RouteDenied => {
                format!("is on this bottle's list of what it never may ({code}). Do without it.")
            }
            Reason::RouteExpired => {
                format!("was allowed for a time that is over ({code}). {ask}")
            }
            Reason::WebsocketNotAllowed => {
                format!("is on this bottle's allowlist, but not for WebSockets ({code}). {ask}")
            }
            Reason::GitPushRefused => format!(
                "was refused: pushes do not leave through the proxy ({code}). Commit, and ask the operator to push."
            ),
            Reason::PrivateAddress => format!(
                "leads to {detail}, which no bottle may reach by default ({code}). If it is meant, ask the operator to allow private addresses on its route."
            ),
            Reason::Unreachable => format!(
                "is allowed, but could not be reached: {detail} ({code}). Check the name, or try again later."
            ),
            Reason::UpstreamTls => format!(
                "is allowed, but did not prove to be who it is{more} ({code}). Nothing was sent to it."
            ),
            Reason::TooManyConnections => format!(
                "was not tried: this bottle has too many connections open ({code}). Close some and try again."
            ),
            Reason::Locked => format!(
                "is allowed, but its credential is not here yet ({code}). Ask the operator to run `cellar unlock` for this bottle, then try again."
            ),
            Reason::SecretFound => format!(
                "was refused: it holds what looks like a secret{more} ({code}). Leave it out.{}",
                self.ask_to_pass()
            ),
            Reason::BudgetSpent => {
                format!(
                    "was refused: a budget of this bottle is spent{more} ({code}). Ask the operator to raise it."
                )
            }
            Reason::BottlePaused => {
                format!(
                    "was not let out: a budget of this bottle is spent{more} ({code}). Stop here and say so; the operator can raise it."
                )
            }
            Reason::OperatorDenied => {
                format!(
                    "was refused by the operator ({code}). Do without it, or say why it is needed."
                )
            }
            Reason::HeldTooLong => {
                format!("was held for the operator, who did not answer in time ({code}). {again}")
            }
            Reason::AskQueueFull => {
                format!("was refused: too much waits for the operator already ({code}). {again}")
            }
            _ => format!("was refused{more} ({code})."),
        };
        format!("cellar: {what} {rest}\n")
    }

    /// The whole response. A response to HEAD has no body.
    pub(super) fn response(&self, asked: &Shown) -> Vec<u8> {
        let text = self.text(asked);
        let status = self.status();
        let phrase = match status {
            400 => "Bad Request",
            403 => "Forbidden",
            413 => "Content Too Large",
            421 => "Misdirected Request",
            429 => "Too Many Requests",
            502 => "Bad Gateway",
            _ => "Service Unavailable",
        };
        let code = self.reason.code();
        let length = text.len();
        let body = if asked.method == "HEAD" { "" } else { &text };
        let more: String = self
            .more_headers()
            .into_iter()
            .flat_map(|(name, value)| {
                [
                    name.to_owned(),
                    String::from(": "),
                    value,
                    String::from("\r\n"),
                ]
            })
            .collect();
        format!(
            "HTTP/1.1 {status} {phrase}\r\ncontent-type: text/plain\r\n{REASON_HEADER}: {code}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// What is said of the request that is made of a refusal.
fn requested(has_tools: bool) -> String {
    let words = "The operator is asked for it by a request, unless too many wait already or it was denied before";
    if has_tools {
        format!(
            "{words}: list_requests shows it, await_request waits for the answer, and request_route asks with your reason."
        )
    } else {
        format!("{words}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Shown {
        Shown {
            method: "CONNECT".to_owned(),
            host: "example.com".to_owned(),
            port: 443,
        }
    }

    #[test]
    fn a_refusal_names_the_place_the_code_and_what_to_do() {
        assert_eq!(
            Refusal::from(Reason::HostNotAllowed).text(&asked()),
            "cellar: example.com:443 is not on this bottle's allowlist (host_not_allowed). \
             Ask the operator to add a route for it; http://127.0.0.1:9100 lists what is allowed.\n"
        );
        assert_eq!(
            Refusal::new(Reason::Unreachable, "the name has no address").text(&asked()),
            "cellar: example.com:443 is allowed, but could not be reached: the name has no address \
             (unreachable). Check the name, or try again later.\n"
        );
    }

    #[test]
    fn a_refusal_says_how_the_operator_hears_of_it() {
        let ask: Wants = serde_json::from_str(r#"{"host":"example.com","ports":[443]}"#).unwrap();
        let text = |reason, has_tools| {
            let asking = Asking::Request {
                wants: Box::new(ask.clone()),
                has_tools,
            };
            Refusal {
                asking,
                ..Refusal::from(reason)
            }
            .text(&asked())
        };
        assert_eq!(
            text(Reason::HeldTooLong, true),
            "cellar: example.com:443 was held for the operator, who did not answer in time \
             (held_too_long). The operator is asked for it by a request, unless too many wait \
             already or it was denied before: list_requests shows it, await_request waits for \
             the answer, and request_route asks with your reason.\n"
        );
        assert_eq!(
            text(Reason::HostNotAllowed, false),
            "cellar: example.com:443 is not on this bottle's allowlist (host_not_allowed). The \
             operator is asked for it by a request, unless too many wait already or it was \
             denied before.\n"
        );
        let refusal = Refusal {
            asking: Asking::Tool,
            ..Refusal::from(Reason::PortNotAllowed)
        };
        let text = refusal.text(&asked());
        assert!(
            text.contains("Ask for it with the tool request_route;"),
            "{text}"
        );
    }

    #[test]
    fn each_reason_has_its_status_and_its_code_in_header_and_text() {
        for (reason, status) in [
            (Reason::HostNotAllowed, 403),
            (Reason::PortNotAllowed, 403),
            (Reason::PrivateAddress, 403),
            (Reason::InvalidHost, 400),
            (Reason::BadRequest, 400),
            (Reason::Unreachable, 502),
            (Reason::TooManyConnections, 503),
            (Reason::BottlePaused, 429),
        ] {
            let text = String::from_utf8(Refusal::from(reason).response(&asked())).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(head.contains(&format!("{REASON_HEADER}: {}\r\n", reason.code())));
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
            assert!(body.contains("example.com:443") && body.contains(reason.code()));
        }
    }

    #[test]
    fn who_may_ask_again_is_told_when() {
        let refusal = Refusal::new(
            Reason::BottlePaused,
            "$5.00 per hour; too many wait already",
        )
        .retry_in(Duration::from_secs(90));
        let text = String::from_utf8(refusal.response(&asked())).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("\r\nretry-after: 90\r\nx-should-retry: false\r\n"),
            "{head}"
        );
        assert_eq!(
            body,
            "cellar: example.com:443 was not let out: a budget of this bottle is spent: \
             $5.00 per hour; too many wait already (bottle_paused). Stop here and say so; the \
             operator can raise it.\n"
        );
        let error: serde_json::Value =
            serde_json::from_str(&refusal.model_error(&asked())).unwrap();
        assert_eq!(error["error"]["type"], "rate_limit_error");
        assert_eq!(error["error"]["message"], body.trim_end());
    }

    #[test]
    fn a_refused_head_request_has_no_body() {
        let mut asked = asked();
        asked.method = "HEAD".to_owned();
        let bytes = Refusal::from(Reason::HostNotAllowed).response(&asked);
        assert!(bytes.ends_with(b"\r\n\r\n"));
    }
}
