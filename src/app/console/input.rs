//! From the terminal library's events to ours.

use crossterm::event::{
    Event as Terminal, KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent,
};

use crate::pty;
use crate::state::{Held, Key, KeyCode};

/// What came from the terminal, for whoever has the keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key, for the console; with it the same key as a session takes it.
    Key(Key, Option<pty::KeyPress>),
    /// A paste.
    Paste(String),
    /// The pointer.
    Mouse(MouseEvent),
    /// A new size.
    Resize(u16, u16),
    /// Nothing that matters.
    Nothing,
}

/// Translates one event.
pub(super) fn translate(event: Terminal) -> Input {
    match event {
        Terminal::Key(key) if key.kind != KeyEventKind::Release => {
            own(key).map_or(Input::Nothing, |own| Input::Key(own, session(key)))
        }
        Terminal::Paste(text) => Input::Paste(text),
        Terminal::Mouse(mouse) => Input::Mouse(mouse),
        Terminal::Resize(columns, rows) => Input::Resize(columns, rows),
        Terminal::Key(_) | Terminal::FocusGained | Terminal::FocusLost => Input::Nothing,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "media and lock keys mean nothing to the console"
)]
fn own(key: KeyEvent) -> Option<Key> {
    let code = match key.code {
        Code::Char(character) => KeyCode::Char(character),
        Code::Enter => KeyCode::Enter,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Esc => KeyCode::Escape,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        Code::F(number) => KeyCode::Function(number),
        _ => return None,
    };
    let held = Held {
        ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
        alt: key.modifiers.contains(KeyModifiers::ALT),
        shift: key.modifiers.contains(KeyModifiers::SHIFT),
    };
    Some(Key { code, held }.normal())
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "media and lock keys type nothing into a program"
)]
fn session(key: KeyEvent) -> Option<pty::KeyPress> {
    let (key_of, implied) = match key.code {
        Code::Char(character) => (pty::Key::Character(character), pty::Modifiers::NONE),
        Code::Enter => (pty::Key::Enter, pty::Modifiers::NONE),
        Code::Tab => (pty::Key::Tab, pty::Modifiers::NONE),
        Code::BackTab => (pty::Key::Tab, pty::Modifiers::SHIFT),
        Code::Backspace => (pty::Key::Backspace, pty::Modifiers::NONE),
        Code::Delete => (pty::Key::Delete, pty::Modifiers::NONE),
        Code::Insert => (pty::Key::Insert, pty::Modifiers::NONE),
        Code::Esc => (pty::Key::Escape, pty::Modifiers::NONE),
        Code::Up => (pty::Key::Up, pty::Modifiers::NONE),
        Code::Down => (pty::Key::Down, pty::Modifiers::NONE),
        Code::Left => (pty::Key::Left, pty::Modifiers::NONE),
        Code::Right => (pty::Key::Right, pty::Modifiers::NONE),
        Code::Home => (pty::Key::Home, pty::Modifiers::NONE),
        Code::End => (pty::Key::End, pty::Modifiers::NONE),
        Code::PageUp => (pty::Key::PageUp, pty::Modifiers::NONE),
        Code::PageDown => (pty::Key::PageDown, pty::Modifiers::NONE),
        Code::F(number) => (pty::Key::Function(number), pty::Modifiers::NONE),
        _ => return None,
    };
    let modifiers = [
        (KeyModifiers::SHIFT, pty::Modifiers::SHIFT),
        (KeyModifiers::ALT, pty::Modifiers::ALT),
        (KeyModifiers::CONTROL, pty::Modifiers::CONTROL),
        (KeyModifiers::SUPER, pty::Modifiers::SUPER),
    ]
    .into_iter()
    .filter(|(theirs, _)| key.modifiers.contains(*theirs))
    .fold(implied, |all, (_, ours)| all.and(ours));
    Some(pty::KeyPress {
        key: key_of,
        modifiers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_no_key() {
        let mut key = KeyEvent::new(Code::Char('x'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(translate(Terminal::Key(key)), Input::Nothing);
    }

    #[test]
    fn the_detach_chord_is_one_key_for_the_console() {
        let key = KeyEvent::new(Code::Char('q'), KeyModifiers::CONTROL);
        let Input::Key(own, _) = translate(Terminal::Key(key)) else {
            panic!("a key")
        };
        assert_eq!(own, Key::ctrl('q'));
    }

    /// The library reads the bytes 0x1c to 0x1f as control and a digit, which make them too.
    #[test]
    fn the_byte_of_a_chord_is_that_chord() {
        for typed in [']', '5'] {
            let key = KeyEvent::new(Code::Char(typed), KeyModifiers::CONTROL);
            let Input::Key(own, Some(press)) = translate(Terminal::Key(key)) else {
                panic!("a key")
            };
            assert_eq!(own, Key::NEXT_NEED);
            assert_eq!(press.encode(&pty::Modes::default()), b"\x1d");
        }
    }

    #[test]
    fn back_tab_is_tab_with_shift_for_a_session() {
        let key = KeyEvent::new(Code::BackTab, KeyModifiers::SHIFT);
        let Input::Key(_, Some(press)) = translate(Terminal::Key(key)) else {
            panic!("a key")
        };
        assert_eq!(press.key, pty::Key::Tab);
        assert!(press.modifiers.contains(pty::Modifiers::SHIFT));
    }
}
