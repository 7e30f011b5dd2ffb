//! What the console knows and what it wants done, as plain data.
//!
//! [`State::apply`] takes an [`Event`] and gives [`Effect`]s; [`State::revision`] says
//! whether anything visible changed. The same events always give the same state. No
//! clock, no I/O, no terminal and no engine client: time comes in as a tick.

mod age;
mod all_egress;
mod apply;
mod approvals;
mod audit;
mod bottle;
mod budget;
mod builds;
mod carry;
mod command;
mod console;
mod copying;
mod cost;
mod decided;
mod decision;
mod effect;
mod event;
mod fleet;
mod hits;
mod inbox;
mod kept;
mod key;
mod keymap;
mod keys;
mod lines;
mod link;
mod listing;
mod log;
mod mass;
mod model_health;
mod need;
mod news;
mod order;
mod palette;
mod panes;
mod phase;
mod requests;
mod ring;
mod sighting;
mod spec_rows;
mod split;
mod stats;
mod target;
mod view;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::event as events_for_tests;

pub use age::age;
pub use all_egress::{AllEgress, HostRow};
pub use apply::total_words;
pub use approvals::{Approval, ApprovalLine, Approvals, Approving, SetApart};
pub use audit::{AUDIT_WINDOW, AuditCommand, AuditKind, AuditLook, AuditPage, AuditRow, AuditWish};
pub use bottle::{Bottle, FailedOperation, Hub, HubLine, Operation, RoutesInForce};
pub use budget::{pause_words, room_words, spent_words};
pub use builds::{BuildElsewhere, BuildEnd, BuildName, BuildResult, BuildRow, Builds};
pub use command::{Command, Context, Life, OrderCommand};
pub use console::{Setup, State};
pub use copying::{
    CopyCommand, CopySearch, Copying, ScreenNews, ScreenWish, Selection, Spot, StillExtent,
};
pub use cost::{Cost, cents_words, model_cost, short, token_words, traffic_words};
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
pub use kept::Kept;
pub use key::{Held, Key, KeyCode, Pointer, PointerAction};
pub use keymap::{Binding, KEYMAP, bindings};
pub use keys::{KeyRow, Keys};
pub use lines::Lines;
pub use link::LinkWords;
pub use listing::ListRow;
pub use log::{
    LogCommand, LogContainer, LogEra, LogExtent, LogFilter, LogHistory, LogHits, LogMark, LogNews,
    LogOptions, LogOrder, LogPage, LogPlace, LogPrompt, LogPromptKind, LogReach, LogRoles, LogRow,
    LogSearch, LogSubject, LogWindowWish, LogWish, MOST_COPIED, Paint, PaintKind, SavedLog,
    Severity as LogSeverity, is_json, pretty, wrap_places,
};
pub use mass::{Mass, Standing};
pub use model_health::{ModelHealth, Refusal, RefusalKind};
pub use need::Need;
pub use order::{Grouping, ListOrder, SortKey};
pub use palette::{Offer, command_names};
pub use panes::WallMove;
pub use phase::{Doing, Failure, Phase, Trouble};
pub use ring::Ring;
pub use sighting::{BottleRef, BottleSighting, ContainerSighting, ContainerState, EngineId};
pub use spec_rows::{RouteRow, SpecRow, SpecView};
pub use split::Split;
pub use stats::{
    BottleSample, BottleUse, ContainerUse, Stats, StatsPoint, cpu_words, memory_words, rate_words,
};
pub use target::Target;
pub use view::{ClipboardAsk, Focus, LinePurpose, Modal, Notice, Picker, RowName, Tab, View};

// The words of other modules that a view needs, so that it need not name those.
pub use crate::manifest::{Background, Ink, Palette, SummaryRow, Theme, Tint};
pub use crate::policy::findings::{Finding, Severity};
pub use crate::policy::{BottleBudget, DiffLine, Hunk, LineChange, LineDiff, Route, shown_line};
pub use crate::request::{Answer, Ask, RequestRecord, RequestState, Scope as GrantScope, Source};
pub use crate::wire::{
    BudgetState, Budgets, DecisionRecord, HoldRecord, LogLine, RefusedHits, Role, RoleState,
    SessionExit, SessionReport, TerminalSize, Verdict,
};
