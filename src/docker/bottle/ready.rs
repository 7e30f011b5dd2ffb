//! Waiting for a bottle: its roles, its seal, its session, all heard over the control
//! line.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::request::{Credentials, UpCause};
use crate::docker::line::Line;
use crate::spec::Observe;
use crate::wire::{
    Activity, BottleFacts, ConsoleToHub, Frame, HEARTBEAT, HubToConsole, LineReader, LineWriter,
    Role, RoleReport, RoleState, SealReport, SessionExit, ToEgress, VERSION,
};

/// How long roles may take to say that they are ready, once all of them run.
const LIMIT: Duration = Duration::from_mins(1);
/// How long a program must run to count as back, where its state cannot be read.
const SETTLES: Duration = Duration::from_secs(1);
/// How long a program whose state can be read may say none.
const SPEAKS: Duration = Duration::from_secs(20);

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

/// A control line on which a new agent container is waited for.
pub(crate) struct AgentWatch {
    reader: LineReader<Box<dyn AsyncRead + Send + Unpin>>,
    writer: LineWriter<Box<dyn AsyncWrite + Send + Unpin>>,
}

impl AgentWatch {
    /// Opens it, tells the hub what the bottle is made of now, and reads past all that
    /// the hub holds of the container before.
    ///
    /// # Errors
    /// [`UpCause::Roles`] if the hub does not answer.
    pub(crate) async fn open(line: Line, facts: BottleFacts) -> Result<Self, UpCause> {
        let mut watch = Self {
            reader: LineReader::new(line.reader),
            writer: LineWriter::new(line.writer),
        };
        let facts = Box::new(facts);
        let opened = timeout(LIMIT, async {
            let hello = ConsoleToHub::Hello { version: VERSION };
            watch.say(&hello).await?;
            watch.say(&ConsoleToHub::Facts { facts }).await?;
            while watch.next().await? != HubToConsole::Live {}
            Ok::<_, String>(())
        });
        match opened.await {
            Ok(opened) => opened.map_err(broke)?,
            Err(_) => return Err(too_long()),
        }
        Ok(watch)
    }

    /// Waits until the seal holds and the session's program is back, and gives the seal's
    /// report. A program whose state can be read must say a state; of another it is
    /// enough that it still runs a moment later.
    ///
    /// # Errors
    /// [`UpCause::Seal`], or [`UpCause::Roles`] if the program ended or says nothing.
    pub(crate) async fn is_back(&mut self, observe: &Observe) -> Result<SealReport, UpCause> {
        let (mut seal, mut settled) = (None, None);
        let deadline = Instant::now() + LIMIT;
        let mut beat = interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let until = settled.unwrap_or(deadline);
            let message = tokio::select! {
                message = self.next() => message.map_err(broke)?,
                _ = beat.tick() => {
                    self.say(&ConsoleToHub::Ping).await.map_err(broke)?;
                    continue;
                }
                () = sleep_until(until) => {
                    return settled.and(seal).ok_or_else(too_long);
                }
            };
            let HubToConsole::Report {
                role: Role::Agent,
                report,
            } = message
            else {
                continue;
            };
            match report {
                RoleReport::Seal { report } if report.holds() => seal = Some(report),
                RoleReport::Seal { report } => return Err(UpCause::Seal { report }),
                RoleReport::Ended { exit } => {
                    return Err(broke(format!("take the session up again: {}", ended(exit))));
                }
                RoleReport::Session { report } if report.activity != Activity::Starting => {
                    let says = report.activity != Activity::Unknown;
                    if let (true, Some(seal)) = (says, seal.clone()) {
                        return Ok(seal);
                    }
                    let patience = match observe {
                        Observe::Output => SETTLES,
                        Observe::Claude { .. } => SPEAKS,
                    };
                    settled.get_or_insert(Instant::now() + patience);
                }
                RoleReport::Hello { .. }
                | RoleReport::State { .. }
                | RoleReport::Decision { .. }
                | RoleReport::Routes { .. }
                | RoleReport::RoutesRefused { .. }
                | RoleReport::Held { .. }
                | RoleReport::HoldOver { .. }
                | RoleReport::Usage { .. }
                | RoleReport::Budgets { .. }
                | RoleReport::Hits { .. }
                | RoleReport::Log { .. }
                | RoleReport::Session { .. }
                | RoleReport::Request { .. }
                | RoleReport::RequestRefused { .. }
                | RoleReport::Ping
                | RoleReport::Unknown => {}
            }
        }
    }

    async fn say(&mut self, message: &ConsoleToHub) -> Result<(), String> {
        let said = self.writer.message(message).await;
        said.map_err(|error| format!("use the control line: {error}"))
    }

    /// Cancel-safe.
    async fn next(&mut self) -> Result<HubToConsole, String> {
        loop {
            let frame = self.reader.next().await;
            let frame = frame.map_err(|error| format!("use the control line: {error}"))?;
            match frame {
                None => return Err(String::from("keep the control line: the hub closed it")),
                Some(Frame::Bytes(_)) => {}
                Some(Frame::Message(payload)) => {
                    let message = Frame::parse::<HubToConsole>(&payload);
                    let message =
                        message.map_err(|error| format!("understand the hub: {error}"))?;
                    if let HubToConsole::Hello { version } = message
                        && version != VERSION
                    {
                        return Err(format!(
                            "speak with the hub: it has version {version}, we have {VERSION}; stop and resume the bottle"
                        ));
                    }
                    return Ok(message);
                }
            }
        }
    }
}

fn broke(why: String) -> UpCause {
    let logs = Vec::new();
    UpCause::Roles { why, logs }
}

fn too_long() -> UpCause {
    broke(format!("hear from the bottle within {} s", LIMIT.as_secs()))
}

fn ended(exit: SessionExit) -> String {
    match exit {
        SessionExit::Code { code } => format!("its program ended at once with code {code}"),
        SessionExit::Signal { signal } => format!("signal {signal} ended its program at once"),
        SessionExit::NotStarted => String::from("its program could not be started"),
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
