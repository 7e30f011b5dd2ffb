//! What the state wants done outside, as data. Only the app performs effects.
//!
//! Three kinds: **lines** (`WatchHub`, `FollowLog`, `Preview`, `Attach`) stand until
//! their opposite, each asked for once; **operations** answer with
//! [`super::Event::Operation`] ending in `Ended` or `Cancelled`; **questions** answer with one event.

use serde::{Deserialize, Serialize};

use super::audit::AuditWish;
use super::copying::ScreenWish;
use super::inbox::{Draft, RequestRef, ShownRequest};
use super::log::{LogOrder, LogReach, LogSubject, LogWish};
use super::sighting::BottleRef;
use crate::policy::{BottleBudget, Route};
use crate::request::{Answer, Ask};
use crate::spec::BottleName;

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Leave the console. Bottles go on.
    Quit,
    /// Hold the control line to a bottle's hub, trying again when it breaks.
    WatchHub {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Let the control line go.
    UnwatchHub {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Look at a log: its end at once, then what was before and what comes. Answers with
    /// [`super::Event::Log`], again and again.
    FollowLog {
        /// Which look this is.
        ticket: u64,
        /// Whose log.
        subject: LogSubject,
        /// How far back.
        reach: LogReach,
        /// What of it is wanted.
        wish: LogWish,
    },
    /// Something else is wanted of the log that is looked at.
    WishLog {
        /// Which look.
        ticket: u64,
        /// All that is wanted.
        wish: LogWish,
    },
    /// Do something with the log that is looked at.
    OrderLog {
        /// Which look.
        ticket: u64,
        /// What.
        order: LogOrder,
    },
    /// Look no longer.
    StopLog {
        /// Which look.
        ticket: u64,
    },
    /// Put text into the operator's clipboard. Answers with `Note` if a program of the
    /// desktop did not take it.
    Copy {
        /// The text, made safe.
        text: String,
    },
    /// Hold a read-only line to a session, so that its screen is live. May be delayed
    /// by a moment, so that walking through the list opens no line for each row.
    Preview {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Let the read-only line go.
    ClosePreview {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Put a text into the clipboard that a session wanted there, if it is still this one.
    WriteClipboard {
        /// Whose session.
        bottle: BottleRef,
        /// Which of its texts.
        ticket: u64,
    },
    /// Hold still what a shown session shows, to be read. Answers with `ScreenHeld`.
    HoldScreen {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Read in what is held still, or copy of it. Answers with `ScreenRead`.
    ReadScreen {
        /// The bottle.
        bottle: BottleRef,
        /// What.
        wish: ScreenWish,
    },
    /// Hold a read-only line to a session that is shown beside others.
    WatchTile {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Let that line go.
    CloseTile {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Attach the keyboard to a session. Answers with `Attached` or `AttachFailed`.
    Attach {
        /// The bottle.
        bottle: BottleRef,
        /// Whether the session gets the whole terminal.
        full: bool,
    },
    /// Let the session go. Answers with `Detached`; the state does not wait for it.
    Detach {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Read the agents from the user's files. Answers with `Agents`.
    LoadAgents,
    /// Read what was decided and done. Answers with `AuditRead`, always.
    ReadAudit {
        /// Which look this is; the same again asks whether something was added.
        ticket: u64,
        /// Which entries.
        wish: AuditWish,
    },
    /// Read which images others make and which were made lately. Answers with
    /// `BuildsRead`.
    LoadBuilds,
    /// Plan a start. Answers with `Plan`.
    PlanStart {
        /// The agent.
        agent: String,
    },
    /// Start an agent as it was planned last. An operation.
    Start {
        /// The agent.
        agent: String,
        /// The id that the operator chose for the bottle.
        name: Option<BottleName>,
    },
    /// Stop a bottle. An operation.
    Stop {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Start a stopped bottle again. An operation.
    Resume {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Remove a bottle and its volumes. An operation.
    Remove {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Stop a bottle and start it again. An operation.
    Restart {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Freeze a bottle's agent. An operation.
    Freeze {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Let a frozen agent go on. An operation.
    Unfreeze {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Take the network of a bottle's egress away. An operation.
    Cut {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Give it back. An operation.
    Reconnect {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Type a line into sessions. Answers with `Note`.
    SendLine {
        /// Whose.
        bottles: Vec<BottleRef>,
        /// The line.
        text: String,
    },
    /// Freeze every bottle and cut every egress. Answers with `PanicStands` and `Note`.
    Panic,
    /// Let go what that holds. Answers with `PanicStands` and `Note`.
    LiftPanic,
    /// Let a held connection through: adds a route for its host and port. Answers with
    /// `Note`, and with the spec once more.
    AcceptHold {
        /// The bottle.
        bottle: BottleRef,
        /// Its number.
        hold: u64,
    },
    /// Refuse a held connection. Answers with `Note`.
    RefuseHold {
        /// The bottle.
        bottle: BottleRef,
        /// Its number.
        hold: u64,
    },
    /// Raise budgets of a bottle to these amounts. Answers with `Note`.
    RaiseBudgets {
        /// The bottle.
        bottle: BottleRef,
        /// The budgets as they are to be.
        raises: Vec<BottleBudget>,
    },
    /// Refuse what waits because a budget is spent. Answers with `Note`.
    RefuseBudgets {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Add a route to a bottle, on record and, if it runs, in force. Answers with `Note`.
    Allow {
        /// The bottle.
        bottle: BottleRef,
        /// The route.
        route: Box<Route>,
    },
    /// Look up, ask for and hand over the secrets that a bottle's egress misses. Answers
    /// with `Note`, or first with `SecretAsked`.
    Unlock {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Read a bottle's spec from the record. Answers with `SpecLoaded`.
    LoadSpec {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Look up what approving requests would do. Answers with `RequestsShown`.
    LookAtRequests {
        /// Which look this is; an older one that comes later is of no use.
        ticket: u64,
        /// Which requests.
        requests: Vec<RequestRef>,
        /// What the operator made of their content.
        edited: Option<Box<Ask>>,
    },
    /// Look up what approving several requests would do, those of one bottle one after the
    /// other. Answers with `ManyShown`.
    LookAtMany {
        /// Which look this is.
        ticket: u64,
        /// Which requests.
        requests: Vec<RequestRef>,
    },
    /// Approve requests, each as it was shown, those of one bottle in this order. Answers
    /// with `RequestsAnswered`, again and again.
    ApproveAll {
        /// Which.
        shown: Vec<ShownRequest>,
    },
    /// Answer requests, each as it was shown. Answers with `RequestsAnswered`.
    AnswerRequests {
        /// Which.
        shown: Vec<ShownRequest>,
        /// The answer.
        answer: Answer,
        /// Whether what needs a yes of its own got it.
        accepts_findings: bool,
    },
    /// Plan what a yes would change in the operator's own file, which is the scope of its
    /// terms. Answers with `ManifestPlanned`.
    PlanManifest {
        /// The yes.
        draft: Box<Draft>,
    },
    /// The same as `AnswerRequests` for the one request of a yes that was shown what it
    /// changes in the operator's own file. If it would change something else by now,
    /// answers with `ManifestPlanned` and nothing is done.
    ApproveIntoManifest {
        /// The yes.
        draft: Box<Draft>,
        /// The answer.
        answer: Answer,
    },
    /// Go on with what a bottle's requests were granted and nobody does. Answers with
    /// `CarriedOn`.
    CarryOn {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Cancel the operation on a bottle, unless it is too late. Answers with the
    /// operation's end, or with `Note`.
    CancelOperation {
        /// The bottle.
        bottle: BottleRef,
    },
    /// Take back what a request was given. Answers with `RequestsAnswered`.
    UndoRequest {
        /// Which.
        request: RequestRef,
    },
    /// Let the operator edit what is asked for. Answers with `RequestEdited`.
    EditRequest {
        /// Which request.
        request: RequestRef,
        /// What is asked for.
        ask: Box<Ask>,
    },
    /// Tell the operator, who may be looking elsewhere, that a bottle needs an answer.
    Notify {
        /// The bottle.
        bottle: BottleRef,
        /// What for, in our own words.
        what: String,
    },
    /// Read what these bottles use now. Answers with `Sampled`, or not at all: it is
    /// asked for again.
    Sample {
        /// Which.
        bottles: Vec<BottleRef>,
    },
    /// Read from the record which templates bottles were made with. Answers with
    /// `Templates`.
    LoadTemplates {
        /// Which bottles.
        bottles: Vec<BottleRef>,
    },
    /// Draw in the colours of another theme. Answers with `Note`.
    UseTheme {
        /// Its name.
        name: String,
    },
    /// List every engine's bottles now.
    RefreshFleet,
}
