//! What a route lets pass though a rule of the scanner finds it, and what never does.

use super::*;
use crate::guest::egress::rig::asked_for;
use crate::policy::{Denials, RouteSet, ScanRule};

/// A token that no scanner finds here.
fn token() -> String {
    ["gh", "p_", "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY2zA4"].concat()
}

fn passing(name: &str, port: u16) -> Route {
    Route {
        scan_pass: [ScanRule::parse("github-pat").unwrap()].into(),
        ..route(name, port)
    }
}

/// Makes requests of what is refused.
fn requesting(rig: &Rig, routes: Vec<Route>) {
    let generation = rig.proxy.table.current().generation + 1;
    let table = RouteSet {
        denials: Denials::Request,
        ..RouteSet::of(routes)
    };
    rig.proxy.swap(table, generation).unwrap();
}

/// Gives the bottle a secret that looks like a token and is called as the rule is.
fn own(rig: &Rig, value: &str) {
    let name = SecretName::parse("github-pat").unwrap();
    let held = std::collections::BTreeMap::from([(name, Secret::new(value.to_owned()))]);
    rig.proxy.secrets(held.into_iter().collect()).unwrap();
}

fn post(place: &str, body: &str) -> String {
    let length = body.len();
    format!("POST /up HTTP/1.1\r\nHost: {place}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// What upstream gets of a request that it answers, as long as this.
async fn passes(rig: &Rig, origin: &Origin, request: &str, body: usize) -> String {
    let mut inside = rig.inside("a.example", origin.port).await;
    inside.write_all(request.as_bytes()).await.unwrap();
    let mut far = origin.accept().await;
    let head = read_head(&mut far).await;
    let mut rest = vec![0; body];
    far.read_exact(&mut rest).await.unwrap();
    far.write_all(OK.as_bytes()).await.unwrap();
    assert_eq!(read_message(&mut inside).await.1, "ok");
    drop((inside, far));
    rig.proxy.pool.clear();
    settle().await;
    head + &String::from_utf8(rest).unwrap()
}

/// What the agent reads of a request that upstream does not get whole.
async fn refused(rig: &Rig, origin: &Origin, request: &str) -> String {
    let mut inside = rig.inside("a.example", origin.port).await;
    inside.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    let far = async {
        if request.starts_with("POST") {
            origin.accept_broken().await;
        }
    };
    let (read, ()) = tokio::join!(inside.read_to_string(&mut reply), far);
    read.unwrap();
    settle().await;
    assert!(reply.contains("x-cellar-reason: secret_found"), "{reply}");
    assert!(!reply.contains(&token()), "{reply}");
    reply
}

/// What the operator is to be asked for after the last.
fn wants(rig: &Rig) -> Option<String> {
    let records = rig.records();
    let last = records.last().unwrap();
    let text = serde_json::to_string(last).unwrap();
    assert!(!text.contains(&token()), "{text}");
    last.wants.as_deref().map(asked_for)
}

#[tokio::test]
async fn what_an_exempted_rule_finds_passes_whole_and_is_told() {
    for mode in [ScanMode::Block, ScanMode::Redact] {
        let rig = Rig::new(Vec::new());
        let origin = rig.origin("a.example").await;
        let mut allowed = passing("a.example", origin.port);
        allowed.scan.request = mode;
        rig.allow(vec![allowed]);
        let place = format!("a.example:{}", origin.port);
        let note = format!("note={}", token());
        let noted = format!("\r\nX-Note: {}\r\n\r\n", token());
        // Redacted bodies go in chunks.
        let chunk = format!("{:X}\r\n{note}\r\n0\r\n\r\n", note.len());
        let sent = if mode == ScanMode::Redact {
            chunk.len()
        } else {
            note.len()
        };
        for (request, body) in [
            (get(&format!("/?{note}"), &place), 0),
            (get("/", &place).replace("\r\n\r\n", &noted), 0),
            (post(&place, &note), sent),
        ] {
            let got = passes(&rig, &origin, &request, body).await;
            assert!(got.contains(&token()), "{got}");
            let record = rig.records().pop().unwrap();
            assert_eq!(code(record.verdict), "allowed");
            assert_eq!(record.request.unwrap().findings, ["github-pat"]);
        }
    }
}

#[tokio::test]
async fn a_secret_of_the_bottle_passes_by_no_exemption_and_is_not_asked_for() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    requesting(&rig, vec![passing("a.example", origin.port)]);
    own(&rig, &token());
    let place = format!("a.example:{}", origin.port);
    let base64 = data_encoding::BASE64.encode(token().as_bytes());
    for text in [token(), base64] {
        for request in [get(&format!("/?q={text}"), &place), post(&place, &text)] {
            let told = refused(&rig, &origin, &request).await;
            assert!(!told.contains("is asked"), "{told}");
            assert_eq!(wants(&rig), None, "{request}");
        }
    }
}

#[tokio::test]
async fn what_rules_alone_stop_is_asked_for_by_their_names() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let place = format!("a.example:{}", origin.port);
    let note = post(&place, &format!("note={}", token()));
    rig.allow(vec![route("a.example", origin.port)]);
    let told = refused(&rig, &origin, &note).await;
    assert!(!told.contains("is asked"), "{told}");
    assert_eq!(wants(&rig), None);

    requesting(&rig, vec![route("a.example", origin.port)]);
    let words = |method: &str, path: &str| {
        Some(format!(
            "that what looks like `github-pat` may pass to {method} {place}{path}"
        ))
    };
    let told = refused(&rig, &origin, &note).await;
    assert!(
        told.contains("the operator is asked to let it pass"),
        "{told}"
    );
    assert_eq!(wants(&rig), words("POST", "/up"));
    let query = get(&format!("/x?q={}", token()), &place);
    refused(&rig, &origin, &query).await;
    assert_eq!(wants(&rig), words("GET", "/x"));
    // The request would say it.
    let path = get(&format!("/{}", token()), &place);
    let told = refused(&rig, &origin, &path).await;
    assert!(!told.contains("is asked"), "{told}");
    assert_eq!(wants(&rig), None);
    // One that something cannot be looked into besides, or that holds a secret too.
    let packed = note.replace("\r\nContent-L", "\r\nContent-Encoding: odd\r\nContent-L");
    let mut inside = rig.inside("a.example", origin.port).await;
    inside.write_all(packed.as_bytes()).await.unwrap();
    let (head, _) = read_message(&mut inside).await;
    assert!(head.contains("secret_found"), "{head}");
    drop(inside);
    settle().await;
    assert_eq!(wants(&rig), None);
    let value = "hunter2-hunter2-hunter2";
    own(&rig, value);
    let both = post(&place, &format!("note={}&own={value}", token()));
    refused(&rig, &origin, &both).await;
    assert_eq!(wants(&rig), None);
}

#[tokio::test]
async fn messages_of_a_web_socket_pass_and_are_asked_for_likewise() {
    let rig = Rig::new(Vec::new());
    let message = frame(Sender::Agent, 0x81, token().as_bytes());
    let (mut inside, mut far) = socket(&rig, passing("ws.example", 0)).await;
    inside.write_all(&message).await.unwrap();
    let mut got = vec![0; message.len()];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(got, message);
    drop((inside, far));
    let told = record(&rig).await;
    assert_eq!(code(told.verdict), "allowed");
    assert_eq!(told.request.unwrap().findings, ["github-pat"]);

    let rig = Rig::new(Vec::new());
    let (inside, far) = socket(&rig, route("ws.example", 0)).await;
    let mut routes = rig.proxy.table.current().routes.routes.clone();
    requesting(&rig, std::mem::take(&mut routes));
    exchange(inside, far, &message, b"").await;
    let told = record(&rig).await;
    assert_eq!(code(told.verdict), "secret_found");
    let asked = wants(&rig).unwrap();
    assert!(
        asked.starts_with("that what looks like `github-pat` may pass to GET ws.example"),
        "{asked}"
    );
}
