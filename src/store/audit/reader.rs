//! Reading the audit once: entries are told and the chain is checked in the same pass, a
//! line at a time, and what is added later goes on from there.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

use super::{Audit, AuditEntry, AuditFault, AuditHead, GENESIS};
use crate::spec::Digest;
use crate::store::{StoreError, disk};

/// How far the file was read, and what is wrong with it up to there.
#[derive(Debug)]
pub struct AuditReader {
    audit: Audit,
    /// Where the next line begins.
    offset: u64,
    lines: usize,
    seq: u64,
    /// The hash of the last line.
    last: Digest,
    fault: Option<AuditFault>,
    head: Option<AuditHead>,
}

impl AuditReader {
    pub(super) fn of(audit: Audit) -> Self {
        Self {
            audit,
            offset: 0,
            lines: 0,
            seq: 0,
            last: Digest::of(GENESIS.as_bytes()),
            fault: None,
            head: None,
        }
    }

    /// Tells of every entry that was not told of yet, with where its line begins; passes
    /// over what is none. A file that became shorter is another: nothing is told of it,
    /// and [`AuditReader::is_another`] says so.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read_on(&mut self, visit: &mut dyn FnMut(u64, AuditEntry)) -> Result<(), StoreError> {
        // Before the file: what is written meanwhile must not look as if it was cut.
        self.head = self.audit.head()?;
        let audit = self.audit.clone();
        let path = audit.path();
        let failed = |error| disk::failed("read", &audit.root, &path, error);
        let Some(mut lines) = open(&audit, self.offset).map_err(failed)? else {
            return Ok(());
        };
        let mut line = Vec::new();
        while let Some(length) = next_line(&mut lines, &mut line).map_err(failed)? {
            let at = self.offset;
            self.offset += length;
            self.lines += 1;
            let entry = serde_json::from_slice::<AuditEntry>(&line).ok();
            self.check(entry.as_ref(), &line);
            if let Some(entry) = entry {
                visit(at, entry);
            }
        }
        Ok(())
    }

    /// Whether the file ends before what was read of it.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn is_another(&self) -> Result<bool, StoreError> {
        let path = self.audit.path();
        match fs::metadata(&path) {
            Ok(there) => Ok(there.len() < self.offset),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.offset > 0),
            Err(error) => Err(disk::failed("read", &self.audit.root, &path, error)),
        }
    }

    /// Where the chain ends; `None` of a file without entries.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn standing(&self) -> Result<Option<AuditHead>, AuditFault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let (seq, hash) = (self.seq, self.last);
        match self.head {
            Some(head) if head.seq > seq => Err(AuditFault::Cut {
                found: seq,
                expected: head.seq,
            }),
            Some(head) if head.seq == seq && head.hash != hash => Err(AuditFault::Changed { seq }),
            // One more than the head tells was written by one who was killed right after.
            _ => Ok((seq > 0).then_some(AuditHead { seq, hash })),
        }
    }

    /// Reads entries from where a line begins, until told to stop.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read_from(
        &self,
        offset: u64,
        visit: &mut dyn FnMut(AuditEntry) -> bool,
    ) -> Result<(), StoreError> {
        let path = self.audit.path();
        let failed = |error| disk::failed("read", &self.audit.root, &path, error);
        let Some(mut lines) = open(&self.audit, offset).map_err(failed)? else {
            return Ok(());
        };
        let (mut line, mut at) = (Vec::new(), offset);
        // What was added since was not counted yet.
        while at < self.offset
            && let Some(length) = next_line(&mut lines, &mut line).map_err(failed)?
        {
            at += length;
            if let Ok(entry) = serde_json::from_slice(&line)
                && !visit(entry)
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Checks that a line follows the one before.
    fn check(&mut self, entry: Option<&AuditEntry>, line: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let number = self.lines;
        match entry {
            None => self.fault = Some(AuditFault::Garbled { line: number }),
            Some(entry) if entry.previous != self.last || entry.seq != self.seq + 1 => {
                self.fault = Some(AuditFault::Broken { line: number });
            }
            Some(entry) => {
                self.last = Digest::of(line);
                self.seq = entry.seq;
            }
        }
    }
}

fn open(audit: &Audit, offset: u64) -> io::Result<Option<BufReader<File>>> {
    let mut file = match File::open(audit.path()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    file.seek(SeekFrom::Start(offset))?;
    Ok(Some(BufReader::with_capacity(64 * 1024, file)))
}

/// Reads the next whole line without its end; gives how many bytes it took. What a crash
/// left without an end is none.
fn next_line(lines: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
    line.clear();
    lines.read_until(b'\n', line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(Some(
        u64::try_from(line.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1),
    ))
}
