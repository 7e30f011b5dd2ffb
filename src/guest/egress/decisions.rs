//! Every decision, counted, written down and told to the hub, in this order.
//!
//! What was refused is in the log before its client hears of it. What was let out is
//! written together with what else was within [`PACE`]: a busy agent costs a few writes
//! a second, not one a request. Nothing is told that is not written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::ask::Shown;
use super::journal::Journal;
use super::ledger::Ledger;
use super::refusal::Refusal;
use super::secrets::SecretBox;
use crate::guest::runtime::Reporter;
use crate::request::Wants;
use crate::wire::{DecisionRecord, RequestFacts, RoleState, Verdict};

/// Between one write of what was let out and the next.
const PACE: Duration = Duration::from_millis(5);
/// As many are written without a wait.
const AT_ONCE: usize = 256;

/// Where decisions go.
#[derive(Debug)]
pub(super) struct Decisions {
    book: Mutex<Book>,
    reporter: Reporter,
    ledger: Arc<Ledger>,
    /// What no record may show.
    secrets: SecretBox,
    waiting: Notify,
}

#[derive(Debug)]
struct Book {
    journal: Journal,
    seq: u64,
    /// Made, and not written yet.
    waiting: Vec<DecisionRecord>,
    /// What the role says of itself while the log can be written.
    well: RoleState,
}

impl Decisions {
    /// Goes on counting where the log ends, and tells the hub what the log still holds.
    pub(super) fn new(
        journal: Journal,
        reporter: Reporter,
        ledger: Arc<Ledger>,
        well: RoleState,
        secrets: SecretBox,
    ) -> Self {
        let mut seq = 0;
        let records = journal.tail();
        for record in &records {
            seq = seq.max(record.seq);
        }
        reporter.decisions(records);
        let waiting = Vec::new();
        Self {
            book: Mutex::new(Book {
                journal,
                seq,
                waiting,
                well,
            }),
            reporter,
            ledger,
            secrets,
            waiting: Notify::new(),
        }
    }

    /// A request as records and replies may show it.
    pub(super) fn shown(&self, mut asked: Shown) -> Shown {
        let held = self.secrets.open();
        if let Some(host) = held.redacted_host(&asked.host) {
            asked.host = host;
        }
        if let Some(method) = held.redacted(&asked.method) {
            asked.method = method;
        }
        asked
    }

    /// Records one decision. Never waits: what cannot be written is still reported.
    pub(super) fn record(&self, asked: &Shown, verdict: Verdict) {
        self.record_request(asked, verdict, None, None);
    }

    /// Records a refusal of what was not read as a request.
    pub(super) fn record_refused(&self, asked: &Shown, refusal: &Refusal) {
        let reason = refusal.reason;
        let wants = refusal.wants().cloned().map(Box::new);
        self.record_request(asked, Verdict::Denied { reason }, None, wants);
    }

    /// Records one decision over a request that was read, and what it is to be a request
    /// to the operator for.
    pub(super) fn record_request(
        &self,
        asked: &Shown,
        verdict: Verdict,
        mut request: Option<RequestFacts>,
        wants: Option<Box<Wants>>,
    ) {
        let asked = self.shown(asked.clone());
        if let Some(facts) = &mut request
            && let Some(path) = self.secrets.open().redacted(&facts.path)
        {
            facts.path = path;
        }
        if let Verdict::Denied { reason } = verdict {
            self.ledger.refused(&asked.host, reason);
        }
        let mut book = self.book();
        book.seq = book.seq.saturating_add(1);
        let record = DecisionRecord {
            seq: book.seq,
            at: Timestamp::now(),
            method: asked.method,
            host: asked.host,
            port: asked.port,
            verdict,
            request,
            wants,
        };
        book.waiting.push(record);
        if verdict != Verdict::Allowed || book.waiting.len() >= AT_ONCE {
            self.settle(book);
        } else {
            drop(book);
            self.waiting.notify_one();
        }
    }

    /// Writes and tells what waits, for as long as it is polled.
    pub(super) async fn tend(&self) {
        loop {
            self.waiting.notified().await;
            self.write_down();
            sleep(PACE).await;
        }
    }

    /// Writes and tells what waits now.
    pub(super) fn write_down(&self) {
        self.settle(self.book());
    }

    fn settle(&self, mut book: MutexGuard<'_, Book>) {
        if book.waiting.is_empty() {
            return;
        }
        let records = std::mem::take(&mut book.waiting);
        let state = match book.journal.append(&records) {
            Ok(()) => book.well.clone(),
            Err(error) => RoleState::Degraded {
                why: format!("decisions are not written to the log: {error}"),
            },
        };
        // Told under the lock, so that they are told in their order.
        self.reporter.decisions(records);
        self.reporter.state(state);
    }

    /// Says how the role is from now on, while the log can be written.
    pub(super) fn well(&self, well: RoleState) {
        let mut book = self.book();
        book.well = well.clone();
        drop(book);
        self.reporter.state(well);
    }

    /// Says a line of log.
    pub(super) fn log(&self, text: String) {
        let redacted = self.secrets.open().redacted(&text);
        self.reporter.log(redacted.unwrap_or(text));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Decisions {
    /// What was let out last, where the sidecar is asked to end.
    fn drop(&mut self) {
        self.write_down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::egress::ledger::Clock;
    use crate::policy::Reason;
    use crate::wire::RoleReport;

    const DENIED: Verdict = Verdict::Denied {
        reason: Reason::HostNotAllowed,
    };

    fn asked() -> Shown {
        Shown {
            method: "CONNECT".to_owned(),
            host: "a.example".to_owned(),
            port: 443,
        }
    }

    fn decisions(path: &std::path::Path) -> (Decisions, Reporter) {
        let journal = Journal::new(path.to_owned());
        let reporter = Reporter::default();
        let ledger = Arc::new(Ledger::kept_in(path.with_extension("usage"), Clock::of_kernel()).0);
        let secrets = SecretBox::new().unwrap();
        let well = RoleState::Ready;
        let decisions = Decisions::new(journal, reporter.clone(), ledger, well, secrets);
        (decisions, reporter)
    }

    fn seqs(path: &std::path::Path) -> Vec<u64> {
        let records = Journal::new(path.to_owned()).tail();
        records.iter().map(|record| record.seq).collect()
    }

    fn told(reporter: &Reporter) -> Vec<u64> {
        let mut seqs = Vec::new();
        for report in reporter.waiting() {
            if let RoleReport::Decision { decision } = report {
                seqs.push(decision.seq);
            }
        }
        seqs
    }

    #[test]
    fn the_count_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        for _ in 0..2 {
            let (decisions, _) = decisions(&path);
            decisions.record(&asked(), Verdict::Allowed);
            decisions.record(&asked(), DENIED);
        }
        assert_eq!(seqs(&path), [1, 2, 3, 4]);
    }

    #[test]
    fn a_refusal_is_written_at_once_with_all_before_it_and_the_rest_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        let (decisions, reporter) = decisions(&path);
        decisions.record(&asked(), Verdict::Allowed);
        assert_eq!((seqs(&path), told(&reporter)), (vec![], vec![]));
        decisions.record(&asked(), DENIED);
        assert_eq!((seqs(&path), told(&reporter)), (vec![1, 2], vec![1, 2]));
        decisions.record(&asked(), Verdict::Allowed);
        drop(decisions);
        assert_eq!((seqs(&path), told(&reporter)), (vec![1, 2, 3], vec![3]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_let_out_is_written_at_once_and_then_at_a_pace_or_by_the_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        let (decisions, reporter) = decisions(&path);
        let allow = |count: usize| {
            for _ in 0..count {
                decisions.record(&asked(), Verdict::Allowed);
            }
        };
        let talk = async {
            allow(1);
            tokio::task::yield_now().await;
            assert_eq!(told(&reporter), [1]);
            allow(2);
            tokio::task::yield_now().await;
            assert!(told(&reporter).is_empty(), "not yet");
            sleep(PACE).await;
            tokio::task::yield_now().await;
            assert_eq!((told(&reporter), seqs(&path)), (vec![2, 3], vec![1, 2, 3]));
            allow(AT_ONCE + 1);
            assert_eq!(told(&reporter).len(), AT_ONCE);
        };
        tokio::select! {
            biased;
            () = decisions.tend() => {}
            () = talk => {}
        }
    }
}
