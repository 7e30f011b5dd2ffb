//! The agent's way to ask: which server its program is told of, and whether it answers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::spec::{McpServer, layout};

/// How long the server may take: it is a process on the same machine.
const LIMIT: Duration = Duration::from_secs(3);
/// More than the answer to a ping.
const MAX_ANSWER_BYTES: u64 = 4 * 1024;
const PING: &str = r#"{"jsonrpc":"2.0","id":"start","method":"ping"}"#;

/// Why the server of the agent's tools does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskingError {
    /// The port or the door behind it.
    #[error("reach the supervise sidecar on port {port}: {source}")]
    Unreachable {
        port: u16,
        #[source]
        source: std::io::Error,
    },
    /// It takes too long.
    #[error("hear from the supervise sidecar within {} s", LIMIT.as_secs())]
    Silent,
    /// Something else is there.
    #[error("understand what the supervise sidecar answers to a ping")]
    Strange,
}

/// The servers that Claude Code is told of: ours, where the agent may ask, and those of
/// the bottle. None of them can take the name of ours.
pub(super) fn servers(asks: Asks, others: &BTreeMap<String, McpServer>) -> Value {
    let mut servers: Map<String, Value> = others
        .iter()
        .map(|(name, server)| (name.clone(), written(server)))
        .collect();
    if asks == Asks::Yes {
        let server = json!({ "type": "http", "url": layout::mcp_url() });
        servers.insert(layout::MCP_NAME.to_owned(), server);
    }
    json!({ "mcpServers": servers })
}

/// A server in the form of Claude Code's `--mcp-config`.
fn written(server: &McpServer) -> Value {
    match server {
        McpServer::Http { url } => json!({ "type": "http", "url": url }),
        McpServer::Stdio { command, env } => {
            let (program, arguments) = command.split_first().unzip();
            json!({
                "type": "stdio",
                "command": program.map_or("", String::as_str),
                "args": arguments.unwrap_or_default(),
                "env": env,
            })
        }
    }
}

/// Whether the agent may ask for what it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// It may, on its door.
    Yes,
    /// It may not.
    No,
}

/// Asks the server behind a loopback port whether it is there, as the program will.
///
/// # Errors
/// [`AskingError`].
pub(super) async fn check(port: u16) -> Result<(), AskingError> {
    let answer = timeout(LIMIT, ping(port))
        .await
        .map_err(|_| AskingError::Silent)?
        .map_err(|source| AskingError::Unreachable { port, source })?;
    let text = String::from_utf8_lossy(&answer);
    let answers = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        head.starts_with("HTTP/1.1 200 ") && message.get("result") == Some(&json!({}))
    });
    answers.then_some(()).ok_or(AskingError::Strange)
}

async fn ping(port: u16) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nAccept: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{PING}",
        PING.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn checked(answer: &'static str) -> Result<(), AskingError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; PING.len()];
            while !request.ends_with(PING.as_bytes()) {
                request.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (checked, ()) = tokio::join!(check(port), serve);
        checked
    }

    #[tokio::test]
    async fn only_an_answer_to_the_ping_is_one() {
        let good = "HTTP/1.1 200 OK\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"start\",\"result\":{}}\n";
        assert!(checked(good).await.is_ok());
        for strange in [
            "",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n{\"error\":{}}",
            "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"result\":{}}",
        ] {
            let checked = checked(strange).await;
            assert!(matches!(checked, Err(AskingError::Strange)), "{strange}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_listen_or_answer_is_told() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(check(port).await, Err(AskingError::Silent)));
        drop(listener);
        let checked = check(port).await;
        assert!(matches!(checked, Err(AskingError::Unreachable { .. })));
    }
}
