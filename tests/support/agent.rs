//! What an agent does, done by hand: its tools called from inside its container.

use serde_json::{Value, json};

use super::engine::Engine;
use super::operator::Operator;

/// Calls one of the agent's tools from inside its container; gives what it says.
#[track_caller]
pub(crate) fn call(engine: Engine, agent: &str, tool: &str, arguments: &Value) -> String {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    });
    let said = engine.docker(&[
        "exec",
        agent,
        "curl",
        "-sS",
        "-H",
        "Content-Type: application/json",
        "-H",
        "Accept: application/json",
        "-d",
        &message.to_string(),
        "http://127.0.0.1:9100/mcp",
    ]);
    let said: Value = serde_json::from_str(&said).unwrap();
    said["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {said}"))
        .to_owned()
}

/// A running bottle of the agent `coder`, whose agent can ask.
#[track_caller]
pub(crate) fn asking_bottle(operator: &Operator) -> String {
    let bottle = operator.name();
    operator.cellar(&["start", "coder", "--yes", "--name", &bottle]);
    operator.wait_until("an agent that can ask", |operator| {
        let shown = operator.json(&["show", &bottle]);
        shown["bottle"]["hub"]["roles"]["agent"]
            .to_string()
            .contains("ready")
    });
    bottle
}
