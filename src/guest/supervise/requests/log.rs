//! The file of requests: JSON Lines, only ever added to, each line synced.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::request::Entry;

/// More than a full book ever needs; a file over it is not read.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A file shorter than this is not made shorter while it is in use.
const SHORT_BYTES: u64 = 8 * 1024 * 1024;

/// The open file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Arc<File>,
    /// How much of it counts.
    length: u64,
    /// How much counted when it was opened or last made short.
    begin: u64,
}

impl Log {
    /// Opens the file and reads it. A last line that a crash cut off was never
    /// acknowledged and is cut away.
    ///
    /// # Errors
    /// If the volume refuses, or a whole line is no entry.
    pub(super) fn open(path: PathBuf) -> std::io::Result<(Self, Vec<Entry>)> {
        let is_new = !path.exists();
        let mut file = append_to(&path)?;
        if is_new {
            sync_folder(&path)?;
        }
        if file.metadata()?.len() > MAX_BYTES {
            return Err(Error::new(
                ErrorKind::FileTooLarge,
                "the file of requests is too long",
            ));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        bytes.truncate(whole);
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length)?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let entries: Result<Vec<Entry>, _> = lines.map(serde_json::from_slice).collect();
        let log = Self {
            path,
            file: Arc::new(file),
            length,
            begin: length,
        };
        Ok((log, entries?))
    }

    /// Whether it has grown so much that making it short is worth the while.
    pub(super) const fn is_long(&self) -> bool {
        self.length > SHORT_BYTES && self.length / 2 > self.begin
    }

    /// Adds an entry and waits until it is on the disk.
    ///
    /// # Errors
    /// If the volume refuses; the file is then as it was, or will be cut there before
    /// the next entry.
    pub(super) async fn append(&mut self, entry: &Entry) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let added = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let (file, length) = (Arc::clone(&self.file), self.length);
        let written = tokio::task::spawn_blocking(move || {
            // What an append that failed left behind, or one that was cut off here.
            if file.metadata()?.len() != length {
                file.set_len(length)?;
            }
            (&*file).write_all(&line)?;
            file.sync_data()
        });
        written.await.map_err(Error::other)??;
        self.length = length.saturating_add(added);
        Ok(())
    }

    /// Puts these entries in place of all.
    ///
    /// # Errors
    /// If the volume refuses; the old file counts then.
    pub(super) fn replace(&mut self, entries: &[Entry]) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut bytes, entry)?;
            bytes.push(b'\n');
        }
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        sync_folder(&self.path)?;
        self.file = Arc::new(append_to(&self.path)?);
        self.length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.begin = self.length;
        Ok(())
    }
}

fn append_to(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .open(path)
}

/// A new name is only sure once its folder is synced.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
