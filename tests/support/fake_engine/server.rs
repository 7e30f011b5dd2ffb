//! The server: which path is which question.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::fleet::{Container, World};
use super::logs::Wanted;
use super::session::{self, Sessions};
use super::{Fault, Manner, answers, hub, logs};

/// Pieces of a stream that wait to be read.
const WAITING: usize = 4;
/// Between two samples of a stream.
const SECOND: Duration = Duration::from_secs(1);

type Body = BoxBody<Bytes, Infallible>;
type Answer = Response<Body>;

/// What every connection knows.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) world: Arc<World>,
    pub(super) manner: watch::Receiver<Manner>,
    pub(super) asked: Arc<Mutex<BTreeMap<&'static str, u64>>>,
}

impl Server {
    /// Serves for ever.
    pub(super) async fn serve(self, listener: UnixListener) {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            connections.spawn(self.clone().connection(stream));
            while connections.try_join_next().is_some() {}
        }
    }

    /// One connection, until its end or the engine's.
    async fn connection(self, stream: UnixStream) {
        let mut manner = self.manner.clone();
        let begun = manner.borrow_and_update().restarts;
        if manner.borrow().fault == Fault::Drop {
            return;
        }
        let service = hyper::service::service_fn(|request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::select! {
            _ = served => {}
            _ = manner.wait_for(|manner| manner.restarts != begun) => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let fault = self.manner.borrow().fault;
        match fault {
            Fault::None | Fault::Drop => {}
            Fault::Delay(time) => tokio::time::sleep(time).await,
            Fault::Refuse => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return said(
                    status,
                    &json!({"message": "the fake engine was told to fail"}),
                );
            }
        }
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // `/v1.41/…` and `/…` are the same.
        let is_version = |part: &&str| part.starts_with('v') && part.contains('.');
        let skipped = usize::from(parts.first().is_some_and(is_version));
        let parts = parts.get(skipped..).unwrap_or_default();
        self.count(parts);
        match parts {
            ["_ping"] => ping(),
            ["version"] => ok(&answers::version()),
            ["info"] => ok(&answers::info(&self.world)),
            ["containers", "json"] => ok(&answers::list(&self.world, &query)),
            ["events"] => self.events(),
            ["images", "json"] | ["networks"] => ok(&json!([])),
            ["volumes"] => ok(&json!({"Volumes": [], "Warnings": []})),
            ["exec", id, "start"] => self.start_exec(request, id).await,
            ["exec", id, "json"] => ok(&json!({"ID": id, "Running": true, "ExitCode": null})),
            ["containers", name, question @ ..] => match self.world.find(name) {
                Some(container) => self.of_container(container, question, &query),
                None => missing(name),
            },
            _ => missing(&path),
        }
    }

    fn of_container(&self, container: &Container, question: &[&str], query: &str) -> Answer {
        let is_set = |name: &str| {
            let values = ["1", "true", "True"];
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.any(|(key, value)| key == name && values.contains(&value))
        };
        let sessions = self.world.fleet.sessions;
        match question {
            ["json"] => ok(&answers::inspect(&self.world, container)),
            // Without the word an engine streams.
            ["stats"] if is_set("stream") || !query.contains("stream=") => {
                self.stats_stream(container)
            }
            ["stats"] => ok(&answers::stats(&self.world, container)),
            ["logs"] => {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                let tail = pairs.find(|(key, _)| *key == "tail");
                let wanted = Wanted {
                    tail: tail.and_then(|(_, tail)| tail.parse().ok()),
                    follows: is_set("follow"),
                    has_times: is_set("timestamps"),
                };
                let (to, from) = mpsc::channel(WAITING);
                let log = logs::write(self.world.fleet, container.clone(), wanted, to);
                streamed("application/vnd.docker.raw-stream", from, log)
            }
            ["exec"] if container.role == "agent" && sessions == Sessions::None => said(
                StatusCode::CONFLICT,
                &json!({"message": "the fake engine runs no session"}),
            ),
            ["exec"] => said(StatusCode::CREATED, &json!({"Id": container.id})),
            ["top"] => ok(&json!({"Titles": ["PID", "CMD"], "Processes": [["1", "sleep"]]})),
            _ => missing(&question.join("/")),
        }
    }

    fn events(&self) -> Answer {
        let mut events = self.world.events.subscribe();
        let (to, from) = mpsc::channel::<Bytes>(WAITING);
        let told = async move {
            while let Ok(event) = events.recv().await {
                if to.send(event.into()).await.is_err() {
                    return;
                }
            }
        };
        streamed("application/json", from, told)
    }

    fn stats_stream(&self, container: &Container) -> Answer {
        let (world, container) = (Arc::clone(&self.world), container.clone());
        let (to, from) = mpsc::channel::<Bytes>(WAITING);
        let told = async move {
            let mut second = tokio::time::interval(SECOND);
            loop {
                second.tick().await;
                let sample = format!("{}\n", answers::stats(&world, &container));
                if to.send(sample.into()).await.is_err() {
                    return;
                }
            }
        };
        streamed("application/json", from, told)
    }

    async fn start_exec(&self, mut request: Request<Incoming>, id: &str) -> Answer {
        let found = self.world.find(id).filter(|found| self.world.runs(found));
        let Some(found) = found else {
            return missing(id);
        };
        // What an agent's container runs is its session; what a hub's does is the hub.
        let session = (found.role == "agent").then_some(self.world.fleet.sessions);
        let (world, found) = (Arc::clone(&self.world), found.clone());
        let line = hyper::upgrade::on(&mut request);
        // The options come first; the line begins after them.
        drop(request.into_body().collect().await);
        let mut manner = self.manner.clone();
        let begun = manner.borrow_and_update().restarts;
        tokio::spawn(async move {
            tokio::select! {
                () = take_over(line, session) => {}
                () = world.ended(&found) => {}
                _ = manner.wait_for(|manner| manner.restarts != begun) => {}
            }
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("Content-Type", "application/vnd.docker.raw-stream")
            .header("Connection", "Upgrade")
            .header("Upgrade", "tcp")
            .body(Full::default().boxed())
            .unwrap()
    }

    fn count(&self, parts: &[&str]) {
        let kind = match parts {
            ["containers", "json"] => "list",
            ["containers", _, "json"] => "inspect",
            ["containers", _, "stats"] => "stats",
            ["containers", _, "logs"] => "logs",
            ["containers", _, "exec"] => "exec",
            ["events"] => "events",
            _ => "other",
        };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked.entry(kind).or_default() += 1;
    }
}

async fn take_over(line: hyper::upgrade::OnUpgrade, session: Option<Sessions>) {
    let Ok(line) = line.await else {
        return;
    };
    let (reader, writer) = tokio::io::split(TokioIo::new(line));
    // A line that breaks is a client that left.
    drop(match session {
        Some(what) => session::speak(what, reader, writer).await,
        None => hub::speak(reader, writer).await,
    });
}

fn ping() -> Answer {
    Response::builder()
        .header("Api-Version", "1.41")
        .header("Docker-Experimental", "false")
        .header("Ostype", "linux")
        .header("Server", "Docker/20.10.24 (linux)")
        .header("Content-Type", "text/plain; charset=utf-8")
        .body(Full::from("OK").boxed())
        .unwrap()
}

fn ok(value: &Value) -> Answer {
    said(StatusCode::OK, value)
}

fn said(status: StatusCode, value: &Value) -> Answer {
    Response::builder()
        .status(status)
        .header("Api-Version", "1.41")
        .header("Content-Type", "application/json")
        .body(Full::from(value.to_string()).boxed())
        .unwrap()
}

fn missing(what: &str) -> Answer {
    let message = format!("No such container: {what}");
    said(StatusCode::NOT_FOUND, &json!({"message": message}))
}

/// What a task says piece by piece. The task runs only while the answer is read.
fn streamed(
    kind: &'static str,
    from: mpsc::Receiver<Bytes>,
    task: impl Future<Output = ()> + Send + 'static,
) -> Answer {
    let task = tokio::spawn(task);
    let pieces = stream::unfold((from, AbortOnDrop(task)), |(mut from, task)| async {
        let piece = from.recv().await?;
        Some((Ok(Frame::data(piece)), (from, task)))
    });
    Response::builder()
        .header("Api-Version", "1.41")
        .header("Content-Type", kind)
        .body(StreamBody::new(SyncStream(Box::pin(pieces))).boxed())
        .unwrap()
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Pieces = std::pin::Pin<
    Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>,
>;

/// Names the type of a stream, which a closure hides.
struct SyncStream(Pieces);

impl futures_util::Stream for SyncStream {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}
