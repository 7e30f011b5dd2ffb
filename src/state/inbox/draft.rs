//! A yes that is being made up: for what, on which terms, and what it accepts.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::look::RequestLook;
use super::{Looked, RequestRef};
use crate::policy::LineDiff;
use crate::request::{Ask, Scope, Terms};
use crate::spec::Digest;

/// How many findings of one kind a question names.
const MOST_NAMED: usize = 40;

/// A request and exactly what was shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRequest {
    /// Which.
    pub request: RequestRef,
    /// Its content.
    pub content: Digest,
    /// The spec that its effect was shown against.
    pub spec: Digest,
}

/// A finding that needs a yes of its own, and in which bottles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftFinding {
    /// Its line and words.
    pub words: String,
    /// The bottles that it is found in.
    pub bottles: Vec<String>,
}

/// A yes before it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What it is for.
    pub shown: Vec<ShownRequest>,
    /// What the operator made of it.
    pub edited: Option<Box<Ask>>,
    /// What it does, of each bottle that differs from the ones before.
    pub effects: Vec<DraftFinding>,
    /// What it accepts beside that.
    pub findings: Vec<DraftFinding>,
    /// Whether time and uses can be bounded: those of a route can.
    pub is_route: bool,
    /// On which terms.
    pub terms: TermsDraft,
    /// What it changes in the operator's own file, once that was looked up for the terms.
    #[serde(default)]
    pub manifest: Option<Box<ManifestLook>>,
}

/// What a yes changes in the operator's own file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLook {
    /// Names the change, so that a yes covers this one alone.
    pub digest: Digest,
    /// The file's name and how it changes; none if it says so already.
    pub change: Option<(String, LineDiff)>,
}

/// For how long something is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantTime {
    /// Until it is taken away.
    #[default]
    Always,
    /// Ten minutes.
    TenMinutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl GrantTime {
    const ALL: [Self; 4] = [Self::Always, Self::TenMinutes, Self::Hour, Self::Day];

    /// How long, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Always => "until you take it away",
            Self::TenMinutes => "10 minutes",
            Self::Hour => "1 hour",
            Self::Day => "1 day",
        }
    }

    const fn span(self) -> Option<Duration> {
        match self {
            Self::Always => None,
            Self::TenMinutes => Some(Duration::from_mins(10)),
            Self::Hour => Some(Duration::from_hours(1)),
            Self::Day => Some(Duration::from_hours(24)),
        }
    }
}

/// How often something may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantUses {
    /// As often as it likes.
    #[default]
    Any,
    /// So many requests; 0 while the number is being typed.
    Only(u64),
}

impl GrantUses {
    /// How often, in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Any => String::from("any number of requests"),
            Self::Only(1) => String::from("once: one request"),
            Self::Only(uses) => format!("{uses} requests"),
        }
    }
}

/// Terms while they are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsDraft {
    /// For how long.
    pub time: GrantTime,
    /// How often.
    pub uses: GrantUses,
    /// For whom.
    pub scope: Scope,
}

/// A line of the form of terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsLine {
    /// For how long.
    Time,
    /// How often.
    Uses,
    /// For whom.
    #[default]
    Scope,
}

impl TermsDraft {
    /// The terms, from now on.
    #[must_use]
    pub fn terms(self, now: Timestamp) -> Terms {
        let until = self.time.span().map(|span| now + span);
        Terms {
            scope: self.scope,
            until,
            uses: match self.uses {
                GrantUses::Any => None,
                GrantUses::Only(uses) => Some(uses.max(1)),
            },
        }
    }

    /// The terms in words, for a question.
    #[must_use]
    pub fn words(self, is_route: bool) -> String {
        let scope = scope_words(self.scope);
        if !is_route {
            return scope.to_owned();
        }
        let mut parts = vec![scope.to_owned(), self.time.words().to_owned()];
        if self.uses != GrantUses::Any {
            parts.push(self.uses.words());
        }
        parts.join(", ")
    }

    /// Takes the next or the previous value of a line.
    pub(in crate::state) fn turn(&mut self, line: TermsLine, step: i64) {
        match line {
            TermsLine::Time => {
                let all = GrantTime::ALL;
                let at = all.iter().position(|time| *time == self.time).unwrap_or(0);
                let at = i64::try_from(at).unwrap_or(0) + step;
                let at = usize::try_from(at.rem_euclid(4)).unwrap_or(0);
                self.time = all.get(at).copied().unwrap_or_default();
            }
            TermsLine::Uses => {
                self.uses = match (self.uses, step > 0) {
                    (GrantUses::Any, true) => GrantUses::Only(1),
                    (GrantUses::Only(0 | 1) | GrantUses::Any, false) => GrantUses::Any,
                    (GrantUses::Only(uses), true) => GrantUses::Only(uses.saturating_add(1)),
                    (GrantUses::Only(uses), false) => GrantUses::Only(uses - 1),
                };
            }
            TermsLine::Scope => {
                self.scope = match self.scope {
                    Scope::Bottle => Scope::Manifest,
                    Scope::Manifest => Scope::Bottle,
                };
            }
        }
    }

    /// Types a digit of the number of uses.
    pub(in crate::state) fn type_digit(&mut self, digit: u32) {
        let before = match self.uses {
            GrantUses::Any => 0,
            GrantUses::Only(uses) => uses,
        };
        let typed = before.saturating_mul(10).saturating_add(u64::from(digit));
        if typed < 1_000_000 {
            self.uses = GrantUses::Only(typed);
        }
    }

    /// Rubs out a digit of the number of uses.
    pub(in crate::state) fn rub_out(&mut self) {
        self.uses = match self.uses {
            GrantUses::Any | GrantUses::Only(0..10) => GrantUses::Any,
            GrantUses::Only(uses) => GrantUses::Only(uses / 10),
        };
    }
}

/// For whom, in words.
#[must_use]
pub const fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Bottle => "this bottle",
        Scope::Manifest => "this bottle, and the manifest for those started later",
    }
}

impl TermsLine {
    /// The lines of a form, in order.
    #[must_use]
    pub const fn of(is_route: bool) -> &'static [Self] {
        if is_route {
            &[Self::Time, Self::Uses, Self::Scope]
        } else {
            &[Self::Scope]
        }
    }
}

impl Draft {
    /// A yes to all that was looked up.
    ///
    /// # Errors
    /// Why some of it cannot be approved, in words that name the bottle.
    pub(in crate::state) fn of(
        looked: &[Looked],
        edited: Option<Box<Ask>>,
        is_route: bool,
    ) -> Result<Self, String> {
        let mut draft = Self {
            shown: Vec::new(),
            edited,
            effects: Vec::new(),
            findings: Vec::new(),
            is_route,
            terms: TermsDraft::default(),
            manifest: None,
        };
        for one in looked {
            let look = one.result.as_deref().map_err(Clone::clone)?;
            if let Some(why) = look.refusal() {
                let name = one.request.name();
                return Err(format!("{name} cannot be approved as it is: {why}"));
            }
            draft.add(&one.request, look);
        }
        Ok(draft)
    }

    fn add(&mut self, request: &RequestRef, look: &RequestLook) {
        self.shown.push(ShownRequest {
            request: request.clone(),
            content: look.content,
            spec: look.spec,
        });
        let id = request.bottle.id.as_str();
        note(&mut self.effects, look.effect.clone(), id);
        for finding in look.needing_yes() {
            let words = match finding.line {
                Some(line) => format!("line {line}: {}", finding.words),
                None => finding.words.clone(),
            };
            note(&mut self.findings, words, id);
        }
    }

    /// Why it cannot be for the manifest on these terms, if they say so.
    pub(in crate::state) const fn manifest_refusal(&self) -> Option<&'static str> {
        let ends = !matches!(self.terms.time, GrantTime::Always)
            || !matches!(self.terms.uses, GrantUses::Any);
        match self.shown.as_slice() {
            [_] if ends => Some(
                "what ends after a time or some uses has no place in the manifest: grant it for good, or for this bottle",
            ),
            [_] => None,
            _ => Some(
                "the manifest is changed for one bottle at a time: space shows each for itself",
            ),
        }
    }

    /// Whether it says yes to something that needs one of its own.
    #[must_use]
    pub const fn accepts_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    /// The findings that a question names, and how many more there are.
    #[must_use]
    pub fn named_findings(&self) -> (&[DraftFinding], usize) {
        let named = self.findings.get(..MOST_NAMED).unwrap_or(&self.findings);
        (named, self.findings.len() - named.len())
    }
}

/// Adds a bottle to those of which the same is said.
fn note(all: &mut Vec<DraftFinding>, words: String, bottle: &str) {
    match all.iter_mut().find(|known| known.words == words) {
        Some(known) => {
            if known.bottles.last().is_none_or(|last| last != bottle) {
                known.bottles.push(bottle.to_owned());
            }
        }
        None => all.push(DraftFinding {
            words,
            bottles: vec![bottle.to_owned()],
        }),
    }
}
