use std::convert::Infallible;
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::Notify;

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

/// A body that tells the gate of its end, as the proxy's own answers do.
struct Told(Full<Bytes>, GateLine);

impl HttpBody for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.1.answered();
    }
}

/// What the service behind the gate saw: target and body of each request.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<(String, String)>>,
    spoiled: Mutex<Option<Fault>>,
    /// Each answer waits for one notice, if set.
    hold: Option<Notify>,
    arrived: Notify,
}

impl Seen {
    fn targets(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|(target, _)| target.clone()).collect()
    }
}

fn gate(stream: DuplexStream) -> Gate<DuplexStream> {
    let place = Shown::default();
    Gate::new(stream, Vec::new(), place, LIMIT, Arc::new(Activity::new()))
}

/// Serves a gate with hyper until the connection ends.
async fn serve(gate: Gate<DuplexStream>, seen: &Seen) -> hyper::Result<()> {
    let line = gate.line();
    let service = service_fn(|request: Request<Incoming>| {
        let line = line.clone();
        async move {
            let head = line.take_head().unwrap();
            assert_eq!(request.uri(), "/");
            seen.arrived.notify_one();
            let body = request.into_body().collect().await;
            let body = if let Ok(body) = body {
                String::from_utf8(body.to_bytes().to_vec()).unwrap()
            } else {
                *seen.spoiled.lock().unwrap() = line.spoiled();
                "spoiled".to_owned()
            };
            seen.requests.lock().unwrap().push((head.target, body));
            if let Some(hold) = &seen.hold {
                hold.notified().await;
            }
            let text = Full::new(Bytes::from_static(b"ok"));
            Ok::<_, Infallible>(Response::new(Told(text, line)))
        }
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(gate), service)
        .await
}

/// Sends bytes, ends, and gives what came back and what the service saw.
async fn exchange(sent: &str) -> (String, Seen) {
    let (mut client, end) = duplex(1 << 20);
    let seen = Seen::default();
    let talk = async move {
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        // The last answer closes the connection; otherwise the client must.
        if !sent.contains("close") && !sent.contains("bad") {
            client.shutdown().await.unwrap();
        }
        client.read_to_end(&mut got).await.unwrap();
        String::from_utf8(got).unwrap()
    };
    let (_, got) = tokio::join!(serve(gate(end), &seen), talk);
    (got, seen)
}

const GET: &str = "GET /a%2Fb?c HTTP/1.1\r\nHost: a.example\r\n\r\n";
const LAST: &str = "GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn each_message_on_a_connection_is_passed_with_its_own_head() {
    let posts = "POST /1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello\
        POST /2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\
        3;x\r\nabc\r\n0\r\nT: r\r\n\r\n";
    let (got, seen) = exchange(&format!("{GET}{posts}{LAST}")).await;
    assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 4, "{got}");
    let expected = [
        ("/a%2Fb?c", ""),
        ("/1", "hello"),
        ("/2", "abc"),
        ("/last", ""),
    ];
    let expected = expected.map(|(target, body)| (target.to_owned(), body.to_owned()));
    assert_eq!(*seen.requests.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_message_is_held_back_until_the_one_before_it_was_answered() {
    let (mut client, end) = duplex(1 << 20);
    let seen = Seen {
        hold: Some(Notify::new()),
        ..Seen::default()
    };
    let talk = async {
        client.write_all(GET.as_bytes()).await.unwrap();
        seen.arrived.notified().await;
        client.write_all(LAST.as_bytes()).await.unwrap();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(seen.targets(), ["/a%2Fb?c"]);
        seen.hold.as_ref().unwrap().notify_one();
        seen.arrived.notified().await;
        seen.hold.as_ref().unwrap().notify_one();
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    };
    let (served, got) = tokio::join!(serve(gate(end), &seen), talk);
    served.unwrap();
    assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 2, "{got}");
}

/// The section of the research on what hyper lets through, and its like: after a good
/// request, whose answer comes first. Nothing of what follows reaches the service.
#[tokio::test]
async fn a_fault_is_answered_after_the_answers_under_way_and_ends_it() {
    let post = "POST /bad HTTP/1.1\r\nHost: a.example\r\n";
    for bad in [
        &format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        &format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        &format!("{post}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
        &format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        &format!("{post}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
        &format!("{post}Host: b.example\r\n\r\n"),
        &format!("{post}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
        &format!("{post}X: y\n\r\n\r\n"),
        &format!("{post}\r\n").replace("Host: a.example\r\n", ""),
        &format!("{post}\r\n").replace("POST", "post"),
        &format!("{post}\r\n").replace("HTTP/1.1", "HTTP/2.0"),
        &format!("\r\n{post}\r\n"),
        "\u{16}\u{3}\u{1} bad",
        &format!("{post}X: {}\r\n\r\n", "y".repeat(MAX_HEAD_BYTES)),
        &format!("{post}{}\r\n", "X: y\r\n".repeat(101)),
    ] {
        let (got, seen) = exchange(&format!("{GET}{bad}{LAST}")).await;
        assert_eq!(seen.targets(), ["/a%2Fb?c"], "{bad}");
        let (first, last) = got.split_once("\r\n\r\nok").unwrap();
        assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
        assert!(
            last.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{bad}: {last}"
        );
        assert!(last.contains("x-cellar-reason: bad_request\r\n"), "{last}");
        assert_eq!(last.matches("HTTP/1.1 4").count(), 1, "{last}");
    }
}

#[tokio::test]
async fn a_fault_in_chunks_spoils_the_body_and_ends_the_connection() {
    for bad in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloo\r\n",
        "zz\r\n",
        "2\r\nok\r\n-1\r\n",
    ] {
        let post = "POST /bad HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (got, seen) = exchange(&format!("{post}{bad}{GET}")).await;
        let body = ("/bad".to_owned(), "spoiled".to_owned());
        assert_eq!(*seen.requests.lock().unwrap(), [body], "{bad:?}");
        assert!(seen.spoiled.lock().unwrap().is_some());
        // What the service says of it still arrives.
        assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 1, "{got}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_told_so_and_no_head_waits_for_ever() {
    let (mut client, end) = duplex(1 << 20);
    let seen = Seen::default();
    let talk = async {
        // Silence between requests is for others to end.
        sleep(LIMIT * 3).await;
        client.write_all(GET.as_bytes()).await.unwrap();
        seen.arrived.notified().await;
        for byte in LAST.bytes().take(20) {
            drop(client.write_all(&[byte]).await);
            sleep(Duration::from_secs(1)).await;
        }
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    };
    let (_, got) = tokio::join!(serve(gate(end), &seen), talk);
    assert_eq!(seen.targets().len(), 1);
    assert!(
        got.contains("HTTP/1.1 200 OK") && got.contains("in time (bad_request)"),
        "{got}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_ends_what_it_asked_for() {
    let (mut client, end) = duplex(1 << 20);
    let seen = Seen {
        hold: Some(Notify::new()),
        ..Seen::default()
    };
    let talk = async {
        client.write_all(GET.as_bytes()).await.unwrap();
        seen.arrived.notified().await;
        drop(client);
    };
    let (served, ()) = tokio::join!(serve(gate(end), &seen), talk);
    assert!(served.is_err(), "the answer is given up");
}

#[tokio::test]
async fn after_a_switch_bytes_pass_as_they_come() {
    let (mut client, end) = duplex(1 << 20);
    let mut gate = gate(end);
    let line = gate.line();
    client.write_all(GET.as_bytes()).await.unwrap();
    client.write_all(b"early\x00").await.unwrap();
    let mut head = vec![0; 1000];
    let count = gate.read(&mut head).await.unwrap();
    assert!(head[..count].starts_with(b"GET / HTTP/1.1\r\n"));
    assert_eq!(line.take_head().unwrap().target, "/a%2Fb?c");
    line.switched();
    client.write_all(b"\xff late").await.unwrap();
    drop(client);
    let mut rest = Vec::new();
    gate.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"early\x00\xff late");
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_is_waited_for_but_not_for_ever() {
    let (mut client, end) = duplex(16);
    let seen = Seen::default();
    let talk = async {
        client.write_all(b"bad\r\n\r\n").await.unwrap();
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        got
    };
    // The client never ends its side.
    let (served, got) = tokio::join!(serve(gate(end), &seen), talk);
    served.unwrap();
    assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
    drop(client);
}
