//! A run of lines in memory, for as long as they are looked through.

use std::io;
use std::ops::Range;

use super::pattern::Pattern;
use super::spill::{Entry, Part};

/// Lines whose index is read at once.
const MOST_LINES: u32 = 8 * 1024;
/// Text that is read at once; a single line may go beyond.
const MOST_BYTES: u32 = 1024 * 1024;

/// A run of lines.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of its first line.
    pub(super) first: u64,
    pub(super) entries: Vec<Entry>,
    /// The text from the offset of the first entry on; empty if it was not read.
    text: Vec<u8>,
    end: u32,
}

impl Block {
    /// Reads the first of these lines, as many as fit.
    pub(super) fn read(part: &Part, lines: &Range<u32>, with_text: bool) -> io::Result<Self> {
        let end = lines.end.min(lines.start.saturating_add(MOST_LINES));
        let (mut entries, mut end) = part.entries(&(lines.start..end))?;
        let from = entries.first().map_or(0, |entry| entry.offset);
        if with_text && end - from > MOST_BYTES {
            let fits = entries.partition_point(|entry| entry.offset - from <= MOST_BYTES);
            // An entry tells where the one before it ends.
            if let Some(next) = entries.get(fits.saturating_sub(1).max(1)) {
                end = next.offset;
                entries.truncate(fits.saturating_sub(1).max(1));
            }
        }
        let text = if with_text {
            // Without the last line end, behind which there is no line.
            part.text(from, end.saturating_sub(1).max(from))?
        } else {
            Vec::new()
        };
        Ok(Self {
            first: part.first() + u64::from(lines.start),
            entries,
            text,
            end,
        })
    }

    /// Bytes of text in it, read or not.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.end - self.start())
    }

    fn start(&self) -> u32 {
        self.entries.first().map_or(self.end, |entry| entry.offset)
    }

    /// Which of its lines hold a pattern, counted from 0.
    pub(super) fn matches(&self, pattern: &Pattern) -> Vec<usize> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(start) = pattern.next(&self.text, from) {
            let place = self.start() + u32::try_from(start).unwrap_or(u32::MAX);
            // Matches come one after the other, each near the last.
            let known = found.last().map_or(0, |last| last + 1);
            let line = self.line_of(place, known);
            if line >= self.entries.len() {
                break;
            }
            found.push(line);
            match self.entries.get(line + 1) {
                Some(next) => from = usize::try_from(next.offset - self.start()).unwrap_or(0),
                None => break,
            }
        }
        found
    }

    /// The line of a place in the text, which is not before line `known`.
    fn line_of(&self, place: u32, known: usize) -> usize {
        let rest = self.entries.get(known..).unwrap_or_default();
        known + rest.partition_point(|entry| entry.offset <= place).max(1) - 1
    }
}
