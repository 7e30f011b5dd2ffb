//! Finds the key that detaches in what the operator's terminal sends.
//!
//! With the kitty protocol or modifyOtherKeys on, control and a letter no longer
//! arrive as one byte, so every form is known; inside a bracketed paste none counts.

use super::key::control_byte;

/// The longest sequence worth holding back to see its end.
const MAX_HELD_BYTES: usize = 32;
const ESC: u8 = 0x1b;
/// Caps lock and num lock, which kitty counts as modifiers.
const LOCKS: u32 = 64 | 128;
const CONTROL: u32 = 4;

/// What became of some typed bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetachOutcome {
    /// Bytes for the program.
    pub forward: Vec<u8>,
    /// Whether the chord was pressed; what came after it is dropped.
    pub detached: bool,
}

/// Watches raw typed bytes for control and one letter.
#[derive(Clone, Debug)]
pub struct DetachChord {
    byte: u8,
    letter: char,
    held: Vec<u8>,
    in_paste: bool,
}

impl Default for DetachChord {
    /// Control and `q`.
    fn default() -> Self {
        Self {
            byte: b'q' & 0x1f,
            letter: 'q',
            held: Vec::new(),
            in_paste: false,
        }
    }
}

impl DetachChord {
    /// Watches for control and `letter`; `None` if the two make no control character,
    /// or one that is another key (Tab, Enter, Escape).
    #[must_use]
    pub fn new(letter: char) -> Option<Self> {
        let byte = control_byte(letter)?;
        if matches!(byte, b'\t' | b'\n' | b'\r' | ESC) {
            return None;
        }
        Some(Self {
            byte,
            letter: letter.to_ascii_lowercase(),
            ..Self::default()
        })
    }

    /// Takes typed bytes. The beginning of a sequence at their end is held back: if
    /// nothing more comes within some milliseconds, it was a key of its own, and
    /// [`DetachChord::release`] gives it back.
    pub fn feed(&mut self, bytes: &[u8]) -> DetachOutcome {
        let mut outcome = DetachOutcome::default();
        for byte in bytes {
            if self.take(*byte, &mut outcome.forward) {
                outcome.detached = true;
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

    /// Takes a byte; true if it completes the chord.
    fn take(&mut self, byte: u8, forward: &mut Vec<u8>) -> bool {
        if byte == ESC {
            forward.append(&mut self.held);
            self.held.push(ESC);
            return false;
        }
        match (self.held.len(), byte) {
            (0, _) if byte == self.byte && !self.in_paste => true,
            (0, _) => {
                forward.push(byte);
                false
            }
            (1, b'[') | (2..MAX_HELD_BYTES, b'0'..=b'9' | b';' | b':') => {
                self.held.push(byte);
                false
            }
            (1, _) if byte == self.byte && !self.in_paste => {
                // Escape, then the chord: two keys.
                forward.append(&mut self.held);
                true
            }
            (length, _) => {
                let sequence = std::mem::take(&mut self.held);
                let parameters = sequence.get(2..).unwrap_or_default();
                if length >= 2 && !self.in_paste && self.is_chord(parameters, byte) {
                    return true;
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
                false
            }
        }
    }

    fn is_chord(&self, parameters: &[u8], last: u8) -> bool {
        let Ok(text) = std::str::from_utf8(parameters) else {
            return false;
        };
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
        let letter = Some(u32::from(self.letter));
        match last {
            // A third value is a release, which follows a press that was the chord.
            b'u' => field(0, 0) == letter && control(1) && field(1, 1) != Some(3),
            b'~' => field(0, 0) == Some(27) && control(1) && field(2, 0) == letter,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut chord = DetachChord::default();
        let mut forward = Vec::new();
        for piece in pieces {
            let outcome = chord.feed(piece);
            forward.extend(outcome.forward);
            if outcome.detached {
                return (forward, true);
            }
        }
        forward.extend(chord.release());
        (forward, false)
    }

    const CHORDS: [&[u8]; 8] = [
        b"\x11",
        b"\x1b[113;5u",
        b"\x1b[113;5:1u",
        b"\x1b[113;5:2u",
        b"\x1b[113:81;5u",
        b"\x1b[113;133u",
        b"\x1b[113;69u",
        b"\x1b[27;5;113~",
    ];

    #[test]
    fn every_form_detaches_however_it_is_cut() {
        for chord in CHORDS {
            for cut in 0..=chord.len() {
                let (first, second) = chord.split_at(cut);
                assert_eq!(
                    run(&[b"ab", first, second, b"cd"]),
                    (b"ab".to_vec(), true),
                    "{chord:?}"
                );
            }
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
        ] {
            assert_eq!(run(&[keys]), (keys.to_vec(), false), "{keys:?}");
        }
    }

    #[test]
    fn a_paste_never_detaches() {
        for chord in CHORDS {
            let paste = [b"\x1b[200~", chord, b"\x1b[201~"].concat();
            for cut in 0..=paste.len() {
                let (first, second) = paste.split_at(cut);
                assert_eq!(run(&[first, second]), (paste.clone(), false), "{chord:?}");
            }
            assert!(run(&[&paste, chord]).1);
        }
    }

    #[test]
    fn escape_then_the_chord_is_two_keys() {
        assert_eq!(run(&[b"\x1b", b"\x11"]), (b"\x1b".to_vec(), true));
    }

    #[test]
    fn keys_that_are_other_keys_cannot_be_the_chord() {
        for letter in ['i', 'j', 'm', '[', 'é', '!'] {
            assert!(DetachChord::new(letter).is_none(), "{letter}");
        }
        assert!(DetachChord::new('\\').unwrap().feed(b"\x1c").detached);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_lost_without_the_chord(
            bytes in proptest::collection::vec(prop_oneof![Just(0x1bu8), Just(b'['), Just(b'1'), Just(b';'), 0x12u8..], 0..200),
            size in 1usize..20,
        ) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let (forward, detached) = run(&pieces);
            if !detached {
                prop_assert_eq!(forward, bytes);
            }
        }
    }
}
