//! The file in which it is kept.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::clock::Stamp;
use super::windows::Windows;
use crate::wire::{Hits, Usage};

/// The file. Earlier versions wrote the usage alone.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) usage: Usage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) windows: Option<Windows>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) clock: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hits: Option<Hits>,
}

pub(super) fn read(path: &Path) -> Result<Option<Kept>, LedgerError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::File::create(&new)?.write_all(bytes)?;
    std::fs::rename(&new, path)
}
