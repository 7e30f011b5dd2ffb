use proptest::prelude::*;

use super::*;

const GOOD: &str = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";

fn with(headers: &str) -> String {
    format!("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{headers}\r\n")
}

#[test]
fn an_ordinary_head_is_read() {
    let head = Head {
        method: "GET".to_owned(),
        target: "http://a.example/".to_owned(),
        host: Some("a.example".to_owned()),
        minor: 1,
        body: BodyEnd::Length(0),
        websocket: false,
        line_length: 32,
        length: GOOD.len(),
    };
    assert_eq!(inspect(GOOD.as_bytes()), Ok(head));
    for good in [
        "CONNECT a.example:443 HTTP/1.0\r\n\r\n".to_owned(),
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        with("Transfer-Encoding: Chunked\r\n"),
        with("Content-Length:5\r\n"),
        with("X-Latin: caf\u{e9}\r\nX-Empty:\r\nX-Tab: a\tb\r\n"),
        format!("{GOOD}GET http://b.example/ HTTP/1.1\r\n"),
    ] {
        assert!(
            inspect(good.as_bytes()).is_ok(),
            "{good:?}: {:?}",
            inspect(good.as_bytes())
        );
    }
}

#[test]
fn the_end_of_the_body_and_the_wish_for_a_websocket_are_read() {
    let read = |headers: &str| inspect(with(headers).as_bytes()).unwrap();
    assert_eq!(read("Content-Length: 5\r\n").body, BodyEnd::Length(5));
    assert_eq!(
        read("Transfer-Encoding: chunked\r\n").body,
        BodyEnd::Chunked
    );
    let text = GOOD.replace(
        "\r\n\r\n",
        "\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\r\n",
    );
    assert!(inspect(text.as_bytes()).unwrap().websocket);
}

#[test]
fn what_has_two_readings_is_refused() {
    let many = "X: y\r\n".repeat(MAX_HEADERS);
    for (bad, words) in [
        (with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "together"),
        (with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "together"),
        (with("Content-Length: 5\r\nContent-Length: 5\r\n"), "two Content-Length"),
        (with("Content-Length: 5\r\nContent-Length: 6\r\n"), "two Content-Length"),
        (with("Content-Length: 5, 5\r\n"), "no number"),
        (with("Content-Length: +5\r\n"), "no number"),
        (with("Content-Length: \r\n"), "no number"),
        (with("Content-Length: 99999999999999999999\r\n"), "no number"),
        (with("Transfer-Encoding: gzip, chunked\r\n"), "just chunked"),
        (with("Transfer-Encoding: identity, chunked\r\n"), "just chunked"),
        (with("Transfer-Encoding: identity\r\n"), "just chunked"),
        (with("Transfer-Encoding: chunked, chunked\r\n"), "just chunked"),
        (with("Transfer-Encoding: \u{b}chunked\r\n"), "control"),
        (with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "two Transfer"),
        (with("Transfer-Encoding : chunked\r\n"), "valid name"),
        (with("X: y\r\n folded: z\r\n"), "valid name"),
        (with("X: y\r\n\tfolded\r\n"), "valid name"),
        (with("no colon\r\n"), "valid name"),
        (with(": no name\r\n"), "valid name"),
        (with("Host: a.example\r\n"), "two Host"),
        (with("Upgrade: h2c\r\n"), "switched"),
        (with("Upgrade: websocket, h2c\r\n"), "switched"),
        (with("Upgrade: websocket\r\nUpgrade: websocket\r\n"), "switched"),
        (with("Upgrade: websocket\r\nConnection: upgrade\r\n"), "GET"),
        (GOOD.replace("\r\n\r\n", "\r\nUpgrade: websocket\r\n\r\n"), "names Upgrade"),
        (GOOD.replace("\r\n\r\n", "\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\n"), "without a body"),
        (with("HTTP2-Settings: AAMAAABk\r\n"), "switched"),
        (with("X: a\u{0}b\r\n"), "control"),
        (with("X: a\u{1b}[2Jb\r\n"), "control"),
        (with("X: a\nY: b\r\n"), "CR LF"),
        (with("X: a\rY: b\r\n"), "CR LF"),
        (with(&many), "100 header"),
        (GOOD.replace("\r\n", "\n"), "CR LF"),
        (GOOD.replacen("\r\n", "\n", 1), "CR LF"),
        ("GET http://a.example/ HTTP/1.1\r\n\r\n".to_owned(), "no Host"),
        (GOOD.replace("GET", "get"), "capital"),
        (GOOD.replace("GET", "Get"), "capital"),
        (GOOD.replace("GET", " GET"), "capital"),
        (GOOD.replace("GET ", "GET  "), "single spaces"),
        (GOOD.replace(" HTTP/1.1", ""), "single spaces"),
        (GOOD.replace("HTTP/1.1", "HTTP/1.2"), "version"),
        (GOOD.replace("HTTP/1.1", "HTTP/2.0"), "version"),
        (GOOD.replace("example/", "example/\u{fc}"), "printable ASCII"),
        (format!("\r\n{GOOD}"), "capital"),
        ("\u{16}\u{3}\u{1}".to_owned(), "capital"),
        ("GET / HTTP/1.1\r\n".to_owned(), "not whole"),
        ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 1\r\n\r\nx".to_owned(), "no body"),
        ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "no body"),
        ("POST http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "HTTP/1.0"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "version"),
    ] {
        let fault = inspect(bad.as_bytes()).expect_err(&bad);
        assert!(fault.words.contains(words), "{bad:?}: {}", fault.words);
        assert_eq!(fault.reason, crate::policy::Reason::BadRequest);
    }
}

async fn read(pieces: &[&[u8]]) -> (ReadHead, Vec<u8>) {
    let mut script = scripted(pieces);
    let mut buffer = Vec::new();
    let read = read_head(&mut script, &mut buffer, Duration::from_secs(5)).await;
    (read, buffer)
}

/// A reader that gives one piece a read, then the end.
fn scripted(pieces: &[&[u8]]) -> impl AsyncRead + Unpin + use<> {
    let (mut to, from) = tokio::io::duplex(1 << 20);
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    tokio::spawn(async move {
        for piece in pieces {
            if tokio::io::AsyncWriteExt::write_all(&mut to, &piece)
                .await
                .is_err()
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    from
}

#[tokio::test]
async fn a_head_is_whole_at_any_cut() {
    for cut in 1..GOOD.len() {
        let (first, second) = GOOD.as_bytes().split_at(cut);
        let (read, buffer) = read(&[first, second]).await;
        assert_eq!(read, ReadHead::Whole, "{cut}");
        assert_eq!(buffer, GOOD.as_bytes(), "{cut}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_or_is_no_client_is_not_waited_for() {
    assert_eq!(read(&[]).await.0, ReadHead::Left);
    assert_eq!(read(&[b"GET http://"]).await.0, ReadHead::Left);
    assert_eq!(read(&[b"\x16\x03\x01"]).await.0, ReadHead::Whole);
    let long = vec![b'A'; MAX_HEAD_BYTES + 1];
    assert!(matches!(read(&[&long]).await.0, ReadHead::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_refused_in_time() {
    let (to, mut from) = tokio::io::duplex(64);
    let mut buffer = Vec::new();
    let read = read_head(&mut from, &mut buffer, Duration::from_secs(5)).await;
    assert!(matches!(read, ReadHead::Refused(fault) if fault.words.contains("in time")));
    drop(to);
}

proptest! {
    #[test]
    fn no_bytes_make_the_inspection_fall(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(inspect(&bytes));
    }

    /// Whatever bytes are put into a good head, what passes has no bare line end and
    /// at most one header of each kind that decides its end.
    #[test]
    fn what_passes_has_one_framing(at in 0usize..GOOD.len(), piece in "(\r\n|\n|\r| |:|,|chunked|Transfer-Encoding:|Content-Length: 1|Host: b\r\n|\\PC){0,8}") {
        let mut text = GOOD.to_owned();
        text.insert_str(at, &piece);
        if inspect(text.as_bytes()).is_ok() {
            let head = text.split("\r\n\r\n").next().unwrap();
            prop_assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{:?}", head);
            for name in ["\r\nhost:", "\r\ncontent-length:", "\r\ntransfer-encoding:"] {
                prop_assert!(head.to_ascii_lowercase().matches(name).count() <= 1, "{:?}", head);
            }
        }
    }
}
