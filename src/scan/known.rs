//! Known values: one automaton over every form of each of them.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use zeroize::Zeroizing;

use super::finding::{Finding, Kind, Layer};
use super::forms::{self, Form};
use crate::secret::Secret;

/// Shorter values are not looked for: their encodings occur by chance, and a scan that
/// cries at ordinary text is soon turned off.
pub const MIN_KNOWN_BYTES: usize = 8;
/// All values together: far more than tokens need. Chosen, not measured.
const MAX_KNOWN_BYTES: usize = 64 * 1024;
/// Up to this many bytes of forms the automaton is a table, which trades memory for
/// speed: 4 MiB for two values of 108 and 40 bytes. The border is chosen, not measured.
const MAX_TABLE_BYTES: usize = 16 * 1024;

/// A value that must not be seen.
#[derive(Debug)]
pub struct Known {
    name: String,
    kind: Kind,
    value: Secret<Vec<u8>>,
}

impl Known {
    /// A secret of the bottle, under the name that findings give.
    #[must_use]
    pub fn secret(name: impl Into<String>, value: Secret<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Known,
            value,
        }
    }

    /// The bottle's canary: a value that lies about and that nobody has a reason to send.
    #[must_use]
    pub fn canary(name: impl Into<String>, value: Secret<Vec<u8>>) -> Self {
        Self {
            kind: Kind::Canary,
            ..Self::secret(name, value)
        }
    }
}

/// Why values cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnownError {
    /// More bytes in all than the automaton is allowed.
    #[error("watch {bytes} bytes of secrets: at most {MAX_KNOWN_BYTES} can be watched")]
    TooLong {
        /// The bytes of all values.
        bytes: usize,
    },
    /// The automaton could not be built.
    #[error("build the automaton of known values")]
    Unbuildable,
}

/// Which value a form belongs to.
#[derive(Clone, Debug)]
struct Label {
    name: String,
    kind: Kind,
    layers: Vec<Layer>,
}

/// All known values of one scanner. Its automaton holds them in the clear.
#[derive(Debug, Default)]
pub(super) struct KnownValues {
    automaton: Option<AhoCorasick>,
    labels: Vec<Label>,
    /// Sorted, so that a prefix is found by bisection.
    sorted: Vec<Zeroizing<Vec<u8>>>,
    longest: usize,
    unwatched: Vec<String>,
}

impl KnownValues {
    /// Every form of each value, case being told apart.
    pub(super) fn of(known: &[Known]) -> Result<Self, KnownError> {
        Self::build(known, forms::all, false)
    }

    /// The forms that survive in a host name, where case does not.
    pub(super) fn in_host_names(known: &[Known]) -> Result<Self, KnownError> {
        let fits = |form: &Form| {
            let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
            form.bytes.iter().all(is_label)
        };
        let forms = |value: &[u8]| {
            let dotless: Vec<u8> = value.iter().filter(|b| **b != b'.').copied().collect();
            forms::all(&dotless)
                .into_iter()
                .chain(forms::all(value))
                .filter(fits)
                .collect()
        };
        Self::build(known, forms, true)
    }

    fn build(
        known: &[Known],
        forms: impl Fn(&[u8]) -> Vec<Form>,
        any_case: bool,
    ) -> Result<Self, KnownError> {
        let bytes = known.iter().map(|one| one.value.expose().len()).sum();
        if bytes > MAX_KNOWN_BYTES {
            return Err(KnownError::TooLong { bytes });
        }
        let mut all = Self::default();
        for one in known {
            let value = one.value.expose();
            if value.len() < MIN_KNOWN_BYTES {
                all.unwatched.push(one.name.clone());
                continue;
            }
            for form in forms(value) {
                all.longest = all.longest.max(form.bytes.len());
                all.labels.push(Label {
                    name: one.name.clone(),
                    kind: one.kind,
                    layers: form.layers,
                });
                all.sorted.push(Zeroizing::new(form.bytes));
            }
        }
        if !all.sorted.is_empty() {
            let total: usize = all.sorted.iter().map(|form| form.len()).sum();
            let kind = (total <= MAX_TABLE_BYTES).then_some(AhoCorasickKind::DFA);
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(any_case)
                .kind(kind)
                .build(all.sorted.iter().map(|form| form.as_slice()))
                .map_err(|_| KnownError::Unbuildable)?;
            all.automaton = Some(automaton);
        }
        all.sorted
            .sort_unstable_by(|a, b| a.as_slice().cmp(b.as_slice()));
        Ok(all)
    }

    /// The names of the values that are too short to be looked for.
    pub(super) fn unwatched(&self) -> &[String] {
        &self.unwatched
    }

    /// How many bytes before a place may belong to a form that ends behind it.
    pub(super) fn overlap(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// What stands in `text` and ends behind `seen`; `base` is the text's own place.
    pub(super) fn search(&self, text: &[u8], seen: usize, base: u64) -> Vec<Finding> {
        let from = seen.saturating_sub(self.overlap());
        let (Some(automaton), Some(part)) = (&self.automaton, text.get(from..)) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for hit in automaton.find_overlapping_iter(part) {
            let at = hit.start() + from..hit.end() + from;
            if at.end > seen
                && let Some(label) = self.labels.get(hit.pattern().as_usize())
            {
                found.push(label.finding(&at, base));
            }
        }
        found
    }

    /// How many bytes at the end of `text` could be the beginning of a form. Until more
    /// is known they must not leave.
    pub(super) fn held(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.overlap());
        let tail = text.get(from..).unwrap_or_default();
        (0..tail.len())
            .find(|start| tail.get(*start..).is_some_and(|end| self.begins_with(end)))
            .map_or(0, |start| tail.len() - start)
    }

    fn begins_with(&self, prefix: &[u8]) -> bool {
        let at = self.sorted.partition_point(|form| form.as_slice() < prefix);
        // The form that is the prefix itself sorts before those it begins.
        self.sorted.get(at..).is_some_and(|rest| {
            rest.iter()
                .take_while(|form| form.starts_with(prefix))
                .any(|form| form.len() > prefix.len())
        })
    }
}

impl Label {
    fn finding(&self, at: &Range<usize>, base: u64) -> Finding {
        Finding {
            rule: self.name.clone(),
            kind: self.kind,
            encoding: self.layers.clone(),
            at: base + at.start as u64..base + at.end as u64,
        }
    }
}
