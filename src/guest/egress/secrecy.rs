//! A bottle's secret, which its agent learnt somehow, asked for in every way that is
//! refused: it must stand in no reply, no record, no line of log and no report.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::proxy::Room;
use super::rig::{Rig, code, credentialed, route, wildcard};
use crate::policy::{Method, Methods, RouteSet, SecretName, Unlisted};
use crate::secret::Secret;

const SECRET: &str = "sk-canary-5c6f7a";

fn rig() -> Rig {
    let mut narrow = route("a.example", 443);
    let methods = std::collections::BTreeSet::from([Method::parse("GET").unwrap()]);
    narrow.methods = Methods::from(methods);
    let rig = Rig::new(Vec::new());
    let mut routes = RouteSet::of(vec![
        narrow,
        route("a.example", 80),
        credentialed("auth.example", 443),
        wildcard("*.wild.example", 443),
    ]);
    routes.unlisted = Unlisted::Ask { seconds: 600 };
    rig.proxy.swap(routes, 2).unwrap();
    let name = SecretName::parse("key").unwrap();
    let secrets = std::iter::once((name, Secret::new(SECRET.to_owned())));
    rig.proxy.secrets(secrets.collect()).unwrap();
    rig
}

/// Requests as they come to the proxy, and the code of their refusal.
fn outside(secret: &str) -> Vec<(String, &'static str)> {
    let get = |url: &str, host: &str| format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let connect = |place: &str| format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    vec![
        (
            connect(&format!("{secret}.evil.example:443")),
            "secret_found",
        ),
        (
            connect(&format!("{secret}.wild.example:443")),
            "secret_found",
        ),
        (connect(&format!("a.example:{secret}")), "bad_request"),
        (connect(&format!("{secret}@a.example:443")), "bad_request"),
        (
            get(&format!("http://x:{secret}@a.example/"), "a.example"),
            "bad_request",
        ),
        (
            get(&format!("https://a.example/{secret}"), "a.example"),
            "bad_request",
        ),
        (
            get(&format!("http://a.example/{secret}"), "a.example"),
            "secret_found",
        ),
        (
            get(&format!("http://a.example/?q={secret}"), "a.example"),
            "secret_found",
        ),
        (
            get(&format!("http://a.example/../{secret}"), "a.example"),
            "invalid_path",
        ),
        (
            get("http://a.example/", &format!("{secret}.example")),
            "bad_request",
        ),
        (
            get(
                &format!("http://{secret}.example/"),
                &format!("{secret}.example"),
            ),
            "secret_found",
        ),
        (
            format!("{secret} http://a.example/ HTTP/1.1\r\n\r\n"),
            "bad_request",
        ),
        (
            format!("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{secret}\r\n\r\n"),
            "bad_request",
        ),
        (
            format!("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: {secret}\r\n\r\n"),
            "secret_found",
        ),
    ]
}

/// The same inside TLS.
fn inside(secret: &str, name: &str) -> Vec<(String, &'static str)> {
    let get = |path: &str, host: &str| format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    vec![
        (get(&format!("/{secret}"), name), "secret_found"),
        (get(&format!("/?{secret}"), name), "secret_found"),
        (get(&format!("/../{secret}"), name), "invalid_path"),
        (get("/", &format!("{secret}.example")), "authority_mismatch"),
        (
            format!("GET / HTTP/1.1\r\nHost: {name}\r\n{secret}\r\n\r\n"),
            "bad_request",
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: {name}\r\nX-Note: {secret}\r\n\r\n"),
            "secret_found",
        ),
        (
            format!("{secret} / HTTP/1.1\r\nHost: {name}\r\n\r\n"),
            "bad_request",
        ),
    ]
}

#[tokio::test]
async fn no_reply_record_report_or_line_shows_a_secret() {
    let hex = data_encoding::HEXLOWER.encode(SECRET.as_bytes());
    for secret in [SECRET, hex.as_str()] {
        let rig = rig();
        let mut said = Vec::new();
        for (request, reason) in outside(secret) {
            // Without its end, which would end a wait for the operator.
            let (mut client, _) = rig.connect();
            client.write_all(request.as_bytes()).await.unwrap();
            let mut reply = String::new();
            client.read_to_string(&mut reply).await.unwrap();
            assert!(
                reply.contains(&format!("x-cellar-reason: {reason}\r\n")),
                "{request}: {reply}"
            );
            said.push(reply);
        }
        for name in ["a.example", "auth.example"] {
            for (request, reason) in inside(secret, name) {
                let mut inside = rig.inside(name, 443).await;
                inside.write_all(request.as_bytes()).await.unwrap();
                let mut reply = Vec::new();
                drop(inside.read_to_end(&mut reply).await);
                let reply = String::from_utf8(reply).unwrap();
                assert!(
                    reply.contains(&format!("x-cellar-reason: {reason}\r\n")),
                    "{request}: {reply}"
                );
                said.push(reply);
            }
        }
        // One that would be asked for.
        let mut inside = rig.inside("a.example", 443).await;
        let put = format!("PUT /{secret} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n");
        inside.write_all(put.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        drop(inside.read_to_end(&mut reply).await);
        said.push(String::from_utf8(reply).unwrap());
        assert!(rig.proxy.holds.is_empty());
        let full = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
        said.push(rig.reply(full, Room::None).await);

        while rig.records().len() < said.len() {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.resolver.count(), 0);
        let log = rig.log();
        // The ellipsis stands for the values of a query.
        let is_plain = |char| matches!(char, '\n' | ' '..='~' | '…');
        assert!(log.chars().all(is_plain), "{log}");
        let codes = rig.records().into_iter().map(|record| code(record.verdict));
        assert!(
            codes.clone().all(|code| code != "allowed"),
            "{:?}",
            codes.collect::<Vec<_>>()
        );
        said.push(log);
        said.extend(
            rig.reporter
                .waiting()
                .iter()
                .map(|report| format!("{report:?}")),
        );
        said.push(format!("{:?}", rig.records()));
        said.push(format!("{:?}", rig.proxy.secrets));
        for said in said {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
