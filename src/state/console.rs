//! The whole of the console's state, and the questions that are asked of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::apply::Round;
use super::approvals::Approving;
use super::audit::AuditCommand;
use super::bottle::Bottle;
use super::carry::Carried;
use super::command::{Command, Context, OrderCommand};
use super::decision::suggested;
use super::fleet::{EngineState, Fleet};
use super::kept::Kept;
use super::keys::Keys;
use super::lines::Lines;
use super::listing::ListRow;
use super::mass::{Mass, Standing};
use super::news::Told;
use super::order::Grouping;
use super::phase::{Doing, Phase};
use super::sighting::{BottleRef, EngineId};
use super::view::{Focus, Modal, Tab, View};
use crate::policy::{Prices, Suggestion};
use crate::wire::TerminalSize;

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
    /// What the last run kept of its view.
    #[serde(default)]
    pub kept: Kept,
    /// The operator's own keys.
    #[serde(skip)]
    pub keys: Keys,
    /// The names of the themes that there are.
    #[serde(default)]
    pub themes: Vec<String>,
    /// The bottle to begin at, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<BottleRef>,
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
    /// Which keys do what, as the setup said.
    #[serde(skip)]
    pub keys: Keys,
    /// The names of the themes that there are, as the setup said.
    #[serde(skip)]
    pub(super) themes: Vec<String>,
    /// The bottle to begin at, until it is there or the operator does something.
    #[serde(skip)]
    pub(super) first: Option<BottleRef>,
    /// Lines of scrollback that the shown session has.
    pub(super) scrollback: usize,
    /// What is being done to several bottles.
    #[serde(default)]
    pub(super) mass: Option<Mass>,
    /// Several yeses that are on their way.
    #[serde(default)]
    pub(super) approving: Option<Approving>,
    /// How often several requests were looked up.
    #[serde(skip)]
    pub(super) approval_tickets: u64,
    /// Whether everything is held still.
    #[serde(default)]
    pub panic: Option<Standing>,
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
    /// The rows of the list; they follow from the fleet and the view.
    #[serde(skip)]
    pub(super) listed: Vec<ListRow>,
    /// Ticks since it was looked at where bottles stand in the list.
    #[serde(skip)]
    pub(super) ranked_ticks: u8,
    /// Which bottles are sampled next.
    #[serde(skip)]
    pub(super) round: Round,
    /// Whether it is made of a recording, which holds no screens; no part of it.
    #[serde(skip)]
    pub is_replayed: bool,
}

impl State {
    /// A console that knows nothing yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let kept = setup.kept;
        let mut state = Self {
            fleet: Fleet::new(setup.engines),
            view: View::default(),
            lines: Lines::default(),
            size: setup.size,
            now: setup.now,
            utc_offset_seconds: setup.utc_offset_seconds,
            prices: setup.prices,
            keys: setup.keys,
            themes: setup.themes,
            first: setup.first,
            scrollback: 0,
            mass: None,
            approving: None,
            approval_tickets: 0,
            panic: None,
            starting: None,
            told: Told::default(),
            carried: Carried::default(),
            revision: 1,
            ages: 0,
            listed: Vec::new(),
            ranked_ticks: 0,
            round: Round::default(),
            is_replayed: false,
        };
        state.take_kept(kept);
        state
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
            Focus::List
            | Focus::Detail
            | Focus::Egress
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit => None,
        }
    }

    /// Whether raw keys belong to the attached session now.
    #[must_use]
    pub const fn has_open_session(&self) -> bool {
        matches!(self.view.focus, Focus::Attached { is_open: true, .. })
            && self.view.copying.is_none()
            && !self.overtakes_session()
    }

    /// Whether raw keys belong to the asker of a secret now.
    #[must_use]
    pub const fn asks_secret(&self) -> bool {
        matches!(self.view.modal, Some(Modal::Secret { .. }))
    }

    /// Whether what lies over everything may lie over an attached session too.
    #[must_use]
    pub const fn overtakes_session(&self) -> bool {
        matches!(
            self.view.modal,
            Some(Modal::Secret { .. } | Modal::Clipboard { .. })
        )
    }

    /// Where keys are read.
    #[must_use]
    pub const fn context(&self) -> Context {
        if let Some(copying) = &self.view.copying
            && !self.overtakes_session()
        {
            return if copying.prompt.is_some() {
                Context::CopyFind
            } else {
                Context::Copying
            };
        }
        match (&self.view.modal, &self.view.focus) {
            (Some(Modal::Secret { .. }), _) => Context::Secret,
            (Some(Modal::Clipboard { .. }), _) => Context::Confirm,
            (_, Focus::Attached { is_open: true, .. }) => Context::Attached,
            (_, Focus::Attached { is_open: false, .. }) => Context::Attaching,
            (Some(modal), _) => match modal {
                Modal::Help { .. } => Context::Help,
                Modal::Order => Context::Order,
                Modal::ConfirmStop { .. }
                | Modal::ConfirmRemove { .. }
                | Modal::ConfirmUndo { .. }
                | Modal::ConfirmCancel { .. }
                | Modal::ConfirmQuit
                | Modal::ConfirmAll { .. }
                | Modal::ConfirmLift { .. }
                | Modal::Clipboard { .. }
                | Modal::Allow { .. } => Context::Confirm,
                Modal::ConfirmPanic { .. } => Context::Panic,
                Modal::Decision { .. } => Context::Decision,
                Modal::Answer { .. } => Context::Answer,
                Modal::Raise { .. } => Context::Raise,
                Modal::Approve { draft, .. } if draft.accepts_findings() => {
                    Context::ApproveFindings
                }
                Modal::Approve { .. } => Context::Approve,
                Modal::ApproveAll { .. } => Context::ApproveAll,
                Modal::Terms { .. } => Context::Terms,
                Modal::Line { .. } => Context::Line,
                Modal::Palette { .. } => Context::Palette,
                Modal::Picker { .. } => Context::Picker,
                Modal::Plan { .. } => Context::Plan,
                Modal::Secret { .. } => Context::Secret,
                Modal::Message { .. } | Modal::Hits { .. } => Context::Message,
            },
            (None, _) if self.view.is_filtering => Context::Filter,
            (None, Focus::List) if self.view.split.is_some() => Context::Split,
            (None, Focus::List) => Context::List,
            (None, Focus::Egress) => Context::AllEgress,
            (None, Focus::Inbox) => Context::Inbox,
            (None, Focus::Builds) => Context::Builds,
            (None, Focus::Audit) => Context::Audit,
            (None, Focus::Detail) if matches!(self.view.tab, Tab::Egress) => Context::Egress,
            (None, Focus::Detail) if matches!(self.view.tab, Tab::Logs) => Context::Logs,
            (None, Focus::Detail) if matches!(self.view.tab, Tab::Requests) => Context::Requests,
            (None, Focus::Detail) => Context::Detail,
        }
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
        match command {
            Command::Attach | Command::AttachFull => selected.is_some_and(|bottle| {
                bottle.has_session() && !self.fleet.is_lost(&bottle.bottle.engine)
            }),
            Command::Split => self.view.split.is_some() || self.to_split().len() > 1,
            Command::Life(life) => self.can_do(life),
            Command::CancelOperation => self.cancellable().is_some(),
            Command::Read(_) => selected.is_some(),
            Command::NextNeed => !self.needs().is_empty(),
            Command::Answer => self.can_answer(),
            Command::Approve
            | Command::Terms
            | Command::Deny
            | Command::Reply
            | Command::Edit
            | Command::Undo
            | Command::NextAsk
            | Command::ReadAsk
            | Command::MarkAsk
            | Command::ToBottle => self.can_in_inbox(command),
            Command::Entry(AuditCommand::Open | AuditCommand::Visit | AuditCommand::OneBottle) => {
                self.view.audit.selected().is_some()
            }
            Command::OpenBuild => !self.view.builds.rows(self.fleet.bottles()).is_empty(),
            Command::VisitBuild => self.build_bottle().is_some(),
            Command::OpenRequest => self.selected_request().is_some(),
            Command::Open | Command::Visit => self.view.decided.selected().is_some(),
            Command::Permit => self.permittable().is_some(),
            Command::Hits => self.counted_bottle().is_some(),
            Command::Order(OrderCommand::Fold | OrderCommand::FoldAll) => {
                self.view.order.grouping != Grouping::Nothing
            }
            Command::AllEgress | Command::Filter | Command::Order(OrderCommand::Choose) => {
                !self.fleet.bottles().is_empty()
            }
            Command::FilterDecisions
            | Command::Inbox
            | Command::Log(_)
            | Command::Copy(_)
            | Command::OtherList
            | Command::MarkAllAsks
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
            | Command::Order(OrderCommand::By(_) | OrderCommand::Reverse | OrderCommand::Group)
            | Command::Wall(_)
            | Command::Audit
            | Command::Entry(AuditCommand::Filter | AuditCommand::Follow)
            | Command::Builds
            | Command::Refresh
            | Command::CommandLine
            | Command::Palette
            | Command::Complete
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

    fn can_answer(&self) -> bool {
        let mut bottles = self.fleet.bottles().iter();
        bottles.any(|known| known.waits_for_answer() || known.pending().next().is_some())
    }

    /// The filter that is typed.
    #[must_use]
    pub const fn typed_filter(&self) -> &String {
        if let Some(prompt) = &self.view.logs.prompt {
            &prompt.text
        } else if matches!(self.view.focus, Focus::Audit) {
            &self.view.audit.typed
        } else if self.filters_decisions() {
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
            Focus::List | Focus::Inbox | Focus::Builds | Focus::Audit | Focus::Attached { .. } => {
                false
            }
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
            Focus::List
            | Focus::Detail
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit
            | Focus::Attached { .. } => self.selected_bottle().map(|known| &known.bottle),
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
