//! Where a request's body ends, followed byte by byte.
//!
//! Chunks are read strictly and written anew: lines end in CR LF, sizes are plain hex
//! numbers, extensions and trailers are counted and left out. What comes out has one
//! reading for whoever reads it next.

use super::super::authority::Fault;
use super::super::head::BodyEnd;

/// Hex digits of a chunk size: far more than any body holds.
const MAX_SIZE_DIGITS: u32 = 12;
/// Bytes of chunk extensions in one body. Nobody is known to send any.
pub(in super::super) const MAX_EXTENSION_BYTES: usize = 4 * 1024;
/// Bytes of trailers.
pub(in super::super) const MAX_TRAILER_BYTES: usize = 8 * 1024;

/// What is left of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// This many bytes, passed on as they are.
    Length(u64),
    /// Chunks.
    Chunked(Chunks),
}

impl From<BodyEnd> for Body {
    fn from(end: BodyEnd) -> Self {
        match end {
            BodyEnd::Length(length) => Self::Length(length),
            BodyEnd::Chunked => Self::Chunked(Chunks::default()),
        }
    }
}

/// A reader of chunks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Chunks {
    state: State,
    extensions: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { size: u64, digits: u32 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Content { left: u64 },
    ContentCr,
    ContentLf,
    Trailer { length: usize },
    TrailerEnd { length: usize },
    Done,
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size: 0, digits: 0 }
    }
}

impl Chunks {
    /// Whether the last chunk and its trailers were read.
    pub(in super::super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads `input` up to the body's end and appends it, written anew, to `out`; gives
    /// how much was read.
    ///
    /// # Errors
    /// The first rule that it breaks; the body is over then.
    pub(in super::super) fn take(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Fault> {
        let mut at = 0;
        while let Some(byte) = input.get(at).filter(|_| !self.is_done()) {
            if let State::Content { left } = self.state {
                let rest = input.get(at..).unwrap_or_default();
                let count = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                out.extend_from_slice(rest.get(..count).unwrap_or_default());
                at += count;
                let left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                self.state = if left == 0 {
                    State::ContentCr
                } else {
                    State::Content { left }
                };
            } else {
                self.state = self.step(*byte, out)?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<State, Fault> {
        match (self.state, byte) {
            (State::Size { size, digits }, _) => chunk_size(size, digits, byte),
            (State::Extension { size }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Extension { size }, _) => {
                self.extensions += 1;
                if self.extensions > MAX_EXTENSION_BYTES {
                    return Err(Fault::bad("the chunk extensions are too long"));
                }
                printable(byte)?;
                Ok(State::Extension { size })
            }
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::Trailer { length: 0 }),
            (State::SizeEnd { size }, b'\n') => {
                out.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                Ok(State::Content { left: size })
            }
            (State::ContentCr, b'\r') => Ok(State::ContentLf),
            (State::ContentLf, b'\n') => {
                out.extend_from_slice(b"\r\n");
                Ok(State::default())
            }
            (State::Trailer { length }, b'\r') => Ok(State::TrailerEnd { length }),
            (State::Trailer { length }, _) => {
                self.trailers += 1;
                if self.trailers > MAX_TRAILER_BYTES {
                    return Err(Fault::bad("the trailers are too long"));
                }
                printable(byte)?;
                Ok(State::Trailer { length: length + 1 })
            }
            (State::TrailerEnd { length: 0 }, b'\n') => {
                out.extend_from_slice(b"0\r\n\r\n");
                Ok(State::Done)
            }
            (State::TrailerEnd { .. }, b'\n') => Ok(State::Trailer { length: 0 }),
            (State::ContentCr | State::ContentLf, _) => {
                Err(Fault::bad("a chunk is longer than its size says"))
            }
            (State::SizeEnd { .. } | State::TrailerEnd { .. }, _) => {
                Err(Fault::bad("a line of the chunks does not end in CR LF"))
            }
            (State::Content { .. } | State::Done, _) => Ok(self.state),
        }
    }
}

fn chunk_size(size: u64, digits: u32, byte: u8) -> Result<State, Fault> {
    match (char::from(byte).to_digit(16), byte) {
        (Some(digit), _) if digits < MAX_SIZE_DIGITS => Ok(State::Size {
            size: size << 4 | u64::from(digit),
            digits: digits + 1,
        }),
        (Some(_), _) => Err(Fault::bad("a chunk size is too long")),
        (None, b'\r') if digits > 0 => Ok(State::SizeEnd { size }),
        (None, b';') if digits > 0 => Ok(State::Extension { size }),
        (None, _) => Err(Fault::bad("a chunk size is no hex number")),
    }
}

fn printable(byte: u8) -> Result<(), Fault> {
    if byte.is_ascii_control() && byte != b'\t' {
        Err(Fault::bad(
            "a line of the chunks holds a control character or does not end in CR LF",
        ))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8]) -> Result<(usize, String), Fault> {
        let mut chunks = Chunks::default();
        let mut out = Vec::new();
        let count = chunks.take(input, &mut out)?;
        assert!(chunks.is_done() || count == input.len());
        Ok((count, String::from_utf8(out).unwrap()))
    }

    #[test]
    fn chunks_are_written_anew_without_extensions_and_trailers() {
        for (input, written, over) in [
            ("0\r\n\r\n", "0\r\n\r\n", ""),
            (
                "5\r\nhello\r\n0\r\n\r\nGET",
                "5\r\nhello\r\n0\r\n\r\n",
                "GET",
            ),
            (
                "00A;x=y\r\n0123456789\r\n0;z\r\nA: b\r\nC: d\r\n\r\n",
                "a\r\n0123456789\r\n0\r\n\r\n",
                "",
            ),
            ("2\r\n\r\n\r\n0\r\n\r\n", "2\r\n\r\n\r\n0\r\n\r\n", ""),
        ] {
            let (count, out) = read(input.as_bytes()).unwrap();
            assert_eq!((out.as_str(), input.split_at(count).1), (written, over));
        }
    }

    #[test]
    fn what_two_readers_could_split_differently_is_refused() {
        let long = "x".repeat(9000);
        for (bad, words) in [
            ("5\nhello\r\n0\r\n\r\n".to_owned(), "hex"),
            ("5\r\nhello\n0\r\n\r\n".to_owned(), "longer"),
            ("5\r\nhelloo\r\n0\r\n\r\n".to_owned(), "longer"),
            ("5 \r\nhello\r\n0\r\n\r\n".to_owned(), "hex"),
            (" 5\r\nhello\r\n0\r\n\r\n".to_owned(), "hex"),
            ("0x5\r\nhello\r\n0\r\n\r\n".to_owned(), "hex"),
            ("+5\r\nhello\r\n".to_owned(), "hex"),
            ("-1\r\n".to_owned(), "hex"),
            ("\r\n".to_owned(), "hex"),
            (";x\r\n".to_owned(), "hex"),
            ("fffffffffffffffff\r\n".to_owned(), "too long"),
            ("0000000000005\r\nhello".to_owned(), "too long"),
            ("5;a\nb\r\nhello\r\n".to_owned(), "control"),
            ("5;a\rb\r\nhello\r\n".to_owned(), "CR LF"),
            ("5\r\r\nhello\r\n".to_owned(), "CR LF"),
            ("0\r\nA: b\nC: d\r\n\r\n".to_owned(), "control"),
            ("0\r\nA: b\rC: d\r\n\r\n".to_owned(), "CR LF"),
            (format!("5;{long}\r\nhello\r\n"), "extensions"),
            (format!("0\r\nA: {long}\r\n\r\n"), "trailers"),
        ] {
            let fault = read(bad.as_bytes()).expect_err(&bad);
            assert!(fault.words.contains(words), "{bad:?}: {}", fault.words);
        }
        let many = "1;abcdef\r\nx\r\n".repeat(1000);
        assert!(
            read(many.as_bytes())
                .unwrap_err()
                .words
                .contains("extensions")
        );
    }

    proptest! {
        /// Cut anywhere, the same comes out, and what comes out reads as itself.
        #[test]
        fn cuts_change_nothing(
            pieces in proptest::collection::vec("[a-z\r\n]{1,20}", 0..5),
            cuts in proptest::collection::vec(1usize..9, 1..60),
        ) {
            let mut input = String::new();
            for piece in &pieces {
                write!(input, "{:X};e\r\n{piece}\r\n", piece.len()).unwrap();
            }
            input.push_str("0\r\nT: r\r\n\r\n");
            let (_, whole) = read(input.as_bytes()).unwrap();
            let mut chunks = Chunks::default();
            let mut out = Vec::new();
            let (mut rest, mut cuts) = (input.as_bytes(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                prop_assert_eq!(chunks.take(now, &mut out).unwrap(), now.len());
                rest = later;
            }
            prop_assert!(chunks.is_done());
            prop_assert_eq!(out, whole.as_bytes());
            prop_assert_eq!(read(whole.as_bytes()).unwrap(), (whole.len(), whole));
        }

        #[test]
        fn no_bytes_make_the_reader_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let read = Chunks::default().take(&bytes, &mut Vec::new());
            prop_assert!(read.is_err() || read.is_ok_and(|count| count <= bytes.len()));
        }
    }
}
