//! One bottle's scanner: its known values, and the ways to ask.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::finding::{Finding, Kind};
use super::host;
use super::inflate::ContentCoding;
use super::known::{Known, KnownError, KnownValues};
use super::stream::{Direction, Feed, Mode, Stream};

/// Finds the secrets of one bottle, and what has the shape of a secret. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scanner {
    inner: Arc<Inner>,
    /// Rules whose findings are told of only.
    passing: Arc<BTreeSet<String>>,
}

#[derive(Debug)]
struct Inner {
    values: Vec<Known>,
    known: KnownValues,
    hosts: OnceLock<Result<KnownValues, KnownError>>,
}

impl Scanner {
    /// A scanner that knows these values. Those shorter than
    /// [`MIN_KNOWN_BYTES`](super::MIN_KNOWN_BYTES) are not looked for; see
    /// [`Scanner::unwatched`].
    ///
    /// # Errors
    ///
    /// If the values are too many or too long together.
    pub fn new(values: Vec<Known>) -> Result<Self, KnownError> {
        let known = KnownValues::of(&values)?;
        let inner = Inner {
            values,
            known,
            hosts: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            passing: Arc::default(),
        })
    }

    /// The same scanner, which only tells of what these rules find: see [`Feed::passing`].
    /// No name among them is that of a known value, whatever it reads.
    #[must_use]
    pub fn letting_pass<'a>(&self, rules: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            passing: Arc::new(rules.into_iter().map(str::to_owned).collect()),
        }
    }

    /// Whether what was found is to be told of only.
    #[must_use]
    pub fn lets_pass(&self, finding: &Finding) -> bool {
        finding.kind == Kind::Pattern && self.passing.contains(&finding.rule)
    }

    /// The names of values that are too short to be looked for. The operator should be
    /// told.
    #[must_use]
    pub fn unwatched(&self) -> &[String] {
        self.inner.known.unwatched()
    }

    /// Begins to scan a body.
    #[must_use]
    pub fn stream(&self, direction: Direction, coding: ContentCoding, mode: Mode) -> Stream {
        Stream::new(self.clone(), direction, coding, mode)
    }

    /// Scans a header, a URL or any other text that is there as a whole, as if the
    /// agent sent it. All that was found, what [`Scanner::lets_pass`] is said of too.
    #[must_use]
    pub fn scan_bytes(&self, text: &[u8]) -> Vec<Finding> {
        let mut stream = self.stream(Direction::Outbound, ContentCoding::Identity, Mode::Report);
        let all = |feed: Feed| feed.findings.into_iter().chain(feed.passing);
        all(stream.feed(text)).chain(all(stream.finish())).collect()
    }

    /// Scans a host name before it is resolved: known values in it, across its dots and
    /// in any case, and labels that look like data rather than like a name. Meant for
    /// names that a wildcard allows: there the agent chooses what a stranger's name
    /// server will read.
    #[must_use]
    pub fn scan_host(&self, name: &str) -> Vec<Finding> {
        let inner = &self.inner;
        let known = inner
            .hosts
            .get_or_init(|| KnownValues::in_host_names(&inner.values));
        match known {
            Ok(known) => host::scan(name, known),
            Err(_) => vec![host::unread(name)],
        }
    }

    pub(super) fn known(&self) -> &KnownValues {
        &self.inner.known
    }
}

#[cfg(test)]
mod tests;
