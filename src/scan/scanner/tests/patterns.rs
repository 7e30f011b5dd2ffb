//! The rules, each met by samples of its own shape, and what they must pass over.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::*;
use crate::scan::rules::Rules;

/// Made of pieces, so that no scanner takes this file for a leak.
pub(super) fn github_token() -> String {
    ["gh", "p_", "9fK2mZ7qLxW4tR8v", "B3nY6cJ1dH5sPaUeGiQo"].concat()
}

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Writes something that the regex matches, but for its looks around.
fn write(hir: &Hir, dice: &mut Dice, text: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => text.push(member(class, dice)),
        HirKind::Capture(capture) => write(&capture.sub, dice, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, dice, text)),
        HirKind::Alternation(parts) => write(&parts[dice.below(parts.len())], dice, text),
        HirKind::Repetition(repetition) => {
            let min = repetition.min;
            let more = repetition.max.map_or(24, |max| (max - min).min(24));
            // What may be absent is noise more often than not.
            let more = if repetition.greedy { more as usize } else { 0 };
            for _ in 0..min as usize + dice.below(more + 1) {
                write(&repetition.sub, dice, text);
            }
        }
    }
}

fn member(class: &Class, dice: &mut Dice) -> u8 {
    let all: Vec<u8> = match class {
        Class::Bytes(class) => class
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .collect(),
        Class::Unicode(class) => class
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .map(|c| u8::try_from(c).unwrap())
            .collect(),
    };
    let visible: Vec<u8> = all.iter().copied().filter(u8::is_ascii_graphic).collect();
    let from = if visible.is_empty() { &all } else { &visible };
    from[dice.below(from.len())]
}

pub(super) fn sample(regex: &str, seed: u64) -> Vec<u8> {
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    let mut text = Vec::new();
    write(&parser.parse(regex).unwrap(), &mut Dice(seed), &mut text);
    text
}

/// Each rule names samples of its shape, plain, in JSON and in base64.
#[test]
fn every_rule_finds_its_own_shape() {
    let mut missed = Vec::new();
    for rule in &Rules::get().all {
        let mut found = [false; 3];
        for seed in 0..120 {
            // Some rules want a word nearby that is no part of what they match.
            let words = rule.keywords().join(" ");
            let text = [
                format!("{words}\n").as_bytes(),
                &sample(rule.regex(), seed),
                b"\n",
            ]
            .concat();
            let json = serde_json::to_string(&String::from_utf8_lossy(&text)).unwrap();
            let base64 = format!("data: {}\n", BASE64.encode(&text));
            for (found, text) in found
                .iter_mut()
                .zip([&text, json.as_bytes(), base64.as_bytes()])
            {
                *found = *found || finds(text, &rule.id);
            }
            if found == [true; 3] {
                break;
            }
        }
        if found != [true; 3] {
            missed.push((rule.id.as_str(), found));
        }
    }
    assert_eq!(missed, []);
}

fn finds(text: &[u8], rule: &str) -> bool {
    scanner()
        .scan_bytes(text)
        .iter()
        .any(|found| found.rule == rule)
}

#[test]
fn a_token_is_named_once_and_by_its_own_rule() {
    let text = format!("curl_token = \"{}\"\n", github_token());
    let findings = scanner().scan_bytes(text.as_bytes());
    assert_eq!(named(&findings), [("github-pat", Kind::Pattern, &[][..])]);
    assert_eq!(findings[0].at, 14..54);
}

#[test]
fn allowlists_entropy_and_stopwords_are_heeded() {
    let key = ["AK", "IA", "7QHWN3KD", "5RZTP2LV"].concat();
    let rows = [
        (format!("key {key} "), 1),
        (
            format!("key {} ", ["AK", "IA", "QHWNKD5", "EXAMPLE"].concat()),
            0,
        ),
        (
            format!("key {} ", ["AK", "IA", "AAAAAAAA", "AAAAAAAA"].concat()),
            0,
        ),
        (["api_key = \"kZ8v", "Q2mX7nB4cL9w\""].concat(), 1),
        ("api_key = \"${MY_SECRET_KEY}\"".to_owned(), 0),
        ("api_key = \"kZ8v-swagger-7nB4cL9w\"".to_owned(), 0),
    ];
    for (text, count) in rows {
        let findings = scanner().scan_bytes(text.as_bytes());
        assert_eq!(findings.len(), count, "{text}: {findings:?}");
    }
}

/// What comes in is searched for this bottle's own values only.
#[test]
fn patterns_are_for_what_leaves() {
    let text = format!("a = {}\nb = {VALUE}\n", github_token());
    let inbound = scanner().stream(Direction::Inbound, ContentCoding::Identity, Mode::Report);
    let (findings, ..) = feed(inbound, &[text.as_bytes()]);
    assert_eq!(named(&findings), [("token", Kind::Known, &[][..])]);
}

#[test]
fn host_names_are_searched_across_dots_and_case() {
    let base32 = BASE32_NOPAD.encode(CANARY.as_bytes()).to_ascii_lowercase();
    let hex = HEXUPPER.encode(CANARY.as_bytes());
    let (one, two) = hex.split_at(9);
    for name in [
        format!("{base32}.allowed.test"),
        format!("{one}.{two}.allowed.test"),
        format!("x.{}.allowed.test", CANARY.to_ascii_uppercase()),
    ] {
        let findings = scanner().scan_host(&name);
        let is_canary = |found: &Finding| found.kind == Kind::Canary && found.rule == "canary";
        assert!(findings.iter().any(is_canary), "{name}: {findings:?}");
    }
    assert_eq!(scanner().scan_host("static.cdn.allowed.test"), []);
}
