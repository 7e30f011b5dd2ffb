//! Finds where a stream of terminal output may be cut.
//!
//! The emulator's parser keeps its state to itself, so [`Scanner`] follows the same
//! state machine (vte 0.15, after Paul Williams) beside it and gives whole sequences
//! only: between two calls the emulator stands at ground, and what is held back can be
//! sent to another terminal that joins here. Strings that no sequence needs (DCS, APC,
//! PM, SOS) and sequences without end are dropped as they flow, so memory is bounded.

/// The longest escape or control sequence that is held back.
const MAX_SEQUENCE_BYTES: usize = 1024;
/// The longest operating system command: titles, links, palettes.
const MAX_COMMAND_BYTES: usize = 8 * 1024;

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'input> {
    /// Bytes for the emulator.
    Bytes(&'input [u8]),
    /// A sequence for the emulator that also begins or extends a synchronized update.
    SyncBegin(&'input [u8]),
    /// A sequence for the emulator that also ends a synchronized update.
    SyncEnd(&'input [u8]),
    /// The program asks for the terminal's name and version (XTVERSION).
    Version,
}

/// What is being dropped until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    /// A device control string, in a part of its header (what recreates that part).
    ControlHeader(&'static str),
    /// A malformed device control string.
    ControlIgnored,
    /// The data of a device control string.
    ControlData,
    /// A SOS, PM or APC string, with its introducer.
    Text(&'static str),
    /// An operating system command over the limit.
    Command,
    /// A control sequence over the limit, which the emulator ignores.
    Control,
    /// An escape sequence over the limit, which the emulator does not know.
    Escape,
}

/// Follows a stream.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Held back: the beginning of a sequence or of a UTF-8 character.
    held: Vec<u8>,
    skip: Option<Skip>,
}

/// How the sequence at the start of some bytes ends.
enum Sequence {
    /// Back at ground after so many bytes.
    Whole(usize),
    /// A control sequence of so many bytes with a meaning of its own here.
    Special(usize, Special),
    /// An operating system command that the ESC after so many bytes ends.
    Command(usize),
    /// A string to drop, with an introducer of so many bytes.
    String(usize, Skip),
    /// No end yet.
    Open(Skip),
}

#[derive(Clone, Copy)]
enum Special {
    SyncBegin,
    SyncEnd,
    Version,
}

impl Scanner {
    /// Cuts `bytes` into pieces for `sink`, holding back what is not whole.
    pub(super) fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(Piece<'_>)) {
        if self.held.is_empty() {
            let rest = self.cut(bytes, &mut sink);
            self.held.extend_from_slice(rest);
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(bytes);
            let rest = self.cut(&joined, &mut sink).len();
            joined.drain(..joined.len() - rest);
            joined.shrink_to(MAX_COMMAND_BYTES);
            self.held = joined;
        }
    }

    /// The bytes that bring another terminal at ground to where this one stands.
    pub(super) fn pending(&self) -> Vec<u8> {
        let mut bytes = match self.skip {
            None => Vec::new(),
            Some(Skip::ControlHeader(introducer) | Skip::Text(introducer)) => {
                introducer.as_bytes().to_vec()
            }
            Some(Skip::ControlIgnored) => b"\x1bP0<".to_vec(),
            Some(Skip::ControlData) => b"\x1bP!z".to_vec(),
            Some(Skip::Command) => b"\x1b]9999;".to_vec(),
            Some(Skip::Control) => b"\x1b[0<".to_vec(),
            Some(Skip::Escape) => b"\x1b  ".to_vec(),
        };
        bytes.extend_from_slice(&self.held);
        bytes
    }

    /// Gives the pieces of `bytes` to `sink` and returns what must be held back.
    fn cut<'input>(
        &mut self,
        bytes: &'input [u8],
        sink: &mut impl FnMut(Piece<'_>),
    ) -> &'input [u8] {
        let (_, mut rest) = split(bytes, self.pass(bytes, sink));
        if self.skip.is_some() {
            return rest;
        }
        // `rest[..position]` is whole and not yet given.
        let mut position = 0;
        loop {
            let tail = rest.get(position..).unwrap_or_default();
            let Some(text) = tail.iter().position(|byte| *byte == ESC) else {
                let (whole, held) = split(rest, rest.len() - open_character(tail));
                give_closed(whole, sink);
                return held;
            };
            position += text;
            match sequence(rest.get(position..).unwrap_or_default()) {
                Sequence::Whole(length) => position += length,
                Sequence::Special(length, special) => {
                    let (before, from) = split(rest, position);
                    let (this, after) = split(from, length);
                    match special {
                        Special::SyncBegin => {
                            give(before, sink);
                            sink(Piece::SyncBegin(this));
                        }
                        Special::SyncEnd => {
                            give(before, sink);
                            sink(Piece::SyncEnd(this));
                        }
                        Special::Version => {
                            give_closed(before, sink);
                            sink(Piece::Version);
                        }
                    }
                    (rest, position) = (after, 0);
                }
                Sequence::Command(length) => {
                    let (this, after) = split(rest, position + length);
                    give(this, sink);
                    // The ESC that follows ends the command; the emulator is told now,
                    // so that nothing of it is still to come when the stream is cut here.
                    sink(Piece::Bytes(b"\x1b\\"));
                    (rest, position) = (after, 0);
                }
                Sequence::String(length, skip) => {
                    let (before, from) = split(rest, position);
                    give_closed(before, sink);
                    let (_, data) = split(from, length);
                    self.skip = Some(skip);
                    let (_, after) = split(data, self.pass(data, sink));
                    if self.skip.is_some() {
                        return after;
                    }
                    (rest, position) = (after, 0);
                }
                Sequence::Open(kind) => {
                    let (before, held) = split(rest, position);
                    give_closed(before, sink);
                    return self.hold(kind, held, sink);
                }
            }
        }
    }

    /// Holds an open sequence, or gives it up if it is too long.
    fn hold<'input>(
        &mut self,
        kind: Skip,
        held: &'input [u8],
        sink: &mut impl FnMut(Piece<'_>),
    ) -> &'input [u8] {
        let (limit, force): (usize, &[u8]) = match kind {
            Skip::Command => (MAX_COMMAND_BYTES, b""),
            // Each puts the emulator's parser where it ignores the rest.
            Skip::Control => (MAX_SEQUENCE_BYTES, b"0<"),
            Skip::Escape => (MAX_SEQUENCE_BYTES, b"   "),
            Skip::ControlHeader(_) | Skip::ControlIgnored | Skip::ControlData | Skip::Text(_) => {
                return held;
            }
        };
        if held.len() <= limit {
            return held;
        }
        self.skip = Some(kind);
        if !force.is_empty() {
            sink(Piece::Bytes(held));
            sink(Piece::Bytes(force));
        }
        &[]
    }

    /// Passes over what is being dropped and returns how many bytes that was.
    fn pass(&mut self, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) -> usize {
        let mut count = 0;
        while let (Some(skip), Some(byte)) = (self.skip, bytes.get(count)) {
            // ESC ends everything and begins something else.
            if *byte == ESC {
                self.skip = None;
                break;
            }
            count += 1;
            self.skip = skip.after(*byte);
            if matches!(skip, Skip::Control | Skip::Escape) {
                sink(Piece::Bytes(&[*byte]));
            }
        }
        count
    }
}

impl Skip {
    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (_, CAN | SUB)
            | (Self::ControlData, 0x9c)
            | (Self::Command, BEL)
            | (Self::Control, 0x40..=0x7e)
            | (Self::Escape, 0x30..=0x7e) => None,
            (Self::ControlHeader(part), _) => Some(control_header(part, byte)),
            _ => Some(self),
        }
    }
}

/// The parts of a device control string's header.
const ENTRY: &str = "\x1bP";
const PARAMETERS: &str = "\x1bP0";
const INTERMEDIATE: &str = "\x1bP ";

fn control_header(part: &'static str, byte: u8) -> Skip {
    match byte {
        0x40..=0x7e => Skip::ControlData,
        0x20..=0x2f => Skip::ControlHeader(INTERMEDIATE),
        0x30..=0x3f if part == INTERMEDIATE => Skip::ControlIgnored,
        0x3c..=0x3f if part == PARAMETERS => Skip::ControlIgnored,
        0x30..=0x3f => Skip::ControlHeader(PARAMETERS),
        _ => Skip::ControlHeader(part),
    }
}

/// Reads the sequence at the start of `bytes`, which begin with ESC.
fn sequence(bytes: &[u8]) -> Sequence {
    let mut intermediates = false;
    for (index, byte) in bytes.iter().enumerate().skip(1) {
        let length = index + 1;
        match *byte {
            ESC => return Sequence::Whole(index),
            CAN | SUB => return Sequence::Whole(length),
            0x20..=0x2f => intermediates = true,
            b'[' if !intermediates => return control_sequence(bytes, length),
            b']' if !intermediates => return command(bytes, length),
            b'P' if !intermediates => {
                return Sequence::String(length, Skip::ControlHeader(ENTRY));
            }
            b'X' if !intermediates => return Sequence::String(length, Skip::Text("\x1bX")),
            b'^' if !intermediates => return Sequence::String(length, Skip::Text("\x1b^")),
            b'_' if !intermediates => return Sequence::String(length, Skip::Text("\x1b_")),
            0x30..=0x7e => return Sequence::Whole(length),
            _ => {}
        }
    }
    Sequence::Open(Skip::Escape)
}

fn control_sequence(bytes: &[u8], start: usize) -> Sequence {
    for (index, byte) in bytes.iter().enumerate().skip(start) {
        match *byte {
            ESC => return Sequence::Whole(index),
            CAN | SUB => return Sequence::Whole(index + 1),
            b'h' | b'l' | b'q' => {
                let parameters = bytes.get(start..index).unwrap_or_default();
                return special(parameters, *byte).map_or(Sequence::Whole(index + 1), |special| {
                    Sequence::Special(index + 1, special)
                });
            }
            0x40..=0x7e => return Sequence::Whole(index + 1),
            _ => {}
        }
    }
    Sequence::Open(Skip::Control)
}

fn special(parameters: &[u8], last: u8) -> Option<Special> {
    match (parameters.split_first()?, last) {
        ((b'>', version), b'q') => matches!(version, b"" | b"0").then_some(Special::Version),
        ((b'?', modes), b'h' | b'l') => modes
            .split(|byte| *byte == b';')
            .any(|mode| mode == b"2026")
            .then_some(if last == b'h' {
                Special::SyncBegin
            } else {
                Special::SyncEnd
            }),
        _ => None,
    }
}

fn command(bytes: &[u8], start: usize) -> Sequence {
    for (index, byte) in bytes.iter().enumerate().skip(start) {
        match *byte {
            BEL | CAN | SUB => return Sequence::Whole(index + 1),
            ESC => return Sequence::Command(index),
            _ => {}
        }
    }
    Sequence::Open(Skip::Command)
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

fn give(bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
    if !bytes.is_empty() {
        sink(Piece::Bytes(bytes));
    }
}

/// Gives bytes whose end cuts a character short: what follows, which the emulator does
/// not see now, says so, and the emulator must not wait for it.
fn give_closed(bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
    give(bytes, sink);
    if open_character(bytes) > 0 {
        sink(Piece::Bytes(b"\x1b\\"));
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character.
fn open_character(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(3);
    (last..bytes.len())
        .find(|start| {
            let tail = bytes.get(*start..).unwrap_or_default();
            tail.first().is_some_and(|lead| *lead >= 0xc2)
                && std::str::from_utf8(tail)
                    .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
        })
        .map_or(0, |start| bytes.len() - start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let mut scanner = Scanner::default();
        let mut given = Vec::new();
        for bytes in pieces {
            scanner.feed(bytes, |piece| match piece {
                Piece::Bytes(bytes) | Piece::SyncBegin(bytes) | Piece::SyncEnd(bytes) => {
                    given.extend_from_slice(bytes);
                }
                Piece::Version => given.extend_from_slice(b"<version>"),
            });
        }
        (given, scanner.pending())
    }

    #[test]
    fn an_open_sequence_is_held_back() {
        for open in [
            "\x1b",
            "\x1b[",
            "\x1b[?20",
            "\x1b(",
            "\x1b]0;ti",
            "\x1bP",
            "\x1b_",
            "\x1b^",
        ] {
            let text = format!("ab{open}");
            let (given, held) = scan(&[text.as_bytes()]);
            assert_eq!(given, b"ab", "{open:?}");
            assert_eq!(held, open.as_bytes(), "{open:?}");
        }
    }

    #[test]
    fn an_open_character_is_held_back() {
        let (given, held) = scan(&[b"a\xe2\x82"]);
        assert_eq!(
            (given.as_slice(), held.as_slice()),
            (&b"a"[..], &b"\xe2\x82"[..])
        );
        let (given, held) = scan(&[b"a\xe2\x82", b"\xac"]);
        assert_eq!(
            (given.as_slice(), held.as_slice()),
            ("a€".as_bytes(), &b""[..])
        );
    }

    #[test]
    fn a_character_cut_by_an_escape_is_closed() {
        let (given, held) = scan(&[b"\xe2\x82\x1b["]);
        assert_eq!(given, b"\xe2\x82\x1b\\");
        assert_eq!(held, b"\x1b[");
    }

    #[test]
    fn strings_that_nothing_needs_are_dropped() {
        let (given, held) = scan(&[b"a\x1bPq#0;2;", b"data\x1b\\b\x1b_Ga=T", b";AAAA\x1b\\c"]);
        assert_eq!(given, b"a\x1b\\b\x1b\\c");
        assert_eq!(held, b"");
        assert_eq!(scan(&[b"\x1bPq#0;2"]).1, b"\x1bP!z");
        assert_eq!(scan(&[b"\x1bP1;2"]).1, b"\x1bP0");
    }

    #[test]
    fn the_version_query_is_seen_in_any_cut() {
        for cut in 0..5 {
            let (first, second) = b"\x1b[>0q".split_at(cut);
            assert_eq!(scan(&[first, second]).0, b"<version>");
        }
    }

    #[test]
    fn an_endless_command_is_dropped_and_its_end_seen() {
        let long = [b"\x1b]2;".to_vec(), vec![b'x'; 3 * MAX_COMMAND_BYTES]].concat();
        let (given, held) = scan(&[&long]);
        assert_eq!(
            (given.as_slice(), held.as_slice()),
            (&b""[..], &b"\x1b]9999;"[..])
        );
        let (given, held) = scan(&[&long, b"more\x07after"]);
        assert_eq!(
            (given.as_slice(), held.as_slice()),
            (&b"after"[..], &b""[..])
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_held_back_is_bounded(
            bytes in proptest::collection::vec(prop_oneof![Just(ESC), Just(b'['), Just(b']'), Just(b'P'), any::<u8>()], 0..400),
            times in 1usize..60,
        ) {
            let mut scanner = Scanner::default();
            for _ in 0..times {
                scanner.feed(&bytes, |_| {});
                prop_assert!(scanner.pending().len() <= MAX_COMMAND_BYTES + 8);
            }
        }

        #[test]
        fn nothing_but_strings_is_lost(text in "[a-z\u{e9}\u{20ac}\u{1f600}\n]{0,80}", size in 1usize..9) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let (given, held) = scan(&pieces);
            prop_assert_eq!(given, text.as_bytes());
            prop_assert!(held.is_empty());
        }
    }
}
