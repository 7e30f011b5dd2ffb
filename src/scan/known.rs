//! Known values: one search for every form of each of them.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use zeroize::Zeroizing;

use super::finding::{Finding, Kind, Layer};
use super::forms::{self, Form};
use super::suffixes::{Prefixes, Suffixes};
use crate::secret::Secret;

/// Shorter values are not looked for: their encodings occur by chance, and a scan that
/// cries at ordinary text is soon turned off.
pub const MIN_KNOWN_BYTES: usize = 8;
/// All values together: far more than tokens need. Chosen, not measured.
const MAX_KNOWN_BYTES: usize = 64 * 1024;

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
    /// More bytes in all than are allowed.
    #[error("watch {bytes} bytes of secrets: at most {MAX_KNOWN_BYTES} can be watched")]
    TooLong {
        /// The bytes of all values.
        bytes: usize,
    },
    /// The automaton for host names could not be built.
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

/// The bytes of forms.
type Written = Vec<Zeroizing<Vec<u8>>>;

/// All known values of one scanner, in the clear.
#[derive(Debug, Default)]
pub(super) struct KnownValues {
    search: Search,
    /// For each form what it belongs to.
    labels: Vec<Label>,
    prefixes: Prefixes,
    longest: usize,
    unwatched: Vec<String>,
}

/// How the forms are looked for.
#[derive(Debug, Default)]
enum Search {
    #[default]
    Nothing,
    /// In bodies: fast, and no byte is looked at twice.
    Suffixes(Suffixes),
    /// In host names: in any case. They are short and rare.
    AnyCase(AhoCorasick),
}

impl KnownValues {
    /// Every form of each value, case being told apart.
    pub(super) fn of(known: &[Known]) -> Result<Self, KnownError> {
        let (mut all, forms) = Self::label(known, forms::all)?;
        all.prefixes = Prefixes::new(&forms);
        if !forms.is_empty() {
            all.search = Search::Suffixes(Suffixes::new(forms));
        }
        Ok(all)
    }

    /// The forms that survive in a host name, where case does not.
    pub(super) fn in_host_names(known: &[Known]) -> Result<Self, KnownError> {
        let fits = |form: &Form| {
            let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
            form.bytes.iter().all(is_label)
        };
        let (mut all, forms) = Self::label(known, |value| {
            let dotless: Vec<u8> = value.iter().filter(|b| **b != b'.').copied().collect();
            forms::all(&dotless)
                .into_iter()
                .chain(forms::all(value))
                .filter(fits)
                .collect()
        })?;
        if !forms.is_empty() {
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(forms.iter().map(|form| form.as_slice()))
                .map_err(|_| KnownError::Unbuildable)?;
            all.search = Search::AnyCase(automaton);
        }
        Ok(all)
    }

    /// The labels of all forms, and the forms in the same order.
    fn label(
        known: &[Known],
        forms: impl Fn(&[u8]) -> Vec<Form>,
    ) -> Result<(Self, Written), KnownError> {
        let bytes = known.iter().map(|one| one.value.expose().len()).sum();
        if bytes > MAX_KNOWN_BYTES {
            return Err(KnownError::TooLong { bytes });
        }
        let mut all = Self::default();
        let mut written = Vec::new();
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
                written.push(Zeroizing::new(form.bytes));
            }
        }
        Ok((all, written))
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
        let mut found = Vec::new();
        let mut note = |form: usize, at: Range<usize>| {
            if let Some(label) = self.labels.get(form) {
                found.push(label.finding(&at, base));
            }
        };
        match &self.search {
            Search::Nothing => {}
            Search::Suffixes(forms) => forms.search(text, seen, note),
            Search::AnyCase(forms) => forms
                .find_overlapping_iter(text)
                .filter(|hit| hit.end() > seen)
                .for_each(|hit| note(hit.pattern().as_usize(), hit.range())),
        }
        found
    }

    /// How many bytes at the end of `text` could be the beginning of a form. Until more
    /// is known they must not leave.
    pub(super) fn held(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.overlap());
        self.prefixes.held(text.get(from..).unwrap_or_default())
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
