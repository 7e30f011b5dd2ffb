//! Many byte strings searched for at once, by their ends.
//!
//! Four bytes of the text are looked at, then the next few are passed over: the step is
//! so long that the last eight bytes of a string hold exactly one place that is looked
//! at. Strings are known by their last bytes because those of a token are random, while
//! many tokens begin alike, and because then a string that was cut by the border of two
//! pieces needs no second look at the first one.

use std::ops::Range;

use zeroize::Zeroizing;

/// What is looked at in one place.
const BLOCK_BYTES: usize = 4;
/// How much of a string's end is known; strings are no shorter than a known value.
const END_BYTES: usize = 8;
const STEP_BYTES: usize = END_BYTES - BLOCK_BYTES + 1;
/// The size of the sieve as a power of two: 16 KiB. With 24 values of 60 bytes one block
/// of ordinary text in 40 passes it.
const SIEVE_BITS: u32 = 17;
const SIEVE_WORDS: usize = 1 << (SIEVE_BITS - 6);

/// The strings and where their ends can be.
#[derive(Debug)]
pub(super) struct Suffixes {
    strings: Vec<Zeroizing<Vec<u8>>>,
    /// One bit for each block in an end, by its hash: most text is told here to be none.
    sieve: Box<[u64; SIEVE_WORDS]>,
    /// Every block of every end, sorted.
    blocks: Vec<Block>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Block {
    bytes: [u8; BLOCK_BYTES],
    string: usize,
    /// How far behind the start of this block the string ends.
    to_end: usize,
}

impl Suffixes {
    /// Shorter strings than [`END_BYTES`] are not found.
    pub(super) fn new(strings: Vec<Zeroizing<Vec<u8>>>) -> Self {
        let mut sieve = Box::new([0; SIEVE_WORDS]);
        let mut blocks = Vec::new();
        for (number, string) in strings.iter().enumerate() {
            let Some(end) = string.last_chunk::<END_BYTES>() else {
                continue;
            };
            for (at, bytes) in end.windows(BLOCK_BYTES).enumerate() {
                let Ok(bytes) = bytes.try_into() else {
                    continue;
                };
                let (word, bit) = slot(bytes);
                if let Some(word) = sieve.get_mut(word) {
                    *word |= bit;
                }
                blocks.push(Block {
                    bytes,
                    string: number,
                    to_end: END_BYTES - at,
                });
            }
        }
        blocks.sort_unstable();
        Self {
            strings,
            sieve,
            blocks,
        }
    }

    /// Says of each string in `text` that ends behind `seen` its number and its place, in
    /// the order of the ends, the longest first.
    pub(super) fn search(
        &self,
        text: &[u8],
        seen: usize,
        mut found: impl FnMut(usize, Range<usize>),
    ) {
        let from = (seen + 1).saturating_sub(END_BYTES);
        let mut places = Vec::new();
        let steps = text.get(from..).unwrap_or_default().chunks(STEP_BYTES);
        for (number, step) in steps.enumerate() {
            let Some(bytes) = step.first_chunk() else {
                break;
            };
            let (word, bit) = slot(*bytes);
            if self.sieve.get(word).is_some_and(|word| word & bit != 0) {
                self.look(text, seen, from + number * STEP_BYTES, *bytes, &mut places);
            }
        }
        places.sort_by_key(|(string, at)| (at.end, at.start, *string));
        for (string, at) in places {
            found(string, at);
        }
    }

    /// Compares the strings that have this block in their end.
    fn look(
        &self,
        text: &[u8],
        seen: usize,
        at: usize,
        bytes: [u8; BLOCK_BYTES],
        places: &mut Vec<(usize, Range<usize>)>,
    ) {
        let first = self.blocks.partition_point(|block| block.bytes < bytes);
        let rest = self.blocks.get(first..).unwrap_or_default();
        for block in rest.iter().take_while(|block| block.bytes == bytes) {
            let end = at + block.to_end;
            if let Some(string) = self.strings.get(block.string)
                && end > seen
                && text.get(..end).is_some_and(|text| text.ends_with(string))
            {
                places.push((block.string, end - string.len()..end));
            }
        }
    }
}

/// The word and the bit of the sieve that a block has.
fn slot(bytes: [u8; BLOCK_BYTES]) -> (usize, u64) {
    // Fibonacci hashing: the high bits of the product are the mixed ones.
    let hash = u32::from_le_bytes(bytes).wrapping_mul(0x9E37_79B1) >> (32 - SIEVE_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// The strings by how they begin.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// Sorted, so that a prefix is found by bisection.
    sorted: Vec<Zeroizing<Vec<u8>>>,
    /// One bit for each two bytes that a string begins with.
    pairs: Vec<u64>,
}

impl Prefixes {
    pub(super) fn new(strings: &[Zeroizing<Vec<u8>>]) -> Self {
        let mut sorted = strings.to_vec();
        sorted.sort_unstable_by(|a, b| a.as_slice().cmp(b.as_slice()));
        let mut pairs = vec![0_u64; 1 << 10];
        for string in &sorted {
            if let [first, second, ..] = string.as_slice()
                && let Some(word) = pairs.get_mut(pair(*first, *second) >> 6)
            {
                *word |= 1 << (pair(*first, *second) & 63);
            }
        }
        Self { sorted, pairs }
    }

    /// How long the longest end of `tail` is that a string begins with, and goes on.
    pub(super) fn held(&self, tail: &[u8]) -> usize {
        let pairs = tail.windows(2).enumerate();
        let begins = |at: usize| tail.get(at..).is_some_and(|end| self.begins_with(end));
        for (at, two) in pairs {
            if let [first, second] = *two
                && self.has_pair(first, second)
                && begins(at)
            {
                return tail.len() - at;
            }
        }
        usize::from(tail.len().checked_sub(1).is_some_and(begins))
    }

    fn has_pair(&self, first: u8, second: u8) -> bool {
        let pair = pair(first, second);
        let word = self.pairs.get(pair >> 6);
        word.is_some_and(|word| word >> (pair & 63) & 1 == 1)
    }

    fn begins_with(&self, prefix: &[u8]) -> bool {
        let at = self
            .sorted
            .partition_point(|string| string.as_slice() < prefix);
        // The string that is the prefix itself sorts before those it begins.
        self.sorted.get(at..).is_some_and(|rest| {
            rest.iter()
                .take_while(|string| string.starts_with(prefix))
                .any(|string| string.len() > prefix.len())
        })
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}
