//! A log on disk while it is looked at: every line within one short read, however long
//! the log is, and nothing of it in memory.
//!
//! Invariants: files have no name from the moment they are made, so that they go with the
//! process whatever ends it; lines are clean text already, and hold no line end; one
//! writer appends, any number of threads read what was appended. All of it blocks and
//! belongs beside the loop. The module must not know where lines come from, nor how they
//! are shown.

mod block;
mod list;
mod pattern;
mod spill;
mod test;

#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

pub use list::LineList;
pub use pattern::Pattern;
pub use spill::{Extent, LineTag, NewLine, Spill, SpillLine};
pub use test::{LineTest, Progress, scan};

/// Makes a file that only we can read and that has no name.
fn nameless(folder: &Path) -> io::Result<File> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".log-{}-{number}", std::process::id()));
    // One of that name is what a process of our number left between two calls.
    drop(std::fs::remove_file(&path));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
