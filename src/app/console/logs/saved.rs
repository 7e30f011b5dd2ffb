//! Lines that leave the console: into a file that is new, or into the clipboard.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::found::Found;
use super::rows::read;
use super::view::View;
use crate::state::{MOST_COPIED, SavedLog};
use crate::store::{Spill, SpillLine};

/// Lines that are read at once.
const AT_ONCE: u64 = 256;
/// Names that are tried.
const NAMES: u32 = 1_000;

/// Writes the lines of a view into a new file, each with its time and whose it is.
pub(super) fn save(folder: &Path, bottle: &str, view: &View) -> io::Result<SavedLog> {
    let (path, file) = create(folder, bottle)?;
    let mut out = BufWriter::new(file);
    let (first, end) = view.range()?;
    let mut written = 0;
    let mut from = first;
    while from < end {
        let to = end.min(from + AT_ONCE);
        let numbers = view.lines(from..to)?;
        for line in read(view.spill(), &numbers, u32::MAX)? {
            writeln!(out, "{}", plain(&line))?;
            written += 1;
        }
        from = to;
    }
    out.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    Ok(SavedLog {
        path: path.display().to_string(),
        lines: written,
    })
}

fn plain(line: &SpillLine) -> String {
    let at = Timestamp::from_nanosecond(i128::from(line.at_nanos)).unwrap_or_default();
    format!("{at} {} {}", line.tag.role.as_str(), line.text)
}

/// Makes a file that was not there.
fn create(folder: &Path, bottle: &str) -> io::Result<(PathBuf, File)> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let now = Timestamp::now().to_zoned(jiff::tz::TimeZone::system());
    let time = now.strftime("%Y%m%d-%H%M%S").to_string();
    for attempt in 0..NAMES {
        let again = match attempt {
            0 => String::new(),
            attempt => format!("-{attempt}"),
        };
        let path = folder.join(format!("{bottle}-{time}{again}.log"));
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (path, file)),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// The text of the lines that were found, as many as the clipboard takes; how many those
/// are, and how many there was no room for.
pub(super) fn found(spill: &Spill, found: &Found) -> io::Result<(String, u64, u64)> {
    let (mut from, end) = (found.first(spill)?, found.list.len());
    let (mut text, mut taken) = (String::new(), 0);
    while from < end {
        let to = end.min(from + AT_ONCE);
        let numbers = found.list.get(from..to)?;
        for line in read(spill, &numbers, u32::MAX)? {
            if text.len() + line.text.len() >= MOST_COPIED {
                return Ok((text, taken, end - found.first(spill)? - taken));
            }
            text.push_str(&line.text);
            text.push('\n');
            taken += 1;
        }
        from = to;
    }
    Ok((text, taken, 0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("saved");
        let made: Vec<PathBuf> = (0..3)
            .map(|_| create(&folder, "api-k3x9q").unwrap().0)
            .collect();
        assert!(made[0] != made[1] && made[1] != made[2]);
        let mode = std::fs::metadata(&made[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
