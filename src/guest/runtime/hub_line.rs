//! A sidecar's line to the hub: an outbox that never blocks its role, and the pump
//! that empties it whenever the hub is there.
//!
//! The hub may start later, restart or be gone for good; the role must not notice.
//! Each new line begins with the role's state and the decisions still held, so that
//! a hub that lost its memory has it again.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use zeroize::Zeroize as _;

use super::text::{note, notes};
use crate::wire::{
    DecisionRecord, Frame, HEARTBEAT, LineError, LineReader, LineWriter, LogLine, Role, RoleReport,
    RoleState, SILENCE_LIMIT, ToEgress, VERSION,
};

/// Decisions held for a hub that comes back.
const DECISIONS: usize = 500;
/// Other reports held until they are sent: above the most holds that there may be.
const NEWS: usize = 8_192;
/// Reports sent in one piece.
const AT_ONCE: usize = 64;
/// Log lines held until they are sent. The oldest give way and are counted.
const LINES: usize = 200;
/// Messages of consoles that wait for the role.
const ORDERS: usize = 64;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// What a role says that stays true until it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// The routes in force.
    Routes,
    /// One hold.
    Hold(u64),
    /// What was used.
    Usage,
    /// How the budgets stand.
    Budgets,
    /// What was let out and refused.
    Hits,
}

#[derive(Debug, Default)]
struct Outbox {
    state: Option<RoleState>,
    state_unsent: bool,
    /// What else is true now, by its kind: told again on each new line.
    standing: BTreeMap<Standing, RoleReport>,
    /// What of it, and what else, the hub has not been told.
    news: VecDeque<RoleReport>,
    decisions: VecDeque<DecisionRecord>,
    /// How many of the newest decisions the hub has not been told.
    decisions_unsent: usize,
    lines: VecDeque<LogLine>,
    lost: u64,
}

impl Outbox {
    fn decide(&mut self, decision: DecisionRecord) {
        if self.decisions.len() == DECISIONS {
            self.decisions.pop_front();
            if self.decisions_unsent == DECISIONS {
                self.decisions_unsent -= 1;
                self.lost += 1;
            }
        }
        self.decisions.push_back(decision);
        self.decisions_unsent += 1;
    }

    fn say(&mut self, line: LogLine) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
            self.lost += 1;
        }
        self.lines.push_back(line);
    }

    /// Says something that is no decision and no line of log.
    fn tell(&mut self, report: RoleReport) {
        if let RoleReport::Routes { .. } = &report {
            self.standing.insert(Standing::Routes, report.clone());
        } else if let RoleReport::Held { hold } = &report {
            self.standing
                .insert(Standing::Hold(hold.id), report.clone());
        } else if let RoleReport::Usage { .. } = &report {
            self.standing.insert(Standing::Usage, report.clone());
            // Each says all that the one before it said.
            let is_old = |waiting: &RoleReport| matches!(waiting, RoleReport::Usage { .. });
            self.news.retain(|waiting| !is_old(waiting));
        } else if let RoleReport::Budgets { .. } = &report {
            self.standing.insert(Standing::Budgets, report.clone());
            let is_old = |waiting: &RoleReport| matches!(waiting, RoleReport::Budgets { .. });
            self.news.retain(|waiting| !is_old(waiting));
        } else if let RoleReport::Hits { .. } = &report {
            self.standing.insert(Standing::Hits, report.clone());
            let is_old = |waiting: &RoleReport| matches!(waiting, RoleReport::Hits { .. });
            self.news.retain(|waiting| !is_old(waiting));
        } else if let RoleReport::HoldOver { id, .. } = &report {
            self.standing.remove(&Standing::Hold(*id));
        }
        if self.news.len() == NEWS {
            self.news.pop_front();
            self.lost += 1;
        }
        self.news.push_back(report);
    }

    /// A new line to the hub: everything held is news again.
    fn begin(&mut self) {
        self.news = self.standing.values().cloned().collect();
        self.state_unsent = self.state.is_some();
        self.decisions_unsent = self.decisions.len();
    }

    fn take(&mut self) -> Option<RoleReport> {
        if std::mem::take(&mut self.state_unsent)
            && let Some(state) = self.state.clone()
        {
            return Some(RoleReport::State { state });
        }
        if let Some(report) = self.news.pop_front() {
            return Some(report);
        }
        if self.decisions_unsent > 0 {
            let next = self.decisions.len() - self.decisions_unsent;
            self.decisions_unsent -= 1;
            return self
                .decisions
                .get(next)
                .cloned()
                .map(|decision| RoleReport::Decision { decision });
        }
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            let line = LogLine {
                at: Timestamp::now(),
                text: format!("{lost} reports were lost: the hub did not read them in time"),
            };
            return Some(RoleReport::Log { line });
        }
        self.lines.pop_front().map(|line| RoleReport::Log { line })
    }
}

/// The role's end: reports, and forgets about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reporter {
    outbox: Arc<Mutex<Outbox>>,
    wake: Arc<Notify>,
}

impl Reporter {
    /// Says how the role is; a state that was said already is not said again.
    pub(crate) fn state(&self, state: RoleState) {
        self.with(|outbox| {
            if outbox.state.as_ref() != Some(&state) {
                note(&state.words());
                outbox.state = Some(state);
                outbox.state_unsent = true;
            }
        });
    }

    /// Passes on decisions.
    pub(crate) fn decisions(&self, decisions: Vec<DecisionRecord>) {
        notes(decisions.iter().map(DecisionRecord::words));
        self.with(|outbox| {
            for decision in decisions {
                outbox.decide(decision);
            }
        });
    }

    /// Says something that is no state, no decision and no line of log: routes, holds.
    pub(crate) fn tell(&self, report: RoleReport) {
        self.with(|outbox| outbox.tell(report));
    }

    /// Says a line of log.
    pub(crate) fn log(&self, text: String) {
        note(&text);
        let line = LogLine {
            at: Timestamp::now(),
            text,
        };
        self.with(|outbox| outbox.say(line));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Outbox) -> T) -> T {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut outbox);
        drop(outbox);
        self.wake.notify_one();
        result
    }

    /// Takes all that waits for the hub.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Vec<RoleReport> {
        let some = || Some(self.take()).filter(|some| !some.is_empty());
        std::iter::from_fn(some).flatten().collect()
    }

    /// Takes the next reports for the hub; nothing if none waits.
    fn take(&self) -> Vec<RoleReport> {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| outbox.take()).take(AT_ONCE).collect()
    }
}

/// The pump's end.
#[derive(Debug)]
pub(crate) struct HubLine {
    reporter: Reporter,
    role: Role,
    path: PathBuf,
    orders: mpsc::Sender<ToEgress>,
}

/// Makes both ends; the third is what consoles say to the role.
pub(crate) fn hub_line(role: Role, path: PathBuf) -> (Reporter, HubLine, mpsc::Receiver<ToEgress>) {
    let reporter = Reporter::default();
    // A full queue makes the hub wait, and its own queue drops what is too much.
    let (orders, heard) = mpsc::channel(ORDERS);
    let line = HubLine {
        reporter: reporter.clone(),
        role,
        path,
        orders,
    };
    (reporter, line, heard)
}

impl HubLine {
    /// Keeps a line to the hub for as long as it is polled.
    pub(crate) async fn run(self) {
        let mut retry = FIRST_RETRY;
        loop {
            if let Ok(stream) = UnixStream::connect(&self.path).await {
                retry = FIRST_RETRY;
                // Whatever ended the line, the answer is a new one.
                drop(self.report(stream).await);
            }
            sleep(retry).await;
            retry = (retry * 2).min(LAST_RETRY);
        }
    }

    async fn report(&self, stream: UnixStream) -> Result<(), LineError> {
        let (from, to) = stream.into_split();
        let mut to = LineWriter::new(to);
        self.reporter.with(Outbox::begin);
        let hello = RoleReport::Hello {
            version: VERSION,
            role: self.role,
        };
        send(&mut to, &[hello]).await?;
        let tell = async {
            loop {
                let reports = self.reporter.take();
                if !reports.is_empty() {
                    send(&mut to, &reports).await?;
                    continue;
                }
                tokio::select! {
                    () = self.reporter.wake.notified() => {}
                    () = sleep(HEARTBEAT) => send(&mut to, &[RoleReport::Ping]).await?,
                }
            }
        };
        tokio::select! {
            ended = tell => ended,
            ended = self.hear(LineReader::new(from)) => ended,
        }
    }

    /// Hears what consoles say until the hub is gone.
    async fn hear(&self, mut from: LineReader<OwnedReadHalf>) -> Result<(), LineError> {
        while let Some(frame) = from.next().await? {
            let Frame::Message(mut payload) = frame else {
                continue;
            };
            let order = Frame::parse(&payload);
            payload.zeroize();
            // What a newer version adds is passed over; a role that ends hears nothing.
            if let Ok(order) = order {
                drop(self.orders.send(order).await);
            }
        }
        Ok(())
    }
}

async fn send<W>(to: &mut LineWriter<W>, reports: &[RoleReport]) -> Result<(), LineError>
where
    W: tokio::io::AsyncWrite + Unpin,
{
    timeout(SILENCE_LIMIT, to.messages(reports))
        .await
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))?
}

#[cfg(test)]
mod tests;
