//! The record on disk: one folder a bottle, a journal of what is being done to it,
//! and a lock that says who does it.
//!
//! Invariants: every write is atomic (temporary file, fsync, rename, fsync of the
//! folder); an operation is journaled before its first effect and closed after its
//! last, so that whoever opens the store next knows what is half done; at most one
//! live process holds a bottle's claim. Nothing here is a secret. The module must
//! not know of the engine: what the record says is compared with it elsewhere.

mod audit;
mod brake;
mod builds;
mod claim;
mod disk;
mod journal;
mod log;
mod record;
mod revisions;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::spec::{BottleId, Digest, Spec};

pub use audit::{Audit, AuditEntry, AuditEvent, AuditFault, AuditHead, AuditOutcome, AuditReader};
pub use brake::Panic;
pub use builds::{BuildMark, BuildNote, BuildNow, BuildOutcome};
pub use claim::{Claim, Lock};
pub use journal::{JournalEntry, Operation, Outcome};
pub use log::{
    Extent, LineList, LineTag, LineTest, NewLine, Pattern, Progress, Spill, SpillLine, scan,
};
pub use record::{RECORD_VERSION, Record};
pub use revisions::{Cause, Revision};

/// Why the record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused: full, read-only, not ours.
    #[error("{action} `{name}` in the state folder")]
    Io {
        /// What was done.
        action: &'static str,
        /// Which file, below the state folder.
        name: String,
        /// The system's words.
        #[source]
        error: io::Error,
    },
    /// A file holds something else than what belongs there.
    #[error("understand `{name}` in the state folder")]
    Garbled {
        /// Which file, below the state folder.
        name: String,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// A file was written by a newer version of this program.
    #[error("read `{name}`: it has version {version}, this program knows up to {RECORD_VERSION}")]
    Newer {
        /// Which file.
        name: String,
        /// Its version.
        version: u32,
    },
    /// A bottle of that id is on record.
    #[error("reserve the id `{id}`: a bottle of that id exists")]
    Taken {
        /// The id.
        id: BottleId,
    },
    /// No bottle of that id is on record.
    #[error("find the bottle `{id}` on record")]
    Unknown {
        /// The id.
        id: BottleId,
    },
    /// Somebody changed the record since it was read.
    #[error("update the record of `{id}`: it is at revision {found}, expected was {expected}")]
    Changed {
        /// The bottle.
        id: BottleId,
        /// The revision that was read.
        expected: u32,
        /// The revision that is there.
        found: u32,
    },
}

/// A bottle's record that cannot be read, beside those that can.
#[derive(Debug)]
pub struct Broken {
    /// The folder's name.
    pub name: String,
    /// Why.
    pub error: StoreError,
}

/// An operation that nobody finished: its process is gone.
#[derive(Debug)]
pub struct Unfinished {
    /// The bottle, claimed for who will finish or undo it.
    pub claim: Claim,
    /// What was being done.
    pub operation: Operation,
    /// The last step that was noted.
    pub step: String,
}

/// The state folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    owner: String,
}

const BOTTLES: &str = "bottles";
const CACHE: &str = "cache";
const OWNER: &str = "owner";
const LINES: &str = "lines";
const VIEW: &str = "view.json";
const TRASH: &str = ".trash-";
const NEW: &str = ".new-";

impl Store {
    /// Opens the folder, making it if there is none, and sweeps what a removal left.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be made or written.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        for folder in [root.to_owned(), root.join(BOTTLES), root.join(CACHE)] {
            disk::make_folder(root, &folder)?;
        }
        let store = Self {
            root: root.to_owned(),
            owner: owner(root)?,
        };
        store.sweep()?;
        Ok(store)
    }

    /// Where the state folder is unless the caller says otherwise: below
    /// `XDG_STATE_HOME`, or where the platform keeps local data.
    #[must_use]
    pub fn default_root() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "cellar")?;
        Some(
            folders
                .state_dir()
                .unwrap_or_else(|| folders.data_local_dir())
                .to_owned(),
        )
    }

    /// The id of this state folder, on every object that belongs to its bottles.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What was decided and done, over all bottles, those that are gone too.
    #[must_use]
    pub fn audit(&self) -> Audit {
        Audit::of(self.root.clone())
    }

    /// A file whose loss costs only time.
    #[must_use]
    pub fn cache_file(&self, name: &str) -> PathBuf {
        self.root.join(CACHE).join(name)
    }

    /// How the console looked when it was left; `None` before the first time.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn view(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.cache_file(VIEW);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk::failed("read", &self.root, &path, error)),
        }
    }

    /// Keeps how the console looks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn keep_view(&self, bytes: &[u8]) -> Result<(), StoreError> {
        disk::replace(&self.root, &self.cache_file(VIEW), bytes)
    }

    /// Where what only this process needs for a while is kept.
    #[must_use]
    pub fn cache_folder(&self) -> PathBuf {
        self.root.join(CACHE)
    }

    /// The folder of a bottle through which its session may be reached. It goes with
    /// the bottle's record.
    #[must_use]
    pub fn line_folder(&self, id: &BottleId) -> PathBuf {
        self.root.join(BOTTLES).join(id.as_str()).join(LINES)
    }

    /// Takes an id for a new bottle and writes its record, claimed and with its start
    /// begun in the journal.
    ///
    /// # Errors
    /// [`StoreError::Taken`], or [`StoreError::Io`] with nothing left behind.
    pub fn reserve(&self, record: &Record) -> Result<Claim, StoreError> {
        Claim::reserve(&self.root, &self.root.join(BOTTLES), record)
    }

    /// Claims a bottle on record; `None` while another live process holds it.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or what keeps its record from being read.
    pub fn claim(&self, id: &BottleId) -> Result<Option<Claim>, StoreError> {
        Claim::take(&self.root, &self.root.join(BOTTLES), id)
    }

    /// Takes the right to make an image for a bottle, which others may claim meanwhile;
    /// `None` while another live process has it.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or [`StoreError::Io`].
    pub fn work(&self, id: &BottleId) -> Result<Option<Lock>, StoreError> {
        claim::work(&self.root, &self.root.join(BOTTLES), id)
    }

    /// Takes one of so many places for builds; `None` while others have them all.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn build_slot(&self, many: usize) -> Result<Option<Lock>, StoreError> {
        claim::slot(&self.root, &self.root.join(CACHE), "build", many)
    }

    /// Reads the record of one bottle.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], or what keeps it from being read.
    pub fn record(&self, id: &BottleId) -> Result<Record, StoreError> {
        record::read(&self.root, &self.root.join(BOTTLES).join(id.as_str()), id)
    }

    /// The steps that a bottle's spec took, oldest first. A bottle that was made before
    /// they were kept has fewer than its revision says.
    ///
    /// # Errors
    /// As [`Store::record`].
    pub fn revisions(&self, id: &BottleId) -> Result<Vec<Revision>, StoreError> {
        let record = self.record(id)?;
        let folder = self.root.join(BOTTLES).join(id.as_str());
        Ok(revisions::read(&folder, &record))
    }

    /// Reads a spec that a bottle has or once had.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it was not kept, or is not what its name says.
    pub fn spec(&self, id: &BottleId, digest: Digest) -> Result<Spec, StoreError> {
        let folder = self.root.join(BOTTLES).join(id.as_str());
        revisions::spec(&self.root, &folder, digest)
    }

    /// Takes the right to change the operator's own files, held by one process at a time
    /// and until what this gives is dropped; `None` if another process has it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the lock cannot be made.
    pub fn lock_manifest(&self) -> Result<Option<Lock>, StoreError> {
        claim::slot(&self.root, &self.root.join(CACHE), "manifest", 1)
    }

    /// Reads all records, by id. One that is broken hides no other.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder of all bottles cannot be listed.
    pub fn records(&self) -> Result<(Vec<Record>, Vec<Broken>), StoreError> {
        let mut good = Vec::new();
        let mut broken = Vec::new();
        for name in self.names()? {
            let read = BottleId::parse(&name)
                .map_err(|_| StoreError::Io {
                    action: "recognise",
                    name: name.clone(),
                    error: io::Error::other("the name is no bottle's"),
                })
                .and_then(|id| self.record(&id));
            match read {
                Ok(record) => good.push(record),
                // Removed between the listing and the reading.
                Err(StoreError::Unknown { .. }) => {}
                Err(error) => broken.push(Broken { name, error }),
            }
        }
        Ok((good, broken))
    }

    /// Claims every bottle whose last operation was begun and not closed, and whose
    /// process is gone.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder of all bottles cannot be listed. A bottle that
    /// cannot be read is left to [`Store::records`] to report.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        let mut found = Vec::new();
        for name in self.names()? {
            let Ok(id) = BottleId::parse(&name) else {
                continue;
            };
            let Ok(Some(claim)) = self.claim(&id) else {
                continue;
            };
            if let Some((operation, step)) = claim.open_operation() {
                found.push(Unfinished {
                    claim,
                    operation,
                    step,
                });
            }
        }
        Ok(found)
    }

    /// Removes the folder if no bottle is on record in it; says whether it did.
    #[must_use]
    pub fn discard_if_empty(&self) -> bool {
        // A bottle reserved meanwhile makes the first step fail, and nothing is lost.
        fs::remove_dir(self.root.join(BOTTLES)).is_ok()
            && fs::remove_dir_all(self.root.join(CACHE)).is_ok()
            && fs::remove_file(self.root.join(OWNER)).is_ok()
            && fs::remove_dir(&self.root).is_ok()
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.root.join(BOTTLES);
        let failed = |error| disk::failed("list", &self.root, &folder, error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Deletes what a killed removal or reservation left under its hidden name.
    fn sweep(&self) -> Result<(), StoreError> {
        let folder = self.root.join(BOTTLES);
        let failed = |error| disk::failed("list", &self.root, &folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_dead = name.starts_with(TRASH)
                || name.starts_with(NEW) && self.is_abandoned(&entry.path());
            if is_dead {
                // Another process may sweep the same; what stays is swept next time.
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        Ok(())
    }

    /// Whether nobody is filling this folder: its lock is free, or it never got one
    /// and is older than any reservation takes.
    fn is_abandoned(&self, folder: &Path) -> bool {
        const RESERVING: std::time::Duration = std::time::Duration::from_mins(1);
        match claim::lock(&self.root, folder, claim::Missing::Refuse) {
            Ok(lock) => lock.is_some(),
            Err(_) => folder
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > RESERVING)),
        }
    }
}

/// Reads the owner id, or mints it; the first of several processes wins.
fn owner(root: &Path) -> Result<String, StoreError> {
    let path = root.join(OWNER);
    let read = || -> Result<Option<String>, StoreError> {
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk::failed("read", root, &path, error)),
        }
    };
    if let Some(owner) = read()? {
        return Ok(owner);
    }
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| disk::failed("mint", root, &path, io::Error::other(error.to_string())))?;
    let minted = data_encoding::BASE32_NOPAD
        .encode(&random)
        .to_ascii_lowercase();
    disk::write_new(root, &path, minted.as_bytes())?;
    Ok(read()?.unwrap_or(minted))
}

#[cfg(test)]
mod tests;
