//! What is looked for in lines: a regular expression, or plain text if it is none.
//!
//! Whole blocks of lines are searched at once, so that no pattern may match across the
//! end of a line: line ends are taken out of every class, and the anchors of a text are
//! those of a line (as `grep-regex` does it). Without that a class such as `[^"]` would
//! run to the end of the block from each line.

use regex_automata::meta::{Config, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look,
};

/// The largest automaton of a pattern.
const NFA_BYTES: usize = 2 * 1024 * 1024;
/// What its lazy form may use.
const CACHE_BYTES: usize = 4 * 1024 * 1024;
/// How deep a pattern may be nested.
const NESTING: u32 = 64;

/// Something to look for in lines.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
    is_plain: bool,
}

impl Pattern {
    /// Reads a pattern. What is no regular expression, or too large a one, is looked for
    /// as it stands. Without a capital letter in it, case makes no difference.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let ignores_case = !has_capital(text);
        let build = |text: &str| {
            let mut parser = ParserBuilder::new()
                .case_insensitive(ignores_case)
                .nest_limit(NESTING)
                .build();
            let hir = within_a_line(parser.parse(text).ok()?);
            let config = Config::new()
                .nfa_size_limit(Some(NFA_BYTES))
                .hybrid_cache_capacity(CACHE_BYTES);
            Regex::builder().configure(config).build_from_hir(&hir).ok()
        };
        let as_regex = build(text);
        let is_plain = as_regex.is_none();
        let regex = as_regex.or_else(|| build(&regex_syntax::escape(text)))?;
        Some(Self {
            text: text.to_owned(),
            regex,
            is_plain,
        })
    }

    /// What it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is no regular expression, and stands for itself.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether a line holds it.
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        self.regex.is_match(line)
    }

    /// Where a line holds it, at most `most` places that are not empty.
    #[must_use]
    pub fn places(&self, line: &str, most: usize) -> Vec<(usize, usize)> {
        self.regex
            .find_iter(line)
            .map(|found| (found.start(), found.end()))
            .filter(|(start, end)| start < end)
            .take(most)
            .collect()
    }

    /// The start of the first match in a block of lines at or after `from`.
    pub(super) fn next(&self, block: &[u8], from: usize) -> Option<usize> {
        let input = Input::new(block)
            .range(from..)
            .anchored(Anchored::No)
            .earliest(true);
        let mut slots: [Option<NonMaxUsize>; 2] = [None, None];
        // The start needs the whole match; where it ends does not matter.
        self.regex.search_slots(&input, &mut slots)?;
        let [start, _] = slots;
        start.map(NonMaxUsize::get)
    }
}

/// Whether a pattern has a capital letter that stands for itself.
fn has_capital(text: &str) -> bool {
    let mut is_escaped = false;
    text.chars().any(|character| {
        let stands = !is_escaped && character.is_uppercase();
        is_escaped = character == '\\' && !is_escaped;
        stands
    })
}

/// The same pattern, for one line alone.
fn within_a_line(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(without_line_end(class)),
        HirKind::Look(look) => Hir::look(of_a_line(look)),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(within_a_line(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => within_a_line(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(within_a_line).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(within_a_line).collect())
        }
    }
}

fn without_line_end(class: Class) -> Class {
    match class {
        Class::Unicode(mut class) => {
            let end = ClassUnicodeRange::new('\n', '\n');
            class.difference(&ClassUnicode::new([end]));
            Class::Unicode(class)
        }
        Class::Bytes(mut class) => {
            let end = ClassBytesRange::new(b'\n', b'\n');
            class.difference(&ClassBytes::new([end]));
            Class::Bytes(class)
        }
    }
}

/// Words end where ASCII's do: the tables of all others are not worth their size here.
const fn of_a_line(look: Look) -> Look {
    match look {
        Look::Start | Look::StartLF | Look::StartCRLF => Look::StartLF,
        Look::End | Look::EndLF | Look::EndCRLF => Look::EndLF,
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii => look,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_with_a_capital_alone() {
        let is_in = |pattern: &str, line: &str| Pattern::new(pattern).unwrap().is_in(line);
        assert!(is_in("error", "an ERROR"));
        assert!(is_in("größe", "GRÖSSE GRÖßE"));
        assert!(!is_in("Error", "an error"));
        assert!(is_in(r"\S+\W", "AN ERROR"), "an escape is no capital");
    }

    #[test]
    fn what_is_no_regex_stands_for_itself() {
        for text in ["a[", "(b", "*", "\\", "x{5000}{5000}", "[[]"] {
            let pattern = Pattern::new(text).unwrap();
            assert!(pattern.is_plain(), "{text}");
            assert!(pattern.is_in(&format!("so {text} is here")), "{text}");
            assert!(!pattern.is_in("another"), "{text}");
        }
        assert!(Pattern::new("").is_none());
    }

    #[test]
    fn places_of_a_line_are_bounded_and_not_empty() {
        let pattern = Pattern::new("a*").unwrap();
        assert_eq!(pattern.places("baab a", 9), [(1, 3), (5, 6)]);
        assert_eq!(pattern.places("baab a", 1), [(1, 3)]);
    }
}
