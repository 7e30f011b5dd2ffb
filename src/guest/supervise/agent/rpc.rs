//! JSON-RPC 2.0 as the Model Context Protocol uses it: one message in, one answer out.
//!
//! Nothing is remembered between two messages, so every version that has `initialize` is
//! served alike. The client library of Claude Code 2.1 asks first by a method that only
//! later versions have; it is told which versions are here, and falls back to them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Agent;
use super::tools::{self, Called, Outcome, Wait};
use crate::pty::one_line;

/// The versions that are spoken, newest first.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// The longest id that is said back.
const MAX_ID_BYTES: usize = 256;
/// How much of a name that is not known is said back.
const MAX_QUOTED_CHARS: usize = 64;

/// What a message comes to.
pub(super) enum Answered {
    /// There is nothing to say: a notification.
    Nothing,
    /// It is no message.
    Broken(Message),
    /// An answer.
    Now(Reply),
    /// An answer once a request is over.
    Later(Waiting),
}

/// An answer, and the requests whose end it tells of.
pub(super) struct Reply {
    pub(super) message: Message,
    pub(super) read: Vec<u64>,
}

/// A call that waits.
pub(super) struct Waiting {
    id: Value,
    wait: Wait,
}

/// One answer as it is written.
#[derive(Debug, Serialize)]
pub(super) struct Message {
    jsonrpc: &'static str,
    id: Value,
    #[serde(flatten)]
    content: Content,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Result(Value),
    Error(RpcError),
}

/// The error of a message that cannot be answered.
#[derive(Debug, Serialize)]
struct RpcError {
    code: Code,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

#[derive(Clone, Copy, Debug)]
enum Code {
    Parse,
    Invalid,
    NoMethod,
    Params,
    /// No version in common (MCP from 2026-07-28 on).
    Version,
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i32(match self {
            Self::Parse => -32_700,
            Self::Invalid => -32_600,
            Self::NoMethod => -32_601,
            Self::Params => -32_602,
            Self::Version => -32_022,
        })
    }
}

impl RpcError {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }
}

impl Message {
    const fn result(id: Value, result: Value) -> Self {
        Self {
            jsonrpc: "2.0",
            id,
            content: Content::Result(result),
        }
    }

    const fn error(id: Value, error: RpcError) -> Self {
        Self {
            jsonrpc: "2.0",
            id,
            content: Content::Error(error),
        }
    }
}

impl Waiting {
    /// Waits until the request is over, or as long as was asked for.
    pub(super) async fn over(self) -> Reply {
        let outcome = self.wait.over().await;
        reply(self.id, outcome)
    }
}

/// Answers one message, which says itself to be of a version if it is not the first.
pub(super) async fn answer(body: &[u8], version: Option<&[u8]>, agent: &Arc<Agent>) -> Answered {
    let call = match understand(body) {
        Ok(Some(call)) => call,
        Ok(None) => return Answered::Nothing,
        Err(error) => return Answered::Broken(Message::error(Value::Null, error)),
    };
    let Call { id, method, params } = call;
    let spoken = |version: &[u8]| VERSIONS.iter().any(|known| known.as_bytes() == version);
    if let Some(version) = version.filter(|version| !spoken(version)) {
        return Answered::Broken(Message::error(id, foreign(version)));
    }
    let result = match method.as_str() {
        "initialize" => Ok(welcome(&params)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({ "tools": tools::list() })),
        "tools/call" => return call_tool(id, params, agent).await,
        other => Err(RpcError::new(
            Code::NoMethod,
            format!(
                "there is no method {}; there are initialize, ping, tools/list and tools/call",
                quoted(other)
            ),
        )),
    };
    let message = match result {
        Ok(result) => Message::result(id, result),
        Err(error) => Message::error(id, error),
    };
    let read = Vec::new();
    Answered::Now(Reply { message, read })
}

struct Call {
    id: Value,
    method: String,
    params: Value,
}

/// Reads a message; `None` for what wants no answer.
fn understand(body: &[u8]) -> Result<Option<Call>, RpcError> {
    let broken = |message: &str| RpcError::new(Code::Invalid, message);
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let message = format!("the message is no JSON: {error}");
        RpcError::new(Code::Parse, message)
    })?;
    if value.is_array() {
        return Err(broken("the message is a batch; send one message at a time"));
    }
    let Value::Object(mut fields) = value else {
        return Err(broken("the message is no JSON object"));
    };
    if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(broken("the message lacks \"jsonrpc\": \"2.0\""));
    }
    let id = fields.remove("id");
    let method = match fields.remove("method") {
        Some(Value::String(method)) => method,
        // An answer to something that was never asked.
        None if fields.contains_key("result") || fields.contains_key("error") => return Ok(None),
        Some(_) | None => return Err(broken("the message names no method")),
    };
    let Some(id) = id else {
        return Ok(None);
    };
    let is_short = |text: &str| text.len() <= MAX_ID_BYTES;
    if !(id.as_str().is_some_and(is_short) || id.is_i64() || id.is_u64()) {
        return Err(broken(
            "the id of a message is a whole number, or a text of at most 256 bytes",
        ));
    }
    let params = fields.remove("params").unwrap_or(Value::Null);
    Ok(Some(Call { id, method, params }))
}

fn foreign(version: &[u8]) -> RpcError {
    let requested = quoted(&String::from_utf8_lossy(version));
    RpcError {
        code: Code::Version,
        message: format!("version {requested} is not spoken here; one of data.supported is"),
        data: Some(json!({ "supported": VERSIONS, "requested": requested })),
    }
}

/// The answer to `initialize`: the version that was asked for, or else the newest.
fn welcome(params: &Value) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let [newest, ..] = VERSIONS;
    let known = VERSIONS.into_iter().find(|version| Some(*version) == asked);
    json!({
        "protocolVersion": known.unwrap_or(newest),
        "capabilities": { "tools": {} },
        "serverInfo": {
            "name": "cellar",
            "title": "Cellar",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "instructions": tools::INSTRUCTIONS,
    })
}

async fn call_tool(id: Value, params: Value, agent: &Arc<Agent>) -> Answered {
    let (name, arguments) = match named(params) {
        Ok(named) => named,
        Err(error) => {
            let message = Message::error(id, error);
            let read = Vec::new();
            return Answered::Now(Reply { message, read });
        }
    };
    match tools::call(&name, arguments, agent).await {
        Ok(Called::Done(outcome)) => Answered::Now(reply(id, outcome)),
        Ok(Called::Waits(wait)) => Answered::Later(Waiting { id, wait }),
        Err(unknown) => {
            let message = Message::error(id, RpcError::new(Code::Params, unknown.to_string()));
            let read = Vec::new();
            Answered::Now(Reply { message, read })
        }
    }
}

fn named(params: Value) -> Result<(String, Value), RpcError> {
    let wrong = || {
        let message = "the params of tools/call are {\"name\": \"…\", \"arguments\": {…}}";
        RpcError::new(Code::Params, message)
    };
    let Value::Object(mut params) = params else {
        return Err(wrong());
    };
    let Some(Value::String(name)) = params.remove("name") else {
        return Err(wrong());
    };
    let arguments = params.remove("arguments");
    Ok((name, arguments.unwrap_or_else(|| Value::Object(Map::new()))))
}

/// What went wrong in a tool is for the model to read, and so no error of the protocol.
fn reply(id: Value, outcome: Outcome) -> Reply {
    let result = json!({
        "content": [{ "type": "text", "text": outcome.text }],
        "isError": outcome.is_error,
    });
    Reply {
        message: Message::result(id, result),
        read: outcome.read,
    }
}

/// A text of a stranger's, short and printable.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    format!("`{}`", one_line(&short))
}
