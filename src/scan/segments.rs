//! Pieces of a text that are another text in disguise.

use std::ops::Range;

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};

use super::finding::Layer;
use super::inflate;

/// Shorter runs of base64 or hex hold no secret that a rule could know.
const MIN_RUN_BYTES: usize = 16;

/// A piece and what it says.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) layer: Layer,
    pub(super) bytes: Vec<u8>,
    /// Whether unpacking stopped at a limit.
    pub(super) is_cut: bool,
    place: Place,
}

/// Where the decoded bytes come from.
#[derive(Debug)]
enum Place {
    /// Each `written` bytes from `start` on make `meant` bytes.
    Even {
        start: usize,
        written: usize,
        meant: usize,
    },
    /// The place of each decoded byte, and one more for the end.
    Mapped(Vec<u32>),
    /// No byte has a place of its own.
    Whole(Range<usize>),
}

impl Segment {
    /// The range in the outer text of a range in this one.
    pub(super) fn outer(&self, inner: &Range<usize>) -> Range<usize> {
        match &self.place {
            Place::Even {
                start,
                written,
                meant,
            } => {
                start + inner.start * written / meant
                    ..start + (inner.end * written).div_ceil(*meant)
            }
            Place::Mapped(places) => {
                let at = |place: usize| {
                    let place = places.get(place).or(places.last());
                    place.map_or(0, |place| *place as usize)
                };
                at(inner.start)..at(inner.end)
            }
            Place::Whole(range) => range.clone(),
        }
    }

    /// The part of this text that comes from before `end` in the outer one.
    pub(super) fn before(&self, end: usize) -> Range<usize> {
        let length = self.bytes.len();
        let to = match &self.place {
            Place::Even {
                start,
                written,
                meant,
            } => (end.saturating_sub(*start) * meant).div_ceil(*written),
            Place::Mapped(places) => places.partition_point(|place| (*place as usize) < end),
            Place::Whole(_) => length,
        };
        0..to.min(length)
    }
}

/// Finds the pieces that begin in `area`. `lead` says how many bytes of the base64
/// alphabet stand right before it: they settle where groups of four begin.
pub(super) fn find(text: &[u8], area: &Range<usize>, lead: usize) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut at = area.start;
    let (mut has_percent, mut has_escape) = (false, false);
    while at < area.end {
        let Some(rest) = text.get(at..) else { break };
        let length = rest
            .iter()
            .position(|byte| !is_base64(*byte))
            .unwrap_or(rest.len());
        if length >= MIN_RUN_BYTES {
            let phase = if at == area.start { lead % 4 } else { 0 };
            run(text, at + (4 - phase) % 4, at + length, &mut found);
        }
        at += length;
        match text.get(at..).unwrap_or_default() {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                has_percent = true;
            }
            [b'\\', escape, ..] if b"\"\\/bfnrtu".contains(escape) => has_escape = true,
            [0x1F, 0x8B, 8, ..] => found.extend(packed(text, at, Layer::Gzip)),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => found.extend(packed(text, at, Layer::Zstd)),
            _ => {}
        }
        at += 1;
    }
    if has_percent {
        found.push(view(text, area.start, Layer::Percent, percent_unit));
    }
    if has_escape {
        found.push(view(text, area.start, Layer::Json, escape_unit));
    }
    found
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

/// Both alphabets of base64; a table, because every byte of every text is asked for.
static BASE64_ALPHABET: [bool; 256] = {
    let mut table = [false; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    let mut rest: &[u8] = alphabet;
    while let [first, others @ ..] = rest {
        #[expect(
            clippy::indexing_slicing,
            reason = "a u8 is below 256, and this runs when compiled"
        )]
        {
            table[*first as usize] = true;
        }
        rest = others;
    }
    table
};

fn is_base64(byte: u8) -> bool {
    BASE64_ALPHABET
        .get(usize::from(byte))
        .copied()
        .unwrap_or_default()
}

fn run(text: &[u8], start: usize, end: usize, found: &mut Vec<Segment>) {
    let Some(run) = text.get(start..end) else {
        return;
    };
    let segment = |layer, bytes, written, meant| Segment {
        layer,
        bytes,
        is_cut: false,
        place: Place::Even {
            start,
            written,
            meant,
        },
    };
    if run.iter().all(u8::is_ascii_hexdigit) {
        let even = run.get(..run.len() / 2 * 2).unwrap_or_default();
        if let Ok(bytes) = HEXLOWER_PERMISSIVE.decode(even) {
            found.push(segment(Layer::Hex, bytes, 2, 1));
        }
    }
    // A last group of fewer than four characters is dropped but for its whole bytes.
    let usable = match run.len() % 4 {
        1 => run.len() - 1,
        _ => run.len(),
    };
    let mut standard = run.get(..usable).unwrap_or_default().to_vec();
    for byte in &mut standard {
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        };
    }
    let whole = standard.len() / 4 * 4;
    let decoded = BASE64_NOPAD.decode(&standard).or_else(|_| {
        // Bits that stand for nothing: the end belongs to something else.
        BASE64_NOPAD.decode(standard.get(..whole).unwrap_or_default())
    });
    if let Ok(bytes) = decoded {
        found.push(segment(Layer::Base64, bytes, 4, 3));
    }
}

fn packed(text: &[u8], start: usize, layer: Layer) -> Option<Segment> {
    let (bytes, is_cut) = inflate::piece(text.get(start..)?, layer)?;
    Some(Segment {
        layer,
        bytes,
        is_cut,
        place: Place::Whole(start..text.len()),
    })
}

/// The whole text from `start` on with its escapes undone.
fn view(
    text: &[u8],
    start: usize,
    layer: Layer,
    unit: impl Fn(&[u8]) -> Option<(char, usize)>,
) -> Segment {
    let rest = text.get(start..).unwrap_or_default();
    let mut bytes = Vec::with_capacity(rest.len());
    let mut places = Vec::with_capacity(rest.len() + 1);
    let mut at = 0;
    let place = |at: usize| u32::try_from(start + at).unwrap_or(u32::MAX);
    while let Some(byte) = rest.get(at) {
        let special = matches!(byte, b'%' | b'\\')
            .then(|| unit(rest.get(at..).unwrap_or_default()))
            .flatten();
        if let Some((meant, written)) = special {
            let before = bytes.len();
            // Percent-encoding names bytes, JSON characters.
            if layer == Layer::Percent {
                bytes.push(u8::try_from(u32::from(meant)).unwrap_or_default());
            } else {
                bytes.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
            }
            places.resize(places.len() + bytes.len() - before, place(at));
            at += written;
        } else {
            bytes.push(*byte);
            places.push(place(at));
            at += 1;
        }
    }
    places.push(place(at));
    Segment {
        layer,
        bytes,
        is_cut: false,
        place: Place::Mapped(places),
    }
}

fn percent_unit(text: &[u8]) -> Option<(char, usize)> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let value = hex(&[*high, *low])?;
    Some((char::from_u32(value)?, 3))
}

/// RFC 8259, section 7. Half a surrogate pair is left as it stands.
fn escape_unit(text: &[u8]) -> Option<(char, usize)> {
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
        b'u' => return Some((char::from_u32(hex(rest.get(..4)?)?)?, 6)),
        _ => return None,
    };
    Some((meant, 2))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })
}
