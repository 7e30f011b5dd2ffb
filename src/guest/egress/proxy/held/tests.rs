use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::guest::egress::rig::{
    LIMITS, Rig, asked_for, code, credentialed, read_head, read_message, route,
};
use crate::policy::{Method, Methods, PathPattern, Route, RouteSet, Unlisted};
use crate::wire::HoldRecord;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// Longer than silence may last, so that waiting is seen to be none.
const SECONDS: u32 = 600;

impl Rig {
    fn ask_beside(&self, routes: Vec<Route>) {
        let generation = self.proxy.table.current().generation + 1;
        let mut routes = RouteSet::of(routes);
        routes.unlisted = Unlisted::Ask { seconds: SECONDS };
        self.proxy.swap(routes, generation).unwrap();
    }

    /// What is asked, once it is so much.
    async fn asked(&self, count: usize) -> Vec<HoldRecord> {
        loop {
            let open = self.proxy.holds.open();
            if open.len() == count {
                return open;
            }
            tokio::task::yield_now().await;
        }
    }

    fn codes(&self) -> Vec<&'static str> {
        self.records()
            .iter()
            .map(|record| code(record.verdict))
            .collect()
    }
}

async fn origin() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn get(url: &str, host: &str) -> Vec<u8> {
    format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// A route for one method and path pattern.
fn narrow(whole: Route, method: &str, path: &str) -> Route {
    Route {
        methods: Methods::from(std::collections::BTreeSet::from([
            Method::parse(method).unwrap()
        ])),
        paths: vec![PathPattern::parse(path).unwrap()],
        ..whole
    }
}

async fn rest<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
    String::from_utf8_lossy(&rest).into_owned()
}

#[tokio::test]
async fn a_plain_request_waits_unresolved_and_unread_until_a_route_allows_it() {
    const BODY: usize = 1 << 20;
    let rig = Rig::new(Vec::new());
    let (listener, port) = origin().await;
    rig.ask_beside(Vec::new());
    let (client, served) = rig.connect();
    let (mut answers, mut client) = tokio::io::split(client);
    let head = format!(
        "POST http://a.example:{port}/x HTTP/1.1\r\nHost: a.example:{port}\r\n\
         Content-Length: {BODY}\r\n\r\n"
    );
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let send = async {
        client.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..BODY / 1024 {
            client.write_all(&[b'x'; 1024]).await.unwrap();
            sent.fetch_add(1024, std::sync::atomic::Ordering::Relaxed);
        }
    };
    let answer = async {
        let asked = rig.asked(1).await;
        assert_eq!(
            (asked[0].words(), asked[0].waiting),
            (format!("a.example:{port}"), 1)
        );
        // What is between client and proxy fills up, and no more is taken.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        let sent = sent.load(std::sync::atomic::Ordering::Relaxed);
        assert!((1 << 16..1 << 19).contains(&sent), "{sent}");
        assert_eq!(rig.resolver.count(), 0);
        rig.ask_beside(vec![route("a.example", port)]);
        let (mut far, _) = listener.accept().await.unwrap();
        assert!(
            read_head(&mut far)
                .await
                .starts_with("POST /x HTTP/1.1\r\n")
        );
        let mut body = vec![0; BODY];
        far.read_exact(&mut body).await.unwrap();
        far.write_all(OK.as_bytes()).await.unwrap();
        read_message(&mut answers).await.1
    };
    let ((), answer) = tokio::join!(send, answer);
    assert_eq!(answer, "ok");
    drop((client, answers));
    served.await.unwrap();
    let records = rig.records();
    assert_eq!(rig.codes(), ["allowed"]);
    let facts = records[0].request.clone().unwrap();
    assert_eq!(
        (facts.generation, facts.route),
        (3, Some(0)),
        "by the table that allowed it"
    );
}

#[tokio::test]
async fn a_plain_request_and_a_tunnel_to_one_place_wait_together() {
    let rig = Rig::new(Vec::new());
    rig.ask_beside(Vec::new());
    let (mut plain, _) = rig.connect();
    plain
        .write_all(&get("http://a.example:443/", "a.example:443"))
        .await
        .unwrap();
    rig.asked(1).await;
    let refuse = async {
        while rig.proxy.holds.open()[0].waiting < 2 {
            tokio::task::yield_now().await;
        }
        rig.proxy.holds.refuse(1);
    };
    let ((_, tunnel), plain, ()) =
        tokio::join!(rig.tunnel("a.example:443"), rest(&mut plain), refuse);
    for answer in [tunnel, plain] {
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("operator_denied"), "{answer}");
    }
    assert_eq!(rig.codes(), ["operator_denied"; 2]);
    assert_eq!(rig.resolver.count(), 0);
}

/// Longer than a connection may be silent.
#[tokio::test(start_paused = true)]
async fn a_plain_request_that_nobody_answers_is_refused_when_its_time_is_over() {
    let rig = Rig::new(Vec::new());
    rig.ask_beside(Vec::new());
    let (mut client, _) = rig.connect();
    let began = Instant::now();
    client
        .write_all(&get("http://a.example/", "a.example"))
        .await
        .unwrap();
    let answer = rest(&mut client).await;
    assert!(answer.contains("held_too_long"), "{answer}");
    let patience = Duration::from_secs(u64::from(SECONDS));
    assert!(patience > LIMITS.silence);
    assert!(began.elapsed() >= patience, "{:?}", began.elapsed());
    assert!(began.elapsed() < patience + LIMITS.silence);
    assert!(rig.proxy.holds.is_empty());
}

/// With a body that nobody reads, and without one; in plain HTTP and inside TLS.
#[tokio::test]
async fn a_request_whose_client_left_waits_no_more() {
    let rig = Rig::new(Vec::new());
    let (_listener, port) = origin().await;
    rig.ask_beside(vec![narrow(route("b.example", port), "GET", "/")]);
    for body in ["", "Content-Length: 9\r\n"] {
        let (mut client, _) = rig.connect();
        let request = format!("PUT http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{body}\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        rig.asked(1).await;
        drop(client);
        rig.asked(0).await;

        let mut inside = rig.inside("b.example", port).await;
        let request = format!("PUT / HTTP/1.1\r\nHost: b.example:{port}\r\n{body}\r\n");
        inside.write_all(request.as_bytes()).await.unwrap();
        rig.asked(1).await;
        drop(inside);
        rig.asked(0).await;
    }
    assert_eq!(rig.resolver.count(), 0);
}

#[tokio::test]
async fn a_request_that_a_hosts_routes_do_not_cover_is_asked_for_alone() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let port = origin.port;
    let given = narrow(route("a.example", port), "GET", "/repos/*");
    rig.ask_beside(vec![given.clone()]);
    let mut inside = rig.inside("a.example", port).await;
    let place = format!("a.example:{port}");
    let post =
        format!("POST /graphql?q=%41 HTTP/1.1\r\nHost: {place}\r\nContent-Length: 2\r\n\r\nhi");
    inside.write_all(post.as_bytes()).await.unwrap();
    let asked = rig.asked(1).await;
    assert_eq!(asked[0].words(), format!("POST {place}/graphql"));
    assert_eq!(rig.resolver.count(), 0);
    // An answer to another question leaves it waiting.
    rig.ask_beside(vec![given.clone(), narrow(given.clone(), "POST", "/other")]);
    assert_eq!(rig.asked(1).await[0].id, 1);
    rig.ask_beside(vec![given.clone(), narrow(given, "POST", "/graphql")]);
    let talk = async { read_message(&mut inside).await.1 };
    let (heads, answer) = tokio::join!(origin.serve(&[OK]), talk);
    assert!(
        heads[0].starts_with("POST /graphql?q=%41 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert_eq!(answer, "ok");
}

#[tokio::test]
async fn a_refused_request_leaves_its_host_open_for_others() {
    let rig = Rig::new(Vec::new());
    let origin = rig.origin("a.example").await;
    let port = origin.port;
    rig.ask_beside(vec![narrow(route("a.example", port), "GET", "/in")]);
    let place = format!("a.example:{port}");
    for _ in 0..2 {
        let mut inside = rig.inside("a.example", port).await;
        inside.write_all(&get("/out", &place)).await.unwrap();
        let refuse = async {
            // The second is refused by the first's answer.
            while !rig.codes().contains(&"operator_denied") {
                rig.proxy.holds.refuse(1);
                tokio::task::yield_now().await;
            }
        };
        let (answer, ()) = tokio::join!(rest(&mut inside), refuse);
        assert!(answer.contains("operator_denied"), "{answer}");
    }
    let mut inside = rig.inside("a.example", port).await;
    inside.write_all(&get("/in", &place)).await.unwrap();
    let talk = async { read_message(&mut inside).await.1 };
    let (_, answer) = tokio::join!(origin.serve(&[OK]), talk);
    assert_eq!(answer, "ok");
}

/// What no narrow route could allow is not asked for.
#[tokio::test]
async fn what_an_answer_could_not_allow_is_refused_at_once() {
    let rig = Rig::new(Vec::new());
    let port = origin().await.1;
    let long = format!("/{}", "a".repeat(2000));
    let mut deny = narrow(route("a.example", port), "DELETE", "/*");
    (deny.effect, deny.allow_private) = (crate::policy::Effect::Deny, false);
    rig.ask_beside(vec![
        narrow(route("a.example", port), "GET", "/in"),
        narrow(credentialed("c.example", port), "GET", "/in"),
        deny,
    ]);
    for (method, name, path, reason) in [
        ("GET", "a.example", "/a*", "path_not_allowed"),
        ("GET", "a.example", long.as_str(), "path_not_allowed"),
        (
            "POST",
            "a.example",
            "/x/git-receive-pack",
            "git_push_refused",
        ),
        ("DELETE", "a.example", "/x", "route_denied"),
        // It would carry a credential in the clear.
        ("GET", "c.example", "/x", "path_not_allowed"),
    ] {
        let (mut client, _) = rig.connect();
        let request =
            format!("{method} http://{name}:{port}{path} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(&mut client).await;
        assert!(
            answer.contains(&format!("({reason})")),
            "{method} {path}: {answer}"
        );
    }
    assert!(rig.proxy.holds.is_empty());
}

/// What nobody answered in time is not lost where denials become requests; what the
/// operator refused is answered.
#[tokio::test(start_paused = true)]
async fn a_hold_without_an_answer_is_to_be_a_request() {
    let rig = Rig::new(Vec::new());
    let table = RouteSet {
        unlisted: Unlisted::Ask { seconds: SECONDS },
        denials: crate::policy::Denials::Request,
        ..RouteSet::NONE
    };
    rig.proxy.swap(table, 2).unwrap();
    let ask = async || {
        let (mut client, served) = rig.connect();
        let head = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
        client.write_all(head).await.unwrap();
        let told = rest(&mut client).await;
        served.await.unwrap();
        told
    };
    let wants = || {
        let records = rig.records();
        let wants = records.last().unwrap().wants.clone();
        wants.map(|wants| asked_for(&wants))
    };
    let told = ask().await;
    assert!(told.contains("did not answer in time"), "{told}");
    assert!(told.contains("The operator is asked for it"), "{told}");
    assert_eq!(wants().as_deref(), Some("GET,HEAD a.example"));
    let refuse = async {
        let asked = rig.asked(1).await;
        rig.proxy.holds.refuse(asked[0].id);
    };
    let (told, ()) = tokio::join!(ask(), refuse);
    assert!(told.contains("was refused by the operator"), "{told}");
    assert_eq!(wants(), None);
    assert_eq!(rig.codes(), ["held_too_long", "operator_denied"]);
}
