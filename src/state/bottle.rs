//! One bottle as the console knows it: what the engine shows, what its hub says, what
//! we are doing to it, and the phase that follows from all of these.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::OperationKind;
use super::model_health::ModelHealth;
use super::phase::{Doing, Failure, Phase, Trouble};
use super::ring::Ring;
use super::sighting::{BottleRef, BottleSighting, ContainerState};
use super::spec_rows::SpecView;
use super::stats::Stats;
use crate::policy::RouteSet;
use crate::request::RequestRecord;
use crate::wire::{
    Activity, Budgets, DecisionRecord, Hits, HoldRecord, Pause, Role, RoleState, SealReport,
    SessionExit, SessionReport, Usage,
};

/// Decisions of egress kept of one bottle.
pub(super) const DECISIONS: usize = 500;
/// Lines kept of what an operation says.
pub(super) const OUTPUT_LINES: usize = 200;
/// Characters kept of each.
const OUTPUT_CHARS: usize = 500;

/// A bottle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bottle {
    /// Its name.
    pub bottle: BottleRef,
    /// Its agent's name.
    pub agent: String,
    /// What the engine shows; `None` before its first container is there.
    pub sighting: Option<BottleSighting>,
    /// What its hub says.
    pub hub: Hub,
    /// What is being done to it from this console.
    pub operation: Option<Operation>,
    /// What the last operation said, such as a build's output. Hostile text.
    #[serde(default = "no_output", skip_serializing_if = "Ring::is_empty")]
    pub output: Ring<String>,
    /// The last operation that failed, until the next one begins.
    pub failed: Option<FailedOperation>,
    /// How it is.
    pub phase: Phase,
    /// When the phase became what it is, if we saw it.
    pub phase_since: Option<Timestamp>,
    /// Whether its session ended by itself and the operator has not looked since.
    pub has_unseen_end: bool,
    /// Decisions of its egress.
    pub decisions: Ring<DecisionRecord>,
    /// Its spec, once it was asked for.
    pub spec: SpecView,
    /// The template of its spec, once that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What it uses and used.
    #[serde(default, skip_serializing_if = "Stats::is_empty")]
    pub stats: Stats,
    /// How its models answer.
    #[serde(default, skip_serializing_if = "ModelHealth::is_unknown")]
    pub model: ModelHealth,
    /// Where it stands by the key that the list is sorted by, as of the last look.
    #[serde(skip)]
    pub(super) rank: u64,
}

/// What a hub says of its bottle. All of it is the bottle's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hub {
    /// The control line.
    pub line: HubLine,
    /// Each role's state.
    pub roles: BTreeMap<Role, RoleState>,
    /// What the session is doing.
    pub session: Option<SessionReport>,
    /// How the session ended.
    pub ended: Option<SessionExit>,
    /// The seal probes.
    pub seal: Option<SealReport>,
    /// Connections let out.
    pub allowed: u64,
    /// Connections refused.
    pub denied: u64,
    /// The routes that egress says are in force.
    pub routes: Option<RoutesInForce>,
    /// Why egress did not take the last new table, until it takes one.
    pub routes_refused: Option<String>,
    /// Connections that wait for the operator, by their ids.
    pub holds: BTreeMap<u64, HoldRecord>,
    /// What it used, if egress said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How its budgets stand, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<Budgets>,
    /// What was asked for, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<u64, RequestRecord>,
    /// What each route let out and what was refused, if egress said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits: Option<Hits>,
}

/// A table of routes as egress has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RoutesInForce {
    /// Which table it is; counts up with each change.
    pub generation: u64,
    /// The routes.
    pub routes: RouteSet,
}

/// How the control line is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum HubLine {
    /// Not asked for, or not answered yet.
    #[default]
    Unknown,
    /// It stands.
    Up,
    /// It broke.
    Down {
        /// Why.
        why: String,
    },
}

/// An operation that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// The step it is at.
    pub what: String,
    /// Whether an image is being made.
    pub is_build: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_since: Option<Timestamp>,
    /// Steps done.
    pub done: u32,
    /// Steps in all; 0 where that is not known.
    pub of: u32,
    /// Whether it can be cancelled still.
    #[serde(default)]
    pub can_cancel: bool,
}

/// An operation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedOperation {
    /// What it should have done.
    pub kind: OperationKind,
    /// Why it did not.
    pub why: String,
}

impl Operation {
    /// An operation that was just asked for.
    #[must_use]
    pub const fn asked(kind: OperationKind) -> Self {
        Self {
            kind,
            what: String::new(),
            is_build: false,
            build_since: None,
            done: 0,
            of: 0,
            can_cancel: false,
        }
    }

    /// Whether the session goes on meanwhile, as it does until a change is on record.
    #[must_use]
    pub const fn leaves_session(&self) -> bool {
        matches!(self.kind, OperationKind::Change) && self.can_cancel
    }

    /// How far it is, such as `3/8`; empty where that is not known.
    #[must_use]
    pub fn count(&self) -> String {
        if self.of == 0 {
            return String::new();
        }
        format!("{}/{}", self.done, self.of)
    }
}

impl Bottle {
    /// Why requests of it wait for a budget, if some do.
    pub(super) fn pause(&self) -> Option<&Pause> {
        self.hub.budgets.as_ref()?.pause.as_ref()
    }

    /// Whether its egress waits for the operator: with a connection it holds, with
    /// requests beyond a budget, or for secrets.
    #[must_use]
    pub fn waits_for_answer(&self) -> bool {
        let egress = self.hub.roles.get(&Role::Egress);
        self.pause().is_some()
            || !self.hub.holds.is_empty()
            || matches!(egress, Some(RoleState::Locked { .. }))
    }

    /// A bottle of which nothing is known yet.
    #[must_use]
    pub fn new(bottle: BottleRef, agent: String) -> Self {
        Self {
            bottle,
            agent,
            sighting: None,
            hub: Hub::default(),
            operation: None,
            output: no_output(),
            failed: None,
            phase: Phase::Planned,
            phase_since: None,
            has_unseen_end: false,
            decisions: Ring::new(DECISIONS),
            spec: SpecView::Unknown,
            template: None,
            stats: Stats::default(),
            model: ModelHealth::default(),
            rank: 0,
        }
    }

    /// The state of a role's container, if the engine shows one.
    #[must_use]
    pub fn container(&self, role: Role) -> Option<&ContainerState> {
        let containers = &self.sighting.as_ref()?.containers;
        containers
            .iter()
            .find(|container| container.role == role)
            .map(|container| &container.state)
    }

    /// Whether a role's container runs.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.container(role) == Some(&ContainerState::Running)
    }

    /// Whether any of its containers runs or may at any moment.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Role::ALL
            .into_iter()
            .any(|role| self.container(role).is_some_and(is_alive))
    }

    /// Whether its agent container is there and does not run.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.container(Role::Agent)
            .is_some_and(|state| !is_alive(state))
    }

    /// Whether there is a session to attach to.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.runs(Role::Agent) && self.hub.ended.is_none()
    }

    /// Takes the control line's first message: everything the hub said before is said
    /// again. Decisions carry numbers and are told apart by them.
    pub(super) fn hub_begins(&mut self) {
        self.hub = Hub {
            line: HubLine::Up,
            ..Hub::default()
        };
    }

    /// Derives the phase from everything known; the worst wins.
    #[must_use]
    pub fn derive_phase(&self) -> Phase {
        match &self.operation {
            Some(operation) => self.phase_of_operation(operation),
            None => self.phase_beneath(),
        }
    }

    /// The phase without regard to what is being done to it.
    pub(super) fn phase_beneath(&self) -> Phase {
        self.phase_of_failed()
            .into_iter()
            .chain([self.phase_of_agent()])
            .chain(self.troubles())
            .max()
            .unwrap_or(Phase::Planned)
    }

    /// Keeps a line that an operation says.
    pub(super) fn hear_output(&mut self, line: &str) {
        self.output.push(line.chars().take(OUTPUT_CHARS).collect());
    }

    fn phase_of_operation(&self, operation: &Operation) -> Phase {
        match operation.kind {
            OperationKind::Start | OperationKind::Change if operation.is_build => Phase::Building,
            OperationKind::Start if self.sighting.is_none() && operation.what.is_empty() => {
                Phase::Planned
            }
            OperationKind::Restart if operation.what.is_empty() => Phase::Stopping,
            OperationKind::Start | OperationKind::Resume | OperationKind::Restart => {
                Phase::Starting
            }
            OperationKind::Stop => Phase::Stopping,
            // A moment in which nothing else changes.
            OperationKind::Freeze
            | OperationKind::Unfreeze
            | OperationKind::Cut
            | OperationKind::Reconnect => self.phase_beneath(),
            OperationKind::Remove => Phase::Removing,
            OperationKind::Change => Phase::Changing,
        }
    }

    fn phase_of_failed(&self) -> Option<Phase> {
        let failed = self.failed.as_ref()?;
        let why = failed.why.clone();
        Some(match failed.kind {
            OperationKind::Start => Phase::Failed {
                why: Failure::StartFailed { why },
            },
            OperationKind::Stop
            | OperationKind::Resume
            | OperationKind::Restart
            | OperationKind::Remove
            | OperationKind::Freeze
            | OperationKind::Unfreeze
            | OperationKind::Cut
            | OperationKind::Reconnect => Phase::Degraded {
                why: Trouble::OperationFailed {
                    verb: failed.kind.verb().to_owned(),
                    why,
                },
            },
            // It left the bottle as it was, or the containers say what is wrong.
            OperationKind::Change => return None,
        })
    }

    fn phase_of_agent(&self) -> Phase {
        let Some(state) = self.container(Role::Agent) else {
            return match self.sighting {
                Some(_) => failed(Failure::AgentMissing),
                None => Phase::Planned,
            };
        };
        match state {
            ContainerState::Created | ContainerState::Restarting => Phase::Starting,
            ContainerState::Running => self.phase_of_session(),
            ContainerState::Paused => Phase::Frozen,
            ContainerState::Exited { code } => phase_of_exit(code.unwrap_or(0)),
            ContainerState::Dead => failed(Failure::Dead),
            ContainerState::Unknown { word } => Phase::Degraded {
                why: Trouble::UnknownState { word: word.clone() },
            },
        }
    }

    fn phase_of_session(&self) -> Phase {
        match (&self.hub.ended, &self.hub.session) {
            (Some(SessionExit::Code { code }), _) => phase_of_exit(i64::from(*code)),
            (Some(SessionExit::Signal { signal }), _) => {
                failed(Failure::Signalled { signal: *signal })
            }
            (Some(SessionExit::NotStarted), _) => failed(Failure::NotStarted),
            (None, Some(session)) if session.activity == Activity::Starting => Phase::Starting,
            (None, _) if self.pause().is_some() => Phase::Ready {
                doing: Doing::Paused,
            },
            (None, session) => {
                let refusal = self.model.refusal.as_ref();
                let doing = session
                    .as_ref()
                    .map_or(Doing::Unknown, |session| session.activity.into());
                let doing = doing.max(refusal.map_or(doing, |refusal| refusal.kind.doing()));
                Phase::Ready { doing }
            }
        }
    }

    /// What is wrong with a bottle whose agent runs. A stopped one has no troubles.
    fn troubles(&self) -> Vec<Phase> {
        if !self.runs(Role::Agent) {
            return Vec::new();
        }
        let mut troubles = Vec::new();
        let degraded = |why| Phase::Degraded { why };
        if let Some(seal) = self.hub.seal.as_ref().filter(|seal| !seal.holds()) {
            let broken = seal.checks.iter().filter(|check| !check.holds);
            let probes: Vec<_> = broken.map(|check| check.name.as_str()).collect();
            troubles.push(failed(Failure::SealBroken {
                probes: if probes.is_empty() {
                    String::from("nothing was probed")
                } else {
                    probes.join(", ")
                },
            }));
        }
        for role in [Role::Egress, Role::Supervise] {
            if !self.runs(role) {
                troubles.push(degraded(Trouble::SidecarDown { role }));
            }
        }
        for (role, state) in &self.hub.roles {
            if let RoleState::Degraded { why } = state {
                troubles.push(degraded(Trouble::RoleDegraded {
                    role: *role,
                    why: why.clone(),
                }));
            }
        }
        if let HubLine::Down { why } = &self.hub.line {
            troubles.push(degraded(Trouble::HubSilent { why: why.clone() }));
        }
        troubles
    }

    /// Since when the bottle is as it is: the session's own clock where it says one,
    /// ours otherwise.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.since_of(&self.phase)
    }

    /// Since when it is in a phase, which may be one beneath an operation.
    pub(super) fn since_of(&self, phase: &Phase) -> Option<Timestamp> {
        match (phase, &self.hub.session) {
            (
                Phase::Ready {
                    doing: Doing::Paused,
                },
                _,
            ) => self.pause().map(|pause| pause.since),
            (
                Phase::Ready {
                    doing: Doing::Limited | Doing::Expired,
                },
                _,
            ) => self.model.refusal.as_ref().map(|refusal| refusal.since),
            (Phase::Ready { .. }, Some(session)) => Some(session.since),
            _ => self.phase_since,
        }
    }

    /// Where the phase was learnt.
    #[must_use]
    pub fn source(&self) -> &str {
        match (&self.phase, &self.hub.session) {
            _ if self.operation.is_some() || self.phase_of_failed().is_some() => "this console",
            (
                Phase::Ready {
                    doing: Doing::Paused | Doing::Limited | Doing::Expired,
                },
                _,
            ) => "egress",
            (Phase::Ready { .. }, Some(session)) => &session.source,
            (Phase::Degraded { why }, _) => match why {
                Trouble::HubSilent { .. } => "the control line",
                Trouble::RoleDegraded { .. } => "the hub",
                Trouble::UnknownState { .. }
                | Trouble::SidecarDown { .. }
                | Trouble::OperationFailed { .. } => "the engine",
            },
            (
                Phase::Failed {
                    why: Failure::SealBroken { .. },
                },
                _,
            ) => "the seal check",
            _ => "the engine",
        }
    }
}

const fn no_output() -> Ring<String> {
    Ring::new(OUTPUT_LINES)
}

/// Whether a container runs or may at any moment.
const fn is_alive(state: &ContainerState) -> bool {
    matches!(
        state,
        ContainerState::Running | ContainerState::Paused | ContainerState::Restarting
    )
}

const fn failed(why: Failure) -> Phase {
    Phase::Failed { why }
}

/// A session that was asked to end exits with 0, or as if by SIGINT or SIGTERM.
const fn phase_of_exit(code: i64) -> Phase {
    match code {
        0 | 130 | 143 => Phase::Stopped,
        code => failed(Failure::Exited { code }),
    }
}
