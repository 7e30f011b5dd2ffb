//! Rounds of decoding: a text, the texts it hides, the texts those hide.

use std::ops::Range;

use super::finding::{Kind, Layer, Unread};
use super::known::KnownValues;
use super::pattern;
use super::segments::{self, Says, Segment};
use super::words::Spot;

/// How deep encodings are undone.
const MAX_DEPTH: usize = 3;
/// How many bytes one stretch of text may turn into, all rounds together.
const MAX_DECODED_BYTES: usize = 4 * 1024 * 1024;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) known: &'a KnownValues,
    pub(super) patterns: bool,
}

/// Something found in a stretch of text.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rule: String,
    pub(super) kind: Kind,
    pub(super) layers: Vec<Layer>,
    pub(super) at: Range<usize>,
}

/// What an examination gave.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) found: Vec<Found>,
    pub(super) unread: Option<Unread>,
    decoded_bytes: usize,
}

/// Examines what begins in `area`: patterns in the text itself, and patterns and known
/// values in what it hides. Known values in the text itself are the caller's.
pub(super) fn examine(text: Text<'_>, lead: usize, wanted: Wanted<'_>) -> Examined {
    let mut examined = Examined::default();
    if wanted.patterns {
        patterns(text, &mut examined);
    }
    dig(text, lead, 1, wanted, &mut examined);
    examined
}

impl Wanted<'_> {
    /// Where the words of the rules stand, if rules are asked for.
    fn spots(self, text: &[u8]) -> Vec<Spot> {
        if self.patterns {
            pattern::spots(text)
        } else {
            Vec::new()
        }
    }

    /// The same of what a piece says.
    fn spots_in(self, segment: &Segment, outer: &[Spot]) -> Vec<Spot> {
        match &segment.says {
            Says::Escaped(view) if self.patterns => pattern::spots_in(view, outer),
            Says::Escaped(_) | Says::Even(_) | Says::Whole(_) => self.spots(segment.bytes()),
        }
    }
}

/// A text on the way down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// What is looked for begins here; the rest is context.
    pub(super) area: &'a Range<usize>,
    /// Where the words of the rules stand.
    pub(super) spots: &'a [Spot],
}

fn patterns(text: Text<'_>, examined: &mut Examined) {
    for hit in pattern::search(text.bytes, text.area, text.spots) {
        examined.found.push(Found {
            rule: hit.rule.id.clone(),
            kind: Kind::Pattern,
            layers: Vec::new(),
            at: hit.at,
        });
    }
}

fn dig(outer: Text<'_>, lead: usize, depth: usize, wanted: Wanted<'_>, examined: &mut Examined) {
    for piece in segments::find(outer.bytes, outer.area, lead) {
        let noise = piece.noise(outer.bytes);
        let segment = if noise.is_none() {
            piece.read(outer.bytes)
        } else {
            None
        };
        let said = segment.as_ref().map(|segment| segment.bytes().len());
        examined.decoded_bytes += noise.or(said).unwrap_or_default();
        if segment.as_ref().is_some_and(|segment| segment.is_cut) {
            examined.unread = Some(Unread::Bomb);
        }
        if examined.decoded_bytes > MAX_DECODED_BYTES {
            examined.unread = Some(Unread::Bomb);
            return;
        }
        if let Some(segment) = segment {
            look_into(&segment, outer, depth, wanted, examined);
        }
    }
}

fn look_into(
    segment: &Segment,
    outer: Text<'_>,
    depth: usize,
    wanted: Wanted<'_>,
    examined: &mut Examined,
) {
    let inner = segment.before(outer.area.end);
    let before = examined.found.len();
    let bytes = segment.bytes();
    if is_text(bytes) {
        let spots = wanted.spots_in(segment, outer.spots);
        let text = Text {
            bytes,
            area: &inner,
            spots: &spots,
        };
        known(bytes, &inner, wanted, examined);
        if wanted.patterns {
            patterns(text, examined);
        }
        if depth < MAX_DEPTH {
            dig(text, 0, depth + 1, wanted, examined);
        }
    } else if segments::is_packed(bytes) {
        if depth < MAX_DEPTH {
            // The one piece looked for is no text, so no word counts.
            let text = Text {
                bytes,
                area: &(0..1),
                spots: &[],
            };
            dig(text, 0, depth + 1, wanted, examined);
        }
    } else if !matches!(segment.layer, Layer::Base64 | Layer::Hex) {
        // In base64 and hex of other things the value's own forms stand.
        known(bytes, &inner, wanted, examined);
    }
    for found in examined.found.iter_mut().skip(before) {
        found.layers.insert(0, segment.layer);
        found.at = segment.outer(&found.at);
    }
}

fn known(text: &[u8], area: &Range<usize>, wanted: Wanted<'_>, examined: &mut Examined) {
    // What begins in the area ends no later than this.
    let end = (area.end + wanted.known.overlap()).min(text.len());
    let text = text.get(..end).unwrap_or_default();
    for finding in wanted.known.search(text, 0, 0) {
        let at = to_usize(finding.at.start)..to_usize(finding.at.end);
        if area.contains(&at.start) {
            examined.found.push(Found {
                rule: finding.rule,
                kind: finding.kind,
                layers: finding.encoding,
                at,
            });
        }
    }
}

/// Whether the bytes read as text: a word taken for base64 gives noise.
fn is_text(bytes: &[u8]) -> bool {
    let mut left = bytes.len() / 8;
    let is_plain = bytes.chunks(128).all(|part| {
        let strange: u8 = part
            .iter()
            .map(|byte| u8::from(segments::is_strange(*byte)))
            .sum();
        let still = left.checked_sub(usize::from(strange));
        left = still.unwrap_or_default();
        still.is_some()
    });
    // UTF-8 of few ASCII characters is text as well.
    is_plain || std::str::from_utf8(bytes).is_ok()
}

fn to_usize(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
