//! The rule set: data of `assets/secret-rules.json`, read and compiled once, late.
//!
//! Reading the file and building the prefilter waits for the first scan, each rule's
//! regex for the first hit of one of its keywords, so that an idle proxy pays nothing
//! and a busy one only for what it meets.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError};
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use serde::Deserialize;

use super::allow::{Allowlist, AllowlistSource};

/// A pattern is found up to this length, from its first byte to its last.
pub(super) const MAX_PATTERN_BYTES: usize = 8 * 1024;
/// A keyword counts for a match this near, even if it is no part of it.
pub(super) const NEIGHBOURHOOD_BYTES: usize = 512;

/// What a rule's lazily built automaton may take; with an eighth of it half of the time
/// went into building its states again.
const CACHE_BYTES: usize = 2 * 1024 * 1024;

const SOURCE: &str = include_str!("../../assets/secret-rules.json");
static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);

/// All rules and the keywords that wake them.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    pub(super) allowlists: Vec<Allowlist>,
    /// Over all keywords; the number of a pattern is the place in `woken`.
    pub(super) keywords: Option<AhoCorasick>,
    /// The rules that a keyword wakes.
    pub(super) woken: Vec<Vec<usize>>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) entropy: Option<f64>,
    pub(super) secret_group: Option<usize>,
    pub(super) allowlists: Vec<Allowlist>,
    regex: String,
    compiled: OnceLock<Option<Compiled>>,
}

/// A rule's regex and how far around a keyword it must look.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) regex: Regex,
    pub(super) reach: usize,
}

#[derive(Debug, Deserialize)]
struct Source {
    allowlists: Vec<AllowlistSource>,
    rules: Vec<RuleSource>,
}

#[derive(Debug, Deserialize)]
struct RuleSource {
    id: String,
    regex: String,
    keywords: Vec<String>,
    entropy: Option<f64>,
    secret_group: Option<usize>,
    #[serde(default)]
    allowlists: Vec<AllowlistSource>,
}

impl Rules {
    /// The rule set of this build.
    pub(super) fn get() -> &'static Self {
        &RULES
    }

    #[expect(
        clippy::expect_used,
        reason = "the data are part of the binary and a test reads them: no input can make this fail"
    )]
    fn read() -> Self {
        let source: Source = serde_json::from_str(SOURCE).expect("rules of this build");
        let mut words: Vec<String> = Vec::new();
        let mut woken: Vec<Vec<usize>> = Vec::new();
        for (number, rule) in source.rules.iter().enumerate() {
            for word in &rule.keywords {
                if let Some(at) = words.iter().position(|known| known == word) {
                    woken
                        .get_mut(at)
                        .into_iter()
                        .for_each(|list| list.push(number));
                } else {
                    words.push(word.clone());
                    woken.push(vec![number]);
                }
            }
        }
        Self {
            all: source.rules.into_iter().map(Rule::from).collect(),
            allowlists: source.allowlists.into_iter().map(Into::into).collect(),
            keywords: prefilter(&words).ok(),
            woken,
        }
    }
}

fn prefilter(words: &[String]) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
}

impl From<RuleSource> for Rule {
    fn from(source: RuleSource) -> Self {
        Self {
            id: source.id,
            entropy: source.entropy,
            secret_group: source.secret_group,
            allowlists: source.allowlists.into_iter().map(Into::into).collect(),
            regex: source.regex,
            compiled: OnceLock::new(),
        }
    }
}

impl Rule {
    /// The rule's regex, compiled by whoever asks first.
    pub(super) fn compiled(&self) -> Option<&Compiled> {
        self.compiled
            .get_or_init(|| {
                let regex = compile(&self.regex).ok()?;
                let longest = longest(&self.regex).unwrap_or(MAX_PATTERN_BYTES);
                let reach = longest.clamp(NEIGHBOURHOOD_BYTES, MAX_PATTERN_BYTES);
                Some(Compiled { regex, reach })
            })
            .as_ref()
    }

    #[cfg(test)]
    pub(super) fn regex(&self) -> &str {
        &self.regex
    }

    /// The words that wake it.
    #[cfg(test)]
    pub(super) fn keywords(&self) -> Vec<String> {
        let source: Source = serde_json::from_str(SOURCE).expect("rules of this build");
        let mine = source.rules.into_iter().find(|rule| rule.id == self.id);
        mine.map(|rule| rule.keywords).unwrap_or_default()
    }

    /// Whether another rule's finding in the same place says more.
    pub(super) fn is_generic(&self) -> bool {
        self.id.starts_with("generic")
    }
}

fn classes() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// Compiles as gitleaks means it: bytes, and `\w`, `\b` and `(?i)` for ASCII only. In
/// Unicode mode the set costs 557 MB and is 27 times slower, for the same hits.
pub(super) fn compile(regex: &str) -> Result<Regex, Box<regex_automata::meta::BuildError>> {
    let config = Regex::config()
        .utf8_empty(false)
        .which_captures(WhichCaptures::All)
        .hybrid_cache_capacity(CACHE_BYTES);
    let mut builder = Regex::builder();
    builder.syntax(classes()).configure(config);
    builder.build(regex).map_err(Box::new)
}

/// The longest match a regex can have, if it has one.
fn longest(regex: &str) -> Option<usize> {
    let hir = syntax::parse_with(regex, &classes()).ok()?;
    hir.properties().maximum_len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_allowlist_compiles() {
        let rules = Rules::get();
        assert_eq!(rules.all.len(), 220);
        assert!(rules.keywords.is_some());
        for rule in &rules.all {
            assert!(rule.compiled().is_some(), "{}", rule.id);
            let lists = rule.allowlists.iter().chain(&rules.allowlists);
            assert!(lists.into_iter().all(Allowlist::is_sound), "{}", rule.id);
        }
    }

    #[test]
    fn every_rule_has_a_keyword_that_wakes_it() {
        let rules = Rules::get();
        for number in 0..rules.all.len() {
            assert!(rules.woken.iter().any(|woken| woken.contains(&number)));
        }
    }
}
