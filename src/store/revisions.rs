//! The chain of a bottle's specs: each step with its cause, and every spec it ever had.
//!
//! A step is on the disk before the record names it. A line that the record never came to
//! name, because of a crash, is followed by another of the same number, and the last one
//! counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, StoreError, disk};
use crate::spec::{Digest, Spec};

const FILE: &str = "revisions.jsonl";
const SPECS: &str = "specs";

/// One step of a bottle from a spec to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Revision {
    /// Counts from 1.
    pub revision: u32,
    /// The digest of the spec before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The digest of the spec after.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: Cause,
    /// What it changes, in words, one line each.
    pub words: Vec<String>,
}

/// Why a bottle's spec changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// It was made.
    Start,
    /// The operator changed it.
    Operator,
    /// The operator approved a request.
    Request {
        /// Which.
        id: u64,
    },
    /// The operator took back what a request was given.
    Undo {
        /// Which.
        id: u64,
    },
    /// The operator went back to an earlier revision.
    Rollback {
        /// Which.
        to: u32,
    },
    /// A sidecar would not take the change, so it was undone.
    Refused,
}

impl Cause {
    /// The cause in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Start => String::from("start"),
            Self::Operator => String::from("you"),
            Self::Request { id } => format!("request {id}"),
            Self::Undo { id } => format!("undo of request {id}"),
            Self::Rollback { to } => format!("rollback to {to}"),
            Self::Refused => String::from("refused, so undone"),
        }
    }
}

/// Writes a step down, the spec first.
pub(super) fn append(
    root: &Path,
    folder: &Path,
    record: &Record,
    revision: &Revision,
) -> Result<(), StoreError> {
    let garbled = |error| StoreError::Garbled {
        name: format!("{}/{FILE}", record.id),
        error,
    };
    disk::make_folder(root, &folder.join(SPECS))?;
    let spec = record.spec.canonical().map_err(garbled)?;
    disk::write_new(root, &spec_path(folder, record.digest), &spec)?;
    let mut line = serde_json::to_vec(revision).map_err(garbled)?;
    line.push(b'\n');
    disk::append_line(root, &folder.join(FILE), line)
}

/// The steps up to the record's own, oldest first.
pub(super) fn read(folder: &Path, record: &Record) -> Vec<Revision> {
    let bytes = fs::read(folder.join(FILE)).unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    let steps = lines.filter_map(|line| serde_json::from_slice::<Revision>(line).ok());
    let mut newest: BTreeMap<u32, Revision> = steps.map(|step| (step.revision, step)).collect();
    newest.retain(|number, _| *number <= record.revision);
    newest.into_values().collect()
}

/// Reads a spec that the bottle once had.
pub(super) fn spec(root: &Path, folder: &Path, digest: Digest) -> Result<Spec, StoreError> {
    let path = spec_path(folder, digest);
    let bytes = fs::read(&path).map_err(|error| disk::failed("read", root, &path, error))?;
    let name = || format!("{SPECS}/{}", digest.hex());
    if Digest::of(&bytes) != digest {
        return Err(StoreError::Io {
            action: "trust",
            name: name(),
            error: std::io::Error::other("it is not what its name says"),
        });
    }
    serde_json::from_slice(&bytes).map_err(|error| StoreError::Garbled {
        name: name(),
        error,
    })
}

fn spec_path(folder: &Path, digest: Digest) -> PathBuf {
    folder.join(SPECS).join(format!("{}.json", digest.hex()))
}
