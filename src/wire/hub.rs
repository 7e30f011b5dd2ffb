//! The control line: the hub (`guest supervise`), the roles that report to it, and
//! the console that listens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::budget::Budgets;
use super::egress::{HoldEnd, HoldRecord, ToEgress};
use super::hits::Hits;
use super::usage::{AnswerUsage, Usage};
use crate::policy::{Reason, RouteSet};
use crate::request::{News, RequestRecord, Wants};
use crate::spec::{Digest, ImageSource, Spec};

/// A role of the guest binary, and so a container of the bottle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// PID 1 of the agent container.
    Agent,
    /// The egress proxy.
    Egress,
    /// The hub and the agent's way to ask.
    Supervise,
}

impl Role {
    /// All roles, agent first.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Egress, Self::Supervise];

    /// The role as it stands in labels, names and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Egress => "egress",
            Self::Supervise => "supervise",
        }
    }
}

/// How a role says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RoleState {
    /// It serves.
    Ready,
    /// It serves, but something is wrong.
    Degraded {
        /// What is wrong.
        why: String,
    },
    /// It serves, but what needs these secrets is refused until they are handed over.
    Locked {
        /// The secrets' names.
        missing: Vec<String>,
    },
    /// It has not been heard of for a while, or said that it ends.
    Gone,
}

/// What the agent's session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// The session has not started its program yet.
    Starting,
    /// A turn runs.
    Working,
    /// The program waits for the operator: a permission, a question.
    Waiting,
    /// No turn runs; the program waits for a prompt.
    Idle,
    /// The program runs; nothing more is known.
    Unknown,
}

/// The state of a session and where it was learnt from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SessionReport {
    /// What it is doing.
    pub activity: Activity,
    /// The source, such as `session file`, `transcript`, `hook`, `output`.
    pub source: String,
    /// What the program waits for, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// When the source last changed.
    pub since: Timestamp,
    /// When the program last wrote to its terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_output: Option<Timestamp>,
    /// The title that the program gave its terminal, cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// How the program in the session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum SessionExit {
    /// It exited.
    Code {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// It could not be started.
    NotStarted,
}

/// One probe of the seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SealCheck {
    /// What was probed, such as `interfaces`.
    pub name: String,
    /// What was seen.
    pub seen: String,
    /// Whether the fence holds here.
    pub holds: bool,
}

/// The result of all probes, made before the agent's program runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SealReport {
    /// When they were made.
    pub at: Timestamp,
    /// Each probe.
    pub checks: Vec<SealCheck>,
}

impl SealReport {
    /// Whether every probe found the fence holding. No probe is no proof.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.holds)
    }
}

/// What egress decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The connection was let out.
    Allowed,
    /// It was not.
    Denied {
        /// Why.
        reason: Reason,
    },
}

/// One decision of egress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DecisionRecord {
    /// Counts from 1 within one bottle's life, kept over restarts of the sidecar.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// `CONNECT` or the method of a plain request.
    pub method: String,
    /// The host as asked, control characters escaped, 253 characters at most.
    pub host: String,
    /// The port as asked.
    pub port: u16,
    /// What was decided.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The request, where the proxy read one; absent for a tunnel that it did not look
    /// into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestFacts>,
    /// What it is to be a request for, where the table makes requests of what is refused
    /// and an approval could help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<Box<Wants>>,
}

/// What a request asked for and how it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RequestFacts {
    /// The canonical path, printable, 512 characters at most; `?…` stands for a query.
    pub path: String,
    /// Which route of the table allowed it, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<usize>,
    /// The table of routes that it was decided by.
    pub generation: u64,
    /// The status of the answer that the agent was given, upstream's or the proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Bytes of the request's body.
    pub sent_bytes: u64,
    /// Bytes of the answer's body.
    pub received_bytes: u64,
    /// Milliseconds from the request's head to the end of its answer.
    pub millis: u64,
    /// The rules and secrets that a scan found, by name, 16 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What the answer of a model says that it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Box<AnswerUsage>>,
}

/// One line that a role says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// The text; hostile where an agent had a part in it.
    pub text: String,
}

/// From a role to the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoleReport {
    /// The first message.
    Hello {
        /// [`super::VERSION`].
        version: u32,
        /// Who reports. On the report door only [`Role::Agent`] is believed.
        role: Role,
    },
    /// How the role is.
    State {
        /// Its state.
        state: RoleState,
    },
    /// A decision of egress.
    Decision {
        /// The decision.
        decision: DecisionRecord,
    },
    /// These routes are in force, from egress: at the begin of each line, and after
    /// each change.
    Routes {
        /// Which table it is.
        generation: u64,
        /// The routes.
        routes: RouteSet,
    },
    /// A new table was not taken, from egress; the old one is in force.
    RoutesRefused {
        /// The generation that was refused.
        generation: u64,
        /// Why.
        why: String,
    },
    /// A connection is held, or one more waits with it, from egress.
    Held {
        /// The hold.
        hold: HoldRecord,
    },
    /// A hold is over, from egress.
    HoldOver {
        /// [`HoldRecord::id`].
        id: u64,
        /// How.
        how: HoldEnd,
    },
    /// What the bottle used, from egress: at the begin of each line, and at most once a
    /// second as it grows.
    Usage {
        /// All of it, since the counting began.
        usage: Usage,
    },
    /// How the budgets of the bottle stand, from egress: at the begin of each line, and at
    /// most once a second as that changes. Never said of a bottle that has none.
    Budgets {
        /// All of them.
        budgets: Budgets,
    },
    /// What was let out and refused, from egress: at the begin of each line, and at most
    /// once a second as it grows.
    Hits {
        /// All of it, since the counting began.
        hits: Box<Hits>,
    },
    /// A line of log.
    Log {
        /// The line.
        line: LogLine,
    },
    /// The seal probes, from init.
    Seal {
        /// Their result.
        report: SealReport,
    },
    /// The session, from init.
    Session {
        /// Its state.
        report: SessionReport,
    },
    /// The session's program ended, from init.
    Ended {
        /// How.
        exit: SessionExit,
    },
    /// A request as it stands now, from the hub itself: each at the begin of a console's
    /// line, and after each step that it took.
    Request {
        /// The request.
        request: Box<RequestRecord>,
    },
    /// What a console said of a request was not taken, from the hub itself.
    RequestRefused {
        /// [`RequestRecord::id`].
        id: u64,
        /// Why.
        why: String,
    },
    /// Keeps the line alive.
    Ping,
    /// What a newer version adds; it is passed over.
    #[serde(other)]
    Unknown,
}

/// From the hub to the console. After `Hello` the hub replays what it holds (each
/// role's state, the last decisions and log lines, the seal report, the session),
/// then says [`HubToConsole::Live`] and goes on as things happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HubToConsole {
    /// The first message.
    Hello {
        /// [`super::VERSION`].
        version: u32,
    },
    /// A role reported.
    Report {
        /// Who.
        role: Role,
        /// What. Never `Hello` or `Ping`.
        report: RoleReport,
    },
    /// How many connections egress allowed and denied so far.
    Tally {
        /// Allowed.
        allowed: u64,
        /// Denied.
        denied: u64,
    },
    /// The replay is over.
    Live,
    /// The console read too slowly and missed this many messages; what the hub holds
    /// is replayed after it.
    Missed {
        /// How many.
        count: u64,
    },
    /// Keeps the line alive.
    Pong,
}

/// From the console to the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ConsoleToHub {
    /// The first message.
    Hello {
        /// [`super::VERSION`].
        version: u32,
    },
    /// Something for egress. It is passed on if egress is there, else dropped.
    Egress {
        /// The message.
        message: ToEgress,
    },
    /// A verdict on a request, or what came of it. Answered with
    /// [`RoleReport::Request`] once it is on the disk, or with
    /// [`RoleReport::RequestRefused`].
    Request {
        /// [`RequestRecord::id`].
        id: u64,
        /// What the operator's side says.
        news: Box<News>,
    },
    /// What the bottle is made of now: at each start, and after each change of its
    /// image. The hub keeps it over its restarts.
    Facts {
        /// It.
        facts: Box<BottleFacts>,
    },
    /// Keeps the line alive.
    Ping,
}

/// What the bottle is made of, as far as its agent may read it. Nothing of it is a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottleFacts {
    /// The digest of its spec.
    pub spec: Digest,
    /// Its image; of a Dockerfile the whole text, which a diff is made against.
    pub image: ImageSource,
}

impl BottleFacts {
    /// The facts of a spec.
    ///
    /// # Errors
    /// As [`Spec::digest`].
    pub fn of(spec: &Spec) -> Result<Self, serde_json::Error> {
        Ok(Self {
            spec: spec.digest()?,
            image: spec.image.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_a_newer_version_adds_breaks_no_line() {
        let text =
            r#"{"type":"report","role":"egress","report":{"type":"weather","wind":{"knots":7}}}"#;
        let heard: HubToConsole = serde_json::from_str(text).unwrap();
        let report = RoleReport::Unknown;
        let role = Role::Egress;
        assert_eq!(heard, HubToConsole::Report { role, report });
    }

    /// What an earlier version wrote into its log, and what this one writes.
    #[test]
    fn a_request_without_usage_reads_as_before() {
        let text = r#"{"path":"/","generation":1,"sent_bytes":2,"received_bytes":3,"millis":4}"#;
        let facts: RequestFacts = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&facts).unwrap(), text);
    }
}
