//! The decision log on the sidecar's own volume: JSON Lines, bounded, and still
//! readable after a crash in the middle of a line.
//!
//! Writing never waits for room: a line that cannot be written is dropped and the
//! caller is told, so that it can say so and go on.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::wire::DecisionRecord;

/// A log that would grow over this is set aside as the one kept generation.
pub(super) const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// How much of the end is read for the records of an earlier life.
const TAIL_BYTES: u64 = 256 * 1024;
const MAX_TAIL_RECORDS: usize = 500;

/// An append-only file of decisions.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    limit: u64,
    /// Opened at the first write, and again after a failure.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    length: u64,
    /// Whether the last line may be cut off, so that the next starts with a line end.
    torn: bool,
}

impl Journal {
    /// Names the file; nothing is opened yet.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            limit: MAX_BYTES,
            open: None,
        }
    }

    /// Gives the last records that earlier lives wrote, oldest first.
    pub(super) fn tail(&self) -> Vec<DecisionRecord> {
        let mut records = tail_of(&self.path);
        if records.is_empty() {
            records = tail_of(&aside(&self.path));
        }
        let surplus = records.len().saturating_sub(MAX_TAIL_RECORDS);
        records.split_off(surplus)
    }

    /// Appends records, all in one write.
    ///
    /// # Errors
    /// Whatever the file system says; the records are lost then.
    pub(super) fn append(&mut self, records: &[DecisionRecord]) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        let written = self.write(&lines);
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn write(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.path)?,
        };
        if open.length > 0 && open.length.saturating_add(length) > self.limit {
            std::fs::rename(&self.path, aside(&self.path))?;
            open = Open::at(&self.path)?;
        }
        if open.torn {
            open.file.write_all(b"\n")?;
            open.length += 1;
            open.torn = false;
        }
        open.file.write_all(lines)?;
        open.length += length;
        self.open = Some(open);
        Ok(())
    }
}

impl Open {
    fn at(path: &Path) -> std::io::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        let length = file.metadata()?.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self {
            file,
            length,
            torn: last != *b"\n",
        })
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

/// Reads the records at the end of a file; a line that is none is passed over.
fn tail_of(path: &Path) -> Vec<DecisionRecord> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read()
        .unwrap_or_default()
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::Reason;
    use crate::wire::Verdict;

    fn record(seq: u64) -> DecisionRecord {
        DecisionRecord {
            seq,
            at: Timestamp::UNIX_EPOCH,
            method: "CONNECT".to_owned(),
            host: "a.example".to_owned(),
            port: 443,
            verdict: Verdict::Denied {
                reason: Reason::HostNotAllowed,
            },
            request: None,
            wants: None,
        }
    }

    fn in_folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        (folder, path)
    }

    #[test]
    fn a_later_life_reads_what_an_earlier_wrote() {
        let (_folder, path) = in_folder();
        let mut journal = Journal::new(path.clone());
        assert_eq!(journal.tail(), []);
        journal.append(&[record(1)]).unwrap();
        journal.append(&[record(2)]).unwrap();
        drop(journal);
        assert_eq!(Journal::new(path).tail(), [record(1), record(2)]);
    }

    #[test]
    fn a_torn_line_costs_only_itself() {
        let (_folder, path) = in_folder();
        let mut journal = Journal::new(path.clone());
        journal.append(&[record(1)]).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"seq\":2,\"at\":").unwrap();
        let mut journal = Journal::new(path);
        journal.append(&[record(3)]).unwrap();
        assert_eq!(journal.tail(), [record(1), record(3)]);
    }

    #[test]
    fn a_full_log_is_set_aside_once() {
        let (folder, path) = in_folder();
        let mut journal = Journal::new(path.clone());
        journal.limit = 1000;
        for seq in 1..=100 {
            journal.append(&[record(seq)]).unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["decisions.1.jsonl", "decisions.jsonl"]);
        for name in names {
            let length = std::fs::metadata(folder.path().join(name)).unwrap().len();
            assert!(length <= 1000, "{length}");
        }
        assert_eq!(journal.tail().last(), Some(&record(100)));
    }

    #[test]
    fn a_log_that_cannot_be_written_is_tried_again() {
        let (folder, _) = in_folder();
        let path = folder.path().join("later").join("decisions.jsonl");
        let mut journal = Journal::new(path.clone());
        assert!(journal.append(&[record(1)]).is_err());
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        journal.append(&[record(2)]).unwrap();
        assert_eq!(journal.tail(), [record(2)]);
    }

    /// `/dev/full` answers every write with «no space left».
    #[test]
    fn a_full_disk_is_an_answer_and_no_end() {
        let mut journal = Journal::new(PathBuf::from("/dev/full"));
        for seq in 1..4 {
            let error = journal.append(&[record(seq)]).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        }
    }
}
