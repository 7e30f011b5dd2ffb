//! What Claude Code runs at each of its hooks: notes what the event tells of the
//! session's state, for init to read.
//!
//! A hook must never hold the agent up: it writes one small file, prints nothing and
//! always succeeds. Events come as JSON on standard input; their size is the agent's
//! doing, so they are parsed as they stream by and nothing else of them is kept. It
//! must not know what init makes of the word.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pty::one_line;
use crate::spec::layout;
use crate::wire::Activity;

/// A larger event is not read to its end, and so tells nothing.
const MAX_EVENT_BYTES: u64 = 16 * 1024 * 1024;
/// The longest text kept of what the program waits for.
const MAX_WAITING_CHARS: usize = 200;
/// How long Claude Code waits for one hook, in seconds.
const LIMIT_SECONDS: u32 = 5;
/// Tools that are themselves a question to the operator. No notification comes for
/// them (research on 2.1.x), and no permission is asked.
const QUESTIONS: &str = "AskUserQuestion|ExitPlanMode";

/// Events that are asked for, each with what it must match.
const EVENTS: [(&str, &str); 10] = [
    ("SessionStart", ""),
    ("UserPromptSubmit", ""),
    ("PreToolUse", QUESTIONS),
    ("PostToolUse", ""),
    ("PostToolUseFailure", ""),
    ("PermissionRequest", ""),
    ("Notification", ""),
    ("Stop", ""),
    ("StopFailure", ""),
    ("SessionEnd", ""),
];

/// What the last telling event told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Word {
    /// The conversation's id.
    pub(super) session: String,
    /// What the session does since then.
    pub(super) activity: Activity,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waiting_for: Option<String>,
    /// When the hook ran.
    pub(super) at: Timestamp,
}

/// The part of an event that is used.
#[derive(Debug, Deserialize)]
struct Event {
    session_id: String,
    hook_event_name: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    notification_type: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(default)]
    background_tasks: Vec<Task>,
}

#[derive(Debug, Deserialize)]
struct Task {
    #[serde(rename = "type", default)]
    kind: String,
}

/// Plays the role: one event, one word.
#[must_use]
pub fn run() -> ExitCode {
    // Whatever goes wrong, the agent goes on; init has two better sources.
    note(std::io::stdin().lock(), Path::new(layout::HOOK_WORD)).ok();
    ExitCode::SUCCESS
}

/// The settings that make Claude Code run this role, and call our tools without asking:
/// they only ask. In the exec form (`args`) no shell comes between.
pub(super) fn settings() -> Value {
    let hook = json!({
        "type": "command",
        "command": layout::GUEST_BINARY,
        "args": ["guest", "hook"],
        "timeout": LIMIT_SECONDS,
    });
    let hooks: serde_json::Map<String, Value> = EVENTS
        .into_iter()
        .map(|(event, matcher)| {
            let entry = json!([{"matcher": matcher, "hooks": [hook.clone()]}]);
            (event.to_owned(), entry)
        })
        .collect();
    let ours = format!("mcp__{}", layout::MCP_NAME);
    json!({ "hooks": hooks, "permissions": { "allow": [ours] } })
}

fn note(event: impl Read, path: &Path) -> std::io::Result<()> {
    let at = Timestamp::now();
    let event: Event = serde_json::from_reader(event.take(MAX_EVENT_BYTES))?;
    match word(event, at) {
        Some(word) => write(path, &serde_json::to_vec(&word)?),
        None => Ok(()),
    }
}

/// Replaces the file in one step. Hooks of parallel tools may run at once, so each
/// writes beside it under a name of its own.
fn write(path: &Path, word: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension(std::process::id().to_string());
    let written = std::fs::write(&beside, word).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        std::fs::remove_file(&beside).ok();
    }
    written
}

fn word(event: Event, at: Timestamp) -> Option<Word> {
    let (activity, waiting_for) = match event.hook_event_name.as_str() {
        // Compaction starts a session anew in the midst of a turn.
        "SessionStart" if event.source.as_deref() == Some("compact") => return None,
        "SessionStart" | "StopFailure" => (Activity::Idle, None),
        "UserPromptSubmit" | "PostToolUse" | "PostToolUseFailure" => (Activity::Working, None),
        "PreToolUse" => (Activity::Waiting, Some(String::from("an answer"))),
        "PermissionRequest" => {
            let tool = event.tool_name.unwrap_or_default();
            (Activity::Waiting, Some(format!("permission for {tool}")))
        }
        "Notification" => match event.notification_type.as_deref()? {
            "permission_prompt" | "elicitation_dialog" | "agent_needs_input" => {
                (Activity::Waiting, event.message)
            }
            "idle_prompt" => (Activity::Idle, None),
            _ => return None,
        },
        "Stop" => (after_stop(&event.background_tasks), None),
        // It ends, or goes on under another id that is not ours to follow.
        "SessionEnd" => (Activity::Unknown, None),
        _ => return None,
    };
    Some(Word {
        session: event.session_id.chars().take(MAX_WAITING_CHARS).collect(),
        activity,
        waiting_for: waiting_for.map(|text| clean(&text)),
        at,
    })
}

/// A turn whose agents still run is only parked; a shell left behind is no turn.
fn after_stop(tasks: &[Task]) -> Activity {
    let is_parked = tasks
        .iter()
        .any(|task| matches!(task.kind.as_str(), "subagent" | "workflow"));
    if is_parked {
        Activity::Working
    } else {
        Activity::Idle
    }
}

/// A text for one line of a screen.
pub(super) fn clean(text: &str) -> String {
    one_line(text).chars().take(MAX_WAITING_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str) -> Option<(Activity, Option<String>)> {
        let event: Event = serde_json::from_str(event).unwrap();
        word(event, Timestamp::UNIX_EPOCH).map(|word| (word.activity, word.waiting_for))
    }

    #[test]
    fn each_event_tells_what_it_means() {
        let waiting = |text: &str| Some((Activity::Waiting, Some(text.to_owned())));
        let idle = Some((Activity::Idle, None));
        let working = Some((Activity::Working, None));
        for (name, rest, expected) in [
            ("SessionStart", r#""source":"startup""#, idle.clone()),
            ("SessionStart", r#""source":"compact""#, None),
            ("UserPromptSubmit", r#""prompt":"x""#, working.clone()),
            (
                "PostToolUse",
                r#""tool_response":{"a":[1]}"#,
                working.clone(),
            ),
            ("PostToolUseFailure", r#""error":"x""#, working.clone()),
            (
                "PreToolUse",
                r#""tool_name":"AskUserQuestion""#,
                waiting("an answer"),
            ),
            (
                "PermissionRequest",
                r#""tool_name":"Ba\u001bsh""#,
                waiting("permission for Ba␛sh"),
            ),
            (
                "Notification",
                r#""notification_type":"permission_prompt","message":"may I?""#,
                waiting("may I?"),
            ),
            (
                "Notification",
                r#""notification_type":"idle_prompt""#,
                idle.clone(),
            ),
            (
                "Notification",
                r#""notification_type":"auth_success""#,
                None,
            ),
            ("Notification", r#""message":"of an older version""#, None),
            ("Stop", r#""background_tasks":[]"#, idle.clone()),
            (
                "Stop",
                r#""background_tasks":[{"type":"shell"}]"#,
                idle.clone(),
            ),
            (
                "Stop",
                r#""background_tasks":[{"type":"subagent"}]"#,
                working,
            ),
            ("StopFailure", r#""error":"x""#, idle),
            (
                "SessionEnd",
                r#""reason":"clear""#,
                Some((Activity::Unknown, None)),
            ),
            ("SubagentStop", r#""agent_id":"x""#, None),
        ] {
            let event = format!(r#"{{"session_id":"s","hook_event_name":"{name}",{rest}}}"#);
            assert_eq!(told(&event), expected, "{event}");
        }
    }

    #[test]
    fn the_word_replaces_the_last_one_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word.json");
        let event = |name: &str| format!(r#"{{"session_id":"s","hook_event_name":"{name}"}}"#);
        for (name, activity) in [
            ("UserPromptSubmit", Activity::Working),
            ("Stop", Activity::Idle),
            ("Unheard", Activity::Idle),
        ] {
            note(event(name).as_bytes(), &path).unwrap();
            let word: Word = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!((word.session.as_str(), word.activity), ("s", activity));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        assert!(note(&b"{\"session_id\":"[..], &path).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(note(event("Stop").as_bytes(), &path).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_settings_run_this_role_without_a_shell_and_for_seconds_at_most() {
        let settings = settings();
        assert_eq!(settings["permissions"], json!({ "allow": ["mcp__cellar"] }));
        for (event, matcher) in EVENTS {
            assert_eq!(
                settings["hooks"][event],
                json!([{"matcher": matcher, "hooks": [{
                    "type": "command", "command": "/cellar/cellar",
                    "args": ["guest", "hook"], "timeout": 5,
                }]}])
            );
        }
    }
}
