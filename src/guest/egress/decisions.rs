//! Every decision, counted, written down and told to the hub.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::ask::Shown;
use super::journal::Journal;
use super::ledger::Ledger;
use crate::guest::runtime::Reporter;
use crate::wire::{DecisionRecord, RequestFacts, RoleState, Verdict};

/// Where decisions go.
#[derive(Debug)]
pub(super) struct Decisions {
    written: Mutex<Written>,
    reporter: Reporter,
    ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct Written {
    journal: Journal,
    seq: u64,
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
    ) -> Self {
        let mut seq = 0;
        for record in journal.tail() {
            seq = seq.max(record.seq);
            reporter.decision(record);
        }
        Self {
            written: Mutex::new(Written { journal, seq, well }),
            reporter,
            ledger,
        }
    }

    /// Records one decision. Never waits: what cannot be written is still reported.
    pub(super) fn record(&self, asked: &Shown, verdict: Verdict) {
        self.record_request(asked, verdict, None);
    }

    /// Records one decision over a request that was read.
    pub(super) fn record_request(
        &self,
        asked: &Shown,
        verdict: Verdict,
        request: Option<RequestFacts>,
    ) {
        if let Verdict::Denied { reason } = verdict {
            self.ledger.refused(&asked.host, reason);
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.seq = written.seq.saturating_add(1);
        let record = DecisionRecord {
            seq: written.seq,
            at: Timestamp::now(),
            method: asked.method.clone(),
            host: asked.host.clone(),
            port: asked.port,
            verdict,
            request,
        };
        let state = match written.journal.append(&record) {
            Ok(()) => written.well.clone(),
            Err(error) => RoleState::Degraded {
                why: format!("decisions are not written to the log: {error}"),
            },
        };
        drop(written);
        self.reporter.decision(record);
        self.reporter.state(state);
    }

    /// Says how the role is from now on, while the log can be written.
    pub(super) fn well(&self, well: RoleState) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.well = well.clone();
        drop(written);
        self.reporter.state(well);
    }

    /// Says a line of log.
    pub(super) fn log(&self, text: String) {
        self.reporter.log(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::egress::ledger::Clock;
    use crate::policy::Reason;

    fn asked() -> Shown {
        Shown {
            method: "CONNECT".to_owned(),
            host: "a.example".to_owned(),
            port: 443,
        }
    }

    fn decisions(path: &std::path::Path) -> Decisions {
        let journal = Journal::new(path.to_owned());
        let ledger = Arc::new(Ledger::kept_in(path.with_extension("usage"), Clock::of_kernel()).0);
        Decisions::new(journal, Reporter::default(), ledger, RoleState::Ready)
    }

    #[test]
    fn the_count_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        for _ in 0..2 {
            let decisions = decisions(&path);
            decisions.record(&asked(), Verdict::Allowed);
            let reason = Reason::HostNotAllowed;
            decisions.record(&asked(), Verdict::Denied { reason });
        }
        let seqs: Vec<u64> = Journal::new(path).tail().iter().map(|r| r.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
    }
}
