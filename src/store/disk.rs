//! Atomic writes: after a crash a file is as it was or as it should be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::StoreError;

/// Names a failure without saying where the state folder is.
pub(super) fn failed(
    action: &'static str,
    root: &Path,
    path: &Path,
    error: io::Error,
) -> StoreError {
    StoreError::Io {
        action,
        name: path
            .strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string(),
        error,
    }
}

/// Makes a folder that only its owner may enter, parents too.
pub(super) fn make_folder(root: &Path, path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| failed("make", root, path, error))
}

/// Replaces a file in one step.
pub(super) fn replace(root: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = write_temporary(root, path, bytes)?;
    fs::rename(&temporary, path).map_err(|error| {
        drop(fs::remove_file(&temporary));
        failed("replace", root, path, error)
    })?;
    sync_parent(root, path)
}

/// Writes a file unless there is one; the first of several writers wins.
pub(super) fn write_new(root: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = write_temporary(root, path, bytes)?;
    let linked = fs::hard_link(&temporary, path);
    drop(fs::remove_file(&temporary));
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("write", root, path, error))
        }
        _ => sync_parent(root, path),
    }
}

/// Appends to a file and waits until it is on the disk.
pub(super) fn append(root: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    };
    write().map_err(|error| failed("append to", root, path, error))
}

/// Appends a line and waits until it is on the disk. A line that a crash cut off is
/// closed first, so that it spoils only itself.
pub(super) fn append_line(root: &Path, path: &Path, mut line: Vec<u8>) -> Result<(), StoreError> {
    let is_torn = fs::read(path).is_ok_and(|old| old.last().is_some_and(|byte| *byte != b'\n'));
    if is_torn {
        line.insert(0, b'\n');
    }
    append(root, path, &line)
}

/// Waits until the names in the folder of `path` are on the disk.
pub(super) fn sync_parent(root: &Path, path: &Path) -> Result<(), StoreError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("sync", root, parent, error))
}

fn write_temporary(
    root: &Path,
    path: &Path,
    bytes: &[u8],
) -> Result<std::path::PathBuf, StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| {
        drop(fs::remove_file(&temporary));
        failed("write", root, path, error)
    })?;
    Ok(temporary)
}
