//! The agent's door: what this bottle may do, and the tools to ask for more.
//!
//! `GET /` is a page of JSON. `POST /mcp` speaks the Model Context Protocol over its
//! streamable HTTP transport, without sessions: each message is answered by what the
//! bottle is at that moment. Whatever comes in is hostile; everything is bounded, and no
//! tool changes anything: each files a request, reads one or takes one back.

mod capabilities;
mod flood;
mod http;
mod patch;
mod reply;
mod rpc;
#[cfg(test)]
mod tests;
mod tools;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use self::flood::Flood;
use super::facts::Facts;
use super::requests::Requests;
use super::shared::SharedHub;
use crate::wire::SidecarConfig;

/// Connections at once.
const CONNECTIONS: usize = 32;
/// Calls that wait for an answer at once, so that others still find a place.
const WAITS: usize = 16;
/// For the head of a request, and for its body.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// For a whole exchange: the longest wait, with time to read and to write.
const LIMIT: Duration = Duration::from_secs(330);
const RECOVERY: Duration = Duration::from_millis(50);
/// What a connection too many reads.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 53\r\n\r\n{\"error\": \"too many connections at once; close some\"}";

/// What the door's tasks share.
#[derive(Debug)]
pub(super) struct Agent {
    config: SidecarConfig,
    hub: SharedHub,
    requests: Requests,
    facts: Facts,
    flood: Mutex<Flood>,
    waits: Arc<Semaphore>,
}

/// The requests whose end one reply tells of.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<u64>>);

impl Told {
    fn add(&self, ids: &[u64]) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend_from_slice(ids);
    }

    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Agent {
    pub(super) fn new(
        config: SidecarConfig,
        hub: SharedHub,
        requests: Requests,
        facts: Facts,
    ) -> Self {
        Self {
            config,
            hub,
            requests,
            facts,
            flood: Mutex::new(Flood::new(Instant::now())),
            waits: Arc::new(Semaphore::new(WAITS)),
        }
    }

    /// Counts one request; says how long to wait if there were too many.
    fn is_flooded(&self) -> Option<Duration> {
        let mut flood = self.flood.lock().unwrap_or_else(PoisonError::into_inner);
        flood.take(Instant::now())
    }
}

/// Serves the agent's door for as long as it is polled.
pub(super) async fn serve(door: &UnixListener, agent: Agent) {
    let agent = Arc::new(agent);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = door.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        turn_away(&stream);
                        continue;
                    };
                    let agent = Arc::clone(&agent);
                    connections.spawn(async move {
                        answer(stream, &agent).await;
                        drop(place);
                    });
                }
                Err(_) => sleep(RECOVERY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Says so to a connection too many, if that costs no wait.
fn turn_away(stream: &UnixStream) {
    stream.try_write(FULL).ok();
}

/// Answers one request, and notes what the agent read once its reply is written.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(stream: S, agent: &Arc<Agent>) {
    let told = Arc::new(Told::default());
    let service = service_fn(|request| {
        let (agent, told) = (Arc::clone(agent), Arc::clone(&told));
        async move { Ok::<_, Infallible>(http::respond(request, &agent, &told).await) }
    });
    // One exchange a connection: its end is the proof that the reply went out.
    let exchange = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(READ_LIMIT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Ok(())) = timeout(LIMIT, exchange).await {
        for id in told.take() {
            if let Err(error) = agent.requests.delivered(id).await {
                let text = format!("failed to note that request {id} was read: {error}");
                agent.hub.log(text);
            }
        }
    }
}
