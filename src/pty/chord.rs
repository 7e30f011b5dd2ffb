//! Finds the keys that are the operator's own in what the terminal sends.
//!
//! With the kitty protocol or modifyOtherKeys on, control and a character no longer
//! arrive as one byte, so every form is known; inside a bracketed paste none counts.

use super::key::control_byte;

/// The longest sequence worth holding back to see its end.
const MAX_HELD_BYTES: usize = 32;
const ESC: u8 = 0x1b;
/// Caps lock and num lock, which kitty counts as modifiers.
const LOCKS: u32 = 64 | 128;
const CONTROL: u32 = 4;

/// A key that no attached session gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chord {
    /// Leave the session.
    Detach,
    /// Go to the next bottle that needs the operator.
    Next,
    /// Read back what the session shows.
    Copy,
}

/// The digits that make the same control characters as signs do that are out of reach on
/// some keyboards (xterm's table of control keys).
const DIGITS: [char; 4] = ['4', '5', '6', '7'];

/// What became of some typed bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChordOutcome {
    /// Bytes for the program.
    pub forward: Vec<u8>,
    /// The chord that was pressed; what came after it is dropped.
    pub pressed: Option<Chord>,
}

/// Watches raw typed bytes for chords.
#[derive(Clone, Debug, Default)]
pub struct Chords {
    /// The byte that control and a character make, that character, and what it is.
    known: Vec<(u8, char, Chord)>,
    held: Vec<u8>,
    in_paste: bool,
}

impl Chords {
    /// Watches for control and one of these characters. Where one of them is two chords, it
    /// is the first. A character that makes no control character with it, or one that is
    /// another key (Tab, Enter, Escape), is never found.
    #[must_use]
    pub fn watching(wanted: impl IntoIterator<Item = (char, Chord)>) -> Self {
        let mut known: Vec<(u8, char, Chord)> = Vec::new();
        for (letter, chord) in wanted {
            let byte = control_byte(letter);
            let byte = byte.filter(|byte| !matches!(*byte, b'\t' | b'\n' | b'\r' | ESC));
            let Some(byte) = byte.filter(|byte| known.iter().all(|(own, ..)| own != byte)) else {
                continue;
            };
            let same = DIGITS.into_iter();
            let same = same.filter(|digit| control_byte(*digit) == Some(byte));
            let letters = std::iter::once(letter.to_ascii_lowercase()).chain(same);
            known.extend(letters.map(|letter| (byte, letter, chord)));
        }
        Self {
            known,
            held: Vec::new(),
            in_paste: false,
        }
    }

    /// Whether it watches for this chord.
    #[must_use]
    pub fn knows(&self, chord: Chord) -> bool {
        self.known.iter().any(|(_, _, known)| *known == chord)
    }

    /// Takes typed bytes. The beginning of a sequence at their end is held back: if
    /// nothing more comes within some milliseconds, it was a key of its own, and
    /// [`Chords::release`] gives it back.
    pub fn feed(&mut self, bytes: &[u8]) -> ChordOutcome {
        let mut outcome = ChordOutcome::default();
        for byte in bytes {
            if let Some(chord) = self.take(*byte, &mut outcome.forward) {
                outcome.pressed = Some(chord);
                self.held.clear();
                break;
            }
        }
        outcome
    }

    /// Whether something is held back.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Gives back what is held, since nothing followed it.
    pub fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Takes a byte; gives the chord that it completes.
    fn take(&mut self, byte: u8, forward: &mut Vec<u8>) -> Option<Chord> {
        if byte == ESC {
            forward.append(&mut self.held);
            self.held.push(ESC);
            return None;
        }
        let plain = self.find(|own, _| own == byte);
        match (self.held.len(), byte) {
            (0, _) if plain.is_some() => plain,
            (0, _) => {
                forward.push(byte);
                None
            }
            (1, b'[') | (2..MAX_HELD_BYTES, b'0'..=b'9' | b';' | b':') => {
                self.held.push(byte);
                None
            }
            (1, _) if plain.is_some() => {
                // Escape, then the chord: two keys.
                forward.append(&mut self.held);
                plain
            }
            (length, _) => {
                let sequence = std::mem::take(&mut self.held);
                let parameters = sequence.get(2..).unwrap_or_default();
                let pressed = character(parameters, byte).filter(|_| length >= 2);
                let pressed = pressed.and_then(|pressed| self.find(|_, own| own == pressed));
                if pressed.is_some() {
                    return pressed;
                }
                if byte == b'~' {
                    self.in_paste = match parameters {
                        b"200" => true,
                        b"201" => false,
                        _ => self.in_paste,
                    };
                }
                forward.extend(sequence);
                forward.push(byte);
                None
            }
        }
    }

    /// The chord that is meant; none inside a paste.
    fn find(&self, is_it: impl Fn(u8, char) -> bool) -> Option<Chord> {
        let mut known = self.known.iter().filter(|_| !self.in_paste);
        known
            .find(|(byte, character, _)| is_it(*byte, *character))
            .map(|(_, _, chord)| *chord)
    }
}

/// The character that a control sequence says was pressed with control alone, in the
/// forms of kitty (`CSI 113;5u`) and of modifyOtherKeys (`CSI 27;5;113~`).
fn character(parameters: &[u8], last: u8) -> Option<char> {
    let text = std::str::from_utf8(parameters).ok()?;
    let fields: Vec<Vec<Option<u32>>> = text
        .split(';')
        .map(|field| field.split(':').map(|part| part.parse().ok()).collect())
        .collect();
    let field = |index: usize, part: usize| {
        fields
            .get(index)
            .and_then(|parts| parts.get(part))
            .copied()
            .flatten()
    };
    let control =
        |index| field(index, 0).is_some_and(|bits| bits.saturating_sub(1) & !LOCKS == CONTROL);
    let code = match last {
        // A third value is a release, which follows a press that was the chord.
        b'u' if control(1) && field(1, 1) != Some(3) => field(0, 0),
        b'~' if field(0, 0) == Some(27) && control(1) => field(2, 0),
        _ => None,
    };
    code.and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(detach: &[char]) -> Chords {
        let detach = detach.iter().map(|letter| (*letter, Chord::Detach));
        Chords::watching(detach.chain([(']', Chord::Next), ('\\', Chord::Copy)]))
    }

    fn leaving(letters: &[char]) -> Chords {
        Chords::watching(letters.iter().map(|letter| (*letter, Chord::Detach)))
    }

    fn run(pieces: &[&[u8]]) -> (Vec<u8>, Option<Chord>) {
        let mut chord = all(&['q']);
        let mut forward = Vec::new();
        for piece in pieces {
            let outcome = chord.feed(piece);
            forward.extend(outcome.forward);
            if outcome.pressed.is_some() {
                return (forward, outcome.pressed);
            }
        }
        forward.extend(chord.release());
        (forward, None)
    }

    const CHORDS: [(Chord, &[u8]); 19] = [
        (Chord::Detach, b"\x11"),
        (Chord::Detach, b"\x1b[113;5u"),
        (Chord::Detach, b"\x1b[113;5:1u"),
        (Chord::Detach, b"\x1b[113;5:2u"),
        (Chord::Detach, b"\x1b[113:81;5u"),
        (Chord::Detach, b"\x1b[113;133u"),
        (Chord::Detach, b"\x1b[113;69u"),
        (Chord::Detach, b"\x1b[27;5;113~"),
        (Chord::Next, b"\x1d"),
        (Chord::Next, b"\x1b[93;5u"),
        (Chord::Next, b"\x1b[93:125;5:1u"),
        (Chord::Next, b"\x1b[53;5u"),
        (Chord::Next, b"\x1b[27;5;93~"),
        (Chord::Next, b"\x1b[27;5;53~"),
        (Chord::Copy, b"\x1c"),
        (Chord::Copy, b"\x1b[92;5u"),
        (Chord::Copy, b"\x1b[52;5u"),
        (Chord::Copy, b"\x1b[27;5;92~"),
        (Chord::Copy, b"\x1b[27;5;52~"),
    ];

    #[test]
    fn every_form_is_known_however_it_is_cut() {
        for (which, chord) in CHORDS {
            for cut in 0..=chord.len() {
                let (first, second) = chord.split_at(cut);
                assert_eq!(
                    run(&[b"ab", first, second, b"cd"]),
                    (b"ab".to_vec(), Some(which)),
                    "{chord:?}"
                );
            }
        }
    }

    #[test]
    fn where_there_is_nowhere_to_go_only_the_way_out_is_ours() {
        for (which, chord) in CHORDS {
            let outcome = leaving(&['q']).feed(chord);
            let is_ours = which == Chord::Detach;
            assert_eq!(outcome.pressed.is_some(), is_ours, "{chord:?}");
            assert_eq!(outcome.forward.is_empty(), is_ours, "{chord:?}");
        }
    }

    #[test]
    fn other_keys_are_forwarded_untouched() {
        for keys in [
            b"q".as_slice(),
            b"\x1b",
            b"\x1b[A",
            b"\x1b[113u",
            b"\x1b[113;6u",
            b"\x1b[113;5:3u",
            b"\x1b[81;5u",
            b"\x1b[27;5;114~",
            b"\x1b[1;5A",
            b"\x1b\x1b[A",
            b"\x1bOP",
            b"\x1b[<35;5;10M",
            b"]",
            b"\x1b[93u",
            b"\x1b[93;6u",
            b"\x1b[93;5:3u",
            b"\x1b[5;5~",
        ] {
            assert_eq!(run(&[keys]), (keys.to_vec(), None), "{keys:?}");
        }
    }

    #[test]
    fn a_paste_holds_no_chord() {
        for (which, chord) in CHORDS {
            let paste = [b"\x1b[200~", chord, b"\x1b[201~"].concat();
            for cut in 0..=paste.len() {
                let (first, second) = paste.split_at(cut);
                assert_eq!(run(&[first, second]), (paste.clone(), None), "{chord:?}");
            }
            assert_eq!(run(&[&paste, chord]), (paste, Some(which)));
        }
    }

    #[test]
    fn escape_then_the_chord_is_two_keys() {
        for (which, byte) in [
            (Chord::Detach, b"\x11"),
            (Chord::Next, b"\x1d"),
            (Chord::Copy, b"\x1c"),
        ] {
            assert_eq!(run(&[b"\x1b", byte]), (b"\x1b".to_vec(), Some(which)));
        }
    }

    #[test]
    fn another_letter_detaches_if_it_is_no_other_key() {
        for letter in ['i', 'j', 'm', '[', 'é', '!'] {
            let typed: Vec<u8> = (0..=0x1f).filter(|byte| *byte != ESC).collect();
            let forward = leaving(&[letter]).feed(&typed).forward;
            assert_eq!(forward, typed, "{letter}");
        }
        for (typed, letters) in [
            (b"\x14".as_slice(), ['^', 't']),
            (b"\x1b[116;5u", ['^', 't']),
            (b"\x1e", ['^', 't']),
            (b"\x1b[27;5;94~", ['^', 't']),
            // What detaches is nothing else.
            (b"\x1d", [']', 't']),
        ] {
            let pressed = all(&letters).feed(typed).pressed;
            assert_eq!(pressed, Some(Chord::Detach), "{typed:?}");
        }
        assert_eq!(all(&['t']).feed(b"\x11").pressed, None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_lost_without_a_chord(
            bytes in proptest::collection::vec(prop_oneof![Just(0x1bu8), Just(b'['), Just(b'1'), Just(b';'), Just(0x1du8), Just(0x1cu8), 0x12u8..], 0..200),
            size in 1usize..20,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let (forward, pressed) = run(&pieces);
            if pressed.is_none() {
                prop_assert_eq!(forward, bytes);
            }
        }
    }
}
