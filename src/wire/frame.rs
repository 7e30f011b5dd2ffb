//! The framing: `[length: u32 LE][kind: u8][payload]`, length counting kind and payload.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest frame either end accepts, kind byte included (4 MiB: a snapshot of
/// a full scrollback in wide rows, with room).
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;

const HEADER_BYTES: usize = 5;
/// What a decoder keeps for frames to come when little comes.
const QUIET_BYTES: usize = 4 * 1024;
const KIND_MESSAGE: u8 = 0;
const KIND_BYTES: u8 = 1;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A JSON message.
    Message(Vec<u8>),
    /// Raw terminal bytes, in the direction of travel.
    Bytes(Vec<u8>),
}

/// Why a stream of frames cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is zero or over [`MAX_FRAME_BYTES`]: not our protocol, or hostile.
    #[error("read a frame of {length} bytes, over the limit")]
    Length {
        /// The length that the header said.
        length: usize,
    },
    /// A kind of frame that this version does not know.
    #[error("read a frame of unknown kind {kind}")]
    Kind {
        /// The kind byte.
        kind: u8,
    },
    /// A message is not the JSON that was expected.
    #[error("read a message")]
    Message(#[from] serde_json::Error),
}

impl Frame {
    /// Makes a message frame.
    ///
    /// # Errors
    /// If the value cannot be JSON.
    pub fn message<T: Serialize>(message: &T) -> Result<Self, FrameError> {
        Ok(Self::Message(serde_json::to_vec(message)?))
    }

    /// Reads a message of the expected type.
    ///
    /// # Errors
    /// [`FrameError::Message`] if the JSON does not fit.
    pub fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
        Ok(serde_json::from_slice(payload)?)
    }

    /// Appends the frame to `out`. A payload that is too long for one frame is cut
    /// into several (raw bytes) or refused (messages).
    ///
    /// # Errors
    /// [`FrameError::Length`] for a message over [`MAX_FRAME_BYTES`].
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        match self {
            Self::Message(payload) => {
                if payload.len() >= MAX_FRAME_BYTES {
                    return Err(FrameError::Length {
                        length: payload.len(),
                    });
                }
                push(out, KIND_MESSAGE, payload);
            }
            Self::Bytes(payload) => Self::encode_bytes(payload, out),
        }
        Ok(())
    }

    /// Appends raw bytes as one or more frames; none if there are no bytes.
    pub fn encode_bytes(payload: &[u8], out: &mut Vec<u8>) {
        for piece in payload.chunks(MAX_FRAME_BYTES - 1) {
            push(out, KIND_BYTES, piece);
        }
    }
}

fn push(out: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
    out.reserve(HEADER_BYTES + payload.len());
    out.extend_from_slice(&length.to_le_bytes());
    out.push(kind);
    out.extend_from_slice(payload);
}

/// Cuts a byte stream into frames. Feed it pieces of any size.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limit(MAX_FRAME_BYTES)
    }
}

impl Decoder {
    /// Makes a decoder that refuses frames over `limit` bytes, for ends that expect
    /// only small messages and do not trust the other end.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            limit,
        }
    }

    /// Takes more bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            // After much at once, such as all that a hub holds, little comes.
            if self.buffer.capacity() > QUIET_BYTES
                && bytes.len().saturating_mul(4) < self.buffer.capacity()
            {
                self.buffer.shrink_to(QUIET_BYTES.max(bytes.len()));
            }
        } else if self.start > 64 * 1024 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the next whole frame, or `None` until more bytes are fed.
    ///
    /// # Errors
    /// [`FrameError`] on a bad header; the stream cannot be read on after one.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end at None; this does not"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        let Some((header, body)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if length == 0 || length > self.limit {
            return Err(FrameError::Length { length });
        }
        let Some(frame) = body.get(..length) else {
            return Ok(None);
        };
        let Some((kind, payload)) = frame.split_first() else {
            return Ok(None);
        };
        let frame = match *kind {
            KIND_MESSAGE => Frame::Message(payload.to_vec()),
            KIND_BYTES => Frame::Bytes(payload.to_vec()),
            kind => return Err(FrameError::Kind { kind }),
        };
        self.start += 4 + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame() -> impl Strategy<Value = Frame> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300).prop_map(Frame::Message),
            proptest::collection::vec(any::<u8>(), 1..300).prop_map(Frame::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(frames in proptest::collection::vec(frame(), 0..20), size in 1usize..50) {
            let mut bytes = Vec::new();
            for frame in &frames {
                frame.encode(&mut bytes).unwrap();
            }
            let mut decoder = Decoder::default();
            let mut read = Vec::new();
            for piece in bytes.chunks(size) {
                decoder.feed(piece);
                while let Some(frame) = decoder.next().unwrap() {
                    read.push(frame);
                }
            }
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            while let Ok(Some(_)) = decoder.next() {}
        }
    }

    #[test]
    fn an_oversized_header_is_refused_before_its_body() {
        let mut decoder = Decoder::default();
        decoder.feed(&[0xff; 5]);
        assert!(matches!(decoder.next(), Err(FrameError::Length { .. })));
    }

    #[test]
    fn a_limit_of_ones_own_is_kept() {
        let mut bytes = Vec::new();
        Frame::Message(vec![b'x'; 10]).encode(&mut bytes).unwrap();
        let mut decoder = Decoder::with_limit(11);
        decoder.feed(&bytes);
        assert!(matches!(decoder.next(), Ok(Some(_))));
        let mut decoder = Decoder::with_limit(10);
        decoder.feed(&bytes);
        assert!(matches!(
            decoder.next(),
            Err(FrameError::Length { length: 11 })
        ));
    }
}
