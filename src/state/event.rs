//! Everything that can happen to the console, as one enum on one queue.
//!
//! Events are serialisable, so that a run can be recorded and replayed. None holds a
//! secret or a byte typed into an attached session: those go from the terminal to the
//! session directly.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit::AuditLook;
use super::builds::{BuildElsewhere, BuildEnd};
use super::copying::{ScreenNews, Spot, StillExtent};
use super::inbox::{Draft, Looked, ManifestLook, RequestRef};
use super::key::{Key, Pointer};
use super::log::LogNews;
use super::mass::Standing;
use super::sighting::{BottleRef, BottleSighting, EngineId};
use super::stats::BottleSample;
use super::view::ClipboardAsk;
use crate::manifest::SummaryRow;
use crate::request::Ask;
use crate::spec::Spec;
use crate::wire::{HubToConsole, SessionExit, TerminalSize};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A key was pressed. While a session is attached, only the chords are sent that
    /// it does not get.
    Key {
        /// The key.
        key: Key,
    },
    /// Text was pasted while no session was attached and no secret was asked for.
    Paste {
        /// The text.
        text: String,
    },
    /// The pointer acted on a part of the screen (see `ui::hit`).
    Pointer {
        /// What it did, and to what.
        pointer: Pointer,
    },
    /// The terminal has a new size.
    Resize {
        /// The size.
        size: TerminalSize,
    },
    /// A second has passed. The only clock of the state; send one at the start.
    Tick {
        /// What time it is.
        now: Timestamp,
    },
    /// The operating system asks the console to end.
    EndAsked,
    /// An engine showed something.
    Fleet {
        /// What.
        fleet: FleetEvent,
    },
    /// The control line to a bottle's hub stands.
    HubUp {
        /// The bottle.
        bottle: BottleRef,
    },
    /// A bottle's hub said something.
    Hub {
        /// The bottle.
        bottle: BottleRef,
        /// What.
        message: HubToConsole,
    },
    /// The control line broke. It is tried again until [`super::Effect::UnwatchHub`].
    HubDown {
        /// The bottle.
        bottle: BottleRef,
        /// Why, for the operator.
        why: String,
    },
    /// News of the log that is looked at.
    Log {
        /// The ticket of [`super::Effect::FollowLog`].
        ticket: u64,
        /// The news.
        news: Box<LogNews>,
    },
    /// The page of logs has this size; told whenever it is another one.
    LogArea {
        /// Columns, and rows of lines.
        area: TerminalSize,
    },
    /// The agents that can be started.
    Agents {
        /// The agents, in the order of the files.
        offers: Vec<AgentOffer>,
        /// What is wrong with a file, if something is.
        problem: Option<String>,
    },
    /// What starting an agent would do, or why it cannot.
    Plan {
        /// The agent.
        agent: String,
        /// The plan.
        result: Result<PlanSummary, String>,
    },
    /// The start needs a value that only the operator can give. Typed keys go to the
    /// asker, not here, until [`Event::SecretDone`].
    SecretAsked {
        /// The agent that is to be started.
        agent: String,
        /// What to ask, in the manifest's words.
        what: String,
    },
    /// The operator typed at the secret; only how much is told.
    SecretTyped {
        /// Characters so far.
        length: usize,
    },
    /// The secret was given or refused.
    SecretDone,
    /// News of an operation on a bottle.
    Operation {
        /// The news.
        report: OperationReport,
    },
    /// A bottle's spec was read from the record.
    SpecLoaded {
        /// The bottle.
        bottle: BottleRef,
        /// The spec, or why it cannot be read.
        result: Result<Box<Spec>, String>,
        /// How it stands beside the manifest of today, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manifest: Option<String>,
    },
    /// The command line asked for a session. A bottle that was not seen yet is waited
    /// for by whoever sends this.
    AttachAsked {
        /// The bottle.
        bottle: BottleRef,
        /// Whether the session gets the whole terminal.
        full: bool,
    },
    /// The session takes keys now.
    Attached {
        /// The bottle.
        bottle: BottleRef,
    },
    /// The attach is over, asked for or not; the session goes on.
    Detached {
        /// The bottle.
        bottle: BottleRef,
        /// Why, if nobody asked for it.
        why: Option<String>,
    },
    /// The session could not be attached.
    AttachFailed {
        /// The bottle.
        bottle: BottleRef,
        /// Why, for the operator.
        why: String,
    },
    /// The program in an attached or previewed session ended.
    SessionEnded {
        /// The bottle.
        bottle: BottleRef,
        /// How.
        exit: SessionExit,
    },
    /// A preview ended without its session ending.
    PreviewEnded {
        /// The bottle.
        bottle: BottleRef,
        /// Why, for the operator.
        why: String,
    },
    /// The screen of a session changed; sent at most once a frame.
    ScreenChanged {
        /// The bottle.
        bottle: BottleRef,
        /// Lines that its scrollback holds.
        scrollback: usize,
    },
    /// The line of a session that is shown beside others ended.
    TileEnded {
        /// The bottle.
        bottle: BottleRef,
        /// Why.
        why: String,
    },
    /// An attached session wants a text in the clipboard, and its bottle may ask.
    ClipboardAsked {
        /// What is asked.
        ask: ClipboardAsk,
    },
    /// What a session shows is held still, to be read.
    ScreenHeld {
        /// The bottle.
        bottle: BottleRef,
        /// How large it is.
        extent: StillExtent,
        /// Where its cursor stands.
        cursor: Spot,
    },
    /// What was read in it.
    ScreenRead {
        /// The bottle.
        bottle: BottleRef,
        /// What.
        news: ScreenNews,
    },
    /// What approving requests would do.
    RequestsShown {
        /// The ticket of [`super::Effect::LookAtRequests`].
        ticket: u64,
        /// What was found, in the order in which it was asked for.
        looked: Vec<Looked>,
    },
    /// What approving several requests with one yes would do.
    ManyShown {
        /// The ticket of [`super::Effect::LookAtMany`].
        ticket: u64,
        /// What was found, in the order in which it would be done.
        looked: Vec<Looked>,
    },
    /// What came of answers.
    RequestsAnswered {
        /// Of each.
        results: Vec<AnswerResult>,
    },
    /// What was approved before and left half done was looked after, or somebody else does.
    CarriedOn {
        /// Which bottle's.
        bottle: BottleRef,
        /// What came of each request that was left.
        results: Vec<AnswerResult>,
    },
    /// What a yes would change in the operator's own file.
    ManifestPlanned {
        /// The yes, as it was when this was asked for.
        draft: Box<Draft>,
        /// The change, or why there can be none.
        result: Result<Box<ManifestLook>, String>,
    },
    /// The operator is done editing.
    RequestEdited {
        /// Which request.
        request: RequestRef,
        /// What it is now, `None` if it was left as it was; or why it cannot be taken.
        result: Result<Option<Box<Ask>>, String>,
    },
    /// What bottles use now.
    Sampled {
        /// Those that could be read.
        samples: Vec<BottleSample>,
    },
    /// The templates that bottles were made with.
    Templates {
        /// By bottle; empty where that is not on record.
        templates: Vec<(BottleRef, String)>,
    },
    /// What was decided and done was read.
    AuditRead {
        /// The ticket of [`super::Effect::ReadAudit`].
        ticket: u64,
        /// What was read, `None` if it is what it was; or why it cannot be.
        result: Result<Option<Box<AuditLook>>, String>,
    },
    /// The builds of other processes, and those that ended lately.
    BuildsRead {
        /// Those that others make now.
        elsewhere: Vec<BuildElsewhere>,
        /// Those that ended, in any order.
        ended: Vec<BuildEnd>,
    },
    /// Something to tell the operator that belongs to no bottle.
    Note {
        /// The words.
        text: String,
    },
    /// Whether everything is held still.
    PanicStands {
        /// Since when and how much, if it is.
        standing: Option<Standing>,
    },
    /// A task of ours ended although nobody asked it to.
    TaskEnded {
        /// Its name.
        name: String,
        /// The bottle it worked for.
        bottle: Option<BottleRef>,
        /// How it ended.
        how: String,
    },
}

/// What came of the answer to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerResult {
    /// Which.
    pub request: RequestRef,
    /// What came of it in words, or why the answer does not count.
    pub result: Result<String, String>,
}

/// What an engine shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fleet", rename_all = "snake_case")]
pub enum FleetEvent {
    /// Everything that the engine has; what is not in it is gone.
    Sightings {
        /// The engine.
        engine: EngineId,
        /// Its bottles.
        bottles: Vec<BottleSighting>,
    },
    /// One bottle is new or changed.
    Changed {
        /// The bottle as it is now.
        sighting: BottleSighting,
    },
    /// One bottle has no container left.
    Gone {
        /// The bottle.
        bottle: BottleRef,
    },
    /// The engine does not answer. What was known of its bottles stays, marked as old.
    EngineLost {
        /// The engine.
        engine: EngineId,
        /// Why, for the operator.
        why: String,
    },
    /// The engine answers again.
    EngineBack {
        /// The engine.
        engine: EngineId,
    },
}

/// An agent that the start picker offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentOffer {
    /// Its name in the manifest.
    pub name: String,
    /// Which file it comes from, in a word or two.
    pub source: String,
    /// The template it is started with.
    pub template: String,
    /// What runs in it, such as `claude`.
    pub provider: String,
    /// The first line of its prompt.
    pub prompt: Option<String>,
    /// Why it cannot be started.
    pub problem: Option<String>,
}

/// What starting an agent would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// The plan in rows.
    pub rows: Vec<SummaryRow>,
}

/// News of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationReport {
    /// What is done.
    pub kind: OperationKind,
    /// To which bottle; a start has none until its id is reserved.
    pub bottle: Option<BottleRef>,
    /// The agent of that bottle.
    pub agent: String,
    /// How far it is.
    pub news: OperationNews,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Makes and starts a bottle.
    Start,
    /// Stops a bottle, keeping its volumes.
    Stop,
    /// Starts a stopped bottle again.
    Resume,
    /// Removes a bottle with its volumes.
    Remove,
    /// Gives a running bottle another image or session, or takes that back.
    Change,
    /// Stops a bottle and starts it again.
    Restart,
    /// Freezes a bottle's agent where it is.
    Freeze,
    /// Lets a frozen agent go on.
    Unfreeze,
    /// Takes the network of a bottle's egress away.
    Cut,
    /// Gives it back.
    Reconnect,
}

impl OperationKind {
    /// The operation as a verb.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Remove => "remove",
            Self::Change => "change",
            Self::Restart => "restart",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Cut => "cut",
            Self::Reconnect => "reconnect",
        }
    }

    /// What a bottle is when it was done.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Resume => "resumed",
            Self::Remove => "removed",
            Self::Change => "changed",
            Self::Restart => "restarted",
            Self::Freeze => "frozen",
            Self::Unfreeze => "unfrozen",
            Self::Cut => "cut",
            Self::Reconnect => "reconnected",
        }
    }
}

/// How far an operation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum OperationNews {
    /// It began.
    Began,
    /// It reached a step.
    Step {
        /// The step in words, or what it says. Hostile text.
        what: String,
        /// Whether it is something that a step says, such as a line of a build's output.
        #[serde(default)]
        is_output: bool,
        /// Whether an image is being made, which may take minutes.
        is_build: bool,
        /// Steps done.
        done: u32,
        /// Steps in all; 0 where that is not known.
        of: u32,
        /// Whether the operation can be cancelled still.
        #[serde(default)]
        can_cancel: bool,
    },
    /// It ended, well or with the reason in the engine's own words. What a failed
    /// start had made is undone by then.
    Ended {
        /// How.
        outcome: Result<(), String>,
    },
    /// The operator cancelled it. What it had made is undone.
    Cancelled,
}
