//! A whole proxy for tests: real TLS on both sides, every name at loopback, origins that
//! say what a test wants.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, client, server};

use super::decisions::Decisions;
use super::dial::Dialer;
use super::dial::tests::CountingResolver;
use super::door::Seat;
use super::holds::Holds;
use super::journal::Journal;
use super::ledger::{Clock, Ledger};
use super::proxy::{Limits, Proxy, Room};
use super::relay::Pool;
use super::secrets::SecretBox;
use super::table::RouteTable;
use super::tls::tests::client_of;
use super::tls::{BottleCa, Leaves, Upstream};
use crate::guest::runtime::Reporter;
use crate::policy::{
    Auth, AuthScheme, BottleBudget, HostName, HostPattern, ModelApis, Provenance, Route, RouteRole,
    RouteSet, SecretName, Tls,
};
use crate::request::Wants;
use crate::wire::{DecisionRecord, RoleState, Verdict};

pub(super) const LIMITS: Limits = Limits {
    head: Duration::from_secs(5),
    dial: Duration::from_secs(5),
    handshake: Duration::from_secs(5),
    silence: Duration::from_secs(30),
    request_bytes: 1 << 20,
};

/// A proxy and what it stands between.
pub(super) struct Rig {
    pub(super) proxy: Arc<Proxy<CountingResolver>>,
    pub(super) resolver: CountingResolver,
    /// What would go to the hub.
    pub(super) reporter: Reporter,
    ca: CertificateDer<'static>,
    origin_ca: Leaves,
    folder: tempfile::TempDir,
}

/// A TLS server whose certificate is for one host.
pub(super) struct Origin {
    listener: TcpListener,
    pub(super) port: u16,
    acceptor: TlsAcceptor,
}

pub(super) type Inside = client::TlsStream<DuplexStream>;
pub(super) type Far = server::TlsStream<TcpStream>;

pub(super) fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

/// A route to a port at loopback, to be made narrower or wider.
pub(super) fn route(name: &str, port: u16) -> Route {
    Route {
        allow_private: true,
        ..Route::to(host(name), vec![port], Provenance::Builtin)
    }
}

/// The same for a tunnel that is not looked into.
pub(super) fn spliced(name: &str, port: u16) -> Route {
    Route {
        tls: Tls::Splice,
        ..route(name, port)
    }
}

/// The same for every name below a suffix.
pub(super) fn wildcard(pattern: &str, port: u16) -> Route {
    Route {
        host: HostPattern::parse(pattern).unwrap(),
        ..route("replaced.example", port)
    }
}

/// The same with Claude Code's own credential, named `key`.
pub(super) fn credentialed(name: &str, port: u16) -> Route {
    let secret = SecretName::parse("key").unwrap();
    let scheme = AuthScheme::Bearer;
    Route {
        auth: Some(Auth { scheme, secret }),
        role: Some(RouteRole::ClaudeCodeOauth),
        ..route(name, port)
    }
}

/// The same for WebSockets too.
pub(super) fn web_socket(name: &str, port: u16) -> Route {
    Route {
        websocket: true,
        ..route(name, port)
    }
}

/// What the operator is to be asked for, in a line.
pub(super) fn asked_for(wants: &Wants) -> String {
    match wants {
        Wants::Route(asked) => asked.route(0).words(),
        Wants::Pass(asked) => asked.words(),
    }
}

impl Rig {
    pub(super) fn new(routes: Vec<Route>) -> Self {
        Self::with(routes, LIMITS)
    }

    pub(super) fn with(routes: Vec<Route>, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().join("decisions.jsonl"));
        let resolver = CountingResolver::answering(&["127.0.0.1"]);
        let now = Timestamp::now();
        let bottle = BottleCa::new("test", now).unwrap();
        let origin = BottleCa::new("origin", now).unwrap();
        let (reporter, secrets) = (Reporter::default(), SecretBox::new().unwrap());
        let ledger =
            Arc::new(Ledger::kept_in(folder.path().join("usage.json"), Clock::of_kernel()).0);
        let decisions = Decisions::new(
            journal,
            reporter.clone(),
            Arc::clone(&ledger),
            RoleState::Ready,
            secrets.clone(),
        );
        let ca = bottle.certificate().clone();
        let proxy = Proxy {
            table: RouteTable::new(RouteSet::of(routes), 1).unwrap(),
            secrets,
            dialer: Dialer::new(resolver.clone(), limits.dial, None),
            leaves: Leaves::new(bottle).unwrap(),
            upstream: Upstream::new(&[origin.certificate().clone()]).unwrap(),
            pool: Arc::new(Pool::default()),
            holds: Holds::new(reporter.clone()),
            pauses: Arc::new(super::pause::Pauses::new()),
            decisions: Arc::new(decisions),
            spending: super::spending::Spending::default(),
            ledger,
            models: ModelApis::known().unwrap(),
            limits,
            supervise: true,
        };
        Self {
            proxy: Arc::new(proxy),
            resolver,
            reporter,
            ca,
            origin_ca: Leaves::new(origin).unwrap(),
            folder,
        }
    }

    /// Listens for one host, with a certificate that the proxy trusts.
    pub(super) async fn origin(&self, name: &str) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = self.origin_ca.config_for(&host(name), Timestamp::now());
        Origin {
            listener,
            port,
            acceptor: TlsAcceptor::from(config.unwrap()),
        }
    }

    /// The operator's changes, made while things are under way.
    pub(super) fn allow(&self, routes: Vec<Route>) {
        let generation = self.proxy.table.current().generation + 1;
        self.proxy.swap(RouteSet::of(routes), generation).unwrap();
    }

    /// The same with budgets of the bottle.
    pub(super) fn budget(&self, routes: Vec<Route>, budgets: &[BottleBudget]) {
        let generation = self.proxy.table.current().generation + 1;
        let routes = RouteSet {
            budgets: budgets.to_vec(),
            ..RouteSet::of(routes)
        };
        self.proxy.swap(routes, generation).unwrap();
    }

    /// Begins to serve a connection.
    pub(super) fn connect(&self) -> (DuplexStream, JoinHandle<()>) {
        let (client, end) = duplex(1 << 17);
        let proxy = Arc::clone(&self.proxy);
        let served = tokio::spawn(async move { proxy.serve(end, Seat::single(Room::Some)).await });
        (client, served)
    }

    /// Asks for a tunnel and gives the head of the answer.
    pub(super) async fn tunnel(&self, place: &str) -> (DuplexStream, String) {
        let (mut client, _) = self.connect();
        let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let head = read_head(&mut client).await;
        (client, head)
    }

    /// Opens a tunnel and speaks TLS inside, trusting the bottle's authority alone.
    pub(super) async fn inside(&self, name: &str, port: u16) -> Inside {
        let (client, head) = self.tunnel(&format!("{name}:{port}")).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let name = ServerName::try_from(name.to_owned()).unwrap();
        client_of(&self.ca).connect(name, client).await.unwrap()
    }

    /// Sends a request, ends the sending side, and gives the whole answer.
    pub(super) async fn reply(&self, request: &str, room: Room) -> String {
        let (mut client, end) = duplex(1 << 17);
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let answer = async {
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            drop(client);
            String::from_utf8_lossy(&answer).into_owned()
        };
        let ((), answer) = tokio::join!(self.proxy.serve(end, Seat::single(room)), answer);
        answer
    }

    pub(super) fn records(&self) -> Vec<DecisionRecord> {
        self.proxy.decisions.write_down();
        Journal::new(self.folder.path().join("decisions.jsonl")).tail()
    }

    /// The decision log as it stands on the disk.
    pub(super) fn log(&self) -> String {
        self.proxy.decisions.write_down();
        std::fs::read_to_string(self.folder.path().join("decisions.jsonl")).unwrap()
    }
}

pub(super) fn code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::Denied { reason } => reason.code(),
    }
}

impl Origin {
    pub(super) async fn accept(&self) -> Far {
        let (stream, _) = self.listener.accept().await.unwrap();
        self.acceptor.accept(stream).await.unwrap()
    }

    /// Gives what was said inside a connection whose handshake fails.
    pub(super) async fn accept_broken(&self) -> Vec<u8> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut said = Vec::new();
        if let Ok(mut stream) = self.acceptor.accept(stream).await {
            drop(stream.read_to_end(&mut said).await);
        }
        said
    }

    /// Whether a connection waits that nobody accepted.
    pub(super) async fn is_dialled(&self) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(self.listener.poll_accept(context).is_ready())
        })
        .await
    }

    /// Answers every request on every connection with these bytes, and gives the
    /// requests' heads as they came; a connection ends when its peer ends it.
    pub(super) async fn serve(&self, answers: &[&str]) -> Vec<String> {
        let mut heads = Vec::new();
        let mut far = None;
        for answer in answers {
            let head = loop {
                let mut stream = match far.take() {
                    Some(stream) => stream,
                    None => self.accept().await,
                };
                let head = read_head(&mut stream).await;
                if !head.is_empty() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    far = Some(stream);
                    break head;
                }
            };
            heads.push(head);
        }
        heads
    }
}

/// Reads up to the end of a head, byte by byte; less if the stream ends.
pub(super) async fn read_head<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => bytes.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a head and the body that its Content-Length tells.
pub(super) async fn read_message<S: tokio::io::AsyncRead + Unpin>(
    stream: &mut S,
) -> (String, String) {
    let head = read_head(stream).await.to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}
