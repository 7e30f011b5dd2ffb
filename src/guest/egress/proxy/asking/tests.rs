use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::guest::egress::rig::{Rig, asked_for, code, host};
use crate::policy::{Denials, Effect, Method, Methods, PathPattern, Provenance, Route, RouteSet};
use crate::secret::Secret;

/// A table that makes requests of what it refuses.
fn requesting(routes: Vec<Route>) -> RouteSet {
    RouteSet {
        denials: Denials::Request,
        ..RouteSet::of(routes)
    }
}

fn reads(name: &str, path: &str) -> Route {
    let methods = std::collections::BTreeSet::from([Method::parse("GET").unwrap()]);
    Route {
        methods: Methods::from(methods),
        paths: vec![PathPattern::parse(path).unwrap()],
        ..Route::to(host(name), vec![80], Provenance::Builtin)
    }
}

/// What a client that sends this reads.
async fn answer(rig: &Rig, request: &str) -> String {
    let (mut client, served) = rig.connect();
    client.write_all(request.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    served.await.unwrap();
    answer
}

/// Why the last was refused, and what it is to be a request for; «-» for nothing.
fn last(rig: &Rig) -> (&'static str, String) {
    let records = rig.records();
    let last = records.last().unwrap();
    let wants = last.wants.as_deref().map(asked_for);
    (
        code(last.verdict),
        wants.unwrap_or_else(|| String::from("-")),
    )
}

fn is(reason: &'static str, wants: &str) -> (&'static str, String) {
    (reason, wants.to_owned())
}

const CONNECT: &str = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";

#[tokio::test]
async fn a_refusal_is_to_be_a_request_only_where_the_table_says_so() {
    let rig = Rig::new(Vec::new());
    let told = answer(&rig, CONNECT).await;
    assert_eq!(last(&rig), is("host_not_allowed", "-"));
    assert!(told.contains("with the tool request_route;"), "{told}");
    rig.proxy.swap(requesting(Vec::new()), 2).unwrap();
    let told = answer(&rig, CONNECT).await;
    assert_eq!(last(&rig), is("host_not_allowed", "GET,HEAD a.example"));
    assert!(told.contains("The operator is asked for it"), "{told}");
    assert!(told.contains("await_request"), "{told}");
}

#[tokio::test]
async fn a_request_that_no_route_covers_is_asked_for_by_its_method_and_path() {
    let rig = Rig::new(Vec::new());
    let mut table = requesting(vec![reads("a.example", "/v1/*")]);
    rig.proxy.swap(table.clone(), 2).unwrap();
    let ask = |method: &str, path: &str| {
        format!("{method} http://a.example{path} HTTP/1.1\r\nHost: a.example\r\n\r\n")
    };
    let told = answer(&rig, &ask("POST", "/v1/x?q=1")).await;
    assert_eq!(
        last(&rig),
        is("method_not_allowed", "POST a.example:80/v1/x")
    );
    assert!(told.contains("The operator is asked for it"), "{told}");
    answer(&rig, &ask("GET", "/v2")).await;
    assert_eq!(last(&rig), is("path_not_allowed", "GET a.example:80/v2"));
    // What a route refuses is no question.
    table.routes.push(Route {
        effect: Effect::Deny,
        ..reads("a.example", "/v2")
    });
    rig.proxy.swap(table, 3).unwrap();
    answer(&rig, &ask("GET", "/v2")).await;
    assert_eq!(last(&rig), is("route_denied", "-"));
}

#[tokio::test]
async fn nobody_is_asked_for_what_cannot_be_or_holds_a_secret() {
    let rig = Rig::new(Vec::new());
    rig.proxy.swap(requesting(Vec::new()), 2).unwrap();
    let secret = "hunter2-hunter2-hunter2";
    let name = crate::policy::SecretName::parse("one").unwrap();
    let held = std::collections::BTreeMap::from([(name, Secret::new(secret.to_owned()))]);
    rig.proxy.secrets(held.into_iter().collect()).unwrap();
    for request in [
        String::from("CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\n\r\n"),
        String::from("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n"),
        String::from("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n"),
        format!("CONNECT {secret}.example:443 HTTP/1.1\r\nHost: {secret}.example:443\r\n\r\n"),
        format!("POST http://a.example/{secret} HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        String::from("TRACE http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    ] {
        let told = answer(&rig, &request).await;
        assert_eq!(last(&rig).1, "-", "{request}");
        assert!(!told.contains("is asked"), "{told}");
    }
}
