//! The lines themselves: segments of text, each with an index of sixteen bytes a line.
//!
//! When all segments together would be larger than allowed, the oldest goes. Lines keep
//! their numbers.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::nameless;
use crate::wire::Role;

/// Text of a segment before the next one begins; a line may go beyond.
const SEGMENT_BYTES: u32 = 32 * 1024 * 1024;
/// Text that is read at once.
const READ_BYTES: u32 = 1024 * 1024;
/// The index of a line: offset, tag, time.
const ENTRY_BYTES: usize = 16;

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTag {
    /// By which container of its bottle.
    pub role: Role,
    /// Whether to its standard error.
    pub is_error: bool,
    /// Whether it was longer than is kept of a line, and goes on as the next.
    pub is_cut: bool,
}

/// A line to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLine {
    /// Where it was written.
    pub tag: LineTag,
    /// When, in nanoseconds since 1970.
    pub at_nanos: i64,
    /// The text, without control characters.
    pub text: String,
}

/// A line that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpillLine {
    /// Its number; the first line that was ever appended has 0.
    pub number: u64,
    /// Where it was written.
    pub tag: LineTag,
    /// When, in nanoseconds since 1970.
    pub at_nanos: i64,
    /// The text, as much of it as was asked for.
    pub text: String,
    /// Bytes of it that were not asked for.
    pub left_out: u64,
}

impl From<SpillLine> for NewLine {
    fn from(line: SpillLine) -> Self {
        Self {
            tag: line.tag,
            at_nanos: line.at_nanos,
            text: line.text,
        }
    }
}

/// Which lines there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The oldest that is kept.
    pub first: u64,
    /// One after the newest.
    pub end: u64,
    /// Bytes of text that are kept.
    pub bytes: u64,
}

/// A log on disk.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    most_bytes: u64,
    segment_bytes: u32,
    writing: Mutex<()>,
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    segments: VecDeque<Arc<Segment>>,
    /// Lines and bytes of the newest segment, which alone grows.
    newest: Size,
    extent: Extent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Size {
    lines: u32,
    bytes: u32,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    text: File,
    index: File,
    /// What it holds, once the next one has begun.
    closed: std::sync::OnceLock<Size>,
}

/// A segment as it was when it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Part {
    segment: Arc<Segment>,
    size: Size,
}

/// The index entry of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) offset: u32,
    pub(super) tag: LineTag,
    pub(super) at_nanos: i64,
}

impl Spill {
    /// An empty log below `folder` that keeps about `most_bytes` of text.
    #[must_use]
    pub fn new(folder: &Path, most_bytes: u64) -> Self {
        Self::with_segments(folder, most_bytes, SEGMENT_BYTES)
    }

    pub(super) fn with_segments(folder: &Path, most_bytes: u64, segment_bytes: u32) -> Self {
        Self {
            folder: folder.to_owned(),
            most_bytes,
            segment_bytes,
            writing: Mutex::default(),
            kept: RwLock::default(),
        }
    }

    /// Which lines there are now.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.extent
    }

    /// Appends lines. What was appended before an error stays.
    ///
    /// # Errors
    /// If the disk is full, or the folder is gone.
    pub fn append(&self, lines: &[NewLine]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = lines;
        while !rest.is_empty() {
            let part = self.open_part()?;
            rest = self.append_to(&part, rest)?;
        }
        Ok(())
    }

    /// The segment that grows; a new one if it is full.
    fn open_part(&self) -> io::Result<Part> {
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(segment) = kept.segments.back()
                && kept.newest.bytes < self.segment_bytes
            {
                let segment = Arc::clone(segment);
                let size = kept.newest;
                return Ok(Part { segment, size });
            }
        }
        let (text, index) = (nameless(&self.folder)?, nameless(&self.folder)?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let segment = Arc::new(Segment {
            first: kept.extent.end,
            text,
            index,
            closed: std::sync::OnceLock::new(),
        });
        let full = kept.newest;
        if let Some(last) = kept.segments.back() {
            // It is closed once: the next segment stands from here on.
            last.closed.set(full).ok();
        }
        kept.segments.push_back(Arc::clone(&segment));
        kept.newest = Size::default();
        self.forget(&mut kept);
        let size = Size::default();
        Ok(Part { segment, size })
    }

    /// Lets the oldest segments go for which there is no room.
    fn forget(&self, kept: &mut Kept) {
        let room = self
            .most_bytes
            .saturating_sub(u64::from(self.segment_bytes));
        while kept.extent.bytes > room && kept.segments.len() > 1 {
            let Some(oldest) = kept.segments.pop_front() else {
                return;
            };
            let size = oldest.closed.get().copied().unwrap_or_default();
            kept.extent.bytes = kept.extent.bytes.saturating_sub(u64::from(size.bytes));
            kept.extent.first = oldest.first + u64::from(size.lines);
        }
    }

    /// Appends what fits into one segment and gives the rest.
    fn append_to<'a>(&self, part: &Part, lines: &'a [NewLine]) -> io::Result<&'a [NewLine]> {
        let mut text = Vec::new();
        let mut index = Vec::new();
        let mut size = part.size;
        let mut taken = 0;
        for line in lines {
            let length = u32::try_from(line.text.len() + 1).unwrap_or(u32::MAX);
            let Some(end) = size.bytes.checked_add(length) else {
                break;
            };
            if taken > 0 && end > self.segment_bytes {
                break;
            }
            let entry = Entry {
                offset: size.bytes,
                tag: line.tag,
                at_nanos: line.at_nanos,
            };
            index.extend_from_slice(&entry.bytes());
            text.extend_from_slice(line.text.as_bytes());
            text.push(b'\n');
            size.bytes = end;
            size.lines += 1;
            taken += 1;
        }
        let place = |lines: u32| u64::from(lines) * ENTRY_BYTES as u64;
        part.segment
            .text
            .write_all_at(&text, u64::from(part.size.bytes))?;
        part.segment
            .index
            .write_all_at(&index, place(part.size.lines))?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.newest = size;
        kept.extent.end = part.segment.first + u64::from(size.lines);
        kept.extent.bytes += u64::from(size.bytes - part.size.bytes);
        Ok(lines.get(taken..).unwrap_or_default())
    }

    /// The segments that hold these lines, and which of their lines those are.
    pub(super) fn parts(&self, lines: &Range<u64>) -> Vec<(Part, Range<u32>)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let mut parts = Vec::new();
        for segment in &kept.segments {
            let size = segment.closed.get().copied().unwrap_or(kept.newest);
            let end = segment.first + u64::from(size.lines);
            let from = lines.start.max(segment.first);
            let to = lines.end.min(end);
            if from < to {
                let within = |line: u64| u32::try_from(line - segment.first).unwrap_or(u32::MAX);
                let segment = Arc::clone(segment);
                parts.push((Part { segment, size }, within(from)..within(to)));
            }
        }
        parts
    }

    /// Reads lines, at most `most_bytes` of the text of each; those that are not there
    /// are left out.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn read(&self, lines: Range<u64>, most_bytes: u32) -> io::Result<Vec<SpillLine>> {
        let mut read = Vec::new();
        for (part, within) in self.parts(&lines) {
            part.read(within, most_bytes, &mut read)?;
        }
        Ok(read)
    }
}

impl Part {
    /// The number of its first line.
    pub(super) fn first(&self) -> u64 {
        self.segment.first
    }

    /// The index of lines, and where the text of the last of them ends.
    pub(super) fn entries(&self, lines: &Range<u32>) -> io::Result<(Vec<Entry>, u32)> {
        let count = usize::try_from(lines.end.saturating_sub(lines.start)).unwrap_or(0);
        // The entry after the last tells where that ends.
        let has_next = lines.end < self.size.lines;
        let mut bytes = vec![0; (count + usize::from(has_next)) * ENTRY_BYTES];
        let place = u64::from(lines.start) * ENTRY_BYTES as u64;
        self.segment.index.read_exact_at(&mut bytes, place)?;
        let (chunks, _) = bytes.as_chunks::<ENTRY_BYTES>();
        let mut entries: Vec<Entry> = chunks.iter().map(Entry::of).collect();
        let end = if has_next { entries.pop() } else { None };
        let end = end.map_or(self.size.bytes, |next| next.offset);
        Ok((entries, end))
    }

    /// A piece of the text.
    pub(super) fn text(&self, from: u32, to: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(0)];
        self.segment
            .text
            .read_exact_at(&mut bytes, u64::from(from))?;
        Ok(bytes)
    }

    fn read(&self, lines: Range<u32>, most: u32, read: &mut Vec<SpillLine>) -> io::Result<()> {
        let (entries, end) = self.entries(&lines)?;
        let start = entries.first().map_or(end, |entry| entry.offset);
        // Mostly all of it fits into one read.
        let whole = if end - start <= READ_BYTES {
            Some(self.text(start, end)?)
        } else {
            None
        };
        let ends = entries.iter().skip(1).map(|entry| entry.offset);
        for ((number, entry), end) in (u64::from(lines.start)..)
            .zip(&entries)
            .zip(ends.chain([end]))
        {
            let length = end.saturating_sub(entry.offset).saturating_sub(1);
            let to = entry.offset + length.min(most);
            let within = |place: u32| usize::try_from(place - start).unwrap_or(usize::MAX);
            let bytes = match &whole {
                Some(whole) => whole.get(within(entry.offset)..within(to)),
                None => None,
            };
            let text = match bytes {
                Some(bytes) => until_whole(bytes.to_vec()),
                None => until_whole(self.text(entry.offset, to)?),
            };
            read.push(SpillLine {
                number: self.segment.first + number,
                tag: entry.tag,
                at_nanos: entry.at_nanos,
                left_out: u64::from(length).saturating_sub(text.len() as u64),
                text,
            });
        }
        Ok(())
    }
}

/// Text that may have been cut within a character.
fn until_whole(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let mut bytes = error.into_bytes();
        bytes.truncate(valid);
        String::from_utf8(bytes).unwrap_or_default()
    })
}

impl Entry {
    fn bytes(self) -> [u8; ENTRY_BYTES] {
        let LineTag {
            role,
            is_error,
            is_cut,
        } = self.tag;
        let role: u8 = match role {
            Role::Agent => 0,
            Role::Egress => 1,
            Role::Supervise => 2,
        };
        let tag = u32::from(role) | u32::from(is_error) << 8 | u32::from(is_cut) << 9;
        // One number of sixteen bytes: offset, tag and time.
        let time = u128::from(self.at_nanos.cast_unsigned());
        let whole = u128::from(self.offset) | u128::from(tag) << 32 | time << 64;
        whole.to_le_bytes()
    }

    fn of(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let whole = u128::from_le_bytes(*bytes);
        let part = |shift: u32| u32::try_from(whole >> shift & 0xffff_ffff).unwrap_or_default();
        let tag = part(32);
        let time = u64::from(part(64)) | u64::from(part(96)) << 32;
        let role = match tag & 0xff {
            0 => Role::Agent,
            1 => Role::Egress,
            _ => Role::Supervise,
        };
        Self {
            offset: part(0),
            tag: LineTag {
                role,
                is_error: tag & 1 << 8 != 0,
                is_cut: tag & 1 << 9 != 0,
            },
            at_nanos: time.cast_signed(),
        }
    }
}
