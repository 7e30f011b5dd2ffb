//! Rules applied to a stretch of text: words first, then shapes, regexes only where both
//! allow a match.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use super::allow::{Allowlist, Match};
use super::entropy::bits_per_byte;
use super::rules::{Rule, Rules};
use super::shape::Beginning;
use super::view::View;
use super::words::Spot;

/// What a rule found: the secret's range, without the words around it.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) rule: &'static Rule,
    pub(super) at: Range<usize>,
}

/// Where the words of the rules stand in `text`.
pub(super) fn spots(text: &[u8]) -> Vec<Spot> {
    let words = Rules::get().words.as_ref();
    words.map(|words| words.find(text)).unwrap_or_default()
}

/// Adds the places in `text` that end behind `seen`.
pub(super) fn add_spots(text: &[u8], seen: usize, spots: &mut Vec<Spot>) {
    let Some(words) = Rules::get().words.as_ref() else {
        return;
    };
    let from = seen.saturating_sub(words.overlap());
    let found = words.find(text.get(from..).unwrap_or_default());
    let placed = found.into_iter().map(|spot| spot.moved_on(from));
    spots.extend(placed.filter(|spot| spot.end > seen));
}

/// Where they stand in a text with its escapes undone, given where they stand in the text
/// itself.
pub(super) fn spots_in(view: &View, outer: &[Spot]) -> Vec<Spot> {
    let words = Rules::get().words.as_ref();
    words
        .map(|words| view.spots(outer, words))
        .unwrap_or_default()
}

/// Finds what the rules know of in `text`, whose words stand at `spots`. Only matches that
/// begin in `area` count; the rest of the text is context.
pub(super) fn search(text: &[u8], area: &Range<usize>, spots: &[Spot]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for places in Places::of_all(text, area, spots) {
        let Some(regex) = places.rule.compiled().filter(|_| places.is_hopeful()) else {
            continue;
        };
        let search = Search {
            rule: places.rule,
            regex,
            text,
            area,
        };
        for window in &places.windows {
            match &places.rule.beginning {
                Some(beginning) => search.at(beginning, &places.heads, window, &mut hits),
                None => search.sweep(window, &mut hits),
            }
        }
    }
    without_echoes(hits)
}

/// Where one rule is to be looked for.
#[derive(Debug)]
struct Places {
    rule: &'static Rule,
    /// What its keywords open, ascending and apart.
    windows: Vec<Range<usize>>,
    /// Where a match can have its head.
    heads: Vec<usize>,
}

impl Places {
    /// For each rule that a word leads to.
    fn of_all(text: &[u8], area: &Range<usize>, spots: &[Spot]) -> Vec<Self> {
        let rules = Rules::get();
        let mut all: Vec<Self> = Vec::new();
        if spots.is_empty() {
            return all;
        }
        let mut numbers: Vec<Option<u16>> = vec![None; rules.all.len()];
        let mut of = |rule: usize, all: &mut Vec<Self>| -> Option<usize> {
            let number = numbers.get_mut(rule)?;
            if number.is_none() {
                all.push(Self {
                    rule: rules.all.get(rule)?,
                    windows: Vec::new(),
                    heads: Vec::new(),
                });
                *number = u16::try_from(all.len() - 1).ok();
            }
            number.map(usize::from)
        };
        for spot in spots {
            let Some(roles) = rules.roles.get(spot.word) else {
                continue;
            };
            for rule in &roles.wakes {
                if let Some(places) = of(*rule, &mut all).and_then(|at| all.get_mut(at)) {
                    places.widen(spot, text.len());
                }
            }
            for rule in &roles.begins {
                let beginning = rules
                    .all
                    .get(*rule)
                    .and_then(|rule| rule.beginning.as_ref());
                let fits = |beginning: &Beginning| {
                    spot.start >= area.start
                        && spot.start < area.end + beginning.max_lead()
                        && beginning.fits(text, spot.start)
                };
                if beginning.is_some_and(fits)
                    && let Some(places) = of(*rule, &mut all).and_then(|at| all.get_mut(at))
                {
                    places.heads.push(spot.start);
                }
            }
        }
        for places in &mut all {
            // Of two heads in one place one is enough, and spots are sorted by their ends.
            places.heads.sort_unstable();
            places.heads.dedup();
        }
        all
    }

    /// Opens a window around a keyword, or widens the last one.
    fn widen(&mut self, keyword: &Spot, end: usize) {
        let reach = self.rule.reach;
        let window = keyword.start.saturating_sub(reach)..(keyword.end + reach).min(end);
        match self.windows.last_mut() {
            Some(last) if window.start <= last.end => {
                last.end = last.end.max(window.end);
                last.start = last.start.min(window.start);
            }
            _ => self.windows.push(window),
        }
    }

    fn is_hopeful(&self) -> bool {
        !self.windows.is_empty() && (self.rule.beginning.is_none() || !self.heads.is_empty())
    }
}

/// One rule in one text.
#[derive(Debug)]
struct Search<'a> {
    rule: &'static Rule,
    regex: &'a Regex,
    text: &'a [u8],
    area: &'a Range<usize>,
}

impl Search<'_> {
    /// Tries each head. As if the whole regex searched the window: the leftmost match
    /// has the leftmost head that matches, because no lead reaches over another's start.
    fn at(
        &self,
        beginning: &Beginning,
        heads: &[usize],
        window: &Range<usize>,
        hits: &mut Vec<Hit>,
    ) {
        let mut from = window.start.max(self.area.start);
        for head in heads {
            if from >= window.end.min(self.area.end) || *head >= window.end {
                return;
            }
            if *head < from {
                continue;
            }
            let start = beginning.start(self.text, *head, from);
            if start >= self.area.end {
                return;
            }
            // The range bounds the search, not what `\b` and `$` see.
            let input = Input::new(self.text).range(*head..window.end);
            if let Some(found) = self.regex.search(&input.anchored(Anchored::Yes)) {
                let secret = self.secret(*head..found.end());
                from = found.end().max(from + 1);
                judge(self.rule, self.text, start..found.end(), secret, hits);
            }
        }
    }

    /// Lets the regex look at the whole window.
    fn sweep(&self, window: &Range<usize>, hits: &mut Vec<Hit>) {
        let mut from = window.start.max(self.area.start);
        while from < window.end.min(self.area.end) {
            let input = Input::new(self.text).range(from..window.end);
            let Some(found) = self.regex.search(&input) else {
                return;
            };
            if found.start() >= self.area.end {
                return;
            }
            let whole = found.range();
            from = whole.end.max(from.saturating_add(1));
            let secret = self.secret(whole.clone());
            judge(self.rule, self.text, whole, secret, hits);
        }
    }

    /// The rule's group, else the first group that took part, else all of `found`.
    fn secret(&self, found: Range<usize>) -> Option<Range<usize>> {
        if self.regex.captures_len() < 2 {
            return None;
        }
        let mut groups = self.regex.create_captures();
        let input = Input::new(self.text).range(found).anchored(Anchored::Yes);
        self.regex.search_captures(&input, &mut groups);
        let group = match self.rule.secret_group {
            Some(number) => groups.get_group(number),
            None => groups
                .iter()
                .skip(1)
                .flatten()
                .find(|group| !group.is_empty()),
        };
        group.map(|span| span.range())
    }
}

/// Notes a match unless something says that it is none.
pub(super) fn judge(
    rule: &'static Rule,
    text: &[u8],
    whole: Range<usize>,
    secret: Option<Range<usize>>,
    hits: &mut Vec<Hit>,
) {
    let secret = secret.unwrap_or_else(|| whole.clone());
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

fn is_secret(rule: &Rule, found: &Match<'_>) -> bool {
    let secret = found.text.get(found.secret.clone()).unwrap_or_default();
    let is_random = rule
        .entropy
        .is_none_or(|least| bits_per_byte(secret) > least);
    let allows = |list: &Allowlist| list.allows(found);
    is_random && !rule.allowlists.iter().any(allows) && !Rules::get().allowlists.iter().any(allows)
}

/// Drops generic hits where a rule of its own names the same bytes.
pub(super) fn without_echoes(hits: Vec<Hit>) -> Vec<Hit> {
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
