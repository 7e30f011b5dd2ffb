//! Rounds of decoding: a text, the texts it hides, the texts those hide.

use std::ops::Range;

use super::finding::{Kind, Layer, Unread};
use super::known::KnownValues;
use super::pattern;
use super::segments;

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
pub(super) fn examine(
    text: &[u8],
    area: &Range<usize>,
    lead: usize,
    wanted: Wanted<'_>,
) -> Examined {
    let mut examined = Examined::default();
    if wanted.patterns {
        patterns(text, area, &mut examined);
    }
    dig(text, area, lead, 1, wanted, &mut examined);
    examined
}

fn patterns(text: &[u8], area: &Range<usize>, examined: &mut Examined) {
    for hit in pattern::search(text, area) {
        examined.found.push(Found {
            rule: hit.rule.id.clone(),
            kind: Kind::Pattern,
            layers: Vec::new(),
            at: hit.at,
        });
    }
}

fn dig(
    text: &[u8],
    area: &Range<usize>,
    lead: usize,
    depth: usize,
    wanted: Wanted<'_>,
    examined: &mut Examined,
) {
    for segment in segments::find(text, area, lead) {
        if segment.is_cut {
            examined.unread = Some(Unread::Bomb);
        }
        examined.decoded_bytes += segment.bytes.len();
        if examined.decoded_bytes > MAX_DECODED_BYTES {
            examined.unread = Some(Unread::Bomb);
            return;
        }
        let inner = segment.before(area.end);
        let before = examined.found.len();
        if is_text(&segment.bytes) {
            known(&segment.bytes, &inner, wanted, examined);
            if wanted.patterns {
                patterns(&segment.bytes, &inner, examined);
            }
            if depth < MAX_DEPTH {
                dig(&segment.bytes, &inner, 0, depth + 1, wanted, examined);
            }
        } else if is_packed(&segment.bytes) {
            if depth < MAX_DEPTH {
                dig(&segment.bytes, &(0..1), 0, depth + 1, wanted, examined);
            }
        } else if !matches!(segment.layer, Layer::Base64 | Layer::Hex) {
            // In base64 and hex of other things the value's own forms stand.
            known(&segment.bytes, &inner, wanted, examined);
        }
        for found in examined.found.iter_mut().skip(before) {
            found.layers.insert(0, segment.layer);
            found.at = segment.outer(&found.at);
        }
    }
}

fn known(text: &[u8], area: &Range<usize>, wanted: Wanted<'_>, examined: &mut Examined) {
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
    let is_strange =
        |byte: &&u8| byte.is_ascii_control() && !byte.is_ascii_whitespace() || !byte.is_ascii();
    let mut strange = bytes.iter().filter(is_strange);
    // UTF-8 of few ASCII characters is text as well.
    strange.nth(bytes.len() / 8).is_none() || std::str::from_utf8(bytes).is_ok()
}

fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B, 8]) || bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD])
}

fn to_usize(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
