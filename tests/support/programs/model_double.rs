//! A double of the Anthropic Messages API, for tests of the real Claude Code.
//!
//! It answers each turn with a sentence that names the turn and repeats the last
//! thing the user said, so that a test can tell an answer from an echo of its own
//! keys and one conversation from another. A prompt that starts with `run: ` makes
//! it ask for the Bash tool once and then repeat what the tool said; one that reads
//! `call: TOOL {…}` does so with any tool; `refuse: STATUS TIMES` is answered so often
//! with that status, as the API says it, and then like any other. It knows nothing of
//! Cellar: it is packed alone into an image and listens on loopback in the network
//! namespace that it is put into.
//!
//! Usage: `model-double [ADDRESS:PORT]`, by default `127.0.0.1:8118`. With `TLS_CERT` and
//! `TLS_KEY` in its environment (DER in base64, the key as PKCS 8) it speaks TLS. It says
//! which credentials it was sent, so that a test can tell whose they were.

#![expect(
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test's program: an absent key of JSON reads as null, any other shape as nothing"
)]

mod tls;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// The longest request body that is read (Claude Code sends 50 to 90 KB).
const BODY_MAX_BYTES: u64 = 32 * 1024 * 1024;

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| String::from("127.0.0.1:8118"));
    let tls = tls::from_environment()?;
    let listener = TcpListener::bind(&address)?;
    say(&format!("listening on {address}"));
    for stream in listener.incoming() {
        let (stream, tls) = (stream?, tls.clone());
        std::thread::spawn(move || {
            let ended = match tls {
                None => serve(stream),
                Some(config) => ServerConnection::new(config)
                    .map_err(std::io::Error::other)
                    .and_then(|session| serve(StreamOwned::new(session, stream))),
            };
            if let Err(error) = ended {
                say(&format!("connection ended: {error}"));
            }
        });
    }
    Ok(())
}

fn say(line: &str) {
    // The log of a container that may be gone already; nobody to tell.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// What it says of a request's headers.
const TOLD: [&str; 3] = ["authorization", "x-api-key", "anthropic-beta"];

struct Request {
    line: String,
    body: Vec<u8>,
}

fn serve<S: Read + Write>(stream: S) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        say(&format!(
            "{} ({} bytes)",
            request.line.trim_end(),
            request.body.len()
        ));
        answer(&request, stream.get_mut())?;
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut length = 0_u64;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 {
            return Ok(None);
        }
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let Some((name, value)) = header.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
        if TOLD.iter().any(|told| name.eq_ignore_ascii_case(told)) {
            say(&format!("{}:{value}", name.to_ascii_lowercase()));
        }
    }
    let mut body = Vec::new();
    reader
        .by_ref()
        .take(length.min(BODY_MAX_BYTES))
        .read_to_end(&mut body)?;
    Ok(Some(Request { line, body }))
}

fn answer(request: &Request, writer: &mut impl Write) -> std::io::Result<()> {
    let mut words = request.line.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    // A proxy may pass the absolute form on.
    let path = target.split_once("://").map_or(target, |(_, rest)| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    let path = path.split('?').next().unwrap_or("");
    match (method, path) {
        ("HEAD", "/") => write_whole(writer, "200 OK", "text/plain", b""),
        ("POST", "/v1/messages") => {
            let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            say(&format!("offered: {}", offered(&body).join(" ")));
            if let Some(status) = refusal(&body) {
                return refuse(writer, status);
            }
            let reply = reply_to(&body);
            if body["stream"].as_bool().unwrap_or(false) {
                write_stream(writer, &reply)
            } else {
                let message = message(&reply, &reply.blocks());
                write_whole(
                    writer,
                    "200 OK",
                    "application/json",
                    message.to_string().as_bytes(),
                )
            }
        }
        _ => {
            let body = json!({"type": "error", "error": {"type": "not_found_error", "message": "the double does not have this"}});
            write_whole(
                writer,
                "404 Not Found",
                "application/json",
                body.to_string().as_bytes(),
            )
        }
    }
}

/// What the model says.
enum Reply {
    Text(String),
    Bash(String),
    Tool { name: String, input: Value },
}

impl Reply {
    fn blocks(&self) -> Vec<Value> {
        match self {
            Self::Text(text) => vec![json!({"type": "text", "text": text})],
            Self::Bash(command) => vec![json!({
                "type": "tool_use", "id": unique("toolu"), "name": "Bash",
                "input": {"command": command, "description": "asked for by the test"},
            })],
            Self::Tool { name, input } => vec![json!({
                "type": "tool_use", "id": unique("toolu"), "name": name, "input": input,
            })],
        }
    }

    fn stop_reason(&self) -> &'static str {
        match self {
            Self::Text(_) => "end_turn",
            Self::Bash(_) | Self::Tool { .. } => "tool_use",
        }
    }
}

fn reply_to(body: &Value) -> Reply {
    let no_messages = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&no_messages);
    // What the program itself adds may stand behind a tool's result.
    let since = messages.iter().rev();
    let mut since = since.take_while(|message| user_text(message).is_none());
    if let Some(result) = since.find_map(tool_result) {
        return Reply::Text(format!("DOUBLE: the tool said {}", result.trim()));
    }
    let said: Vec<String> = messages.iter().filter_map(user_text).collect();
    let last = said.last().map_or("", |text| text.trim());
    if let Some((name, input)) = last.strip_prefix("call: ").and_then(tool_call) {
        return Reply::Tool { name, input };
    }
    match last.strip_prefix("run: ") {
        Some(command) => Reply::Bash(command.to_owned()),
        None => Reply::Text(format!("DOUBLE: turn {} heard {last}", said.len())),
    }
}

/// The status that the last prompt asks for, as long as it was not given so often yet.
fn refusal(body: &Value) -> Option<u16> {
    static REFUSED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    let mut said = body["messages"].as_array()?.iter().filter_map(user_text);
    let last = said.next_back()?;
    let text = last.trim().strip_prefix("refuse: ")?;
    let (status, times) = text.split_once(' ')?;
    let (status, times) = (status.parse().ok()?, times.trim().parse::<u32>().ok()?);
    let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = refused.entry(text.to_owned()).or_default();
    *count += 1;
    (*count <= times).then_some(status)
}

/// A tool's name and what it is to be called with.
fn tool_call(text: &str) -> Option<(String, Value)> {
    let (name, input) = text.split_once(' ')?;
    Some((name.to_owned(), serde_json::from_str(input).ok()?))
}

/// The tools of servers that the program offers.
fn offered(body: &Value) -> Vec<&str> {
    let tools = body["tools"].as_array().map_or(&[][..], Vec::as_slice);
    let names = tools.iter().filter_map(|tool| tool["name"].as_str());
    names.filter(|name| name.starts_with("mcp__")).collect()
}

/// The last block of a user's message that the user wrote and not the program.
fn user_text(message: &Value) -> Option<String> {
    if message["role"] != "user" {
        return None;
    }
    let own = |text: &&str| !text.trim_start().starts_with("<system-reminder>");
    match &message["content"] {
        Value::String(text) => Some(text.clone()).filter(|text| own(&text.as_str())),
        Value::Array(blocks) => blocks
            .iter()
            .filter(|block| block["type"] == "text")
            .filter_map(|block| block["text"].as_str())
            .rfind(own)
            .map(str::to_owned),
        _ => None,
    }
}

fn tool_result(message: &Value) -> Option<String> {
    let blocks = message["content"].as_array()?;
    let result = blocks.iter().find(|block| block["type"] == "tool_result")?;
    Some(match &result["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        other => other.to_string(),
    })
}

/// An id of its own for each message: Claude Code takes two messages of one id for one,
/// also when it reads its transcript again after the double was started anew.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos());
    format!("{prefix}_{nanos:x}{count:x}")
}

fn message(reply: &Reply, content: &[Value]) -> Value {
    json!({
        "id": unique("msg"), "type": "message", "role": "assistant", "model": "model-double",
        "content": content, "stop_reason": reply.stop_reason(), "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    })
}

/// A no of the API's; a limit says when to come again.
fn refuse(writer: &mut impl Write, status: u16) -> std::io::Result<()> {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let said = json!({"type": kind, "message": format!("the double was told to say {status}")});
    let body = json!({"type": "error", "error": said}).to_string();
    write!(
        writer,
        "HTTP/1.1 {status} Refused\r\nretry-after: 2\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    writer.flush()
}

fn write_whole(
    writer: &mut impl Write,
    status: &str,
    content_type: &str,
    body: &[u8],
) -> std::io::Result<()> {
    write!(
        writer,
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )?;
    writer.write_all(body)?;
    writer.flush()
}

fn write_stream(writer: &mut impl Write, reply: &Reply) -> std::io::Result<()> {
    writer.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    for event in events(reply) {
        let kind = event["type"].as_str().unwrap_or("error");
        let text = format!("event: {kind}\ndata: {event}\n\n");
        write!(writer, "{:x}\r\n{text}\r\n", text.len())?;
        writer.flush()?;
    }
    writer.write_all(b"0\r\n\r\n")?;
    writer.flush()
}

fn events(reply: &Reply) -> Vec<Value> {
    let mut start = message(reply, &[]);
    start["stop_reason"] = Value::Null;
    let (block, deltas) = match reply {
        Reply::Text(text) => (
            json!({"type": "text", "text": ""}),
            text.split_inclusive(' ')
                .map(|word| json!({"type": "text_delta", "text": word}))
                .collect::<Vec<_>>(),
        ),
        Reply::Bash(_) | Reply::Tool { .. } => {
            let mut block = reply.blocks().remove(0);
            let input = block["input"].to_string();
            block["input"] = json!({});
            (
                block,
                vec![json!({"type": "input_json_delta", "partial_json": input})],
            )
        }
    };
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
    ];
    events.extend(
        deltas
            .into_iter()
            .map(|delta| json!({"type": "content_block_delta", "index": 0, "delta": delta})),
    );
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": reply.stop_reason(), "stop_sequence": null}, "usage": {"output_tokens": 10}}),
        json!({"type": "message_stop"}),
    ]);
    events
}
