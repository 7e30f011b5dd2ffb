//! Rules applied to a stretch of text: keywords first, regexes only around them.

use std::ops::Range;

use regex_automata::Input;

use super::allow::{Allowlist, Match};
use super::entropy::bits_per_byte;
use super::rules::{Compiled, Rule, Rules};

/// What a rule found: the secret's range, without the words around it.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) rule: &'static Rule,
    pub(super) at: Range<usize>,
}

/// Finds what the rules know of in `text`. Only matches that begin in `area` count;
/// the rest of the text is context.
pub(super) fn search(text: &[u8], area: &Range<usize>) -> Vec<Hit> {
    let rules = Rules::get();
    let Some(keywords) = &rules.keywords else {
        return Vec::new();
    };
    let mut windows = Windows::new(rules.all.len());
    let mut hits = Vec::new();
    for keyword in keywords.find_overlapping_iter(text) {
        let Some(woken) = rules.woken.get(keyword.pattern().as_usize()) else {
            continue;
        };
        for number in woken {
            let Some((rule, compiled)) = rules
                .all
                .get(*number)
                .and_then(|rule| Some((rule, rule.compiled()?)))
            else {
                continue;
            };
            let window = keyword.start().saturating_sub(compiled.reach)
                ..keyword.end().saturating_add(compiled.reach).min(text.len());
            if let Some(closed) = windows.widen(*number, window) {
                run(rule, compiled, text, &closed, area, &mut hits);
            }
        }
    }
    for (number, window) in windows.rest() {
        if let Some(rule) = rules.all.get(number)
            && let Some(compiled) = rule.compiled()
        {
            run(rule, compiled, text, &window, area, &mut hits);
        }
    }
    without_echoes(hits)
}

/// For each rule the window that its keywords have opened so far.
#[derive(Debug)]
struct Windows {
    open: Vec<Option<Range<usize>>>,
    touched: Vec<usize>,
}

impl Windows {
    fn new(rules: usize) -> Self {
        Self {
            open: vec![None; rules],
            touched: Vec::new(),
        }
    }

    /// Joins the window to the rule's open one, or closes that and opens this.
    fn widen(&mut self, rule: usize, window: Range<usize>) -> Option<Range<usize>> {
        let slot = self.open.get_mut(rule)?;
        match slot {
            Some(open) if window.start <= open.end => {
                open.end = open.end.max(window.end);
                open.start = open.start.min(window.start);
                None
            }
            Some(open) => Some(std::mem::replace(open, window)),
            None => {
                self.touched.push(rule);
                *slot = Some(window);
                None
            }
        }
    }

    fn rest(self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let Self { mut open, touched } = self;
        touched
            .into_iter()
            .filter_map(move |rule| Some((rule, open.get_mut(rule)?.take()?)))
    }
}

fn run(
    rule: &'static Rule,
    compiled: &Compiled,
    text: &[u8],
    window: &Range<usize>,
    area: &Range<usize>,
    hits: &mut Vec<Hit>,
) {
    let mut from = window.start.max(area.start);
    // The range bounds the search, not what `\b` and `$` see.
    while from < window.end.min(area.end) {
        let input = Input::new(text).range(from..window.end);
        let Some(found) = compiled.regex.search(&input) else {
            return;
        };
        if found.start() >= area.end {
            return;
        }
        let whole = found.range();
        let secret = secret(rule, compiled, text, &whole);
        from = whole.end.max(from.saturating_add(1));
        let found = Match {
            text,
            whole,
            secret,
        };
        if is_secret(rule, &found) {
            let at = found.secret;
            hits.push(Hit { rule, at });
        }
    }
}

/// The rule's group, else the first group that took part, else the whole match.
fn secret(rule: &Rule, compiled: &Compiled, text: &[u8], whole: &Range<usize>) -> Range<usize> {
    if compiled.regex.captures_len() < 2 {
        return whole.clone();
    }
    let mut groups = compiled.regex.create_captures();
    let input = Input::new(text).range(whole.clone());
    compiled.regex.search_captures(&input, &mut groups);
    let group = match rule.secret_group {
        Some(number) => groups.get_group(number),
        None => groups
            .iter()
            .skip(1)
            .flatten()
            .find(|group| !group.is_empty()),
    };
    group.map_or_else(|| whole.clone(), |span| span.range())
}

fn is_secret(rule: &Rule, found: &Match<'_>) -> bool {
    let secret = found.text.get(found.secret.clone()).unwrap_or_default();
    let is_random = rule
        .entropy
        .is_none_or(|least| bits_per_byte(secret) > least);
    let allows = |list: &Allowlist| list.allows(found);
    is_random && !rule.allowlists.iter().any(allows) && !Rules::get().allowlists.iter().any(allows)
}

/// Drops generic hits where a rule of its own names the same bytes.
fn without_echoes(hits: Vec<Hit>) -> Vec<Hit> {
    let named: Vec<Range<usize>> = hits
        .iter()
        .filter(|hit| !hit.rule.is_generic())
        .map(|hit| hit.at.clone())
        .collect();
    let is_echo = |hit: &Hit| {
        let meets = |other: &Range<usize>| other.start < hit.at.end && hit.at.start < other.end;
        hit.rule.is_generic() && named.iter().any(meets)
    };
    hits.into_iter().filter(|hit| !is_echo(hit)).collect()
}
