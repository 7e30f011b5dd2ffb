//! Carrying the bytes of a tunnel, unread.
//!
//! One scratch buffer serves every tunnel of the thread: a tunnel that waits holds no
//! memory of its own, a tunnel that moves reads 64 KiB at once. Only what a slow end
//! would not take is kept, in a buffer of the tunnel's own, and nothing more is read
//! until it is gone.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Copies both ways until both have ended; `early` goes to `upstream` first. Cancel
/// it to end both ways at once.
///
/// # Errors
/// The first that either end gives.
pub(crate) async fn splice<C, U>(
    client: &mut C,
    upstream: &mut U,
    early: Vec<u8>,
) -> std::io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut out = Direction::new(early);
    let mut back = Direction::new(Vec::new());
    poll_fn(|context| {
        let there = out.poll(context, client, upstream)?;
        let here = back.poll(context, upstream, client)?;
        if there.is_ready() && here.is_ready() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// One way through a tunnel.
#[derive(Debug)]
struct Direction {
    /// What the writing end has not taken yet, from `start` on.
    kept: Vec<u8>,
    start: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Copying,
    Flushing,
    Closing,
    Closed,
}

impl Direction {
    const fn new(kept: Vec<u8>) -> Self {
        Self {
            kept,
            start: 0,
            phase: Phase::Copying,
        }
    }

    fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<std::io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            match self.phase {
                Phase::Copying => {
                    ready!(self.poll_kept(context, to))?;
                    ready!(self.poll_copy(context, from, to))?;
                }
                Phase::Flushing => {
                    ready!(Pin::new(&mut *to).poll_flush(context))?;
                    self.phase = Phase::Closing;
                }
                Phase::Closing => {
                    // An end that is gone already is closed enough.
                    drop(ready!(Pin::new(&mut *to).poll_shutdown(context)));
                    self.phase = Phase::Closed;
                }
                Phase::Closed => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Writes what was kept, and gives its memory back.
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
        self.kept = Vec::new();
        self.start = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads once into the scratch buffer and writes what the other end takes.
    fn poll_copy<R, W>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<std::io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(SCRATCH_BYTES, 0);
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(from).poll_read(context, &mut buffer))?;
            let read = buffer.filled();
            if read.is_empty() {
                self.phase = Phase::Flushing;
                return Poll::Ready(Ok(()));
            }
            let taken = match Pin::new(to).poll_write(context, read) {
                Poll::Ready(count) => count?,
                Poll::Pending => 0,
            };
            self.kept
                .extend_from_slice(read.get(taken..).unwrap_or_default());
            Poll::Ready(Ok(()))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Sends each text from its end through a splice with pipes of these sizes and
    /// gives what arrived: (at upstream, at the client).
    async fn through(
        early: &[u8],
        out: &[u8],
        back: &[u8],
        near: usize,
        far: usize,
    ) -> (Vec<u8>, Vec<u8>) {
        let (client, mut client_end) = duplex(near);
        let (upstream, mut upstream_end) = duplex(far);
        let (mut client_read, mut client_write) = tokio::io::split(client);
        let (mut upstream_read, mut upstream_write) = tokio::io::split(upstream);
        let (mut at_upstream, mut at_client) = (Vec::new(), Vec::new());
        let (spliced, ..) = tokio::join!(
            splice(&mut client_end, &mut upstream_end, early.to_vec()),
            async {
                client_write.write_all(out).await.unwrap();
                client_write.shutdown().await.unwrap();
            },
            async {
                upstream_write.write_all(back).await.unwrap();
                upstream_write.shutdown().await.unwrap();
            },
            async { upstream_read.read_to_end(&mut at_upstream).await.unwrap() },
            async { client_read.read_to_end(&mut at_client).await.unwrap() },
        );
        spliced.unwrap();
        (at_upstream, at_client)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_byte_arrives_in_order_whatever_the_pipes_hold(
            early in proptest::collection::vec(any::<u8>(), 0..50),
            out in proptest::collection::vec(any::<u8>(), 0..5000),
            back in proptest::collection::vec(any::<u8>(), 0..5000),
            near in 1usize..3000,
            far in 1usize..3000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (at_upstream, at_client) =
                runtime.block_on(through(&early, &out, &back, near, far));
            prop_assert_eq!(at_upstream, [early, out].concat());
            prop_assert_eq!(at_client, back);
        }
    }

    #[tokio::test]
    async fn one_way_stays_open_when_the_other_ends() {
        let (mut client, mut client_end) = duplex(64);
        let (mut upstream, mut upstream_end) = duplex(64);
        let spliced =
            tokio::spawn(
                async move { splice(&mut client_end, &mut upstream_end, Vec::new()).await },
            );
        client.shutdown().await.unwrap();
        let mut end = Vec::new();
        upstream.read_to_end(&mut end).await.unwrap();
        upstream.write_all(b"late").await.unwrap();
        drop(upstream);
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert_eq!(got, b"late");
        spliced.await.unwrap().unwrap();
    }
}
