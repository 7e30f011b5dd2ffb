//! One client connection from its first byte to its last: read, decide, and then carry
//! a tunnel unread, look into it, or relay plain requests.
//!
//! The order is the promise: nothing is resolved before the routes allowed it, nothing
//! is sent upstream before the address was judged, and no credential before upstream's
//! certificate was.

mod asking;
mod conversation;
mod held;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, Watched};
use super::ask::{Ask, Shown, Way};
use super::authority::{Authority, Fault};
use super::decisions::Decisions;
use super::dial::Dialer;
use super::door::Seat;
use super::head::{ReadHead, inspect, read_head};
use super::holds::{Holds, left};
use super::ledger::{Ledger, Taken, Use};
use super::pause::Pauses;
use super::prefixed::Prefixed;
use super::refusal::Refusal;
use super::relay::{Pool, SPENT, Side};
use super::resolve::Resolve;
use super::secrets::{SecretBox, Secrets};
use super::spending::Spending;
use super::table::{BadTable, Generation, RouteTable, Table};
use super::tally::Passage;
use super::tls::{Leaves, Upstream, read_hello};
use crate::guest::runtime::tunnel::splice;
use crate::policy::{HostName, ModelApis, Permit, Reason, RouteSet, Tls};
use crate::scan::{Kind, KnownError};
use crate::wire::Verdict;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// How much more of a refused request is read, so that its answer is not lost with the
/// connection.
pub(super) const LINGER_BYTES: u64 = 1024 * 1024;
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How long things may take, and how much they may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For a whole request head, for a refused client to take its answer, and for one
    /// that was let through to find a seat.
    pub(super) head: Duration,
    /// For a name, and for each address tried.
    pub(super) dial: Duration,
    /// For a ClientHello, and for each TLS handshake.
    pub(super) handshake: Duration,
    /// Without a byte either way.
    pub(super) silence: Duration,
    /// For a request's body; what is longer is refused or broken off.
    pub(super) request_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            dial: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            silence: Duration::from_mins(10),
            request_bytes: u64::MAX,
        }
    }
}

/// Whether there is room for one more connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// It can be served.
    Some,
    /// It can only be told that it cannot.
    None,
}

/// Everything that a connection needs.
pub(super) struct Proxy<R> {
    pub(super) table: RouteTable,
    pub(super) secrets: SecretBox,
    pub(super) dialer: Dialer<R>,
    pub(super) leaves: Leaves,
    pub(super) upstream: Upstream,
    pub(super) pool: Arc<Pool>,
    pub(super) holds: Holds,
    pub(super) pauses: Arc<Pauses>,
    pub(super) decisions: Arc<Decisions>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) spending: Spending,
    pub(super) models: ModelApis,
    pub(super) limits: Limits,
    /// Whether the agent has tools to ask with.
    pub(super) supervise: bool,
}

impl<R: Resolve> Proxy<R> {
    /// Puts another table of routes in force, whole. Each request
    /// from now on is decided by it and held to its budgets; tunnels, streams and WebSockets that it does not
    /// allow are closed.
    ///
    /// # Errors
    /// [`BadTable`] if the table contradicts itself; the one in force stays.
    pub(super) fn swap(&self, routes: RouteSet, generation: Generation) -> Result<(), BadTable> {
        let budgets = routes.budgets.clone();
        self.table.swap(routes, generation)?;
        self.ledger.hold_to(&budgets);
        self.pauses.look_again();
        // Kept connections were decided by another table.
        self.pool.clear();
        Ok(())
    }

    /// Replaces every credential; what is under way keeps the one it left with.
    ///
    /// # Errors
    /// [`KnownError`] if they are too many or too long to be looked for; those held stay.
    pub(super) fn secrets(&self, secrets: Secrets) -> Result<(), KnownError> {
        self.secrets.fill(secrets)?;
        self.pool.clear();
        Ok(())
    }

    /// Serves one connection until either end is done with it.
    pub(super) async fn serve<S>(&self, mut client: S, seat: Seat)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut bytes = Vec::new();
        let read = match read_head(&mut client, &mut bytes, self.limits.head).await {
            ReadHead::Left => return,
            ReadHead::Refused(fault) => Err(fault),
            ReadHead::Whole => understand(&bytes),
        };
        match read {
            Err(fault) => {
                let shown = self.tellable(Shown::of(&bytes));
                self.refuse(&mut client, &shown, fault.into()).await;
            }
            Ok((Some(ask), length)) => {
                bytes.drain(..length);
                self.tunnel(client, bytes, ask, seat).await;
            }
            // What is not begun takes no memory: here and below, in a box of its own.
            Ok((None, _)) => {
                Box::pin(self.converse(client, bytes, Side::Plain, seat.room)).await;
            }
        }
    }

    /// Serves a CONNECT; `early` came after it.
    async fn tunnel<S>(&self, mut client: S, early: Vec<u8>, place: Authority, mut seat: Seat)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = self.tellable(Shown::asked("CONNECT", &place));
        let mut early = early;
        let taken = match self.pause(&mut client, &mut early, &place).await {
            Ok(taken) => taken,
            Err(refusal) => return self.refuse(&mut client, &asked, refusal).await,
        };
        let admitted = match self.admit(&place, seat.room).await {
            Err(refusal) if seat.room == Room::Some && refusal.is_unlisted() => {
                let held = self.hold(&mut client, &mut early, &place, &mut seat, refusal);
                match Box::pin(held).await {
                    Ok(()) => self.admit(&place, seat.room).await,
                    Err(refusal) => Err(refusal),
                }
            }
            admitted => admitted,
        };
        match admitted {
            Err(refusal) => {
                let refusal = self.asking(refusal, &place, None);
                self.refuse(&mut client, &asked, refusal).await;
            }
            Ok(None) => Box::pin(self.intercept(client, early, place, &asked)).await,
            Ok(Some(upstream)) => {
                let spliced = self.splice(client, upstream, early, &place, &asked, taken);
                Box::pin(spliced).await;
            }
        }
    }

    /// Lets a tunnel that is not looked into wait while a budget of the bottle is spent,
    /// and counts it. Where requests are looked at, each of them is.
    async fn pause<S>(
        &self,
        client: &mut S,
        early: &mut Vec<u8>,
        place: &Authority,
    ) -> Result<Option<Taken<'_>>, Refusal>
    where
        S: AsyncRead + Unpin,
    {
        let table = self.table.current();
        let is_spliced = |permit: Permit<'_>| permit.tls() == Tls::Splice;
        if !self.permit(&table, place).is_ok_and(is_spliced) {
            return Ok(None);
        }
        tokio::select! {
            biased;
            admitted = self.pauses.admit(&self.ledger, Use::Traffic, || {}) => {
                admitted.map(|admitted| Some(admitted.taken))
            }
            () = left(client, early) => Err(Refusal::from(Reason::BottlePaused)),
        }
    }

    /// Decides over a tunnel; a connection to upstream where it is to be spliced.
    async fn admit(&self, place: &Authority, room: Room) -> Result<Option<TcpStream>, Refusal> {
        let table = self.table.current();
        let permit = self.permit(&table, place)?;
        if room == Room::None {
            return Err(Refusal::from(Reason::TooManyConnections));
        }
        match permit.tls() {
            Tls::Intercept => Ok(None),
            Tls::Splice => {
                let held = self.secrets.open();
                Ok(Some(self.dialer.dial(&permit, &held.secrets).await?))
            }
        }
    }

    fn permit<'table>(
        &self,
        table: &'table Table,
        place: &Authority,
    ) -> Result<Permit<'table>, Refusal> {
        let permit = table
            .routes
            .decide(&place.host, place.port, Timestamp::now())
            .map_err(|denial| Refusal::from(denial.reason))?;
        self.check_name(table, &place.host)?;
        Ok(permit)
    }

    /// Looks into a name that the agent chose, before any name server hears of it.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::SecretFound`].
    pub(super) fn check_name(&self, table: &Table, host: &HostName) -> Result<(), Refusal> {
        if !table.watches_name(host) {
            return Ok(());
        }
        match self.secrets.open().scanner.scan_host(host.as_str()).first() {
            Some(finding) => Err(Refusal::new(
                Reason::SecretFound,
                format!("in the host's name: {}", finding.rule),
            )),
            None => Ok(()),
        }
    }

    /// What was asked, as records and the log may hold it: a name that holds a secret of
    /// this bottle is not written down.
    pub(super) fn tellable(&self, asked: Shown) -> Shown {
        let found = self.secrets.open().scanner.scan_host(&asked.host);
        if found.iter().all(|finding| finding.kind == Kind::Pattern) {
            return asked;
        }
        Shown {
            host: "(a name that holds a secret)".to_owned(),
            ..asked
        }
    }

    /// Stands in for upstream, and relays what is asked inside.
    async fn intercept<S>(&self, mut client: S, early: Vec<u8>, place: Authority, asked: &Shown)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(early) = self.greet(&mut client, early, &place, asked).await else {
            return;
        };
        let config = match self.leaves.config_for(&place.host, Timestamp::now()) {
            Ok(config) => config,
            Err(error) => {
                let text = format!("{asked}: closed, because of a failure to {error}");
                return self.decisions.log(text);
            }
        };
        let accept = TlsAcceptor::from(config).accept(Prefixed::new(early, client));
        match timeout(self.limits.handshake, accept).await {
            Ok(Ok(client)) => {
                let side = Side::Tunnel(place);
                self.converse(client, Vec::new(), side, Room::Some).await;
            }
            Ok(Err(error)) => {
                self.decisions
                    .record(asked, denied(Reason::TlsClientRejected));
                let text = format!("{asked}: the client broke off the TLS handshake: {error}");
                self.decisions.log(text);
            }
            Err(_) => {
                self.decisions
                    .record(asked, denied(Reason::TlsClientRejected));
                let text = format!("{asked}: the client did not finish the TLS handshake in time");
                self.decisions.log(text);
            }
        }
    }

    /// Carries a tunnel unread, once its ClientHello is seen to be for `place`.
    async fn splice<S>(
        &self,
        mut client: S,
        upstream: TcpStream,
        early: Vec<u8>,
        place: &Authority,
        asked: &Shown,
        taken: Option<Taken<'_>>,
    ) where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(early) = self.greet(&mut client, early, place, asked).await else {
            return;
        };
        self.decisions.record(asked, Verdict::Allowed);
        let passage = self.count_tunnel(place, taken);
        let activity = Activity::new();
        let follower = self.ledger.follow(&activity, passage);
        let mut upstream = Watched::new(upstream, &activity);
        let carry = splice(&mut client, &mut upstream, early);
        let forbidden = self.table.forbids(|table, now| {
            let permit = table.routes.decide(&place.host, place.port, now);
            permit.is_ok_and(|permit| permit.tls() == Tls::Splice)
        });
        let ended = tokio::select! {
            ended = carry => ended.err().map(|error| error.to_string()),
            () = activity.silent_for(self.limits.silence) => Some("silent for too long".to_owned()),
            () = forbidden => Some("the routes changed".to_owned()),
            () = follower.spent() => Some(SPENT.to_owned()),
        };
        drop(follower);
        self.ended(asked, &activity, ended);
    }

    /// Counts a tunnel that is not looked into. Routes that were swapped since it was let
    /// out count it for no route.
    fn count_tunnel(&self, place: &Authority, taken: Option<Taken<'_>>) -> Option<Passage> {
        let table = self.table.current();
        let route = route_of(&table, place).unwrap_or(usize::MAX);
        let host = place.host.as_str();
        match taken {
            Some(taken) => taken.spend(&table, route, host),
            // The routes let it out only while it was held.
            None => self.ledger.request(&table, route, host),
        }
    }

    /// Notes a connection that was let out and went nowhere.
    fn note_unused(&self, place: &Authority) {
        let table = self.table.current();
        if let Some(route) = route_of(&table, place) {
            self.ledger.connection(&table, route, place.host.as_str());
        }
    }

    /// Answers a CONNECT and reads the ClientHello that must follow; nothing if another
    /// came.
    async fn greet<S>(
        &self,
        client: &mut S,
        mut early: Vec<u8>,
        place: &Authority,
        asked: &Shown,
    ) -> Option<Vec<u8>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        client.write_all(ESTABLISHED).await.ok()?;
        client.flush().await.ok()?;
        let read = read_hello(client, &mut early, &place.host, self.limits.handshake).await;
        let Err(fault) = read else {
            return Some(early);
        };
        if let Some((reason, words)) = fault.told() {
            self.decisions.record(asked, denied(reason));
            let text = format!("{asked}: closed, because {words}");
            self.decisions.log(text);
        } else {
            // It was let out, and went nowhere.
            self.decisions.record(asked, Verdict::Allowed);
            self.note_unused(place);
        }
        None
    }

    fn ended(&self, asked: &Shown, activity: &Activity, why: Option<String>) {
        let carried = activity.summary();
        let text = match why {
            None => format!("{asked} ended: {carried}"),
            Some(why) => format!("{asked} broke off ({why}): {carried}"),
        };
        self.decisions.log(text);
    }

    /// Records, answers, and reads on for a while: a connection that is closed with
    /// unread bytes takes its answer with it.
    async fn refuse<S>(&self, client: &mut S, asked: &Shown, refusal: Refusal)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.decisions.record_refused(asked, &refusal);
        let response = refusal.response(&self.decisions.shown(asked.clone()));
        let answer = async {
            client.write_all(&response).await?;
            client.shutdown().await?;
            let mut rest = client.take(LINGER_BYTES);
            timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await?
        };
        // A client that does not take its answer loses it.
        drop(timeout(self.limits.head, answer).await);
    }
}

/// The route that answers for a connection, by a table.
fn route_of(table: &Table, place: &Authority) -> Option<usize> {
    let now = Timestamp::now();
    let permit = table.routes.decide(&place.host, place.port, now);
    permit.ok()?.route()
}

const fn denied(reason: Reason) -> Verdict {
    Verdict::Denied { reason }
}

/// Reads the first request; the place if it is a CONNECT, and where its head ends.
fn understand(bytes: &[u8]) -> Result<(Option<Authority>, usize), Fault> {
    let head = inspect(bytes)?;
    let ask = Ask::read(&head)?;
    let place = match ask.way {
        Way::Tunnel => Some(ask.authority),
        Way::Plain => None,
    };
    Ok((place, head.length))
}

#[cfg(test)]
mod tests;
