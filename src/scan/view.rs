//! A text with the escapes of one kind undone.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::words::{Spot, Words};

/// How one kind of escape is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escape {
    mark: u8,
    /// Whether what follows the mark makes it worth to look at the text as a whole.
    is_one: fn(&[u8]) -> bool,
    /// What an escape means, and how many bytes were read.
    read: fn(&[u8]) -> Option<(Meant, usize)>,
}

/// Percent-encoding names bytes, JSON characters.
#[derive(Clone, Copy, Debug)]
enum Meant {
    Byte(u8),
    Char(char),
}

/// RFC 3986, section 2.1.
pub(super) const PERCENT: Escape = Escape {
    mark: b'%',
    is_one: |rest| matches!(rest, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    read: percent,
};
/// RFC 8259, section 7. Half a surrogate pair is left as it stands.
pub(super) const JSON: Escape = Escape {
    mark: b'\\',
    is_one: |rest| matches!(rest, [b'\\', escape, ..] if b"\"\\/bfnrtu".contains(escape)),
    read: json,
};

impl Escape {
    /// Whether one begins in `area`.
    pub(super) fn occurs(self, text: &[u8], area: &Range<usize>) -> bool {
        let part = text.get(area.clone()).unwrap_or_default();
        memchr_iter(self.mark, part).any(|at| {
            let rest = text.get(area.start + at..).unwrap_or_default();
            (self.is_one)(rest)
        })
    }
}

/// The text as it is meant, and which byte of it comes from where.
#[derive(Debug)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    start: usize,
    /// What was undone, ascending.
    undone: Vec<Undone>,
}

/// One escape: in both texts its place and its length. The text is a block of a stream or
/// an unpacked piece, both far shorter than 4 GiB.
#[derive(Clone, Copy, Debug)]
struct Undone {
    outer: u32,
    inner: u32,
    written: u8,
    meant: u8,
}

impl Undone {
    fn outer_end(self) -> usize {
        self.outer as usize + usize::from(self.written)
    }

    fn inner_end(self) -> usize {
        self.inner as usize + usize::from(self.meant)
    }
}

impl View {
    /// The whole text from `start` on.
    pub(super) fn new(text: &[u8], start: usize, escape: Escape) -> Self {
        let mut bytes = Vec::with_capacity(text.len().saturating_sub(start));
        let mut undone = Vec::new();
        let mut copied = start;
        let mut at = start;
        while let Some(found) = text.get(at..).and_then(|rest| memchr(escape.mark, rest)) {
            at += found;
            let Some((meant, written)) = text.get(at..).and_then(escape.read) else {
                at += 1;
                continue;
            };
            bytes.extend_from_slice(text.get(copied..at).unwrap_or_default());
            let inner = bytes.len();
            match meant {
                Meant::Byte(byte) => bytes.push(byte),
                Meant::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
            undone.push(Undone {
                outer: u32::try_from(at).unwrap_or(u32::MAX),
                inner: u32::try_from(inner).unwrap_or(u32::MAX),
                written: u8::try_from(written).unwrap_or(u8::MAX),
                meant: u8::try_from(bytes.len() - inner).unwrap_or(u8::MAX),
            });
            at += written;
            copied = at;
        }
        bytes.extend_from_slice(text.get(copied..).unwrap_or_default());
        Self {
            bytes,
            start,
            undone,
        }
    }

    /// The place in the outer text of a place in this one.
    pub(super) fn outer(&self, inner: usize) -> usize {
        let inner = inner.min(self.bytes.len());
        let before = self
            .undone
            .partition_point(|one| one.inner as usize <= inner);
        match before.checked_sub(1).and_then(|last| self.undone.get(last)) {
            None => self.start + inner,
            Some(last) if inner < last.inner_end() => last.outer as usize,
            Some(last) => last.outer_end() + (inner - last.inner_end()),
        }
    }

    /// How many bytes come from before `end` in the outer text.
    pub(super) fn before(&self, end: usize) -> usize {
        let before = self
            .undone
            .partition_point(|one| (one.outer as usize) < end);
        let inner = match before.checked_sub(1).and_then(|last| self.undone.get(last)) {
            None => end.saturating_sub(self.start),
            Some(last) => last.inner_end() + end.saturating_sub(last.outer_end()),
        };
        inner.min(self.bytes.len())
    }

    /// Where words stand here, told from where they stand in the outer text; only around
    /// escapes that stand for letters of words they are looked for.
    pub(super) fn spots(&self, outer: &[Spot], words: &Words) -> Vec<Spot> {
        let is_lettered = |one: &&Undone| {
            let meant = self.bytes.get(one.inner as usize..one.inner_end());
            meant.is_some_and(|meant| meant.iter().any(|byte| words.has_letter(*byte)))
        };
        let lettered: Vec<Range<usize>> = self
            .undone
            .iter()
            .filter(is_lettered)
            .map(|one| one.inner as usize..one.inner_end())
            .collect();
        let around = words.overlap() * 2 + 1;
        if lettered.len() * around > self.bytes.len() / 2 {
            return words.find(&self.bytes);
        }
        let mut spots = self.kept(outer);
        if lettered.is_empty() {
            return spots;
        }
        let mut rest = lettered.iter().peekable();
        while let Some(first) = rest.next() {
            let from = first.start.saturating_sub(words.overlap());
            let mut to = first.end + words.overlap();
            let mut met = vec![first];
            while let Some(next) = rest.next_if(|next| next.start < to + words.overlap()) {
                to = next.end + words.overlap();
                met.push(next);
            }
            let part = self.bytes.get(from..to.min(self.bytes.len()));
            let found = words.find(part.unwrap_or_default());
            let found = found.into_iter().map(|spot| spot.moved_on(from));
            // The others are known from the outer text.
            spots.extend(found.filter(|spot| {
                let near = met.partition_point(|one| one.end <= spot.start);
                met.get(near).is_some_and(|one| one.start < spot.end)
            }));
        }
        spots.sort_by_key(|spot| (spot.end, spot.start));
        spots
    }

    /// The words that no escape is part of.
    fn kept(&self, outer: &[Spot]) -> Vec<Spot> {
        let mut rest = self.undone.iter().peekable();
        // From where on the text is as written, in both texts.
        let (mut outer_from, mut inner_from) = (self.start, 0);
        let mut spots = Vec::with_capacity(outer.len());
        for spot in outer {
            while let Some(one) = rest.next_if(|one| (one.outer as usize) < spot.end) {
                (outer_from, inner_from) = (one.outer_end(), one.inner_end());
            }
            // One that an escape's own characters are part of is none here.
            if let Some(inner) = spot.moved_back(outer_from) {
                spots.push(inner.moved_on(inner_from));
            }
        }
        spots
    }
}

fn percent(text: &[u8]) -> Option<(Meant, usize)> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let value = hex(&[*high, *low])?;
    Some((Meant::Byte(u8::try_from(value).ok()?), 3))
}

fn json(text: &[u8]) -> Option<(Meant, usize)> {
    let [b'\\', escape, rest @ ..] = text else {
        return None;
    };
    let meant = match escape {
        b'"' | b'\\' | b'/' => char::from(*escape),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return Some((Meant::Char(char::from_u32(hex(rest.get(..4)?)?)?), 6)),
        _ => return None,
    };
    Some((Meant::Char(meant), 2))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })
}
