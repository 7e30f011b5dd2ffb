//! The scan done the plain way, for tests: whole regexes over whole windows, each form of
//! a known value compared at each byte, each piece decoded in full. The fast way must
//! find exactly what this finds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use regex_automata::Input;
use regex_automata::meta::Regex;

use super::decode::Found;
use super::finding::{Finding, Kind, Layer};
use super::forms;
use super::inflate;
use super::pattern::{self, Hit};
use super::rules::{self, Rule, Rules};

const MAX_DEPTH: usize = 3;
const MIN_RUN_BYTES: usize = 16;

/// One that knows these values, by name.
pub(super) struct Oracle {
    pub(super) values: Vec<(String, Vec<u8>)>,
    pub(super) patterns: bool,
}

impl Oracle {
    /// As [`super::decode::examine`].
    pub(super) fn examine(&self, text: &[u8], area: &Range<usize>, lead: usize) -> Vec<Found> {
        let mut found = Vec::new();
        if self.patterns {
            found.extend(patterns(text, area));
        }
        self.dig(text, area, lead, 1, &mut found);
        found
    }

    fn dig(
        &self,
        text: &[u8],
        area: &Range<usize>,
        lead: usize,
        depth: usize,
        all: &mut Vec<Found>,
    ) {
        for segment in segments(text, area, lead) {
            let bytes = &segment.bytes;
            let to = segment.places.partition_point(|place| *place < area.end);
            let is_whole = matches!(segment.layer, Layer::Gzip | Layer::Zstd);
            let inner = if is_whole {
                0..bytes.len()
            } else {
                0..to.min(bytes.len())
            };
            let mut found = Vec::new();
            let strange = |byte: &&u8| {
                byte.is_ascii_control() && !byte.is_ascii_whitespace() || !byte.is_ascii()
            };
            let is_text = bytes.iter().filter(strange).count() <= bytes.len() / 8
                || std::str::from_utf8(bytes).is_ok();
            let is_packed =
                bytes.starts_with(&[0x1F, 0x8B, 8]) || bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]);
            if is_text {
                found.extend(self.known(bytes, &inner));
                if self.patterns {
                    found.extend(patterns(bytes, &inner));
                }
                if depth < MAX_DEPTH {
                    self.dig(bytes, &inner, 0, depth + 1, &mut found);
                }
            } else if is_packed {
                if depth < MAX_DEPTH {
                    self.dig(bytes, &(0..1), 0, depth + 1, &mut found);
                }
            } else if !matches!(segment.layer, Layer::Base64 | Layer::Hex) {
                found.extend(self.known(bytes, &inner));
            }
            for mut one in found {
                one.layers.insert(0, segment.layer);
                one.at = segment.outer(&one.at);
                all.push(one);
            }
        }
    }

    /// Every form of every value that begins in `area`.
    pub(super) fn known(&self, text: &[u8], area: &Range<usize>) -> Vec<Found> {
        let mut found = Vec::new();
        for (name, value) in &self.values {
            for form in forms::all(value) {
                for at in area.clone() {
                    if text[at..].starts_with(&form.bytes) {
                        found.push(Found {
                            rule: name.clone(),
                            kind: Kind::Known,
                            layers: form.layers.clone(),
                            at: at..at + form.bytes.len(),
                        });
                    }
                }
            }
        }
        found
    }
}

/// Findings in one order, whatever found them.
pub(super) fn sorted(found: &[Found]) -> Vec<String> {
    let mut lines: Vec<String> = found.iter().map(|one| format!("{one:?}")).collect();
    lines.sort();
    lines
}

/// The same of what a search for known values says.
pub(super) fn placed(findings: Vec<Finding>) -> Vec<Found> {
    findings
        .into_iter()
        .map(|finding| Found {
            rule: finding.rule,
            kind: finding.kind,
            layers: finding.encoding,
            at: usize::try_from(finding.at.start).unwrap()
                ..usize::try_from(finding.at.end).unwrap(),
        })
        .collect()
}

fn patterns(text: &[u8], area: &Range<usize>) -> Vec<Found> {
    search(text, area)
        .into_iter()
        .map(|hit| Found {
            rule: hit.rule.id.clone(),
            kind: Kind::Pattern,
            layers: Vec::new(),
            at: hit.at,
        })
        .collect()
}

/// Every rule's whole regex and, by its number, the keywords.
static WHOLE: LazyLock<(Vec<Regex>, AhoCorasick, Vec<usize>)> = LazyLock::new(|| {
    let all = &Rules::get().all;
    let regexes = all
        .iter()
        .map(|rule| rules::compile(rule.regex()).unwrap())
        .collect();
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    for (number, rule) in all.iter().enumerate() {
        for word in rule.keywords() {
            words.push(word);
            numbers.push(number);
        }
    }
    let mut builder = AhoCorasick::builder();
    let keywords = builder.ascii_case_insensitive(true).build(words).unwrap();
    (regexes, keywords, numbers)
});

/// As [`pattern::search`]: each rule's regex over all that its keywords open.
pub(super) fn search(text: &[u8], area: &Range<usize>) -> Vec<Hit> {
    let (regexes, keywords, numbers) = &*WHOLE;
    let mut windows: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
    for keyword in keywords.find_overlapping_iter(text) {
        let number = numbers[keyword.pattern().as_usize()];
        let reach = Rules::get().all[number].reach;
        let from = keyword.start().saturating_sub(reach);
        let to = (keyword.end() + reach).min(text.len());
        let windows = windows.entry(number).or_default();
        match windows.last_mut() {
            Some(last) if from <= last.end => {
                last.start = last.start.min(from);
                last.end = last.end.max(to);
            }
            _ => windows.push(from..to),
        }
    }
    let mut hits = Vec::new();
    for (number, windows) in windows {
        let rule = &Rules::get().all[number];
        for window in windows {
            sweep(rule, &regexes[number], text, &window, area, &mut hits);
        }
    }
    pattern::without_echoes(hits)
}

fn sweep(
    rule: &'static Rule,
    regex: &Regex,
    text: &[u8],
    window: &Range<usize>,
    area: &Range<usize>,
    hits: &mut Vec<Hit>,
) {
    let mut from = window.start.max(area.start);
    while from < window.end.min(area.end) {
        let input = Input::new(text).range(from..window.end);
        let Some(found) = regex.search(&input) else {
            return;
        };
        if found.start() >= area.end {
            return;
        }
        from = found.end().max(from + 1);
        let mut groups = regex.create_captures();
        regex.search_captures(&Input::new(text).range(found.range()), &mut groups);
        let group = match rule.secret_group {
            Some(number) => groups.get_group(number),
            None => groups.iter().skip(1).flatten().find(|one| !one.is_empty()),
        };
        let secret = group.map(|group| group.range());
        pattern::judge(rule, text, found.range(), secret, hits);
    }
}

/// A piece, what it says, and where each byte of that comes from; one more for the end.
struct Segment {
    layer: Layer,
    bytes: Vec<u8>,
    places: Vec<usize>,
    at: Range<usize>,
}

impl Segment {
    fn outer(&self, inner: &Range<usize>) -> Range<usize> {
        let (written, meant) = match self.layer {
            Layer::Gzip | Layer::Zstd => return self.at.clone(),
            Layer::Base64 => (4, 3),
            Layer::Hex => (2, 1),
            Layer::Percent | Layer::Json | Layer::Base32 => {
                let last = self.places.len() - 1;
                return self.places[inner.start.min(last)]..self.places[inner.end.min(last)];
            }
        };
        self.at.start + inner.start * written / meant
            ..self.at.start + (inner.end * written).div_ceil(meant)
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

fn segments(text: &[u8], area: &Range<usize>, lead: usize) -> Vec<Segment> {
    let mut found = Vec::new();
    let mut at = area.start;
    let (mut has_percent, mut has_escape) = (false, false);
    while at < area.end {
        let rest = &text[at..];
        let length = rest.iter().take_while(|byte| is_base64(**byte)).count();
        if length >= MIN_RUN_BYTES {
            let phase = if at == area.start { lead % 4 } else { 0 };
            run(text, at + (4 - phase) % 4..at + length, &mut found);
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
        found.push(view(text, area.start, Layer::Percent, percent));
    }
    if has_escape {
        found.push(view(text, area.start, Layer::Json, json));
    }
    found
}

fn run(text: &[u8], at: Range<usize>, found: &mut Vec<Segment>) {
    let run = &text[at.clone()];
    if run.iter().all(u8::is_ascii_hexdigit) {
        let bytes = HEXLOWER_PERMISSIVE.decode(&run[..run.len() / 2 * 2]);
        let bytes = bytes.unwrap();
        found.push(Segment {
            layer: Layer::Hex,
            places: (0..=bytes.len()).map(|n| at.start + n * 2).collect(),
            bytes,
            at: at.clone(),
        });
    }
    let usable = run.len() - usize::from(run.len() % 4 == 1);
    let standard: Vec<u8> = run[..usable]
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        })
        .collect();
    let whole = &standard[..usable / 4 * 4];
    let decoded = BASE64_NOPAD.decode(&standard);
    let bytes = decoded.or_else(|_| BASE64_NOPAD.decode(whole)).unwrap();
    found.push(Segment {
        layer: Layer::Base64,
        // A byte begins in the character that holds its first bit; `partition_point` asks
        // for those that begin before a place.
        places: (0..=bytes.len()).map(|n| at.start + n * 4 / 3).collect(),
        bytes,
        at,
    });
}

fn packed(text: &[u8], start: usize, layer: Layer) -> Option<Segment> {
    let (bytes, _) = inflate::piece(&text[start..], layer)?;
    Some(Segment {
        layer,
        bytes,
        places: Vec::new(),
        at: start..text.len(),
    })
}

/// What an escape means, and how many bytes were read.
type Unit = Option<(Vec<u8>, usize)>;

fn view(text: &[u8], start: usize, layer: Layer, unit: fn(&[u8]) -> Unit) -> Segment {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    let mut at = start;
    while at < text.len() {
        let (meant, written) = unit(&text[at..]).unwrap_or((vec![text[at]], 1));
        places.resize(places.len() + meant.len(), at);
        bytes.extend(meant);
        at += written;
    }
    places.push(at);
    Segment {
        layer,
        bytes,
        places,
        at: start..text.len(),
    }
}

fn percent(text: &[u8]) -> Unit {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    Some((HEXLOWER_PERMISSIVE.decode(digits).ok()?, 3))
}

fn json(text: &[u8]) -> Unit {
    let (escape, rest) = text.strip_prefix(b"\\")?.split_first()?;
    let meant = match escape {
        b'"' | b'\\' | b'/' => char::from(*escape),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let value = rest.get(..4)?.iter().try_fold(0, |value, digit| {
                Some(value * 16 + char::from(*digit).to_digit(16)?)
            });
            return Some((char::from_u32(value?)?.to_string().into_bytes(), 6));
        }
        _ => return None,
    };
    Some((meant.to_string().into_bytes(), 2))
}
