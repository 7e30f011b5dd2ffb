//! What console and guest say to each other, and how it is framed.
//!
//! Two conversations share one framing: the **control line** (console ↔ hub, and
//! roles ↔ hub) and the **session line** (console ↔ `guest init`). The codec does
//! no I/O; [`LineReader`] and [`LineWriter`] put it on any pair of async byte streams. Everything that a guest says is the bottle's word, never a fact.
//!
//! Compatibility: both ends say [`VERSION`] first; a guest is always the console's
//! own binary of the moment the bottle was made, so a console must speak every
//! version it ever shipped, and says so when it cannot.

mod budget;
mod config;
mod cost;
mod egress;
mod frame;
mod hits;
mod hub;
mod line;
mod session;
mod usage;
mod words;

pub use budget::{BudgetState, Budgets, Pause};
pub use config::{InitConfig, SidecarConfig};
pub use cost::UNITS_PER_MICRODOLLAR;
pub use egress::{HeldRequest, HoldEnd, HoldRecord, ToEgress};
pub use frame::{Decoder, Frame, FrameError, MAX_FRAME_BYTES};
pub use hits::{Hits, HostHits, Passed, RefusedHits, RouteHits, RouteKey, Spent};
pub use hub::{
    Activity, BottleFacts, ConsoleToHub, DecisionRecord, HubToConsole, LogLine, RequestFacts, Role,
    RoleReport, RoleState, SealCheck, SealReport, SessionExit, SessionReport, Verdict,
};
pub use line::{LineError, LineReader, LineWriter};
pub use session::{AttachMode, ClientToSession, SessionToClient, TerminalSize};
pub use usage::{AnswerUsage, LONG_PROMPT_TOKENS, ModelUsage, Tokens, Usage};
pub use words::LoggedRefusal;

/// Version of the protocol, said first by both ends.
pub const VERSION: u32 = 1;

/// Each end of a line sends a ping when it has been silent for this long.
pub const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(5);

/// Each end drops a line on which nothing arrived for this long.
pub const SILENCE_LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
