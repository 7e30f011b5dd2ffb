//! The requests of one bottle, as its page lists them: what waits first, the longest
//! waiting first, then what was answered, the last first.
//!
//! A row is known by the request's number, so that the selection stays on what is read,
//! whatever comes.

use super::bottle::Bottle;
use super::console::State;
use super::inbox::RequestRef;
use crate::request::RequestRecord;

impl Bottle {
    /// Its requests, in the order of their page.
    #[must_use]
    pub fn request_rows(&self) -> Vec<&RequestRecord> {
        let (mut open, mut over): (Vec<_>, Vec<_>) = self
            .hub
            .requests
            .values()
            .partition(|one| one.state.at().is_none());
        open.sort_by_key(|one| (one.first, one.id));
        over.sort_by_key(|one| std::cmp::Reverse((one.state.at(), one.id)));
        open.append(&mut over);
        open
    }
}

impl State {
    /// The place of the selected request among the rows of a bottle's page.
    #[must_use]
    pub fn request_place(&self, rows: &[&RequestRecord]) -> usize {
        let is_it = |one: &&RequestRecord| Some(one.id) == self.view.request;
        rows.iter().position(is_it).unwrap_or(0)
    }

    /// The selected request of the selected bottle.
    #[must_use]
    pub fn selected_request(&self) -> Option<RequestRef> {
        let known = self.selected_bottle()?;
        let rows = known.request_rows();
        let one = rows.get(self.request_place(&rows))?;
        Some(RequestRef {
            bottle: known.bottle.clone(),
            id: one.id,
        })
    }
}
