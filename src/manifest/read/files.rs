//! Reading a user's file safely: bounded, regular, and for a repository's file
//! never outside the repository.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Why a file could not be taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::manifest) enum FileError {
    #[error("it is not there")]
    Absent,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it is not a folder")]
    NotFolder,
    #[error("it is longer than {limit} bytes")]
    TooLong { limit: u64 },
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it leads outside the repository")]
    Escapes,
    #[error("it cannot be read: {source}")]
    Io { source: std::io::Error },
}

impl From<std::io::Error> for FileError {
    fn from(source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            Self::Absent
        } else {
            Self::Io { source }
        }
    }
}

/// Where a path may lead.
#[derive(Clone, Copy, Debug)]
pub(in crate::manifest) enum Kept<'p> {
    /// Anywhere: the operator wrote it.
    Anywhere,
    /// Below this folder, symbolic links resolved: a stranger wrote it.
    Below(&'p Path),
}

/// Resolves a path and checks that it stays where it may.
pub(in crate::manifest) fn canonical_within(
    path: &Path,
    kept: Kept<'_>,
) -> Result<PathBuf, FileError> {
    let Kept::Below(folder) = kept else {
        return Ok(fs::canonicalize(path)?);
    };
    // Refused before it is looked at, so that a stranger's file cannot even ask
    // whether something exists outside.
    if path.components().any(|part| part == Component::ParentDir) || !path.starts_with(folder) {
        return Err(FileError::Escapes);
    }
    let real = fs::canonicalize(path)?;
    if real.starts_with(fs::canonicalize(folder)?) {
        Ok(real)
    } else {
        Err(FileError::Escapes)
    }
}

/// Reads a whole regular file of at most `limit` bytes.
pub(in crate::manifest) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(FileError::NotRegular);
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(FileError::TooLong { limit })
    }
}

/// Reads a whole regular text file of at most `limit` bytes.
pub(in crate::manifest) fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    let bytes = read_bytes(path, limit)?;
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText)?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}
