//! Keys as a program wants to read them: the xterm encoding, or kitty's once asked for.
//!
//! Sources: xterm's ctlseqs ("PC-Style Function Keys") and the kitty keyboard
//! protocol. Only presses are sent; a program that asks for releases never sees one.

use super::screen::Modes;

/// Flags of the kitty keyboard protocol.
const DISAMBIGUATE: u8 = 1;
const ALTERNATE_KEYS: u8 = 4;
const ALL_KEYS: u8 = 8;
const ASSOCIATED_TEXT: u8 = 16;

/// A key, named by what it is and not by what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A key that types a character, as typed: with shift, the shifted one.
    Character(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Escape.
    Escape,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// Delete.
    Delete,
    /// A function key from 1; above 20 nothing is sent.
    Function(u8),
}

/// Modifiers held with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers(u8);

impl Modifiers {
    /// None.
    pub const NONE: Self = Self(0);
    /// Shift.
    pub const SHIFT: Self = Self(1);
    /// Alt, also called option.
    pub const ALT: Self = Self(2);
    /// Control.
    pub const CONTROL: Self = Self(4);
    /// Super, also called command or Windows.
    pub const SUPER: Self = Self(8);

    /// Whether all of `other` are held.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits as xterm and kitty number them.
    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::BitOr for Modifiers {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// A key pressed with modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyPress {
    /// The key.
    pub key: Key,
    /// What was held.
    pub modifiers: Modifiers,
}

impl KeyPress {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(key: Key) -> Self {
        Self {
            key,
            modifiers: Modifiers::NONE,
        }
    }

    /// The bytes to type into a program whose terminal is in `modes`. Empty for a key
    /// that the encoding does not know.
    #[must_use]
    pub fn encode(&self, modes: &Modes) -> Vec<u8> {
        if modes.kitty_flags & (DISAMBIGUATE | ALL_KEYS) == 0 {
            self.legacy(modes)
        } else {
            self.kitty(modes)
        }
    }

    fn legacy(&self, modes: &Modes) -> Vec<u8> {
        let control = self.modifiers.contains(Modifiers::CONTROL);
        match self.key {
            Key::Character(character) => {
                let byte = control.then(|| control_byte(character)).flatten();
                self.after_alt(byte.map_or_else(|| character.to_string().into_bytes(), |b| vec![b]))
            }
            Key::Enter if modes.newline => self.after_alt(b"\r\n".to_vec()),
            Key::Enter => self.after_alt(b"\r".to_vec()),
            Key::Tab if self.modifiers.contains(Modifiers::SHIFT) => {
                self.after_alt(b"\x1b[Z".to_vec())
            }
            Key::Tab => self.after_alt(b"\t".to_vec()),
            Key::Backspace if control => self.after_alt(b"\x08".to_vec()),
            Key::Backspace => self.after_alt(b"\x7f".to_vec()),
            Key::Escape => self.after_alt(b"\x1b".to_vec()),
            Key::Function(number @ 1..=4) if self.modifiers.is_none() => {
                vec![0x1b, b'O', b'O' + number]
            }
            Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::Insert
            | Key::Delete
            | Key::Function(_) => self.functional(modes),
        }
    }

    fn after_alt(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.modifiers.contains(Modifiers::ALT) {
            bytes.insert(0, 0x1b);
        }
        bytes
    }

    /// Arrow, editing and function keys, which both encodings share.
    fn functional(&self, modes: &Modes) -> Vec<u8> {
        let kitty = modes.kitty_flags & (DISAMBIGUATE | ALL_KEYS) != 0;
        let application = modes.application_cursor && !kitty;
        let (number, last) = match self.key {
            Key::Up => (1, 'A'),
            Key::Down => (1, 'B'),
            Key::Right => (1, 'C'),
            Key::Left => (1, 'D'),
            Key::Home => (1, 'H'),
            Key::End => (1, 'F'),
            Key::Insert => (2, '~'),
            Key::Delete => (3, '~'),
            Key::PageUp => (5, '~'),
            Key::PageDown => (6, '~'),
            // Kitty: CSI R would be a cursor report.
            Key::Function(3) if kitty => (13, '~'),
            Key::Function(number) => match function(number, kitty) {
                Some(code) => code,
                None => return Vec::new(),
            },
            Key::Character(_) | Key::Enter | Key::Tab | Key::Backspace | Key::Escape => {
                return Vec::new();
            }
        };
        let modifiers = self.modifiers.bits() + 1;
        match (number, self.modifiers.is_none()) {
            (1, true) if application => format!("\x1bO{last}"),
            (1, true) => format!("\x1b[{last}"),
            (_, true) => format!("\x1b[{number}{last}"),
            (_, false) => format!("\x1b[{number};{modifiers}{last}"),
        }
        .into_bytes()
    }

    fn kitty(&self, modes: &Modes) -> Vec<u8> {
        let all = modes.kitty_flags & ALL_KEYS != 0;
        let beyond_shift = self.modifiers.without(Modifiers::SHIFT);
        match self.key {
            Key::Character(character) if !all && beyond_shift.is_none() => {
                character.to_string().into_bytes()
            }
            Key::Character(character) => self.kitty_character(character, modes.kitty_flags),
            // Without modifiers these stay as they were, so that a shell is usable
            // after a program that failed to pop its flags.
            Key::Enter | Key::Tab | Key::Backspace if !all && self.modifiers.is_none() => {
                self.legacy(modes)
            }
            Key::Enter => self.kitty_code(13),
            Key::Tab => self.kitty_code(9),
            Key::Backspace => self.kitty_code(127),
            Key::Escape => self.kitty_code(27),
            Key::Up
            | Key::Down
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::Insert
            | Key::Delete
            | Key::Function(_) => self.functional(modes),
        }
    }

    fn kitty_code(&self, code: u32) -> Vec<u8> {
        if self.modifiers.is_none() {
            format!("\x1b[{code}u").into_bytes()
        } else {
            format!("\x1b[{code};{}u", self.modifiers.bits() + 1).into_bytes()
        }
    }

    fn kitty_character(&self, character: char, flags: u8) -> Vec<u8> {
        // The key is named by its unshifted character; only letters tell theirs.
        let mut lower = character.to_lowercase();
        let base = match (lower.next(), lower.next()) {
            (Some(base), None) => base,
            _ => character,
        };
        let mut code = u32::from(base).to_string();
        if flags & ALTERNATE_KEYS != 0 && base != character {
            code = format!("{code}:{}", u32::from(character));
        }
        let typed = self.modifiers.without(Modifiers::SHIFT).is_none();
        let modifiers = self.modifiers.bits() + 1;
        if flags & ALL_KEYS != 0 && flags & ASSOCIATED_TEXT != 0 && typed {
            format!("\x1b[{code};{modifiers};{}u", u32::from(character)).into_bytes()
        } else if self.modifiers.is_none() {
            format!("\x1b[{code}u").into_bytes()
        } else {
            format!("\x1b[{code};{modifiers}u").into_bytes()
        }
    }
}

/// Number and last character of a function key's sequence.
fn function(number: u8, kitty: bool) -> Option<(u32, char)> {
    Some(match number {
        1 => (1, 'P'),
        2 => (1, 'Q'),
        3 => (1, 'R'),
        4 => (1, 'S'),
        5 => (15, '~'),
        6..=10 => (u32::from(number) + 11, '~'),
        13..=35 if kitty => (u32::from(number - 13) + 57_376, 'u'),
        11..=14 => (u32::from(number) + 12, '~'),
        15 | 16 => (u32::from(number) + 13, '~'),
        17..=20 => (u32::from(number) + 14, '~'),
        _ => return None,
    })
}

/// The control character that control and a key make, as xterm has it.
pub(super) fn control_byte(character: char) -> Option<u8> {
    Some(match character {
        'a'..='z' | 'A'..='Z' | '[' | '\\' | ']' | '^' | '_' => {
            u8::try_from(u32::from(character)).ok()? & 0x1f
        }
        ' ' | '@' | '2' => 0,
        '3' => 0x1b,
        '4' => 0x1c,
        '5' => 0x1d,
        '6' => 0x1e,
        '7' | '/' => 0x1f,
        '8' | '?' => 0x7f,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(key: Key, modifiers: Modifiers, modes: Modes) -> String {
        String::from_utf8(KeyPress { key, modifiers }.encode(&modes)).unwrap()
    }

    const PLAIN: Modes = Modes {
        alternate_screen: false,
        application_cursor: false,
        application_keypad: false,
        bracketed_paste: false,
        focus_events: false,
        newline: false,
        alternate_scroll: false,
        mouse: crate::pty::MouseMode::Off,
        sgr_mouse: false,
        kitty_flags: 0,
    };

    #[test]
    fn the_legacy_encoding_is_xterms() {
        use Key::{Backspace, Character, Delete, End, Enter, Escape, Function, Tab, Up};
        let (none, shift, alt, control) = (
            Modifiers::NONE,
            Modifiers::SHIFT,
            Modifiers::ALT,
            Modifiers::CONTROL,
        );
        for (key, modifiers, bytes) in [
            (Character('a'), none, "a"),
            (Character('A'), shift, "A"),
            (Character('é'), none, "é"),
            (Character('c'), control, "\x03"),
            (Character('c'), control | alt, "\x1b\x03"),
            (Character(' '), control, "\0"),
            (Character('x'), alt, "\x1bx"),
            (Enter, none, "\r"),
            (Enter, alt, "\x1b\r"),
            (Tab, shift, "\x1b[Z"),
            (Backspace, none, "\x7f"),
            (Backspace, control, "\x08"),
            (Escape, none, "\x1b"),
            (Up, none, "\x1b[A"),
            (Up, control, "\x1b[1;5A"),
            (End, none, "\x1b[F"),
            (Delete, none, "\x1b[3~"),
            (Delete, shift | alt, "\x1b[3;4~"),
            (Function(1), none, "\x1bOP"),
            (Function(1), shift, "\x1b[1;2P"),
            (Function(5), none, "\x1b[15~"),
            (Function(6), none, "\x1b[17~"),
            (Function(10), none, "\x1b[21~"),
            (Function(11), none, "\x1b[23~"),
            (Function(12), control, "\x1b[24;5~"),
            (Function(13), none, "\x1b[25~"),
            (Function(15), none, "\x1b[28~"),
            (Function(20), none, "\x1b[34~"),
            (Function(99), none, ""),
        ] {
            assert_eq!(sent(key, modifiers, PLAIN), bytes, "{key:?} {modifiers:?}");
        }
    }

    #[test]
    fn application_cursor_keys_are_single_shifts() {
        let modes = Modes {
            application_cursor: true,
            ..PLAIN
        };
        assert_eq!(sent(Key::Up, Modifiers::NONE, modes), "\x1bOA");
        assert_eq!(sent(Key::Home, Modifiers::NONE, modes), "\x1bOH");
        assert_eq!(sent(Key::Up, Modifiers::SHIFT, modes), "\x1b[1;2A");
    }

    #[test]
    fn kitty_disambiguates_and_leaves_text_alone() {
        use Key::{Character, Enter, Escape, Function, Up};
        let modes = Modes {
            kitty_flags: 5,
            application_cursor: true,
            ..PLAIN
        };
        let (none, shift, control) = (Modifiers::NONE, Modifiers::SHIFT, Modifiers::CONTROL);
        for (key, modifiers, bytes) in [
            (Character('a'), none, "a"),
            (Character('A'), shift, "A"),
            (Character('q'), control, "\x1b[113;5u"),
            (Character('Q'), control | shift, "\x1b[113:81;6u"),
            (Enter, none, "\r"),
            (Enter, shift, "\x1b[13;2u"),
            (Escape, none, "\x1b[27u"),
            (Up, none, "\x1b[A"),
            (Function(1), none, "\x1b[P"),
            (Function(3), none, "\x1b[13~"),
            (Function(13), none, "\x1b[57376u"),
        ] {
            assert_eq!(sent(key, modifiers, modes), bytes, "{key:?} {modifiers:?}");
        }
    }

    #[test]
    fn kitty_reports_all_keys_when_asked() {
        let modes = Modes {
            kitty_flags: 31,
            ..PLAIN
        };
        assert_eq!(
            sent(Key::Character('a'), Modifiers::NONE, modes),
            "\x1b[97;1;97u"
        );
        assert_eq!(
            sent(Key::Character('A'), Modifiers::SHIFT, modes),
            "\x1b[97:65;2;65u"
        );
        assert_eq!(sent(Key::Enter, Modifiers::NONE, modes), "\x1b[13u");
    }
}
