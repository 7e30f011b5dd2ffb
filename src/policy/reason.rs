//! Why something may not leave a bottle, in codes that stay.

use serde::{Deserialize, Serialize};

/// Why something may not leave the bottle. The code is stable: tests, documents and
/// the agent's refusals share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// No route names the host.
    HostNotAllowed,
    /// A route names the host, but not the port.
    PortNotAllowed,
    /// A route names host and port, but not the method.
    MethodNotAllowed,
    /// A route names host, port and method, but not the path.
    PathNotAllowed,
    /// A route refuses it.
    RouteDenied,
    /// The route that allowed it has expired.
    RouteExpired,
    /// No route that matches lets requests go on as a web socket.
    WebsocketNotAllowed,
    /// A push to a git repository, which no route allows.
    GitPushRefused,
    /// The host is an address or no valid name.
    InvalidHost,
    /// The path has more than one reading, or none.
    InvalidPath,
    /// The request is malformed or ambiguous, so that two readers could differ.
    BadRequest,
    /// The request names another place than its connection.
    AuthorityMismatch,
    /// What came through the tunnel was not TLS.
    NotTls,
    /// The TLS handshake names another host than the tunnel, or none.
    SniMismatch,
    /// The client did not take the bottle's certificate.
    TlsClientRejected,
    /// A credential would have travelled in plain text.
    PlaintextCredential,
    /// The route's credential is not in the proxy's memory.
    Locked,
    /// The host's certificate could not be verified.
    UpstreamTls,
    /// The name resolved to an address that is private, loopback, link-local or otherwise not public.
    PrivateAddress,
    /// The name did not resolve, or nothing answered there.
    Unreachable,
    /// More connections at once than the sidecar takes.
    TooManyConnections,
    /// The body is longer than the proxy passes on.
    BodyTooLarge,
    /// It holds a secret.
    SecretFound,
    /// A budget is spent.
    BudgetSpent,
    /// A budget of the bottle is spent, and the operator did not raise it.
    BottlePaused,
    /// The operator was asked and said no.
    OperatorDenied,
    /// The operator was asked and did not answer in time.
    HeldTooLong,
    /// Too much waits for the operator already.
    AskQueueFull,
}

impl Reason {
    /// All of them, as documents list them.
    pub const ALL: [Self; 28] = [
        Self::HostNotAllowed,
        Self::PortNotAllowed,
        Self::MethodNotAllowed,
        Self::PathNotAllowed,
        Self::RouteDenied,
        Self::RouteExpired,
        Self::WebsocketNotAllowed,
        Self::GitPushRefused,
        Self::InvalidHost,
        Self::InvalidPath,
        Self::BadRequest,
        Self::AuthorityMismatch,
        Self::NotTls,
        Self::SniMismatch,
        Self::TlsClientRejected,
        Self::PlaintextCredential,
        Self::Locked,
        Self::UpstreamTls,
        Self::PrivateAddress,
        Self::Unreachable,
        Self::TooManyConnections,
        Self::BodyTooLarge,
        Self::SecretFound,
        Self::BudgetSpent,
        Self::BottlePaused,
        Self::OperatorDenied,
        Self::HeldTooLong,
        Self::AskQueueFull,
    ];

    /// What it means, as a fragment for the operator.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::HostNotAllowed => "no route names the host",
            Self::PortNotAllowed => "a route names the host, with other ports",
            Self::MethodNotAllowed => "a route names host and port, with other methods",
            Self::PathNotAllowed => "a route names the rest, with other paths",
            Self::RouteDenied => "a route refuses it",
            Self::RouteExpired => "the route that allowed it has ended",
            Self::WebsocketNotAllowed => "no route that matches lets WebSockets through",
            Self::GitPushRefused => "pushes do not pass the proxy",
            Self::InvalidHost => "not a host name: an IP address, or an odd spelling",
            Self::InvalidPath => "the path has more than one reading, or none",
            Self::BadRequest => "not a request that can be understood in one way only",
            Self::AuthorityMismatch => "the request names another host than its connection",
            Self::NotTls => "what came through the tunnel was not TLS",
            Self::SniMismatch => "the TLS handshake names another host than the tunnel, or none",
            Self::TlsClientRejected => "the program does not trust the bottle's certificate",
            Self::PlaintextCredential => "a credential would have travelled in plain text",
            Self::Locked => "the route's credential was not handed over",
            Self::UpstreamTls => "the host's certificate could not be verified",
            Self::PrivateAddress => "the name leads to an address that is not public",
            Self::Unreachable => "allowed, but nobody answers",
            Self::TooManyConnections => "the bottle holds too many connections already",
            Self::BodyTooLarge => "the body is longer than what is passed on",
            Self::SecretFound => "it holds a secret",
            Self::BudgetSpent => "a budget is spent",
            Self::OperatorDenied => "you were asked and said no",
            Self::HeldTooLong => "you were asked and did not answer in time",
            Self::AskQueueFull => "too much waits for you already",
            Self::BottlePaused => "a budget of the bottle is spent",
        }
    }

    /// Gives the stable code, such as `host_not_allowed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HostNotAllowed => "host_not_allowed",
            Self::PortNotAllowed => "port_not_allowed",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::PathNotAllowed => "path_not_allowed",
            Self::RouteDenied => "route_denied",
            Self::RouteExpired => "route_expired",
            Self::WebsocketNotAllowed => "websocket_not_allowed",
            Self::GitPushRefused => "git_push_refused",
            Self::InvalidHost => "invalid_host",
            Self::InvalidPath => "invalid_path",
            Self::BadRequest => "bad_request",
            Self::AuthorityMismatch => "authority_mismatch",
            Self::NotTls => "not_tls",
            Self::SniMismatch => "sni_mismatch",
            Self::TlsClientRejected => "tls_client_rejected",
            Self::PlaintextCredential => "plaintext_credential",
            Self::Locked => "locked",
            Self::UpstreamTls => "upstream_tls",
            Self::PrivateAddress => "private_address",
            Self::Unreachable => "unreachable",
            Self::TooManyConnections => "too_many_connections",
            Self::BodyTooLarge => "body_too_large",
            Self::SecretFound => "secret_found",
            Self::BudgetSpent => "budget_spent",
            Self::BottlePaused => "bottle_paused",
            Self::OperatorDenied => "operator_denied",
            Self::HeldTooLong => "held_too_long",
            Self::AskQueueFull => "ask_queue_full",
        }
    }
}

/// A refusal, with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The stable reason.
    pub reason: Reason,
}

impl From<Reason> for Denial {
    fn from(reason: Reason) -> Self {
        Self { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_name_in_records() {
        for reason in Reason::ALL {
            let text = serde_json::to_value(reason).unwrap();
            assert_eq!(text, reason.code());
        }
    }

    #[test]
    fn the_documents_list_every_code_once_and_no_other() {
        let page = include_str!("../../docs/egress.md");
        let listed: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(code, _)| code)
            .collect();
        assert_eq!(listed, Reason::ALL.map(Reason::code));
    }
}
