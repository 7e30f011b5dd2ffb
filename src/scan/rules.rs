//! The rule set: data of `assets/secret-rules.json`, read and compiled once, late.
//!
//! Reading the file and building the automaton of words waits for the first scan, each
//! rule's regex for the first place that has its shape, so that an idle proxy pays
//! nothing and a busy one only for what it meets.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::Hir;
use serde::Deserialize;

use super::allow::{Allowlist, AllowlistSource};
use super::shape::{self, Beginning};
use super::words::Words;

/// A pattern is found up to this length, from its first byte to its last.
pub(super) const MAX_PATTERN_BYTES: usize = 8 * 1024;
/// A keyword counts for a match this near, even if it is no part of it.
pub(super) const NEIGHBOURHOOD_BYTES: usize = 512;

/// What a rule's lazily built automaton may take. Regexes run from the heads of matches on,
/// so they meet few states; eight times as much was no faster, also for those that sweep.
const CACHE_BYTES: usize = 256 * 1024;

const SOURCE: &str = include_str!("../../assets/secret-rules.json");
static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);

/// All rules and the words that lead to them.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    pub(super) allowlists: Vec<Allowlist>,
    /// Over all keywords and heads; the number of a word is the place in `roles`.
    pub(super) words: Option<Words>,
    pub(super) roles: Vec<Roles>,
}

/// What a word means to the rules, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Roles {
    /// It is a keyword of these: they are to be looked for around it.
    pub(super) wakes: Vec<usize>,
    /// Matches of these have it at their head.
    pub(super) begins: Vec<usize>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) entropy: Option<f64>,
    pub(super) secret_group: Option<usize>,
    pub(super) allowlists: Vec<Allowlist>,
    /// How its matches begin, if that can be said; then its regex lacks their lead.
    pub(super) beginning: Option<Beginning>,
    /// How far around a keyword it must look.
    pub(super) reach: usize,
    source: String,
    regex: OnceLock<Option<Regex>>,
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
        let mut roles: BTreeMap<Vec<u8>, Roles> = BTreeMap::new();
        let mut all = Vec::new();
        for (number, source) in source.rules.into_iter().enumerate() {
            let keywords: Vec<Vec<u8>> = source
                .keywords
                .iter()
                .map(|word| word.as_bytes().to_vec())
                .collect();
            let rule = Rule::from(source);
            for head in rule.heads(&keywords) {
                roles.entry(head).or_default().begins.push(number);
            }
            for word in keywords {
                roles.entry(word).or_default().wakes.push(number);
            }
            all.push(rule);
        }
        let (words, roles): (Vec<_>, Vec<_>) = roles.into_iter().unzip();
        Self {
            all,
            allowlists: source.allowlists.into_iter().map(Into::into).collect(),
            words: Words::new(&words).ok(),
            roles,
        }
    }
}

impl From<RuleSource> for Rule {
    fn from(source: RuleSource) -> Self {
        let hir = shape::parse(&source.regex);
        let longest = hir.as_ref().and_then(|hir| hir.properties().maximum_len());
        let beginning = hir.as_ref().and_then(Beginning::of);
        Self {
            id: source.id,
            entropy: source.entropy,
            secret_group: source.secret_group,
            allowlists: source.allowlists.into_iter().map(Into::into).collect(),
            beginning: beginning.map(|(beginning, _)| beginning),
            reach: longest
                .unwrap_or(MAX_PATTERN_BYTES)
                .clamp(NEIGHBOURHOOD_BYTES, MAX_PATTERN_BYTES),
            source: source.regex,
            regex: OnceLock::new(),
        }
    }
}

impl Rule {
    /// The rule's regex, compiled by whoever asks first.
    pub(super) fn compiled(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| {
                let hir = shape::parse(&self.source)?;
                match self.beginning {
                    Some(_) => build(&Beginning::of(&hir)?.1),
                    None => build(&hir),
                }
            })
            .as_ref()
    }

    /// The words at the head of its matches. A keyword that does as well is taken for one:
    /// it is in the automaton anyway.
    fn heads(&self, keywords: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let Some(beginning) = &self.beginning else {
            return Vec::new();
        };
        let mut heads: Vec<Vec<u8>> = beginning
            .heads
            .iter()
            .map(|head| {
                let mut same = keywords.iter().filter(|word| head.starts_with(word));
                same.next().unwrap_or(head).clone()
            })
            .collect();
        heads.sort();
        heads.dedup();
        heads
    }

    #[cfg(test)]
    pub(super) fn regex(&self) -> &str {
        &self.source
    }

    /// The words that wake it.
    #[cfg(test)]
    pub(super) fn keywords(&self) -> &'static [String] {
        static KEYWORDS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
            let source: Source = serde_json::from_str(SOURCE).unwrap();
            let of = |rule: RuleSource| (rule.id, rule.keywords);
            source.rules.into_iter().map(of).collect()
        });
        &KEYWORDS[&self.id]
    }

    /// Whether another rule's finding in the same place says more.
    pub(super) fn is_generic(&self) -> bool {
        self.id.starts_with("generic")
    }
}

/// Compiles a regex of bytes.
pub(super) fn compile(regex: &str) -> Option<Regex> {
    build(&shape::parse(regex)?)
}

fn build(hir: &Hir) -> Option<Regex> {
    let config = Regex::config()
        .utf8_empty(false)
        .which_captures(WhichCaptures::All)
        .hybrid_cache_capacity(CACHE_BYTES);
    Regex::builder().configure(config).build_from_hir(hir).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_and_allowlist_compiles() {
        let rules = Rules::get();
        assert_eq!(rules.all.len(), 220);
        assert!(rules.words.is_some());
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
            assert!(rules.roles.iter().any(|role| role.wakes.contains(&number)));
        }
    }

    /// The others are swept by their regex wherever a keyword stands, which is slow: no
    /// ordinary word may be among their keywords.
    #[test]
    fn rules_of_ordinary_words_are_known_by_their_beginning() {
        let swept: Vec<&str> = Rules::get()
            .all
            .iter()
            .filter(|rule| rule.beginning.is_none())
            .map(|rule| rule.id.as_str())
            .collect();
        assert_eq!(
            swept,
            [
                "atlassian-api-token",
                "azure-ad-client-secret",
                "facebook-access-token",
                "freemius-secret-key",
                "hashicorp-tf-api-token",
                "maxmind-license-key",
                "sourcegraph-access-token",
            ]
        );
    }
}
