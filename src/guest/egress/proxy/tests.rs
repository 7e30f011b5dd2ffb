use rustls::pki_types::ServerName;
use tokio::net::TcpListener;

use super::super::rig::{Rig, code, read_head, route, spliced as spliced_route};
use super::super::tls::tests::{client_of, hello_for};
use super::*;
use crate::policy::Route;

fn connect(target: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
}

fn get(url: &str, host: &str) -> String {
    format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

/// What was decided, as (host, port, code or `allowed`).
fn decided(rig: &Rig) -> Vec<(String, u16, &'static str)> {
    rig.records()
        .into_iter()
        .map(|record| (record.host, record.port, code(record.verdict)))
        .collect()
}

#[tokio::test]
async fn a_denied_name_is_never_resolved() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    for (request, code) in [
        (connect("secret.evil.example:443"), "host_not_allowed"),
        (connect("a.example:22"), "port_not_allowed"),
        (
            get("http://secret.evil.example/", "secret.evil.example"),
            "host_not_allowed",
        ),
        (get("http://a.example/", "a.example"), "port_not_allowed"),
        (connect("127.0.0.1:443"), "invalid_host"),
    ] {
        let reply = rig.reply(&request, Room::Some).await;
        assert!(
            reply.contains(&format!("x-cellar-reason: {code}\r\n")),
            "{reply}"
        );
    }
    assert_eq!(rig.resolver.count(), 0);
    assert_eq!(rig.records().len(), 5);
}

/// Each line of research that a lenient proxy lets through, as raw bytes.
#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_with_a_reason() {
    let rig = Rig::new(vec![route("a.example", 443), route("a.example", 80)]);
    let post = |headers: &str| {
        format!("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{headers}\r\n0\r\n\r\n")
    };
    let plain = get("http://a.example/", "a.example");
    let table = [
        (
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            "bad_request",
        ),
        (post("Transfer-Encoding: gzip, chunked\r\n"), "bad_request"),
        (
            post("Transfer-Encoding: identity, chunked\r\n"),
            "bad_request",
        ),
        (
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            "bad_request",
        ),
        (post("Host: a.example\r\n"), "bad_request"),
        (
            post("Upgrade: h2c\r\nConnection: Upgrade\r\n"),
            "bad_request",
        ),
        (get("http://u:p@a.example/", "a.example"), "bad_request"),
        (get("https://a.example/", "a.example"), "bad_request"),
        (get("ftp://a.example/", "a.example"), "bad_request"),
        (get("/", "a.example"), "bad_request"),
        (get("http://a.example/", "b.example"), "bad_request"),
        (plain.replace("GET", "get"), "bad_request"),
        (plain.replace("\r\n", "\n"), "bad_request"),
        (connect("http://a.example:443/"), "bad_request"),
        (connect("a.example"), "bad_request"),
        (connect("a.example:99999"), "bad_request"),
        (connect("a.example:0"), "bad_request"),
        (connect("u@a.example:443"), "bad_request"),
        (connect("[a.example]:443"), "invalid_host"),
        (connect("[::1]:443"), "invalid_host"),
        (connect("[fe80::1%25eth0]:443"), "invalid_host"),
        (connect("127.1:443"), "invalid_host"),
        (connect("2130706433:443"), "invalid_host"),
        (connect("0x7f.1:443"), "invalid_host"),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 2\r\n\r\nhi"
                .to_owned(),
            "bad_request",
        ),
        (
            "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n".to_owned(),
            "bad_request",
        ),
    ];
    for (request, code) in &table {
        let reply = rig.reply(request, Room::Some).await;
        assert!(
            reply.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{request}: {reply}"
        );
        assert!(
            reply.contains(&format!("x-cellar-reason: {code}\r\n")),
            "{request}: {reply}"
        );
        assert!(reply.contains("content-type: text/plain\r\n"), "{reply}");
    }
    assert_eq!(rig.resolver.count(), 0);
    assert_eq!(rig.records().len(), table.len());
}

#[tokio::test]
async fn a_denial_says_what_where_why_and_what_to_do() {
    let rig = Rig::new(Vec::new());
    let reply = rig.reply(&connect("Example.COM:443"), Room::Some).await;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
    assert_eq!(
        body,
        "cellar: example.com:443 is not on this bottle's allowlist (host_not_allowed). \
         Ask for it with the tool request_route; http://127.0.0.1:9100 lists what is allowed.\n"
    );
}

#[tokio::test]
async fn hostile_names_are_recorded_printable_and_bounded() {
    let rig = Rig::new(Vec::new());
    let long = "a".repeat(5000);
    for host in ["\u{1b}]0;owned\u{7}", "a\u{202e}b", &long] {
        rig.reply(&format!("CONNECT {host}:443 HTTP/1.1\r\n\r\n"), Room::Some)
            .await;
    }
    let records = rig.records();
    assert_eq!(records.len(), 3);
    for record in records {
        assert!(record.host.len() <= 253, "{}", record.host.len());
        assert!(
            record.host.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{}",
            record.host
        );
    }
}

#[tokio::test]
async fn without_room_an_allowed_host_is_not_dialled() {
    let rig = Rig::new(vec![route("a.example", 443), route("a.example", 80)]);
    for request in [
        connect("a.example:443"),
        get("http://a.example/", "a.example"),
    ] {
        let reply = rig.reply(&request, Room::None).await;
        assert!(reply.starts_with("HTTP/1.1 503 "), "{reply}");
        assert!(
            reply.contains("x-cellar-reason: too_many_connections"),
            "{reply}"
        );
    }
    assert_eq!(rig.resolver.count(), 0);
}

#[tokio::test]
async fn a_private_address_is_refused_without_a_connection() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    rig.allow(vec![Route {
        allow_private: false,
        ..route("a.example", origin.port)
    }]);
    let request = get(
        &format!("http://a.example:{}/", origin.port),
        &format!("a.example:{}", origin.port),
    );
    let reply = rig.reply(&request, Room::Some).await;
    assert!(reply.starts_with("HTTP/1.1 403 "), "{reply}");
    assert!(reply.contains("a loopback address"), "{reply}");
    assert_eq!(
        decided(&rig),
        [("a.example".to_owned(), origin.port, "private_address")]
    );
    assert!(!origin.is_dialled().await);
}

/// In a tunnel that is looked into and in one that is not.
#[tokio::test]
async fn what_is_no_tls_for_this_host_is_closed_and_reaches_nobody() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let hello = |name: &'static str| async move { hello_for(name).await };
    for (first, reason) in [
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), "not_tls"),
        (b"POST / HTTP/1.1\r\n\r\n".to_vec(), "not_tls"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "not_tls"),
        (b"\x15\x03\x01\0\x02\x02\x28".to_vec(), "not_tls"),
        (hello("evil.example").await, "sni_mismatch"),
        (hello("x.a.example").await, "sni_mismatch"),
        (hello("192.0.2.1").await, "sni_mismatch"),
    ] {
        for allowed in [
            route("a.example", origin.port),
            spliced_route("a.example", origin.port),
        ] {
            rig.allow(vec![allowed]);
            let before = rig.records().len();
            let (mut client, _) = rig.tunnel(&format!("a.example:{}", origin.port)).await;
            client.write_all(&first).await.unwrap();
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.unwrap();
            assert_eq!(got, b"", "closed without a word");
            let records = rig.records();
            assert_eq!(code(records[before].verdict), reason);
            assert_eq!(records.len(), before + 1);
            while origin.is_dialled().await {}
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_bottle_is_recorded() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    let (client, _) = rig.tunnel("a.example:443").await;
    let stranger = super::super::tls::BottleCa::new("other", Timestamp::now()).unwrap();
    let name = ServerName::try_from("a.example").unwrap();
    let connected = client_of(stranger.certificate())
        .connect(name, client)
        .await;
    assert!(connected.is_err());
    while rig.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        decided(&rig),
        [("a.example".to_owned(), 443, "tls_client_rejected")]
    );
    assert_eq!(rig.resolver.count(), 0, "nothing was sent");
}

/// The far end of a spliced tunnel, with the near one, after the ClientHello.
async fn spliced() -> (Rig, TcpStream, tokio::io::DuplexStream, u16) {
    let rig = Rig::new(Vec::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.allow(vec![spliced_route("a.example", port)]);
    let hello = hello_for("a.example").await;
    let (mut client, _) = rig.connect();
    // Early bytes, sent before the answer, are the tunnel's.
    let request = connect(&format!("a.example:{port}"));
    let early = [request.as_bytes(), &hello[..9]].concat();
    client.write_all(&early).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    assert_eq!(read_head(&mut client).await.as_bytes(), ESTABLISHED);
    client.write_all(&hello[9..]).await.unwrap();
    let mut got = vec![0; hello.len()];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, hello, "the hello arrives as it was sent");
    (rig, far, client, port)
}

#[tokio::test]
async fn a_spliced_tunnel_is_carried_as_it_is() {
    let (rig, mut far, mut client, port) = spliced().await;
    far.write_all(b"\x16answer").await.unwrap();
    client.write_all(b"more").await.unwrap();
    client.shutdown().await.unwrap();
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    drop(far);
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(
        (sent.as_slice(), got.as_slice()),
        (b"more" as &[u8], b"\x16answer" as &[u8])
    );
    assert_eq!(decided(&rig), [("a.example".to_owned(), port, "allowed")]);
    assert_eq!(rig.resolver.count(), 1, "resolved once");
    while rig.proxy.ledger.usage().received_bytes == 0 {
        tokio::task::yield_now().await;
    }
    let usage = rig.proxy.ledger.usage();
    let hello = u64::try_from(hello_for("a.example").await.len()).unwrap();
    let counted = (usage.requests, usage.sent_bytes, usage.received_bytes);
    assert_eq!(counted, (1, hello + 4, 7));
    let hits = rig.proxy.ledger.hits(&rig.proxy.table, &rig.proxy.spending);
    let passed = hits.of(&rig.proxy.table.current().keys[0]).unwrap().passed;
    let counted = (passed.requests, passed.sent_bytes, passed.received_bytes);
    assert_eq!(counted, (1, hello + 4, 7));
}

#[tokio::test]
async fn a_silent_tunnel_is_ended() {
    let (_rig, mut far, client, _) = spliced().await;
    // Only now, with both ends silent, may time jump.
    tokio::time::pause();
    let mut got = Vec::new();
    drop(far.read_to_end(&mut got).await);
    assert_eq!(got, b"");
    drop(client);
}

#[tokio::test]
async fn a_spliced_tunnel_that_the_routes_no_longer_allow_is_closed() {
    let (rig, mut far, mut client, port) = spliced().await;
    rig.allow(vec![
        spliced_route("a.example", port),
        route("b.example", port),
    ]);
    client.write_all(b"still").await.unwrap();
    let mut got = [0; 5];
    far.read_exact(&mut got).await.unwrap();
    rig.allow(vec![route("a.example", port)]);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(far.read(&mut got).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn an_intercepted_connection_without_a_request_is_ended_and_recorded() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    let mut inside = rig.inside("a.example", 443).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let mut got = Vec::new();
    drop(inside.read_to_end(&mut got).await);
    assert_eq!(got, b"");
    assert!(began.elapsed() >= super::super::rig::LIMITS.silence);
    while rig.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(decided(&rig), [("a.example".to_owned(), 443, "allowed")]);
    assert_eq!(rig.resolver.count(), 0);
}

/// Who begins a TLS handshake and never ends it holds its place for a while only.
#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let rig = Rig::new(vec![route("a.example", 443)]);
    let (mut client, _) = rig.tunnel("a.example:443").await;
    client
        .write_all(&hello_for("a.example").await)
        .await
        .unwrap();
    tokio::time::pause();
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    while rig.records().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        decided(&rig),
        [("a.example".to_owned(), 443, "tls_client_rejected")]
    );
}
