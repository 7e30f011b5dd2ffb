//! What is being done to a bottle, step by step, so that a crash can be mended.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StoreError, disk};

pub(super) const FILE: &str = "journal.jsonl";

/// What can be done to a bottle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Making it.
    Start,
    /// Stopping it.
    Stop,
    /// Starting it again.
    Resume,
    /// Removing it.
    Remove,
    /// Changing its routes while it is there.
    Routes,
    /// Doing what a request was approved for.
    Answer,
    /// Changing it in more than its routes.
    Change,
}

impl Operation {
    /// The operation as a verb.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Remove => "remove",
            Self::Routes => "change the routes of",
            Self::Answer => "answer",
            Self::Change => "change",
        }
    }
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes on.
    Begun,
    /// It is done.
    Done,
    /// It failed, and what it had made is undone.
    Failed,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// What is being done.
    pub operation: Operation,
    /// Which step of it.
    pub step: String,
    /// How far it is.
    pub outcome: Outcome,
}

pub(super) fn append(root: &Path, folder: &Path, entry: &JournalEntry) -> Result<(), StoreError> {
    let mut line = serde_json::to_vec(entry).map_err(|error| StoreError::Garbled {
        name: FILE.to_owned(),
        error,
    })?;
    line.push(b'\n');
    disk::append_line(root, &folder.join(FILE), line)
}

/// Reads the journal; lines that a crash tore are left out.
pub(super) fn read(folder: &Path) -> Vec<JournalEntry> {
    let bytes = fs::read(folder.join(FILE)).unwrap_or_default();
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
