//! What the operator holds still, so that it stays so whatever is started again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BOTTLES, CACHE, Lock, Store, StoreError, claim, disk};
use crate::spec::BottleId;

/// In a bottle's folder: its egress is to have no network.
const CUT: &str = "cut";
/// In a bottle's folder: its agent is to stand still.
const FROZEN: &str = "frozen";
/// In the state folder: everything is held still.
const PANIC: &str = "panic.json";

/// All bottles were frozen and cut at once, and stay so until that is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    /// Since when.
    pub since: Timestamp,
    /// The bottles that it froze, which were not frozen before.
    pub frozen: BTreeSet<BottleId>,
    /// The bottles whose egress it cut, which was not cut before.
    pub cut: BTreeSet<BottleId>,
    /// Whether it is being lifted: what is still listed is held, and nothing more.
    #[serde(default)]
    pub is_lifting: bool,
}

impl Panic {
    /// One that holds nothing yet.
    #[must_use]
    pub const fn new(since: Timestamp) -> Self {
        Self {
            since,
            frozen: BTreeSet::new(),
            cut: BTreeSet::new(),
            is_lifting: false,
        }
    }
}

impl Store {
    /// Whether a bottle's egress is to have no network.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it cannot be told; it must be taken for a yes.
    pub fn is_cut(&self, id: &BottleId) -> Result<bool, StoreError> {
        self.is_marked(id, CUT)
    }

    /// Says whether a bottle's egress is to have no network.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it could not be noted.
    pub fn set_cut(&self, id: &BottleId, is_cut: bool) -> Result<(), StoreError> {
        self.set_marked(id, CUT, is_cut)
    }

    /// Whether a bottle's agent is to stand still.
    ///
    /// # Errors
    /// As [`Store::is_cut`].
    pub fn is_frozen(&self, id: &BottleId) -> Result<bool, StoreError> {
        self.is_marked(id, FROZEN)
    }

    /// Says whether a bottle's agent is to stand still.
    ///
    /// # Errors
    /// As [`Store::set_cut`].
    pub fn set_frozen(&self, id: &BottleId, is_frozen: bool) -> Result<(), StoreError> {
        self.set_marked(id, FROZEN, is_frozen)
    }

    /// The bottles that are to be frozen or cut.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder of all bottles cannot be listed.
    pub fn braked(&self) -> Result<Vec<BottleId>, StoreError> {
        let names = self.names()?.into_iter();
        let ids = names.filter_map(|name| BottleId::parse(&name).ok());
        let is_braked =
            |id: &BottleId| self.is_cut(id).unwrap_or(true) || self.is_frozen(id).unwrap_or(true);
        Ok(ids.filter(is_braked).collect())
    }

    /// Takes the right to hold bottles still and let them go; `None` while another has it.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the lock cannot be made.
    pub fn lock_brakes(&self) -> Result<Option<Lock>, StoreError> {
        claim::slot(self.root(), &self.root().join(CACHE), "brakes", 1)
    }

    /// What all bottles are held still by, if they are.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read; it must be taken for a yes.
    pub fn panic(&self) -> Result<Option<Panic>, StoreError> {
        let path = self.root().join(PANIC);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes)
                    .map(Some)
                    .map_err(|error| StoreError::Garbled {
                        name: PANIC.to_owned(),
                        error,
                    })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk::failed("read", self.root(), &path, error)),
        }
    }

    /// Notes that all bottles are held still, and which.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it could not be noted.
    pub fn set_panic(&self, panic: &Panic) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec_pretty(panic).map_err(|error| StoreError::Garbled {
            name: PANIC.to_owned(),
            error,
        })?;
        disk::replace(self.root(), &self.root().join(PANIC), &bytes)
    }

    /// Notes that they are not any more.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it could not be noted; they still are.
    pub fn lift_panic(&self) -> Result<(), StoreError> {
        remove(self, &self.root().join(PANIC))
    }

    fn is_marked(&self, id: &BottleId, mark: &str) -> Result<bool, StoreError> {
        let path = self.mark(id, mark);
        path.try_exists()
            .map_err(|error| disk::failed("look for", self.root(), &path, error))
    }

    fn set_marked(&self, id: &BottleId, mark: &str, is_so: bool) -> Result<(), StoreError> {
        let path = self.mark(id, mark);
        if is_so {
            return disk::write_new(self.root(), &path, b"");
        }
        remove(self, &path)
    }

    fn mark(&self, id: &BottleId, mark: &str) -> PathBuf {
        self.root().join(BOTTLES).join(id.as_str()).join(mark)
    }
}

fn remove(store: &Store, path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => disk::sync_parent(store.root(), path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(disk::failed("remove", store.root(), path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store, BottleId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state")).unwrap();
        let id = BottleId::parse("api-k3x9q").unwrap();
        fs::create_dir(store.root().join(BOTTLES).join(id.as_str())).unwrap();
        (folder, store, id)
    }

    #[test]
    fn a_cut_lasts_until_it_is_taken_back() {
        let (_folder, store, id) = store();
        assert!(!store.is_cut(&id).unwrap());
        for _ in 0..2 {
            store.set_cut(&id, true).unwrap();
            assert!(store.is_cut(&id).unwrap());
        }
        store.set_frozen(&id, true).unwrap();
        assert_eq!(store.braked().unwrap(), std::slice::from_ref(&id));
        store.set_frozen(&id, false).unwrap();
        assert_eq!(store.braked().unwrap(), std::slice::from_ref(&id));
        for _ in 0..2 {
            store.set_cut(&id, false).unwrap();
            assert!(!store.is_cut(&id).unwrap());
        }
        assert_eq!(store.braked().unwrap(), []);
    }

    #[test]
    fn a_panic_is_read_as_it_was_written_and_one_that_cannot_be_read_is_no_no() {
        let (_folder, store, id) = store();
        assert_eq!(store.panic().unwrap(), None);
        let mut panic = Panic::new(Timestamp::UNIX_EPOCH);
        panic.frozen.insert(id.clone());
        panic.cut.insert(id);
        store.set_panic(&panic).unwrap();
        assert_eq!(store.panic().unwrap(), Some(panic));
        fs::write(store.root().join(PANIC), b"{").unwrap();
        assert!(store.panic().is_err());
        store.lift_panic().unwrap();
        store.lift_panic().unwrap();
        assert_eq!(store.panic().unwrap(), None);
    }
}
