//! Requests and answers that have more than one reading, or want to be more than one.

use std::io::{Read as _, Write as _};

use super::speech::{Got, read_head, tls_line};
use super::stage::{Stage, get, get_with, latin, post};
use super::{Row, Trial, nothing};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 24,
        threat: "Request smuggling",
        twins: smuggling,
    },
    Row {
        number: 25,
        threat: "Response splitting, early or extra responses",
        twins: splitting,
    },
    Row {
        number: 26,
        threat: "Upgrade: h2c, WebSocket, CONNECT inside TLS",
        twins: upgrades,
    },
    Row {
        number: 27,
        threat: "WebSocket exfiltration",
        twins: web_sockets,
    },
    Row {
        number: 29,
        threat: "Redirects",
        twins: redirects,
    },
    Row {
        number: 30,
        threat: "Path and method rule bypass",
        twins: paths,
    },
    Row {
        number: 32,
        threat: "Gists, publishing, pushes: writes to read-only places",
        twins: presets,
    },
    Row {
        number: 43,
        threat: "Huge headers",
        twins: huge_headers,
    },
    Row {
        number: 53,
        threat: "Headers that leak inside facts",
        twins: inside_facts,
    },
    Row {
        number: 56,
        threat: "Inbound: oversized or malformed answers",
        twins: inbound,
    },
    Row {
        number: 57,
        threat: "Plain HTTP left unfiltered beside CONNECT",
        twins: plain_http,
    },
];

/// What comes behind a first request whose end is in doubt: a second, to a path that no
/// route allows.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: framed.test\r\n\r\n";

/// Framings that two servers may read in two ways, each with a body that hides a request
/// from one of them. Between `POST target HTTP/1.1, Host` and the end.
const AMBIGUOUS: &[&str] = &[
    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n{}",
    "Content-Length: 0\r\nContent-Length: 44\r\n\r\n{}",
    "Content-Length: 44\r\nContent-Length: 0\r\n\r\n{}",
    "Content-Length: 0, 44\r\n\r\n{}",
    "Content-Length: +0\r\n\r\n{}",
    "Content-Length: -1\r\n\r\n{}",
    "Content-Length: 0x0\r\n\r\n{}",
    "Content-Length: 0 0\r\n\r\n{}",
    "Content-Length: \r\n\r\n{}",
    "Content-Length: 99999999999999999999\r\n\r\n{}",
    "Content-Length : 44\r\n\r\n{}",
    " Content-Length: 44\r\n\r\n{}",
    "Content-Length\t: 44\r\n\r\n{}",
    "Content-Length: 44\0\r\n\r\n{}",
    "Content_Length: 44\r\nContent-Length: 0 \u{b}\r\n\r\n{}",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: identity\r\n\r\n{}",
    "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{}",
    "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{}",
    "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
    "X: y\n\n{}",
    "Content-Length: 0\n\n{}",
    "Transfer-Encoding: chunked\r\n\r\n0\n\n{}",
    "Transfer-Encoding: chunked\r\n\r\n0;a\n\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n0;\"\r\n\r\n\"{}",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nZZ0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nZ0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n 0\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 44\r\nX\n\n{}",
];

/// First lines that two servers may read in two ways.
const LINES: &[&str] = &[
    "POST {} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    "POST {} HTTP/0.9\r\n",
    "POST {} HTTP/2.0\r\n",
    "POST {} HTTP/1.2\r\n",
    "POST {} http/1.1\r\n",
    "POST {} HTTP/1.1 HTTP/1.1\r\n",
    "POST {}  HTTP/1.1\r\n",
    "POST\t{}\tHTTP/1.1\r\n",
    " POST {} HTTP/1.1\r\n",
    "POST {}\r\n",
    "P\u{1}ST {} HTTP/1.1\r\n",
];

fn is_hidden(seen: &super::world::Seen, _got: &Got) -> bool {
    !seen.has_heard("/hidden") && seen.times(" HTTP/1.1\r\n") <= 1
}

fn smuggling(trial: &mut Trial<'_>) {
    let place = "framed.test:443";
    let framings = AMBIGUOUS.iter().map(|framing| {
        let framing = framing.replace("{}", HIDDEN);
        ("POST {} HTTP/1.1\r\n".to_owned(), framing)
    });
    let lines = LINES.iter().map(|line| {
        let framing = format!("Content-Length: 0\r\n\r\n{HIDDEN}");
        ((*line).to_owned(), framing)
    });
    for (line, framing) in framings.chain(lines) {
        let whole = |target: &str| {
            let line = line.replace("{}", target);
            format!("{line}Host: framed.test\r\n{framing}")
        };
        let words = format!("{line}{framing}").replace(HIDDEN, "");
        let (inside, plain) = (whole("/public/a"), whole("http://framed.test/public/a"));
        let plain = plain.replace("GET /hidden", "GET http://framed.test/hidden");
        let what = words.escape_debug().to_string();
        trial.deny(
            &format!("https {what}"),
            |stage| stage.https(place, &inside),
            is_hidden,
        );
        trial.deny(
            &format!("http {what}"),
            |stage| stage.http(&plain),
            is_hidden,
        );
    }
    // The same two requests where both are allowed and their border is clear.
    let second = get("framed.test", "/public/b");
    for framing in [
        "Content-Length: 2\r\n\r\nok",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let both = format!("POST /public/a HTTP/1.1\r\nHost: framed.test\r\n{framing}{second}");
        trial.allow(
            &framing.escape_debug().to_string(),
            |stage| stage.https(place, &both),
            |seen, _| seen.has_heard("POST /public/a") && seen.has_heard("GET /public/b"),
        );
    }
    let both = "GET http://framed.test/public/a HTTP/1.1\r\nHost: framed.test\r\n\r\n\
         GET http://framed.test/public/b HTTP/1.1\r\nHost: framed.test\r\nConnection: close\r\n\r\n";
    trial.allow(
        "two in plain HTTP",
        |stage| stage.http(both),
        |seen, _| seen.has_heard("GET /public/a") && seen.has_heard("GET /public/b"),
    );
}

/// Answers one path so, asks for it, and then for another: what an upstream connection
/// held back would come there.
fn answered(stage: &Stage, pieces: &[&str]) -> Got {
    let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
    stage.world.borrow_mut().replies("/odd", &pieces, 1, false);
    let (first, last) = (get("other.test", "/odd"), get("other.test", "/after"));
    let mut got = stage.https("other.test:443", &first);
    for _ in 0..2 {
        // All that was sent too much is there before the next request.
        drop(stage.seen());
        got.text += &stage.https("other.test:443", &last).text;
    }
    got
}

fn splitting(trial: &mut Trial<'_>) {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let poison = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED";
    let storm = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(100);
    let cases: [(&str, &[&str]); 8] = [
        ("two answers", &[whole, poison]),
        ("two at once", &[&format!("{whole}{poison}")]),
        (
            "more than Content-Length",
            &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokPOISONED"],
        ),
        (
            "a body on 204",
            &["HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nPOISONED"],
        ),
        (
            "a body on 304",
            &["HTTP/1.1 304 Not Modified\r\nContent-Length: 8\r\n\r\nPOISONED"],
        ),
        (
            "two lengths",
            &["HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 8\r\n\r\nPOISONED"],
        ),
        ("a storm of interim answers", &[&storm, poison]),
        (
            "behind the last chunk",
            &[
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                poison,
            ],
        ),
    ];
    for (what, pieces) in cases {
        trial.deny(
            what,
            |stage| answered(stage, pieces),
            |_, got| !got.text.contains("POISONED"),
        );
    }
    let hint = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(2);
    let fine = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nMEDICINE";
    for (what, pieces) in [
        ("one answer", &[fine][..]),
        ("two interim answers", &[&hint, fine]),
    ] {
        trial.allow(
            what,
            |stage| answered(stage, pieces),
            |_, got| got.text.contains("MEDICINE"),
        );
    }
}

const WEBSOCKET: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

fn upgrade(host: &str, path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n\r\n")
}

/// Opens a WebSocket, and sends a frame once upstream agreed.
fn web_socket(stage: &Stage, path: &str, frame: &[u8]) -> Got {
    let mut got = Got::default();
    let mut stream = match tls_line(&stage.arms, &stage.client, "ws.test:443", &mut got) {
        Ok(stream) => stream,
        Err(error) => {
            got.error = Some(error);
            return got;
        }
    };
    stream
        .write_all(upgrade("ws.test", path, WEBSOCKET).as_bytes())
        .unwrap();
    got.text = read_head(&mut stream);
    // Where it was refused, the connection is gone.
    drop(stream.write_all(frame));
    drop(stream.flush());
    stream.conn.send_close_notify();
    drop(stream.flush());
    stream.sock.finish();
    // How it ends says nothing.
    drop(stream.read_to_end(&mut Vec::new()));
    got
}

/// A masked text frame of this text, with the mask 0 (RFC 6455, 5.2).
fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn upgrades(trial: &mut Trial<'_>) {
    let h2c = upgrade(
        "allowed.test",
        "/",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    );
    trial.deny(
        "h2c",
        |stage| stage.https("allowed.test:443", &h2c),
        |seen, _| !seen.has_heard("h2c") && !seen.has_heard("http2-settings"),
    );
    trial.deny_https(
        "allowed.test:443",
        "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
    );
    trial.deny_https(
        "allowed.test:443",
        "CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test\r\n\r\n",
    );
    trial.deny_https("allowed.test:443", &upgrade("allowed.test", "/", WEBSOCKET));
    let tls = upgrade(
        "allowed.test",
        "/",
        "Upgrade: TLS/1.2\r\nConnection: Upgrade",
    );
    trial.deny(
        "TLS/1.2",
        |stage| stage.https("allowed.test:443", &tls),
        |seen, _| !seen.has_heard("TLS/1.2"),
    );
    trial.deny(
        "a request behind an upgrade that upstream does not agree to",
        |stage| {
            let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stage
                .world
                .borrow_mut()
                .replies("/socket/never", &[ok], 1, false);
            let hidden = get("ws.test", "/hidden");
            let both = format!("{}{hidden}", upgrade("ws.test", "/socket/never", WEBSOCKET));
            stage.https("ws.test:443", &both)
        },
        |seen, _| !seen.has_heard("/hidden"),
    );
    trial.deny(
        "the same, sent after the refusal",
        |stage| web_socket(stage, "/socket/never", get("ws.test", "/hidden").as_bytes()),
        |seen, _| seen.has_heard("/socket/never") && !seen.has_heard("/hidden"),
    );
    trial.allow(
        "a WebSocket where the route says so",
        |stage| web_socket(stage, "/socket/a", &frame("vintage")),
        |seen, _| seen.has_heard("GET /socket/a") && seen.has_heard("vintage"),
    );
}

fn web_sockets(trial: &mut Trial<'_>) {
    for host in ["allowed.test", "narrow.test"] {
        let request = upgrade(host, "/public/a", WEBSOCKET);
        trial.deny_https(&format!("{host}:443"), &request);
    }
    trial.deny(
        "where the route allows another path",
        |stage| web_socket(stage, "/elsewhere", &frame("vintage")),
        nothing,
    );
    let leaking = format!("/socket/a?{}", super::KEY);
    trial.deny(
        "a secret in the opening",
        |stage| web_socket(stage, &leaking, &frame("vintage")),
        |seen, _| !seen.has_heard(super::KEY),
    );
    trial.allow(
        "a harmless opening where the route says so",
        |stage| web_socket(stage, "/socket/a?vintage", &frame("a good year")),
        |seen, _| seen.has_heard("a good year"),
    );
}

fn redirect(stage: &Stage, to: &str, host: &str) -> Got {
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    stage
        .world
        .borrow_mut()
        .reply("/away", &[answer.as_bytes()]);
    let mut got = stage.https("allowed.test:443", &get("allowed.test", "/away"));
    // And as a client does that follows.
    got.text += &stage
        .https(&format!("{host}:443"), &get(host, "/followed"))
        .text;
    got
}

fn redirects(trial: &mut Trial<'_>) {
    for (to, host) in [
        ("https://evil.test/followed", "evil.test"),
        ("http://169.254.169.254/followed", "169.254.169.254"),
        ("//evil.test/followed", "evil.test"),
    ] {
        trial.deny(
            to,
            |stage| redirect(stage, to, host),
            |seen, _| {
                seen.has_heard("/away") && !seen.has_heard("/followed") && !seen.has_asked("evil")
            },
        );
    }
    trial.allow(
        "to a place that a route allows",
        |stage| redirect(stage, "https://other.test/followed", "other.test"),
        |seen, _| seen.times("GET /followed") == 1,
    );
}

/// Paths that some server reads as one outside `/public`.
const CLIMBING: &[&str] = &[
    "/secret",
    "/public/../secret",
    "/public/..",
    "/public/%2e%2e/secret",
    "/public/.%2e/secret",
    "/public/%2E%2E/secret",
    "/public%2f..%2fsecret",
    "/public/..%2fsecret",
    "/public/%2e%2e%2fsecret",
    "/public/%252e%252e/secret",
    "/public/..;/secret",
    "/public/;/../secret",
    "/public/..%5csecret",
    "/public\\..\\secret",
    "/public/..\\secret",
    "//secret",
    "//public/../secret",
    "/public/a%00/../../secret",
    "/public/%c0%ae%c0%ae/secret",
    "/public/%uff0e%uff0e/secret",
    "/public/a#/../../secret",
    "/public/./../secret",
    "/PUBLIC/a",
    "/public",
    "/publicly/a",
    "/secret?/public/a",
    "/secret#/public/a",
    "/public/\u{c3}\u{bc}",
    "secret",
    "*",
    "/%70ublic/../secret",
];

fn paths(trial: &mut Trial<'_>) {
    for path in CLIMBING {
        trial.deny_https("narrow.test:443", &get("narrow.test", path));
        let plain = get("narrow.test", path).replacen("GET ", "GET http://narrow.test", 1);
        trial.deny_http(&plain);
    }
    for method in [
        "POST", "PUT", "DELETE", "get", "Get", "GETT", "TRACE", "PROPFIND", "CONNECT", "HEAD",
    ] {
        let request = get("narrow.test", "/public/a").replacen("GET", method, 1);
        trial.deny_https("narrow.test:443", &request);
    }
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ] {
        let header = format!("{name}: DELETE");
        trial.deny_https(
            "narrow.test:443",
            &get_with("narrow.test", "/public/a", &header),
        );
    }
    trial.allow_https("narrow.test:443", &get("narrow.test", "/public/a"));
    trial.allow_https("narrow.test:443", &get("narrow.test", "/public/a?b=c"));
    let header = "X-HTTP-Method-Override: GET";
    trial.allow_https(
        "narrow.test:443",
        &get_with("narrow.test", "/public/a", header),
    );
    trial.allow_https(
        "allowed.test:443",
        &get_with("allowed.test", "/", "X-HTTP-Method-Override: DELETE"),
    );
}

fn presets(trial: &mut Trial<'_>) {
    let presets = super::presets();
    for (name, preset) in presets.as_object().unwrap() {
        for route in preset["routes"].as_array().unwrap() {
            let host = route["host"].as_str().unwrap();
            let place = format!("{host}:443");
            let pattern = route["paths"][0].as_str().unwrap_or("/x");
            let path = pattern.replace('*', "x");
            let method = route["methods"][0].as_str().unwrap();
            let ask = |method: &str, path: &str| post(host, path, "x").replacen("POST", method, 1);
            for method in ["PUT", "PATCH", "DELETE"] {
                trial.deny_https(&place, &ask(method, &path));
            }
            let uploads = [
                "/gists",
                "/user/repos",
                "/legacy/",
                "/-/npm/v1/tokens",
                "/v1/files",
                "/x/x/git-receive-pack",
            ];
            for path in uploads {
                trial.deny_https(&place, &ask("POST", path));
            }
            if method == "GET" && name != "anthropic" {
                trial.deny_https(&place, &ask("POST", &path.replace("git-upload-pack", "x")));
                trial.deny_https(
                    &place,
                    &get(host, "/x/x/info/refs?service=git-receive-pack"),
                );
                trial.allow_https(&place, &get(host, &path));
            } else {
                trial.allow_https(&place, &ask(method, &path));
            }
        }
    }
}

/// So many header lines.
fn headers(count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|at| format!("X-{at}: y\r\n")).collect();
    lines.concat()
}

fn huge_headers(trial: &mut Trial<'_>) {
    let many = headers;
    let long = |bytes: usize| format!("X-Long: {}\r\n", "y".repeat(bytes));
    for header in [many(101), long(64 * 1024), long(600 * 1024)] {
        let request = get_with("allowed.test", "/", header.trim_end());
        trial.deny(
            &format!("{} bytes of headers", header.len()),
            |stage| stage.https("allowed.test:443", &request),
            nothing,
        );
        let request = request.replacen("GET /", "GET http://plain.test/", 1);
        let request = request.replacen("Host: allowed.test", "Host: plain.test", 1);
        trial.deny_http(&request);
    }
    let request = get(&"a".repeat(70 * 1024), "/");
    trial.deny(
        "a long name",
        |stage| stage.https("allowed.test:443", &request),
        nothing,
    );
    for header in [many(90), long(32 * 1024)] {
        let request = get_with("allowed.test", "/fits", header.trim_end());
        trial.allow_https("allowed.test:443", &request);
    }
}

fn inside_facts(trial: &mut Trial<'_>) {
    const FACTS: &[&str] = &[
        "Via: 1.1 inside",
        "Forwarded: for=inside",
        "X-Forwarded-For: inside",
        "X-Forwarded-Host: inside",
        "X-Forwarded-Proto: inside",
        "X-Forwarded-Port: inside",
        "X-Real-IP: inside",
        "Proxy-Connection: inside",
        "Proxy-Authorization: Basic inside",
        "Proxy-Authenticate: inside",
        "Keep-Alive: inside",
        "TE: inside",
    ];
    for header in FACTS {
        trial.deny(
            header,
            |stage| {
                stage.https(
                    "allowed.test:443",
                    &get_with("allowed.test", "/facts", header),
                )
            },
            |seen, _| !seen.has_heard("inside"),
        );
    }
    let own = ["via:", "forwarded", "x-real-ip", "proxy-", "cellar"];
    trial.deny(
        "what the proxy adds",
        |stage| stage.https("allowed.test:443", &get("allowed.test", "/facts")),
        |seen, _| {
            let heard: String = seen
                .heard
                .iter()
                .map(|heard| heard.text.to_lowercase())
                .collect();
            heard.contains("/facts") && !own.iter().any(|word| heard.contains(word))
        },
    );
    trial.allow(
        "an ordinary header",
        |stage| {
            stage.https(
                "allowed.test:443",
                &get_with("allowed.test", "/facts", "X-Plain: outside"),
            )
        },
        |seen, _| seen.has_heard("outside"),
    );
}

fn inbound(trial: &mut Trial<'_>) {
    let get_it = |stage: &Stage, pieces: &[&[u8]], times: u64| {
        stage
            .world
            .borrow_mut()
            .replies("/inbound", pieces, times, true);
        stage.https("allowed.test:443", &get("allowed.test", "/inbound"))
    };
    let many: String = headers(500);
    for (what, header) in [
        ("500 headers", many),
        (
            "a header of 1 MiB",
            format!("X: {}\r\n", "y".repeat(1 << 20)),
        ),
        ("a NUL in a header", "X: a\0b\r\n".to_owned()),
        ("a folded header", "X: a\r\n b\r\n".to_owned()),
        (
            "a bad chunk",
            "Transfer-Encoding: chunked\r\n\r\nZZ\r\n".to_owned(),
        ),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\n{header}Content-Length: 5\r\n\r\nFINAL");
        trial.deny(
            what,
            |stage| get_it(stage, &[answer.as_bytes()], 1),
            |seen, got| seen.has_heard("/inbound") && !got.text.contains("FINAL"),
        );
    }
    let event = format!(": ping\n\ndata: {}\n\n", "y".repeat(64 * 1024));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    trial.allow(
        "an event of 64 KiB and a ping",
        |stage| get_it(stage, &[head.as_bytes(), event.as_bytes()], 1),
        |_, got| got.text.contains(": ping\n\n") && got.text.matches('y').count() >= 64 * 1024,
    );
    // More than all the memory that the sidecar has.
    let (head, piece) = (
        "HTTP/1.1 200 OK\r\nContent-Length: 167772160\r\n\r\n",
        vec![b'y'; 1 << 20],
    );
    trial.allow(
        "160 MiB, which the sidecar cannot hold",
        |stage| get_it(stage, &[head.as_bytes(), &piece], 160),
        |_, got| got.text.len() > 160 << 20,
    );
}

fn plain_http(trial: &mut Trial<'_>) {
    let ask = |line: &str, host: &str| format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for (line, host) in [
        ("GET http://evil.test/", "evil.test"),
        ("GET http://evilplain.test/", "evilplain.test"),
        ("GET http://plain.test:8080/", "plain.test:8080"),
        ("GET http://plain.test:443/", "plain.test:443"),
        ("GET http://allowed.test/", "allowed.test"),
        ("GET http://narrow.test/secret", "narrow.test"),
        ("DELETE http://narrow.test/public/a", "narrow.test"),
        ("GET http://plaincred.test/", "plaincred.test"),
        ("GET http://93.184.215.14/", "93.184.215.14"),
        (
            &format!("GET http://plain.test/?{}", super::KEY),
            "plain.test",
        ),
    ] {
        trial.deny_http(&ask(line, host));
    }
    let web_socket = upgrade("plain.test", "http://plain.test/", WEBSOCKET);
    trial.deny_http(&web_socket);
    let body = post("plain.test", "http://plain.test/", super::KEY);
    trial.deny(
        "a secret in a body",
        |stage| super::speech::plain(&stage.arms, &latin(&body)),
        |seen, _| !seen.has_heard(super::KEY),
    );
    trial.allow_http(
        &ask("GET http://plain.test/?vintage", "plain.test"),
        "GET /?vintage",
    );
    trial.allow_http(
        &ask("GET http://narrow.test/public/a", "narrow.test"),
        "GET /public/a",
    );
    trial.allow_http(
        &post("plain.test", "http://plain.test/", "a good year"),
        "a good year",
    );
}
