//! One record for each request, written when it is over, however it ended.

use std::sync::Arc;

use hyper::HeaderMap;
use tokio::time::Instant;

use super::upload::Meter;
use super::usage::UsageReader;
use crate::guest::egress::ask::Shown;
use crate::guest::egress::decisions::Decisions;
use crate::guest::egress::ledger::Ledger;
use crate::guest::egress::spending::Share;
use crate::guest::egress::tally::Passage;
use crate::guest::runtime::escaped;
use crate::policy::Reason;
use crate::request::Wants;
use crate::wire::{RequestFacts, Verdict};

/// The longest path that a record holds.
pub(in super::super) const MAX_PATH: usize = 512;

/// Gathers what a record says of one request.
pub(in super::super) struct Recorder {
    decisions: Arc<Decisions>,
    ledger: Arc<Ledger>,
    asked: Shown,
    verdict: Verdict,
    /// What it is to be a request to the operator for.
    wants: Option<Box<Wants>>,
    facts: RequestFacts,
    meter: Arc<Meter>,
    /// Whether a model answers.
    is_model: bool,
    /// Reads what it says.
    usage: Option<Box<UsageReader>>,
    /// Its part of the route's budget.
    share: Option<Share>,
    began: Instant,
    broke_off: bool,
}

impl Recorder {
    /// Begins with a request that is allowed until something says otherwise.
    pub(super) fn new(
        decisions: &Arc<Decisions>,
        ledger: &Arc<Ledger>,
        asked: Shown,
        generation: u64,
    ) -> Self {
        Self {
            decisions: Arc::clone(decisions),
            ledger: Arc::clone(ledger),
            asked,
            verdict: Verdict::Allowed,
            wants: None,
            facts: RequestFacts {
                generation,
                ..RequestFacts::default()
            },
            meter: Arc::new(Meter::of(Arc::clone(ledger))),
            is_model: false,
            usage: None,
            share: None,
            began: Instant::now(),
            broke_off: false,
        }
    }

    /// Names the path and whether a query followed it, whose values are not recorded.
    pub(super) fn path(&mut self, path: &str, has_query: bool) {
        self.facts.path = escaped(path.as_bytes(), MAX_PATH - 4);
        if has_query {
            self.facts.path.push_str("?…");
        }
    }

    /// Names the route.
    pub(super) const fn route(&mut self, route: usize) {
        self.facts.route = Some(route);
    }

    /// Says which budget it is on.
    pub(super) fn spends(&mut self, share: Option<Share>) {
        if let Some(share) = &share {
            self.meter.spends(share.clone());
        }
        self.share = share;
    }

    /// Names the table that it was decided by after all.
    pub(super) const fn generation(&mut self, generation: u64) {
        self.facts.generation = generation;
    }

    /// Whether a model answers.
    pub(super) const fn is_of_model(&self) -> bool {
        self.is_model
    }

    /// Says that it is let out, and where its bytes are counted.
    pub(super) fn let_out(&self, passage: Option<Passage>) {
        self.meter.let_out(passage);
    }

    /// Names the status of the answer.
    pub(super) const fn status(&mut self, status: u16) {
        self.facts.status = Some(status);
    }

    /// Says that it was refused after all.
    pub(super) const fn refused(&mut self, reason: Reason) {
        self.verdict = Verdict::Denied { reason };
    }

    /// Says what the operator is to be asked for.
    pub(super) fn wants(&mut self, wants: Option<Box<Wants>>) {
        self.wants = wants;
    }

    /// Says that a model will answer.
    pub(super) const fn asks_model(&mut self) {
        self.is_model = true;
    }

    /// Looks at the answer's head as it came.
    pub(super) fn answered(&mut self, headers: &HeaderMap) {
        if self.is_model {
            self.usage = UsageReader::of(headers);
        }
    }

    /// Counts a piece of the answer, as it came. `false` if the budget does not reach.
    pub(super) fn received(&mut self, piece: &[u8]) -> bool {
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.facts.received_bytes = self.facts.received_bytes.saturating_add(bytes);
        let has_bytes = self.ledger.carried(self.meter.passage(), 0, bytes);
        if let Some(reader) = &mut self.usage {
            reader.feed(piece);
        }
        let is_shared = self.share.as_ref().is_none_or(|share| share.carried(bytes));
        is_shared && has_bytes
    }

    /// Says what a WebSocket carried, which was counted as it went.
    pub(super) fn carried(&mut self, sent: u64, received: u64) {
        if let Some(share) = &self.share {
            share.carried(sent.saturating_add(received));
        }
        self.facts.sent_bytes = sent;
        self.facts.received_bytes = received;
    }

    /// Says that the answer ended before its end.
    pub(super) const fn broke_off(&mut self) {
        self.broke_off = true;
    }

    /// What was asked, for people.
    pub(super) const fn asked(&self) -> &Shown {
        &self.asked
    }

    /// Counts the request's body.
    pub(super) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Whether the request's body went out whole.
    pub(super) fn is_sent(&self) -> bool {
        self.meter.is_done()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let mut facts = std::mem::take(&mut self.facts);
        facts.sent_bytes = facts.sent_bytes.max(self.meter.bytes());
        facts.millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        facts.usage = self
            .usage
            .take()
            .and_then(UsageReader::finish)
            .map(Box::new);
        if let Some(usage) = &facts.usage {
            self.ledger.answer(usage);
        }
        facts.findings = self.meter.findings().names();
        if self.broke_off {
            let text = format!("{}: the answer broke off", self.asked);
            self.decisions.log(text);
        }
        self.decisions
            .record_request(&self.asked, self.verdict, Some(facts), self.wants.take());
    }
}
