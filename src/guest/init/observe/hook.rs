//! What the hooks of Claude Code told last, by way of [`crate::guest::hook`].

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::Sight;
use super::file;
use crate::guest::hook::{self, Word};

const MAX_FILE_BYTES: u64 = 8 * 1024;

/// Reads the hooks' word.
pub(super) struct Hook {
    word: PathBuf,
    last: Option<Sight>,
}

impl Hook {
    pub(super) const fn new(word: PathBuf) -> Self {
        Self { word, last: None }
    }

    /// What the hooks of this session told last, and when. A time ahead of `now`
    /// would outlast every other source, so such a word tells nothing.
    pub(super) fn look(&mut self, session_id: &str, now: Timestamp) -> Option<(Sight, Timestamp)> {
        let text = file::start_of(&self.word, MAX_FILE_BYTES)?;
        let word: Word = serde_json::from_slice(&text).ok()?;
        if word.session != session_id || word.at > now {
            return None;
        }
        let told = Sight {
            activity: word.activity,
            source: "hook",
            waiting_for: word.waiting_for.map(|text| hook::clean(&text)),
            since: word.at,
        };
        // Each tool of a turn tells again that it runs; the state is as old as before.
        let since = self
            .last
            .as_ref()
            .filter(|last| last.activity == told.activity && last.since <= told.since)
            .map_or(told.since, |last| last.since);
        let sight = Sight { since, ..told };
        self.last = Some(sight.clone());
        Some((sight, word.at))
    }
}

/// Writes the settings that make Claude Code run our hooks, and the file of the MCP
/// servers that are ours; forgets what hooks of an earlier run told.
///
/// # Errors
/// If they cannot be written; the program will say so itself and end.
pub(in crate::guest::init) fn prepare(
    settings: &Path,
    servers: (&Path, &Value),
    word: &Path,
) -> std::io::Result<()> {
    if word.exists() {
        std::fs::remove_file(word)?;
    }
    std::fs::write(servers.0, servers.1.to_string())?;
    std::fs::write(settings, hook::settings().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Activity;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn only_a_word_of_this_session_and_not_of_the_future_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word.json");
        let mut hook = Hook::new(path.clone());
        assert_eq!(hook.look("s", at(20)), None);
        let word = r#"{"session":"s","activity":"waiting","waiting_for":"a \u001bb","at":"1970-01-01T00:00:10Z"}"#;
        std::fs::write(&path, word).unwrap();
        assert_eq!(hook.look("other", at(20)), None);
        assert_eq!(hook.look("s", at(9)), None);
        let (sight, told_at) = hook.look("s", at(20)).unwrap();
        assert_eq!((sight.activity, told_at), (Activity::Waiting, at(10)));
        assert_eq!(sight.waiting_for.as_deref(), Some("a ␛b"));
        for broken in [
            "",
            "{",
            r#"{"session":"s","activity":"dancing","at":"1970-01-01T00:00:10Z"}"#,
        ] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(hook.look("s", at(20)), None, "{broken}");
        }
        std::fs::write(&path, format!("{word}{}", " ".repeat(9_000))).unwrap();
        assert!(hook.look("s", at(20)).is_some(), "what follows is not read");
        std::fs::write(&path, format!("{}{word}", " ".repeat(9_000))).unwrap();
        assert_eq!(hook.look("s", at(20)), None);
    }

    #[test]
    fn a_state_told_again_is_no_younger() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("word.json");
        let mut hook = Hook::new(path.clone());
        for (activity, seconds, since) in [
            ("working", 1, 1),
            ("working", 5, 1),
            ("idle", 7, 7),
            ("working", 9, 9),
        ] {
            let word = format!(
                r#"{{"session":"s","activity":"{activity}","at":"1970-01-01T00:00:0{seconds}Z"}}"#
            );
            std::fs::write(&path, word).unwrap();
            let (sight, told_at) = hook.look("s", at(20)).unwrap();
            assert_eq!((sight.since, told_at), (at(since), at(seconds)));
        }
    }

    #[test]
    fn a_run_begins_with_settings_and_without_an_old_word() {
        let folder = tempfile::tempdir().unwrap();
        let [settings, servers, word] =
            ["settings", "servers", "word"].map(|name| folder.path().join(name));
        std::fs::write(&word, "old").unwrap();
        let told = serde_json::json!({"mcpServers": {}});
        prepare(&settings, (&servers, &told), &word).unwrap();
        assert!(!word.exists());
        let written = |path: &Path| -> Value {
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        assert_eq!(written(&settings), hook::settings());
        assert_eq!(written(&servers), told);
    }
}
