//! The inbox: its rows, what is selected, and what is looked up for that.

use crate::request::{Ask, RequestRecord, RequestState};
use crate::state::age::coarse;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::inbox::{Inbox, InboxName, InboxPage, InboxRow, Looked, RequestRef, Wish, rows};
use crate::state::sighting::BottleRef;
use crate::state::view::{Focus, Modal, Tab};

use super::scroll::{moved, wrapped};
use crate::state::command::{Command, Context};

impl State {
    /// The request as its hub last told it.
    #[must_use]
    pub fn request(&self, request: &RequestRef) -> Option<&RequestRecord> {
        let known = self.fleet.get(&request.bottle)?;
        known.hub.requests.get(&request.id)
    }

    /// Whether a command that other views have means something of its own here.
    pub(super) fn means_other_in_inbox(&self, command: Command) -> bool {
        let context = self.context();
        let is_page = matches!(
            command,
            Command::PageUp | Command::PageDown | Command::Expand
        );
        context == Context::Inbox && is_page
            || context == Context::Terms && command == Command::Erase
    }

    /// Does what a key of the inbox says.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only the commands of the inbox come here"
    )]
    pub(super) fn on_inbox_command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        let page = i64::try_from(self.page()).unwrap_or(1);
        match command {
            Command::Inbox if self.view.focus == Focus::Inbox => {
                self.view.inbox.is_reading = false;
                self.leave_inbox();
            }
            Command::Inbox => self.open_inbox(None),
            Command::OtherList => self.turn_inbox(),
            Command::ReadAsk => self.read_ask(),
            Command::NextAsk => self.next_ask(),
            Command::ToBottle => self.visit_bottle(),
            Command::MarkAsk => self.mark_ask(),
            Command::MarkAllAsks => self.mark_all_asks(),
            Command::Approve => self.approve_ask(effects),
            Command::Terms => self.choose_terms(),
            Command::Deny => self.deny_ask(effects),
            Command::Reply => self.reply_ask(),
            Command::Edit => self.edit_ask(effects),
            Command::Undo => self.undo_ask(),
            Command::Less => self.turn_terms(-1),
            Command::More => self.turn_terms(1),
            Command::Erase => self.erase_uses(),
            Command::Expand => self.open_alike(),
            Command::PageUp => self.scroll_ask(-page),
            Command::PageDown => self.scroll_ask(page),
            _ => {}
        }
    }

    /// Opens the inbox, at what a bottle asks for if one is named.
    pub(super) fn open_inbox(&mut self, bottle: Option<&BottleRef>) {
        let first = bottle.and_then(|bottle| {
            let known = self.fleet.get(bottle)?;
            let digest = known.pending().next()?.digest;
            Some(InboxName::Same { digest })
        });
        let inbox = &mut self.view.inbox;
        inbox.is_stale = true;
        inbox.is_reading = false;
        inbox.came_from = None;
        if first.is_some() || inbox.page == InboxPage::Answered {
            inbox.page = InboxPage::Waiting;
            inbox.at = 0;
            inbox.selected = first;
            inbox.forget_look();
        }
        self.focus(Focus::Inbox);
    }

    /// Lists what is to be listed, if that changed, and has the selected row looked up.
    pub(super) fn settle_inbox(&mut self, effects: &mut Vec<Effect>) {
        let inbox = &mut self.view.inbox;
        let is_unlooked = std::mem::take(&mut inbox.is_unlooked);
        if self.view.focus != Focus::Inbox || !(inbox.is_stale || is_unlooked) {
            return;
        }
        if inbox.is_stale {
            self.list_inbox();
        }
        let wish = self.wish();
        let inbox = &mut self.view.inbox;
        if inbox.wish == wish {
            return;
        }
        let is_other = |old: &Wish, new: &Wish| old.requests != new.requests;
        if inbox
            .wish
            .as_ref()
            .zip(wish.as_ref())
            .is_none_or(|(old, new)| is_other(old, new))
        {
            inbox.looked.clear();
        }
        if let Some(wish) = &wish {
            inbox.ticket += 1;
            effects.push(Effect::LookAtRequests {
                ticket: inbox.ticket,
                requests: wish.requests.clone(),
                edited: wish.edited.clone(),
            });
        }
        inbox.wish = wish;
        self.touch();
    }

    fn list_inbox(&mut self) {
        let fleet = &self.fleet;
        let inbox = &mut self.view.inbox;
        inbox.is_stale = false;
        let is_pending = |request: &RequestRef| {
            let known = fleet.get(&request.bottle);
            let record = known.and_then(|known| known.hub.requests.get(&request.id));
            record.is_some_and(|record| matches!(record.state, RequestState::Pending))
        };
        inbox.notes.retain(|request, _| is_pending(request));
        inbox.marked.retain(is_pending);
        let (rows, others) = rows(fleet.bottles(), inbox.page, &inbox.opened);
        inbox.rows = rows;
        inbox.others = others;
        let place = |name: &InboxName| inbox.rows.iter().position(|row| row.name == *name);
        let found = inbox.selected.as_ref().and_then(place);
        let last = inbox.rows.len().saturating_sub(1);
        inbox.at = found.unwrap_or(inbox.at).min(last);
        let name = inbox.row().map(|row| row.name.clone());
        if name != inbox.selected {
            inbox.selected = name;
            inbox.forget_look();
        }
    }

    /// What is to be looked up now.
    fn wish(&self) -> Option<Wish> {
        let inbox = &self.view.inbox;
        let row = inbox.row().filter(|row| !row.requests.is_empty())?;
        let stamp = row.requests.iter().filter_map(|request| {
            let known = self.fleet.get(&request.bottle)?;
            let record = known.hub.requests.get(&request.id)?;
            let is_pending = matches!(record.state, RequestState::Pending);
            let table = known
                .hub
                .routes
                .as_ref()
                .map_or(0, |there| there.generation);
            Some((record.digest, is_pending, table))
        });
        Some(Wish {
            stamp: stamp.collect(),
            requests: row.requests.clone(),
            edited: inbox.edited.clone(),
        })
    }

    pub(super) fn on_requests_shown(&mut self, ticket: u64, looked: Vec<Looked>) {
        let inbox = &mut self.view.inbox;
        if ticket != inbox.ticket {
            return;
        }
        inbox.looked = looked;
        self.touch();
        self.drop_old_question();
    }

    /// A question that was asked of something that is not so any more is taken back.
    fn drop_old_question(&mut self) {
        let shown = match &self.view.modal {
            Some(Modal::Approve { draft, .. } | Modal::Terms { draft, .. }) => &draft.shown,
            Some(Modal::Line { shown, .. }) => shown,
            _ => return,
        };
        let is_old = shown.iter().any(|shown| {
            let looked = self.view.inbox.looked.iter();
            let mut looked = looked.filter(|looked| looked.request == shown.request);
            let look = looked.next().and_then(|looked| looked.result.as_ref().ok());
            look.is_none_or(|look| (look.content, look.spec) != (shown.content, shown.spec))
        });
        if is_old {
            self.view.modal = None;
            self.warn(String::from(
                "it changed while it was shown: look at it again, then answer",
            ));
        }
    }

    pub(super) fn turn_inbox(&mut self) {
        let inbox = &mut self.view.inbox;
        inbox.page = match inbox.page {
            InboxPage::Waiting => InboxPage::Answered,
            InboxPage::Answered => InboxPage::Waiting,
        };
        inbox.at = 0;
        inbox.selected = None;
        inbox.is_reading = false;
        inbox.is_stale = true;
        inbox.forget_look();
        self.touch();
    }

    pub(super) fn read_ask(&mut self) {
        let inbox = &mut self.view.inbox;
        inbox.is_reading = !inbox.is_reading && !inbox.rows.is_empty();
        self.touch();
    }

    /// On to the next that waits, and from the last to the first.
    pub(super) fn next_ask(&mut self) {
        if self.view.inbox.page == InboxPage::Answered {
            self.turn_inbox();
            return;
        }
        let inbox = &self.view.inbox;
        let count = inbox.rows.len();
        let is_free = |row: &InboxRow| {
            let mut requests = row.requests.iter();
            !row.is_member && !requests.any(|request| inbox.busy.contains(request))
        };
        let places = (1..=count).map(|by| (inbox.at + by) % count);
        let next = places
            .into_iter()
            .find(|at| inbox.rows.get(*at).is_some_and(is_free));
        match next {
            Some(at) => self.select_ask(at),
            None => self.tell(String::from("nothing needs you")),
        }
    }

    /// Shows those that are alike each for itself, or together again.
    pub(super) fn open_alike(&mut self) {
        let inbox = &mut self.view.inbox;
        let digest = match inbox.row().map(|row| (&row.name, row.requests.len())) {
            Some((InboxName::Same { digest }, 2..)) => *digest,
            Some((InboxName::Request { .. }, _)) if inbox.page == InboxPage::Waiting => {
                let above = inbox.rows.get(..inbox.at).unwrap_or_default();
                let head = above.iter().rev().find(|row| !row.is_member);
                let Some(InboxName::Same { digest }) = head.map(|row| &row.name) else {
                    return;
                };
                let digest = *digest;
                inbox.selected = Some(InboxName::Same { digest });
                digest
            }
            _ => return,
        };
        if !inbox.opened.remove(&digest) {
            inbox.opened.insert(digest);
        }
        inbox.is_stale = true;
        self.touch();
    }

    pub(super) fn visit_bottle(&mut self) {
        let row = self.view.inbox.row();
        let Some(bottle) = row.and_then(InboxRow::bottle).cloned() else {
            return;
        };
        self.view.focus = Focus::Detail;
        self.view.tab = Tab::Session;
        self.select_bottle(bottle);
        self.touch();
    }

    pub(super) fn select_ask(&mut self, at: usize) {
        let inbox = &mut self.view.inbox;
        let Some(row) = inbox.rows.get(at) else {
            return;
        };
        let name = Some(row.name.clone());
        inbox.at = at;
        if inbox.selected != name {
            inbox.selected = name;
            inbox.forget_look();
        }
        self.touch();
    }

    /// Moves through the rows, or through the one that is read.
    pub(super) fn scroll_inbox(&mut self, step: i64) {
        let inbox = &self.view.inbox;
        if inbox.is_reading {
            self.scroll_ask(step);
        } else {
            self.select_ask(moved(inbox.at, step, inbox.rows.len()));
        }
    }

    pub(super) fn scroll_ask(&mut self, step: i64) {
        let lines = self.ask_lines();
        let inbox = &mut self.view.inbox;
        inbox.scroll = moved(inbox.scroll, step, lines);
        self.touch();
    }

    /// About how many lines the selected row has; rather too many.
    fn ask_lines(&self) -> usize {
        const REST: usize = 24;
        let columns = usize::from(self.size.columns).saturating_sub(8).max(16) / 2;
        let inbox = &self.view.inbox;
        let look = inbox.look();
        let said = look.map_or(0, |look| {
            let lines = look.changes.iter().chain(&look.beside);
            let found = look.findings.iter().map(|finding| &finding.words);
            let words: usize = lines.chain(found).map(|text| wrapped(text, columns)).sum();
            let hunks = look.image.iter().flat_map(|image| &image.diff.hunks);
            let diff: usize = hunks
                .flat_map(|hunk| &hunk.lines)
                .map(|line| wrapped(&line.text, columns))
                .sum();
            words + diff
        });
        let row = inbox.row();
        let record = row.and_then(|row| self.request(row.requests.first()?));
        let asked = record.map_or(0, |record| {
            let choices = match &record.ask {
                Ask::Question { choices, .. } => choices.as_slice(),
                Ask::Route(_)
                | Ask::Image { .. }
                | Ask::Packages { .. }
                | Ask::McpServer(_)
                | Ask::ScanPass(_) => &[],
            };
            let choices = choices.iter().map(|choice| wrapped(choice, columns));
            let text = wrapped(&record.ask.words(), columns) + choices.sum::<usize>();
            text + wrapped(&record.reason, columns / 8)
        });
        let bottles = row.map_or(0, |row| row.requests.len());
        said + asked + bottles + REST
    }

    /// A number that changes when a time in the inbox does.
    pub(super) fn inbox_ages(&self) -> i64 {
        if self.view.focus != Focus::Inbox {
            return 0;
        }
        let rows = self.view.inbox.rows.iter();
        rows.map(|row| {
            // The time of what is held runs out by the second.
            if matches!(row.name, InboxName::Hold { .. }) {
                self.now.as_second()
            } else {
                coarse(self.now, row.since)
            }
        })
        .fold(0, i64::wrapping_add)
    }

    /// Whether a key of the inbox would do something to the selected row.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other key there does something to any row"
    )]
    pub(in crate::state) fn can_in_inbox(&self, command: Command) -> bool {
        let inbox = &self.view.inbox;
        let Some(row) = inbox.row() else {
            return false;
        };
        let record = row.requests.first().and_then(|one| self.request(one));
        let is_waiting = inbox.page == InboxPage::Waiting;
        let is_question = record.is_some_and(|one| !one.ask.changes_the_bottle());
        let is_change = record.is_some() && !is_question;
        match command {
            Command::Approve => is_waiting && !is_question,
            Command::Terms | Command::Edit => is_waiting && is_change,
            Command::Deny => is_waiting,
            Command::MarkAsk => is_waiting && record.is_some(),
            Command::Reply => is_waiting && is_question,
            Command::Undo => {
                record.is_some_and(|one| matches!(one.state, RequestState::Applied { .. }))
            }
            Command::NextAsk => is_waiting && inbox.rows.len() > 1,
            _ => true,
        }
    }
}

impl Inbox {
    /// Nothing is known of what is selected now.
    pub(in crate::state) fn forget_look(&mut self) {
        self.looked.clear();
        self.edited = None;
        self.scroll = 0;
        self.is_unlooked = true;
    }
}
