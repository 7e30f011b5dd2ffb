//! Where the operator is looking: selection, focus, tabs and what lies over them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::all_egress::AllEgress;
use super::approvals::Approvals;
use super::audit::AuditPage;
use super::builds::Builds;
use super::copying::Copying;
use super::decided::{DecidedList, DecisionFilter};
use super::event::{AgentOffer, OperationKind, PlanSummary};
use super::inbox::{Draft, Inbox, RequestRef, ShownRequest, TermsLine};
use super::log::LogPage;
use super::mass::Standing;
use super::order::ListOrder;
use super::sighting::BottleRef;
use super::split::Split;
use crate::policy::{BottleBudget, Route};
use crate::wire::{DecisionRecord, HoldRecord, Role};

/// A row of the list, by name: rows move, names do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowName {
    /// The bottle.
    pub bottle: BottleRef,
    /// The sidecar, if the row is one.
    pub sidecar: Option<Role>,
}

/// What the keys act on when nothing lies over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "focus", rename_all = "snake_case")]
pub enum Focus {
    /// The list of bottles.
    #[default]
    List,
    /// The detail of the selected row.
    Detail,
    /// What all bottles let out and tried to; it takes the place of list and detail.
    Egress,
    /// All that waits for the operator; it takes the place of list and detail too.
    Inbox,
    /// The images that are made over all bottles; in the same place.
    Builds,
    /// What was decided and done; in the same place.
    Audit,
    /// A session.
    Attached {
        /// Whose.
        bottle: BottleRef,
        /// Whether it has the whole terminal.
        full: bool,
        /// Whether it takes keys already.
        is_open: bool,
    },
}

impl Focus {
    /// Whether a page of all bottles stands in the place of list and detail.
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        match self {
            Self::Egress | Self::Inbox | Self::Builds | Self::Audit => true,
            Self::List | Self::Detail | Self::Attached { .. } => false,
        }
    }
}

/// A page of the detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// The screen of the session.
    #[default]
    Session,
    /// The containers' logs.
    Logs,
    /// What may leave the bottle, and what tried to.
    Egress,
    /// What its agent asked for.
    Requests,
    /// The description that the bottle was made from.
    Spec,
    /// What its containers use.
    Stats,
}

impl Tab {
    /// All pages in their order.
    pub const ALL: [Self; 6] = [
        Self::Session,
        Self::Logs,
        Self::Egress,
        Self::Requests,
        Self::Spec,
        Self::Stats,
    ];

    /// The page's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "Session",
            Self::Logs => "Logs",
            Self::Egress => "Egress",
            Self::Requests => "Requests",
            Self::Spec => "Spec",
            Self::Stats => "Stats",
        }
    }
}

/// The view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The selected row of a bottle; it exists whenever any row does, unless the head of
    /// a group is selected.
    pub selected: Option<RowName>,
    /// The group whose head is selected instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How the list is ordered.
    #[serde(default, skip_serializing_if = "ListOrder::is_usual")]
    pub order: ListOrder,
    /// Columns of the list beside the detail, if the operator set them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_columns: Option<u16>,
    /// Whether the wall between list and detail is held by the pointer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_wall: bool,
    /// Rows of what needs the operator, if the operator set them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_rows: Option<u16>,
    /// Whether the rule above them is held by the pointer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_rule: bool,
    /// Where the selected row stood, for when it goes.
    pub selected_at: usize,
    /// Bottles whose sidecars are shown.
    pub expanded: BTreeSet<BottleRef>,
    /// Bottles that commands are about instead of the selected one.
    #[serde(default)]
    pub marked: BTreeSet<BottleRef>,
    /// The bottle that was marked last, where a range begins.
    #[serde(default)]
    pub marked_last: Option<BottleRef>,
    /// Command lines that were given, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
    /// What the list shows only.
    pub filter: String,
    /// Whether the filter is being typed.
    pub is_filtering: bool,
    /// What the keys act on.
    pub focus: Focus,
    /// The page shown of the selected row.
    pub tab: Tab,
    /// The page of logs.
    #[serde(default)]
    pub logs: LogPage,
    /// Which decisions are shown, of one bottle and of all.
    pub decision_filter: DecisionFilter,
    /// The decisions that are shown, and where they are read.
    pub decided: DecidedList,
    /// What all bottles let out, while that is shown.
    pub all_egress: AllEgress,
    /// What waits for the operator, while that is shown.
    #[serde(default)]
    pub inbox: Inbox,
    /// The selected one of the bottle's requests; the first if it is none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
    /// What was decided and done, while that is shown.
    #[serde(default)]
    pub audit: AuditPage,
    /// The images that are made, while that is shown.
    #[serde(default)]
    pub builds: Builds,
    /// The first line shown of the spec.
    pub spec_scroll: usize,
    /// Lines of scrollback above the session's screen.
    pub session_scroll: usize,
    /// Lines that the wheel turned back while what is shown is not held still yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheeled_back: Option<usize>,
    /// Sessions that are shown side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// A session that is read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copying: Option<Copying>,
    /// What the attached session wants in the operator's clipboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clipboard: Option<ClipboardAsk>,
    /// What lies over everything.
    pub modal: Option<Modal>,
    /// The last thing the operator was told.
    pub notice: Option<Notice>,
}

/// A text that a session wants in the operator's clipboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipboardAsk {
    /// Whose session.
    pub bottle: BottleRef,
    /// Which of its texts.
    pub ticket: u64,
    /// How it begins. Hostile text.
    pub begin: String,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Something told in passing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The words.
    pub text: String,
    /// Whether something went wrong.
    pub is_error: bool,
    /// Ticks until it goes.
    pub ticks: u8,
}

/// What lies over the view and takes the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "modal", rename_all = "snake_case")]
pub enum Modal {
    /// How the list is ordered.
    Order,
    /// The keys.
    Help {
        /// The first line shown.
        scroll: usize,
    },
    /// Whether a bottle is to be stopped.
    ConfirmStop {
        /// Which.
        bottle: BottleRef,
    },
    /// Whether a bottle is to be removed.
    ConfirmRemove {
        /// Which.
        bottle: BottleRef,
    },
    /// Whether what is being done to a bottle is to be given up.
    ConfirmCancel {
        /// Which.
        bottle: BottleRef,
    },
    /// Whether something is to be done to several bottles, or something that is more than
    /// a moment's to one.
    ConfirmAll {
        /// What.
        kind: OperationKind,
        /// To which.
        bottles: Vec<BottleRef>,
        /// How many of the marked it would do nothing to.
        left_out: usize,
    },
    /// Whether everything is to be held still.
    ConfirmPanic {
        /// How many bottles run.
        running: usize,
    },
    /// Whether what is held still is to be let go.
    ConfirmLift {
        /// What is held.
        standing: Standing,
    },
    /// Whether a session may put a text into the clipboard.
    Clipboard {
        /// Which text.
        ask: ClipboardAsk,
    },
    /// Whether to leave although operations run.
    ConfirmQuit,
    /// What becomes of a connection that waits.
    Answer {
        /// Whose egress holds it.
        bottle: BottleRef,
        /// Which, as it was when it was shown.
        hold: HoldRecord,
    },
    /// Whether the budgets of a bottle that are spent are to be raised.
    Raise {
        /// Which bottle.
        bottle: BottleRef,
        /// What they would be, as it was when it was shown.
        raises: Vec<BottleBudget>,
    },
    /// Whether a request is to be approved.
    Approve {
        /// The yes as it would be.
        draft: Box<Draft>,
        /// The first line shown.
        scroll: usize,
    },
    /// Whether several requests are to be approved.
    ApproveAll {
        /// The yes as it would be.
        approvals: Box<Approvals>,
        /// The first line shown.
        scroll: usize,
    },
    /// On which terms it is to be approved.
    Terms {
        /// The yes as it would be.
        draft: Box<Draft>,
        /// The line of the form that has the keys.
        line: TermsLine,
    },
    /// A line that the operator types for an agent.
    Line {
        /// What for.
        purpose: LinePurpose,
        /// The requests that it answers, as they were shown.
        shown: Vec<ShownRequest>,
        /// What was typed.
        text: String,
    },
    /// Whether what a request was given is to be taken back.
    ConfirmUndo {
        /// Which.
        request: RequestRef,
        /// What it was given. Hostile text.
        words: String,
    },
    /// All that is known of one decision.
    Decision {
        /// Whose egress made it.
        bottle: BottleRef,
        /// The decision.
        decision: Box<DecisionRecord>,
        /// The first line shown.
        scroll: usize,
    },
    /// Whether a route is to be added.
    Allow {
        /// To which bottle.
        bottle: BottleRef,
        /// The route.
        route: Box<Route>,
        /// Whether it is known what for; if not, it names its host whole.
        is_exact: bool,
        /// A preset that would do as well.
        preset: Option<String>,
    },
    /// What each route let out, and what was refused.
    Hits {
        /// Of which bottle.
        bottle: BottleRef,
        /// The first line shown.
        scroll: usize,
    },
    /// A command is typed, or one is chosen.
    Palette {
        /// What was typed.
        text: String,
        /// Which of what is offered is chosen.
        chosen: Option<usize>,
        /// Whether it is the command line, which offers only what begins so.
        is_line: bool,
        /// Which of the earlier lines stands there.
        back: Option<usize>,
    },
    /// Which agent is to be started.
    Picker {
        /// The choice.
        picker: Picker,
    },
    /// What a start would do.
    Plan {
        /// The agent.
        agent: String,
        /// The plan, once it is there.
        result: Option<Result<PlanSummary, String>>,
        /// The first line shown.
        scroll: usize,
    },
    /// A value that only the operator can give.
    Secret {
        /// The agent that is to be started.
        agent: String,
        /// What is asked.
        what: String,
        /// Characters typed so far.
        length: usize,
    },
    /// Something to be read.
    Message {
        /// What it is about.
        title: String,
        /// The words.
        text: String,
        /// The first line shown.
        scroll: usize,
    },
}

/// What a line is typed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum LinePurpose {
    /// The reason of a no.
    Deny {
        /// What is denied, in one line. Hostile text.
        what: String,
    },
    /// A message to sessions, typed into each.
    Send {
        /// Whose.
        bottles: Vec<BottleRef>,
    },
    /// The answer to a question.
    Reply {
        /// The question. Hostile text.
        question: String,
        /// Answers to choose from, by number; any text if there are none.
        choices: Vec<String>,
    },
}

/// The choice of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picker {
    /// The agents; `None` until the files are read.
    pub offers: Option<Vec<AgentOffer>>,
    /// What is wrong with a file.
    pub problem: Option<String>,
    /// What is shown only.
    pub filter: String,
    /// The chosen one, counted among those shown.
    pub cursor: usize,
}

impl Picker {
    /// The agents that pass the filter.
    #[must_use]
    pub fn shown(&self) -> Vec<&AgentOffer> {
        let filter = self.filter.to_lowercase();
        self.offers
            .iter()
            .flatten()
            .filter(|offer| offer.name.to_lowercase().contains(&filter))
            .collect()
    }

    /// The chosen agent.
    #[must_use]
    pub fn chosen(&self) -> Option<&AgentOffer> {
        self.shown().get(self.cursor).copied()
    }
}
