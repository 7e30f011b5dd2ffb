//! The programs that `exec_line` runs: the hub's control line and init's session
//! line, speaking the wire protocol over a pipe.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::FakeEngine;
use super::world::{FakeContainer, World, missing};
use crate::docker::error::EngineError;
use crate::docker::line::{Line, LineErrors};
use crate::spec::layout;
use crate::wire::{
    Activity, ClientToSession, ConsoleToHub, Frame, HubToConsole, InitConfig, LineError,
    LineReader, LineWriter, Role, RoleReport, RoleState, SealCheck, SealReport, SessionReport,
    SessionToClient, TerminalSize, VERSION,
};

const OPERATION: &str = "run a program in a container";
const PIPE_BYTES: usize = 64 * 1024;

type Reader = LineReader<ReadHalf<DuplexStream>>;
type Writer = LineWriter<WriteHalf<DuplexStream>>;

/// Runs a program in a container. It ends with the line's other end.
pub(super) fn run(
    engine: &FakeEngine,
    world: &mut World,
    container: &str,
    argv: &[&str],
) -> Result<Line, EngineError> {
    let found = world.found(container, OPERATION)?.clone();
    if !found.is_running() {
        return Err(EngineError::Conflict {
            operation: OPERATION,
            message: format!("container {container} is not running"),
        });
    }
    world.tell(container, "exec_create");
    world.tell(container, "exec_start");
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let (reader, writer) = tokio::io::split(theirs);
    let program = Program {
        engine: engine.clone(),
        changed: engine.changed.subscribe(),
        container: found.id,
        reader: LineReader::new(reader),
        writer: LineWriter::new(writer),
    };
    match argv {
        [layout::GUEST_BINARY, "guest", "ctl"] => {
            tokio::spawn(async move { program.hub().await.ok() });
        }
        [layout::GUEST_BINARY, "guest", "attach"] => {
            tokio::spawn(async move { program.session().await.ok() });
        }
        _ => return Err(missing(OPERATION, &argv.join(" "))),
    }
    let (reader, writer) = tokio::io::split(ours);
    Ok(Line {
        reader: Box::new(reader),
        writer: Box::new(writer),
        errors: LineErrors::default(),
    })
}

struct Program {
    engine: FakeEngine,
    changed: watch::Receiver<()>,
    container: String,
    reader: Reader,
    writer: Writer,
}

impl Program {
    /// Replays what the roles said so far, then says what is new, until its container
    /// ends or nobody listens.
    async fn hub(mut self) -> Result<(), LineError> {
        while !matches!(self.heard().await?, Some(ConsoleToHub::Hello { .. }) | None) {}
        let hello = HubToConsole::Hello { version: VERSION };
        self.writer.message(&hello).await?;
        let mut said = Vec::new();
        let mut is_live = false;
        while let Some(reports) = self.reports() {
            for report in reports {
                if !said.contains(&report) {
                    self.writer.message(&report).await?;
                    said.push(report);
                }
            }
            if !is_live {
                is_live = true;
                self.writer.message(&HubToConsole::Live).await?;
            }
            tokio::select! {
                changed = self.changed.changed() => if changed.is_err() {
                    return Ok(());
                },
                heard = self.reader.next() => match heard? {
                    Some(_) => self.writer.message(&HubToConsole::Pong).await?,
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }

    /// Takes what the session waits for, once.
    async fn session(mut self) -> Result<(), LineError> {
        let size = TerminalSize::default();
        while let Some(heard) = self.heard().await? {
            let answer = match heard {
                ClientToSession::Hello { .. } => SessionToClient::Hello {
                    version: VERSION,
                    size,
                },
                ClientToSession::Resize { size } => SessionToClient::Resized { size },
                ClientToSession::HandOver { env } => self.take(env),
                ClientToSession::Ping => SessionToClient::Pong,
            };
            self.writer.message(&answer).await?;
        }
        Ok(())
    }

    async fn heard<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, LineError> {
        loop {
            match self.reader.next().await? {
                Some(Frame::Message(payload)) => return Ok(Some(Frame::parse(&payload)?)),
                Some(Frame::Bytes(_)) => {}
                None => return Ok(None),
            }
        }
    }

    fn take(&self, values: BTreeMap<String, String>) -> SessionToClient {
        let mut world = self.engine.world();
        let Ok(found) = world.found(&self.container, OPERATION) else {
            let why = String::from("it is gone");
            return SessionToClient::Refused { why };
        };
        if !values.keys().eq(&waited_for(found)) {
            let why = String::from("these are not the values it waits for");
            return SessionToClient::Refused { why };
        }
        found.handed_over = Some(values);
        drop(world);
        self.engine.changed.send_replace(());
        SessionToClient::HandOverTaken
    }

    /// What the hub holds; `None` once its own container ended.
    fn reports(&self) -> Option<Vec<HubToConsole>> {
        let world = self.engine.world();
        world.find(&self.container).filter(|own| own.is_running())?;
        let is_running = |role| {
            let found = world.sibling(&self.container, role);
            found.filter(|found| found.is_running())
        };
        let ready = RoleReport::State {
            state: RoleState::Ready,
        };
        let mut reports = Vec::new();
        for role in [Role::Supervise, Role::Egress, Role::Agent] {
            if is_running(role).is_some() {
                let report = ready.clone();
                reports.push(HubToConsole::Report { role, report });
            }
        }
        if let Some(agent) = is_running(Role::Agent)
            && is_running(Role::Egress).is_some()
        {
            reports.extend(of_agent(agent, !world.breaks_seals));
        }
        Some(reports)
    }
}

/// The seal is probed when the doors are there; the program waits for its values.
fn of_agent(agent: &FakeContainer, holds: bool) -> [HubToConsole; 2] {
    let seal = RoleReport::Seal {
        report: SealReport {
            at: Timestamp::UNIX_EPOCH,
            checks: vec![SealCheck {
                name: String::from("interfaces"),
                seen: String::from(if holds { "lo" } else { "lo eth0" }),
                holds,
            }],
        },
    };
    let has_values = waited_for(agent).is_empty() || agent.handed_over.is_some();
    let session = RoleReport::Session {
        report: SessionReport {
            activity: if has_values {
                Activity::Idle
            } else {
                Activity::Starting
            },
            source: String::from("output"),
            waiting_for: None,
            since: Timestamp::UNIX_EPOCH,
            last_output: None,
            title: None,
        },
    };
    [seal, session].map(|report| HubToConsole::Report {
        role: Role::Agent,
        report,
    })
}

/// The variables that init was told to wait for, sorted.
fn waited_for(agent: &FakeContainer) -> Vec<String> {
    let prefix = format!("{}=", layout::INIT_CONFIG_ENV);
    let mut env = agent.request.env.iter();
    let text = env.find_map(|line| line.strip_prefix(&prefix));
    let config = text.and_then(|text| serde_json::from_str::<InitConfig>(text).ok());
    let mut names = config.map_or_else(Vec::new, |config| config.handed_over);
    names.sort();
    names
}
