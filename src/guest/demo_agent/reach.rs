//! What the demo's agent does on its loopback doors.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::stage::tame;

const LIMIT: Duration = Duration::from_secs(20);
/// How often is looked for news.
const PACE: Duration = Duration::from_secs(1);
const MAX_REPLY_BYTES: u64 = 64 * 1024;

/// What a door answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Why a door did not answer. The text is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReachError {
    #[error("nothing listens on 127.0.0.1:{port}: this is no bottle, or its sidecar is down")]
    NoDoor { port: u16 },
    #[error("the door on 127.0.0.1:{port} did not answer in time")]
    Silent { port: u16 },
    #[error("the door on 127.0.0.1:{port} gave no HTTP answer")]
    NoAnswer { port: u16 },
}

/// A host and port as they are typed: `example.com` or `example.com:8443`.
pub(super) fn place(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic();
    if text.is_empty() || text.len() > 300 || !text.chars().all(plain) {
        return None;
    }
    Some(if text.contains(':') {
        text.to_owned()
    } else {
        format!("{text}:443")
    })
}

/// Asks the proxy for a tunnel and hangs up.
pub(super) async fn tunnel(port: u16, place: &str) -> Result<Reply, ReachError> {
    ask(
        port,
        &format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n"),
    )
    .await
}

/// Reads the page that says what this bottle may do.
pub(super) async fn page(port: u16) -> Result<Reply, ReachError> {
    let host = format!("127.0.0.1:{port}");
    ask(
        port,
        &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    )
    .await
}

/// Asks the operator for a host, through the tool that every agent has; gives what the
/// tool said.
pub(super) async fn request(port: u16, host: &str, reason: &str) -> Result<String, ReachError> {
    let call = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "request_route", "arguments": {
            "host": host, "methods": ["GET"], "reason": reason,
        }},
    })
    .to_string();
    let length = call.len();
    let reply = ask(
        port,
        &format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{call}"
        ),
    )
    .await?;
    let said: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
    let text = said.pointer("/result/content/0/text");
    let text = text.and_then(|text| text.as_str());
    Ok(tame(text.ok_or(ReachError::NoAnswer { port })?))
}

/// Waits until the operator has answered what was asked for; gives that in words.
/// Cancel-safe but for an answer that is just being read.
pub(super) async fn news(port: u16) -> String {
    let request =
        format!("GET /news HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    loop {
        if let Ok(reply) = ask(port, &request).await
            && reply.status == 200
        {
            return reply.body;
        }
        sleep(PACE).await;
    }
}

async fn ask(port: u16, request: &str) -> Result<Reply, ReachError> {
    timeout(LIMIT, exchange(port, request))
        .await
        .unwrap_or(Err(ReachError::Silent { port }))
}

async fn exchange(port: u16, request: &str) -> Result<Reply, ReachError> {
    let connected = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = connected.map_err(|_| ReachError::NoDoor { port })?;
    let sent = stream.write_all(request.as_bytes()).await;
    sent.map_err(|_| ReachError::NoAnswer { port })?;
    let mut bytes = Vec::new();
    let mut from = stream.take(MAX_REPLY_BYTES);
    // An open tunnel says no more; anything else is read to its end.
    while !bytes.starts_with(b"HTTP/1.1 200 Connection") {
        match from.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    read(&bytes).ok_or(ReachError::NoAnswer { port })
}

fn read(bytes: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(bytes);
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Some(Reply {
        status,
        body: tame(body).trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn answered(answer: &'static str) -> Result<Reply, ReachError> {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let serve = async {
            let (mut stream, _) = door.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut asked).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            // An open tunnel stays open.
            if answer.contains("200") {
                drop(stream.read_buf(&mut asked).await);
            }
        };
        tokio::join!(tunnel(port, "a.example:443"), serve).0
    }

    #[tokio::test]
    async fn an_answer_is_read_without_what_a_terminal_obeys() {
        let reply = answered("HTTP/1.1 403 Forbidden\r\nx: y\r\n\r\nno\x1b[2J way\n").await;
        let body = "no[2J way".to_owned();
        assert_eq!(reply.unwrap(), Reply { status: 403, body });
        let reply = answered("HTTP/1.1 200 Connection established\r\n\r\n").await;
        assert_eq!(reply.unwrap().status, 200);
        assert!(matches!(
            answered("nonsense").await,
            Err(ReachError::NoAnswer { .. })
        ));
    }

    #[test]
    fn a_typed_place_gets_the_usual_port_and_no_white_space() {
        assert_eq!(place("a.example").as_deref(), Some("a.example:443"));
        assert_eq!(place("a.example:22").as_deref(), Some("a.example:22"));
        for bad in ["", "a b", "a\r\nb", "bücher.de"] {
            assert_eq!(place(bad), None, "{bad:?}");
        }
    }
}
