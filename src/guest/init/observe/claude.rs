//! What Claude Code's own files say about its session.
//!
//! `sessions/<pid>.json` holds the state; it is undocumented, so when it is absent or
//! not understood, the end of the transcript and the hooks' last word are read instead.
//! Of those two the later one counts, and the transcript when both are of one moment:
//! only a hook knows of a permission that is waited for, and only the transcript knows
//! of a turn that was interrupted. Neither proves that a turn still runs, so a turn
//! without output is not believed. All of this is the agent's own word.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rustix::process::Pid;
use serde::Deserialize;

use super::hook::Hook;
use super::{Sight, file};
use crate::pty::one_line;
use crate::wire::Activity;

/// The largest session file that is read.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// How much of a transcript's end is read.
const TAIL_BYTES: u64 = 32 * 1024;
/// The longest text shown of what the program waits for.
const MAX_WAITING_CHARS: usize = 200;
/// Session files looked at for the one with our session.
const MAX_FILES: usize = 64;
/// A running turn redraws its spinner about every second; after this long without any
/// output the transcript's word that a turn runs is not believed.
const SILENT_TURN: SignedDuration = SignedDuration::from_secs(30);

/// The part of a session file that is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionFile {
    pid: i32,
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    proc_start: serde_json::Value,
    status: Option<String>,
    waiting_for: Option<String>,
    #[serde(default)]
    status_updated_at: serde_json::Value,
}

/// The part of a transcript's record that is used.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    subtype: Option<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    message: Option<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    content: serde_json::Value,
}

/// Looks at Claude Code's files.
pub(super) struct Claude {
    config: PathBuf,
    program: Pid,
    session_id: String,
    transcript: Option<Transcript>,
    hook: Hook,
}

struct Transcript {
    path: PathBuf,
    changed: SystemTime,
    told: Option<Told>,
}

/// What a transcript's record tells, and when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    activity: Activity,
    at: Option<Timestamp>,
}

impl Claude {
    pub(super) fn new(config: PathBuf, hook_word: PathBuf, program: Pid, session_id: &str) -> Self {
        Self {
            config,
            program,
            session_id: session_id.to_owned(),
            transcript: None,
            hook: Hook::new(hook_word),
        }
    }

    /// Looks once; `None` if no file says anything.
    pub(super) fn look(&mut self, last_output: Option<Timestamp>) -> Option<Sight> {
        let now = Timestamp::now();
        self.session_file()
            .and_then(sight_of)
            .or_else(|| self.without_session_file(last_output, now))
    }

    fn without_session_file(
        &mut self,
        last_output: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Sight> {
        let hook = self.hook.look(&self.session_id, now);
        let mut sight = later(self.transcript(now), hook)?;
        let silent = last_output.is_none_or(|output| now.duration_since(output) > SILENT_TURN);
        if sight.activity == Activity::Working && silent {
            sight.activity = Activity::Unknown;
        }
        Some(sight)
    }

    fn session_file(&self) -> Option<SessionFile> {
        let folder = self.config.join("sessions");
        let own = folder.join(format!("{}.json", self.program.as_raw_nonzero()));
        // The program's own file counts whatever its session is called: /clear and
        // /resume change the id.
        if let Some(file) = read_session(&own) {
            return Some(file);
        }
        std::fs::read_dir(folder)
            .ok()?
            .flatten()
            .take(MAX_FILES)
            .filter_map(|entry| read_session(&entry.path()))
            .find(|file| file.session_id == self.session_id)
    }

    fn transcript(&mut self, now: Timestamp) -> Option<Sight> {
        if self.transcript.is_none() {
            self.transcript = self.find_transcript();
        }
        let transcript = self.transcript.as_mut()?;
        let changed = std::fs::metadata(&transcript.path).ok()?.modified().ok()?;
        if changed != transcript.changed || transcript.told.is_none() {
            transcript.changed = changed;
            transcript.told = read_tail(&transcript.path).and_then(|tail| told_by(&tail));
        }
        let told = transcript.told?;
        // Records that tell nothing change the file too.
        let at = told.at.or_else(|| Timestamp::try_from(changed).ok())?;
        Some(Sight {
            activity: told.activity,
            source: "transcript",
            waiting_for: None,
            since: at.min(now),
        })
    }

    fn find_transcript(&self) -> Option<Transcript> {
        Some(Transcript {
            path: transcript_path(&self.config, &self.session_id)?,
            changed: SystemTime::UNIX_EPOCH,
            told: None,
        })
    }
}

/// Where the transcript of a conversation is, if it has one yet.
pub(super) fn transcript_path(config: &Path, session_id: &str) -> Option<PathBuf> {
    // The id names a file, so it must not leave the folder.
    if session_id.contains(['/', '\0']) || session_id.starts_with('.') {
        return None;
    }
    let name = format!("{session_id}.jsonl");
    std::fs::read_dir(config.join("projects"))
        .ok()?
        .flatten()
        .take(MAX_FILES)
        .map(|entry| entry.path().join(&name))
        .find(|path| path.is_file())
}

/// Reads a session file whose process still runs.
fn read_session(path: &Path) -> Option<SessionFile> {
    let text = file::start_of(path, MAX_FILE_BYTES)?;
    let file: SessionFile = serde_json::from_slice(&text).ok()?;
    let started = start_of(file.pid)?;
    let claimed = match &file.proc_start {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => return None,
    };
    (claimed == started).then_some(file)
}

/// When a process started, as field 22 of `/proc/<pid>/stat` has it (proc(5)). The
/// name in field 2 may hold blanks and parentheses, so fields count from its end.
fn start_of(pid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

fn sight_of(file: SessionFile) -> Option<Sight> {
    let activity = match file.status?.as_str() {
        // A shell that it runs for the operator is work too.
        "busy" | "shell" => Activity::Working,
        "waiting" => Activity::Waiting,
        "idle" => Activity::Idle,
        _ => return None,
    };
    let millis = file.status_updated_at.as_i64();
    let since = millis
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .or_else(|| file.status_updated_at.as_str()?.parse().ok())?;
    let waiting_for = file.waiting_for.filter(|_| activity == Activity::Waiting);
    Some(Sight {
        activity,
        source: "session file",
        waiting_for: waiting_for
            .map(|text| one_line(&text).chars().take(MAX_WAITING_CHARS).collect()),
        since,
    })
}

fn read_tail(path: &Path) -> Option<Vec<u8>> {
    let mut file = file::open(path)?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))
        .ok()?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut tail).ok()?;
    Some(tail)
}

/// The later of what transcript and hook tell. A hook that repeats a state keeps the
/// time at which it began, so its own time comes beside it.
fn later(transcript: Option<Sight>, hook: Option<(Sight, Timestamp)>) -> Option<Sight> {
    match (transcript, hook) {
        (Some(transcript), Some((hook, at))) => Some(if at > transcript.since {
            hook
        } else {
            transcript
        }),
        (transcript, hook) => transcript.or_else(|| hook.map(|(sight, _)| sight)),
    }
}

/// What the last record that tells anything tells. The first line of a tail may be
/// cut, and the last one half written; neither is JSON then.
fn told_by(tail: &[u8]) -> Option<Told> {
    tail.rsplit(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Record>(line).ok())
        .find_map(|record| {
            let activity = activity_of(&record)?;
            let at = record.timestamp.and_then(|text| text.parse().ok());
            Some(Told { activity, at })
        })
}

fn activity_of(record: &Record) -> Option<Activity> {
    let message = record.message.as_ref();
    let stop = message.and_then(|message| message.stop_reason.as_deref());
    match (record.kind.as_str(), record.subtype.as_deref(), stop) {
        ("system", Some("turn_duration"), _)
        | ("assistant", _, Some("end_turn" | "stop_sequence" | "max_tokens" | "refusal")) => {
            Some(Activity::Idle)
        }
        ("user", _, _) if message.is_some_and(is_interruption) => Some(Activity::Idle),
        ("assistant" | "user", _, _) => Some(Activity::Working),
        _ => None,
    }
}

/// The record that Claude Code writes when Escape ends a turn; no hook runs then.
fn is_interruption(message: &Message) -> bool {
    let text = message.content.as_str().or_else(|| {
        let blocks = message.content.as_array()?;
        blocks.last()?.get("text")?.as_str()
    });
    text.is_some_and(|text| text.starts_with("[Request interrupted by user"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b2f3c1e-0000-4000-8000-000000000001";

    fn claude(config: &Path) -> Claude {
        let word = config.join("word.json");
        Claude::new(config.to_owned(), word, rustix::process::getpid(), ID)
    }

    fn write_session(config: &Path, name: &str, fields: &str) {
        let pid = std::process::id();
        let start = start_of(i32::try_from(pid).unwrap()).unwrap();
        std::fs::create_dir_all(config.join("sessions")).unwrap();
        let text = format!(
            r#"{{"pid":{pid},"sessionId":"{ID}","procStart":"{start}","statusUpdatedAt":1700000000000,{fields}}}"#
        );
        std::fs::write(config.join("sessions").join(name), text).unwrap();
    }

    #[test]
    fn the_session_file_tells_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.json", std::process::id());
        for (fields, activity, waiting_for) in [
            (r#""status":"busy""#, Activity::Working, None),
            (r#""status":"shell""#, Activity::Working, None),
            (
                r#""status":"idle","waitingFor":"old""#,
                Activity::Idle,
                None,
            ),
            (
                r#""status":"waiting","waitingFor":"permission \u001bprompt""#,
                Activity::Waiting,
                Some("permission ␛prompt"),
            ),
        ] {
            write_session(folder.path(), &name, fields);
            let sight = claude(folder.path()).look(None).unwrap();
            assert_eq!(sight.activity, activity);
            assert_eq!(sight.waiting_for.as_deref(), waiting_for);
            assert_eq!(sight.source, "session file");
            assert_eq!(sight.since.as_second(), 1_700_000_000);
        }
    }

    #[test]
    fn a_session_is_found_by_its_id_in_another_processes_file() {
        let folder = tempfile::tempdir().unwrap();
        write_session(folder.path(), "77.json", r#""status":"idle""#);
        let word = folder.path().join("word.json");
        let mut other = Claude::new(folder.path().to_owned(), word.clone(), Pid::INIT, ID);
        assert_eq!(other.look(None).unwrap().activity, Activity::Idle);
        let mut stranger = Claude::new(folder.path().to_owned(), word, Pid::INIT, "other");
        assert_eq!(stranger.look(None), None);
    }

    #[test]
    fn a_file_of_a_process_that_is_gone_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{}.json", std::process::id());
        write_session(folder.path(), &name, r#""status":"busy""#);
        let path = folder.path().join("sessions").join(&name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace(r#""procStart":""#, r#""procStart":"9"#)).unwrap();
        assert_eq!(claude(folder.path()).look(None), None);
    }

    #[test]
    fn the_transcript_tells_when_the_file_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("projects/-workspace");
        std::fs::create_dir_all(&project).unwrap();
        let path = project.join(format!("{ID}.jsonl"));
        std::fs::write(
            &path,
            "{\"type\":\"user\"}\n{\"type\":\"mode\"}\n{\"type\":\"assi",
        )
        .unwrap();
        let mut claude = claude(folder.path());
        let sight = claude.look(Some(Timestamp::now())).unwrap();
        assert_eq!(
            (sight.activity, sight.source),
            (Activity::Working, "transcript")
        );
        assert_eq!(claude.look(None).unwrap().activity, Activity::Unknown);
    }

    #[test]
    fn without_a_session_file_the_later_of_transcript_and_hook_counts() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("projects/-workspace");
        std::fs::create_dir_all(&project).unwrap();
        let record = |second: i64, kind: &str| {
            format!(
                r#"{{"type":"{kind}","timestamp":"2024-01-01T00:00:{second:02}Z","message":{{"stop_reason":"tool_use"}}}}"#
            )
        };
        let word = |second: i64, activity: &str| {
            format!(
                r#"{{"session":"{ID}","activity":"{activity}","at":"2024-01-01T00:00:{second:02}Z"}}"#
            )
        };
        let (hook, transcript) = ("hook", "transcript");
        for (records, hooked, activity, source) in [
            // A permission is waited for: only the hook knows.
            (
                record(10, "assistant"),
                word(11, "waiting"),
                Activity::Waiting,
                hook,
            ),
            // It was given, or the turn was interrupted: only the transcript knows.
            (
                record(12, "user"),
                word(11, "waiting"),
                Activity::Working,
                transcript,
            ),
            (
                record(11, "assistant"),
                word(11, "idle"),
                Activity::Working,
                transcript,
            ),
            (record(10, "user"), word(11, "idle"), Activity::Idle, hook),
            (
                record(10, "user"),
                word(11, "unknown"),
                Activity::Unknown,
                hook,
            ),
            // Records that tell nothing are no news, however late.
            (
                format!("{}\n{}", record(10, "assistant"), record(20, "attachment")),
                word(11, "waiting"),
                Activity::Waiting,
                hook,
            ),
            (String::new(), word(11, "working"), Activity::Working, hook),
            (
                record(10, "user"),
                String::new(),
                Activity::Working,
                transcript,
            ),
        ] {
            std::fs::write(project.join(format!("{ID}.jsonl")), &records).unwrap();
            std::fs::write(folder.path().join("word.json"), &hooked).unwrap();
            let sight = claude(folder.path()).look(Some(Timestamp::now())).unwrap();
            let told = (sight.activity, sight.source);
            assert_eq!(told, (activity, source), "{records} {hooked}");
            // A turn that writes nothing is not believed, whoever tells of it.
            let silent = claude(folder.path()).look(None).unwrap().activity;
            let believed = match activity {
                Activity::Working => Activity::Unknown,
                Activity::Waiting | Activity::Idle | Activity::Unknown | Activity::Starting => {
                    activity
                }
            };
            assert_eq!(silent, believed, "{records} {hooked}");
        }
        // Above both stands the session file.
        let name = format!("{}.json", std::process::id());
        write_session(folder.path(), &name, r#""status":"waiting""#);
        let sight = claude(folder.path()).look(None).unwrap();
        assert_eq!(
            (sight.activity, sight.source),
            (Activity::Waiting, "session file")
        );
    }

    #[test]
    fn the_last_telling_record_counts() {
        let user = r#"{"type":"user","message":{"role":"user","content":"x"}}"#;
        let tool = r#"{"type":"assistant","message":{"stop_reason":"tool_use"}}"#;
        let end = r#"{"type":"assistant","message":{"stop_reason":"end_turn"}}"#;
        let duration = r#"{"type":"system","subtype":"turn_duration"}"#;
        let escaped = r#"{"type":"user","message":{"content":[{"type":"text","text":"[Request interrupted by user for tool use]"}]}}"#;
        let other = r#"{"type":"file-history-snapshot"}"#;
        for (lines, expected) in [
            (vec![end, user], Some(Activity::Working)),
            (vec![user, tool, other], Some(Activity::Working)),
            (vec![user, end, other], Some(Activity::Idle)),
            (vec![user, tool, duration], Some(Activity::Idle)),
            (vec![user, tool, escaped], Some(Activity::Idle)),
            (vec![other, "not json"], None),
            (vec![], None),
        ] {
            let text = lines.join("\n");
            let told = told_by(text.as_bytes()).map(|told| told.activity);
            assert_eq!(told, expected, "{text}");
        }
    }
}
