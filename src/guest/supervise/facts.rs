//! What the operator's side told of the bottle: kept on the hub's own volume, because no
//! console may be there when the hub starts again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::wire::BottleFacts;

/// Longer than any message that brings them.
const MAX_BYTES: u64 = 1024 * 1024;

/// A handle of the facts. By default nothing is known, and what is learnt is kept in
/// memory alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    path: Option<PathBuf>,
    known: Mutex<Option<Arc<BottleFacts>>>,
}

impl Facts {
    /// Reads what an earlier life was told. A file that cannot be read tells nothing: it
    /// is written anew with the next start of the bottle.
    pub(super) fn open(path: PathBuf) -> Self {
        let known = read(&path).map(Arc::new);
        Self(Arc::new(Inner {
            path: Some(path),
            known: Mutex::new(known),
        }))
    }

    /// What is known now.
    pub(super) fn get(&self) -> Option<Arc<BottleFacts>> {
        self.known().clone()
    }

    /// Takes what a console says.
    ///
    /// # Errors
    /// If the volume refuses; it is known until the hub ends then.
    pub(super) fn learn(&self, facts: BottleFacts) -> std::io::Result<()> {
        let is_new = self.known().as_deref() != Some(&facts);
        let written = match &self.0.path {
            Some(path) if is_new => write(path, &facts),
            _ => Ok(()),
        };
        *self.known() = Some(Arc::new(facts));
        written
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Arc<BottleFacts>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Option<BottleFacts> {
    let is_short = path.metadata().is_ok_and(|facts| facts.len() <= MAX_BYTES);
    let text = is_short.then(|| std::fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

/// Replaces the file in one step.
fn write(path: &Path, facts: &BottleFacts) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(&serde_json::to_vec(facts)?)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Digest, ImageSource};

    fn facts(text: &str) -> BottleFacts {
        BottleFacts {
            spec: Digest::of(text.as_bytes()),
            image: ImageSource::Dockerfile {
                text: text.to_owned(),
            },
        }
    }

    #[test]
    fn facts_outlive_the_hub() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("facts.json");
        let first = Facts::open(path.clone());
        assert_eq!(first.get(), None);
        first.learn(facts("FROM a")).unwrap();
        first.learn(facts("FROM b")).unwrap();
        assert_eq!(first.get().as_deref(), Some(&facts("FROM b")));
        let second = Facts::open(path.clone());
        assert_eq!(second.get().as_deref(), Some(&facts("FROM b")));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Facts::open(path).get(), None);
    }

    #[test]
    fn what_the_volume_refuses_is_known_all_the_same() {
        let nowhere = Facts::open(PathBuf::from("/nowhere/facts.json"));
        assert!(nowhere.learn(facts("FROM a")).is_err());
        assert_eq!(nowhere.get().as_deref(), Some(&facts("FROM a")));
    }
}
