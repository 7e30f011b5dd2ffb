//! What the console knows and what it wants done, as plain data.
//!
//! [`State::apply`] takes an [`Event`] and gives [`Effect`]s; [`State::revision`] says
//! whether anything visible changed. The same events always give the same state. No
//! clock, no I/O, no terminal and no engine client: time comes in as a tick.

mod age;
mod all_egress;
mod apply;
mod bottle;
mod budget;
mod carry;
mod command;
mod console;
mod cost;
mod decided;
mod decision;
mod effect;
mod event;
mod fleet;
mod hits;
mod inbox;
mod key;
mod keymap;
mod lines;
mod need;
mod news;
mod phase;
mod ring;
mod sighting;
mod spec_rows;
mod view;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::event as events_for_tests;

pub use age::age;
pub use all_egress::{AllEgress, HostRow};
pub use bottle::{Bottle, FailedOperation, Hub, HubLine, LogEntry, Operation, RoutesInForce};
pub use budget::{pause_words, room_words, spent_words};
pub use command::{Command, Context};
pub use console::{Setup, State};
pub use cost::{Cost, model_cost, short, token_words, traffic_words};
pub use decided::{Cursor, Decided, DecidedList, DecisionFilter, Scope};
pub use decision::{decided_facts, decided_place, refused};
pub use effect::Effect;
pub use event::{
    AgentOffer, AnswerResult, Event, FleetEvent, OperationKind, OperationNews, OperationReport,
    PlanSummary,
};
pub use fleet::{EngineState, Fleet};
pub use hits::{budget_words, hits_words, more_words};
pub use inbox::{
    Draft, DraftFinding, GrantTime, GrantUses, ImageLook, Inbox, InboxName, InboxPage, InboxRow,
    LookFailure, Looked, ManifestLook, RequestLook, RequestRef, ShownRequest, TermsDraft,
    TermsLine, scope_words,
};
pub use key::{Held, Key, KeyCode, Pointer, PointerAction};
pub use keymap::{Binding, KEYMAP, bindings, command};
pub use lines::Lines;
pub use need::Need;
pub use phase::{Doing, Failure, Phase, Trouble};
pub use ring::Ring;
pub use sighting::{BottleRef, BottleSighting, ContainerSighting, ContainerState, EngineId};
pub use spec_rows::{RouteRow, SpecRow, SpecView};
pub use view::{Focus, LinePurpose, Modal, Notice, Picker, RowName, Tab, Tail, Target, View};

// The words of other modules that a view needs, so that it need not name those.
pub use crate::manifest::SummaryRow;
pub use crate::policy::findings::{Finding, Severity};
pub use crate::policy::{BottleBudget, DiffLine, Hunk, LineChange, LineDiff, Route, shown_line};
pub use crate::request::{Answer, Ask, RequestRecord, RequestState, Source};
pub use crate::wire::{
    BudgetState, Budgets, DecisionRecord, HoldRecord, LogLine, RefusedHits, Role, RoleState,
    SessionExit, SessionReport, TerminalSize, Verdict,
};
