//! The keys that a session on the whole terminal does not get, found in its bytes. Which
//! they are says the key table alone.

use crate::pty::{Chord, Chords};
use crate::state::{Command, CopyCommand, Keys};

/// What a command of the table is to who reads bytes.
const MEANT: [(Command, Chord); 3] = [
    (Command::Detach, Chord::Detach),
    (Command::NextNeed, Chord::Next),
    (Command::Copy(CopyCommand::Begin), Chord::Copy),
];

/// All of them.
pub(crate) fn console_chords(keys: &Keys) -> Chords {
    Chords::watching(meant(keys))
}

/// Those that leave it, where there is no console to go to.
pub(crate) fn leaving_chords(keys: &Keys) -> Chords {
    Chords::watching(meant(keys).filter(|(_, chord)| *chord == Chord::Detach))
}

fn meant(keys: &Keys) -> impl Iterator<Item = (char, Chord)> {
    keys.chord_letters().filter_map(|(letter, command)| {
        let meant = MEANT.iter().find(|(known, _)| *known == command);
        meant.map(|(_, chord)| (letter, *chord))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::pty::{Key, KeyPress, Modes, Modifiers};

    /// A row that is added to the table must be known here too.
    #[test]
    fn each_chord_of_the_table_is_found_in_its_bytes() {
        let own = BTreeMap::from([(
            String::from("detach"),
            vec![String::from("ctrl-g"), String::from("ctrl-^")],
        )]);
        for keys in [Keys::default(), Keys::read(&own).0] {
            assert_eq!(meant(&keys).count(), keys.chords().count());
            for (letter, chord) in meant(&keys) {
                for kitty_flags in [0, 1] {
                    let modes = Modes {
                        kitty_flags,
                        ..Modes::default()
                    };
                    let press = KeyPress {
                        key: Key::Character(letter),
                        modifiers: Modifiers::CONTROL,
                    };
                    let bytes = press.encode(&modes);
                    let pressed = console_chords(&keys).feed(&bytes).pressed;
                    assert_eq!(pressed, Some(chord), "{letter}");
                    let leaves = leaving_chords(&keys).feed(&bytes).pressed;
                    assert_eq!(leaves, pressed.filter(|chord| *chord == Chord::Detach));
                }
            }
        }
    }
}
