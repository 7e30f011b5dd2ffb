//! Learns from outside what the session does, and reports it when it changes.
//!
//! Words on the screen are never read for it. The sources are, in this order: the
//! session file that Claude Code keeps; the later word of its transcript and of its
//! hooks; and when the program last wrote. Which one it was is part of the report.

mod claude;
mod file;
mod hook;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Pid;

use self::claude::Claude;
pub(super) use self::hook::prepare;
use super::report::Reports;
use super::session::Session;
use crate::spec::Observe;
use crate::wire::{Activity, SessionReport};

/// How often Claude Code's file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often output alone makes a report.
const OUTPUT_PAUSE: Duration = Duration::from_secs(2);
const OUTPUT: &str = "output";

/// What a source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    activity: Activity,
    source: &'static str,
    waiting_for: Option<String>,
    since: Timestamp,
}

/// Whether Claude Code has kept a conversation of this id.
pub(super) fn has_conversation(environment: &BTreeMap<String, String>, session_id: &str) -> bool {
    claude::transcript_path(&config_folder(environment), session_id).is_some()
}

/// Reports on a session.
pub(super) struct Observer {
    claude: Option<Claude>,
    started: Timestamp,
    last: Option<SessionReport>,
}

impl Observer {
    pub(super) fn new(
        observe: &Observe,
        program: Pid,
        environment: &BTreeMap<String, String>,
        hook_word: PathBuf,
    ) -> Self {
        let claude = match observe {
            Observe::Output => None,
            Observe::Claude { session_id } => {
                let config = config_folder(environment);
                Some(Claude::new(config, hook_word, program, session_id))
            }
        };
        Self {
            claude,
            started: Timestamp::now(),
            last: None,
        }
    }

    /// The report before the program runs.
    pub(super) fn starting() -> SessionReport {
        SessionReport {
            activity: Activity::Starting,
            source: "init".to_owned(),
            waiting_for: None,
            since: Timestamp::now(),
            last_output: None,
            title: None,
        }
    }

    /// Watches for ever. Cancel-safe.
    pub(super) async fn watch(mut self, session: &Session, reports: &Reports) {
        loop {
            if let Some(report) = self.look(session.last_output(), session.title()) {
                reports.session(report);
            }
            if self.claude.is_some() {
                tokio::time::sleep(LOOK).await;
            } else {
                session.changed.notified().await;
                tokio::time::sleep(OUTPUT_PAUSE).await;
            }
        }
    }

    /// Looks once; a report if anything changed.
    fn look(
        &mut self,
        last_output: Option<Timestamp>,
        title: Option<String>,
    ) -> Option<SessionReport> {
        let seen = self
            .claude
            .as_mut()
            .and_then(|claude| claude.look(last_output));
        let sight = seen.unwrap_or(Sight {
            activity: Activity::Unknown,
            source: OUTPUT,
            waiting_for: None,
            since: self.started,
        });
        let mut report = SessionReport {
            activity: sight.activity,
            source: sight.source.to_owned(),
            waiting_for: sight.waiting_for,
            since: sight.since,
            last_output,
            title,
        };
        if let Some(last) = &self.last {
            let is_recent = match (last.last_output, last_output) {
                (Some(before), Some(now)) => {
                    now.duration_since(before) < SignedDuration::try_from(OUTPUT_PAUSE).ok()?
                }
                (before, now) => before == now,
            };
            if is_recent {
                // Not worth a report of its own; it goes along with the next one.
                report.last_output = last.last_output;
                if report == *last {
                    return None;
                }
                report.last_output = last_output;
            }
        }
        self.last = Some(report.clone());
        Some(report)
    }
}

/// The folder where Claude Code keeps its files.
fn config_folder(environment: &BTreeMap<String, String>) -> PathBuf {
    let home = || {
        let home = environment.get("HOME").map_or("/", String::as_str);
        PathBuf::from(home).join(".claude")
    };
    environment
        .get("CLAUDE_CONFIG_DIR")
        .map_or_else(home, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn observer() -> Observer {
        let pid = rustix::process::getpid();
        Observer::new(&Observe::Output, pid, &BTreeMap::new(), PathBuf::new())
    }

    #[test]
    fn output_is_reported_every_two_seconds_at_most() {
        let mut observer = observer();
        assert_eq!(
            observer.look(None, None).unwrap().activity,
            Activity::Unknown
        );
        assert!(observer.look(None, None).is_none());
        assert!(observer.look(Some(at(10)), None).is_some());
        assert!(observer.look(Some(at(11)), None).is_none());
        assert!(observer.look(Some(at(12)), None).is_some());
    }

    #[test]
    fn a_new_title_is_reported_at_once() {
        let mut observer = observer();
        observer.look(Some(at(10)), None);
        let report = observer
            .look(Some(at(11)), Some("work".to_owned()))
            .unwrap();
        assert_eq!(report.title.as_deref(), Some("work"));
        assert_eq!(report.last_output, Some(at(11)));
        assert_eq!(report.source, "output");
    }
}
