//! The end of a connection: a last answer, the end of our side, and the rest of theirs.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How much more is read from a client that was answered.
const LINGER_BYTES: usize = 1024 * 1024;
/// For how long.
const LINGER: Duration = Duration::from_secs(1);
const DISCARD_BYTES: usize = 4 * 1024;

/// How far the end has come.
#[derive(Debug, Default)]
pub(super) enum Farewell {
    Answer {
        bytes: Vec<u8>,
        said: usize,
    },
    #[default]
    Flush,
    Close,
    Linger {
        left: usize,
        until: Pin<Box<Sleep>>,
    },
    Done,
}

impl Farewell {
    /// Begins with an answer.
    pub(super) const fn answer(bytes: Vec<u8>) -> Self {
        Self::Answer { bytes, said: 0 }
    }

    /// Goes on to the end.
    pub(super) fn poll<S>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            *self = match self {
                Self::Answer { bytes, said } => {
                    let rest = bytes.get(*said..).unwrap_or_default();
                    if rest.is_empty() {
                        Self::Flush
                    } else {
                        let count = ready!(Pin::new(&mut *stream).poll_write(context, rest))?;
                        if count == 0 {
                            return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
                        }
                        *said += count;
                        continue;
                    }
                }
                Self::Flush => {
                    ready!(Pin::new(&mut *stream).poll_flush(context))?;
                    Self::Close
                }
                Self::Close => {
                    ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
                    Self::Linger {
                        left: LINGER_BYTES,
                        until: Box::pin(sleep(LINGER)),
                    }
                }
                Self::Linger { left, until } => {
                    if until.as_mut().poll(context).is_ready() {
                        Self::Done
                    } else {
                        let mut scratch = [0; DISCARD_BYTES];
                        let mut buffer = ReadBuf::new(&mut scratch);
                        let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
                        *left = left.saturating_sub(buffer.filled().len());
                        if read.is_err() || buffer.filled().is_empty() || *left == 0 {
                            Self::Done
                        } else {
                            continue;
                        }
                    }
                }
                Self::Done => return Poll::Ready(Ok(())),
            };
        }
    }
}
