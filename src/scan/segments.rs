//! Pieces of a text that are another text in disguise.

use std::ops::Range;

use data_encoding::HEXLOWER_PERMISSIVE;
use memchr::memmem;

use super::finding::Layer;
use super::inflate;
use super::view::{self, View};

/// Shorter runs of base64 or hex hold no secret that a rule could know.
const MIN_RUN_BYTES: usize = 16;
/// RFC 1952, section 2.3: the magic bytes, and deflate.
const GZIP: [u8; 3] = [0x1F, 0x8B, 8];
/// RFC 8878, section 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// A piece of a text and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) layer: Layer,
    pub(super) at: Range<usize>,
}

/// A piece and what it says.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) layer: Layer,
    pub(super) says: Says,
    /// Whether unpacking stopped at a limit.
    pub(super) is_cut: bool,
    at: Range<usize>,
}

/// What a piece says, with what is needed to tell where each byte comes from.
#[derive(Debug)]
pub(super) enum Says {
    /// Groups of characters make groups of bytes.
    Even(Vec<u8>),
    /// The same as the text, but for escapes.
    Escaped(View),
    /// No byte has a place of its own.
    Whole(Vec<u8>),
}

impl Segment {
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.says {
            Says::Even(bytes) | Says::Whole(bytes) => bytes,
            Says::Escaped(view) => &view.bytes,
        }
    }

    /// How many characters make how many bytes.
    fn group(&self) -> (usize, usize) {
        group(self.layer)
    }

    /// The range in the outer text of a range in this one.
    pub(super) fn outer(&self, inner: &Range<usize>) -> Range<usize> {
        match &self.says {
            Says::Even(_) => {
                let (written, meant) = self.group();
                self.at.start + inner.start * written / meant
                    ..self.at.start + (inner.end * written).div_ceil(meant)
            }
            Says::Escaped(view) => view.outer(inner.start)..view.outer(inner.end),
            Says::Whole(_) => self.at.clone(),
        }
    }

    /// The part of this text that comes from before `end` in the outer one.
    pub(super) fn before(&self, end: usize) -> Range<usize> {
        let length = self.bytes().len();
        let to = match &self.says {
            Says::Even(_) => {
                let (written, meant) = self.group();
                (end.saturating_sub(self.at.start) * meant).div_ceil(written)
            }
            Says::Escaped(view) => view.before(end),
            Says::Whole(_) => length,
        };
        0..to.min(length)
    }
}

fn group(layer: Layer) -> (usize, usize) {
    if layer == Layer::Hex { (2, 1) } else { (4, 3) }
}

/// Finds the pieces that begin in `area`. `lead` says how many bytes of the base64
/// alphabet stand right before it: they settle where groups of four begin.
pub(super) fn find(text: &[u8], area: &Range<usize>, lead: usize) -> Vec<Piece> {
    let mut found = Vec::new();
    for run in Runs::new(text, area) {
        let phase = if run.start == area.start { lead % 4 } else { 0 };
        let at = run.start + (4 - phase) % 4..run.end;
        let digits = text.get(at.clone()).unwrap_or_default();
        if digits.iter().all(u8::is_ascii_hexdigit) {
            found.push(Piece {
                layer: Layer::Hex,
                at: at.clone(),
            });
        }
        found.push(Piece {
            layer: Layer::Base64,
            at,
        });
    }
    let marks = area.start..marks_end(text, area);
    let runs = found.len();
    let longest = (marks.end + ZSTD.len()).min(text.len());
    let rest = text.get(area.start..longest).unwrap_or_default();
    for (layer, magic) in [(Layer::Gzip, &GZIP[..]), (Layer::Zstd, &ZSTD[..])] {
        for at in memmem::find_iter(rest, magic) {
            let at = area.start + at;
            if at >= marks.end {
                break;
            }
            let at = at..text.len();
            found.push(Piece { layer, at });
        }
    }
    if found.len() > runs {
        found.sort_by_key(|piece| piece.at.start);
    }
    for (layer, escape) in [(Layer::Percent, view::PERCENT), (Layer::Json, view::JSON)] {
        if escape.occurs(text, &marks) {
            let at = area.start..text.len();
            found.push(Piece { layer, at });
        }
    }
    found
}

/// What begins right behind a run that reaches over the end of the area counts as well: the
/// next block may begin within that run, and knows less of it.
fn marks_end(text: &[u8], area: &Range<usize>) -> usize {
    let within = text.get(area.clone()).unwrap_or_default();
    if !within.last().is_some_and(|byte| is_base64(*byte)) {
        return area.end;
    }
    let behind = text.get(area.end..).unwrap_or_default();
    let run = behind.iter().take_while(|byte| is_base64(**byte)).count();
    (area.end + run + 1).min(text.len())
}

impl Piece {
    /// Undoes the encoding. None if nothing can be read.
    pub(super) fn read(&self, text: &[u8]) -> Option<Segment> {
        let written = text.get(self.at.clone())?;
        let (says, is_cut) = match self.layer {
            Layer::Base64 => (Says::Even(base64(written)), false),
            Layer::Hex => {
                let even = written.get(..written.len() / 2 * 2)?;
                (Says::Even(HEXLOWER_PERMISSIVE.decode(even).ok()?), false)
            }
            Layer::Percent => {
                let view = View::new(text, self.at.start, view::PERCENT);
                (Says::Escaped(view), false)
            }
            Layer::Json => {
                let view = View::new(text, self.at.start, view::JSON);
                (Says::Escaped(view), false)
            }
            Layer::Gzip | Layer::Zstd => {
                let (bytes, is_cut) = inflate::piece(written, self.layer)?;
                (Says::Whole(bytes), is_cut)
            }
            Layer::Base32 => return None,
        };
        Some(Segment {
            layer: self.layer,
            says,
            is_cut,
            at: self.at.clone(),
        })
    }

    /// For base64 that can be seen to say neither text nor anything packed, which most
    /// long words are taken for: how many bytes it says.
    pub(super) fn noise(&self, text: &[u8]) -> Option<usize> {
        let written = text.get(self.at.clone())?;
        let (groups, _) = written.as_chunks();
        let (Layer::Base64, Some([one, two, three])) = (self.layer, groups.first_chunk()) else {
            return None;
        };
        let begun = [triple(*one), triple(*two), triple(*three)];
        let begun = begun.as_flattened();
        let is_utf8 = match std::str::from_utf8(begun) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        if is_utf8 || is_packed(begun) {
            return None;
        }
        let length = base64_length(written);
        let mut left = length / 8;
        for group in groups {
            let strange = triple(*group).into_iter().filter(|byte| is_strange(*byte));
            left = match left.checked_sub(strange.count()) {
                Some(left) => left,
                None => return Some(length),
            };
        }
        None
    }
}

/// Whether the bytes begin like something compressed.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD)
}

/// Whether a byte is unlike text.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches the compiler asks many bytes at once"
)]
pub(super) fn is_strange(byte: u8) -> bool {
    let is_space = (byte == b'\t') | (byte == b'\n') | (byte == 0x0C) | (byte == b'\r');
    (byte >= 0x7F) | ((byte < b' ') & !is_space)
}

/// For each byte the six bits it stands for in either alphabet of base64.
static SEXTETS: [u8; 256] = {
    let mut table = [NO_SEXTET; 256];
    let alphabets: [&[u8; 64]; 2] = [
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    ];
    let mut value = 0;
    while value < NO_SEXTET {
        #[expect(
            clippy::indexing_slicing,
            reason = "both alphabets have 64 letters, and this runs when compiled"
        )]
        {
            table[alphabets[0][value as usize] as usize] = value;
            table[alphabets[1][value as usize] as usize] = value;
        }
        value += 1;
    }
    table
};
/// Stands for nothing.
const NO_SEXTET: u8 = 64;

fn sextet(byte: u8) -> u8 {
    let sextet = SEXTETS.get(usize::from(byte));
    sextet.copied().unwrap_or(NO_SEXTET)
}

fn is_base64(byte: u8) -> bool {
    sextet(byte) != NO_SEXTET
}

/// What a group of four means.
fn triple(group: [u8; 4]) -> [u8; 3] {
    let bits = group
        .iter()
        .fold(0, |bits, byte| bits << 6 | u32::from(sextet(*byte)));
    let [_, a, b, c] = bits.to_be_bytes();
    [a, b, c]
}

/// The bytes that a last group of fewer than four characters holds. None if bits are left
/// over that stand for something: then it belongs to something else.
fn rest(group: &[u8]) -> Vec<u8> {
    let [a, b, c] = match *group {
        [one, two] => triple([one, two, b'A', b'A']),
        [one, two, three] => triple([one, two, three, b'A']),
        _ => return Vec::new(),
    };
    match (group.len(), b, c) {
        (2, 0, _) => vec![a],
        (3, _, 0) => vec![a, b],
        _ => Vec::new(),
    }
}

fn base64(written: &[u8]) -> Vec<u8> {
    let (groups, last) = written.as_chunks();
    let mut bytes = Vec::with_capacity(groups.len() * 3 + 2);
    bytes.extend(groups.iter().copied().flat_map(triple));
    bytes.append(&mut rest(last));
    bytes
}

fn base64_length(written: &[u8]) -> usize {
    let (groups, last) = written.as_chunks::<4>();
    groups.len() * 3 + rest(last).len()
}

/// How many bytes of the base64 alphabet stand right before a place, up to `known`
/// bytes that stood before the text.
pub(super) fn lead(text: &[u8], at: usize, from: usize, known: usize) -> usize {
    let part = text.get(from..at).unwrap_or_default();
    let run = part
        .iter()
        .rev()
        .take_while(|byte| is_base64(**byte))
        .count();
    if run == part.len() { run + known } else { run }
}

/// The long runs of the base64 alphabet that begin in an area, or reach into it.
struct Runs<'a> {
    text: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Runs<'a> {
    fn new(text: &'a [u8], area: &Range<usize>) -> Self {
        Self {
            text,
            at: area.start,
            end: area.end,
        }
    }
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    /// Looks at a run's possible end first: in most text the byte that ends it is met
    /// soon, and all before need not be looked at.
    fn next(&mut self) -> Option<Range<usize>> {
        while self.at < self.end {
            let window = self.text.get(self.at..self.at + MIN_RUN_BYTES)?;
            if let Some(other) = window.iter().rposition(|byte| !is_base64(*byte)) {
                self.at += other + 1;
                continue;
            }
            let start = self.at;
            let behind = self.text.get(start + MIN_RUN_BYTES..).unwrap_or_default();
            let more = behind.iter().position(|byte| !is_base64(*byte));
            let end = start + MIN_RUN_BYTES + more.unwrap_or(behind.len());
            self.at = end + 1;
            return Some(start..end);
        }
        None
    }
}
