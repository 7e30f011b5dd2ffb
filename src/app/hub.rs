//! Talking with a bottle's hub: what it holds, read until it says that it is live, and
//! what there is to tell egress through it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};

use super::links::{Borrowed, Links};
use crate::docker::{self, Engine, EngineError, Line};
use crate::request::{News, RequestRecord};
use crate::spec::BottleId;
use crate::state::RoutesInForce;
use crate::wire::{
    Budgets, ConsoleToHub, DecisionRecord, Frame, Hits, HoldRecord, HubToConsole, LineError,
    LineReader, LineWriter, Role, RoleReport, RoleState, SealReport, SessionExit, SessionReport,
    ToEgress, Usage, VERSION,
};

/// How long one look may take.
const LIMIT: Duration = Duration::from_secs(3);

/// What a hub holds. All of it is the bottle's own word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HubView {
    /// Each role's state.
    pub(crate) roles: BTreeMap<Role, RoleState>,
    /// What the session is doing.
    pub(crate) session: Option<SessionReport>,
    /// How it ended.
    pub(crate) ended: Option<SessionExit>,
    /// The seal probes.
    pub(crate) seal: Option<SealReport>,
    /// The last decisions of egress, oldest first.
    pub(crate) decisions: Vec<DecisionRecord>,
    /// Connections let out.
    pub(crate) allowed: u64,
    /// Connections refused.
    pub(crate) denied: u64,
    /// The routes that egress says are in force.
    pub(crate) routes: Option<RoutesInForce>,
    /// Connections that wait for an answer.
    pub(crate) holds: Vec<HoldRecord>,
    /// What was asked for, by number.
    pub(crate) requests: BTreeMap<u64, RequestRecord>,
    /// What it used.
    pub(crate) usage: Option<Usage>,
    /// How its budgets stand.
    pub(crate) budgets: Option<Budgets>,
    /// What each route let out, and what was refused.
    pub(crate) hits: Option<Hits>,
}

/// Asks a bottle's hub once. `None` if it does not answer in time or speaks another
/// version: a look is worth no failure.
pub(crate) async fn look(engine: &dyn Engine, id: &BottleId) -> Option<HubView> {
    let talk = Talk::open(engine, id).await.ok()?;
    Some(talk.view)
}

/// Why a hub could not be talked with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TalkError {
    /// The line could not be opened.
    #[error(transparent)]
    Open(#[from] EngineError),
    /// The line broke.
    #[error("use the control line")]
    Line(#[from] LineError),
    /// The hub ended it.
    #[error("hear from the hub: it closed the line")]
    Closed,
    /// It speaks another version.
    #[error("understand the hub: it speaks version {theirs}, this program {VERSION}")]
    Version {
        /// Its version.
        theirs: u32,
    },
    /// It did not take what was said.
    #[error("{why}")]
    Refused {
        /// Why, in its words: a fragment that fits after «failed to».
        why: String,
    },
    /// Nothing of what was waited for came in time.
    #[error("hear from the bottle within {} s", LIMIT.as_secs())]
    Silence(#[from] tokio::time::error::Elapsed),
}

/// The last decisions of egress that a look keeps.
const KEPT_DECISIONS: usize = 500;

/// A line to a hub that was read until it said all that it holds.
pub(crate) struct Talk {
    ends: Ends,
    /// What it held then.
    pub(crate) view: HubView,
}

enum Ends {
    Own {
        reader: LineReader<Box<dyn AsyncRead + Send + Unpin>>,
        writer: LineWriter<Box<dyn AsyncWrite + Send + Unpin>>,
    },
    Borrowed(Borrowed),
}

impl Talk {
    /// Opens a line and hears everything that the hub holds.
    ///
    /// # Errors
    /// [`TalkError`].
    pub(crate) async fn open(engine: &dyn Engine, id: &BottleId) -> Result<Self, TalkError> {
        tokio::time::timeout(LIMIT, async {
            let line = docker::control_line(engine, id).await?;
            Self::begin(line).await
        })
        .await?
    }

    /// Borrows a line that is held anyway, or opens one.
    ///
    /// # Errors
    /// [`TalkError`].
    pub(crate) async fn over(
        links: &Links,
        engine: &dyn Engine,
        id: &BottleId,
    ) -> Result<Self, TalkError> {
        match links.borrow(id) {
            Some((borrowed, view)) => Ok(Self {
                ends: Ends::Borrowed(borrowed),
                view,
            }),
            None => Self::open(engine, id).await,
        }
    }

    async fn begin(line: Line) -> Result<Self, TalkError> {
        let mut talk = Self {
            ends: Ends::Own {
                reader: LineReader::new(line.reader),
                writer: LineWriter::new(line.writer),
            },
            view: HubView::default(),
        };
        talk.say(ConsoleToHub::Hello { version: VERSION }).await?;
        loop {
            let message = talk.next().await?;
            if message == HubToConsole::Live {
                return Ok(talk);
            }
            talk.view.hear(&message);
        }
    }

    async fn say(&mut self, message: ConsoleToHub) -> Result<(), TalkError> {
        match &mut self.ends {
            Ends::Own { writer, .. } => Ok(writer.message(&message).await?),
            Ends::Borrowed(line) => {
                let sent = line.orders.send(message).await;
                sent.map_err(|_| TalkError::Closed)
            }
        }
    }

    /// Waits for the next message. Cancel-safe.
    ///
    /// # Errors
    /// [`TalkError`] when the line is of no use any more.
    pub(crate) async fn next(&mut self) -> Result<HubToConsole, TalkError> {
        let reader = match &mut self.ends {
            Ends::Own { reader, .. } => reader,
            Ends::Borrowed(line) => {
                let message = line.news.recv().await;
                return message.ok_or(TalkError::Closed);
            }
        };
        loop {
            let message = match reader.next().await? {
                None => return Err(TalkError::Closed),
                Some(Frame::Bytes(_)) => continue,
                Some(Frame::Message(payload)) => {
                    Frame::parse(&payload).map_err(LineError::Frame)?
                }
            };
            if let HubToConsole::Hello { version } = message
                && version != VERSION
            {
                return Err(TalkError::Version { theirs: version });
            }
            return Ok(message);
        }
    }

    /// Keeps the line alive; say it at least every [`crate::wire::HEARTBEAT`].
    ///
    /// # Errors
    /// [`TalkError`] when the line is of no use any more.
    pub(crate) async fn ping(&mut self) -> Result<(), TalkError> {
        self.say(ConsoleToHub::Ping).await
    }

    /// Tells egress something and waits for the report of it that answers.
    ///
    /// # Errors
    /// [`TalkError`]; what was told may have been heard all the same.
    pub(crate) async fn tell<T>(
        &mut self,
        message: ToEgress,
        answer: impl Fn(&RoleReport) -> Option<T>,
    ) -> Result<T, TalkError> {
        let told = ConsoleToHub::Egress { message };
        tokio::time::timeout(LIMIT, async {
            self.say(told).await?;
            loop {
                if let HubToConsole::Report {
                    role: Role::Egress,
                    report,
                } = self.next().await?
                    && let Some(answer) = answer(&report)
                {
                    return Ok(answer);
                }
            }
        })
        .await?
    }
}

impl Talk {
    /// Says something of a request, and waits until the hub has it on its disk.
    ///
    /// # Errors
    /// [`TalkError`]; what was told may have been heard all the same.
    pub(crate) async fn say_of(&mut self, id: u64, news: News) -> Result<RequestRecord, TalkError> {
        let news = Box::new(news);
        let told = ConsoleToHub::Request {
            id,
            news: news.clone(),
        };
        tokio::time::timeout(LIMIT, async {
            self.say(told).await?;
            loop {
                let HubToConsole::Report {
                    role: Role::Supervise,
                    report,
                } = self.next().await?
                else {
                    continue;
                };
                if let RoleReport::Request { request } = &report
                    && request.id == id
                    && request.took(&news)
                {
                    return Ok((**request).clone());
                }
                if let RoleReport::RequestRefused { id: there, why } = report
                    && there == id
                {
                    return Err(TalkError::Refused { why });
                }
            }
        })
        .await?
    }
}

impl HubView {
    /// Takes note of what the hub says.
    pub(super) fn hear(&mut self, message: &HubToConsole) {
        match message {
            HubToConsole::Report { role, report } => self.take(*role, report.clone()),
            HubToConsole::Tally { allowed, denied } => {
                self.allowed = *allowed;
                self.denied = *denied;
            }
            HubToConsole::Hello { .. }
            | HubToConsole::Live
            | HubToConsole::Missed { .. }
            | HubToConsole::Pong => {}
        }
    }

    fn take(&mut self, role: Role, report: RoleReport) {
        match report {
            RoleReport::State { state } => {
                self.roles.insert(role, state);
            }
            RoleReport::Decision { decision } => {
                self.decisions.push(decision);
                let more = self.decisions.len().saturating_sub(KEPT_DECISIONS);
                self.decisions.drain(..more);
            }
            RoleReport::Seal { report } => self.seal = Some(report),
            RoleReport::Session { report } => self.session = Some(report),
            RoleReport::Ended { exit } => self.ended = Some(exit),
            RoleReport::Routes { generation, routes } => {
                self.routes = Some(RoutesInForce { generation, routes });
            }
            RoleReport::Held { hold } => {
                self.holds.retain(|known| known.id != hold.id);
                self.holds.push(hold);
            }
            RoleReport::HoldOver { id, .. } => self.holds.retain(|known| known.id != id),
            RoleReport::Usage { usage } => self.usage = Some(usage),
            RoleReport::Budgets { budgets } => self.budgets = Some(budgets),
            RoleReport::Request { request } => {
                self.requests.insert(request.id, *request);
            }
            RoleReport::Hits { hits } => self.hits = Some(*hits),
            RoleReport::Hello { .. }
            | RoleReport::Log { .. }
            | RoleReport::RoutesRefused { .. }
            | RoleReport::RequestRefused { .. }
            | RoleReport::Ping
            | RoleReport::Unknown => {}
        }
    }
}
