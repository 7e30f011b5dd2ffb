//! Images that are being made, and those that were: who makes one marks it with a lock that
//! the kernel takes back, and notes how it ended. A loss costs only what a list shows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{CACHE, Store, StoreError, disk};
use crate::spec::BottleId;

const NOTES: &str = "builds.jsonl";
const MARK: &str = "building-";
/// Notes that are kept when there are too many.
const KEPT: usize = 100;
/// How many bytes of notes are too many.
const MANY_BYTES: u64 = 128 * 1024;
/// Characters that are kept of why a build failed.
const WHY_CHARS: usize = 600;

/// An image that was made, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuildNote {
    /// For which bottle.
    pub bottle: BottleId,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How.
    pub outcome: BuildOutcome,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BuildOutcome {
    /// Well.
    Done,
    /// Not.
    Failed {
        /// Why. Hostile text.
        why: String,
    },
    /// Whoever asked for it did not want it any more.
    Cancelled,
}

/// An image that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuildNow {
    /// For which bottle.
    pub bottle: BottleId,
    /// Since when.
    pub began: Timestamp,
}

/// A mark that an image is being made, as long as it is held.
#[derive(Debug)]
pub struct BuildMark {
    path: PathBuf,
    _lock: File,
}

impl Drop for BuildMark {
    fn drop(&mut self) {
        // One that stays is known by its lock, which goes with us.
        drop(fs::remove_file(&self.path));
    }
}

impl Store {
    /// Marks that an image is being made for a bottle.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn mark_build(&self, now: &BuildNow) -> Result<BuildMark, StoreError> {
        let path = self.cache_file(&format!("{MARK}{}", now.bottle));
        let mark = || -> io::Result<File> {
            let mut options = OpenOptions::new();
            let mut file = options
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            // Who looks holds it for a moment only.
            flock(&file, FlockOperation::LockExclusive)?;
            file.set_len(0)?;
            file.write_all(&serde_json::to_vec(now)?)?;
            Ok(file)
        };
        let lock = mark().map_err(|error| disk::failed("write", &self.root, &path, error))?;
        Ok(BuildMark { path, _lock: lock })
    }

    /// The images that are being made now, by any process, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn builds_now(&self) -> Result<Vec<BuildNow>, StoreError> {
        let folder = self.root.join(CACHE);
        let failed = |error| disk::failed("list", &self.root, &folder, error);
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|name| name.starts_with(MARK)) {
                found.extend(live(&entry.path()));
            }
        }
        found.sort_by_key(|now| now.began);
        Ok(found)
    }

    /// Notes how a build ended.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn note_build(&self, note: &BuildNote) -> Result<(), StoreError> {
        let path = self.cache_file(NOTES);
        let mut note = note.clone();
        if let BuildOutcome::Failed { why } = &mut note.outcome {
            *why = why.chars().take(WHY_CHARS).collect();
        }
        let garbled = |error| StoreError::Garbled {
            name: NOTES.to_owned(),
            error,
        };
        if fs::metadata(&path).is_ok_and(|there| there.len() > MANY_BYTES) {
            let notes = self.builds()?;
            let kept = notes.iter().rev().take(KEPT).rev();
            let mut bytes = Vec::new();
            for note in kept {
                serde_json::to_writer(&mut bytes, note).map_err(garbled)?;
                bytes.push(b'\n');
            }
            disk::replace(&self.root, &path, &bytes)?;
        }
        let mut line = serde_json::to_vec(&note).map_err(garbled)?;
        line.push(b'\n');
        disk::append_line(&self.root, &path, line)
    }

    /// The last builds that ended, oldest first; lines that a crash tore are left out.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn builds(&self) -> Result<Vec<BuildNote>, StoreError> {
        let path = self.cache_file(NOTES);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| disk::failed("read", &self.root, &path, error))?,
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        let notes: Vec<BuildNote> = lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect();
        let surplus = notes.len().saturating_sub(KEPT);
        Ok(notes.into_iter().skip(surplus).collect())
    }
}

/// What a mark says, if who made it lives; one that is dead is taken away.
fn live(path: &std::path::Path) -> Option<BuildNow> {
    let bytes = fs::read(path).ok()?;
    let file = File::open(path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        drop(fs::remove_file(path));
        return None;
    }
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bottle(id: &str) -> BottleId {
        BottleId::parse(id).unwrap()
    }

    #[test]
    fn a_mark_is_seen_while_its_maker_lives() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let now = BuildNow {
            bottle: bottle("api-k3x9q"),
            began: Timestamp::UNIX_EPOCH,
        };
        let mark = store.mark_build(&now).unwrap();
        assert_eq!(store.builds_now().unwrap(), std::slice::from_ref(&now));
        drop(mark);
        assert_eq!(store.builds_now().unwrap(), []);
        // One that was left by who was killed.
        let path = store.cache_file("building-web-7tk2n");
        fs::write(&path, serde_json::to_vec(&now).unwrap()).unwrap();
        assert_eq!(store.builds_now().unwrap(), []);
        assert!(!path.exists());
    }

    #[test]
    fn the_last_notes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let note = |second: i64, why: &str| BuildNote {
            bottle: bottle("api-k3x9q"),
            began: Timestamp::UNIX_EPOCH,
            ended: Timestamp::from_second(second).unwrap(),
            outcome: BuildOutcome::Failed {
                why: why.to_owned(),
            },
        };
        assert_eq!(store.builds().unwrap(), []);
        for second in 0..400 {
            store.note_build(&note(second, &"y".repeat(2_000))).unwrap();
        }
        let notes = store.builds().unwrap();
        assert_eq!(notes.len(), KEPT);
        assert_eq!(notes.last(), Some(&note(399, &"y".repeat(WHY_CHARS))));
        let size = fs::metadata(store.cache_file(NOTES)).unwrap().len();
        assert!(size < 2 * MANY_BYTES, "{size}");
    }
}
