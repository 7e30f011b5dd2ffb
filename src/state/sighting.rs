//! What was seen on an engine: bottles and their containers, as plain data.
//!
//! The engine client makes these from labels and lists; the state is rebuilt from
//! them whenever a console starts, so nothing here may come from memory alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spec::{BottleId, Digest};
use crate::wire::Role;

/// Names one engine; a bottle's full name is `engine/bottle`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct EngineId(pub String);

/// A bottle on one engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BottleRef {
    /// The engine.
    pub engine: EngineId,
    /// The bottle.
    pub id: BottleId,
}

/// The state of a container in the engine's words, open to words we do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Frozen.
    Paused,
    /// Between a death and the next start by its restart policy.
    Restarting,
    /// Ended.
    Exited {
        /// The exit code, where the engine said one.
        code: Option<i64>,
    },
    /// Being removed, or beyond repair.
    Dead,
    /// A word of a newer engine.
    Unknown {
        /// The word.
        word: String,
    },
}

/// One container of a bottle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ContainerSighting {
    /// The engine's id of it.
    pub container: String,
    /// Which role it plays.
    pub role: Role,
    /// How it is.
    pub state: ContainerState,
}

/// A bottle as its containers' labels tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BottleSighting {
    /// The bottle.
    pub bottle: BottleRef,
    /// The agent's name.
    pub agent: String,
    /// The digest of its spec.
    pub spec: Digest,
    /// Whose it is: the owner id of an operator's state folder.
    pub owner: String,
    /// Whether `cellar demo` made it.
    pub is_demo: bool,
    /// When its first container was made.
    pub created: Timestamp,
    /// Whether its egress runs without a network.
    #[serde(default)]
    pub is_cut: bool,
    /// Its containers, by role; missing ones are missing here.
    pub containers: Vec<ContainerSighting>,
}
