//! The decisions that are shown: those of one bottle or of all, filtered, by time.
//!
//! The list is made when a page is opened or its filter changes, and grows as decisions
//! come, so that drawing looks only at what is in sight. It is bounded, whatever the
//! bottles hold.

use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::fleet::Fleet;
use super::sighting::BottleRef;
use crate::wire::{DecisionRecord, Verdict};

/// Decisions listed at most; the oldest go.
const MOST: usize = 2_000;

/// Which decisions are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionFilter {
    /// Words that all must be found in host, path, method, reason, findings or the
    /// bottle's id; `!word` must not. `refused` and `allowed` alone stand for the verdict.
    pub text: String,
    /// Whether only what was refused is shown.
    pub is_refused_only: bool,
}

/// Whose decisions are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Scope {
    /// One bottle's.
    Bottle {
        /// Which.
        bottle: BottleRef,
    },
    /// All bottles'.
    All,
}

/// A decision and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The bottle.
    pub bottle: BottleRef,
    /// The decision.
    pub decision: DecisionRecord,
}

/// Where the list is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cursor", rename_all = "snake_case")]
pub enum Cursor {
    /// The newest is selected, whichever that is.
    #[default]
    Follow,
    /// One is selected and stays so, whatever comes.
    Paused {
        /// Its place in the list.
        selected: usize,
        /// The place of the last one that may be in sight.
        last: usize,
    },
}

/// The decisions that are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidedList {
    made_for: Option<(Scope, DecisionFilter)>,
    rows: VecDeque<Decided>,
    cursor: Cursor,
}

impl DecisionFilter {
    /// Whether it lets everything through.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.is_refused_only
    }

    /// Whether a decision of a bottle is shown.
    #[must_use]
    pub fn passes(&self, bottle: &BottleRef, decision: &DecisionRecord) -> bool {
        Sieve::of(self).passes(bottle, decision)
    }

    /// Whether every word is found in a text of lower case.
    pub(super) fn finds(&self, haystack: &str) -> bool {
        words(&self.text).all(|(word, is_wanted)| haystack.contains(&word) == is_wanted)
    }
}

/// The words of a filter in lower case, and whether each must be there.
fn words(text: &str) -> impl Iterator<Item = (String, bool)> {
    text.split_whitespace().filter_map(|word| {
        let (word, is_wanted) = match word.strip_prefix('!') {
            Some(word) => (word, false),
            None => (word, true),
        };
        // A lone `!` waits for its word.
        (!word.is_empty()).then(|| (word.to_lowercase(), is_wanted))
    })
}

/// A filter that was read, for many decisions.
struct Sieve {
    words: Vec<(String, bool)>,
    is_refused_only: bool,
}

impl Sieve {
    fn of(filter: &DecisionFilter) -> Self {
        Self {
            words: words(&filter.text).collect(),
            is_refused_only: filter.is_refused_only,
        }
    }

    fn passes(&self, bottle: &BottleRef, decision: &DecisionRecord) -> bool {
        let is_refused = matches!(decision.verdict, Verdict::Denied { .. });
        if self.is_refused_only && !is_refused {
            return false;
        }
        if self.words.is_empty() {
            return true;
        }
        let haystack = haystack(bottle, decision);
        self.words.iter().all(|(word, is_wanted)| {
            let is_found = match word.as_str() {
                "refused" | "denied" => is_refused,
                "allowed" => !is_refused,
                word => haystack.contains(word),
            };
            is_found == *is_wanted
        })
    }
}

/// All that a word may be found in, in lower case.
fn haystack(bottle: &BottleRef, decision: &DecisionRecord) -> String {
    let reason = match decision.verdict {
        Verdict::Allowed => "",
        Verdict::Denied { reason } => reason.code(),
    };
    let DecisionRecord {
        method, host, port, ..
    } = decision;
    let mut text = format!("{} {method} {host}:{port}", bottle.id);
    if let Some(request) = &decision.request {
        // As it is shown, so that host and path can be one word.
        text = format!(
            "{text} {host}{} {}",
            request.path,
            request.findings.join(" ")
        );
        if let Some(status) = request.status {
            text = format!("{text} {status}");
        }
    }
    format!("{text} {reason}").to_lowercase()
}

impl DecidedList {
    /// The decisions, oldest first.
    #[must_use]
    pub const fn rows(&self) -> &VecDeque<Decided> {
        &self.rows
    }

    /// Where it is read.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The place of the selected decision.
    #[must_use]
    pub fn selected_at(&self) -> Option<usize> {
        let end = self.rows.len().checked_sub(1)?;
        Some(match self.cursor {
            Cursor::Follow => end,
            Cursor::Paused { selected, .. } => selected.min(end),
        })
    }

    /// The selected decision.
    #[must_use]
    pub fn selected(&self) -> Option<&Decided> {
        self.rows.get(self.selected_at()?)
    }

    /// The place of the first decision in sight where `height` of them are. The selected
    /// one is among them, and what comes moves nothing while the list is paused.
    #[must_use]
    pub fn first_in_sight(&self, height: usize) -> usize {
        let end = self.rows.len();
        let (selected, last) = match self.cursor {
            Cursor::Follow => (end, end),
            Cursor::Paused { selected, last } => (selected, last.saturating_add(1).min(end)),
        };
        let bottom = last.saturating_sub(height);
        bottom.min(selected.saturating_sub(height / 2))
    }

    /// How many decisions are below what may be in sight.
    #[must_use]
    pub fn below(&self) -> usize {
        match self.cursor {
            Cursor::Follow => 0,
            Cursor::Paused { last, .. } => self.rows.len().saturating_sub(last.saturating_add(1)),
        }
    }

    /// Moves the selection. Going up pauses; reaching the end follows again.
    pub(super) fn step(&mut self, step: i64) {
        let (Some(end), Some(at)) = (self.rows.len().checked_sub(1), self.selected_at()) else {
            self.cursor = Cursor::Follow;
            return;
        };
        let by = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        let selected = if step < 0 {
            at.saturating_sub(by)
        } else {
            at.saturating_add(by).min(end)
        };
        self.cursor = match self.cursor {
            _ if step > 0 && selected == end => Cursor::Follow,
            Cursor::Follow => Cursor::Paused {
                selected,
                last: end,
            },
            Cursor::Paused { last, .. } => Cursor::Paused {
                selected,
                last: last.max(selected),
            },
        };
    }

    /// Selects the place, which stays.
    pub(super) fn select(&mut self, at: usize) {
        let end = self.rows.len().saturating_sub(1);
        let last = match self.cursor {
            Cursor::Follow => end,
            Cursor::Paused { last, .. } => last,
        };
        if at <= end {
            self.cursor = Cursor::Paused { selected: at, last };
        }
    }

    /// Selects a decision, if it is listed.
    pub(super) fn select_decision(&mut self, wanted: &Decided) {
        let is_it =
            |row: &Decided| row.bottle == wanted.bottle && row.decision.seq == wanted.decision.seq;
        if let Some(at) = self.rows.iter().rposition(is_it)
            && at + 1 < self.rows.len()
        {
            self.select(at);
        }
    }

    /// The newest is selected again.
    pub(super) const fn follow(&mut self) {
        self.cursor = Cursor::Follow;
    }

    /// Forgets what it was made for, so that it is made again.
    pub(super) fn forget(&mut self) {
        self.made_for = None;
    }

    /// Lists what is to be shown, if it does not already. Says whether anything changed.
    pub(super) fn settle(
        &mut self,
        scope: Option<Scope>,
        filter: &DecisionFilter,
        fleet: &Fleet,
    ) -> bool {
        let wanted = scope.map(|scope| (scope, filter.clone()));
        if self.made_for == wanted {
            return false;
        }
        let is_same_scope = match (&self.made_for, &wanted) {
            (Some((old, _)), Some((new, _))) => old == new,
            _ => false,
        };
        // Who was reading one decision goes on reading it, if it is still there.
        let selected = match self.cursor {
            Cursor::Paused { .. } if is_same_scope => self.selected().cloned(),
            Cursor::Paused { .. } | Cursor::Follow => None,
        };
        self.rows = match &wanted {
            None => VecDeque::new(),
            Some((Scope::All, filter)) => merged(fleet.bottles().iter(), filter),
            Some((Scope::Bottle { bottle }, filter)) => {
                merged(fleet.get(bottle).into_iter(), filter)
            }
        };
        self.made_for = wanted;
        self.cursor = Cursor::Follow;
        if let Some(selected) = selected {
            self.select_decision(&selected);
        }
        true
    }

    /// Takes a decision that was just made, if it is to be shown. Says whether it is.
    pub(super) fn take(&mut self, bottle: &BottleRef, decision: &DecisionRecord) -> bool {
        let Some((scope, filter)) = &self.made_for else {
            return false;
        };
        let is_ours = match scope {
            Scope::All => true,
            Scope::Bottle { bottle: shown } => shown == bottle,
        };
        if !is_ours || !filter.passes(bottle, decision) {
            return false;
        }
        // Nearly always the newest of all; a bottle that is heard of first tells old ones.
        let newer = self.rows.iter().rev();
        let newer = newer
            .take_while(|row| row.decision.at > decision.at)
            .count();
        let at = self.rows.len() - newer;
        if at == 0 && self.rows.len() >= MOST {
            return false;
        }
        let decided = Decided {
            bottle: bottle.clone(),
            decision: decision.clone(),
        };
        self.rows.insert(at, decided);
        self.moved(|place| if place >= at { place + 1 } else { place });
        if self.rows.len() > MOST {
            self.rows.pop_front();
            self.moved(|place| place.saturating_sub(1));
        }
        true
    }

    fn moved(&mut self, to: impl Fn(usize) -> usize) {
        if let Cursor::Paused { selected, last } = &mut self.cursor {
            *selected = to(*selected);
            *last = to(*last);
        }
    }
}

/// The newest decisions of bottles that pass, oldest first.
fn merged<'a>(
    bottles: impl Iterator<Item = &'a Bottle>,
    filter: &DecisionFilter,
) -> VecDeque<Decided> {
    let sieve = Sieve::of(filter);
    let bottles: Vec<&Bottle> = bottles.collect();
    let mut rests: Vec<_> = bottles
        .iter()
        .map(|bottle| bottle.decisions.iter().rev().peekable())
        .collect();
    // The newest of each bottle, the newest of all on top.
    let mut newest: BinaryHeap<_> = rests
        .iter_mut()
        .enumerate()
        .filter_map(|(of, rest)| rest.peek().map(|decision| (decision.at, of)))
        .collect();
    let mut rows = VecDeque::new();
    while let Some((_, of)) = newest.pop() {
        let (Some(bottle), Some(rest)) = (bottles.get(of), rests.get_mut(of)) else {
            continue;
        };
        if let Some(decision) = rest.next()
            && sieve.passes(&bottle.bottle, decision)
        {
            rows.push_front(Decided {
                bottle: bottle.bottle.clone(),
                decision: decision.clone(),
            });
            if rows.len() >= MOST {
                break;
            }
        }
        newest.extend(rest.peek().map(|decision| (decision.at, of)));
    }
    // Of one bottle they are in the order in which they were told; its clock may have
    // been set back in between.
    rows.make_contiguous().sort_by_key(|row| row.decision.at);
    rows
}
