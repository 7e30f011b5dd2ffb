//! The manifests that tests start bottles from.

use super::engine::{Engine, example};
use super::model::{HOST, PORT};

/// An agent `plain` that runs the plain agent (see `programs/plain_agent.rs`) with
/// these arguments, alone in its image.
pub(crate) fn plain(engine: Engine, arguments: &[&str]) -> String {
    let image = engine.one_file_image("plain-agent", &example("plain-agent"));
    let argv: Vec<&str> = ["/program"].iter().chain(arguments).copied().collect();
    serde_json::json!({
        "bottles": {"plain": {
            "image": {"from": image},
            "routes": [{"host": "allowed.test", "ports": [443]}],
            "limits": {"memory": "256MiB", "tmp": "16MiB"},
        }},
        "agents": {"plain": {"bottle": "plain", "provider": {"command": argv}}},
    })
    .to_string()
}

/// As [`plain`], with these keys in its template too.
pub(crate) fn plain_with(engine: Engine, terms: &serde_json::Value) -> String {
    let mut manifest: serde_json::Value = serde_json::from_str(&plain(engine, &[])).unwrap();
    let template = manifest["bottles"]["plain"].as_object_mut().unwrap();
    template.extend(terms.as_object().unwrap().clone());
    manifest.to_string()
}

/// An agent `coder` that is the real Claude Code on the operator's own account: egress
/// puts the token in that the file `token` beside the manifest holds, and trusts the
/// authority in `ca.pem`.
pub(crate) fn claude_with_credential(image: &str) -> String {
    serde_json::json!({
        "bottles": {"claude": {
            "image": {"from": image},
            "secrets": {"model": {"file": "token"}},
            "upstream_ca": "ca.pem",
            "routes": [{
                "host": HOST, "connect_to": "127.0.0.1", "allow_private": true,
                "role": "claude_code_oauth", "auth": {"secret": "model"},
            }],
        }},
        "agents": {"coder": {"bottle": "claude"}},
    })
    .to_string()
}

/// An agent `coder` that is the real Claude Code, speaking to the model double.
pub(crate) fn claude(image: &str) -> String {
    serde_json::json!({
        "bottles": {"claude": {
            "image": {"from": image},
            "env": {"ANTHROPIC_BASE_URL": {"value": format!("http://model.test:{PORT}")}},
            "routes": [{
                "host": "model.test", "ports": [PORT],
                "connect_to": "127.0.0.1", "allow_private": true,
            }],
        }},
        "agents": {"coder": {
            "bottle": "claude", "provider": "claude",
            "prompt": "You are a test's coder.",
        }},
    })
    .to_string()
}
