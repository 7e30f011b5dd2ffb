//! The whole of the console's state, and the questions that are asked of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::carry::Carried;
use super::command::{Command, Context};
use super::decision::suggested;
use super::fleet::{EngineState, Fleet};
use super::lines::Lines;
use super::news::Told;
use super::phase::{Doing, Phase};
use super::sighting::{BottleRef, EngineId};
use super::view::{Focus, Modal, RowName, Tab, View};
use crate::policy::{Prices, Suggestion};
use crate::wire::{Role, TerminalSize};

/// What the console starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The engines that will be listed.
    pub engines: Vec<EngineId>,
    /// The size of the terminal.
    pub size: TerminalSize,
    /// What time it is.
    pub now: Timestamp,
    /// How far the operator's clock is ahead of UTC.
    pub utc_offset_seconds: i32,
    /// What models cost.
    #[serde(default)]
    pub prices: Prices,
}

/// Everything that the console knows.
///
/// Drawing is due when [`State::revision`] has changed since the last frame, and at
/// no other time; a tick a second is enough, and changes it only when a text on the
/// screen does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// All bottles.
    pub fleet: Fleet,
    /// Where the operator is looking.
    pub view: View,
    /// What the app was asked to hold.
    pub lines: Lines,
    /// The size of the terminal.
    pub size: TerminalSize,
    /// What time it was at the last tick.
    pub now: Timestamp,
    /// How far the operator's clock is ahead of UTC.
    pub utc_offset_seconds: i32,
    /// What models cost, as the setup said.
    #[serde(skip)]
    pub prices: Prices,
    /// Lines of scrollback that the shown session has.
    pub(super) scrollback: usize,
    /// The agent whose start was asked for and has not been heard of.
    pub(super) starting: Option<String>,
    /// What the operator was told of each bottle's needs; no part of what is shown.
    #[serde(skip)]
    pub(super) told: Told,
    /// What was tried of what was left half done; no part of what is shown.
    #[serde(skip)]
    pub(super) carried: Carried,
    pub(super) revision: u64,
    /// The ages on the screen at the last tick, summed up.
    pub(super) ages: i64,
}

impl State {
    /// A console that knows nothing yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        Self {
            fleet: Fleet::new(setup.engines),
            view: View::default(),
            lines: Lines::default(),
            size: setup.size,
            now: setup.now,
            utc_offset_seconds: setup.utc_offset_seconds,
            prices: setup.prices,
            scrollback: 0,
            starting: None,
            told: Told::default(),
            carried: Carried::default(),
            revision: 1,
            ages: 0,
        }
    }

    /// A number that grows whenever something visible changed. Screens of sessions
    /// count through [`super::Event::ScreenChanged`].
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) const fn touch(&mut self) {
        self.revision += 1;
    }

    /// The session that has the keys, or will have them as soon as it is attached.
    #[must_use]
    pub const fn attached(&self) -> Option<&BottleRef> {
        match &self.view.focus {
            Focus::Attached { bottle, .. } => Some(bottle),
            Focus::List | Focus::Detail | Focus::Egress | Focus::Inbox => None,
        }
    }

    /// Whether raw keys belong to the attached session now.
    #[must_use]
    pub const fn has_open_session(&self) -> bool {
        matches!(self.view.focus, Focus::Attached { is_open: true, .. }) && !self.asks_secret()
    }

    /// Whether raw keys belong to the asker of a secret now.
    #[must_use]
    pub const fn asks_secret(&self) -> bool {
        matches!(self.view.modal, Some(Modal::Secret { .. }))
    }

    /// Where keys are read.
    #[must_use]
    pub const fn context(&self) -> Context {
        match (&self.view.modal, &self.view.focus) {
            (Some(Modal::Secret { .. }), _) => Context::Secret,
            (_, Focus::Attached { is_open: true, .. }) => Context::Attached,
            (_, Focus::Attached { is_open: false, .. }) => Context::Attaching,
            (Some(modal), _) => match modal {
                Modal::Help { .. } => Context::Help,
                Modal::ConfirmStop { .. }
                | Modal::ConfirmRemove { .. }
                | Modal::ConfirmUndo { .. }
                | Modal::ConfirmCancel { .. }
                | Modal::ConfirmQuit
                | Modal::Allow { .. } => Context::Confirm,
                Modal::Decision { .. } => Context::Decision,
                Modal::Answer { .. } => Context::Answer,
                Modal::Raise { .. } => Context::Raise,
                Modal::Approve { draft, .. } if draft.accepts_findings() => {
                    Context::ApproveFindings
                }
                Modal::Approve { .. } => Context::Approve,
                Modal::Terms { .. } => Context::Terms,
                Modal::Line { .. } => Context::Line,
                Modal::Picker { .. } => Context::Picker,
                Modal::Plan { .. } => Context::Plan,
                Modal::Secret { .. } => Context::Secret,
                Modal::Message { .. } | Modal::Hits { .. } => Context::Message,
            },
            (None, _) if self.view.is_filtering => Context::Filter,
            (None, Focus::List) => Context::List,
            (None, Focus::Egress) => Context::AllEgress,
            (None, Focus::Inbox) => Context::Inbox,
            (None, Focus::Detail) if matches!(self.view.tab, Tab::Egress) => Context::Egress,
            (None, Focus::Detail) => Context::Detail,
        }
    }

    /// The rows of the list, filtered, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<RowName> {
        let filter = self.view.filter.to_lowercase();
        let mut rows = Vec::with_capacity(self.fleet.bottles().len());
        for bottle in self.fleet.bottles() {
            if !passes(bottle, &filter) {
                continue;
            }
            let row = |sidecar| RowName {
                bottle: bottle.bottle.clone(),
                sidecar,
            };
            rows.push(row(None));
            if self.view.expanded.contains(&bottle.bottle) {
                rows.extend([Role::Egress, Role::Supervise].map(|role| row(Some(role))));
            }
        }
        rows
    }

    /// The bottle of the selected row.
    #[must_use]
    pub fn selected_bottle(&self) -> Option<&Bottle> {
        self.fleet.get(&self.view.selected.as_ref()?.bottle)
    }

    /// The bottle whose detail is shown: the attached one, or the selected one.
    #[must_use]
    pub fn shown_bottle(&self) -> Option<&Bottle> {
        match self.attached() {
            Some(bottle) => self.fleet.get(bottle),
            None => self.selected_bottle(),
        }
    }

    /// Whether a command would do something now; the footer shows no other.
    #[must_use]
    pub fn can(&self, command: Command) -> bool {
        let selected = self.selected_bottle();
        let is_free = selected.is_some_and(|bottle| bottle.operation.is_none());
        match command {
            Command::Attach | Command::AttachFull => selected.is_some_and(|bottle| {
                bottle.has_session() && !self.fleet.is_lost(&bottle.bottle.engine)
            }),
            Command::Stop => is_free && selected.is_some_and(Bottle::is_alive),
            Command::Resume => is_free && selected.is_some_and(Bottle::is_resumable),
            Command::Remove => is_free && !selected.is_some_and(Bottle::is_alive),
            Command::CancelOperation => self.cancellable().is_some(),
            Command::Read(_) => selected.is_some(),
            Command::NextNeed => !self.needs().is_empty(),
            Command::Answer => {
                let mut bottles = self.fleet.bottles().iter();
                bottles.any(|known| known.waits_for_answer() || known.pending().next().is_some())
            }
            Command::Approve
            | Command::Terms
            | Command::Deny
            | Command::Reply
            | Command::Edit
            | Command::Undo
            | Command::NextAsk
            | Command::ReadAsk
            | Command::ToBottle => self.can_in_inbox(command),
            Command::Open | Command::Visit => self.view.decided.selected().is_some(),
            Command::Permit => self.permittable().is_some(),
            Command::Hits => self.counted_bottle().is_some(),
            Command::AllEgress | Command::Filter => !self.fleet.bottles().is_empty(),
            Command::FilterDecisions
            | Command::Inbox
            | Command::OtherList
            | Command::Less
            | Command::More
            | Command::OnlyRefused
            | Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
            | Command::Detach
            | Command::Back
            | Command::FocusList
            | Command::FocusDetail
            | Command::NextTab
            | Command::PreviousTab
            | Command::Show(_)
            | Command::Start
            | Command::Expand
            | Command::Refresh
            | Command::Help
            | Command::Refuse
            | Command::Accept
            | Command::Cancel
            | Command::Erase
            | Command::EraseAll
            | Command::Quit
            | Command::QuitNow => true,
        }
    }

    /// The filter that is typed.
    #[must_use]
    pub const fn typed_filter(&self) -> &String {
        if self.filters_decisions() {
            &self.view.decision_filter.text
        } else {
            &self.view.filter
        }
    }

    /// Whether a filter that is typed now is one of decisions.
    #[must_use]
    pub const fn filters_decisions(&self) -> bool {
        match self.view.focus {
            Focus::Egress => true,
            Focus::Detail => matches!(self.view.tab, Tab::Egress),
            Focus::List | Focus::Inbox | Focus::Attached { .. } => false,
        }
    }

    /// The decision that a route could have allowed, of those that have the keys.
    pub(super) fn permittable(&self) -> Option<(BottleRef, Suggestion)> {
        let (bottle, decision) = if let Some(Modal::Decision {
            bottle, decision, ..
        }) = &self.view.modal
        {
            (bottle, &**decision)
        } else {
            let selected = self.view.decided.selected()?;
            (&selected.bottle, &selected.decision)
        };
        let suggestion = suggested(decision)?;
        Some((bottle.clone(), suggestion))
    }

    /// The bottle whose hits can be read.
    pub(super) fn counted_bottle(&self) -> Option<&BottleRef> {
        match self.view.focus {
            Focus::Egress => self.view.decided.selected().map(|row| &row.bottle),
            Focus::List | Focus::Detail | Focus::Inbox | Focus::Attached { .. } => {
                self.selected_bottle().map(|known| &known.bottle)
            }
        }
    }

    /// How many bottles work, and so are worth nobody's time.
    #[must_use]
    pub fn working(&self) -> usize {
        let working = Phase::Ready {
            doing: Doing::Working,
        };
        let bottles = self.fleet.bottles().iter();
        bottles.filter(|bottle| bottle.phase == working).count()
    }

    /// Whether every engine was heard of, so that an empty list means no bottle.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        let engines = self.fleet.engines.values();
        engines
            .into_iter()
            .all(|engine| *engine != EngineState::Asked)
    }

    /// The lines of a page, for page keys.
    pub(super) fn page(&self) -> usize {
        usize::from(self.size.rows / 2).max(1)
    }
}

fn passes(bottle: &Bottle, filter: &str) -> bool {
    filter.is_empty()
        || bottle.bottle.id.as_str().contains(filter)
        || bottle.agent.to_lowercase().contains(filter)
        || bottle.phase.word().contains(filter)
}
