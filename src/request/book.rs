//! All requests of one bottle, and the only steps that they may take.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::{Ask, AskProblem, characters};
use super::record::{
    Answer, Outcome, RequestRecord, RequestState, Source, Told, Verdict, VerdictProblem,
};

/// The longest reason that an agent may give.
pub const MAX_REASON_CHARS: usize = 1_000;

/// How much one bottle may ask: what its agent asks for and what egress makes requests of
/// are held to limits of their own, so that neither takes the other's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The agent's.
    pub agent: Allowance,
    /// Egress's.
    pub egress: Allowance,
}

/// How much one source may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that nobody answered yet.
    pub open: usize,
    /// Requests filed within [`Allowance::window`], folded ones not counted.
    pub filed: usize,
    /// See there.
    pub window: Duration,
    /// Requests kept; of those that are over the oldest are forgotten first.
    pub kept: usize,
}

impl Allowance {
    /// What an agent may.
    pub const AGENT: Self = Self {
        open: 50,
        filed: 60,
        window: Duration::from_mins(10),
        kept: 500,
    };
    /// What egress may. Nobody chose to ask for these, so they are fewer.
    pub const EGRESS: Self = Self {
        open: 20,
        filed: 30,
        window: Duration::from_mins(10),
        kept: 100,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            agent: Allowance::AGENT,
            egress: Allowance::EGRESS,
        }
    }
}

impl Limits {
    const fn of(&self, source: Source) -> Allowance {
        match source {
            Source::Agent => self.agent,
            Source::Egress => self.egress,
        }
    }
}

/// The requests of a bottle.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    limits: Limits,
    requests: BTreeMap<u64, RequestRecord>,
    next: u64,
    /// When the last ones were filed, and by whom.
    filed: VecDeque<(Source, Timestamp)>,
    /// The newest refusal that was made a request of, or counted.
    told: Option<Told>,
}

/// One step of one request, as it is written down. Entries are only ever added, and
/// reading them again in order gives the same book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The request.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub news: News,
}

/// What happened to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// It was asked.
    Filed {
        /// What for.
        ask: Ask,
        /// Why.
        reason: String,
        /// By whom.
        source: Source,
        /// The refusal that it was made of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Told>,
    },
    /// It was asked again.
    AskedAgain {
        /// How often in all.
        times: u64,
        /// The refusal that asked it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Told>,
    },
    /// The operator answered it.
    Verdict {
        /// The answer.
        verdict: Verdict,
    },
    /// The bottle is being changed.
    Applying,
    /// It was changed.
    Applied {
        /// What came of it.
        outcome: Outcome,
    },
    /// It could not be.
    Failed {
        /// Why.
        why: String,
    },
    /// What was granted was taken back.
    Undone,
    /// Nobody answered in time.
    Expired,
    /// Who asked took it back.
    Withdrawn,
    /// The agent read how it ended.
    Delivered,
}

/// What filing comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// The request's number.
    pub id: u64,
    /// What is to be written down.
    pub entry: Entry,
    /// Whether the same was asked already and waits for its answer.
    pub is_again: bool,
}

/// Why something cannot be filed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileProblem {
    /// It cannot be asked for at all.
    #[error(transparent)]
    Ask(#[from] AskProblem),
    /// Too much waits already.
    #[error(
        "ask: {open} requests of this bottle wait for an answer already; wait for some of them, or withdraw them"
    )]
    TooManyOpen {
        /// How many.
        open: usize,
    },
    /// Too much was asked lately.
    #[error("ask: {filed} requests within {} minutes are too many; go on without, and ask less often", .window.as_secs() / 60)]
    TooOften {
        /// How many were filed.
        filed: usize,
        /// Within what time.
        window: Duration,
    },
    /// It could not be named.
    #[error("ask: the content cannot be written as JSON")]
    Unwritable,
}

/// Why a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepProblem {
    /// No such request.
    #[error("find request {id}: this bottle has none of that number")]
    Unknown {
        /// The number.
        id: u64,
    },
    /// It does not stand where the step begins.
    #[error("{step} request {id}: it is {state} already")]
    Elsewhere {
        /// The step, as a verb.
        step: &'static str,
        /// The request.
        id: u64,
        /// Where it stands, in one word.
        state: &'static str,
    },
    /// The verdict does not fit it.
    #[error(transparent)]
    Verdict(#[from] VerdictProblem),
}

impl Default for Book {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Book {
    /// An empty one.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            requests: BTreeMap::new(),
            next: 1,
            filed: VecDeque::new(),
            told: None,
        }
    }

    /// All requests by number.
    #[must_use]
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &RequestRecord> {
        self.requests.values()
    }

    /// The request of this number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&RequestRecord> {
        self.requests.get(&id)
    }

    /// The newest refusal that was made a request of, or counted.
    #[must_use]
    pub const fn told(&self) -> Option<Told> {
        self.told
    }

    /// Plans to file a request. The same content that waits already is asked again
    /// instead, if the same source asked it or it is answered.
    ///
    /// # Errors
    /// [`FileProblem`].
    pub fn file(
        &self,
        ask: Ask,
        reason: String,
        source: Source,
        at: Timestamp,
    ) -> Result<Filing, FileProblem> {
        if source == Source::Agent && matches!(ask, Ask::ScanPass(_)) {
            return Err(AskProblem::NotTheAgents.into());
        }
        self.plan(ask, reason, source, None, at)
    }

    /// Plans to file what was refused, as egress tells it.
    ///
    /// # Errors
    /// [`FileProblem`].
    pub fn file_refused(&self, ask: Ask, told: Told, at: Timestamp) -> Result<Filing, FileProblem> {
        self.plan(ask, String::new(), Source::Egress, Some(told), at)
    }

    fn plan(
        &self,
        ask: Ask,
        reason: String,
        source: Source,
        told: Option<Told>,
        at: Timestamp,
    ) -> Result<Filing, FileProblem> {
        ask.check()?;
        characters("the reason", &reason, MAX_REASON_CHARS)?;
        let digest = ask.digest().map_err(|_| FileProblem::Unwritable)?;
        let open = || self.requests.values().filter(|one| !one.state.is_over());
        let is_same = |one: &&RequestRecord| {
            let is_answered = !matches!(one.state, RequestState::Pending);
            one.digest == digest && (one.source == source || is_answered)
        };
        if let Some(same) = open().find(is_same) {
            let times = same.times.saturating_add(1);
            let news = News::AskedAgain { times, told };
            let id = same.id;
            return Ok(Filing {
                id,
                entry: Entry { id, at, news },
                is_again: true,
            });
        }
        let Allowance {
            open: most,
            filed,
            window,
            ..
        } = self.limits.of(source);
        let waiting = open().filter(|one| one.source == source).count();
        if waiting >= most {
            return Err(FileProblem::TooManyOpen { open: waiting });
        }
        let lately = self
            .filed
            .iter()
            .filter(|(by, then)| *by == source && is_within(*then, at, window));
        if lately.count() >= filed {
            return Err(FileProblem::TooOften { filed, window });
        }
        let id = self.next;
        let news = News::Filed {
            ask,
            reason,
            source,
            told,
        };
        Ok(Filing {
            id,
            entry: Entry { id, at, news },
            is_again: false,
        })
    }

    /// Plans a step. `None` if the request is there already, by this very step: whoever
    /// said it did not hear that it was heard.
    ///
    /// # Errors
    /// [`StepProblem`].
    pub fn step(&self, id: u64, at: Timestamp, news: News) -> Result<Option<Entry>, StepProblem> {
        let record = self.get(id).ok_or(StepProblem::Unknown { id })?;
        if record.took(&news) {
            return Ok(None);
        }
        record.after(&news, at)?;
        Ok(Some(Entry { id, at, news }))
    }

    /// Takes a step that was written down.
    ///
    /// # Errors
    /// [`StepProblem`] if no book could have planned it; nothing changes then.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), StepProblem> {
        let Entry { id, at, news } = entry;
        let (id, at) = (*id, *at);
        if let News::Filed { told, .. } | News::AskedAgain { told, .. } = news {
            self.told = told.map_or(self.told, |told| Some(told.and(self.told)));
        }
        if let News::Filed {
            ask,
            reason,
            source,
            ..
        } = news
        {
            // A number is given once, whatever was forgotten meanwhile.
            if id < self.next {
                return Err(StepProblem::Elsewhere {
                    step: "file",
                    id,
                    state: "there",
                });
            }
            let Ok(digest) = ask.digest() else {
                return Err(StepProblem::Unknown { id });
            };
            self.next = id.saturating_add(1);
            let record = RequestRecord {
                id,
                ask: ask.clone(),
                digest,
                reason: reason.clone(),
                source: *source,
                first: at,
                last: at,
                times: 1,
                state: RequestState::Pending,
                delivered: None,
            };
            self.requests.insert(id, record);
            self.note_filed(*source, at);
            self.forget(*source);
            return Ok(());
        }
        let record = self
            .requests
            .get_mut(&id)
            .ok_or(StepProblem::Unknown { id })?;
        match news {
            News::AskedAgain { times, .. } => {
                record.times = record.times.max(*times);
                record.last = at;
            }
            News::Delivered => record.delivered = Some(at),
            News::Filed { .. }
            | News::Verdict { .. }
            | News::Applying
            | News::Applied { .. }
            | News::Failed { .. }
            | News::Undone
            | News::Expired
            | News::Withdrawn => {
                record.state = record.after(news, at)?;
                // What changed after the agent read of it is to be read again.
                record.delivered = None;
            }
        }
        Ok(())
    }

    /// The fewest entries that give this book again.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .requests
            .values()
            .flat_map(RequestRecord::entries)
            .collect();
        // The last that asks is as good a place as any to say what was heard.
        let asks = entries
            .iter_mut()
            .rev()
            .find_map(|entry| match &mut entry.news {
                News::Filed { told, .. } | News::AskedAgain { told, .. } => Some(told),
                News::Verdict { .. }
                | News::Applying
                | News::Applied { .. }
                | News::Failed { .. }
                | News::Undone
                | News::Expired
                | News::Withdrawn
                | News::Delivered => None,
            });
        if let Some(told) = asks {
            *told = self.told;
        }
        entries
    }

    fn note_filed(&mut self, source: Source, at: Timestamp) {
        self.filed.push_back((source, at));
        let most = self.limits.of(source).filed;
        let of = |filed: &VecDeque<(Source, Timestamp)>| {
            filed.iter().filter(|(by, _)| *by == source).count()
        };
        while of(&self.filed) > most {
            let Some(oldest) = self.filed.iter().position(|(by, _)| *by == source) else {
                return;
            };
            self.filed.remove(oldest);
        }
    }

    /// Forgets the oldest of one source's that are over, as far as they are too many.
    fn forget(&mut self, source: Source) {
        let most = self.limits.of(source).kept;
        let of = |one: &&RequestRecord| one.source == source;
        while self.requests.values().filter(of).count() > most {
            let mut ours = self.requests.values().filter(of);
            let Some(id) = ours.find(|one| one.state.is_over()).map(|one| one.id) else {
                return;
            };
            self.requests.remove(&id);
        }
    }
}

/// Whether one time is less than a span before another. Times after it count too: a
/// clock that was set back must not open the gates.
fn is_within(then: Timestamp, now: Timestamp, span: Duration) -> bool {
    now.duration_since(then)
        .try_into()
        .map_or(true, |since: Duration| since < span)
}

impl RequestRecord {
    /// Whether this very step was taken, as far as it can be told.
    #[must_use]
    pub fn took(&self, news: &News) -> bool {
        match (news, &self.state) {
            (News::Verdict { verdict }, state) => state.verdict() == Some(verdict),
            (News::Applying, RequestState::Applying { .. })
            | (News::Undone, RequestState::Undone { .. })
            | (News::Expired, RequestState::Expired { .. })
            | (News::Withdrawn, RequestState::Withdrawn { .. }) => true,
            (News::Applied { outcome }, RequestState::Applied { outcome: there, .. }) => {
                outcome.revision == there.revision
            }
            (News::Failed { why }, RequestState::Failed { why: there, .. }) => why == there,
            (News::Delivered, _) => self.delivered.is_some(),
            _ => false,
        }
    }

    /// The state after a step.
    fn after(&self, news: &News, at: Timestamp) -> Result<RequestState, StepProblem> {
        let elsewhere = |step| StepProblem::Elsewhere {
            step,
            id: self.id,
            state: self.state.word(),
        };
        let state = match (news, self.state.clone()) {
            (News::Verdict { verdict }, RequestState::Pending) => {
                self.check(verdict)?;
                let verdict = verdict.clone();
                match verdict.answer {
                    Answer::Approve { .. } => RequestState::Approved { verdict },
                    Answer::Reply { .. } => RequestState::Answered { verdict },
                    Answer::Deny { .. } => RequestState::Denied { verdict },
                }
            }
            (News::Applying, RequestState::Approved { verdict }) => {
                RequestState::Applying { verdict }
            }
            (
                News::Applied { outcome },
                RequestState::Approved { verdict } | RequestState::Applying { verdict },
            ) => RequestState::Applied {
                verdict,
                outcome: outcome.clone(),
            },
            (
                News::Failed { why },
                RequestState::Approved { verdict } | RequestState::Applying { verdict },
            ) => RequestState::Failed {
                verdict,
                why: why.clone(),
                at,
            },
            (News::Undone, RequestState::Applied { verdict, outcome }) => RequestState::Undone {
                verdict,
                outcome,
                at,
            },
            (News::Expired, RequestState::Pending) => RequestState::Expired { at },
            (News::Withdrawn, RequestState::Pending) => RequestState::Withdrawn { at },
            (News::Delivered, state) if state.is_over() => state,
            (News::AskedAgain { .. }, state) if !state.is_over() => state,
            (News::Filed { .. }, _) => return Err(elsewhere("file")),
            (News::AskedAgain { .. }, _) => return Err(elsewhere("ask again")),
            (News::Verdict { .. }, _) => return Err(elsewhere("answer")),
            (News::Applying | News::Applied { .. } | News::Failed { .. }, _) => {
                return Err(elsewhere("apply"));
            }
            (News::Undone, _) => return Err(elsewhere("undo")),
            (News::Expired, _) => return Err(elsewhere("expire")),
            (News::Withdrawn, _) => return Err(elsewhere("withdraw")),
            (News::Delivered, _) => return Err(elsewhere("deliver")),
        };
        Ok(state)
    }

    /// The fewest entries that give this record.
    fn entries(&self) -> Vec<Entry> {
        let id = self.id;
        let entry = |at, news| Entry { id, at, news };
        let mut entries = vec![entry(
            self.first,
            News::Filed {
                ask: self.ask.clone(),
                reason: self.reason.clone(),
                source: self.source,
                told: None,
            },
        )];
        if self.times > 1 {
            let (times, told) = (self.times, None);
            entries.push(entry(self.last, News::AskedAgain { times, told }));
        }
        if let Some(verdict) = self.state.verdict() {
            let verdict = verdict.clone();
            entries.push(entry(verdict.at, News::Verdict { verdict }));
        }
        match &self.state {
            RequestState::Pending
            | RequestState::Approved { .. }
            | RequestState::Answered { .. }
            | RequestState::Denied { .. } => {}
            RequestState::Applying { verdict } => entries.push(entry(verdict.at, News::Applying)),
            RequestState::Applied { outcome, .. } => {
                let outcome = outcome.clone();
                entries.push(entry(outcome.at, News::Applied { outcome }));
            }
            RequestState::Failed { why, at, .. } => {
                entries.push(entry(*at, News::Failed { why: why.clone() }));
            }
            RequestState::Undone { outcome, at, .. } => {
                let outcome = outcome.clone();
                entries.push(entry(outcome.at, News::Applied { outcome }));
                entries.push(entry(*at, News::Undone));
            }
            RequestState::Expired { at } => entries.push(entry(*at, News::Expired)),
            RequestState::Withdrawn { at } => entries.push(entry(*at, News::Withdrawn)),
        }
        if let Some(at) = self.delivered {
            entries.push(entry(at, News::Delivered));
        }
        entries
    }
}

#[cfg(test)]
mod tests;
