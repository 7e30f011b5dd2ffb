//! The fast way finds what the plain way finds, neither more nor less.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use super::patterns::{Dice, sample};
use super::*;
use crate::scan::decode::{self, Found, Text, Wanted};
use crate::scan::known::KnownValues;
use crate::scan::oracle::{self, Oracle};
use crate::scan::pattern;
use crate::scan::rules::Rules;

static KNOWN: LazyLock<KnownValues> = LazyLock::new(|| {
    let values: Vec<Known> = values()
        .into_iter()
        .map(|(name, value)| Known::secret(name, Secret::new(value)))
        .collect();
    KnownValues::of(&values).unwrap()
});

/// One of the others' end, of equal ends, of one byte, with a line end, of no text.
fn values() -> Vec<(String, Vec<u8>)> {
    let values: [&[u8]; 7] = [
        VALUE.as_bytes(),
        CANARY.as_bytes(),
        b"7Lm2Kx9Pq4",
        b"other-7Lm2Kx9Pq4",
        b"aaaaaaaaaa",
        b"line one\nline two",
        b"\xFF\x00\x80binary\xC3",
    ];
    let name = |number| format!("value {number}");
    (0..).map(name).zip(values.map(<[u8]>::to_vec)).collect()
}

fn fast(text: &[u8], area: &Range<usize>, lead: usize, patterns: bool) -> Vec<Found> {
    let wanted = Wanted {
        known: &KNOWN,
        patterns,
    };
    let text = Text {
        bytes: text,
        area,
        spots: &pattern::spots(text),
    };
    decode::examine(text, lead, wanted).found
}

fn slow(text: &[u8], area: &Range<usize>, lead: usize, patterns: bool) -> Vec<Found> {
    let values = values();
    Oracle { values, patterns }.examine(text, area, lead)
}

fn assert_same(text: &[u8], area: &Range<usize>, lead: usize, patterns: bool) {
    assert_eq!(
        oracle::sorted(&fast(text, area, lead, patterns)),
        oracle::sorted(&slow(text, area, lead, patterns)),
        "{area:?} after {lead} of {}",
        text.escape_ascii()
    );
}

/// Rule and place of what the rules find in the text itself.
fn assert_same_hits(text: &[u8], area: &Range<usize>) {
    let said = |hits: Vec<pattern::Hit>| {
        let mut said: Vec<_> = hits
            .into_iter()
            .map(|hit| (hit.at.start, hit.at.end, hit.rule.id.as_str()))
            .collect();
        said.sort_unstable();
        said
    };
    assert_eq!(
        said(pattern::search(text, area, &pattern::spots(text))),
        said(oracle::search(text, area)),
        "{area:?} of {}",
        text.escape_ascii()
    );
}

/// What stands between secrets, and what nearly is one.
fn filler(dice: &mut Dice, length: usize) -> Vec<u8> {
    let rules = &Rules::get().all;
    let mut text = Vec::new();
    while text.len() < length {
        match dice.below(12) {
            0 => {
                let words = rules[dice.below(rules.len())].keywords();
                text.extend_from_slice(words[dice.below(words.len())].as_bytes());
            }
            1 => text.extend_from_slice(
                [" = ", "=>", ": ", ":=", "\": \"", "=\""][dice.below(6)].as_bytes(),
            ),
            2 => text.extend_from_slice(
                b"\n\"' \t`;,|\\n\\\""[dice.below(13)..]
                    .first_chunk::<1>()
                    .unwrap(),
            ),
            3 => {
                text.extend((0..dice.below(50)).map(|_| b"0123456789abcdefABCDEF"[dice.below(22)]));
            }
            4 => text.push(u8::try_from(dice.below(256)).unwrap()),
            _ => {
                text.extend((0..dice.below(9)).map(|_| b"etaoinshrdluETAS_.-"[dice.below(19)]));
                text.push(b' ');
            }
        }
    }
    text
}

/// A sample of each rule, cut short now and then, in a text that woke it.
fn around(rule: usize, seed: u64) -> Vec<u8> {
    let rule = &Rules::get().all[rule];
    let mut dice = Dice(seed ^ 0x5EED);
    let mut sample = sample(rule.regex(), seed);
    if dice.below(4) == 0 {
        let at = dice.below(sample.len());
        sample.remove(at);
    }
    let (before, after) = (dice.below(700), dice.below(700));
    let words = rule.keywords();
    let wake = if dice.below(2) == 0 {
        ""
    } else {
        &words[dice.below(words.len())]
    };
    let line = ["", "\n", " ", "\"", "x"][dice.below(5)].as_bytes();
    [
        filler(&mut dice, before).as_slice(),
        wake.as_bytes(),
        line,
        &sample,
        line,
        &sample,
        &filler(&mut dice, after),
    ]
    .concat()
}

#[test]
fn every_rule_finds_the_same_wherever_its_shape_stands() {
    for rule in 0..Rules::get().all.len() {
        for seed in 0..3 {
            let text = around(rule, seed);
            let mut dice = Dice(seed);
            assert_same_hits(&text, &(0..text.len()));
            let start = dice.below(text.len());
            let end = start + dice.below(text.len() - start + 1);
            assert_same_hits(&text, &(start..end));
        }
    }
}

/// As long as the part between a name and its value can be, and one byte longer; each sign
/// that may stand there, and others.
#[test]
fn assignments_of_every_length_are_the_same() {
    let value = "0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e";
    let mut found = 0;
    for signs in ["=", ":::=", "||", "::", "=>", "?=", ",", "~", "-"] {
        for (words, quotes, after) in (0..23)
            .flat_map(|words| [0, 2, 3, 4].map(|quotes| (words, quotes)))
            .flat_map(|(words, quotes)| [0, 4, 5, 6].map(|after| (words, quotes, after)))
        {
            let text = format!(
                "x.zendesk{}{}{signs}{}{value}\n",
                "_".repeat(words),
                "'".repeat(quotes),
                "=".repeat(after)
            );
            let text = text.as_bytes();
            assert_same_hits(text, &(0..text.len()));
            found += pattern::search(text, &(0..text.len()), &pattern::spots(text)).len();
        }
    }
    assert!(found > 500, "found only {found}");
}

/// A block can begin and end at any byte of a secret.
#[test]
fn every_border_of_an_area_is_the_same() {
    for rule in (0..Rules::get().all.len()).step_by(23) {
        let rule = &Rules::get().all[rule];
        let text = [
            rule.keywords().join(" ").as_bytes(),
            b" my.",
            &sample(rule.regex(), 3),
            b"\n",
        ]
        .concat();
        for at in 0..=text.len() {
            assert_same_hits(&text, &(0..at));
            assert_same_hits(&text, &(at..text.len()));
        }
    }
}

#[test]
fn what_encodings_hide_is_the_same() {
    for rule in (0..Rules::get().all.len()).step_by(9) {
        let text = around(rule, 77);
        let hidden = String::from_utf8_lossy(&text);
        let json = serde_json::to_string(&hidden).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        let percent: String = text
            .iter()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
                byte => format!("%{byte:02x}"),
            })
            .collect();
        let base64 = BASE64.encode(&text);
        for encoded in [
            format!("q={percent}\\n"),
            format!("k: {}", BASE64.encode(&gzip(json.as_bytes()))),
            format!("{twice} %41"),
            format!("a/{base64}\\u002d{}", HEXUPPER.encode(&text)),
            json,
        ] {
            let encoded = encoded.as_bytes();
            assert_same(encoded, &(0..encoded.len()), 0, true);
            let middle = encoded.len() / 3;
            assert_same(encoded, &(middle..middle * 2), 5, true);
        }
    }
}

/// A token in a long text, at each place around the end of the first block.
#[test]
fn no_border_of_blocks_hides_a_token() {
    let token = patterns::github_token();
    for before in ((16 * 1024 - 60)..(16 * 1024 + 20)).step_by(3) {
        let filler = "lorem ipsum ".repeat(before / 12 + 1);
        let text = format!("{filler:.before$} {token}\n{filler}{filler}");
        let findings = scanner().scan_bytes(text.as_bytes());
        assert_eq!(named(&findings), [("github-pat", Kind::Pattern, &[][..])]);
        let at = before as u64 + 1;
        assert_eq!(findings[0].at, at..at + 40);
    }
}

/// Where blocks begin depends on nothing but the text, so the same is found however a
/// text is cut: here at every byte.
#[test]
fn every_cut_of_a_stream_is_the_same() {
    for rule in (0..Rules::get().all.len()).step_by(73) {
        let text = around(rule, 5);
        let (whole, ..) = feed(stream(Mode::Report), &[&text]);
        for at in 0..=text.len() {
            let (one, two) = text.split_at(at);
            let (cut, ..) = feed(stream(Mode::Report), &[one, two]);
            assert_eq!(whole, cut, "cut at {at}: {}", text.escape_ascii());
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let written: Vec<Vec<u8>> = values()
        .iter()
        .flat_map(|(_, value)| crate::scan::forms::all(value))
        .map(|form| form.bytes)
        .collect();
    let rules = Rules::get().all.len();
    prop_oneof![
        2 => proptest::sample::select(written),
        2 => (0..rules, any::<u64>()).prop_map(|(rule, seed)| sample(Rules::get().all[rule].regex(), seed)),
        2 => any::<u64>().prop_map(|seed| filler(&mut Dice(seed), 60)),
        2 => vec(any::<u8>(), 0..40),
        1 => "[a-zA-Z0-9/+_=-]{10,80}".prop_map(String::into_bytes),
        1 => "(%[0-9a-fA-F]{2}|\\\\[nt\"\\\\/]|\\\\u00[0-9a-f]{2}|[a-z ]){0,40}".prop_map(String::into_bytes),
    ]
}

fn wrapped() -> impl Strategy<Value = Vec<u8>> {
    (vec(piece(), 0..6), 0..6).prop_map(|(pieces, how)| {
        let text = pieces.concat();
        match how {
            0 => BASE64.encode(&text).into_bytes(),
            1 => serde_json::to_string(&String::from_utf8_lossy(&text))
                .unwrap()
                .into_bytes(),
            2 => HEXLOWER.encode(&text).into_bytes(),
            3 => [b"x ", &gzip(&text)[..]].concat(),
            _ => text,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_the_same(
        parts in vec(wrapped(), 1..4),
        borders in any::<(usize, usize)>(),
        lead in 0_usize..4,
        patterns in any::<bool>(),
    ) {
        let text = parts.concat();
        let start = borders.0 % (text.len() + 1) / 2;
        let end = start + borders.1 % (text.len() - start + 1);
        assert_same(&text, &(start..end), lead, patterns);
    }

    /// In the text itself, also when part of it was searched before.
    #[test]
    fn known_values_are_the_same(parts in vec(wrapped(), 1..5), seen in any::<usize>()) {
        let text = parts.concat();
        let seen = seen % (text.len() + 1);
        let values = Oracle { values: values(), patterns: false };
        let mut slow = values.known(&text, &(0..text.len()));
        slow.retain(|found| found.at.end > seen);
        let fast = oracle::placed(KNOWN.search(&text, seen, 0));
        prop_assert_eq!(oracle::sorted(&fast), oracle::sorted(&slow));
    }

    /// Long enough for the automaton to walk several parts of the text at once.
    #[test]
    fn words_are_the_same(seed in any::<u64>(), length in 0_usize..3000) {
        let text = filler(&mut Dice(seed), length);
        let whole = pattern::spots(&text);
        let mut parts = Vec::new();
        let middle = text.len() / 3;
        pattern::add_spots(&text[..middle], 0, &mut parts);
        pattern::add_spots(&text, middle, &mut parts);
        prop_assert_eq!(&whole, &parts);
        let mut each = Vec::new();
        for end in 1..=text.len() {
            pattern::add_spots(&text[..end], end - 1, &mut each);
        }
        prop_assert_eq!(whole, each);
    }
}
