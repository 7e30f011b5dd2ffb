//! The right to change one bottle, held by one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::audit::{Audit, AuditEvent};
use super::journal::{self, JournalEntry, Operation, Outcome};
use super::record::{self, Record};
use super::revisions::{self, Cause, Revision};
use super::{NEW, StoreError, TRASH, disk};
use crate::spec::{BottleId, changes};

const LOCK: &str = "lock";
const INTENTION: &str = "intention.json";
/// Held while an image is made for a bottle, which may be changed meanwhile.
const WORK: &str = "work.lock";

/// Something that one live process holds. The kernel gives it back when that ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// A bottle on record that only this process may change. The kernel gives the claim
/// back when the process ends, however it ends.
#[derive(Debug)]
pub struct Claim {
    root: PathBuf,
    folder: PathBuf,
    id: BottleId,
    _lock: File,
}

impl Claim {
    pub(super) fn reserve(
        root: &Path,
        bottles: &Path,
        record: &Record,
    ) -> Result<Self, StoreError> {
        let id = &record.id;
        let folder = bottles.join(id.as_str());
        // Everything is made under a name that nobody looks at and then renamed, so
        // that a bottle's folder is never seen without its lock, journal and record.
        let hidden = bottles.join(format!("{NEW}{id}-{}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&hidden)
            .map_err(|error| disk::failed("make", root, &hidden, error))?;
        Self::fill(root, &hidden, record)
            .and_then(|lock| {
                fs::rename(&hidden, &folder).map_err(|error| {
                    let taken = [
                        io::ErrorKind::DirectoryNotEmpty,
                        io::ErrorKind::AlreadyExists,
                    ];
                    if taken.contains(&error.kind()) {
                        StoreError::Taken { id: id.clone() }
                    } else {
                        disk::failed("make", root, &folder, error)
                    }
                })?;
                disk::sync_parent(root, &folder)?;
                Ok(Self {
                    root: root.to_owned(),
                    folder: folder.clone(),
                    id: id.clone(),
                    _lock: lock,
                })
            })
            .inspect_err(|_| drop(fs::remove_dir_all(&hidden)))
    }

    fn fill(root: &Path, folder: &Path, record: &Record) -> Result<File, StoreError> {
        let lock = lock(root, folder, Missing::Make)?.ok_or_else(|| StoreError::Taken {
            id: record.id.clone(),
        })?;
        note(root, folder, Operation::Start, "reserved", Outcome::Begun)?;
        let step = Revision {
            revision: record.revision,
            previous: None,
            digest: record.digest,
            at: record.created,
            cause: Cause::Start,
            words: Vec::new(),
        };
        revisions::append(root, folder, record, &step)?;
        record::write(root, folder, record)?;
        Ok(lock)
    }

    pub(super) fn take(
        root: &Path,
        bottles: &Path,
        id: &BottleId,
    ) -> Result<Option<Self>, StoreError> {
        let folder = bottles.join(id.as_str());
        let unknown = || StoreError::Unknown { id: id.clone() };
        if !folder.join(LOCK).exists() {
            return Err(unknown());
        }
        let Some(lock) = lock(root, &folder, Missing::Refuse)? else {
            return Ok(None);
        };
        // Who held the claim before us may have removed the bottle meanwhile, and
        // somebody may even have made another of its name: then we hold a lock that
        // nobody looks at.
        let is_current = match (lock.metadata(), fs::metadata(folder.join(LOCK))) {
            (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
            _ => false,
        };
        if !is_current {
            return Err(unknown());
        }
        Ok(Some(Self {
            root: root.to_owned(),
            folder,
            id: id.clone(),
            _lock: lock,
        }))
    }

    /// The bottle.
    #[must_use]
    pub const fn id(&self) -> &BottleId {
        &self.id
    }

    /// Reads the record.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub fn record(&self) -> Result<Record, StoreError> {
        record::read(&self.root, &self.folder, &self.id)
    }

    /// Takes the step from the revision that is expected on record to this one, and
    /// writes down why.
    ///
    /// # Errors
    /// [`StoreError::Changed`], or what keeps it from being written; the old record stays.
    pub fn update(&self, record: &Record, expected: u32, cause: Cause) -> Result<(), StoreError> {
        let old = self.record()?;
        if old.revision != expected {
            return Err(StoreError::Changed {
                id: self.id.clone(),
                expected,
                found: old.revision,
            });
        }
        let step = Revision {
            revision: record.revision,
            previous: Some(old.digest),
            digest: record.digest,
            at: Timestamp::now(),
            cause,
            words: changes(&old.spec, &record.spec),
        };
        revisions::append(&self.root, &self.folder, record, &step)?;
        let event = AuditEvent::Revision {
            revision: step.revision,
            spec: step.digest,
            why: cause,
            words: step.words,
        };
        // The demo leaves no trace.
        if !record.is_demo {
            Audit::of(self.root.clone()).append(&self.id, event)?;
        }
        record::write(&self.root, &self.folder, record)
    }

    /// The steps that the bottle's spec took, oldest first.
    ///
    /// # Errors
    /// As [`Claim::record`].
    pub fn revisions(&self) -> Result<Vec<Revision>, StoreError> {
        Ok(revisions::read(&self.folder, &self.record()?))
    }

    /// Notes a step in the journal; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be written: then the step must not be taken.
    pub fn note(
        &self,
        operation: Operation,
        step: &str,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        note(&self.root, &self.folder, operation, step, outcome)
    }

    /// Keeps what is meant to be done beside the bottle, until it is forgotten: whoever
    /// holds the claim next can finish it. One thing at a time; a new one replaces it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written: then it must not be begun.
    pub fn intend<T: Serialize>(&self, what: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(what).map_err(|error| StoreError::Garbled {
            name: format!("{}/{INTENTION}", self.id),
            error,
        })?;
        disk::replace(&self.root, &self.folder.join(INTENTION), &bytes)
    }

    /// What is meant to be done; nothing if there is nothing, or it cannot be read.
    #[must_use]
    pub fn intention<T: DeserializeOwned>(&self) -> Option<T> {
        let bytes = fs::read(self.folder.join(INTENTION)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Forgets what was meant to be done. Left there by a crash it does no harm: it is
    /// done once alone, and only for what it names.
    pub fn forget_intention(&self) {
        drop(fs::remove_file(self.folder.join(INTENTION)));
    }

    /// The whole journal, oldest first; torn lines are left out.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        journal::read(&self.folder)
    }

    /// The operation that was begun and not closed, with its last step.
    #[must_use]
    pub fn open_operation(&self) -> Option<(Operation, String)> {
        self.journal()
            .pop()
            .filter(|last| last.outcome == Outcome::Begun)
            .map(|last| (last.operation, last.step))
    }

    /// Takes the bottle off the record. Killed at any point, it is on record as
    /// before or swept by the next [`super::Store::open`].
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be renamed.
    pub fn remove(self) -> Result<(), StoreError> {
        let trash =
            self.folder
                .with_file_name(format!("{TRASH}{}-{}", self.id, std::process::id()));
        fs::rename(&self.folder, &trash)
            .map_err(|error| disk::failed("remove", &self.root, &self.folder, error))?;
        disk::sync_parent(&self.root, &self.folder)?;
        // What stays is swept when the store is opened next.
        drop(fs::remove_dir_all(&trash));
        Ok(())
    }
}

fn note(
    root: &Path,
    folder: &Path,
    operation: Operation,
    step: &str,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let entry = JournalEntry {
        at: Timestamp::now(),
        operation,
        step: step.to_owned(),
        outcome,
    };
    journal::append(root, folder, &entry)
}

/// Takes the lock of the work on a bottle's image; `None` if another process has it.
pub(super) fn work(root: &Path, bottles: &Path, id: &BottleId) -> Result<Option<Lock>, StoreError> {
    let folder = bottles.join(id.as_str());
    if !folder.join(LOCK).exists() {
        return Err(StoreError::Unknown { id: id.clone() });
    }
    Ok(lock_file(root, &folder.join(WORK), Missing::Make)?.map(Lock))
}

/// Takes one of so many locks in a folder; `None` if other processes have them all.
pub(super) fn slot(
    root: &Path,
    folder: &Path,
    name: &str,
    many: usize,
) -> Result<Option<Lock>, StoreError> {
    for number in 0..many {
        let path = folder.join(format!("{name}-{number}.lock"));
        if let Some(file) = lock_file(root, &path, Missing::Make)? {
            return Ok(Some(Lock(file)));
        }
    }
    Ok(None)
}

/// What to do about a lock file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Make,
    Refuse,
}

/// Locks a bottle's folder; `None` if another process holds it.
pub(super) fn lock(
    root: &Path,
    folder: &Path,
    missing: Missing,
) -> Result<Option<File>, StoreError> {
    lock_file(root, &folder.join(LOCK), missing)
}

fn lock_file(root: &Path, path: &Path, missing: Missing) -> Result<Option<File>, StoreError> {
    let file = OpenOptions::new()
        .create(missing == Missing::Make)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| disk::failed("open", root, path, error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(disk::failed("lock", root, path, error.into())),
    }
}
