//! What the operator's side decided and did: one append-only file of JSON Lines, each
//! line naming the hash of the one before.
//!
//! Changing or removing a line breaks the chain at the next one, and the file of the head
//! tells when lines were cut from the end. Whoever can write both can forge both: the
//! chain proves that a file is whole, not who wrote it. Killed in the middle of a line,
//! the next writer cuts that line away: nobody was told that it was written.

mod reader;

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::revisions::Cause;
use super::{StoreError, disk};
use crate::request::Answer;
use crate::spec::{BottleId, Digest};

pub use reader::AuditReader;

const FILE: &str = "audit.jsonl";
const HEAD: &str = "audit.head";
/// What the first line names as the hash before it.
const GENESIS: &str = "cellar audit 1";

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Counts from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The bottle.
    pub bottle: BottleId,
    /// What happened.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// The hash of the line before.
    pub previous: Digest,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AuditEvent {
    /// It was made from this spec, or that failed.
    Start {
        /// The spec.
        spec: Digest,
        /// How it ended.
        outcome: AuditOutcome,
    },
    /// It was started again.
    Resume {
        /// The spec.
        spec: Digest,
        /// How it ended.
        outcome: AuditOutcome,
    },
    /// The probes of its seal were read.
    Seal {
        /// Whether every one held.
        holds: bool,
        /// Those that did not.
        broken: Vec<String>,
    },
    /// It was stopped.
    Stop,
    /// It was removed.
    Remove,
    /// Its agent was frozen.
    Freeze {
        /// Whether with all others at once.
        #[serde(default, skip_serializing_if = "is_false")]
        in_panic: bool,
    },
    /// Its agent was let go on.
    Unfreeze {
        /// Whether with all that were frozen at once.
        #[serde(default, skip_serializing_if = "is_false")]
        in_panic: bool,
    },
    /// Its egress lost its network.
    Cut {
        /// Whether with all others at once.
        #[serde(default, skip_serializing_if = "is_false")]
        in_panic: bool,
    },
    /// Its egress got its network back.
    Reconnect {
        /// Whether with all that were cut at once.
        #[serde(default, skip_serializing_if = "is_false")]
        in_panic: bool,
    },
    /// Its spec changed.
    Revision {
        /// The new revision.
        revision: u32,
        /// The new spec.
        spec: Digest,
        /// Why.
        why: Cause,
        /// What it changes.
        words: Vec<String>,
    },
    /// The operator answered a request. Noted before the answer is given.
    Verdict {
        /// The request's number.
        request: u64,
        /// Its kind.
        kind: String,
        /// The content that was shown.
        content: Digest,
        /// The answer.
        verdict: Answer,
    },
    /// What a request was granted was put into the operator's own file. Noted before.
    Manifest {
        /// The request's number.
        request: u64,
        /// The file, as the operator is shown it.
        file: String,
        /// How much changes.
        words: String,
    },
    /// The operator refused what egress held.
    HoldRefused {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The operator refused what waits for spent budgets.
    BudgetsRefused {
        /// Them, in words.
        budgets: Vec<String>,
    },
    /// Secrets were handed to egress, by name.
    Unlock {
        /// Their names.
        secrets: Vec<String>,
    },
    /// A line was typed into its session without attaching.
    Send,
    /// Somebody attached to its session.
    Attach {
        /// Whether what was typed reached it.
        typed: bool,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Well.
    Done,
    /// Not.
    Failed {
        /// Why.
        why: String,
    },
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditHead {
    /// The last line's number.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// What is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// A line is no entry.
    #[error("line {line} is no entry")]
    Garbled {
        /// Counts from 1.
        line: usize,
    },
    /// A line does not follow the one before.
    #[error(
        "line {line} does not follow the one before: lines were changed, added or removed there"
    )]
    Broken {
        /// Counts from 1.
        line: usize,
    },
    /// The end is not where it was.
    #[error(
        "it ends at entry {found}, but entry {expected} was written: lines were cut from its end"
    )]
    Cut {
        /// The last entry of the file.
        found: u64,
        /// The last that was written.
        expected: u64,
    },
    /// The end was changed.
    #[error("its last entry {seq} is not the one that was written")]
    Changed {
        /// The entry.
        seq: u64,
    },
}

/// The file of one state folder.
#[derive(Clone, Debug)]
pub struct Audit {
    root: PathBuf,
}

impl Audit {
    pub(super) const fn of(root: PathBuf) -> Self {
        Self { root }
    }

    fn path(&self) -> PathBuf {
        self.root.join(FILE)
    }

    /// Adds an entry; it is on the disk when this returns. Waits for another process that
    /// is adding one.
    ///
    /// # Errors
    /// [`StoreError::Io`]; what it tells of must not be done then. [`StoreError::Garbled`]
    /// if the file's last line is no entry.
    pub fn append(&self, bottle: &BottleId, event: AuditEvent) -> Result<AuditHead, StoreError> {
        let path = self.path();
        let failed = |error| disk::failed("append to", &self.root, &path, error);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
        let last = last_line(&mut file).map_err(failed)?;
        let (seq, previous) = match &last {
            None => (1, Digest::of(GENESIS.as_bytes())),
            Some(line) => {
                let entry: AuditEntry = serde_json::from_slice(line).map_err(garbled)?;
                (entry.seq.saturating_add(1), Digest::of(line))
            }
        };
        let entry = AuditEntry {
            seq,
            at: Timestamp::now(),
            bottle: bottle.clone(),
            event,
            previous,
        };
        let mut line = serde_json::to_vec(&entry).map_err(garbled)?;
        let hash = Digest::of(&line);
        line.push(b'\n');
        file.write_all(&line)
            .and_then(|()| file.sync_data())
            .map_err(failed)?;
        if seq == 1 {
            disk::sync_parent(&self.root, &path)?;
        }
        let head = AuditHead { seq, hash };
        let bytes = serde_json::to_vec(&head).map_err(garbled)?;
        disk::replace(&self.root, &self.root.join(HEAD), &bytes)?;
        Ok(head)
    }

    /// Reads all entries, oldest first, passing over what is none.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn entries(&self) -> Result<Vec<AuditEntry>, StoreError> {
        let mut entries = Vec::new();
        self.reader().read_on(&mut |_, entry| entries.push(entry))?;
        Ok(entries)
    }

    /// Checks the whole chain. Gives its head, `None` of a file without entries.
    ///
    /// # Errors
    /// [`StoreError::Io`], or inside it what is wrong with the file.
    pub fn verify(&self) -> Result<Result<Option<AuditHead>, AuditFault>, StoreError> {
        let mut reader = self.reader();
        reader.read_on(&mut |_, _| {})?;
        Ok(reader.standing())
    }

    /// Reads the file from its beginning on, and later what was added.
    #[must_use]
    pub fn reader(&self) -> AuditReader {
        AuditReader::of(self.clone())
    }

    fn head(&self) -> Result<Option<AuditHead>, StoreError> {
        let path = self.root.join(HEAD);
        match fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk::failed("read", &self.root, &path, error)),
            Ok(bytes) => {
                serde_json::from_slice(&bytes)
                    .map(Some)
                    .map_err(|error| StoreError::Garbled {
                        name: HEAD.to_owned(),
                        error,
                    })
            }
        }
    }
}

fn garbled(error: serde_json::Error) -> StoreError {
    StoreError::Garbled {
        name: FILE.to_owned(),
        error,
    }
}

/// Reads the last whole line, and cuts away what a crash left behind it.
fn last_line(file: &mut File) -> std::io::Result<Option<Vec<u8>>> {
    const STEP: u64 = 64 * 1024;
    let length = file.metadata()?.len();
    let mut from = length;
    loop {
        from = from.saturating_sub(STEP);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            if from == 0 {
                file.set_len(0)?;
                return Ok(None);
            }
            continue;
        };
        let before = bytes.get(..end).unwrap_or_default();
        let begin = before.iter().rposition(|byte| *byte == b'\n');
        if begin.is_none() && from > 0 {
            continue;
        }
        let whole = from + u64::try_from(end).unwrap_or(u64::MAX) + 1;
        if whole < length {
            file.set_len(whole)?;
        }
        let line = before.get(begin.map_or(0, |begin| begin + 1)..);
        return Ok(line.map(<[u8]>::to_vec));
    }
}

#[cfg(test)]
mod tests;
