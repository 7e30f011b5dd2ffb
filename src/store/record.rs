//! What is kept of one bottle.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::disk;
use crate::spec::{BottleId, Digest, Spec};

/// The current [`Record::version`].
pub const RECORD_VERSION: u32 = 1;

pub(super) const FILE: &str = "record.json";

/// One bottle on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// Version of this format; a newer one is refused.
    pub version: u32,
    /// The bottle.
    pub id: BottleId,
    /// When it was reserved.
    pub created: Timestamp,
    /// The engine it was made on, by the engine's own id.
    pub engine: String,
    /// Whether `cellar demo` made it.
    pub is_demo: bool,
    /// Counts the bottle's specs from 1.
    pub revision: u32,
    /// The digest of the spec.
    pub digest: Digest,
    /// What it is.
    pub spec: Spec,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

pub(super) fn read(root: &Path, folder: &Path, id: &BottleId) -> Result<Record, StoreError> {
    let path = folder.join(FILE);
    let bytes = fs::read(&path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            StoreError::Unknown { id: id.clone() }
        } else {
            disk::failed("read", root, &path, error)
        }
    })?;
    let garbled = |error| StoreError::Garbled {
        name: format!("{id}/{FILE}"),
        error,
    };
    let Version { version } = serde_json::from_slice(&bytes).map_err(garbled)?;
    if version > RECORD_VERSION {
        return Err(StoreError::Newer {
            name: format!("{id}/{FILE}"),
            version,
        });
    }
    serde_json::from_slice(&bytes).map_err(garbled)
}

pub(super) fn write(root: &Path, folder: &Path, record: &Record) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec_pretty(record).map_err(|error| StoreError::Garbled {
        name: format!("{}/{FILE}", record.id),
        error,
    })?;
    disk::replace(root, &folder.join(FILE), &bytes)
}
