//! Makes text of a file safe to show: nothing in it can move the cursor, hide
//! itself or change the direction of what follows.

/// Escapes control characters, bidirectional and zero-width marks, so that a
/// terminal shows the text and does nothing else.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

/// Replaces what [`visible`] would escape with as many bytes of something plain,
/// so that positions in the text stay true. Line ends and tabs are kept.
#[must_use]
pub(super) fn visible_in_place(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) || matches!(character, '\n' | '\t') {
            shown.push(character);
        } else {
            for _ in 0..character.len_utf8() {
                shown.push('?');
            }
        }
    }
    shown
}

fn is_plain(character: char) -> bool {
    matches!(character, '\'' | '"' | '\\') || character.escape_debug().len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_move_or_hide_are_escaped() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(visible("it's \"ü\" \\ 木"), "it's \"ü\" \\ 木");
    }

    #[test]
    fn positions_stay_true() {
        let hostile = "ü\x1b\u{202e}\n\tx\r";
        let shown = visible_in_place(hostile);
        assert_eq!(shown.len(), hostile.len());
        assert_eq!(shown, "ü????\n\tx?");
    }
}
