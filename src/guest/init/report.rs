//! Reports to the hub, through every restart of it, without ever making the session
//! wait: the latest of each kind wins, and log lines are bounded.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::Notify;

use crate::guest::runtime::note;
use crate::wire::{
    HEARTBEAT, LineError, LineWriter, LogLine, Role, RoleReport, RoleState, SealReport,
    SessionExit, SessionReport, VERSION,
};

/// Log lines kept until the hub takes them; the oldest is dropped.
const MAX_LINES: usize = 64;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LAST_BACKOFF: Duration = Duration::from_secs(2);
/// How long the hub may take to read a report.
const WRITE_LIMIT: Duration = Duration::from_secs(5);

/// What is to be reported.
pub(super) struct Reports {
    known: RefCell<Known>,
    /// Something is new.
    fresh: Notify,
    /// Everything was written.
    told: Notify,
}

#[derive(Default)]
struct Known {
    state: Slot<RoleState>,
    seal: Slot<SealReport>,
    session: Slot<SessionReport>,
    ended: Slot<SessionExit>,
    lines: VecDeque<LogLine>,
}

/// The latest of one kind, and whether the hub of this connection has it.
struct Slot<T> {
    value: Option<T>,
    is_told: bool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            value: None,
            is_told: true,
        }
    }
}

impl<T: Clone + PartialEq> Slot<T> {
    fn set(&mut self, value: T) {
        if self.value.as_ref() != Some(&value) {
            self.value = Some(value);
            self.is_told = false;
        }
    }

    fn forget(&mut self) {
        self.is_told = self.value.is_none();
    }

    fn take(&mut self) -> Option<T> {
        if std::mem::replace(&mut self.is_told, true) {
            None
        } else {
            self.value.clone()
        }
    }
}

impl Reports {
    pub(super) fn new() -> Self {
        Self {
            known: RefCell::default(),
            fresh: Notify::new(),
            told: Notify::new(),
        }
    }

    pub(super) fn state(&self, state: RoleState) {
        note(&state.words());
        self.known.borrow_mut().state.set(state);
        self.fresh.notify_one();
    }

    pub(super) fn seal(&self, report: SealReport) {
        let holding = report.checks.iter().filter(|check| check.holds).count();
        note(&format!(
            "seal: {holding} of {} probes hold",
            report.checks.len()
        ));
        self.known.borrow_mut().seal.set(report);
        self.fresh.notify_one();
    }

    pub(super) fn session(&self, report: SessionReport) {
        self.known.borrow_mut().session.set(report);
        self.fresh.notify_one();
    }

    pub(super) fn ended(&self, exit: SessionExit) {
        note(&format!("the program ended: {exit:?}"));
        self.known.borrow_mut().ended.set(exit);
        self.fresh.notify_one();
    }

    pub(super) fn log(&self, text: impl Into<String>) {
        let text = text.into();
        note(&text);
        let mut known = self.known.borrow_mut();
        if known.lines.len() >= MAX_LINES {
            known.lines.pop_front();
        }
        known.lines.push_back(LogLine {
            at: Timestamp::now(),
            text,
        });
        self.fresh.notify_one();
    }

    /// Waits until a hub took everything. Cancel-safe.
    pub(super) async fn told(&self) {
        loop {
            let told = self.told.notified();
            if !self.known.borrow().has_news() {
                return;
            }
            told.await;
        }
    }

    /// Reports for ever, connecting again whenever the hub is gone.
    pub(super) async fn run(&self, door: &Path) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            if let Ok(stream) = UnixStream::connect(door).await {
                backoff = FIRST_BACKOFF;
                // However this hub ends, the next one is told everything again.
                self.tell(stream).await.ok();
                self.known.borrow_mut().forget();
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LAST_BACKOFF);
        }
    }

    async fn tell(&self, stream: UnixStream) -> Result<(), LineError> {
        let (mut from, to) = stream.into_split();
        let mut writer = LineWriter::new(to);
        let hello = RoleReport::Hello {
            version: VERSION,
            role: Role::Agent,
        };
        write(&mut writer, &hello).await?;
        let mut ignored = [0; 256];
        loop {
            while let Some(report) = self.next() {
                write(&mut writer, &report).await?;
            }
            self.told.notify_waiters();
            tokio::select! {
                () = self.fresh.notified() => {}
                () = tokio::time::sleep(HEARTBEAT) => write(&mut writer, &RoleReport::Ping).await?,
                // The hub has nothing to say here; its end is what matters.
                read = from.read(&mut ignored) => if read? == 0 { return Ok(()) },
            }
        }
    }

    fn next(&self) -> Option<RoleReport> {
        let mut known = self.known.borrow_mut();
        let known = &mut *known;
        let state = known.state.take().map(|state| RoleReport::State { state });
        state
            .or_else(|| known.seal.take().map(|report| RoleReport::Seal { report }))
            .or_else(|| {
                let report = known.session.take();
                report.map(|report| RoleReport::Session { report })
            })
            .or_else(|| known.lines.pop_front().map(|line| RoleReport::Log { line }))
            .or_else(|| known.ended.take().map(|exit| RoleReport::Ended { exit }))
    }
}

impl Known {
    fn forget(&mut self) {
        self.state.forget();
        self.seal.forget();
        self.session.forget();
        self.ended.forget();
    }

    fn has_news(&self) -> bool {
        let told = self.state.is_told
            && self.seal.is_told
            && self.session.is_told
            && self.ended.is_told
            && self.lines.is_empty();
        !told
    }
}

async fn write<W: tokio::io::AsyncWrite + Unpin>(
    writer: &mut LineWriter<W>,
    report: &RoleReport,
) -> Result<(), LineError> {
    tokio::time::timeout(WRITE_LIMIT, writer.message(report))
        .await
        .map_err(|_| LineError::Io(std::io::ErrorKind::TimedOut.into()))?
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;
    use crate::wire::{Frame, LineReader};

    type Hub = LineReader<UnixStream>;

    async fn hub(listener: &UnixListener) -> Hub {
        LineReader::new(listener.accept().await.unwrap().0)
    }

    async fn next(hub: &mut Hub) -> RoleReport {
        match hub.next().await.unwrap().unwrap() {
            Frame::Message(payload) => Frame::parse(&payload).unwrap(),
            Frame::Bytes(_) => panic!("bytes on the report line"),
        }
    }

    fn hello() -> RoleReport {
        RoleReport::Hello {
            version: VERSION,
            role: Role::Agent,
        }
    }

    #[tokio::test]
    async fn a_hub_that_comes_back_is_told_everything_again() {
        let folder = tempfile::tempdir().unwrap();
        let door = folder.path().join("report.sock");
        let listener = UnixListener::bind(&door).unwrap();
        let reports = Reports::new();
        reports.state(RoleState::Ready);
        let ready = RoleReport::State {
            state: RoleState::Ready,
        };
        let exit = SessionExit::Code { code: 3 };
        let scenario = async {
            let mut first = hub(&listener).await;
            assert_eq!(next(&mut first).await, hello());
            assert_eq!(next(&mut first).await, ready);
            reports.ended(exit);
            assert_eq!(next(&mut first).await, RoleReport::Ended { exit });
            drop(first);
            let mut second = hub(&listener).await;
            assert_eq!(next(&mut second).await, hello());
            assert_eq!(next(&mut second).await, ready);
            assert_eq!(next(&mut second).await, RoleReport::Ended { exit });
            reports.told().await;
        };
        tokio::select! {
            () = scenario => {}
            () = reports.run(&door) => {}
        }
    }

    #[tokio::test]
    async fn only_the_latest_state_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let door = folder.path().join("report.sock");
        let reports = Reports::new();
        for count in 0..1000 {
            let why = format!("{count}");
            reports.state(RoleState::Degraded { why });
            reports.log(format!("line {count}"));
        }
        let listener = UnixListener::bind(&door).unwrap();
        let scenario = async {
            let mut hub = hub(&listener).await;
            assert_eq!(next(&mut hub).await, hello());
            let why = "999".to_owned();
            let state = RoleState::Degraded { why };
            assert_eq!(next(&mut hub).await, RoleReport::State { state });
            let RoleReport::Log { line } = next(&mut hub).await else {
                panic!("a log line")
            };
            assert_eq!(line.text, format!("line {}", 1000 - MAX_LINES));
        };
        tokio::select! {
            () = scenario => {}
            () = reports.run(&door) => {}
        }
    }
}
