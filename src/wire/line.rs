//! Frames over any async byte stream: the same two types at every end of every line.

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::frame::{Decoder, Frame, FrameError};

/// How much is read at once at first. A line that fills it is read in larger pieces from
/// then on: a console holds hundreds of lines that say a word now and then.
const FIRST_READ_BYTES: usize = 2 * 1024;
/// How much is read at once at most.
const READ_BYTES: usize = 64 * 1024;

/// Why a line ended.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The stream broke.
    #[error("use the line")]
    Io(#[from] std::io::Error),
    /// The other end spoke nonsense.
    #[error("understand the other end of the line")]
    Frame(#[from] FrameError),
}

/// The reading half of a line.
#[derive(Debug)]
pub struct LineReader<R> {
    from: R,
    decoder: Decoder,
    buffer: Vec<u8>,
    most: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    /// Reads frames from `from`.
    pub fn new(from: R) -> Self {
        Self {
            from,
            decoder: Decoder::default(),
            buffer: vec![0; FIRST_READ_BYTES],
            most: READ_BYTES,
        }
    }

    /// Reads frames of at most `limit` bytes from `from`, in smaller pieces: for the
    /// end that expects only small messages.
    pub fn with_limit(from: R, limit: usize) -> Self {
        Self {
            from,
            decoder: Decoder::with_limit(limit),
            buffer: vec![0; FIRST_READ_BYTES.min(limit)],
            most: READ_BYTES.min(limit),
        }
    }

    /// Gives the next frame; `None` at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// [`LineError`] if the stream breaks or holds no frames; a stream that ends
    /// within a frame ends like any other.
    pub async fn next(&mut self) -> Result<Option<Frame>, LineError> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                return Ok(Some(frame));
            }
            let count = self.from.read(&mut self.buffer).await?;
            if count == 0 {
                return Ok(None);
            }
            self.decoder
                .feed(self.buffer.get(..count).unwrap_or_default());
            if count == self.buffer.len() && count < self.most {
                self.buffer
                    .resize(count.saturating_mul(4).min(self.most), 0);
            }
        }
    }
}

/// The writing half of a line. Every call writes whole frames and flushes.
#[derive(Debug)]
pub struct LineWriter<W> {
    to: W,
    buffer: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    /// Writes frames to `to`.
    pub const fn new(to: W) -> Self {
        Self {
            to,
            buffer: Vec::new(),
        }
    }

    /// Sends a message. Not cancel-safe: a dropped call may leave half a frame.
    ///
    /// # Errors
    /// [`LineError`] if the stream breaks or the message is too long.
    pub async fn message<T: Serialize>(&mut self, message: &T) -> Result<(), LineError> {
        self.frame(&Frame::message(message)?).await
    }

    /// Sends messages, all in one piece. Not cancel-safe.
    ///
    /// # Errors
    /// As [`LineWriter::message`]; none is sent then, or none whole for sure.
    pub async fn messages<T: Serialize>(&mut self, messages: &[T]) -> Result<(), LineError> {
        self.buffer.clear();
        for message in messages {
            Frame::message(message)?.encode(&mut self.buffer)?;
        }
        self.flush().await
    }

    /// Sends raw bytes. Not cancel-safe.
    ///
    /// # Errors
    /// [`LineError`] if the stream breaks.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        self.buffer.clear();
        Frame::encode_bytes(bytes, &mut self.buffer);
        self.flush().await
    }

    /// Sends one frame. Not cancel-safe.
    ///
    /// # Errors
    /// [`LineError`] if the stream breaks or the message is too long.
    pub async fn frame(&mut self, frame: &Frame) -> Result<(), LineError> {
        self.buffer.clear();
        frame.encode(&mut self.buffer)?;
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), LineError> {
        self.to.write_all(&self.buffer).await?;
        self.to.flush().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ConsoleToHub;

    #[tokio::test]
    async fn what_is_sent_arrives_in_its_order() {
        let (ours, theirs) = tokio::io::duplex(64);
        let (mut reader, mut writer) = (LineReader::new(theirs), LineWriter::new(ours));
        let send = tokio::spawn(async move {
            let pings = [ConsoleToHub::Ping, ConsoleToHub::Ping];
            writer.messages(&pings).await.unwrap();
            writer.bytes(&[7; 1000]).await.unwrap();
        });
        for _ in 0..2 {
            let Some(Frame::Message(payload)) = reader.next().await.unwrap() else {
                panic!("a message")
            };
            assert_eq!(
                Frame::parse::<ConsoleToHub>(&payload).unwrap(),
                ConsoleToHub::Ping
            );
        }
        assert_eq!(
            reader.next().await.unwrap(),
            Some(Frame::Bytes(vec![7; 1000]))
        );
        send.await.unwrap();
        assert!(reader.next().await.unwrap().is_none());
    }
}
