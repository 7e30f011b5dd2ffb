//! Reading files that an agent may have put there: never more than asked for, and
//! never waiting for a pipe that nobody writes to.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file; anything else is as good as none.
pub(super) fn open(path: &Path) -> Option<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// At most so many bytes of a file's start.
pub(super) fn start_of(path: &Path, bytes: u64) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    open(path)?.take(bytes).read_to_end(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_pipe_in_the_place_of_a_file_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        assert!(start_of(&pipe, 10).is_none());
        assert!(start_of(folder.path(), 10).is_none());
        let file = folder.path().join("file");
        std::fs::write(&file, "0123456789abc").unwrap();
        assert_eq!(start_of(&file, 10).unwrap(), b"0123456789");
    }
}
