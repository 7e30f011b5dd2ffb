//! Keeping the view between runs. Its loss costs a moment, so nothing is said about it.

use super::Console;
use crate::state::Kept;
use crate::store::Store;

/// What the last run kept; what cannot be read counts as nothing.
pub(super) fn read(store: &Store) -> Kept {
    let read = store.view().ok().flatten();
    read.map(|bytes| Kept::read(&bytes)).unwrap_or_default()
}

impl Console<'_> {
    /// Keeps the view if it is another, one write after the other.
    pub(super) fn keep_view(&mut self) {
        if self
            .keeping
            .as_ref()
            .is_some_and(|keeping| !keeping.is_finished())
        {
            return;
        }
        if let Some(bytes) = self.changed_view() {
            let store = self.cellar.store.clone();
            // The disk must not keep the operator waiting.
            let keeping = tokio::task::spawn_blocking(move || drop(store.keep_view(&bytes)));
            self.keeping = Some(keeping);
        }
    }

    /// The same when the console is left: nothing that was begun would be waited for.
    pub(super) fn keep_last_view(&mut self) {
        if let Some(bytes) = self.changed_view() {
            drop(self.cellar.store.keep_view(&bytes));
        }
    }

    fn changed_view(&mut self) -> Option<Vec<u8>> {
        if self.state.is_kept(&self.kept) {
            return None;
        }
        self.kept = self.state.kept();
        serde_json::to_vec(&self.kept).ok()
    }
}
