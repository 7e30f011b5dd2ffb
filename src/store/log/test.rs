//! Which lines are shown or found, and looking through a whole log for them.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::block::Block;
use super::pattern::Pattern;
use super::spill::Spill;
use crate::wire::Role;

/// Which lines pass.
#[derive(Clone, Debug, Default)]
pub struct LineTest {
    /// Only lines of these containers; of all of them if there are none.
    pub roles: Vec<Role>,
    /// Only lines that hold all of these.
    pub with: Vec<Pattern>,
    /// Only lines that hold none of these.
    pub without: Vec<Pattern>,
}

/// How far a look through a log is, told between threads.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of text looked through.
    pub bytes: AtomicU64,
    /// Set to give it up.
    pub stop: AtomicBool,
}

impl LineTest {
    /// Whether every line passes.
    #[must_use]
    pub fn passes_all(&self) -> bool {
        self.roles.is_empty() && self.with.is_empty() && self.without.is_empty()
    }

    fn reads_text(&self) -> bool {
        !self.with.is_empty() || !self.without.is_empty()
    }

    /// The numbers of the lines of a block that pass.
    fn passing(&self, block: &Block) -> Vec<u64> {
        let mut passing: Option<Vec<usize>> = None;
        for pattern in &self.with {
            let matches = block.matches(pattern);
            passing = Some(match passing {
                None => matches,
                Some(mut before) => {
                    before.retain(|line| matches.binary_search(line).is_ok());
                    before
                }
            });
        }
        let mut passing = passing.unwrap_or_else(|| (0..block.entries.len()).collect());
        for pattern in &self.without {
            let matches = block.matches(pattern);
            passing.retain(|line| matches.binary_search(line).is_err());
        }
        if !self.roles.is_empty() {
            passing.retain(|line| {
                let entry = block.entries.get(*line);
                entry.is_some_and(|entry| self.roles.contains(&entry.tag.role))
            });
        }
        passing
            .into_iter()
            .map(|line| block.first + line as u64)
            .collect()
    }
}

/// Looks through these lines, oldest first, and hands over those that pass, some at a
/// time. Gives whether it came to the end.
///
/// # Errors
/// If the disk fails, or `found` does.
pub fn scan(
    spill: &Spill,
    lines: Range<u64>,
    test: &LineTest,
    progress: &Progress,
    mut found: impl FnMut(&[u64]) -> io::Result<()>,
) -> io::Result<bool> {
    for (part, mut within) in spill.parts(&lines) {
        while !within.is_empty() {
            if progress.stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let block = Block::read(&part, &within, test.reads_text())?;
            let count = u32::try_from(block.entries.len()).unwrap_or(u32::MAX);
            let passing = test.passing(&block);
            if !passing.is_empty() {
                found(&passing)?;
            }
            progress.bytes.fetch_add(block.bytes(), Ordering::Relaxed);
            within.start = within.start.saturating_add(count.max(1));
        }
    }
    Ok(true)
}
