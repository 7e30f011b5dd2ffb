//! What happened in a console, in a file: JSON Lines, a header and then an event each, with
//! the milliseconds since the begin.
//!
//! Neither a secret nor a byte that was typed into a session is an event, so neither is in
//! the file; what is typed for an agent within the console is crossed out here
//! ([`redact`]). What agents said of themselves, their requests and logs as far as they
//! were looked at, is in it: the file is made for its owner alone.

mod read;
mod redact;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::{Event, Setup};

pub(crate) use read::{Reader, RecordingError};
pub(crate) use write::Recorder;

/// The version of the format. Another one is not read.
const VERSION: u32 = 1;

/// What a recording begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The version of the format.
    pub(crate) recording: u32,
    /// The version of Cellar that made it.
    pub(crate) cellar: String,
    /// What the console began with.
    pub(crate) setup: Setup,
    /// The operator's own keys, as their configuration has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, Vec<String>>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Milliseconds since the begin.
    pub(crate) at: u64,
    /// What.
    #[serde(flatten)]
    pub(crate) event: Event,
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::state::{EngineId, Kept, Key, Keys, State};
    use crate::wire::TerminalSize;

    fn setup() -> Setup {
        Setup {
            engines: vec![EngineId(String::from("local"))],
            size: TerminalSize {
                columns: 120,
                rows: 40,
            },
            now: Timestamp::UNIX_EPOCH,
            utc_offset_seconds: 0,
            prices: crate::policy::Prices::default(),
            kept: Kept {
                history: vec![String::from("stop api"), String::from("send all my words")],
                ..Kept::default()
            },
            keys: Keys::default(),
            themes: Vec::new(),
            first: None,
        }
    }

    fn typed(text: &str) -> Vec<Event> {
        text.chars()
            .map(|character| Event::Key {
                key: Key::char(character),
            })
            .collect()
    }

    #[test]
    fn what_was_recorded_makes_the_same_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let mut recorder = Recorder::create(&path, setup(), BTreeMap::new()).unwrap();
        let mut state = State::new(setup());
        let events = [typed("?"), typed("o"), typed(":stats")].concat();
        for event in events {
            recorder.note(&state, &event);
            drop(state.apply(event));
        }
        assert_eq!(recorder.finish(), Ok(()));
        let mut reader = Reader::open(&path).unwrap();
        let mut again = State::new(Setup {
            keys: Keys::default(),
            ..reader.header().setup.clone()
        });
        let mut count = 0;
        while let Some(entry) = reader.next().unwrap() {
            drop(again.apply(entry.event));
            count += 1;
        }
        assert_eq!(count, 8);
        assert_eq!(again.view.modal, state.view.modal);
        let kept = &reader.header().setup.kept.history;
        assert_eq!(kept, &["stop api"], "what was sent is nobody's affair");
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        std::fs::write(&path, "mine").unwrap();
        assert!(Recorder::create(&path, setup(), BTreeMap::new()).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        drop(Recorder::create(&path, setup(), BTreeMap::new()).unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_recording_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        for (text, word) in [
            ("", "it is empty"),
            ("{}\n", "no recording"),
            ("{\"recording\":99,\"cellar\":\"9\"}\n", "version 99"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Reader::open(&path).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let mut recorder =
            Recorder::create(&folder.path().join("b"), setup(), BTreeMap::new()).unwrap();
        recorder.note(&State::new(setup()), &Event::EndAsked);
        assert_eq!(recorder.finish(), Ok(()));
        let good = std::fs::read_to_string(folder.path().join("b")).unwrap();
        std::fs::write(&path, format!("{good}{{\"at\":1}}\n")).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().event, Event::EndAsked);
        let error = reader.next().unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn a_line_cut_by_a_crash_is_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let mut recorder = Recorder::create(&path, setup(), BTreeMap::new()).unwrap();
        recorder.note(&State::new(setup()), &Event::EndAsked);
        assert_eq!(recorder.finish(), Ok(()));
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"at\":7,\"eve");
        std::fs::write(&path, text).unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert!(reader.next().unwrap().is_some());
        assert!(reader.next().unwrap().is_none());
    }
}
