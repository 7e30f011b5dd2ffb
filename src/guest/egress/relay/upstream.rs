//! Asking upstream: on a kept connection or a new one, and what may go wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::sync::Notify;

use super::pool::{Channel, Key, Loan, Stream};
use super::record::Recorder;
use super::request::Composed;
use super::upload::Upload;
use super::websocket::Wish;
use super::{Answer, Relay};
use crate::guest::egress::refusal::Refusal;
use crate::guest::egress::resolve::Resolve;
use crate::policy::{Permit, Reason};

/// Interim answers (1xx) to one request. Servers send one or two.
pub(in super::super) const MAX_INTERIM: u32 = 16;

/// A request that got no answer; whole again if none of it was sent.
struct Unanswered(Option<Request<Upload>>);

impl<R: Resolve> Relay<'_, R> {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        composed: Composed,
        key: &Key,
        permit: &Permit<'_>,
        recorder: &Recorder,
    ) -> Result<Answer, Refusal> {
        if let Some(wish) = composed.wish {
            return self
                .send_wish(composed.request, &wish, permit, recorder)
                .await;
        }
        let mut request = composed.request;
        if let Some(mut loan) = self.proxy.pool.lend(key) {
            let spare = composed.is_repeatable.then(|| copy(&request));
            match exchange(&mut loan.channel, request).await {
                Ok(response) => return whole(response, loan),
                // The connection was on its end before anything of an answer came.
                Err(Unanswered(Some(unsent))) => request = unsent,
                Err(Unanswered(None)) => request = spare.ok_or_else(|| self.failure(recorder))?,
            }
        }
        let stream = self.connect(permit, key.tls).await?;
        let mut loan = self
            .proxy
            .pool
            .open(key, stream)
            .await
            .map_err(|_| self.failure(recorder))?;
        match exchange(&mut loan.channel, request).await {
            Ok(response) => whole(response, loan),
            Err(_) => Err(self.failure(recorder)),
        }
    }

    async fn send_wish(
        &self,
        request: Request<Upload>,
        wish: &Wish,
        permit: &Permit<'_>,
        recorder: &Recorder,
    ) -> Result<Answer, Refusal> {
        let is_tls = matches!(self.side, super::Side::Tunnel(_));
        let stream = self.connect(permit, is_tls).await?;
        let mut channel = self
            .proxy
            .pool
            .open_once(stream)
            .await
            .map_err(|_| self.failure(recorder))?;
        let mut response = exchange(&mut channel, request)
            .await
            .map_err(|_| self.failure(recorder))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Answer::Whole(response, None));
        }
        if !wish.is_granted_by(response.headers()) {
            return Err(unreachable("its answer opens no WebSocket"));
        }
        let upstream = hyper::upgrade::on(&mut response)
            .await
            .map_err(|_| self.failure(recorder))?;
        Ok(Answer::Switched(response, upstream))
    }

    /// Dials, and shakes hands where the request goes over TLS.
    async fn connect(&self, permit: &Permit<'_>, tls: bool) -> Result<Box<dyn Stream>, Refusal> {
        let held = self.proxy.secrets.open();
        let stream = self.proxy.dialer.dial(permit, &held.secrets).await?;
        if !tls {
            return Ok(Box::new(stream));
        }
        let limit = self.proxy.limits.handshake;
        let stream = self
            .proxy
            .upstream
            .connect(permit.host(), stream, limit)
            .await?;
        Ok(Box::new(stream))
    }

    /// Why there is no answer: the request's own fault, or upstream's.
    fn failure(&self, recorder: &Recorder) -> Refusal {
        if let Some(fault) = self.line.spoiled() {
            Refusal::from(fault)
        } else if recorder.meter().is_caught() {
            recorder.meter().findings().refusal()
        } else if recorder.meter().is_spent() {
            Refusal::new(Reason::BudgetSpent, "of bytes")
        } else if recorder.meter().is_over() {
            Refusal::from(Reason::BodyTooLarge)
        } else {
            unreachable("it gave no valid HTTP answer")
        }
    }
}

fn unreachable(words: &'static str) -> Refusal {
    Refusal::new(Reason::Unreachable, words)
}

fn whole(response: Response<Incoming>, loan: Loan) -> Result<Answer, Refusal> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(unreachable("it switched protocols, which nobody asked for"));
    }
    Ok(Answer::Whole(response, Some(loan)))
}

/// A copy of a request that has no body.
fn copy(request: &Request<Upload>) -> Request<Upload> {
    let mut copy = Request::new(Upload::none());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

async fn exchange(
    channel: &mut Channel,
    mut request: Request<Upload>,
) -> Result<Response<Incoming>, Unanswered> {
    let storm = Arc::new((AtomicU32::new(0), Notify::new()));
    let count = Arc::clone(&storm);
    hyper::ext::on_informational(&mut request, move |_| {
        if count.0.fetch_add(1, Ordering::Relaxed) >= MAX_INTERIM {
            count.1.notify_one();
        }
    });
    tokio::select! {
        // A storm may end in an answer that is there already.
        biased;
        () = storm.1.notified() => Err(Unanswered(None)),
        answer = channel.try_send_request(request) => {
            answer.map_err(|mut error| Unanswered(error.take_message()))
        }
    }
}
