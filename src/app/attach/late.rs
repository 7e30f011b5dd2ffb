//! The terminal's answer to a question of the console (`OSC 11`), where it comes only
//! once a session has the terminal: taken out of the bytes that are typed, since the
//! session's program asked for nothing.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::app::console::background::{Heard, heard};
use crate::state::Background;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

/// An answer that is still to come.
#[derive(Debug)]
pub(crate) struct LateAnswer {
    held: Vec<u8>,
    /// No answer comes after this.
    until: Instant,
    /// Who is told.
    asker: Option<oneshot::Sender<Background>>,
}

impl LateAnswer {
    /// One that may come until then; of which this much came already.
    pub(crate) fn new(begun: Vec<u8>, until: Instant, asker: oneshot::Sender<Background>) -> Self {
        Self {
            held: begun,
            until,
            asker: Some(asker),
        }
    }

    /// Takes typed bytes and gives those that are none of the answer. What may be its
    /// begin is held back: if nothing more comes within some milliseconds, it was typed,
    /// and [`LateAnswer::release`] gives it back.
    pub(super) fn sift(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut typed = Vec::new();
        for byte in bytes {
            if self.asker.is_none() || Instant::now() > self.until {
                typed.append(&mut self.held);
                typed.push(*byte);
                continue;
            }
            self.held.push(*byte);
            match read(&self.held) {
                Heard::More => {}
                Heard::Background(background) => {
                    self.held.clear();
                    // A console that does not wait any more needs none.
                    self.asker
                        .take()
                        .and_then(|asker| asker.send(background).ok());
                }
                Heard::Nothing => {
                    // The last byte may begin another.
                    let last = self.held.pop();
                    typed.append(&mut self.held);
                    self.held.extend(last);
                    if matches!(read(&self.held), Heard::Nothing) {
                        typed.append(&mut self.held);
                    }
                }
            }
        }
        typed
    }

    /// Whether something is held back.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Gives back what is held, since nothing followed it.
    pub(super) fn release(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// What some bytes are of an answer, from its escape on.
fn read(bytes: &[u8]) -> Heard {
    let Some((ESC, text)) = bytes.split_first().map(|(first, text)| (*first, text)) else {
        return Heard::Nothing;
    };
    let end = text.iter().position(|byte| matches!(*byte, ESC | BEL));
    let (text, end) = text.split_at(end.unwrap_or(text.len()));
    let Ok(text) = std::str::from_utf8(text) else {
        return Heard::Nothing;
    };
    match (heard(text, !end.is_empty()), end) {
        // The first half of its end stands behind a whole answer.
        (Heard::Background(_), [ESC]) | (Heard::More, []) => Heard::More,
        (Heard::Background(background), [BEL] | [ESC, b'\\']) => Heard::Background(background),
        _ => Heard::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::app::console::background::MOST;

    fn late(begun: &[u8], left: Duration) -> (LateAnswer, oneshot::Receiver<Background>) {
        let (asker, answer) = oneshot::channel();
        let until = Instant::now() + left;
        (LateAnswer::new(begun.to_vec(), until, asker), answer)
    }

    const ANSWERS: [(&[u8], Background); 3] = [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x07", Background::Light),
        (b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\", Background::Dark),
        (b"\x1b]11;rgba:ff/ff/ff/ff\x1b\\", Background::Light),
    ];

    #[test]
    fn it_is_heard_however_it_is_cut_and_nothing_of_it_is_typed() {
        for (answer, background) in ANSWERS {
            for cut in 0..=answer.len() {
                let (mut late, mut told) = late(b"", Duration::from_secs(9));
                let (first, second) = answer.split_at(cut);
                let mut typed = late.sift(&[b"ab", first].concat());
                typed.extend(late.sift(&[second, b"cd"].concat()));
                assert_eq!(typed, b"abcd", "{cut}");
                assert_eq!(told.try_recv(), Ok(background));
                // There is only one.
                assert_eq!(late.sift(answer), answer);
            }
        }
    }

    #[test]
    fn what_the_console_heard_of_it_counts() {
        let (answer, background) = ANSWERS[0];
        let (begun, rest) = answer.split_at(9);
        let (mut late, mut told) = late(begun, Duration::from_secs(9));
        assert!(late.is_holding());
        assert_eq!(late.sift(rest), b"");
        assert_eq!(told.try_recv(), Ok(background));
    }

    #[test]
    fn what_only_begins_like_it_is_typed() {
        for bytes in [
            &b"\x1b[A"[..],
            b"\x1b]10;rgb:ffff/ffff/ffff\x07",
            b"\x1b]11;rgb:zz/zz/zz\x07",
            b"\x1b]11;rgb:ffff/ffff\x07",
            b"\x1b]11;rgb:ffff/ffff/ffff\x1bx",
            b"\x1b\x1b]1x",
        ] {
            let (mut late, _told) = late(b"", Duration::from_secs(9));
            let mut typed = late.sift(bytes);
            typed.extend(late.release());
            assert_eq!(typed, bytes, "{}", bytes.escape_ascii());
        }
        let (mut late, _told) = late(b"", Duration::from_secs(9));
        assert_eq!(late.sift(b"\x1b"), b"");
        assert_eq!(
            (late.is_holding(), late.release()),
            (true, b"\x1b".to_vec())
        );
    }

    #[test]
    fn after_its_time_everything_is_typed() {
        let (mut late, _told) = late(b"\x1b]", Duration::ZERO);
        std::thread::yield_now();
        let answer = ANSWERS[0].0;
        assert_eq!(late.sift(answer), [b"\x1b]", answer].concat());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_byte_is_lost(
            bytes in proptest::collection::vec(prop_oneof![
                Just(b"\x1b]11;rgb:".to_vec()), Just(b"\x1b".to_vec()), Just(b"f/".to_vec()),
                Just(b"]11".to_vec()), proptest::collection::vec(any::<u8>(), 1..4),
            ], 0..30).prop_map(|pieces| pieces.concat()),
            size in 1_usize..9,
        ) {
            let (mut late, mut told) = late(b"", Duration::from_secs(9));
            let mut typed: Vec<u8> = Vec::new();
            for piece in bytes.chunks(size) {
                typed.extend(late.sift(piece));
                prop_assert!(late.held.len() <= MOST + 4);
            }
            typed.extend(late.release());
            if told.try_recv().is_err() {
                prop_assert_eq!(typed, bytes);
            }
        }
    }
}
