//! One request with all that is known of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ask::Ask;
use crate::spec::Digest;

/// A request of a bottle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RequestRecord {
    /// Counts from 1 within the bottle's life.
    pub id: u64,
    /// What is asked for.
    pub ask: Ask,
    /// [`Ask::digest`]: a verdict must name it.
    pub digest: Digest,
    /// Why, in the agent's own words; empty if it gave none.
    pub reason: String,
    /// Who asked.
    pub source: Source,
    /// When it was first asked.
    pub first: Timestamp,
    /// When it was last asked; the same again folds into this one.
    pub last: Timestamp,
    /// How often it was asked.
    pub times: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: RequestState,
    /// When the agent read how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Timestamp>,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The agent itself.
    Agent,
    /// Egress, for what it refused.
    Egress,
}

/// One refusal as egress counts them: what is told twice is known again by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Told {
    /// Its number in the log of decisions.
    pub seq: u64,
    /// When it was refused: a log that was lost begins to count anew, later.
    pub at: Timestamp,
}

impl Told {
    /// This one and all that were told before.
    #[must_use]
    pub fn and(self, before: Option<Self>) -> Self {
        let before = before.unwrap_or(self);
        Self {
            seq: self.seq.max(before.seq),
            at: self.at.max(before.at),
        }
    }

    /// Whether it is among those that were told up to `last`.
    #[must_use]
    pub fn is_covered_by(self, last: Self) -> bool {
        self.seq <= last.seq && self.at <= last.at
    }
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody answered yet.
    Pending,
    /// The operator said yes; nothing has changed yet.
    Approved {
        /// The yes.
        verdict: Verdict,
    },
    /// The bottle is being changed.
    Applying {
        /// The yes.
        verdict: Verdict,
    },
    /// The bottle was changed.
    Applied {
        /// The yes.
        verdict: Verdict,
        /// What came of it.
        outcome: Outcome,
    },
    /// It could not be changed, and is as it was.
    Failed {
        /// The yes.
        verdict: Verdict,
        /// Why it could not.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// What was granted was taken back.
    Undone {
        /// The yes that was.
        verdict: Verdict,
        /// What had come of it.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
    /// The operator answered a question.
    Answered {
        /// The answer.
        verdict: Verdict,
    },
    /// The operator said no.
    Denied {
        /// The no.
        verdict: Verdict,
    },
    /// Nobody answered in time.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// Who asked took it back.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// The operator's word on a request, bound to exactly what was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// What the operator says.
    pub answer: Answer,
    /// The digest of the content that was shown.
    pub content: Digest,
    /// The digest of the bottle's spec that the effect was shown against.
    pub spec: Digest,
    /// When.
    pub at: Timestamp,
}

/// What the operator says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Approve {
        /// On these terms.
        terms: Terms,
        /// Something else instead of what was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited: Option<Ask>,
    },
    /// No.
    Deny {
        /// Why, for the agent to read; empty if none is given.
        reason: String,
    },
    /// The answer to a question.
    Reply {
        /// It.
        text: String,
    },
}

/// On what terms something is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Terms {
    /// For whom.
    #[serde(default)]
    pub scope: Scope,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How often it may be used, in requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u64>,
}

/// For whom something is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For this bottle, as long as it lives.
    #[default]
    Bottle,
    /// For this bottle, and in the manifest for those that are started later.
    Manifest,
}

/// What came of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// The revision of the bottle that holds the change.
    pub revision: u32,
    /// What changed, in words.
    pub words: String,
    /// When.
    pub at: Timestamp,
}

/// Why a verdict does not fit a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerdictProblem {
    /// Another content than the one that was shown.
    #[error("answer request {id}: it is not what was shown any more; look at it again")]
    Changed {
        /// The request.
        id: u64,
    },
    /// A question wants an answer.
    #[error("answer request {id}: it is a question; reply to it, or deny it")]
    WantsReply {
        /// The request.
        id: u64,
    },
    /// Only questions are replied to.
    #[error("answer request {id}: it asks for a change; approve or deny it")]
    WantsApproval {
        /// The request.
        id: u64,
    },
    /// The edited content is of another kind, or cannot be asked for.
    #[error(
        "answer request {id}: what it was edited to is not something that can be granted for it"
    )]
    BadEdit {
        /// The request.
        id: u64,
    },
}

impl RequestState {
    /// The state in one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved { .. } => "approved",
            Self::Applying { .. } => "applying",
            Self::Applied { .. } => "applied",
            Self::Failed { .. } => "failed",
            Self::Undone { .. } => "undone",
            Self::Answered { .. } => "answered",
            Self::Denied { .. } => "denied",
            Self::Expired { .. } => "expired",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// When it came to where it stands; `None` while it waits.
    #[must_use]
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending => None,
            Self::Approved { verdict }
            | Self::Applying { verdict }
            | Self::Answered { verdict }
            | Self::Denied { verdict } => Some(verdict.at),
            Self::Applied { outcome, .. } => Some(outcome.at),
            Self::Failed { at, .. }
            | Self::Undone { at, .. }
            | Self::Expired { at }
            | Self::Withdrawn { at } => Some(*at),
        }
    }

    /// Whether there is something for the agent to read.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        !matches!(
            self,
            Self::Pending | Self::Approved { .. } | Self::Applying { .. }
        )
    }

    /// The operator's word, once there is one.
    #[must_use]
    pub const fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Approved { verdict }
            | Self::Applying { verdict }
            | Self::Applied { verdict, .. }
            | Self::Failed { verdict, .. }
            | Self::Undone { verdict, .. }
            | Self::Answered { verdict }
            | Self::Denied { verdict } => Some(verdict),
            Self::Pending | Self::Expired { .. } | Self::Withdrawn { .. } => None,
        }
    }
}

impl RequestRecord {
    /// What was granted: what was asked for, or what the operator made of it.
    #[must_use]
    pub fn granted(&self) -> Option<(&Ask, Terms)> {
        match &self.state.verdict()?.answer {
            Answer::Approve { terms, edited } => {
                Some((edited.as_ref().unwrap_or(&self.ask), *terms))
            }
            Answer::Deny { .. } | Answer::Reply { .. } => None,
        }
    }

    /// Whether a verdict fits it.
    ///
    /// # Errors
    /// [`VerdictProblem`].
    pub fn check(&self, verdict: &Verdict) -> Result<(), VerdictProblem> {
        let id = self.id;
        if verdict.content != self.digest {
            return Err(VerdictProblem::Changed { id });
        }
        let is_question = !self.ask.changes_the_bottle();
        match &verdict.answer {
            Answer::Approve { .. } if is_question => Err(VerdictProblem::WantsReply { id }),
            Answer::Reply { .. } if !is_question => Err(VerdictProblem::WantsApproval { id }),
            Answer::Approve {
                edited: Some(edited),
                ..
            } if edited.kind() != self.ask.kind() || edited.check().is_err() => {
                Err(VerdictProblem::BadEdit { id })
            }
            Answer::Approve { .. } | Answer::Reply { .. } | Answer::Deny { .. } => Ok(()),
        }
    }
}
