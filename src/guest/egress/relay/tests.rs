use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::rig::{
    Far, Inside, LIMITS, Origin, Rig, code, credentialed, host, read_head, read_message, route,
    web_socket, wildcard,
};
use super::frames::tests::frame;
use super::frames::{Sender, unmask};
use crate::policy::{
    BottleBudget, Measure, Method, Methods, Route, RouteRole, ScanMode, SecretName, Span, Tls,
};
use crate::secret::Secret;
use crate::wire::{AnswerUsage, DecisionRecord, Tokens, Verdict};

mod passing;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// A secret that must be found nowhere but at its origin.
const SECRET: &str = "sk-canary-5c6f7a";

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

impl Rig {
    fn hand_over(&self) {
        let secret = Secret::new(SECRET.to_owned());
        let name = SecretName::parse("key").unwrap();
        self.proxy
            .secrets(std::iter::once((name, secret)).collect())
            .unwrap();
    }
}

/// Lets what is spawned come to rest.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_routes_budget_does_not_reach_is_refused_or_cut_off() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let mut limited = route("a.example", origin.port);
    limited.budget.requests = Some(1);
    rig.allow(vec![limited]);
    let mut inside = rig.inside("a.example", origin.port).await;
    let place = format!("a.example:{}", origin.port);
    let talk = async {
        inside.write_all(get("/", &place).as_bytes()).await.unwrap();
        assert_eq!(read_message(&mut inside).await.1, "ok");
        inside.write_all(get("/", &place).as_bytes()).await.unwrap();
        read_message(&mut inside).await.0
    };
    let (_, head) = tokio::join!(origin.serve(&[OK]), talk);
    assert!(head.contains("budget_spent"), "{head}");

    let mut limited = route("a.example", origin.port);
    limited.budget.bytes = Some(4);
    rig.allow(vec![limited]);
    let mut inside = rig.inside("a.example", origin.port).await;
    let talk = async {
        inside.write_all(get("/", &place).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // It ends before its end.
        drop(inside.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there";
    let answers = [long];
    let (_, answer) = tokio::join!(origin.serve(&answers), talk);
    assert!(!answer.contains("hello"), "{answer}");
}

/// It was counted when it was over, so that one body of any length passed.
#[tokio::test]
async fn a_body_is_broken_off_where_the_budget_ends() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let mut limited = route("a.example", origin.port);
    limited.budget.bytes = Some(16);
    limited.scan.request = ScanMode::Off;
    rig.allow(vec![limited]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let talk = async {
        let head =
            format!("POST / HTTP/1.1\r\nHost: {place}\r\nTransfer-Encoding: chunked\r\n\r\n");
        let body = "8\r\nfirst...\r\n11\r\nand then too much\r\n0\r\n\r\n";
        inside.write_all(head.as_bytes()).await.unwrap();
        inside.write_all(body.as_bytes()).await.unwrap();
        read_message(&mut inside).await.0
    };
    let arrived = async {
        let mut far = origin.accept().await;
        let mut bytes = Vec::new();
        // It ends before its end.
        drop(far.read_to_end(&mut bytes).await);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (arrived, head) = tokio::join!(arrived, talk);
    assert!(head.contains("budget_spent"), "{head}");
    assert!(!arrived.contains("too much"), "{arrived}");
}

#[tokio::test]
async fn a_method_that_a_header_puts_in_must_be_allowed_too() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let mut reading = route("a.example", origin.port);
    reading.methods = Methods::Only(
        ["GET", "HEAD"]
            .map(|name| Method::parse(name).unwrap())
            .into(),
    );
    rig.allow(vec![reading]);
    let place = format!("a.example:{}", origin.port);
    let ask = |header: &str| format!("GET / HTTP/1.1\r\nHost: {place}\r\n{header}\r\n\r\n");
    for header in [
        "X-HTTP-Method-Override: DELETE",
        "x-http-method: delete",
        "X-Method-Override: HEAD\r\nX-Method-Override: PUT",
    ] {
        let mut inside = rig.inside("a.example", origin.port).await;
        inside.write_all(ask(header).as_bytes()).await.unwrap();
        let (head, _) = read_message(&mut inside).await;
        assert!(head.contains("method_not_allowed"), "{header}: {head}");
    }
    let mut inside = rig.inside("a.example", origin.port).await;
    let talk = async {
        let allowed = ask("X-HTTP-Method-Override: head");
        inside.write_all(allowed.as_bytes()).await.unwrap();
        read_message(&mut inside).await.1
    };
    let (_, body) = tokio::join!(origin.serve(&[OK]), talk);
    assert_eq!(body, "ok");
}

#[tokio::test]
async fn each_request_on_a_connection_is_decided_and_recorded() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let mut inside = rig.inside("a.example", origin.port).await;
    let talk = async {
        let place = format!("a.example:{}", origin.port);
        inside
            .write_all(get("/one?key=hidden", &place).as_bytes())
            .await
            .unwrap();
        assert_eq!(read_message(&mut inside).await.1, "ok");
        inside
            .write_all(get("/two", &place).as_bytes())
            .await
            .unwrap();
        assert_eq!(read_message(&mut inside).await.1, "ok");
        let post = format!("POST /up HTTP/1.1\r\nHost: {place}\r\nContent-Length: 5\r\n\r\nhello");
        inside.write_all(post.as_bytes()).await.unwrap();
        read_message(&mut inside).await
    };
    let up = "HTTP/1.1 503 Later\r\nContent-Length: 3\r\n\r\nno!";
    let answers = [OK, OK, up];
    let (heads, last) = tokio::join!(origin.serve(&answers), talk);
    assert!(
        heads[0].starts_with("GET /one?key=hidden HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert_eq!(last.1, "no!", "upstream's own words are passed on");
    assert!(!origin.is_dialled().await, "one connection served all");
    drop(inside);
    settle().await;
    let records = rig.records();
    let shown: Vec<_> = records
        .iter()
        .map(|record| {
            let facts = record.request.clone().unwrap();
            (
                record.method.clone(),
                facts.path,
                facts.status,
                facts.sent_bytes,
                facts.received_bytes,
                (facts.route, facts.generation),
            )
        })
        .collect();
    let row = |method: &str, path: &str, status, sent, received| {
        let place = (Some(0), 2);
        (
            method.to_owned(),
            path.to_owned(),
            Some(status),
            sent,
            received,
            place,
        )
    };
    assert_eq!(
        shown,
        [
            row("GET", "/one?…", 200, 0, 2),
            row("GET", "/two", 200, 0, 2),
            row("POST", "/up", 503, 5, 3),
        ]
    );
    assert!(
        records
            .iter()
            .all(|record| record.verdict == Verdict::Allowed)
    );
    assert!(!rig.log().contains("hidden"));
}

#[tokio::test]
async fn a_request_for_another_place_than_the_tunnel_reaches_nobody() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![
        route("a.example", origin.port),
        route("b.example", origin.port),
    ]);
    let place = format!("a.example:{}", origin.port);
    for (request, code) in [
        (get("/", "b.example"), "authority_mismatch"),
        (get("/", "a.example"), "authority_mismatch"),
        (get("/", "a.example:1"), "authority_mismatch"),
        (get("/", ""), "authority_mismatch"),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "authority_mismatch"),
        (get(&format!("https://{place}/"), &place), "bad_request"),
        (get("https://b.example/", "b.example"), "bad_request"),
        (get("*", &place), "bad_request"),
        (get("/a#b", &place), "bad_request"),
        (get("/a\\b", &place), "bad_request"),
        (
            format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n"),
            "bad_request",
        ),
        (
            get("/", &place).replace("\r\n\r\n", &format!("\r\nHost: {place}\r\n\r\n")),
            "bad_request",
        ),
    ] {
        let mut inside = rig.inside("a.example", origin.port).await;
        inside.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        inside.read_to_string(&mut reply).await.unwrap();
        assert!(
            reply.contains(&format!("x-cellar-reason: {code}\r\n")),
            "{request}: {reply}"
        );
        assert!(!origin.is_dialled().await, "{request}");
    }
    assert_eq!(rig.resolver.count(), 0);
}

/// The research's list of what hyper lets through, inside TLS: what counts is what the
/// origin saw, which is the good request before and nothing else.
#[tokio::test]
async fn nothing_is_smuggled_past_the_gate() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let post = format!("POST /bad HTTP/1.1\r\nHost: {place}\r\n");
    let hidden = format!("GET /smuggled HTTP/1.1\r\nHost: {place}\r\n\r\n");
    let length = hidden.len();
    for bad in [
        format!("{post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n"),
        format!("{post}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
        format!("{post}Content-Length: {length}, 0\r\n\r\n"),
        format!("{post}Content-Length: +{length}\r\n\r\n"),
        format!("{post}Content-Length : {length}\r\n\r\n"),
        format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"),
        format!("{post}X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Host: b.example\r\n\r\n"),
        format!(
            "{post}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n\r\n"
        ),
        format!("{post}\r\n").replace("\r\n", "\n"),
        format!("{post}X: a\rb\r\n\r\n"),
        format!("{post}X: a\0b\r\n\r\n"),
        format!("{post}\r\n").replace(" HTTP/1.1", ""),
        format!("{post}\r\n").replace("HTTP/1.1", "HTTP/1.1 HTTP/1.1"),
        format!("{post}\r\n").replace("POST", "post"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ] {
        let mut inside = rig.inside("a.example", origin.port).await;
        let sent = format!("{}{bad}{hidden}", get("/good", &place));
        let talk = async {
            inside.write_all(sent.as_bytes()).await.unwrap();
            let mut reply = String::new();
            inside.read_to_string(&mut reply).await.unwrap();
            drop(inside);
            rig.proxy.pool.clear();
            reply
        };
        let seen = async {
            let mut far = origin.accept().await;
            let mut heads = vec![read_head(&mut far).await];
            far.write_all(OK.as_bytes()).await.unwrap();
            loop {
                let (head, body) = read_chunked(&mut far).await;
                heads.push(head);
                if !body {
                    return heads;
                }
            }
        };
        let (heads, reply) = tokio::join!(seen, talk);
        let requests: Vec<_> = heads
            .iter()
            .filter_map(|head| head.lines().next())
            .collect();
        // A body whose chunks break may have begun; it must not end.
        assert_eq!(requests[0], "GET /good HTTP/1.1", "{bad}");
        assert!(
            requests.iter().all(|line| !line.contains("smuggled")),
            "{bad}"
        );
        assert_eq!(
            reply.matches("HTTP/1.1 200 OK").count(),
            1,
            "{bad}: {reply}"
        );
        assert!(
            reply.contains("x-cellar-reason: bad_request"),
            "{bad}: {reply}"
        );
    }
}

/// Reads what else comes: its head, and whether a body came to a proper end.
async fn read_chunked(far: &mut Far) -> (String, bool) {
    let head = read_head(far).await;
    let mut body = Vec::new();
    drop(far.read_to_end(&mut body).await);
    (head, body.ends_with(b"0\r\n\r\n"))
}

#[tokio::test]
async fn the_agents_credentials_stay_and_the_routes_own_leaves() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("auth.example").await;
    rig.allow(vec![credentialed("auth.example", origin.port)]);
    rig.hand_over();
    let place = format!("auth.example:{}", origin.port);
    let mut inside = rig.inside("auth.example", origin.port).await;
    let request = format!(
        "GET /v1?beta=true&key=foreign&%6bey=foreign HTTP/1.1\r\nHost: {place}\r\n\
         Authorization: Bearer foreign\r\nauthorization: Basic foreign\r\nX-Api-Key: foreign\r\n\
         Cookie: a=foreign\r\nProxy-Authorization: foreign\r\n\
         Connection: keep-alive, Authorization, x-nominated\r\nX-Nominated: foreign\r\n\
         anthropic-beta: one, two\r\nanthropic-version: 2023-06-01\r\n\r\n"
    );
    inside.write_all(request.as_bytes()).await.unwrap();
    let (heads, (head, _)) = tokio::join!(origin.serve(&[OK]), read_message(&mut inside));
    let sent = heads[0].to_lowercase();
    assert!(sent.starts_with("get /v1?beta=true http/1.1\r\n"), "{sent}");
    assert!(!sent.contains("foreign"), "{sent}");
    assert_eq!(sent.matches("authorization:").count(), 1);
    assert!(
        sent.contains(&format!("authorization: bearer {SECRET}\r\n")),
        "{sent}"
    );
    assert!(
        sent.contains("anthropic-beta: one, two,oauth-2025-04-20\r\n"),
        "{sent}"
    );
    assert!(sent.contains("anthropic-version: 2023-06-01\r\n"), "{sent}");
    assert!(!head.contains(SECRET));
    drop(inside);
    settle().await;
    assert!(!rig.log().contains("canary"));
}

#[tokio::test]
async fn without_its_secret_a_route_is_locked_and_says_so() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("auth.example").await;
    rig.allow(vec![credentialed("auth.example", origin.port)]);
    let place = format!("auth.example:{}", origin.port);
    let mut inside = rig.inside("auth.example", origin.port).await;
    inside.write_all(get("/", &place).as_bytes()).await.unwrap();
    let (head, body) = read_message(&mut inside).await;
    assert!(
        head.starts_with("http/1.1 503 ") && head.contains("x-cellar-reason: locked"),
        "{head}"
    );
    assert!(body.contains("cellar unlock"), "{body}");
    assert!(!origin.is_dialled().await);
    // A secret that no header can hold is as good as none.
    let broken = Secret::new("a\r\nX: b".to_owned());
    let name = SecretName::parse("key").unwrap();
    rig.proxy
        .secrets(std::iter::once((name, broken)).collect())
        .unwrap();
    let mut inside = rig.inside("auth.example", origin.port).await;
    inside.write_all(get("/", &place).as_bytes()).await.unwrap();
    assert!(read_head(&mut inside).await.contains("locked"));
    assert!(!origin.is_dialled().await);
}

/// A credential leaves over verified TLS to its very host, or not at all.
#[tokio::test]
async fn a_credential_never_leaves_in_the_clear_or_to_a_stranger() {
    let rig = Rig::new(Vec::new());
    let stranger = rig.origin("b.example").await;
    rig.allow(vec![credentialed("auth.example", stranger.port)]);
    rig.hand_over();
    let place = format!("auth.example:{}", stranger.port);
    let plain = get(&format!("http://{place}/"), &place);
    let reply = rig.reply(&plain, super::super::proxy::Room::Some).await;
    assert!(reply.starts_with("HTTP/1.1 403 "), "{reply}");
    assert!(!stranger.is_dialled().await);
    let mut inside = rig.inside("auth.example", stranger.port).await;
    inside.write_all(get("/", &place).as_bytes()).await.unwrap();
    let refused = async { stranger.accept_broken().await };
    let (seen, (head, body)) = tokio::join!(refused, read_message(&mut inside));
    assert!(
        head.starts_with("http/1.1 502 ") && head.contains("upstream_tls"),
        "{head}"
    );
    assert!(body.contains("for another name"), "{body}");
    assert_eq!(seen, b"", "nothing was said inside");
}

#[tokio::test]
async fn a_route_without_a_credential_leaves_the_agents_own_alone() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let request = format!(
        "GET /?key=own HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer own\r\n\
         Cookie: a=own\r\nProxy-Authorization: hop\r\nVia: hop\r\n\
         X-Api-Key: sk-ant-api03-{}AA\r\n\r\n",
        "aB3_".repeat(23) + "x"
    );
    inside.write_all(request.as_bytes()).await.unwrap();
    let (heads, _) = tokio::join!(origin.serve(&[OK]), read_message(&mut inside));
    assert_eq!(heads[0].matches("own").count(), 3, "{heads:?}");
    assert!(!heads[0].contains("hop"), "{heads:?}");
}

/// Events arrive one by one as upstream says them, comment lines included.
#[tokio::test]
async fn a_stream_of_events_is_passed_on_event_by_event() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    inside
        .write_all(get("/stream", &place).as_bytes())
        .await
        .unwrap();
    let mut far = origin.accept().await;
    read_head(&mut far).await;
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\
        Alt-Svc: h3=\":443\"\r\nVia: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n";
    far.write_all(head.as_bytes()).await.unwrap();
    let got = read_head(&mut inside).await.to_lowercase();
    assert!(got.contains("content-type: text/event-stream"), "{got}");
    for gone in ["alt-svc", "via:", "x-hop"] {
        assert!(!got.contains(gone), "{got}");
    }
    for event in [": ping\n\n", "data: 1\n\n", ": \n", "event: x\ndata: 2\n\n"] {
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        far.write_all(chunk.as_bytes()).await.unwrap();
        let mut got = vec![0; chunk.len()];
        inside.read_exact(&mut got).await.unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), chunk);
    }
    // A route that goes takes its streams with it.
    rig.allow(vec![route("b.example", origin.port)]);
    let mut rest = Vec::new();
    drop(inside.read_to_end(&mut rest).await);
    assert_eq!(rest, b"", "the stream does not end as if it were whole");
    let mut rest = Vec::new();
    drop(far.read_to_end(&mut rest).await);
    settle().await;
    let record = rig.records().pop().unwrap();
    assert_eq!(record.request.unwrap().received_bytes, 38);
}

#[tokio::test]
async fn a_changed_table_decides_the_next_request_on_an_open_connection() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let place = format!("a.example:{}", origin.port);
    rig.allow(vec![route("a.example", origin.port)]);
    let mut inside = rig.inside("a.example", origin.port).await;
    let first = async {
        inside
            .write_all(get("/1", &place).as_bytes())
            .await
            .unwrap();
        read_message(&mut inside).await
    };
    tokio::join!(origin.serve(&[OK]), first);
    // What still is allowed goes on, over a connection that was decided anew.
    rig.allow(vec![route("b.example", 1), route("a.example", origin.port)]);
    let second = async {
        inside
            .write_all(get("/2", &place).as_bytes())
            .await
            .unwrap();
        read_message(&mut inside).await
    };
    let (heads, _) = tokio::join!(origin.serve(&[OK]), second);
    assert!(heads[0].starts_with("GET /2 "));
    let record = rig.records().pop().unwrap().request.unwrap();
    assert_eq!((record.route, record.generation), (Some(1), 3));
    rig.allow(vec![route("b.example", origin.port)]);
    let mut rest = Vec::new();
    drop(inside.read_to_end(&mut rest).await);
    assert_eq!(rest, b"", "the idle connection is closed");
}

const WISH: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
const GRANTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[tokio::test]
async fn a_web_socket_is_relayed_where_the_route_says_so_until_it_no_longer_does() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("ws.example").await;
    rig.allow(vec![web_socket("ws.example", origin.port)]);
    let mut inside = rig.inside("ws.example", origin.port).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: ws.example:{}\r\n{WISH}",
        origin.port
    );
    // Sent before the answer, it is the WebSocket's all the same.
    let early = frame(Sender::Agent, 0x81, b"early");
    let request = [request.as_bytes(), &early].concat();
    inside.write_all(&request).await.unwrap();
    let mut far = origin.accept().await;
    let asked = read_head(&mut far).await.to_lowercase();
    assert!(asked.contains("upgrade: websocket"), "{asked}");
    assert!(!asked.contains("deflate"), "{asked}");
    far.write_all(GRANTED.as_bytes()).await.unwrap();
    let head = read_head(&mut inside).await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    far.write_all(b"\x81\x02hi").await.unwrap();
    let mut frame = [0; 4];
    inside.read_exact(&mut frame).await.unwrap();
    assert_eq!(&frame, b"\x81\x02hi");
    let mut got = vec![0; early.len()];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, early);
    rig.allow(vec![route("ws.example", origin.port)]);
    let mut rest = Vec::new();
    drop(inside.read_to_end(&mut rest).await);
    drop(far.read_to_end(&mut rest).await);
    assert_eq!(rest, b"");
    settle().await;
    let facts = rig.records().pop().unwrap().request.unwrap();
    assert_eq!(
        (facts.status, facts.sent_bytes, facts.received_bytes),
        (Some(101), 11, 4)
    );
    let usage = rig.proxy.ledger.usage();
    assert_eq!((usage.sent_bytes, usage.received_bytes), (11, 4));
}

/// A WebSocket on such a route, both ends of it.
async fn socket(rig: &Rig, mut allowed: Route) -> (Inside, Far) {
    let origin = rig.origin("ws.example").await;
    (allowed.ports, allowed.websocket) = (vec![origin.port], true);
    rig.allow(vec![allowed]);
    let mut inside = rig.inside("ws.example", origin.port).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: ws.example:{}\r\n{WISH}",
        origin.port
    );
    inside.write_all(request.as_bytes()).await.unwrap();
    let mut far = origin.accept().await;
    read_head(&mut far).await;
    far.write_all(GRANTED.as_bytes()).await.unwrap();
    read_head(&mut inside).await;
    (inside, far)
}

/// Writes frames and gives all that comes back until the end, at both ends.
async fn exchange(mut inside: Inside, mut far: Far, out: &[u8], back: &[u8]) -> [Vec<u8>; 2] {
    inside.write_all(out).await.unwrap();
    far.write_all(back).await.unwrap();
    let (mut at_agent, mut at_origin) = (Vec::new(), Vec::new());
    let (one, other) = tokio::join!(
        inside.read_to_end(&mut at_agent),
        far.read_to_end(&mut at_origin)
    );
    drop((one, other));
    [at_agent, at_origin]
}

/// The record of what is over, once it is written.
async fn record(rig: &Rig) -> DecisionRecord {
    loop {
        if let Some(record) = rig.records().pop() {
            return record;
        }
        tokio::task::yield_now().await;
    }
}

/// What a close frame says, without its mask; nothing if there is none.
fn closed(sender: Sender, bytes: &[u8]) -> Option<(u16, String)> {
    let (mut payload, mask) = match sender {
        Sender::Agent => (bytes.get(6..)?.to_vec(), bytes.get(2..6)?.try_into().ok()?),
        Sender::Server => (bytes.get(2..)?.to_vec(), [0; 4]),
    };
    unmask(&mut payload, mask);
    let code = u16::from_be_bytes(payload.get(..2)?.try_into().ok()?);
    let text = String::from_utf8(payload.split_off(2)).ok()?;
    (bytes[0] == 0x88).then_some((code, text))
}

#[tokio::test]
async fn a_secret_in_a_message_closes_a_web_socket_at_both_ends() {
    for mode in [ScanMode::Block, ScanMode::Redact] {
        let rig = Rig::new(Vec::new());
        rig.hand_over();
        let mut allowed = route("ws.example", 0);
        allowed.scan.request = mode;
        let (inside, far) = socket(&rig, allowed).await;
        let (half, rest) = SECRET.split_at(7);
        let good = frame(Sender::Agent, 0x81, b"good");
        let bad = [
            good.clone(),
            frame(Sender::Agent, 0x01, half.as_bytes()),
            frame(Sender::Agent, 0x80, rest.as_bytes()),
        ];
        let [at_agent, at_origin] = exchange(inside, far, &bad.concat(), b"").await;
        let told = "cellar: a secret was found in a message (secret_found) key".to_owned();
        assert_eq!(closed(Sender::Server, &at_agent), Some((1008, told)));
        let (before, end) = at_origin.split_at(good.len());
        assert_eq!(before, good);
        assert_eq!(closed(Sender::Agent, end), Some((1008, String::new())));
        let record = record(&rig).await;
        assert_eq!(code(record.verdict), "secret_found");
        let facts = record.request.unwrap();
        assert_eq!(
            (facts.status, facts.findings),
            (Some(101), vec!["key".to_owned()])
        );
        assert!(!rig.log().contains(SECRET));
    }
}

#[tokio::test]
async fn what_is_only_warned_of_or_off_passes_in_messages() {
    for (mode, findings) in [(ScanMode::Warn, &["key"] as &[&str]), (ScanMode::Off, &[])] {
        let rig = Rig::new(Vec::new());
        rig.hand_over();
        let mut allowed = route("ws.example", 0);
        allowed.scan.request = mode;
        let (mut inside, mut far) = socket(&rig, allowed).await;
        let message = frame(Sender::Agent, 0x81, SECRET.as_bytes());
        inside.write_all(&message).await.unwrap();
        let mut got = vec![0; message.len()];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(got, message);
        drop((inside, far));
        let record = record(&rig).await;
        assert_eq!(code(record.verdict), "allowed");
        assert_eq!(record.request.unwrap().findings, findings);
    }
}

#[tokio::test]
async fn a_reflected_credential_does_not_come_back_in_messages() {
    let rig = Rig::new(Vec::new());
    rig.hand_over();
    let (inside, far) = socket(&rig, credentialed("ws.example", 0)).await;
    let good = frame(Sender::Server, 0x82, b"good");
    let base64 = data_encoding::BASE64.encode(format!("{{{SECRET}}}").as_bytes());
    let bad = frame(Sender::Server, 0x81, base64.as_bytes());
    let back = [good.as_slice(), &bad].concat();
    let [at_agent, at_origin] = exchange(inside, far, b"", &back).await;
    let (before, end) = at_agent.split_at(good.len());
    assert_eq!(before, good);
    assert_eq!(closed(Sender::Server, end).unwrap().0, 1008);
    assert_eq!(closed(Sender::Agent, &at_origin).unwrap().0, 1008);
    assert_eq!(code(record(&rig).await.verdict), "secret_found");
}

/// In the answer that opens the WebSocket.
#[tokio::test]
async fn a_reflected_credential_does_not_come_back_in_the_opening() {
    let rig = Rig::new(Vec::new());
    rig.hand_over();
    let origin = rig.origin("ws.example").await;
    rig.allow(vec![Route {
        websocket: true,
        ..credentialed("ws.example", origin.port)
    }]);
    let mut inside = rig.inside("ws.example", origin.port).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: ws.example:{}\r\n{WISH}",
        origin.port
    );
    inside.write_all(request.as_bytes()).await.unwrap();
    let answer = GRANTED.replace("\r\n\r\n", &format!("\r\nX-Echo: {SECRET}\r\n\r\n"));
    let answers = [answer.as_str()];
    let (_, head) = tokio::join!(origin.serve(&answers), read_head(&mut inside));
    assert!(head.contains("x-cellar-reason: secret_found"), "{head}");
    assert!(!head.contains(SECRET), "{head}");
}

#[tokio::test]
async fn frames_that_no_end_may_send_close_a_web_socket() {
    let unmasked = frame(Sender::Server, 0x81, b"hi");
    let masked = frame(Sender::Agent, 0x81, b"hi");
    let packed = frame(Sender::Agent, 0xc1, b"hi");
    for (out, back, reason) in [
        (unmasked.as_slice(), b"" as &[u8], "bad_request"),
        (&packed, b"", "bad_request"),
        (b"", &masked, "unreachable"),
    ] {
        let rig = Rig::new(Vec::new());
        let (inside, far) = socket(&rig, route("ws.example", 0)).await;
        let [at_agent, at_origin] = exchange(inside, far, out, back).await;
        assert_eq!(closed(Sender::Server, &at_agent).unwrap().0, 1002);
        assert_eq!(closed(Sender::Agent, &at_origin).unwrap().0, 1002);
        assert_eq!(code(record(&rig).await.verdict), reason);
    }
}

/// A close frame there would be read as the rest of the frame that never came.
#[tokio::test]
async fn an_end_with_half_a_frame_gets_no_close_frame() {
    let rig = Rig::new(Vec::new());
    rig.hand_over();
    let (mut inside, mut far) = socket(&rig, route("ws.example", 0)).await;
    let whole = frame(Sender::Server, 0x82, &[7; 1000]);
    let half = &whole[..500];
    far.write_all(half).await.unwrap();
    let mut got = vec![0; half.len()];
    inside.read_exact(&mut got).await.unwrap();
    let bad = frame(Sender::Agent, 0x81, SECRET.as_bytes());
    let [at_agent, at_origin] = exchange(inside, far, &bad, b"").await;
    assert_eq!(at_agent, b"");
    assert_eq!(closed(Sender::Agent, &at_origin).unwrap().0, 1008);
}

/// Without upstream's consent nothing of what was sent ahead goes through.
#[tokio::test]
async fn what_is_no_web_socket_is_never_spliced() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("ws.example").await;
    rig.allow(vec![web_socket("ws.example", origin.port)]);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "502",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "502",
        ),
        (&GRANTED.replace("+xOo=", "+xOO="), "502"),
        (
            &GRANTED.replace(
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            ),
            "502",
        ),
    ] {
        let mut inside = rig.inside("ws.example", origin.port).await;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: ws.example:{}\r\n{WISH}{smuggled}",
            origin.port
        );
        inside.write_all(request.as_bytes()).await.unwrap();
        let mut far = origin.accept().await;
        read_head(&mut far).await;
        far.write_all(answer.as_bytes()).await.unwrap();
        let head = read_head(&mut inside).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}: {head}"
        );
        drop(inside);
        let mut rest = Vec::new();
        drop(far.read_to_end(&mut rest).await);
        assert_eq!(String::from_utf8_lossy(&rest), "", "{answer}");
    }
    // A route that is for requests only.
    rig.allow(vec![route("ws.example", origin.port)]);
    let mut inside = rig.inside("ws.example", origin.port).await;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: ws.example:{}\r\n{WISH}",
        origin.port
    );
    inside.write_all(request.as_bytes()).await.unwrap();
    let head = read_head(&mut inside).await;
    assert!(
        head.contains("x-cellar-reason: websocket_not_allowed"),
        "{head}"
    );
    assert!(!origin.is_dialled().await);
}

/// Answers that say more than one thing, or the wrong thing, and what the agent gets.
#[tokio::test]
async fn upstream_cannot_answer_for_another_request() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let storm = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(40);
    for (answer, status) in [
        (
            format!("{OK}HTTP/1.1 200 OK\r\nX-Second: 1\r\nContent-Length: 0\r\n\r\n"),
            "200",
        ),
        (
            format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{OK}"),
            "200",
        ),
        (
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_owned(),
            "204",
        ),
        (format!("{storm}{OK}"), "502"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "502"),
        (
            "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "502",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "502",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                .to_owned(),
            "502",
        ),
    ] {
        let mut inside = rig.inside("a.example", origin.port).await;
        inside
            .write_all(get("/1", &place).as_bytes())
            .await
            .unwrap();
        let mut far = origin.accept().await;
        read_head(&mut far).await;
        far.write_all(answer.as_bytes()).await.unwrap();
        let (head, _) = read_message(&mut inside).await;
        assert!(
            head.starts_with(&format!("http/1.1 {status} ")),
            "{answer}: {head}"
        );
        settle().await;
        if status != "502" {
            // The next request gets an answer of its own, from a connection of its own.
            let next = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine";
            inside
                .write_all(get("/2", &place).as_bytes())
                .await
                .unwrap();
            let is_kept = answer.contains("Link");
            let serve = async {
                let mut far = if is_kept { far } else { origin.accept().await };
                assert!(read_head(&mut far).await.starts_with("GET /2 "));
                far.write_all(next.as_bytes()).await.unwrap();
                far
            };
            let (_far, (_, body)) = tokio::join!(serve, read_message(&mut inside));
            assert_eq!(body, "mine", "{answer}");
        }
        drop(inside);
        rig.proxy.pool.clear();
    }
}

#[tokio::test]
async fn a_kept_connection_that_ended_is_replaced_for_what_may_be_sent_twice() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let post = format!("POST / HTTP/1.1\r\nHost: {place}\r\nContent-Length: 2\r\n\r\nhi");
    for (request, status) in [(get("/", &place), "200"), (post, "502")] {
        let mut inside = rig.inside("a.example", origin.port).await;
        inside
            .write_all(get("/first", &place).as_bytes())
            .await
            .unwrap();
        let mut far = origin.accept().await;
        read_head(&mut far).await;
        far.write_all(OK.as_bytes()).await.unwrap();
        read_message(&mut inside).await;
        // It takes the next request and is gone.
        inside.write_all(request.as_bytes()).await.unwrap();
        read_head(&mut far).await;
        drop(far);
        let again = async {
            if status == "200" {
                origin.serve(&[OK]).await;
            }
        };
        let ((), (head, _)) = tokio::join!(again, read_message(&mut inside));
        assert!(
            head.starts_with(&format!("http/1.1 {status} ")),
            "{request}: {head}"
        );
        assert!(!origin.is_dialled().await, "{request}");
        rig.proxy.pool.clear();
    }
}

#[tokio::test]
async fn a_body_over_its_cap_is_refused_before_or_broken_off() {
    let limits = super::super::proxy::Limits {
        request_bytes: 10,
        ..LIMITS
    };
    let rig = Rig::with(Vec::new(), limits);
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let long = format!("POST / HTTP/1.1\r\nHost: {place}\r\nContent-Length: 11\r\n\r\nhello world");
    inside.write_all(long.as_bytes()).await.unwrap();
    let (head, _) = read_message(&mut inside).await;
    assert!(
        head.starts_with("http/1.1 413 ") && head.contains("body_too_large"),
        "{head}"
    );
    assert!(!origin.is_dialled().await);
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: {place}\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    );
    let mut inside = rig.inside("a.example", origin.port).await;
    inside.write_all(chunked.as_bytes()).await.unwrap();
    let far = async {
        let mut far = origin.accept().await;
        read_chunked(&mut far).await
    };
    let ((_, whole), (head, _)) = tokio::join!(far, read_message(&mut inside));
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    assert!(!whole, "what went out does not look whole");
}

#[tokio::test]
async fn plain_requests_are_relayed_each_to_its_own_place() {
    let rig = Rig::new(Vec::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.allow(vec![route("a.example", port), route("b.example", port)]);
    let (mut client, served) = rig.connect();
    for place in ["A.example", "b.example"] {
        let lower = place.to_lowercase();
        let request = get(
            &format!("http://{place}:{port}/x?y"),
            &format!("{lower}:{port}"),
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        let head = read_head(&mut far).await;
        assert!(head.starts_with("GET /x?y HTTP/1.1\r\n"), "{head}");
        assert!(
            head.contains(&format!("host: {lower}:{port}\r\n")),
            "{head}"
        );
        far.write_all(OK.as_bytes()).await.unwrap();
        assert_eq!(read_message(&mut client).await.1, "ok");
    }
    let denied = get("http://c.example/", "c.example");
    client.write_all(denied.as_bytes()).await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 403 ") && reply.contains("host_not_allowed"),
        "{reply}"
    );
    drop(client);
    served.await.unwrap();
    assert_eq!(rig.records().len(), 3);
    assert_eq!(rig.records()[2].host, host("c.example").as_str());
}

#[tokio::test]
async fn nothing_that_is_held_shows_a_secret() {
    let rig = Rig::new(vec![credentialed("auth.example", 443)]);
    rig.hand_over();
    let shown = format!(
        "{:?} {:?} {:?} {:?}",
        rig.proxy.secrets, rig.proxy.pool, rig.proxy.table, rig.proxy.leaves
    );
    assert!(!shown.contains("canary"), "{shown}");
}

/// What the agent learnt of a secret does not leave, wherever it stands.
#[tokio::test]
async fn a_known_secret_does_not_leave() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    rig.hand_over();
    let place = format!("a.example:{}", origin.port);
    let hex = data_encoding::HEXLOWER.encode(SECRET.as_bytes());
    let (half, rest) = SECRET.split_at(7);
    for request in [
        get(&format!("/?q={hex}"), &place),
        get("/", &place).replace("\r\n\r\n", &format!("\r\nX-Note: {SECRET}\r\n\r\n")),
        format!(
            "POST /up HTTP/1.1\r\nHost: {place}\r\nContent-Length: {}\r\n\r\n{SECRET}",
            SECRET.len()
        ),
        format!(
            "POST /up HTTP/1.1\r\nHost: {place}\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{half}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            half.len(),
            rest.len()
        ),
    ] {
        let mut inside = rig.inside("a.example", origin.port).await;
        inside.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        let far = async {
            // The head of a request with a body may leave, its body may not.
            if request.starts_with("POST") {
                let said = String::from_utf8(origin.accept_broken().await).unwrap();
                assert!(
                    !said.contains(rest) && !said.ends_with("0\r\n\r\n"),
                    "{said}"
                );
            }
        };
        let (_, ()) = tokio::join!(inside.read_to_string(&mut reply), far);
        assert!(
            reply.contains("x-cellar-reason: secret_found"),
            "{request}: {reply}"
        );
        assert!(!reply.contains(SECRET), "{reply}");
    }
    settle().await;
    let records = rig.records();
    assert_eq!(records.len(), 4);
    for record in records {
        assert_eq!(record.request.unwrap().findings, ["key"]);
    }
    assert!(!rig.log().contains(SECRET) && !rig.log().contains(&hex));
}

/// A server that says a credential back, in ways that servers do.
#[tokio::test]
async fn a_reflected_credential_does_not_come_back() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("auth.example").await;
    rig.allow(vec![credentialed("auth.example", origin.port)]);
    rig.hand_over();
    let place = format!("auth.example:{}", origin.port);
    let (half, rest) = SECRET.split_at(9);
    let base64 = data_encoding::BASE64.encode(format!("user:{SECRET}").as_bytes());
    let chunks = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\ndata: {half}\r\n{:x}\r\n{rest}\n\n\r\n0\r\n\r\n",
        half.len() + 6,
        rest.len() + 2
    );
    for answer in [
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{SECRET}",
            SECRET.len()
        ),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{base64}",
            base64.len()
        ),
        format!("HTTP/1.1 200 OK\r\nX-Echo: Bearer {SECRET}\r\nContent-Length: 0\r\n\r\n"),
        chunks,
    ] {
        let mut inside = rig.inside("auth.example", origin.port).await;
        let asked = get("/", &place).replace("\r\n\r\n", "\r\nAccept-Encoding: zstd, br\r\n\r\n");
        inside.write_all(asked.as_bytes()).await.unwrap();
        let answers = [answer.as_str()];
        let mut got = Vec::new();
        let (heads, _) = tokio::join!(origin.serve(&answers), inside.read_to_end(&mut got));
        assert!(heads[0].contains("accept-encoding: br\r\n"), "{heads:?}");
        let got = String::from_utf8_lossy(&got);
        assert!(
            !got.contains(rest) && !got.contains(base64.split_at(20).0),
            "{got}"
        );
        drop(inside);
        settle().await;
        let record = rig.records().pop().unwrap();
        assert_eq!(code(record.verdict), "secret_found");
        rig.proxy.pool.clear();
    }
    assert!(!rig.log().contains(SECRET));
}

/// Looking for reflections holds back nothing that cannot be one.
#[tokio::test]
async fn events_of_a_watched_answer_arrive_one_by_one() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("auth.example").await;
    rig.allow(vec![credentialed("auth.example", origin.port)]);
    rig.hand_over();
    let mut inside = rig.inside("auth.example", origin.port).await;
    let asked = get("/", &format!("auth.example:{}", origin.port));
    inside.write_all(asked.as_bytes()).await.unwrap();
    let mut far = origin.accept().await;
    read_head(&mut far).await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    far.write_all(head.as_bytes()).await.unwrap();
    read_head(&mut inside).await;
    for event in [
        ": ping\n\n",
        "event: message_delta\ndata: {\"text\":\"hello\"}\n\n",
    ] {
        let chunk = format!("{:X}\r\n{event}\r\n", event.len());
        far.write_all(chunk.as_bytes()).await.unwrap();
        let mut got = vec![0; chunk.len()];
        inside.read_exact(&mut got).await.unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), chunk);
    }
}

/// Under a wildcard the agent chooses what a stranger's name server reads.
#[tokio::test]
async fn a_name_under_a_wildcard_carries_no_secret_to_a_name_server() {
    let rig = Rig::new(Vec::new());
    rig.hand_over();
    let label = data_encoding::HEXLOWER.encode(SECRET.as_bytes());
    for tls in [Tls::Intercept, Tls::Splice] {
        rig.allow(vec![Route {
            tls,
            ..wildcard("*.wild.example", 443)
        }]);
        let (_, head) = rig.tunnel(&format!("{label}.wild.example:443")).await;
        assert!(head.contains("x-cellar-reason: secret_found"), "{head}");
        let (_, head) = rig.tunnel("docs.wild.example:443").await;
        assert!(!head.contains("secret_found"), "{head}");
    }
    let url = format!("http://{label}.wild.example/");
    rig.allow(vec![wildcard("*.wild.example", 80)]);
    let asked = rig.resolver.count();
    let reply = rig
        .reply(
            &get(&url, &format!("{label}.wild.example")),
            super::super::proxy::Room::Some,
        )
        .await;
    assert!(reply.contains("secret_found"), "{reply}");
    assert_eq!(rig.resolver.count(), asked, "nothing was resolved");
}

/// They stood in the decision log, and on the operator's screen.
#[tokio::test]
async fn a_secret_in_a_name_or_a_path_is_not_written_down() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    rig.hand_over();
    drop(rig.tunnel(&format!("{SECRET}.example:443")).await);
    for path in [format!("/up/{SECRET}/x"), format!("/up/../{SECRET}")] {
        let mut inside = rig.inside("a.example", 443).await;
        let asked = get(&path, "a.example");
        inside.write_all(asked.as_bytes()).await.unwrap();
        read_message(&mut inside).await;
        drop(inside);
        settle().await;
    }
    let log = rig.log();
    assert!(!log.contains(SECRET), "{log}");
    assert!(log.contains("(a name that holds a secret)"), "{log}");
    assert_eq!(log.matches("(a path that holds a secret)").count(), 2);
}

#[tokio::test]
async fn a_path_with_two_readings_is_refused_told_and_recorded() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    for path in ["/a//b", "/a/../b", "/%2e%2e/b", "/a%2f../b", "/a%00"] {
        let mut inside = rig.inside("a.example", 443).await;
        let asked = get(&format!("{path}?key=hidden"), "a.example");
        inside.write_all(asked.as_bytes()).await.unwrap();
        let (head, body) = read_message(&mut inside).await;
        assert!(head.starts_with("http/1.1 400 "), "{path}: {head}");
        assert!(body.contains("failed to accept a path"), "{body}");
        drop(inside);
        settle().await;
        let record = rig.records().pop().unwrap();
        assert_eq!(code(record.verdict), "invalid_path");
        assert_eq!(record.request.unwrap().path, format!("{path}?…"));
    }
    assert_eq!(rig.resolver.count(), 0);
}

#[tokio::test]
async fn a_models_answer_tells_what_it_used_and_no_other_does() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![
        Route {
            paths: vec![crate::policy::PathPattern::parse("/v1/messages").unwrap()],
            ..credentialed("a.example", origin.port)
        },
        route("a.example", origin.port),
    ]);
    rig.hand_over();
    let body = concat!(
        r#"{"type":"message","model":"claude-x","#,
        r#""usage":{"input_tokens":7,"output_tokens":5}}"#
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let place = format!("a.example:{}", origin.port);
    for (path, coding) in [("/v1/messages", "identity"), ("/other", "zstd")] {
        let mut inside = rig.inside("a.example", origin.port).await;
        let asked = get(path, &place).replace("\r\n\r\n", "\r\nAccept-Encoding: zstd\r\n\r\n");
        let talk = async {
            inside.write_all(asked.as_bytes()).await.unwrap();
            read_message(&mut inside).await.1
        };
        let answers = [answer.as_str()];
        let (heads, told) = tokio::join!(origin.serve(&answers), talk);
        assert_eq!(told, body);
        let accepts = format!("accept-encoding: {coding}\r\n");
        assert!(heads[0].contains(&accepts), "{heads:?}");
        drop(inside);
        settle().await;
    }
    let usage: Vec<_> = rig
        .records()
        .into_iter()
        .map(|record| record.request.unwrap().usage)
        .collect();
    let used = AnswerUsage {
        model: String::from("claude-x"),
        tokens: Tokens {
            input: 7,
            output: 5,
            ..Tokens::default()
        },
    };
    assert_eq!(usage, [Some(Box::new(used)), None]);
}

#[tokio::test]
async fn what_leaves_and_comes_in_is_counted_and_what_is_refused_is_not() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let narrow = Route {
        paths: vec![crate::policy::PathPattern::parse("/up").unwrap()],
        ..route("a.example", origin.port)
    };
    rig.allow(vec![narrow]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let post = format!("POST /up HTTP/1.1\r\nHost: {place}\r\nContent-Length: 5\r\n\r\nhello");
    let answers = [OK, OK];
    let talk = async {
        for _ in 0..2 {
            inside.write_all(post.as_bytes()).await.unwrap();
            assert_eq!(read_message(&mut inside).await.1, "ok");
        }
    };
    tokio::join!(origin.serve(&answers), talk);
    inside
        .write_all(get("/down", &place).as_bytes())
        .await
        .unwrap();
    assert!(
        read_message(&mut inside)
            .await
            .0
            .starts_with("http/1.1 403")
    );
    drop(inside);
    settle().await;
    let hits = rig.proxy.ledger.hits(&rig.proxy.table, &rig.proxy.spending);
    let key = &rig.proxy.table.current().keys[0];
    let passed = hits.of(key).unwrap().passed;
    assert_eq!(
        (passed.requests, passed.sent_bytes, passed.received_bytes),
        (2, 10, 4)
    );
    assert!(passed.last.is_some());
    assert_eq!(
        (hits.hosts[0].host.as_str(), hits.hosts[0].passed),
        ("a.example", passed)
    );
    let [refused] = hits.refused.as_slice() else {
        panic!("{:?}", hits.refused)
    };
    let expected = ("a.example", crate::policy::Reason::PathNotAllowed, 1);
    assert_eq!(
        (refused.host.as_str(), refused.reason, refused.times),
        expected
    );
    let usage = rig.proxy.ledger.usage();
    let counted = (usage.requests, usage.sent_bytes, usage.received_bytes);
    assert_eq!(counted, (2, 10, 4));
}

/// What Claude Code asks of the model, and an answer that uses tokens.
fn question(place: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/messages HTTP/1.1\r\nHost: {place}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn told(tokens: u64) -> String {
    let body = format!(
        r#"{{"type":"message","model":"claude-opus-5","usage":{{"input_tokens":{tokens},"output_tokens":0}}}}"#
    );
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A route to a model.
fn model(name: &str, port: u16) -> Route {
    Route {
        role: Some(RouteRole::AnthropicApiKey),
        ..route(name, port)
    }
}

/// Until as many requests wait for a budget.
async fn until_waiting(rig: &Rig, waiting: u32) {
    while rig.proxy.pauses.waiting() != waiting {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_that_a_budget_holds_goes_on_whole_when_it_is_raised() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let tokens = BottleBudget::new(Measure::Tokens, Span::Total, 100);
    let routes = vec![model("a.example", origin.port)];
    rig.budget(routes.clone(), &[tokens]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let mut other = rig.inside("a.example", origin.port).await;
    let long = "x".repeat(300_000);
    let talk = async {
        let first = question(&place, "{}");
        inside.write_all(first.as_bytes()).await.unwrap();
        assert!(read_message(&mut inside).await.0.contains("200 ok"));
        let second = question(&place, &long);
        // That all of it goes in shows that it is read ahead.
        inside.write_all(second.as_bytes()).await.unwrap();
        inside.flush().await.unwrap();
        let operator = async {
            until_waiting(&rig, 1).await;
            // What is no question to a model does not wait.
            let usage = rig.proxy.ledger.usage();
            assert_eq!((usage.requests, usage.tokens().total()), (1, 120));
            other
                .write_all(question(&place, "{}").as_bytes())
                .await
                .unwrap();
            until_waiting(&rig, 2).await;
            drop(other);
            until_waiting(&rig, 1).await;
            rig.budget(routes, &[tokens.raised_over(120)]);
        };
        let (answer, ()) = tokio::join!(read_message(&mut inside), operator);
        answer.0
    };
    let serve = async {
        let mut far = origin.accept().await;
        let mut bodies = Vec::new();
        for tokens in [120, 1] {
            bodies.push(read_message(&mut far).await.1);
            far.write_all(told(tokens).as_bytes()).await.unwrap();
            if tokens == 120 {
                // Kept connections end with the table that they were opened by.
                far = origin.accept().await;
            }
        }
        bodies
    };
    let (bodies, head) = tokio::join!(serve, talk);
    assert!(head.contains("200 ok"), "{head}");
    assert_eq!(bodies[1], long);
    assert_eq!(
        rig.proxy.ledger.usage().requests,
        2,
        "who left was not counted"
    );
    drop(inside);
    settle().await;
    let generations: Vec<u64> = rig
        .records()
        .iter()
        .filter(|record| record.verdict == Verdict::Allowed)
        .filter_map(|record| Some(record.request.as_ref()?.generation))
        .collect();
    assert!(generations.ends_with(&[3]), "{generations:?}");
}

#[tokio::test]
async fn a_refused_pause_is_an_error_of_the_model_that_says_what_to_do() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let requests = BottleBudget::new(Measure::Requests, Span::Hour, 1);
    rig.budget(vec![model("a.example", origin.port)], &[requests]);
    let table = rig.proxy.table.current();
    rig.proxy.ledger.request(&table, 0, "a.example");
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let refuse = async {
        until_waiting(&rig, 1).await;
        rig.proxy.pauses.refuse(&rig.proxy.ledger);
    };
    let ask = async {
        inside
            .write_all(question(&place, "{}").as_bytes())
            .await
            .unwrap();
        read_message(&mut inside).await
    };
    let ((head, body), ()) = tokio::join!(ask, refuse);
    assert!(head.starts_with("http/1.1 429 "), "{head}");
    assert!(head.contains("x-cellar-reason: bottle_paused"), "{head}");
    assert!(head.contains("\r\nretry-after: 36"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let error: serde_json::Value = serde_json::from_str(&body).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("1 request per hour"), "{message}");
    assert!(!origin.is_dialled().await);
    assert_eq!(rig.proxy.ledger.usage().requests, 1);
}

#[tokio::test]
async fn bytes_beyond_the_bottles_budget_leave_neither_way() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let bytes = BottleBudget::new(Measure::Bytes, Span::Total, 10);
    let routes = vec![route("a.example", origin.port)];
    rig.budget(routes.clone(), &[bytes]);
    let place = format!("a.example:{}", origin.port);
    let mut inside = rig.inside("a.example", origin.port).await;
    let ask = async {
        let post = question(&place, "longer than ten bytes");
        inside.write_all(post.as_bytes()).await.unwrap();
        read_message(&mut inside).await.0
    };
    let far = async {
        let mut far = origin.accept().await;
        let mut all = Vec::new();
        drop(far.read_to_end(&mut all).await);
        String::from_utf8_lossy(&all).into_owned()
    };
    let (seen, head) = tokio::join!(far, ask);
    assert!(!seen.contains("longer"), "{seen}");
    assert!(head.contains("budget_spent"), "{head}");

    let spent = rig.proxy.ledger.usage().sent_bytes;
    rig.budget(routes, &[bytes.raised_to(spent + 4)]);
    let mut inside = rig.inside("a.example", origin.port).await;
    let talk = async {
        inside.write_all(get("/", &place).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        drop(inside.read_to_end(&mut answer).await);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there";
    let answers = [long];
    let (_, answer) = tokio::join!(origin.serve(&answers), talk);
    assert!(!answer.contains("hello"), "{answer}");
}

/// A route that only connected is of use: it must not read as unused.
#[tokio::test]
async fn a_connection_on_which_nothing_is_asked_is_use_of_its_route() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![route("a.example", origin.port)]);
    let mut inside = rig.inside("a.example", origin.port).await;
    inside.shutdown().await.unwrap();
    // Who leaves before the tickets are written has not shaken hands.
    drop(inside.read_to_end(&mut Vec::new()).await);
    drop(inside);
    // The record comes first and tells that the connection ended.
    while rig.records().is_empty() {
        settle().await;
    }
    let hits = rig.proxy.ledger.hits(&rig.proxy.table, &rig.proxy.spending);
    let passed = hits.of(&rig.proxy.table.current().keys[0]).unwrap().passed;
    assert_eq!((passed.requests, passed.bytes()), (0, 0));
    assert!(passed.last.is_some());
    assert_eq!(rig.proxy.ledger.usage().requests, 0);
}
