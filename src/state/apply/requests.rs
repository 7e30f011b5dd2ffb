//! The page of one bottle's requests: moving through it, and on from there.

use super::scroll::moved;
use crate::request::RequestState;
use crate::state::age::coarse;
use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::inbox::{InboxName, InboxPage, RequestRef};
use crate::state::view::{Focus, Tab};

impl State {
    /// Moves through the requests of the selected bottle.
    pub(super) fn step_request(&mut self, step: i64) {
        let Some(known) = self.selected_bottle() else {
            return;
        };
        let rows = known.request_rows();
        let at = moved(self.request_place(&rows), step, rows.len());
        self.view.request = rows.get(at).map(|one| one.id);
        self.touch();
    }

    /// Selects the request in a row of the page.
    pub(super) fn press_request(&mut self, at: usize) {
        let rows = self.selected_bottle().map(Bottle::request_rows);
        let id = rows.and_then(|rows| rows.get(at).map(|one| one.id));
        if id.is_some() {
            self.view.request = id;
            self.focus(Focus::Detail);
        }
    }

    pub(super) fn open_selected_request(&mut self) {
        match self.selected_request() {
            Some(request) => {
                self.open_request(&request);
                self.view.inbox.came_from = Some(request.bottle);
            }
            None => self.tell(String::from("its agent asked for nothing yet")),
        }
    }

    /// Opens the inbox at a request, which then stands for itself, whoever else asks the
    /// same: an answer to a common row would answer all of them.
    fn open_request(&mut self, request: &RequestRef) {
        let Some(record) = self.request(request) else {
            return;
        };
        let digest = record.digest;
        let is_waiting = matches!(record.state, RequestState::Pending);
        let mut bottles = self.fleet.bottles().iter();
        let is_alone = !bottles.any(|other| {
            other.bottle != request.bottle && other.pending().any(|one| one.digest == digest)
        });
        let inbox = &mut self.view.inbox;
        inbox.page = if is_waiting {
            InboxPage::Waiting
        } else {
            InboxPage::Answered
        };
        inbox.selected = Some(if is_waiting && is_alone {
            InboxName::Same { digest }
        } else {
            if is_waiting {
                inbox.opened.insert(digest);
            }
            InboxName::Request {
                request: request.clone(),
            }
        });
        inbox.at = 0;
        inbox.is_stale = true;
        inbox.is_reading = false;
        inbox.forget_look();
        self.focus(Focus::Inbox);
    }

    /// Back from the inbox to the page that led there.
    pub(super) fn leave_inbox(&mut self) {
        let came_from = self.view.inbox.came_from.take();
        let selected = self.view.selected.as_ref().map(|row| &row.bottle);
        let is_there = came_from.is_some() && came_from.as_ref() == selected;
        self.view.focus = if is_there && self.view.tab == Tab::Requests {
            Focus::Detail
        } else {
            Focus::List
        };
        self.touch();
    }

    /// A number that changes when a time on the page does.
    pub(super) fn request_ages(&self) -> i64 {
        let is_shown = self.view.tab == Tab::Requests && !self.view.focus.is_wide();
        let known = self.selected_bottle().filter(|_| is_shown);
        let requests = known.map(|known| known.hub.requests.values());
        requests
            .into_iter()
            .flatten()
            .map(|one| coarse(self.now, one.state.at().unwrap_or(one.first)))
            .fold(0, i64::wrapping_add)
    }
}
