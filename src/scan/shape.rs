//! What a regex asks of the place where its match begins, to be asked before it.
//!
//! Everything here is a necessary condition, taken from the regex itself: what it
//! refuses cannot match, what it lets pass the regex decides.

use std::sync::LazyLock;

use regex_automata::util::syntax;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Words in the hundreds make the automaton large; a rule that begins in more ways is
/// looked for by its keywords.
const MAX_HEADS: usize = 24;
/// Longer beginnings of a match say no more and make the automaton larger.
const MAX_HEAD_BYTES: usize = 12;
/// A single letter stands everywhere.
const MIN_HEAD_BYTES: usize = 2;
/// How many bytes from the head on are asked for.
const MAX_SHAPE_BYTES: usize = 20;

/// What stands between a name and its value in gitleaks' rules of the form `NAME = VALUE`.
const ASSIGNMENT: &str =
    r#"(?i)(?:[ \t\w.-]{0,20})[\s'"]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}"#;
/// The most that `ASSIGNMENT` has before its sign.
const MAX_BEFORE_SIGN_BYTES: usize = 23;

static ASSIGNMENT_PARTS: LazyLock<Vec<Hir>> = LazyLock::new(|| {
    let parts = parse(ASSIGNMENT).as_ref().map(parts);
    parts.unwrap_or_default()
});

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) fn has(&self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte >> 6));
        word.is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Self::default();
        bytes.into_iter().for_each(|byte| set.add(byte));
        set
    }

    fn or(self, other: Self) -> Self {
        let mut words = self.0;
        for (word, others) in words.iter_mut().zip(other.0) {
            *word |= others;
        }
        Self(words)
    }

    fn is_within(self, other: Self) -> bool {
        self.or(other) == other
    }

    fn all() -> Self {
        Self([u64::MAX; 4])
    }
}

/// How the matches of a regex begin.
#[derive(Debug)]
pub(super) struct Beginning {
    /// In lower case: each match begins, behind its lead, with one of these in some case.
    pub(super) heads: Vec<Vec<u8>>,
    /// Bytes that may stand between the start of a match and its head.
    lead: Option<Lead>,
    /// What each byte from the head on must be.
    shape: Vec<ByteSet>,
    starts_word: bool,
    /// Set for `NAME = VALUE`.
    assignment: Option<Assignment>,
}

/// What comes behind a name.
#[derive(Debug)]
struct Assignment {
    /// How far behind the start of the name the sign may stand.
    within: usize,
    /// What the value is made of, and how many bytes of it there are at least.
    value: ByteSet,
    least: usize,
}

#[derive(Debug)]
struct Lead {
    set: ByteSet,
    max: usize,
}

impl Beginning {
    /// Takes a regex apart: how it begins, and what remains of it from the head on. None
    /// if nothing certain can be said.
    pub(super) fn of(regex: &Hir) -> Option<(Self, Hir)> {
        let mut rest = parts(regex);
        let mut lead: Option<Lead> = None;
        while let Some((set, max)) = rest.first().and_then(as_lead) {
            let before = lead.as_ref().map_or(0, |lead| lead.max);
            if lead.as_ref().is_some_and(|lead| lead.set != set) {
                return None;
            }
            let max = before + max;
            lead = Some(Lead { set, max });
            rest.remove(0);
        }
        let assignment = Assignment::of(&rest);
        let tail = Hir::concat(rest);
        let heads = heads(&tail)?;
        let mut shape = Vec::new();
        shape_of(&tail, &mut shape);
        let beginning = Self {
            starts_word: lead.is_none()
                && starts_with_boundary(&tail)
                && shape.first().is_some_and(|first| first.is_within(*WORD)),
            heads,
            lead,
            shape,
            assignment,
        };
        Some((beginning, tail))
    }

    /// Whether a match's head can stand here.
    pub(super) fn fits(&self, text: &[u8], head: usize) -> bool {
        let Some(rest) = text.get(head..) else {
            return false;
        };
        let (has_shape, has_room) = (
            self.shape
                .iter()
                .zip(rest)
                .all(|(set, byte)| set.has(*byte)),
            rest.len() >= self.shape.len(),
        );
        let before = head.checked_sub(1).and_then(|before| text.get(before));
        has_shape
            && has_room
            && !(self.starts_word && before.is_some_and(|byte| WORD.has(*byte)))
            && self.assignment.as_ref().is_none_or(|one| one.fits(rest))
    }

    /// How far before its head a match can start.
    pub(super) fn max_lead(&self) -> usize {
        self.lead.as_ref().map_or(0, |lead| lead.max)
    }

    /// Where the match with this head starts, `from` being the earliest place.
    pub(super) fn start(&self, text: &[u8], head: usize, from: usize) -> usize {
        let Some(lead) = &self.lead else { return head };
        let floor = head.saturating_sub(lead.max).max(from);
        let part = text.get(floor..head).unwrap_or_default();
        let run = part.iter().rev().take_while(|byte| lead.set.has(**byte));
        head - run.count()
    }
}

static WORD: LazyLock<ByteSet> = LazyLock::new(|| {
    ByteSet::of((0..=u8::MAX).filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
});
/// What may stand in front of the sign of an assignment.
static BEFORE_SIGN: LazyLock<ByteSet> =
    LazyLock::new(|| WORD.or(ByteSet::of(*b" \t\r\n\x0b\x0c.-'\"")));

/// What signs of assignment are made of, and what may stand between one and the value.
static AFTER_SIGN: LazyLock<ByteSet> = LazyLock::new(|| ByteSet::of(*b"=>:|?, \t\r\n\x0b\x0c`'\""));

impl Assignment {
    /// Of a name and what follows it, if that is [`ASSIGNMENT`] and a value.
    fn of(parts: &[Hir]) -> Option<Self> {
        let between = ASSIGNMENT_PARTS.as_slice();
        let mut windows = parts.windows(between.len().max(1));
        let (name, rest) = parts.split_at(windows.position(|window| window == between)?);
        let value = rest.get(between.len())?;
        let name = Hir::concat(name.to_vec());
        let is_plain = all_bytes(&name).is_within(*BEFORE_SIGN);
        is_plain.then_some(Self {
            within: name.properties().maximum_len()? + MAX_BEFORE_SIGN_BYTES,
            value: all_bytes(value),
            least: value.properties().minimum_len()?,
        })
    }

    /// Whether the text, which begins with the name, can go on with a sign and a value.
    fn fits(&self, text: &[u8]) -> bool {
        let near = text.get(..=self.within).unwrap_or(text);
        let Some(sign) = near.iter().position(|byte| !BEFORE_SIGN.has(*byte)) else {
            return false;
        };
        let rest = text.get(sign..).unwrap_or_default();
        if !rest.first().is_some_and(|byte| b"=>:|?,".contains(byte)) {
            return false;
        }
        // The value begins here at the latest; some are allowed to begin with such bytes.
        let between = rest
            .iter()
            .take_while(|byte| AFTER_SIGN.has(**byte))
            .count();
        let before = rest.get(1..between).unwrap_or_default();
        let begun = before
            .iter()
            .rev()
            .take_while(|byte| self.value.has(**byte));
        let more = self.least.saturating_sub(begun.count());
        let value = rest.get(between..between + more);
        value.is_some_and(|value| value.iter().all(|byte| self.value.has(*byte)))
    }
}

pub(super) fn config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// Reads as gitleaks means it: bytes, and `\w`, `\b` and `(?i)` for ASCII only. In Unicode
/// mode the set costs 557 MB and is 27 times slower, for the same hits.
pub(super) fn parse(regex: &str) -> Option<Hir> {
    syntax::parse_with(regex, &config()).ok()
}

fn parts(hir: &Hir) -> Vec<Hir> {
    if let HirKind::Concat(parts) = hir.kind() {
        parts.clone()
    } else {
        vec![hir.clone()]
    }
}

/// A class, any number of times up to a limit and rather few. A greedy one would prefer
/// another head of several.
fn as_lead(hir: &Hir) -> Option<(ByteSet, usize)> {
    let HirKind::Repetition(Repetition {
        min: 0,
        max: Some(max),
        greedy: false,
        sub,
    }) = hir.kind()
    else {
        return None;
    };
    let HirKind::Class(class) = sub.kind() else {
        return None;
    };
    Some((set_of(class), usize::try_from(*max).ok()?))
}

/// Every byte that can be part of a match.
fn all_bytes(hir: &Hir) -> ByteSet {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ByteSet::default(),
        HirKind::Literal(literal) => ByteSet::of(literal.0.iter().copied()),
        HirKind::Class(class) => set_of(class),
        HirKind::Repetition(repetition) => all_bytes(&repetition.sub),
        HirKind::Capture(capture) => all_bytes(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(ByteSet::default(), |set, part| set.or(all_bytes(part))),
    }
}

fn set_of(class: &Class) -> ByteSet {
    match class {
        Class::Bytes(class) => {
            ByteSet::of(class.iter().flat_map(|range| range.start()..=range.end()))
        }
        // Bytes are asked for, so this class is of ASCII; if not, anything may follow.
        Class::Unicode(class) if class.is_ascii() => ByteSet::of(class.iter().flat_map(|range| {
            let byte = |c| u8::try_from(u32::from(c)).unwrap_or_default();
            byte(range.start())..=byte(range.end())
        })),
        Class::Unicode(_) => ByteSet::all(),
    }
}

fn starts_with_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Look(look) => *look == Look::WordAscii,
        HirKind::Capture(capture) => starts_with_boundary(&capture.sub),
        HirKind::Concat(parts) => parts.first().is_some_and(starts_with_boundary),
        HirKind::Alternation(parts) => parts.iter().all(starts_with_boundary),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Repetition(_) => false,
    }
}

/// Adds what the next bytes must be; whether all of `hir` was said thereby.
fn shape_of(hir: &Hir, shape: &mut Vec<ByteSet>) -> bool {
    if shape.len() >= MAX_SHAPE_BYTES {
        return false;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            shape.extend(literal.0.iter().map(|byte| ByteSet::of([*byte])));
            true
        }
        HirKind::Class(class) => {
            shape.push(set_of(class));
            true
        }
        HirKind::Capture(capture) => shape_of(&capture.sub, shape),
        HirKind::Concat(parts) => parts.iter().all(|part| shape_of(part, shape)),
        HirKind::Repetition(repetition) => {
            (0..repetition.min).all(|_| shape_of(&repetition.sub, shape))
                && Some(repetition.min) == repetition.max
        }
        HirKind::Alternation(parts) => {
            let mut is_whole = true;
            let mut branches = parts.iter().map(|part| {
                let mut branch = Vec::new();
                is_whole &= shape_of(part, &mut branch);
                branch
            });
            let mut joint = branches.next().unwrap_or_default();
            let mut is_even = true;
            for branch in branches {
                is_even &= branch.len() == joint.len();
                joint.truncate(branch.len());
                for (set, other) in joint.iter_mut().zip(branch) {
                    *set = set.or(other);
                }
            }
            shape.append(&mut joint);
            is_whole && is_even
        }
    }
}

/// A beginning of matches, and whether what it comes from ends with it.
type Head = (Vec<u8>, bool);

/// How every match begins, in lower case; none if that is too little or too many.
fn heads(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut heads: Vec<Vec<u8>> = heads_of(hir)?
        .into_iter()
        .map(|(head, _)| {
            let plain = head.iter().take_while(|byte| !is_escaped(**byte));
            plain.take(MAX_HEAD_BYTES).copied().collect()
        })
        .collect();
    heads.sort();
    heads.dedup();
    let is_enough = heads.iter().all(|head| head.len() >= MIN_HEAD_BYTES);
    (is_enough && !heads.is_empty()).then_some(heads)
}

/// Whether JSON escapes the byte. No head may have one, so that the heads in a JSON string
/// are known from those in its text.
fn is_escaped(byte: u8) -> bool {
    byte.is_ascii_control() || b"\"\\/".contains(&byte)
}

fn heads_of(hir: &Hir) -> Option<Vec<Head>> {
    let heads = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![(Vec::new(), true)],
        HirKind::Literal(literal) => vec![(literal.0.to_ascii_lowercase(), true)],
        HirKind::Class(class) => {
            let set = set_of(class);
            let mut bytes: Vec<u8> = (0..=u8::MAX)
                .filter(|byte| set.has(*byte))
                .map(|byte| byte.to_ascii_lowercase())
                .collect();
            bytes.sort_unstable();
            bytes.dedup();
            if bytes.len() > 3 {
                vec![(Vec::new(), false)]
            } else {
                bytes.into_iter().map(|byte| (vec![byte], true)).collect()
            }
        }
        HirKind::Capture(capture) => heads_of(&capture.sub)?,
        HirKind::Concat(parts) => in_sequence(parts.iter()),
        HirKind::Repetition(repetition) => {
            let times = usize::try_from(repetition.min).ok()?.min(MAX_HEAD_BYTES);
            let mut heads = in_sequence(std::iter::repeat_n(&*repetition.sub, times));
            if repetition.max != Some(repetition.min) {
                close(&mut heads);
            }
            if repetition.min == 0 && repetition.max == Some(1) {
                heads = heads_of(&repetition.sub)?;
                heads.push((Vec::new(), true));
            }
            heads
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.append(&mut heads_of(part)?);
            }
            all
        }
    };
    (heads.len() <= MAX_HEADS).then_some(heads)
}

/// Nothing more is said of how they go on.
fn close(heads: &mut [Head]) {
    for (_, is_whole) in heads {
        *is_whole = false;
    }
}

fn in_sequence<'a>(parts: impl Iterator<Item = &'a Hir>) -> Vec<Head> {
    let mut heads: Vec<Head> = vec![(Vec::new(), true)];
    for part in parts {
        let is_open = |head: &Head| head.1 && head.0.len() < MAX_HEAD_BYTES;
        if !heads.iter().any(is_open) {
            break;
        }
        let next = heads_of(part).unwrap_or_else(|| vec![(Vec::new(), false)]);
        let mut longer = Vec::new();
        for head in &heads {
            if is_open(head) {
                let join = |(more, is_whole): &Head| ([&head.0[..], more].concat(), *is_whole);
                longer.extend(next.iter().map(join));
            } else {
                longer.push(head.clone());
            }
        }
        longer.sort();
        longer.dedup();
        if longer.len() > MAX_HEADS {
            close(&mut heads);
            break;
        }
        heads = longer;
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::rules::Rules;

    /// The sets of rules name their own; here what they rest on.
    #[test]
    fn beginnings_are_read_from_regexes() {
        let rows: [(&str, &[&str], usize); 9] = [
            (r"ghp_[0-9a-zA-Z]{36}", &["ghp_"], MAX_SHAPE_BYTES),
            (
                r"\b((?:sk|rk)_(?:test|live)_[a-z]{9})",
                &["rk_live_", "rk_test_", "sk_live_", "sk_test_"],
                17,
            ),
            (r"xox[os]-\d+", &["xoxo-", "xoxs-"], 6),
            (
                r"(?i)Ab(?:c|d)?[_-]?x",
                &[
                    "abc-x", "abc_x", "abcx", "abd-x", "abd_x", "abdx", "ab-x", "ab_x", "abx",
                ],
                2,
            ),
            (
                r"(?:https?://)?hooks.slack",
                &["hooks", "http:", "https:"],
                0,
            ),
            (r#"["']?key"#, &[], 0),
            (r"[a-z]{14}\.atlas", &[], 0),
            (r"(?i)[\w.-]{0,50}?(?:kraken)x", &["krakenx"], 7),
            (r"(?i)[\w.-]{0,50}(?:kraken)x", &[], 0),
        ];
        for (regex, heads, shape) in rows {
            let read = Beginning::of(&parse(regex).unwrap());
            let (mut found, length) =
                read.map_or((Vec::new(), 0), |(read, _)| (read.heads, read.shape.len()));
            let mut heads: Vec<&[u8]> = heads.iter().map(|head| head.as_bytes()).collect();
            heads.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, heads, "{regex}");
            assert_eq!(length, shape, "{regex}");
        }
    }

    #[test]
    fn most_rules_of_names_are_known_as_assignments() {
        let rules = Rules::get().all.iter();
        let beginnings = rules.filter_map(|rule| rule.beginning.as_ref());
        let assignments = beginnings.filter(|one| one.assignment.is_some()).count();
        assert!(assignments > 80, "only {assignments}");
    }
}
