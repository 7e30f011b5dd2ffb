//! Keys and pointer presses in our own words, so that a run can be recorded and
//! replayed without the terminal library that read them.

use serde::{Deserialize, Serialize};

use super::target::Target;

/// One press of a key. Releases and repeats of a held key are not events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// What was held with it.
    #[serde(default)]
    pub held: Held,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCode {
    /// A key that makes a character, as the layout gives it.
    Char(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Tab with shift, which terminals report as a key of its own.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Escape.
    Escape,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key by its number.
    Function(u8),
}

/// Modifiers held with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Held {
    /// Control.
    pub ctrl: bool,
    /// Alt, or Meta.
    pub alt: bool,
    /// Shift. Characters carry it in themselves, so it counts for other keys only.
    pub shift: bool,
}

impl Key {
    /// Leaves an attached session.
    pub const DETACH: Self = Self::ctrl('q');
    /// Leaves it for the next bottle that needs the operator.
    pub const NEXT_NEED: Self = Self::ctrl(']');

    /// Holds still what an attached session shows, to be read and copied.
    pub const COPY: Self = Self::ctrl('\\');

    /// A key without modifiers.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self {
            code,
            held: Held {
                ctrl: false,
                alt: false,
                shift: false,
            },
        }
    }

    /// A character.
    #[must_use]
    pub const fn char(character: char) -> Self {
        Self::plain(KeyCode::Char(character))
    }

    /// A character with control held.
    #[must_use]
    pub const fn ctrl(character: char) -> Self {
        Self {
            code: KeyCode::Char(character),
            held: Held {
                ctrl: true,
                alt: false,
                shift: false,
            },
        }
    }

    /// The same key in the one spelling that the key table uses: a shifted letter is
    /// its capital, whether the terminal said so by the letter or by the modifier. Four
    /// control characters are named by their signs, not by the digits that make them too.
    #[must_use]
    pub const fn normal(self) -> Self {
        let KeyCode::Char(character) = self.code else {
            return self;
        };
        let character = if self.held.ctrl {
            match character {
                '4' => '\\',
                '5' => ']',
                '6' => '^',
                '7' => '_',
                character => character.to_ascii_lowercase(),
            }
        } else if self.held.shift {
            character.to_ascii_uppercase()
        } else {
            character
        };
        Self {
            code: KeyCode::Char(character),
            held: Held {
                shift: false,
                ..self.held
            },
        }
    }

    /// The character that the key types into one of our own prompts, if it does.
    #[must_use]
    pub const fn typed(self) -> Option<char> {
        match self.normal() {
            Self {
                code: KeyCode::Char(character),
                held:
                    Held {
                        ctrl: false,
                        alt: false,
                        ..
                    },
            } => Some(character),
            _ => None,
        }
    }
}

/// What the pointer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointerAction {
    /// The first button was pressed.
    Press,
    /// It moved while it was held.
    Drag,
    /// It was let go.
    Release,
    /// The wheel turned away from the operator.
    WheelUp,
    /// The wheel turned towards the operator.
    WheelDown,
}

/// The pointer acted on a part of the screen, found by the view that drew it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// What it did.
    pub action: PointerAction,
    /// To what.
    pub target: Target,
}

impl Key {
    /// The key as footer and help name it, such as `ctrl-q` or `PgUp`.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => String::from("space"),
            KeyCode::Char(character) => character.to_string(),
            KeyCode::Function(number) => format!("F{number}"),
            KeyCode::Enter => String::from("enter"),
            KeyCode::Tab => String::from("tab"),
            KeyCode::BackTab => String::from("shift-tab"),
            KeyCode::Backspace => String::from("backspace"),
            KeyCode::Delete => String::from("del"),
            KeyCode::Insert => String::from("ins"),
            KeyCode::Escape => String::from("esc"),
            KeyCode::Up => String::from("up"),
            KeyCode::Down => String::from("down"),
            KeyCode::Left => String::from("left"),
            KeyCode::Right => String::from("right"),
            KeyCode::Home => String::from("home"),
            KeyCode::End => String::from("end"),
            KeyCode::PageUp => String::from("pgup"),
            KeyCode::PageDown => String::from("pgdn"),
        };
        let alt = if self.held.alt { "alt-" } else { "" };
        let ctrl = if self.held.ctrl { "ctrl-" } else { "" };
        format!("{ctrl}{alt}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capital_has_one_spelling() {
        let shift = Held {
            shift: true,
            ..Held::default()
        };
        for code in ['g', 'G'] {
            let key = Key {
                code: KeyCode::Char(code),
                held: shift,
            };
            assert_eq!(key.normal(), Key::char('G'));
        }
    }

    #[test]
    fn a_chord_types_nothing() {
        assert_eq!(Key::ctrl('a').typed(), None);
        assert_eq!(Key::char('ä').typed(), Some('ä'));
        assert_eq!(Key::plain(KeyCode::Enter).typed(), None);
    }
}
