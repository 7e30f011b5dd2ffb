//! The report door, on which the agent's container speaks: a stranger.
//!
//! Only [`Role::Agent`] is believed here, and only in what bounds allow it. One
//! connection at a time: the newest, because init reconnects after a fault, and any
//! process of the agent could take its place anyway. Who says more than the rate
//! allows is read more slowly.

use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::lines::message;
use super::shared::SharedHub;
use crate::wire::{Frame, LineError, LineReader, Role, RoleReport, VERSION};

/// The longest report: a seal report with long findings.
const MAX_REPORT_BYTES: usize = 64 * 1024;
/// Reports that may come at once.
const BURST: u32 = 200;
/// One report each, in the long run.
const PACE: Duration = Duration::from_millis(10);
/// Connections follow each other no faster.
const REST: Duration = Duration::from_millis(20);

/// Serves the report door for as long as it is polled.
pub(super) async fn serve(door: &UnixListener, hub: &SharedHub) {
    let mut current = JoinSet::new();
    loop {
        if let Ok((stream, _)) = door.accept().await {
            current.shutdown().await;
            let hub = hub.clone();
            current.spawn(async move {
                // Why the agent's end broke is its own affair.
                drop(line(stream, &hub).await);
            });
        }
        sleep(REST).await;
    }
}

async fn line<R: AsyncRead + Unpin>(from: R, hub: &SharedHub) -> Result<(), LineError> {
    let mut from = LineReader::with_limit(from, MAX_REPORT_BYTES);
    let Some(payload) = message(&mut from).await? else {
        return Ok(());
    };
    match Frame::parse(&payload) {
        Ok(RoleReport::Hello {
            version: VERSION,
            role: Role::Agent,
        }) => {}
        Ok(RoleReport::Hello { version, role }) => {
            let role = role.as_str();
            hub.log(format!(
                "the report door turned away {role}, version {version}"
            ));
            return Ok(());
        }
        Ok(_) | Err(_) => return Ok(()),
    }
    let speaker = hub.speak(Role::Agent);
    let mut pace = Pace::new();
    while let Some(payload) = message(&mut from).await? {
        pace.wait().await;
        if let Ok(report) = Frame::parse::<RoleReport>(&payload) {
            speaker.say(report);
        }
    }
    Ok(())
}

/// Lets [`BURST`] pass at once and one each [`PACE`] in the long run.
#[derive(Debug)]
struct Pace {
    /// When all that passed would have passed at an even pace.
    even: Instant,
}

impl Pace {
    fn new() -> Self {
        Self {
            even: Instant::now(),
        }
    }

    /// Waits for its turn. Cancel-safe.
    async fn wait(&mut self) {
        let now = Instant::now();
        self.even = self.even.max(now) + PACE;
        let ahead = PACE * BURST;
        if self.even > now + ahead {
            sleep_until(self.even - ahead).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;
    use crate::wire::{HubToConsole, LineWriter, LogLine, RoleState};

    fn log(text: &str) -> RoleReport {
        let line = LogLine {
            at: jiff::Timestamp::UNIX_EPOCH,
            text: text.to_owned(),
        };
        RoleReport::Log { line }
    }

    const HELLO: RoleReport = RoleReport::Hello {
        version: VERSION,
        role: Role::Agent,
    };

    /// What the hub holds after these reports on one line.
    async fn heard(reports: &[RoleReport]) -> Vec<HubToConsole> {
        let hub = SharedHub::default();
        let (ours, theirs): (DuplexStream, DuplexStream) = tokio::io::duplex(1 << 16);
        let mut writer = LineWriter::new(ours);
        let say = async {
            for report in reports {
                // The door may have hung up on us already.
                drop(writer.message(report).await);
            }
            drop(writer);
        };
        let (line, ()) = tokio::join!(line(theirs, &hub), say);
        drop(line);
        hub.listen().take()
    }

    fn says(messages: &[HubToConsole], report: &RoleReport) -> bool {
        messages.iter().any(|message| {
            matches!(message, HubToConsole::Report { role: Role::Agent, report: said } if said == report)
        })
    }

    #[tokio::test]
    async fn init_is_heard_and_gone_at_the_end_of_its_line() {
        let messages = heard(&[HELLO, log("hello")]).await;
        assert!(says(&messages, &log("hello")));
        let state = RoleState::Gone;
        assert!(says(&messages, &RoleReport::State { state }));
    }

    #[tokio::test]
    async fn no_other_role_is_believed_here() {
        for hello in [
            RoleReport::Hello {
                version: VERSION,
                role: Role::Egress,
            },
            RoleReport::Hello {
                version: VERSION + 1,
                role: Role::Agent,
            },
            log("no hello"),
        ] {
            let messages = heard(&[hello, log("x")]).await;
            let spoke = |message: &HubToConsole| matches!(message, HubToConsole::Report { role, .. } if *role != Role::Supervise);
            assert!(!messages.iter().any(spoke), "{messages:?}");
        }
    }

    #[tokio::test]
    async fn too_long_a_report_ends_the_line() {
        let long = log(&"x".repeat(MAX_REPORT_BYTES));
        let messages = heard(&[HELLO, log("before"), long, log("after")]).await;
        assert!(says(&messages, &log("before")));
        assert!(!says(&messages, &log("after")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_slowed_and_not_dropped() {
        let began = Instant::now();
        let mut reports = vec![HELLO];
        reports.extend((0..BURST + 100).map(|number| log(&number.to_string())));
        let messages = heard(&reports).await;
        assert_eq!(began.elapsed(), PACE * 100);
        assert!(says(&messages, &log(&(BURST + 99).to_string())));
    }

    #[tokio::test]
    async fn the_newest_connection_takes_the_place_of_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.sock");
        let door = UnixListener::bind(&path).unwrap();
        let hub = SharedHub::default();
        let talk = async {
            let old = tokio::net::UnixStream::connect(&path).await.unwrap();
            let new = tokio::net::UnixStream::connect(&path).await.unwrap();
            // The old one is hung up on.
            let mut old = LineReader::new(old);
            assert!(matches!(old.next().await, Ok(None) | Err(_)));
            let mut writer = LineWriter::new(new);
            writer.message(&HELLO).await.unwrap();
            writer.message(&log("new")).await.unwrap();
            let listener = hub.listen();
            let mut held = Vec::new();
            while !says(&held, &log("new")) {
                listener.woken().await;
                held.extend(listener.take());
            }
        };
        tokio::select! {
            () = serve(&door, &hub) => {}
            () = talk => {}
        }
    }
}
