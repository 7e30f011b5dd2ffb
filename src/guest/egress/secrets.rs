//! The bottle's credentials, in this process's memory and nowhere else, and the scanner
//! that looks for them in what passes.
//!
//! Handed over by the operator's side and gone with the process. A route whose secret is
//! not here answers nothing until it is.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::guest::runtime::RoleError;
use crate::policy::SecretName;
use crate::scan::{ContentCoding, Direction, Kind, Known, KnownError, Mode, Scanner};
use crate::secret::Secret;

/// Secrets by the names that routes call them by.
pub(super) type Secrets = BTreeMap<SecretName, Secret<String>>;

/// Holds the secrets; clones hold the same ones.
#[derive(Clone, Debug)]
pub(super) struct SecretBox(Arc<RwLock<Arc<Held>>>);

/// What is held at one time.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) secrets: Secrets,
    /// Knows every one of them.
    pub(super) scanner: Scanner,
}

impl SecretBox {
    /// An empty box.
    ///
    /// # Errors
    /// [`KnownError`] if the scanner cannot be made.
    pub(super) fn new() -> Result<Self, KnownError> {
        let held = Arc::new(held(Secrets::new())?);
        Ok(Self(Arc::new(RwLock::new(held))))
    }

    /// Replaces all of them.
    ///
    /// # Errors
    /// [`KnownError`] if they are too many or too long to be looked for; those held stay.
    pub(super) fn fill(&self, secrets: Secrets) -> Result<(), KnownError> {
        let held = Arc::new(held(secrets)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    /// All of them, for whoever uses or looks for them.
    pub(super) fn open(&self) -> Arc<Held> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    /// A text as records, replies and logs may have it: with a mark in place of each of
    /// these secrets.
    pub(super) fn redacted(&self, text: &str) -> Option<String> {
        if self.secrets.is_empty() || text.is_empty() {
            return None;
        }
        let (coding, mode) = (ContentCoding::Identity, Mode::Redact);
        let mut stream = self.scanner.stream(Direction::Inbound, coding, mode);
        let fed = [stream.feed(text.as_bytes()), stream.finish()];
        if fed.iter().all(|fed| fed.findings.is_empty()) {
            return None;
        }
        let output = fed.map(|fed| fed.output).concat();
        Some(String::from_utf8_lossy(&output).into_owned())
    }

    /// The same for the name of a host, in which a secret may be spread over labels.
    pub(super) fn redacted_host(&self, host: &str) -> Option<String> {
        if self.secrets.is_empty() {
            return None;
        }
        let found = self.scanner.scan_host(host);
        let known = found.iter().find(|finding| finding.kind == Kind::Known);
        match known {
            Some(finding) => Some(format!("[redacted:{}]", finding.rule)),
            None => self.redacted(host),
        }
    }
}

impl From<KnownError> for RoleError {
    fn from(error: KnownError) -> Self {
        Self::Prepare {
            what: "the scanner",
            source: Box::new(error),
        }
    }
}

fn held(secrets: Secrets) -> Result<Held, KnownError> {
    let known = secrets.iter().map(|(name, value)| {
        let bytes = value.expose().as_bytes().to_vec();
        Known::secret(name.as_str(), Secret::new(bytes))
    });
    let scanner = Scanner::new(known.collect())?;
    Ok(Held { secrets, scanner })
}
