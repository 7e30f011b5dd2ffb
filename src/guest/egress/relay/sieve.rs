//! A body on its way through the scanner: what is held back, what passes, and what ends
//! it. Both directions pass here; what is found is told by name and never by value.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};

use super::headers::is_credential;
use crate::guest::egress::refusal::Refusal;
use crate::policy::{Reason, ScanMode, ScanRule};
use crate::scan::{ContentCoding, Direction, Feed, Finding, Kind, Mode, Scanner, Stream};

/// Names kept of what was found in one request and its answer.
pub(in super::super) const MAX_FINDINGS: usize = 16;
/// What the scanner reads as it comes; a zstd frame it must hold to its end.
const READABLE: [&str; 5] = ["gzip", "x-gzip", "deflate", "br", "identity"];

/// What was found so far, by the names of rules and secrets.
#[derive(Debug, Default)]
pub(in super::super) struct Findings(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// All that was found.
    names: Vec<String>,
    /// What of it may not pass.
    blocking: Vec<String>,
    /// The same by rules; `None` once something is in it that no exemption lets pass.
    rules: Option<BTreeSet<ScanRule>>,
}

impl Findings {
    /// Adds names, each once.
    pub(super) fn add(&self, found: &[Finding]) {
        let mut all = self.found();
        for finding in found {
            note(&mut all.names, &finding.rule);
        }
    }

    /// Says what ends a body or refuses a head: what was found, and whether something
    /// cannot be looked into besides. Once for each.
    pub(super) fn block(&self, found: &[Finding], is_unread: bool) {
        let rules = found.iter().map(|finding| match finding.kind {
            Kind::Pattern => ScanRule::parse(&finding.rule).ok(),
            Kind::Known | Kind::Canary => None,
        });
        let rules: Option<BTreeSet<ScanRule>> = rules.collect();
        let mut all = self.found();
        all.rules = rules.filter(|_| !is_unread);
        all.blocking.clear();
        for finding in found {
            note(&mut all.blocking, &finding.rule);
        }
    }

    /// The names.
    pub(in super::super) fn names(&self) -> Vec<String> {
        self.found().names.clone()
    }

    /// Those that ended it.
    pub(super) fn blocking(&self) -> Vec<String> {
        self.found().blocking.clone()
    }

    /// The refusal that names what may not pass.
    pub(super) fn refusal(&self) -> Refusal {
        let all = self.found();
        let refusal = match all.blocking.as_slice() {
            [] => Refusal::new(Reason::SecretFound, "it cannot be looked into"),
            names => Refusal::new(Reason::SecretFound, names.join(", ")),
        };
        refusal.found_by(all.rules.clone().unwrap_or_default())
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(names: &mut Vec<String>, name: &str) {
    if names.len() < MAX_FINDINGS && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

/// A body was ended because of what is in it, or because that cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pass on a body in which a secret was found")]
pub(in super::super) struct Caught;

/// Sifts one body.
#[derive(Debug)]
pub(super) struct Sieve {
    /// Until the body's end.
    stream: Option<Stream>,
    mode: ScanMode,
    /// Came, and may not pass yet.
    held: BytesMut,
    passed: u64,
}

impl Sieve {
    /// Looks into a body with these headers; nothing where nothing is to be looked for.
    ///
    /// # Errors
    /// [`Caught`] where a secret must not pass and the body's coding is unknown.
    pub(super) fn new(
        scanner: &Scanner,
        direction: Direction,
        mode: ScanMode,
        headers: &HeaderMap,
    ) -> Result<Option<Box<Self>>, Caught> {
        let how = match mode {
            ScanMode::Off => return Ok(None),
            ScanMode::Warn => Mode::Report,
            ScanMode::Block => Mode::Block,
            ScanMode::Redact => Mode::Redact,
        };
        let Some(coding) = coding(headers) else {
            return if mode == ScanMode::Warn {
                Ok(None)
            } else {
                Err(Caught)
            };
        };
        Ok(Some(Box::new(Self {
            stream: Some(scanner.stream(direction, coding, how)),
            mode,
            held: BytesMut::new(),
            passed: 0,
        })))
    }

    /// Whether the body leaves with another length than it came with.
    pub(super) fn is_rewriting(&self) -> bool {
        self.mode == ScanMode::Redact
    }

    /// Takes a piece, the last perhaps, and gives what may pass now, which may be nothing.
    ///
    /// # Errors
    /// [`Caught`] if the body must end here.
    pub(super) fn sift(
        &mut self,
        piece: Bytes,
        is_last: bool,
        findings: &Findings,
    ) -> Result<Bytes, Caught> {
        let Some(stream) = &mut self.stream else {
            return Ok(piece);
        };
        let feed = stream.feed(&piece);
        let passed = self.pass(piece, feed, findings)?;
        let Some(stream) = self.stream.take_if(|_| is_last) else {
            return Ok(passed);
        };
        let rest = self.pass(Bytes::new(), stream.finish(), findings)?;
        if rest.is_empty() {
            return Ok(passed);
        }
        Ok(Bytes::from([passed, rest].concat()))
    }

    fn pass(&mut self, piece: Bytes, feed: Feed, findings: &Findings) -> Result<Bytes, Caught> {
        findings.add(&feed.findings);
        findings.add(&feed.passing);
        let is_unread = feed.unread.is_some();
        match self.mode {
            ScanMode::Off | ScanMode::Warn => Ok(piece),
            ScanMode::Block if is_unread || !feed.findings.is_empty() => {
                findings.block(&feed.findings, is_unread);
                Err(Caught)
            }
            ScanMode::Redact if is_unread => {
                findings.block(&[], is_unread);
                Err(Caught)
            }
            ScanMode::Redact => Ok(Bytes::from(feed.output)),
            ScanMode::Block => {
                let count = feed.release.saturating_sub(self.passed);
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                if self.held.is_empty() && count >= piece.len() {
                    self.passed = self.passed.saturating_add(piece.len() as u64);
                    return Ok(piece);
                }
                self.held.extend_from_slice(&piece);
                let out = self.held.split_to(count.min(self.held.len())).freeze();
                self.passed = self.passed.saturating_add(out.len() as u64);
                Ok(out)
            }
        }
    }
}

/// Looks into what is there as a whole: a target, and the values of headers.
pub(super) fn sift_head(scanner: &Scanner, target: &str, headers: &HeaderMap) -> Vec<Finding> {
    let mut found = scanner.scan_bytes(target.as_bytes());
    // Without their names, in which «key» and «token» stand for harmless things: an
    // idempotency key, a WebSocket's key.
    for (name, value) in headers {
        let mut within = scanner.scan_bytes(value.as_bytes());
        if is_credential(name) {
            // It is one by its shape; only this bottle's own may not be there.
            within.retain(|finding| finding.kind != Kind::Pattern);
        }
        found.extend(within);
    }
    found
}

/// Looks into the head of an answer, for what is this bottle's own alone.
pub(super) fn sift_answer(scanner: &Scanner, headers: &HeaderMap) -> Vec<Finding> {
    let mut found = sift_head(scanner, "", headers);
    found.retain(|finding| finding.kind != Kind::Pattern);
    found
}

/// Asks for codings that can be looked into as they come.
pub(super) fn ask_readable(headers: &mut HeaderMap) {
    let asked: Vec<String> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|part| part.trim().to_ascii_lowercase())
        .filter(|part| {
            let name = part.split(';').next().unwrap_or_default().trim();
            READABLE.contains(&name)
        })
        .collect();
    let value = HeaderValue::from_str(&asked.join(", "))
        .ok()
        .filter(|value| !value.is_empty())
        .unwrap_or(HeaderValue::from_static("identity"));
    headers.insert(ACCEPT_ENCODING, value);
}

/// Removes what tells a length and a coding that a rewritten body no longer has.
pub(super) fn unframe(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(CONTENT_ENCODING);
}

/// How a body with this head is packed; nothing if that cannot be read.
pub(super) fn coding(headers: &HeaderMap) -> Option<ContentCoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let coding = match values.next() {
        Some(value) => ContentCoding::parse(value.to_str().ok()?)?,
        None => ContentCoding::Identity,
    };
    values.next().is_none().then_some(coding)
}
