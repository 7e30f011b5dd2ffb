//! One connection's requests, each decided anew and asked of upstream.
//!
//! What is decided over is the inspected head, never what hyper made of it. A credential
//! is put in last, and only into a request that leaves over verified TLS. Bodies stream
//! both ways; `upload` and `download` are where a scanner sits.

mod carry;
mod credential;
mod download;
mod frame_sieve;
mod frames;
mod headers;
mod held;
mod pool;
mod record;
mod request;
mod sieve;
#[cfg(test)]
mod tests;
mod upload;
mod upstream;
mod usage;
mod waiting;
mod websocket;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;

use self::carry::CarryError;
pub(super) use self::credential::Credential;
pub(super) use self::download::Download;
use self::frame_sieve::{FrameSieve, Stop};
use self::frames::Sender;
pub(super) use self::pool::Pool;
use self::record::Recorder;
use self::request::{Asked, Composed, answer_mode, outbound};
use self::sieve::{Sieve, ask_readable, sift_answer, unframe};
use self::waiting::Waiting;
use super::activity::{Activity, Watched};
use super::ask::Shown;
use super::authority::Authority;
use super::gate::GateLine;
use super::head::Head;
use super::ledger::Use;
use super::pause::Admitted;
use super::proxy::{Proxy, Room};
use super::refusal::{REASON_HEADER, Refusal};
use super::resolve::Resolve;
use super::table::Table;
use crate::guest::runtime::tunnel::splice;
use crate::policy::{Grant, Reason, Scan, ScanMode, ScanRule, Tls};
use crate::scan::Direction;

/// Why a stream ends that a budget of bytes cuts off.
pub(super) const SPENT: &str = "a budget of bytes is spent";

/// What a document tells of.
#[cfg(test)]
pub(super) mod limits {
    pub(in super::super) use super::carry::FAREWELL;
    pub(in super::super) use super::pool::{IDLE, KEPT, KEPT_EACH};
    pub(in super::super) use super::record::MAX_PATH;
    pub(in super::super) use super::sieve::MAX_FINDINGS;
    pub(in super::super) use super::upstream::MAX_INTERIM;
}

/// What is fuzzed.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzed {
    pub(in super::super) use super::frame_sieve::{FrameSieve, Stop};
    pub(in super::super) use super::frames::{Frames, Kind, Sender, Step, unmask};
    pub(in super::super) use super::sieve::Findings;
    pub(in super::super) use super::usage::UsageReader;
}

/// What the requests of a connection may be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Any place, named by each request, in plain HTTP.
    Plain,
    /// One place, inside the TLS of an intercepted tunnel.
    Tunnel(Authority),
}

/// Answers the requests of one connection.
pub(super) struct Relay<'a, R> {
    proxy: &'a Proxy<R>,
    side: Side,
    room: Room,
    line: GateLine,
    activity: &'a Activity,
    is_used: AtomicBool,
    standing: Mutex<Option<Arc<Asked>>>,
    switched: Mutex<Option<Switched>>,
}

/// Both ends of a WebSocket that upstream agreed to.
struct Switched {
    agent: OnUpgrade,
    upstream: Upgraded,
    recorder: Recorder,
    /// For frames out and back, where anything is to be looked into.
    sieves: Option<[FrameSieve; 2]>,
}

/// What is looked for in what passes on a route.
struct Looks {
    scan: Scan,
    /// Rules whose findings pass on the way out.
    passing: BTreeSet<ScanRule>,
}

/// How upstream answered.
enum Answer {
    Whole(Response<Incoming>, Option<pool::Loan>),
    Switched(Response<Incoming>, Upgraded),
}

impl<'a, R: Resolve> Relay<'a, R> {
    pub(super) const fn new(
        proxy: &'a Proxy<R>,
        side: Side,
        room: Room,
        line: GateLine,
        activity: &'a Activity,
    ) -> Self {
        Self {
            proxy,
            side,
            room,
            line,
            activity,
            is_used: AtomicBool::new(false),
            standing: Mutex::new(None),
            switched: Mutex::new(None),
        }
    }

    /// Answers one request; there is an answer to everything.
    pub(super) async fn answer(&self, mut request: Request<Incoming>) -> Response<Download> {
        self.is_used.store(true, Ordering::Relaxed);
        let head = self.line.take_head();
        let table = self.proxy.table.current();
        let asked = head
            .as_ref()
            .map_or_else(Shown::default, |head| self.proxy.tellable(self.shown(head)));
        let asked = self.proxy.decisions.shown(asked);
        let mut recorder = Recorder::new(
            &self.proxy.decisions,
            &self.proxy.ledger,
            asked,
            table.generation,
        );
        let agent = hyper::upgrade::on(&mut request);
        let outcome = match head {
            Some(head) => self.ask(request, &head, table, &mut recorder).await,
            None => Err(super::authority::Fault::bad("the request has no inspected head").into()),
        };
        match outcome {
            Ok((Answer::Whole(response, loan), looks)) => {
                self.pass_on(response, loan, looks.scan.response, recorder)
            }
            Ok((Answer::Switched(response, upstream), looks)) => {
                self.switch(response, agent, upstream, &looks, recorder)
            }
            Err(refusal) => self.refuse(&refusal, recorder),
        }
    }

    /// Whether what this connection is for, or is doing now, is allowed by a table.
    pub(super) fn is_allowed(&self, table: &Table, now: Timestamp) -> bool {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*standing, &self.side) {
            (Some(asked), _) => asked.decide(table, now).is_ok(),
            (None, Side::Plain) => true,
            (None, Side::Tunnel(place)) => table
                .routes
                .decide(&place.host, place.port, now)
                .is_ok_and(|permit| permit.tls() == Tls::Intercept),
        }
    }

    /// Whether nothing was asked.
    pub(super) fn is_unused(&self) -> bool {
        !self.is_used.load(Ordering::Relaxed)
    }

    /// Carries the WebSocket that the connection became, if it became one. Cancel it to
    /// end both ways at once.
    pub(super) async fn carry(&self, activity: &Activity) -> std::io::Result<()> {
        let Some(mut switched) = self.switched().take() else {
            return Ok(());
        };
        let agent = switched.agent.await.map_err(std::io::Error::other)?;
        let own = Activity::new();
        let mut agent = Watched::new(TokioIo::new(agent), activity);
        let mut upstream = Watched::new(TokioIo::new(switched.upstream), &own);
        let passage = switched.recorder.meter().passage().cloned();
        let counted = Counted {
            activity: &own,
            recorder: &mut switched.recorder,
        };
        let follower = self.proxy.ledger.follow(&own, passage);
        let Some(sieves) = switched.sieves else {
            let carried = tokio::select! {
                carried = splice(&mut agent, &mut upstream, Vec::new()) => carried,
                () = follower.spent() => Err(std::io::Error::other(SPENT)),
            };
            drop((follower, counted));
            return carried;
        };
        let meter = Arc::clone(counted.recorder.meter());
        let findings = meter.findings();
        let carried = carry::carry(&mut agent, &mut upstream, sieves, findings);
        let carried = tokio::select! {
            carried = Box::pin(carried) => carried,
            () = follower.spent() => Err(CarryError::Io(std::io::Error::other(SPENT))),
        };
        drop((follower, counted));
        match carried {
            Ok(()) => Ok(()),
            Err(CarryError::Io(error)) => Err(error),
            Err(stopped @ CarryError::Stopped { sender, stop }) => {
                if stop == Stop::Caught
                    && let Some(asked) = self.standing()
                {
                    let refusal = self.asking(findings.refusal(), &asked);
                    let wants = refusal.wants().cloned().map(Box::new);
                    switched.recorder.wants(wants);
                }
                switched.recorder.refused(match (stop, sender) {
                    (Stop::Caught, _) => Reason::SecretFound,
                    (Stop::Violation(_), Sender::Agent) => Reason::BadRequest,
                    (Stop::Violation(_), Sender::Server) => Reason::Unreachable,
                });
                Err(std::io::Error::other(stopped))
            }
        }
    }

    /// Goes on as a WebSocket.
    fn switch(
        &self,
        response: Response<Incoming>,
        agent: OnUpgrade,
        upstream: Upgraded,
        looks: &Looks,
        mut recorder: Recorder,
    ) -> Response<Download> {
        let scan = looks.scan;
        let (mut parts, _) = response.into_parts();
        // Its body, which it has none of, is what would be sifted here.
        if let Err(refusal) = self.sift(&parts.headers, scan.response, &recorder) {
            return self.refuse(&refusal, recorder);
        }
        recorder.status(parts.status.as_u16());
        headers::leave_behind(&mut parts.headers);
        websocket::announce(&mut parts.headers);
        parts.version = Version::HTTP_11;
        let is_read = scan.request != ScanMode::Off || scan.response != ScanMode::Off;
        let sieves = is_read.then(|| {
            let held = self.proxy.secrets.open();
            let scanner = outbound(&held.scanner, &looks.passing);
            [
                FrameSieve::new(&scanner, Sender::Agent, scan.request),
                FrameSieve::new(&held.scanner, Sender::Server, scan.response),
            ]
        });
        *self.switched() = Some(Switched {
            agent,
            upstream,
            recorder,
            sieves,
        });
        Response::from_parts(parts, Download::switch(self.line.clone()))
    }

    async fn ask(
        &self,
        request: Request<Incoming>,
        head: &Head,
        table: Arc<Table>,
        recorder: &mut Recorder,
    ) -> Result<(Answer, Looks), Refusal> {
        let asked = Asked::read(&self.side, head).inspect_err(|_| {
            // As it was sent. A whole URL may hold a password.
            if head.target.starts_with('/') {
                let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
                recorder.path(self.tellable(path), !query.is_empty());
            }
        });
        let asked = Arc::new(asked?);
        let path = self.tellable(asked.path.as_str());
        recorder.path(path, asked.query.is_some());
        let table = match asked.decide(&table, Timestamp::now()).err() {
            None => table,
            Some(refusal) => {
                // Seldom needed, so not a part of every connection's future.
                Box::pin(self.hold(&asked, &table, refusal))
                    .await
                    .map_err(|refusal| self.asking(refusal, &asked))?;
                let newer = self.proxy.table.current();
                recorder.generation(newer.generation);
                newer
            }
        };
        let overriding: Vec<_> = headers::overriding_methods(request.headers()).collect();
        let mut table = table;
        let mut waiting = Waiting::new(request);
        let (permit, grant, taken) = loop {
            let (permit, grant) = asked
                .decide(&table, Timestamp::now())
                .map_err(|refusal| self.asking(refusal, &asked))?;
            recorder.route(grant.route);
            for method in &overriding {
                asked
                    .with_method(method.clone())
                    .decide(&table, Timestamp::now())?;
            }
            self.proxy.check_name(&table, &asked.authority.host)?;
            self.stand(&asked);
            if self.room == Room::None {
                return Err(Refusal::from(Reason::TooManyConnections));
            }
            let wanted = if self.is_model(&asked, &grant) {
                recorder.asks_model();
                Use::Model
            } else {
                Use::Traffic
            };
            let admitted = self.admit(&mut waiting, wanted).await?;
            if !admitted.has_waited {
                break (permit, grant, admitted.taken);
            }
            // What was decided before the wait is old: once more, and counted anew.
            table = self.proxy.table.current();
            recorder.generation(table.generation);
        };
        if let Some(route) = table.routes.routes.get(grant.route) {
            recorder.spends(self.proxy.spending.take(route)?);
        }
        let mut composed = self
            .compose(waiting, head, &asked, &grant, recorder)
            .map_err(|refusal| self.asking(refusal, &asked))?;
        if recorder.is_of_model() {
            // An answer that is broken off is read all the same.
            ask_readable(composed.request.headers_mut());
        }
        let host = asked.authority.host.as_str();
        recorder.let_out(taken.spend(&table, grant.route, host));
        let key = asked.key(&permit, &grant, table.generation);
        let answer = self
            .send(composed, &key, &permit, recorder)
            .await
            .map_err(|refusal| self.asking(refusal, &asked))?;
        let scan = Scan {
            request: grant.scan.request,
            response: answer_mode(&grant),
        };
        let passing = grant.scan_pass;
        Ok((answer, Looks { scan, passing }))
    }

    /// A refusal that says how the operator hears of it.
    fn asking(&self, refusal: Refusal, asked: &Asked) -> Refusal {
        self.proxy
            .asking(refusal, &asked.authority, Some(asked.ask()))
    }

    /// A path as records may hold it: what looks like a secret in it is not written down.
    fn tellable<'p>(&self, path: &'p str) -> &'p str {
        let held = self.proxy.secrets.open();
        if held.scanner.scan_bytes(path.as_bytes()).is_empty() {
            path
        } else {
            "(a path that holds a secret)"
        }
    }

    /// Counts the request, as soon as the bottle's budgets have room for it.
    async fn admit(&self, waiting: &mut Waiting, wanted: Use) -> Result<Admitted<'a>, Refusal> {
        let proxy = self.proxy;
        let admit = proxy
            .pauses
            .admit(&proxy.ledger, wanted, || self.activity.stir());
        tokio::select! {
            biased;
            admitted = admit => admitted,
            never = waiting.read_ahead(&proxy.pauses) => match never {},
        }
    }

    /// Whether a model answers there: a route's role says so, or a preset knows the place.
    fn is_model(&self, asked: &Asked, grant: &Grant) -> bool {
        let Authority { host, port } = &asked.authority;
        grant.role.is_some() || self.proxy.models.include(host, *port, &asked.path)
    }

    fn compose(
        &self,
        waiting: Waiting,
        head: &Head,
        asked: &Asked,
        grant: &Grant,
        recorder: &Recorder,
    ) -> Result<Composed, Refusal> {
        let held = self.proxy.secrets.open();
        let cap = self.proxy.limits.request_bytes;
        asked.compose(waiting, head, grant, &held, cap, recorder.meter())
    }

    fn pass_on(
        &self,
        response: Response<Incoming>,
        loan: Option<pool::Loan>,
        mode: ScanMode,
        mut recorder: Recorder,
    ) -> Response<Download> {
        let (mut parts, body) = response.into_parts();
        headers::leave_behind(&mut parts.headers);
        recorder.answered(&parts.headers);
        let sieve = match self.sift(&parts.headers, mode, &recorder) {
            Ok(sieve) => sieve,
            Err(refusal) => return self.refuse(&refusal, recorder),
        };
        if sieve.as_ref().is_some_and(|sieve| sieve.is_rewriting()) {
            unframe(&mut parts.headers);
        }
        parts.version = Version::HTTP_11;
        recorder.status(parts.status.as_u16());
        if !recorder.is_sent() {
            // The rest of the request is not waited for, so it must not be taken for
            // the next one.
            let close = HeaderValue::from_static("close");
            parts.headers.insert(CONNECTION, close);
        }
        let loan = loan.map(|loan| (Arc::clone(&self.proxy.pool), loan));
        let body = Download::upstream(body, sieve, loan, recorder, self.line.clone());
        Response::from_parts(parts, body)
    }

    /// Looks into the head of an answer, and begins to look into its body.
    fn sift(
        &self,
        headers: &HeaderMap,
        mode: ScanMode,
        recorder: &Recorder,
    ) -> Result<Option<Box<Sieve>>, Refusal> {
        if mode == ScanMode::Off {
            return Ok(None);
        }
        let held = self.proxy.secrets.open();
        let findings = recorder.meter().findings();
        let found = sift_answer(&held.scanner, headers);
        findings.add(&found);
        if !found.is_empty() && mode != ScanMode::Warn {
            findings.block(&found, false);
            return Err(findings.refusal());
        }
        Sieve::new(&held.scanner, Direction::Inbound, mode, headers).map_err(|_| findings.refusal())
    }

    fn refuse(&self, refusal: &Refusal, mut recorder: Recorder) -> Response<Download> {
        recorder.refused(refusal.reason);
        recorder.wants(refusal.wants().cloned().map(Box::new));
        recorder.status(refusal.status());
        let is_model_error = recorder.is_of_model() && refusal.retry.is_some();
        let (kind, text) = if is_model_error {
            ("application/json", refusal.model_error(recorder.asked()))
        } else {
            ("text/plain", refusal.text(recorder.asked()))
        };
        let text = Full::new(Bytes::from(text));
        let body = Download::own(text, recorder, self.line.clone());
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        for (name, value) in refusal.more_headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        let code = HeaderValue::from_static(refusal.reason.code());
        headers.insert(REASON_HEADER, code);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    fn stand(&self, asked: &Arc<Asked>) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = Some(Arc::clone(asked));
    }

    fn standing(&self) -> Option<Arc<Asked>> {
        let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.clone()
    }

    fn switched(&self) -> std::sync::MutexGuard<'_, Option<Switched>> {
        self.switched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, head: &Head) -> Shown {
        match &self.side {
            Side::Tunnel(place) => Shown::asked(&head.method, place),
            Side::Plain => Shown::of(format!("{} {}", head.method, head.target).as_bytes()),
        }
    }
}

/// Tells a recorder what was carried, also when the carrying is cancelled.
struct Counted<'a> {
    activity: &'a Activity,
    recorder: &'a mut Recorder,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let (sent, received) = self.activity.counts();
        self.recorder.carried(sent, received);
    }
}
