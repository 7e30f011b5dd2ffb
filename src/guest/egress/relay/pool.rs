//! Connections to upstream: opened, kept for a while, never shared between routes.
//!
//! The key names everything that was decided about a connection, the table of routes
//! included, so that no request travels where another decision led, and none beside
//! another's credential. A connection that has bytes to say between two answers, or
//! that failed in any way, is not used again.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::upload::Upload;
use crate::guest::egress::head::MAX_HEADERS;
use crate::policy::HostName;

/// Connections kept in all, and to one place. The oldest give way.
pub(in super::super) const KEPT: usize = 64;
pub(in super::super) const KEPT_EACH: usize = 16;
/// Shorter than common servers wait before they close an idle connection.
pub(in super::super) const IDLE: Duration = Duration::from_secs(20);

/// Both ways of a connection to upstream.
pub(in super::super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a connection was decided for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Key {
    pub(in super::super) tls: bool,
    pub(in super::super) host: HostName,
    pub(in super::super) port: u16,
    pub(in super::super) connect_to: Option<IpAddr>,
    pub(in super::super) allow_private: bool,
    pub(in super::super) route: usize,
    pub(in super::super) generation: u64,
}

/// Sends requests over one connection.
pub(in super::super) type Channel = SendRequest<Upload>;

/// Keeps connections, and the tasks that drive them.
#[derive(Default)]
pub(in super::super) struct Pool {
    idle: Mutex<Idle>,
    drivers: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Idle {
    kept: BTreeMap<Key, VecDeque<Kept>>,
    count: usize,
    /// Raised when everything kept is to be forgotten, so that what returns later is too.
    era: u64,
}

struct Kept {
    channel: Channel,
    since: Instant,
}

/// A connection on loan.
pub(in super::super) struct Loan {
    pub(in super::super) channel: Channel,
    key: Key,
    era: u64,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool(…)")
    }
}

impl Pool {
    /// Lends a kept connection, the one used last first.
    pub(in super::super) fn lend(&self, key: &Key) -> Option<Loan> {
        let mut idle = self.idle();
        let era = idle.era;
        loop {
            let kept = idle.kept.get_mut(key)?.pop_back();
            let Some(kept) = kept else {
                idle.kept.remove(key);
                return None;
            };
            idle.count -= 1;
            if kept.channel.is_ready() && kept.since.elapsed() < IDLE {
                return Some(Loan {
                    channel: kept.channel,
                    key: key.clone(),
                    era,
                });
            }
        }
    }

    /// Starts HTTP on a new connection.
    ///
    /// # Errors
    /// What hyper says.
    pub(in super::super) async fn open(
        &self,
        key: &Key,
        stream: impl Stream + 'static,
    ) -> hyper::Result<Loan> {
        let (channel, connection) = Builder::new()
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await?;
        self.drive(async { drop(connection.await) });
        Ok(Loan {
            channel,
            key: key.clone(),
            era: self.idle().era,
        })
    }

    /// Starts HTTP on a connection that may become a WebSocket, and is never kept.
    ///
    /// # Errors
    /// What hyper says.
    pub(in super::super) async fn open_once(
        &self,
        stream: impl Stream + 'static,
    ) -> hyper::Result<Channel> {
        let (channel, connection) = Builder::new()
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await?;
        self.drive(async { drop(connection.with_upgrades().await) });
        Ok(channel)
    }

    /// Takes a connection back after an answer that came to its end.
    pub(in super::super) fn take_back(&self, loan: Loan) {
        let mut idle = self.idle();
        if loan.era != idle.era || loan.channel.is_closed() {
            return;
        }
        if idle.count >= KEPT {
            idle.forget_oldest();
        }
        let kept = idle.kept.entry(loan.key).or_default();
        let surplus = (kept.len() >= KEPT_EACH)
            .then(|| kept.pop_front())
            .flatten();
        kept.push_back(Kept {
            channel: loan.channel,
            since: Instant::now(),
        });
        if surplus.is_none() {
            idle.count += 1;
        }
    }

    /// Forgets every connection, those on loan included once they return.
    pub(in super::super) fn clear(&self) {
        let mut idle = self.idle();
        idle.kept.clear();
        idle.count = 0;
        idle.era += 1;
    }

    /// Closes what was idle for too long, for as long as it is polled.
    pub(in super::super) async fn tend(&self) {
        loop {
            tokio::time::sleep(IDLE / 2).await;
            self.idle().close_old();
            self.reap();
        }
    }

    fn drive(&self, driver: impl Future<Output = ()> + Send + 'static) {
        self.reap();
        self.drivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(driver);
    }

    fn reap(&self) {
        let mut drivers = self.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        while drivers.try_join_next().is_some() {}
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn forget_oldest(&mut self) {
        let oldest = self
            .kept
            .iter()
            .filter_map(|(key, kept)| Some((kept.front()?.since, key)))
            .min_by_key(|(since, _)| *since)
            .map(|(_, key)| key.clone());
        if let Some(kept) = oldest.and_then(|key| self.kept.get_mut(&key)) {
            kept.pop_front();
            self.count -= 1;
        }
    }

    fn close_old(&mut self) {
        for kept in self.kept.values_mut() {
            kept.retain(|kept| kept.since.elapsed() < IDLE && !kept.channel.is_closed());
        }
        self.kept.retain(|_, kept| !kept.is_empty());
        self.count = self.kept.values().map(VecDeque::len).sum();
    }
}
