//! Waiting for a bottle: its roles, its seal, its session, all heard over the control
//! line.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::request::{Credentials, UpCause};
use crate::docker::line::Line;
use crate::wire::{
    Activity, BottleFacts, ConsoleToHub, Frame, HEARTBEAT, HubToConsole, LineReader, LineWriter,
    Role, RoleReport, RoleState, SealReport, SessionExit, ToEgress, VERSION,
};

/// How long roles may take to say that they are ready, once all of them run.
const LIMIT: Duration = Duration::from_mins(1);

/// A bottle that is ready.
#[derive(Debug)]
pub(crate) struct Readiness {
    pub(crate) seal: SealReport,
    pub(crate) ended: Option<SessionExit>,
}

/// What the hub is told meanwhile.
#[derive(Debug)]
pub(crate) struct Tell<'t> {
    /// The values that egress may miss.
    pub(crate) credentials: &'t Credentials,
    /// What the bottle is made of.
    pub(crate) facts: BottleFacts,
}

/// Reads until egress serves, the seal holds and the session's program runs. The
/// limit counts from when `all_run` is ready: an agent is started only after its
/// folders were filled, and that takes as long as they are large.
///
/// # Errors
/// [`UpCause::Seal`] if the seal does not hold, [`UpCause::Roles`] if a role says
/// nothing in time or the line breaks.
pub(crate) async fn wait(
    line: Line,
    all_run: impl Future<Output = ()>,
    tell: &Tell<'_>,
) -> Result<Readiness, UpCause> {
    let errors = line.errors.clone();
    let limit = async {
        all_run.await;
        sleep(LIMIT).await;
    };
    let told = tokio::select! {
        told = listen(line, tell) => Some(told),
        () = limit => None,
    };
    let broke = |why: String| UpCause::Roles {
        why: match errors.text() {
            said if said.is_empty() => why,
            said => format!("{why}; it said: {said}"),
        },
        logs: Vec::new(),
    };
    match told {
        Some(Ok(readiness)) => Ok(readiness),
        Some(Err(Heard::Broken(why))) => Err(broke(why)),
        Some(Err(Heard::Seal(report))) => Err(UpCause::Seal { report }),
        None => Err(broke(format!(
            "hear from all roles within {} s",
            LIMIT.as_secs()
        ))),
    }
}

/// What egress misses, as far as it is here.
fn hand_over(missing: &[String], credentials: &Credentials) -> Option<ToEgress> {
    let values: BTreeMap<String, String> = credentials
        .iter()
        .filter(|(name, _)| missing.iter().any(|missing| missing == name.as_str()))
        .map(|(name, value)| (name.to_string(), value.expose().clone()))
        .collect();
    (!values.is_empty()).then_some(ToEgress::Secrets { values })
}

enum Heard {
    Broken(String),
    Seal(SealReport),
}

async fn listen(line: Line, tell: &Tell<'_>) -> Result<Readiness, Heard> {
    let broken =
        |error: &dyn std::fmt::Display| Heard::Broken(format!("use the control line: {error}"));
    let mut writer = LineWriter::new(line.writer);
    let mut reader = LineReader::new(line.reader);
    writer
        .message(&ConsoleToHub::Hello { version: VERSION })
        .await
        .map_err(|error| broken(&error))?;
    let facts = Box::new(tell.facts.clone());
    writer
        .message(&ConsoleToHub::Facts { facts })
        .await
        .map_err(|error| broken(&error))?;
    // The hub takes a silent console for a dead one.
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut has_egress, mut is_running, mut has_credentials) = (false, false, false);
    let (mut seal, mut ended) = (None, None);
    loop {
        let frame = tokio::select! {
            frame = reader.next() => frame.map_err(|error| broken(&error))?,
            _ = beat.tick() => {
                let ping = writer.message(&ConsoleToHub::Ping).await;
                ping.map_err(|error| broken(&error))?;
                continue;
            }
        };
        let Some(Frame::Message(payload)) = frame else {
            return Err(Heard::Broken(String::from(
                "keep the control line: the hub closed it",
            )));
        };
        let message = Frame::parse::<HubToConsole>(&payload).map_err(|error| broken(&error))?;
        if let HubToConsole::Hello { version } = message
            && version != VERSION
        {
            return Err(Heard::Broken(format!(
                "speak with the hub: it has version {version}, we have {VERSION}"
            )));
        }
        if let HubToConsole::Report {
            role: Role::Egress,
            report:
                RoleReport::State {
                    state: RoleState::Locked { missing },
                },
        } = &message
            && !has_credentials
            && let Some(message) = hand_over(missing, tell.credentials)
        {
            has_credentials = true;
            let told = writer.message(&ConsoleToHub::Egress { message }).await;
            told.map_err(|error| broken(&error))?;
            continue;
        }
        if let HubToConsole::Report { role, report } = message {
            match (role, report) {
                (Role::Egress, RoleReport::State { state }) => {
                    has_egress = state != RoleState::Gone;
                }
                (Role::Agent, RoleReport::Seal { report }) if report.holds() => seal = Some(report),
                (Role::Agent, RoleReport::Seal { report }) => return Err(Heard::Seal(report)),
                (Role::Agent, RoleReport::Session { report }) => {
                    is_running = report.activity != Activity::Starting;
                }
                (Role::Agent, RoleReport::Ended { exit }) => ended = Some(exit),
                _ => {}
            }
        }
        if has_egress
            && (is_running || ended.is_some())
            && let Some(seal) = seal.clone()
        {
            return Ok(Readiness { seal, ended });
        }
    }
}
