//! Reading a recording, an event at a time. The file may be a stranger's: its texts are
//! drawn as those of agents are, and no line of it is longer than what is read at once.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde::Deserialize;

use super::{Entry, Header, VERSION};

/// The longest line that is read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    /// The file.
    #[error("read the file")]
    Io(#[from] io::Error),
    /// Nothing is in it.
    #[error("read its begin: it is empty")]
    Empty,
    /// It is something else.
    #[error("read its begin: it is no recording of Cellar")]
    Foreign(#[source] serde_json::Error),
    /// It was made by another version.
    #[error(
        "read it: its format is version {theirs}, made by Cellar {cellar}; this one reads {VERSION}"
    )]
    Version {
        /// Its version.
        theirs: u32,
        /// Who made it.
        cellar: String,
    },
    /// A line is no event.
    #[error("understand line {number}")]
    Line {
        /// Which, from 1.
        number: u64,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// A line is too long to be one of ours.
    #[error("read line {number}: it is longer than {} MiB", MOST_BYTES / 1024 / 1024)]
    TooLong {
        /// Which, from 1.
        number: u64,
    },
}

/// What every version begins with.
#[derive(Deserialize)]
struct Stamp {
    recording: u32,
    #[serde(default)]
    cellar: String,
}

/// A recording that is read.
#[derive(Debug)]
pub(crate) struct Reader {
    file: BufReader<File>,
    header: Header,
    number: u64,
    line: Vec<u8>,
}

impl Reader {
    /// Opens a recording and reads its begin.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        let mut file = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        if !read_line(&mut file, &mut line, 1)? {
            return Err(RecordingError::Empty);
        }
        let stamp: Stamp = serde_json::from_slice(&line).map_err(RecordingError::Foreign)?;
        if stamp.recording != VERSION {
            return Err(RecordingError::Version {
                theirs: stamp.recording,
                cellar: stamp.cellar,
            });
        }
        Ok(Self {
            header: serde_json::from_slice(&line).map_err(RecordingError::Foreign)?,
            file,
            number: 1,
            line,
        })
    }

    /// What it begins with.
    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// What happened next; `None` at the end. A last line that was cut by a crash is none.
    ///
    /// # Errors
    /// [`RecordingError`].
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, RecordingError> {
        self.number += 1;
        let number = self.number;
        if !read_line(&mut self.file, &mut self.line, number)? {
            return Ok(None);
        }
        match serde_json::from_slice(&self.line) {
            Ok(entry) => Ok(Some(entry)),
            Err(_) if self.line.last() != Some(&b'\n') => Ok(None),
            Err(error) => Err(RecordingError::Line { number, error }),
        }
    }
}

/// Reads one line; says whether there was one.
fn read_line(
    file: &mut BufReader<File>,
    line: &mut Vec<u8>,
    number: u64,
) -> Result<bool, RecordingError> {
    line.clear();
    let count = file.take(MOST_BYTES).read_until(b'\n', line)?;
    if u64::try_from(count).unwrap_or(u64::MAX) == MOST_BYTES && line.last() != Some(&b'\n') {
        return Err(RecordingError::TooLong { number });
    }
    Ok(count > 0)
}
