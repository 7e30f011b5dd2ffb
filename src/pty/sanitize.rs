//! Makes hostile text safe to show on the operator's terminal.
//!
//! What comes out holds no control character, no mark that reorders text and no
//! character without a width of its own beyond a few combining marks. Cleaning text
//! twice changes nothing more.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

/// Combining marks kept on one character; more would spill over other lines.
const MAX_MARKS: usize = 4;

/// Makes `text` one safe line: control characters become their pictures (`␛`, `␊`),
/// marks that reorder or hide text become `<U+202E>`, and joiners are removed.
#[must_use]
pub fn one_line(text: &str) -> String {
    clean(text, |_| false)
}

/// As [`one_line`], but line breaks stay and tabs become spaces, for text that is
/// shown over several lines. A carriage return before a line break is dropped.
#[must_use]
pub fn visible(text: &str) -> String {
    clean(&text.replace("\r\n", "\n").replace('\t', "    "), |c| {
        c == '\n'
    })
}

/// The first character of a text of several lines that is not shown as it is written: a
/// control character, or a mark that reorders or hides. Joiners, which many scripts need,
/// are none, nor is a carriage return before a line break.
#[must_use]
pub fn hidden(text: &str) -> Option<char> {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_plain = match character {
            '\n' | '\t' => true,
            '\r' => characters.peek() == Some(&'\n'),
            other => picture(other).is_none() && !is_invisible(other),
        };
        if !is_plain {
            return Some(character);
        }
    }
    None
}

/// A text of several lines without what a terminal would act on and what hides or
/// reorders it; line breaks and tabs stay. It may be pasted anywhere.
pub(super) fn plain_text(text: &str) -> String {
    let breaks = text.replace("\r\n", "\n").replace('\r', "\n");
    let characters = breaks.chars();
    let is_kept = |character: &char| match *character {
        '\n' | '\t' => true,
        other => picture(other).is_none() && !is_invisible(other),
    };
    characters.filter(is_kept).collect()
}

fn clean(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        if kept(character) {
            out.push(character);
            marks = 0;
        } else if let Some(picture) = picture(character) {
            out.push(picture);
            marks = 0;
        } else if reorders(character) {
            // Writing to a string cannot fail.
            write!(out, "<U+{:04X}>", u32::from(character)).ok();
            marks = 0;
        } else if is_invisible(character) || is_joiner(character) {
            // Nothing to show, and nothing that may hide between two letters.
        } else if character.width() == Some(0) {
            marks += 1;
            if marks <= MAX_MARKS {
                out.push(character);
            }
        } else {
            out.push(character);
            marks = 0;
        }
    }
    out
}

/// The visible stand-in of a control character.
fn picture(character: char) -> Option<char> {
    match character {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)),
        '\x7f' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// Whether a character changes the order in which others are shown.
const fn reorders(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Whether a character joins or picks the form of its neighbours.
const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character is drawn as nothing, or reorders text: never kept in a cell.
pub(super) const fn is_invisible(character: char) -> bool {
    reorders(character)
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2028}' | '\u{2029}'
                | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_pictures() {
        assert_eq!(one_line("a\x1b[31m\tb\r\n\x7f"), "a␛[31m␉b␍␊␡");
        assert_eq!(one_line("\u{9b}1m"), "\u{fffd}1m");
    }

    #[test]
    fn only_what_is_not_shown_as_written_is_hidden() {
        for text in ["", "a\tb\r\nc", "é 日本 👩\u{200d}💻 می\u{200c}خواهم"] {
            assert_eq!(hidden(text), None, "{text:?}");
        }
        for (text, found) in [
            ("a\x1b[2J", '\x1b'),
            ("a\rb", '\r'),
            ("a\u{9b}1m", '\u{9b}'),
            ("a\u{202e}b", '\u{202e}'),
            ("a\u{200b}b", '\u{200b}'),
            ("\u{feff}a", '\u{feff}'),
            ("a\u{e0041}", '\u{e0041}'),
        ] {
            assert_eq!(hidden(text), Some(found), "{text:?}");
        }
    }

    #[test]
    fn reordering_marks_are_spelt_out() {
        assert_eq!(one_line("a\u{202e}cod.exe"), "a<U+202E>cod.exe");
    }

    #[test]
    fn hidden_characters_are_removed() {
        assert_eq!(
            one_line("git\u{200b}hub\u{feff}.com\u{e0041}"),
            "github.com"
        );
    }

    #[test]
    fn a_pile_of_marks_is_cut() {
        let pile = format!("e{}", "\u{301}".repeat(50));
        assert_eq!(one_line(&pile).chars().count(), 5);
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["", "Refactor auth", "✳ naïve Ünïcode", "日本語", "🚀 done"] {
            assert_eq!(one_line(text), text);
        }
    }

    #[test]
    fn several_lines_stay_several() {
        assert_eq!(visible("a\r\nb\tc\n\x1b"), "a\nb    c\n␛");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cleaning_twice_changes_nothing(text in any::<String>()) {
            let once = one_line(&text);
            prop_assert_eq!(one_line(&once), once.clone());
            prop_assert!(!once.chars().any(|c| c.is_control() || reorders(c) || is_invisible(c)));
        }
    }
}
