//! What was typed at a session whose line is not open yet, in the order it was typed.

use std::collections::VecDeque;

use crate::pty;
use crate::state::Key;

/// The most keys and pastes that are kept; what comes after them is lost.
const MAX_TYPED: usize = 1_024;
/// The most text of pastes that is kept, in bytes.
const MAX_PASTED: usize = 1024 * 1024;

/// One thing that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A key, for the console and as a session takes it.
    Key(Key, Option<pty::KeyPress>),
    /// A paste.
    Paste(String),
}

/// The queue. Keys behind a chord are meant for the console again.
#[derive(Debug)]
pub(super) struct Ahead {
    /// The keys that no session gets.
    chords: Vec<Key>,
    typed: VecDeque<Typed>,
    pasted: usize,
}

/// What to do with a key that was given to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits, or was lost because too much waits.
    Waits,
    /// It is the console's now: nothing waits before it, or it was pressed twice.
    Ours,
}

impl Ahead {
    /// An empty queue, with the keys that no session gets.
    pub(super) fn new(chords: &[Key]) -> Self {
        Self {
            chords: chords.to_vec(),
            typed: VecDeque::new(),
            pasted: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// Whether the operator wants to leave once what waits is typed.
    pub(super) fn has_chord(&self) -> bool {
        self.typed.iter().any(|typed| self.is_chord(typed))
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: Key, press: Option<pty::KeyPress>) -> Fate {
        let typed = Typed::Key(key, press);
        let last_is_chord = self.typed.back().is_none_or(|last| self.is_chord(last));
        if self.is_chord(&typed) && last_is_chord {
            self.clear();
            return Fate::Ours;
        }
        if self.typed.len() < MAX_TYPED {
            self.typed.push_back(typed);
        }
        Fate::Waits
    }

    /// Takes a paste.
    pub(super) fn paste(&mut self, text: String) {
        let pasted = self.pasted.saturating_add(text.len());
        if self.typed.len() < MAX_TYPED && pasted <= MAX_PASTED {
            self.pasted = pasted;
            self.typed.push_back(Typed::Paste(text));
        }
    }

    pub(super) fn clear(&mut self) {
        self.typed.clear();
        self.pasted = 0;
    }

    /// Gives the bytes for the session up to the first chord, and that with what was
    /// typed behind it, if it is there.
    pub(super) fn take(&mut self, modes: &pty::Modes) -> (Vec<u8>, Option<(Key, VecDeque<Typed>)>) {
        let mut typed = std::mem::take(&mut self.typed);
        self.pasted = 0;
        let mut bytes = Vec::new();
        while let Some(one) = typed.pop_front() {
            match one {
                Typed::Key(key, _) if self.chords.contains(&key.normal()) => {
                    return (bytes, Some((key, typed)));
                }
                Typed::Key(_, Some(press)) => bytes.extend(press.encode(modes)),
                Typed::Key(_, None) => {}
                Typed::Paste(text) => bytes.extend(pty::encode_paste(&text, modes)),
            }
        }
        (bytes, None)
    }

    fn is_chord(&self, typed: &Typed) -> bool {
        matches!(typed, Typed::Key(key, _) if self.chords.contains(&key.normal()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::KeyCode;

    const DETACH: Key = Key::ctrl('q');

    fn chords() -> Vec<Key> {
        let keys = crate::state::Keys::default();
        keys.chords().map(|(key, _)| key).collect()
    }

    fn letter(character: char) -> (Key, Option<pty::KeyPress>) {
        let key = pty::Key::Character(character);
        let modifiers = pty::Modifiers::NONE;
        let press = pty::KeyPress { key, modifiers };
        (Key::plain(KeyCode::Char(character)), Some(press))
    }

    fn detach() -> (Key, Option<pty::KeyPress>) {
        (DETACH, None)
    }

    fn ahead(keys: &[(Key, Option<pty::KeyPress>)]) -> Ahead {
        let mut ahead = Ahead::new(&chords());
        for (key, press) in keys {
            assert_eq!(ahead.key(*key, *press), Fate::Waits);
        }
        ahead
    }

    /// Keys behind the detach key were once lost, and with them the next attach.
    #[test]
    fn what_is_typed_behind_the_detach_key_comes_back_in_order() {
        let mut ahead = ahead(&[letter('a'), detach(), letter('b'), letter('c')]);
        ahead.paste(String::from("d"));
        assert!(ahead.has_chord());
        let (bytes, behind) = ahead.take(&pty::Modes::default());
        assert_eq!(bytes, b"a");
        let (b, c) = (letter('b'), letter('c'));
        let expected = VecDeque::from([
            Typed::Key(b.0, b.1),
            Typed::Key(c.0, c.1),
            Typed::Paste(String::from("d")),
        ]);
        assert_eq!(behind, Some((DETACH, expected)));
        assert!(ahead.is_empty());
    }

    #[test]
    fn keys_and_pastes_without_a_detach_are_all_the_sessions() {
        let mut ahead = ahead(&[letter('a')]);
        ahead.paste(String::from("bc"));
        assert_eq!(ahead.take(&pty::Modes::default()), (b"abc".to_vec(), None));
    }

    #[test]
    fn the_detach_key_waits_for_the_keys_before_it_and_twice_it_does_not() {
        assert_eq!(Ahead::new(&chords()).key(DETACH, None), Fate::Ours);
        let mut ahead = ahead(&[letter('a'), detach()]);
        assert_eq!(ahead.key(DETACH, None), Fate::Ours);
        assert!(ahead.is_empty());
    }

    #[test]
    fn it_is_bounded() {
        let mut ahead = Ahead::new(&chords());
        ahead.paste("x".repeat(MAX_PASTED));
        ahead.paste(String::from("y"));
        let (key, press) = letter('z');
        for _ in 0..2 * MAX_TYPED {
            ahead.key(key, press);
        }
        let (bytes, _) = ahead.take(&pty::Modes::default());
        assert_eq!(bytes.len(), MAX_PASTED + MAX_TYPED - 1);
    }
}
