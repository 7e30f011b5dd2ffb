//! What Claude Code runs at each of its hooks: notes what the event tells of the
//! session's state, for init to read, and tells the agent which of its requests the
//! operator answered meanwhile.
//!
//! A hook must never hold the agent up: it writes one small file, asks the supervise
//! sidecar for news within [`NEWS_LIMIT`], and always succeeds. Events come as JSON on
//! standard input; their size is the agent's doing, so they are parsed as they stream by
//! and nothing else of them is kept. It must not know what init makes of the word.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pty::one_line;
use crate::spec::layout::{self, ports};
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

/// How long the sidecar may take to answer, at each step of it.
const NEWS_LIMIT: Duration = Duration::from_millis(500);
/// The longest news, with its head.
const MAX_NEWS_BYTES: u64 = 64 * 1024;

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
    /// Set in what an agent of the agent's does.
    #[serde(default)]
    agent_id: Option<String>,
    /// Whether the turn goes on only because a hook wanted it to.
    #[serde(default)]
    stop_hook_active: bool,
}

#[derive(Debug, Deserialize)]
struct Task {
    #[serde(rename = "type", default)]
    kind: String,
}

/// How an event can be answered with words for the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Beside what the agent reads next.
    Beside(&'static str),
    /// In the place of the turn's end, which the agent goes on from.
    GoOn,
}

/// Plays the role: one event, one word.
#[must_use]
pub fn run() -> ExitCode {
    let sidecar = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::SUPERVISE));
    let word = Path::new(layout::HOOK_WORD);
    // Whatever goes wrong, the agent goes on; init has two better sources.
    if let Ok(Some(answer)) = hear(std::io::stdin().lock(), word, || news(sidecar)) {
        std::io::stdout().write_all(answer.as_bytes()).ok();
    }
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

/// Notes what an event tells, and gives what Claude Code is answered.
fn hear(
    event: impl Read,
    path: &Path,
    news: impl FnOnce() -> Option<String>,
) -> std::io::Result<Option<String>> {
    let at = Timestamp::now();
    let event: Event = serde_json::from_reader(event.take(MAX_EVENT_BYTES))?;
    let way = way(&event);
    let answer = way.and_then(|way| Some((way, news()?)));
    if let Some(mut word) = word(event, at) {
        if matches!(answer, Some((Way::GoOn, _))) {
            word.activity = Activity::Working;
        }
        write(path, &serde_json::to_vec(&word)?)?;
    }
    Ok(answer.map(|(way, text)| way.answer(&text).to_string()))
}

/// How an event can be answered, if it can. What the agent's own agents do is left: the
/// conversation that asked is to hear of it.
fn way(event: &Event) -> Option<Way> {
    if event.agent_id.is_some() {
        return None;
    }
    match event.hook_event_name.as_str() {
        "SessionStart" => Some(Way::Beside("SessionStart")),
        "UserPromptSubmit" => Some(Way::Beside("UserPromptSubmit")),
        "PostToolUse" => Some(Way::Beside("PostToolUse")),
        // Once a turn, so that no sidecar could keep an agent from its end.
        "Stop" if !event.stop_hook_active => Some(Way::GoOn),
        _ => None,
    }
}

impl Way {
    fn answer(self, text: &str) -> Value {
        match self {
            Self::Beside(event) => json!({
                "hookSpecificOutput": {"hookEventName": event, "additionalContext": text},
            }),
            Self::GoOn => json!({"decision": "block", "reason": text}),
        }
    }
}

/// What the sidecar has to tell. `None` also if it does not answer in time.
fn news(sidecar: SocketAddr) -> Option<String> {
    let mut line = TcpStream::connect_timeout(&sidecar, NEWS_LIMIT).ok()?;
    line.set_read_timeout(Some(NEWS_LIMIT)).ok()?;
    line.set_write_timeout(Some(NEWS_LIMIT)).ok()?;
    // HTTP/1.0: the body ends with the line.
    let ask = format!("GET /news HTTP/1.0\r\nHost: {sidecar}\r\n\r\n");
    line.write_all(ask.as_bytes()).ok()?;
    let mut answer = String::new();
    line.take(MAX_NEWS_BYTES).read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    (status == "200" && !body.is_empty()).then(|| body.to_owned())
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
            hear(event(name).as_bytes(), &path, || None).unwrap();
            let word: Word = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!((word.session.as_str(), word.activity), ("s", activity));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        assert!(hear(&b"{\"session_id\":"[..], &path, || None).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(hear(event("Stop").as_bytes(), &path, || None).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn news_are_told_where_the_agent_reads_them_and_end_a_turn_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word.json");
        let activity = || {
            let word = std::fs::read(&path).unwrap();
            serde_json::from_slice::<Word>(&word).unwrap().activity
        };
        let answer = |rest: &str, news: Option<&str>| {
            let event = format!(r#"{{"session_id":"s",{rest}}}"#);
            let news = || news.map(str::to_owned);
            let answer = hear(event.as_bytes(), &path, news).unwrap()?;
            serde_json::from_str::<Value>(&answer).ok()
        };
        for event in ["SessionStart", "UserPromptSubmit", "PostToolUse"] {
            let name = format!(r#""hook_event_name":"{event}""#);
            let told = json!({"hookSpecificOutput": {
                "hookEventName": event, "additionalContext": "yes",
            }});
            assert_eq!(answer(&name, Some("yes")), Some(told));
            assert_eq!(answer(&name, None), None);
        }
        let stop = r#""hook_event_name":"Stop""#;
        let blocked = json!({"decision": "block", "reason": "yes"});
        assert_eq!(answer(stop, Some("yes")), Some(blocked));
        assert_eq!(activity(), Activity::Working);
        assert_eq!(answer(stop, None), None);
        assert_eq!(activity(), Activity::Idle);
        for nothing in [
            r#""hook_event_name":"Stop","stop_hook_active":true"#,
            r#""hook_event_name":"PostToolUse","agent_id":"a1""#,
            r#""hook_event_name":"PreToolUse""#,
            r#""hook_event_name":"Notification""#,
        ] {
            assert_eq!(answer(nothing, Some("yes")), None, "{nothing}");
        }
    }

    #[test]
    fn a_sidecar_that_says_nothing_or_nonsense_has_no_news() {
        let said = |answer: &'static [u8]| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let served = std::thread::spawn(move || {
                let (mut line, _) = listener.accept().unwrap();
                let mut ask = [0; 256];
                let length = line.read(&mut ask).unwrap();
                line.write_all(answer).unwrap();
                String::from_utf8_lossy(&ask[..length]).into_owned()
            });
            let news = news(address);
            let ask = served.join().unwrap();
            assert!(ask.starts_with("GET /news HTTP/1.0\r\nHost: 127.0.0.1:"));
            news
        };
        assert_eq!(
            said(b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nyes\n\r\n\r\nno"),
            Some(String::from("yes\n\r\n\r\nno"))
        );
        for nothing in [
            &b""[..],
            b"HTTP/1.0 204 No Content\r\n\r\n",
            b"HTTP/1.0 429 Too Many Requests\r\n\r\nlater",
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"\xff\xfe",
        ] {
            assert_eq!(said(nothing), None);
        }
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        assert_eq!(news(address), None);
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
