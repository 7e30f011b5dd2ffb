//! A request's body on its way to upstream: counted, capped, and where a scanner sits.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::sieve::{Caught, Findings, Sieve};
use super::waiting::Early;
use crate::guest::egress::ledger::Ledger;
use crate::guest::egress::spending::Share;
use crate::guest::egress::tally::Passage;

/// How a request's body fares, seen from outside.
#[derive(Debug, Default)]
pub(in super::super) struct Meter {
    bytes: AtomicU64,
    is_over: AtomicBool,
    is_done: AtomicBool,
    is_caught: AtomicBool,
    is_spent: AtomicBool,
    /// Its part of the route's budget.
    share: OnceLock<Share>,
    findings: Findings,
    ledger: Option<Arc<Ledger>>,
    /// For whom it is counted there, once the request is let out.
    passage: OnceLock<Passage>,
}

impl Meter {
    /// Begins with nothing; what goes out is counted there too.
    pub(super) fn of(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger: Some(ledger),
            ..Self::default()
        }
    }

    /// Says that the request is let out, and where its bytes are counted; once.
    pub(super) fn let_out(&self, passage: Option<Passage>) {
        if let Some(passage) = passage {
            // A request is let out once.
            drop(self.passage.set(passage));
        }
    }

    /// Where the request's bytes are counted.
    pub(super) fn passage(&self) -> Option<&Passage> {
        self.passage.get()
    }

    /// Whether it was broken off because a budget of bytes is spent.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    /// Bytes that went out.
    pub(in super::super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether it grew over its cap, and was broken off.
    pub(in super::super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Whether it was broken off because of what is in it.
    pub(in super::super) fn is_caught(&self) -> bool {
        self.is_caught.load(Ordering::Relaxed)
    }

    /// Says which budget it is on.
    pub(super) fn spends(&self, share: Share) {
        // One request has one route.
        drop(self.share.set(share));
    }

    /// What was found in it and in its answer.
    pub(in super::super) const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Whether all of it went out.
    pub(in super::super) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }
}

/// Why a body did not go out whole.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum UploadError {
    /// The agent broke off, or the gate found a fault.
    #[error("read the request's body")]
    Read(#[from] hyper::Error),
    /// It is longer than it may be.
    #[error("send a body longer than its cap")]
    Over,
    /// The budget of the route or of the bottle does not reach so far.
    #[error("send more than the budget has")]
    Spent,
    /// It holds a secret.
    #[error(transparent)]
    Caught(#[from] Caught),
}

/// The body that hyper sends on.
pub(in super::super) struct Upload {
    /// Until its end.
    body: Option<Incoming>,
    /// What was read of it already.
    early: Early,
    sieve: Option<Box<Sieve>>,
    cap: u64,
    meter: Arc<Meter>,
}

impl Upload {
    /// Passes `body` on, up to `cap` bytes.
    pub(super) fn new(
        body: Incoming,
        early: Early,
        sieve: Option<Box<Sieve>>,
        cap: u64,
        meter: Arc<Meter>,
    ) -> Self {
        let is_empty = early.is_empty() && body.is_end_stream();
        meter.is_done.store(is_empty, Ordering::Relaxed);
        Self {
            body: (!is_empty).then_some(body),
            early,
            sieve,
            cap,
            meter,
        }
    }

    /// A request without a body.
    pub(in super::super) fn none() -> Self {
        Self {
            body: None,
            early: Early::default(),
            sieve: None,
            cap: 0,
            meter: Arc::default(),
        }
    }
}

impl Upload {
    /// Counts a piece and gives what of the body may leave now.
    fn take(&mut self, data: Bytes, is_last: bool) -> Result<Bytes, UploadError> {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let sum = self.meter.bytes().saturating_add(length);
        if sum > self.cap {
            self.meter.is_over.store(true, Ordering::Relaxed);
            return Err(UploadError::Over);
        }
        self.meter.bytes.store(sum, Ordering::Relaxed);
        // As it goes and not at its end: one long body is a way out too.
        let share = self.meter.share.get();
        let (ledger, passage) = (self.meter.ledger.as_ref(), self.meter.passage());
        let of_route = share.is_none_or(|share| share.carried(length));
        let of_bottle = ledger.is_none_or(|ledger| ledger.carried(passage, length, 0));
        if !of_route || !of_bottle {
            self.meter.is_spent.store(true, Ordering::Relaxed);
            return Err(UploadError::Spent);
        }
        let Some(sieve) = &mut self.sieve else {
            return Ok(data);
        };
        let sifted = sieve.sift(data, is_last, self.meter.findings());
        if sifted.is_err() {
            self.meter.is_caught.store(true, Ordering::Relaxed);
        }
        Ok(sifted?)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let this = &mut *self;
        loop {
            let Some(body) = &mut this.body else {
                return Poll::Ready(None);
            };
            let data = if let Some(piece) = this.early.next() {
                Some(piece?)
            } else {
                let frame = ready!(Pin::new(&mut *body).poll_frame(context)).transpose()?;
                // The gate left trailers out; anything else than data would be new.
                frame.and_then(|frame| frame.into_data().ok())
            };
            let is_last = data.is_none() || this.early.is_empty() && body.is_end_stream();
            let passed = this.take(data.unwrap_or_default(), is_last)?;
            if is_last {
                this.body = None;
                this.meter.is_done.store(true, Ordering::Relaxed);
            }
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Some(_)
                if self
                    .sieve
                    .as_ref()
                    .is_some_and(|sieve| sieve.is_rewriting()) =>
            {
                SizeHint::new()
            }
            Some(body) => {
                let (ahead, rest) = (self.early.bytes(), body.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(ahead));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(ahead));
                }
                hint
            }
            None => SizeHint::with_exact(0),
        }
    }
}
