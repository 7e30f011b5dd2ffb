//! Pasted text and focus changes as a program wants to read them.

use super::screen::Modes;

/// The bytes to type for a paste: line breaks become Enter, control characters other
/// than tabs are removed, so that no paste can end its own brackets or interrupt a
/// program, and the brackets are added where the program asked for them.
#[must_use]
pub fn encode_paste(text: &str, modes: &Modes) -> Vec<u8> {
    let clean: String = text
        .replace("\r\n", "\r")
        .replace('\n', "\r")
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\r' | '\t'))
        .collect();
    if modes.bracketed_paste {
        format!("\x1b[200~{clean}\x1b[201~").into_bytes()
    } else {
        clean.into_bytes()
    }
}

/// Whether the operator's terminal has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// It got it.
    Gained,
    /// It lost it.
    Lost,
}

/// The bytes to type for a change of focus; empty unless the program asked for them.
#[must_use]
pub const fn encode_focus(focus: Focus, modes: &Modes) -> &'static [u8] {
    match (modes.focus_events, focus) {
        (false, _) => b"",
        (true, Focus::Gained) => b"\x1b[I",
        (true, Focus::Lost) => b"\x1b[O",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRACKETED: Modes = Modes {
        alternate_screen: false,
        application_cursor: false,
        application_keypad: false,
        bracketed_paste: true,
        focus_events: true,
        newline: false,
        alternate_scroll: false,
        mouse: crate::pty::MouseMode::Off,
        sgr_mouse: false,
        kitty_flags: 0,
    };

    #[test]
    fn a_paste_cannot_end_its_own_brackets() {
        let hostile = "a\x1b[201~rm\n\x1b[2\x1b[201~01~\u{9b}201~\x03";
        assert_eq!(
            encode_paste(hostile, &BRACKETED),
            b"\x1b[200~a[201~rm\r[2[201~01~201~\x1b[201~"
        );
    }

    #[test]
    fn a_paste_without_brackets_is_typed() {
        assert_eq!(encode_paste("a\r\n\tb\n", &Modes::default()), b"a\r\tb\r");
    }

    #[test]
    fn focus_is_told_to_those_who_asked() {
        assert_eq!(encode_focus(Focus::Gained, &Modes::default()), b"");
        assert_eq!(encode_focus(Focus::Gained, &BRACKETED), b"\x1b[I");
        assert_eq!(encode_focus(Focus::Lost, &BRACKETED), b"\x1b[O");
    }
}
