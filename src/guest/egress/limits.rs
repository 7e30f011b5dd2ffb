//! Every limit of egress beside the document that tells of it, and what happens at those
//! that no module tests by itself.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::dial::{Dialer, MAX_ANSWER, MAX_TRIES};
use super::gate::{MAX_EXTENSION_BYTES, MAX_TRAILER_BYTES};
use super::head::{MAX_HEAD_BYTES, MAX_HEADERS};
use super::holds::{ASKED, MAX_EARLY, REFUSED_FOR, WAITING, WAITING_EACH};
use super::proxy::{LINGER, LINGER_BYTES, Limits};
use super::relay::limits::{FAREWELL, IDLE, KEPT, KEPT_EACH, MAX_FINDINGS, MAX_INTERIM, MAX_PATH};
use super::resolve::{Resolve, ResolveError};
use super::rig::{LIMITS, Rig, route};
use super::secrets::Secrets;
use super::tls::MAX_HELLO_BYTES;
use super::{door, journal};
use crate::policy::{HostName, NextHop, Provenance, Reason, Route, RouteSet};
use crate::wire::HeldRequest;

const KIB: usize = 1024;

/// A row of the table in docs/seal.md: what is limited, to what, and what then.
type Row = (&'static str, String, &'static str);

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

fn minutes(time: Duration) -> String {
    format!("{} minutes", time.as_secs() / 60)
}

fn kib(bytes: usize) -> String {
    format!("{} KiB", bytes / KIB)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

/// Of what passes.
fn of_connections() -> Vec<Row> {
    let limits = Limits::default();
    assert_eq!(limits.handshake, limits.dial);
    vec![
        (
            "a request's head",
            format!(
                "{}, {MAX_HEADERS} header lines, {} from its first byte",
                kib(MAX_HEAD_BYTES),
                seconds(limits.head)
            ),
            "400, the connection is closed",
        ),
        (
            "chunk extensions and trailers of a body",
            format!(
                "{} and {}",
                kib(MAX_EXTENSION_BYTES),
                kib(MAX_TRAILER_BYTES)
            ),
            "400, the connection is closed; neither is passed on",
        ),
        (
            "requests sent ahead of an answer",
            format!("{} are held", kib(MAX_HEAD_BYTES)),
            "no more is read until the answer was given",
        ),
        (
            "a ClientHello",
            format!("{}, {}", kib(MAX_HELLO_BYTES), seconds(limits.handshake)),
            "closed",
        ),
        (
            "a TLS handshake, a name, each address tried",
            seconds(limits.dial),
            "closed; 502",
        ),
        (
            "addresses of a name that are tried",
            MAX_TRIES.to_string(),
            "502",
        ),
        (
            "an upstream proxy's answer",
            format!("{}, {}", kib(MAX_ANSWER), seconds(limits.dial)),
            "502",
        ),
        ("no byte either way", minutes(limits.silence), "closed"),
        (
            "connections at once, those aside that wait for you",
            door::SERVED.to_string(),
            "503 for 32 more, the rest are closed unread",
        ),
        (
            "connections that you let through, and no place is free",
            seconds(limits.head),
            "503",
        ),
        (
            "interim answers (1xx) to one request",
            MAX_INTERIM.to_string(),
            "502",
        ),
        (
            "connections kept to upstream",
            format!("{KEPT}, {KEPT_EACH} to one place, {}", seconds(IDLE)),
            "the oldest are closed",
        ),
    ]
}

/// Of what ends, waits and is kept.
fn of_the_rest() -> Vec<Row> {
    vec![
        (
            "a refused client that sends on",
            format!("{}, {}", mib(LINGER_BYTES), seconds(LINGER)),
            "closed, whether it took its answer or not",
        ),
        (
            "an end of a WebSocket that takes no close frame",
            seconds(FAREWELL),
            "closed without",
        ),
        (
            "connections and requests that wait for you",
            format!("{WAITING}, {WAITING_EACH} for one answer, {ASKED} questions"),
            "403 `ask_queue_full`",
        ),
        (
            "sent while it waits",
            format!(
                "{} before a tunnel, {} of requests",
                kib(MAX_EARLY),
                kib(MAX_HEAD_BYTES)
            ),
            "no more is read until it is answered",
        ),
        (
            "a path that you are asked about",
            format!("{} bytes", HeldRequest::MAX_PATH),
            "refused without asking",
        ),
        (
            "a refusal of yours",
            minutes(REFUSED_FOR),
            "the next is asked again",
        ),
        (
            "the decision log",
            format!("{}, twice", mib(journal::MAX_BYTES)),
            "the older half is dropped",
        ),
        (
            "a record's path and findings",
            format!("{MAX_PATH} bytes, {MAX_FINDINGS} names"),
            "cut",
        ),
    ]
}

#[test]
fn the_document_tells_every_limit_as_it_is() {
    let text = include_str!("../../../docs/seal.md");
    let section = text.split("## What happens at each limit").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2);
    let told: Vec<&str> = lines.collect();
    let rows: Vec<String> = of_connections()
        .into_iter()
        .chain(of_the_rest())
        .map(|(what, limit, then)| format!("| {what} | {limit} | {then} |"))
        .collect();
    assert_eq!(told, rows);
}

#[test]
fn rooms_are_as_many_as_is_said() {
    let rooms = door::Rooms::new(door::SERVED, door::TOLD);
    let mut taken = Vec::new();
    while let Some(room) = rooms.take() {
        taken.push(room);
    }
    assert_eq!((taken.len(), door::TOLD), (door::SERVED + 32, 32));
}

/// Never answers.
struct Silent;

impl Resolve for Silent {
    async fn resolve(&self, _: &HostName) -> Result<Vec<std::net::IpAddr>, ResolveError> {
        std::future::pending().await
    }
}

fn permit(port: u16) -> crate::policy::Permit<'static> {
    let host = HostName::parse("a.example").unwrap();
    let route = Route::to(host.clone(), vec![port], Provenance::Builtin);
    let routes = Box::leak(Box::new(RouteSet::of(vec![route])));
    routes.decide(&host, port, jiff::Timestamp::now()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_name_server_that_does_not_answer_is_given_up() {
    let dialer = Dialer::new(Silent, LIMITS.dial, None);
    let began = Instant::now();
    let refusal = dialer
        .dial(&permit(443), &Secrets::new())
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.reason, began.elapsed()),
        (Reason::Unreachable, LIMITS.dial)
    );
    assert_eq!(refusal.detail, "its name was not resolved in time");
}

#[tokio::test]
async fn an_upstream_proxy_that_says_nothing_or_too_much_is_given_up() {
    for (answer, words) in [
        (Vec::new(), "did not answer in time"),
        (vec![b'x'; MAX_ANSWER], "too long"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let hop = NextHop::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let dialer = Dialer::new(Silent, LIMITS.dial, Some(hop));
        let (permit, secrets) = (permit(443), Secrets::new());
        let proxy = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(&answer).await.unwrap();
            tokio::time::pause();
            let mut rest = Vec::new();
            drop(stream.read_to_end(&mut rest).await);
            tokio::time::resume();
        };
        let (refused, ()) = tokio::join!(dialer.dial(&permit, &secrets), proxy);
        let refusal = refused.unwrap_err();
        assert_eq!(refusal.reason, Reason::Unreachable);
        assert!(refusal.detail.contains(words), "{}", refusal.detail);
    }
}

/// Upstream that takes the connection and says nothing: in the TLS handshake, and after a
/// request.
#[tokio::test]
async fn upstream_that_says_nothing_is_given_up() {
    let rig = Rig::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.allow(vec![route("a.example", port)]);
    let mut inside = rig.inside("a.example", port).await;
    let request = format!("GET / HTTP/1.1\r\nHost: a.example:{port}\r\n\r\n");
    inside.write_all(request.as_bytes()).await.unwrap();
    let (_upstream, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    let began = Instant::now();
    let mut reply = Vec::new();
    drop(inside.read_to_end(&mut reply).await);
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 502 "), "{reply}");
    assert!(began.elapsed() >= LIMITS.handshake && began.elapsed() < LIMITS.silence);
    tokio::time::resume();

    let (mut client, _) = rig.connect();
    let request =
        format!("GET http://a.example:{port}/ HTTP/1.1\r\nHost: a.example:{port}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let (_upstream, _) = listener.accept().await.unwrap();
    tokio::time::pause();
    let began = Instant::now();
    let mut reply = Vec::new();
    drop(client.read_to_end(&mut reply).await);
    assert_eq!(reply, b"");
    assert!(began.elapsed() >= LIMITS.silence, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_takes_no_answer_is_let_go() {
    let rig = Rig::new(Vec::new());
    // It takes the answer and stays.
    let (mut client, served) = rig.connect();
    client
        .write_all(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let began = Instant::now();
    served.await.unwrap();
    assert_eq!(began.elapsed(), LINGER);
    // It takes none.
    let (mut client, end) = duplex(64);
    client
        .write_all(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    let began = Instant::now();
    let seat = door::Seat::single(super::proxy::Room::Some);
    rig.proxy.serve(end, seat).await;
    assert_eq!(began.elapsed(), LIMITS.head);
}
