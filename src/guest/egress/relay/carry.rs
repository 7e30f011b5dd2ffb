//! Carrying a WebSocket whose frames are looked into, both ways.
//!
//! Where something must not pass, both ends are told with a close frame and the
//! connection ends; an end that has half of a frame gets none, since it would be read as
//! the other half.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use super::frame_sieve::{FrameSieve, Stop};
use super::frames::{Sender, close};
use super::sieve::Findings;

/// Read at once from either end.
const READ_BYTES: usize = 16 * 1024;
/// For an end to take its close frame.
pub(in super::super) const FAREWELL: Duration = Duration::from_secs(1);
/// RFC 6455, 7.4.1.
const PROTOCOL_ERROR: u16 = 1002;
/// The same: a message violates a policy.
const POLICY: u16 = 1008;

/// How a WebSocket ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum CarryError {
    /// Something must not pass.
    #[error("{stop}")]
    Stopped {
        /// Who sent it.
        sender: Sender,
        /// Why.
        stop: Stop,
    },
    /// Either end failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Copies frames both ways until both ends have ended. Cancel it to end both at once.
///
/// # Errors
/// [`CarryError::Stopped`] after both ends were told, or the first failure of either.
pub(super) async fn carry<A, U>(
    agent: &mut A,
    upstream: &mut U,
    sieves: [FrameSieve; 2],
    findings: &Findings,
) -> Result<(), CarryError>
where
    A: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let [out, back] = sieves;
    let mut out = Way::new(Sender::Agent, out);
    let mut back = Way::new(Sender::Server, back);
    let carried = poll_fn(|context| {
        let there = out.poll(context, agent, upstream, findings)?;
        let here = back.poll(context, upstream, agent, findings)?;
        if there.is_ready() && here.is_ready() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    });
    let ended = carried.await;
    if let Err(CarryError::Stopped { stop, .. }) = &ended {
        let (code, why) = match stop {
            Stop::Caught => (POLICY, "secret_found"),
            Stop::Violation(_) => (PROTOCOL_ERROR, "bad_request"),
        };
        // What rules exist is none of upstream's business; the agent may know.
        let names = findings.blocking().join(", ");
        let told = format!("cellar: {stop} ({why}) {names}");
        tokio::join!(
            back.farewell(agent, code, told.trim_end()),
            out.farewell(upstream, code, ""),
        );
    }
    ended
}

/// One way through a WebSocket.
struct Way {
    sender: Sender,
    sieve: FrameSieve,
    /// What the writing end has not taken yet, from `start` on.
    kept: Vec<u8>,
    start: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Copying,
    /// The reading end has ended; what is kept is still written.
    Ending,
    Closed,
}

impl Way {
    const fn new(sender: Sender, sieve: FrameSieve) -> Self {
        Self {
            sender,
            sieve,
            kept: Vec::new(),
            start: 0,
            phase: Phase::Copying,
        }
    }

    fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        findings: &Findings,
    ) -> Poll<Result<(), CarryError>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while self.phase != Phase::Closed {
            ready!(self.poll_kept(context, to))?;
            if self.phase == Phase::Ending {
                // An end that is gone already is closed enough.
                drop(ready!(Pin::new(&mut *to).poll_shutdown(context)));
                self.phase = Phase::Closed;
                break;
            }
            // Nothing waits in a buffer below while nothing comes.
            if let Poll::Ready(Err(error)) = Pin::new(&mut *to).poll_flush(context) {
                return Poll::Ready(Err(error.into()));
            }
            ready!(self.poll_read(context, from, findings))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what may pass.
    fn poll_kept<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<std::io::Result<()>> {
        while let Some(rest) = self.kept.get(self.start..).filter(|rest| !rest.is_empty()) {
            let count = ready!(Pin::new(&mut *to).poll_write(context, rest))?;
            if count == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.start += count;
        }
        if self.kept.capacity() > 2 * READ_BYTES {
            self.kept = Vec::new();
        }
        self.kept.clear();
        self.start = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads once and sifts what came.
    fn poll_read<R: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        findings: &Findings,
    ) -> Poll<Result<(), CarryError>> {
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(from).poll_read(context, &mut buffer))?;
        let sifted = if buffer.filled().is_empty() {
            self.phase = Phase::Ending;
            self.sieve.finish(&mut self.kept, findings)
        } else {
            self.sieve.sift(buffer.filled(), &mut self.kept, findings)
        };
        let sender = self.sender;
        Poll::Ready(sifted.map_err(|stop| CarryError::Stopped { sender, stop }))
    }

    /// Writes what may still pass, then a close frame where a frame may follow, and ends.
    async fn farewell<W: AsyncWrite + Unpin>(&mut self, to: &mut W, code: u16, why: &str) {
        if self.phase == Phase::Closed {
            return;
        }
        let mut last = self.kept.split_off(self.start);
        if self.sieve.is_between() {
            last.extend(close(self.sender, code, why));
        }
        let said = async {
            to.write_all(&last).await?;
            to.shutdown().await
        };
        // An end that does not take it loses it.
        drop(timeout(FAREWELL, said).await);
    }
}
