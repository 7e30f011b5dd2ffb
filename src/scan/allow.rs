//! Allowlists: what has the shape of a secret and is none.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex_automata::meta::Regex;
use serde::Deserialize;

use super::rules::compile;

/// Lines are looked at no farther than this to either side of a match.
const LINE_REACH_BYTES: usize = 512;

/// What an allowlist's regexes look at.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// One allowlist as the data file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowlistSource {
    #[serde(default)]
    target: Target,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// One allowlist, compiled when a match first asks it.
#[derive(Debug)]
pub(super) struct Allowlist {
    target: Target,
    regex: Lazy<Option<Regex>>,
    stopwords: Lazy<Option<AhoCorasick>>,
}

type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// A match and where its secret lies in the text.
#[derive(Debug)]
pub(super) struct Match<'a> {
    pub(super) text: &'a [u8],
    pub(super) whole: Range<usize>,
    pub(super) secret: Range<usize>,
}

impl From<AllowlistSource> for Allowlist {
    fn from(source: AllowlistSource) -> Self {
        let AllowlistSource {
            target,
            regexes,
            stopwords,
        } = source;
        Self {
            target,
            regex: LazyLock::new(Box::new(move || {
                if regexes.is_empty() {
                    return None;
                }
                compile(&format!("(?:{})", regexes.join(")|(?:")))
            })),
            stopwords: LazyLock::new(Box::new(move || {
                if stopwords.is_empty() {
                    return None;
                }
                let mut builder = AhoCorasick::builder();
                builder.ascii_case_insensitive(true).build(&stopwords).ok()
            })),
        }
    }
}

impl Allowlist {
    /// Whether the match is none, by this list. A list that does not compile allows
    /// nothing; a test proves that all do.
    pub(super) fn allows(&self, found: &Match<'_>) -> bool {
        let secret = found.text.get(found.secret.clone()).unwrap_or_default();
        let target = match self.target {
            Target::Secret => secret,
            Target::Match => found.text.get(found.whole.clone()).unwrap_or_default(),
            Target::Line => line(found),
        };
        self.regex
            .as_ref()
            .is_some_and(|regex| regex.is_match(target))
            || self
                .stopwords
                .as_ref()
                .is_some_and(|words| words.is_match(secret))
    }

    /// Whether all that it is made of compiles.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        self.regex.is_some() || self.stopwords.is_some()
    }
}

/// The line around a match, cut where it is very long.
fn line<'a>(found: &Match<'a>) -> &'a [u8] {
    let floor = found.whole.start.saturating_sub(LINE_REACH_BYTES);
    let before = found.text.get(floor..found.whole.start).unwrap_or_default();
    let behind = found.text.get(found.whole.end..).unwrap_or_default();
    let behind = behind.get(..LINE_REACH_BYTES).unwrap_or(behind);
    let newline = |byte: &u8| *byte == b'\n';
    let start = floor + before.iter().rposition(newline).map_or(0, |at| at + 1);
    let end = found.whole.end + behind.iter().position(newline).unwrap_or(behind.len());
    found.text.get(start..end).unwrap_or_default()
}
