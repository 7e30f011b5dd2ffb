//! How a bottle is, as one ordered enum: where several things are true, the worst
//! wins, and the derived order of the variants is what "worse" means.

use serde::{Deserialize, Serialize};

use crate::wire::{Activity, Role};

/// How a bottle is. Later variants are worse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Its start was asked for; nothing is made yet.
    Planned,
    /// Its image is being made.
    Building,
    /// Its containers are being made or started.
    Starting,
    /// It is given another image or session.
    Changing,
    /// Its session runs.
    Ready {
        /// What the session is doing.
        doing: Doing,
    },
    /// Its agent container is frozen: everything in it stands still where it was.
    Frozen,
    /// It is being stopped.
    Stopping,
    /// It is being removed.
    Removing,
    /// It does not run, and nothing is wrong.
    Stopped,
    /// It runs, but something is wrong.
    Degraded {
        /// What.
        why: Trouble,
    },
    /// It cannot go on.
    Failed {
        /// Why.
        why: Failure,
    },
}

/// What a running session is doing. Later variants want the operator more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// The program runs; nothing more is known.
    Unknown,
    /// A turn runs.
    Working,
    /// No turn runs; the program waits for a prompt.
    Idle,
    /// Its model answers that too much was asked for, or that it has no room.
    Limited,
    /// The program waits for the operator.
    Waiting,
    /// Its model does not take its credential.
    Expired,
    /// Its requests wait, because a budget of the bottle is spent.
    Paused,
}

/// Why a bottle is degraded. Later variants are worse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// Its hub does not answer, so what is shown of the session is old.
    HubSilent {
        /// Why, as far as known.
        why: String,
    },
    /// The engine calls its agent container something that we do not know.
    UnknownState {
        /// The engine's word.
        word: String,
    },
    /// A role says that something is wrong with it.
    RoleDegraded {
        /// Which role.
        role: Role,
        /// What it says.
        why: String,
    },
    /// A sidecar does not run.
    SidecarDown {
        /// Which role.
        role: Role,
    },
    /// An operation on it failed and left it as it was.
    OperationFailed {
        /// The operation, as a verb.
        verb: String,
        /// The engine's words.
        why: String,
    },
}

/// Why a bottle failed. Later variants are worse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "snake_case")]
pub enum Failure {
    /// Its program ended with an error.
    Exited {
        /// The exit code.
        code: i64,
    },
    /// A signal ended its program.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// Its program could not be started.
    NotStarted,
    /// It has sidecars, but no agent container.
    AgentMissing,
    /// The engine calls its agent container dead.
    Dead,
    /// It could not be started.
    StartFailed {
        /// The engine's words.
        why: String,
    },
    /// A probe found the fence open.
    SealBroken {
        /// The probes that failed.
        probes: String,
    },
}

impl From<Activity> for Doing {
    fn from(activity: Activity) -> Self {
        match activity {
            Activity::Starting | Activity::Unknown => Self::Unknown,
            Activity::Working => Self::Working,
            Activity::Waiting => Self::Waiting,
            Activity::Idle => Self::Idle,
        }
    }
}

impl Phase {
    /// The phase in one word, for a column and for the filter.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Building => "building",
            Self::Starting => "starting",
            Self::Changing => "changing",
            Self::Ready { doing } => match doing {
                Doing::Unknown => "running",
                Doing::Working => "working",
                Doing::Idle => "idle",
                Doing::Limited => "limited",
                Doing::Waiting => "waiting",
                Doing::Expired => "expired",
                Doing::Paused => "paused",
            },
            Self::Frozen => "frozen",
            Self::Stopping => "stopping",
            Self::Removing => "removing",
            Self::Stopped => "stopped",
            Self::Degraded { .. } => "degraded",
            Self::Failed { .. } => "failed",
        }
    }

    /// What there is to say beyond the word; empty if nothing is wrong.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Degraded { why } => why.words(),
            Self::Failed { why } => why.words(),
            Self::Planned
            | Self::Building
            | Self::Starting
            | Self::Changing
            | Self::Ready { .. }
            | Self::Frozen
            | Self::Stopping
            | Self::Removing
            | Self::Stopped => String::new(),
        }
    }

    /// Whether the operator should look at it.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        matches!(self, Self::Degraded { .. } | Self::Failed { .. })
    }
}

impl Trouble {
    fn words(&self) -> String {
        match self {
            Self::HubSilent { why } if why.is_empty() => String::from("its hub does not answer"),
            Self::HubSilent { why } => format!("its hub does not answer: {why}"),
            Self::UnknownState { word } => format!("the engine calls its agent `{word}`"),
            Self::RoleDegraded { role, why } => format!("{}: {why}", role.as_str()),
            Self::SidecarDown { role } => format!("{} does not run", role.as_str()),
            Self::OperationFailed { verb, why } => format!("failed to {verb} it: {why}"),
        }
    }
}

impl Failure {
    fn words(&self) -> String {
        match self {
            Self::Exited { code: 137 } => {
                String::from("killed (exit 137): out of memory, or by hand")
            }
            Self::Exited { code: 127 } => String::from("its program was not found (exit 127)"),
            Self::Exited { code } => format!("its program ended with exit {code}"),
            Self::Signalled { signal } => format!("signal {signal} ended its program"),
            Self::NotStarted => String::from("its program could not be started"),
            Self::AgentMissing => String::from("its agent container is gone"),
            Self::Dead => String::from("the engine calls its agent container dead"),
            Self::StartFailed { why } => format!("failed to start: {why}"),
            Self::SealBroken { probes } => format!("the seal does not hold: {probes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_wins() {
        let seal = Phase::Failed {
            why: Failure::SealBroken {
                probes: String::from("interfaces"),
            },
        };
        let down = Phase::Degraded {
            why: Trouble::SidecarDown { role: Role::Egress },
        };
        let waiting = Phase::Ready {
            doing: Doing::Waiting,
        };
        let paused = Phase::Ready {
            doing: Doing::Paused,
        };
        assert_eq!([&paused, &waiting].into_iter().max(), Some(&paused));
        assert_eq!([waiting, seal.clone(), down].into_iter().max(), Some(seal));
    }
}
