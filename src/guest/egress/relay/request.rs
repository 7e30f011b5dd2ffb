//! A request as it is decided over, and as it leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::header::{HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Uri, Version};
use jiff::Timestamp;

use super::Side;
use super::credential::Credential;
use super::headers::{leave_behind, strip_credentials, strip_query};
use super::pool::Key;
use super::sieve::{Findings, Sieve, ask_readable, sift_head, unframe};
use super::upload::{Meter, Upload};
use super::waiting::Waiting;
use super::websocket::{Wish, announce};
use crate::guest::egress::authority::{Authority, Fault, read_plain, same_place};
use crate::guest::egress::head::{BodyEnd, Head};
use crate::guest::egress::refusal::Refusal;
use crate::guest::egress::secrets::Held;
use crate::guest::egress::table::Table;
use crate::policy::{CanonicalPath, Grant, Permit, Reason, RequestAsk, ScanMode, ScanRule, Scheme};
use crate::scan::{Direction, Scanner};
use crate::wire::HeldRequest;

/// What a request asks for: everything that the decision looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    scheme: Scheme,
    pub(super) authority: Authority,
    method: String,
    pub(super) path: CanonicalPath,
    pub(super) query: Option<String>,
    is_websocket: bool,
}

/// A request that is ready to leave.
pub(super) struct Composed {
    pub(super) request: Request<Upload>,
    /// Where it asks to go on as a WebSocket.
    pub(super) wish: Option<Wish>,
    /// Whether it may be sent twice.
    pub(super) is_repeatable: bool,
}

impl Asked {
    /// Reads an inspected head.
    ///
    /// # Errors
    /// A [`Refusal`] if the target, its path or the Host header cannot stand here.
    pub(super) fn read(side: &Side, head: &Head) -> Result<Self, Refusal> {
        let (scheme, authority, path) = match side {
            Side::Tunnel(place) => (Scheme::Https, place.clone(), origin_form(head)?.to_owned()),
            Side::Plain => {
                let target = read_plain(&head.target)?;
                (Scheme::Http, target.authority, target.path)
            }
        };
        let usual = match scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
        };
        match &head.host {
            Some(host) if same_place(host, &authority, usual) => {}
            None if *side == Side::Plain => {}
            Some(_) | None => return Err(other_place(side)),
        }
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (path.as_str(), None),
        };
        Ok(Self {
            scheme,
            authority,
            method: head.method.clone(),
            path: CanonicalPath::parse(path)
                .map_err(|fault| Refusal::new(Reason::InvalidPath, format!("failed to {fault}")))?,
            query,
            is_websocket: head.websocket,
        })
    }

    /// Decides by a table.
    ///
    /// # Errors
    /// A [`Refusal`] with the reason of the denial.
    pub(super) fn decide<'table>(
        &self,
        table: &'table Table,
        now: Timestamp,
    ) -> Result<(Permit<'table>, Grant), Refusal> {
        let Authority { host, port } = &self.authority;
        let permit = table
            .routes
            .decide(host, *port, now)
            .map_err(|denial| Refusal::from(denial.reason))?;
        let grant = permit
            .request(&self.ask(), now)
            .map_err(|denial| Refusal::from(denial.reason))?;
        Ok((permit, grant))
    }

    /// What a route would have to name to let it out, where one for this request alone
    /// would.
    pub(super) fn narrow(&self, table: &Table, now: Timestamp) -> Option<HeldRequest> {
        let Authority { host, port } = &self.authority;
        if self.path.as_str().len() > HeldRequest::MAX_PATH {
            return None;
        }
        table.routes.extension(host, *port, &self.ask(), now)?;
        Some(HeldRequest {
            method: self.method.clone(),
            path: self.path.to_string(),
        })
    }

    /// As a decision looks at it.
    pub(super) fn ask(&self) -> RequestAsk<'_> {
        RequestAsk {
            scheme: self.scheme,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            is_websocket: self.is_websocket,
        }
    }

    /// The same request with another method, as a server may read it.
    pub(super) fn with_method(&self, method: String) -> Self {
        Self {
            method,
            ..self.clone()
        }
    }

    /// Names the connections that may carry it.
    pub(super) fn key(&self, permit: &Permit<'_>, grant: &Grant, generation: u64) -> Key {
        Key {
            tls: self.scheme == Scheme::Https,
            host: self.authority.host.clone(),
            port: self.authority.port,
            connect_to: permit.connect_to(),
            allow_private: permit.allows_private(),
            route: grant.route,
            generation,
        }
    }

    /// Makes the request that leaves.
    ///
    /// # Errors
    /// A [`Refusal`] if the credential is missing or may not travel so, if the body says
    /// that it is too long, or if it is no WebSocket's opening.
    pub(super) fn compose(
        &self,
        waiting: Waiting,
        head: &Head,
        grant: &Grant,
        held: &Held,
        cap: u64,
        meter: &Arc<Meter>,
    ) -> Result<Composed, Refusal> {
        if matches!(head.body, BodyEnd::Length(length) if length > cap) {
            return Err(Refusal::from(Reason::BodyTooLarge));
        }
        let credential = match &grant.auth {
            Some(_) if self.scheme == Scheme::Http => {
                return Err(Refusal::from(Reason::PlaintextCredential));
            }
            Some(auth) => Some(Credential::new(auth, grant.role, &held.secrets)?),
            None => None,
        };
        let Waiting { request, early } = waiting;
        let (mut parts, body) = request.into_parts();
        let wish = self
            .is_websocket
            .then(|| Wish::read(&parts.headers).map_err(Fault::bad))
            .transpose()?;
        leave_behind(&mut parts.headers);
        if credential.is_some() {
            strip_credentials(&mut parts.headers);
        }
        parts.headers.insert(HOST, self.host()?);
        parts.uri = self.uri(credential.is_some())?;
        parts.version = Version::HTTP_11;
        if wish.is_some() {
            announce(&mut parts.headers);
        }
        let sieve = sift(&parts, grant, held, meter.findings())?;
        if sieve.as_ref().is_some_and(|sieve| sieve.is_rewriting()) {
            unframe(&mut parts.headers);
        }
        if answer_mode(grant) != ScanMode::Off {
            ask_readable(&mut parts.headers);
        }
        if let Some(credential) = credential {
            credential.inject(&mut parts.headers);
        }
        let body = Upload::new(body, early, sieve, cap, Arc::clone(meter));
        let is_idempotent = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        Ok(Composed {
            is_repeatable: is_idempotent && head.body == BodyEnd::Length(0) && wish.is_none(),
            request: Request::from_parts(parts, body),
            wish,
        })
    }

    fn host(&self) -> Result<HeaderValue, Refusal> {
        let Authority { host, port } = &self.authority;
        let text = match (self.scheme, port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => host.to_string(),
            (Scheme::Http | Scheme::Https, port) => format!("{host}:{port}"),
        };
        HeaderValue::from_str(&text).map_err(|_| Refusal::from(Reason::InvalidHost))
    }

    fn uri(&self, strip: bool) -> Result<Uri, Refusal> {
        let path = self.path.as_str();
        let query = self.query.as_deref().map(|query| {
            if strip {
                strip_query(query)
            } else {
                query.to_owned()
            }
        });
        let target = match query {
            Some(query) if !(strip && query.is_empty()) => format!("{path}?{query}"),
            Some(_) | None => path.to_owned(),
        };
        Uri::builder()
            .path_and_query(target)
            .build()
            .map_err(|_| Refusal::from(Reason::InvalidPath))
    }
}

/// Looks into what leaves but for the route's own credential.
fn sift(
    parts: &Parts,
    grant: &Grant,
    held: &Held,
    findings: &Findings,
) -> Result<Option<Box<Sieve>>, Refusal> {
    let mode = grant.scan.request;
    if mode == ScanMode::Off {
        return Ok(None);
    }
    let scanner = outbound(&held.scanner, &grant.scan_pass);
    let target = parts.uri.to_string();
    let mut found = sift_head(&scanner, &target, &parts.headers);
    findings.add(&found);
    found.retain(|finding| !scanner.lets_pass(finding));
    // A head that was redacted would be another request.
    if !found.is_empty() && mode != ScanMode::Warn {
        findings.block(&found, false);
        return Err(findings.refusal());
    }
    Sieve::new(&scanner, Direction::Outbound, mode, &parts.headers).map_err(|_| findings.refusal())
}

/// The scanner for what leaves on a route.
pub(super) fn outbound(scanner: &Scanner, passing: &BTreeSet<ScanRule>) -> Scanner {
    scanner.letting_pass(passing.iter().map(ScanRule::as_str))
}

/// What becomes of an answer: a credential that left must not come back, whatever the
/// route says of the rest.
pub(super) fn answer_mode(grant: &Grant) -> ScanMode {
    match grant.scan.response {
        ScanMode::Off | ScanMode::Warn if grant.auth.is_some() => ScanMode::Block,
        ScanMode::Off | ScanMode::Warn | ScanMode::Block | ScanMode::Redact => grant.scan.response,
    }
}

fn origin_form(head: &Head) -> Result<&str, Fault> {
    let target = head.target.as_str();
    if target.contains(['#', '\\']) {
        Err(Fault::bad("the target holds a fragment or a backslash"))
    } else if target.starts_with('/') {
        Ok(target)
    } else {
        Err(Fault::bad("inside TLS only paths are asked for"))
    }
}

fn other_place(side: &Side) -> Refusal {
    match side {
        Side::Plain => Fault::bad("the Host header names another place than the target").into(),
        Side::Tunnel(_) => Refusal::from(Reason::AuthorityMismatch),
    }
}
