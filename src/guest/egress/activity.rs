//! How long a connection has been silent, and how much it carried.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Shared by a watched stream and whoever watches it.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    last_millis: AtomicU64,
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
    excused: AtomicUsize,
}

/// As long as it lives, silence is nobody's fault.
#[derive(Debug)]
pub(super) struct Excuse<'a>(&'a Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            last_millis: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            excused: AtomicUsize::new(0),
        }
    }

    /// Lets silence pass for as long as the excuse is kept; it counts anew after that.
    pub(super) fn excuse(&self) -> Excuse<'_> {
        self.excused.fetch_add(1, Ordering::Relaxed);
        Excuse(self)
    }

    /// Ends once no byte has moved for `limit`. Cancel-safe.
    pub(super) async fn silent_for(&self, limit: Duration) {
        loop {
            let last = Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
            let mut until = self.began + last + limit;
            if self.excused.load(Ordering::Relaxed) > 0 {
                until = Instant::now() + limit;
            }
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Counts as a byte would that moved: the wait is our own doing.
    pub(super) fn stir(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// Says what was carried, for the log.
    pub(super) fn summary(&self) -> String {
        let sent = self.sent_bytes.load(Ordering::Relaxed);
        let received = self.received_bytes.load(Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs_f32();
        format!("{sent} bytes out, {received} bytes in, {seconds:.1} s")
    }

    /// Bytes sent to upstream and received from it so far.
    pub(super) fn counts(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.sent_bytes), count(&self.received_bytes))
    }

    /// Counts bytes on their way to upstream.
    pub(super) fn sent(&self, bytes: usize) {
        self.moved(&self.sent_bytes, bytes);
    }

    /// Counts bytes on their way to the agent.
    pub(super) fn received(&self, bytes: usize) {
        self.moved(&self.received_bytes, bytes);
    }

    fn moved(&self, counter: &AtomicU64, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        counter.fetch_add(bytes, Ordering::Relaxed);
        self.stir();
    }
}

impl Drop for Excuse<'_> {
    fn drop(&mut self) {
        self.0.stir();
        self.0.excused.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream to upstream whose bytes are counted.
#[derive(Debug)]
pub(super) struct Watched<'a, S> {
    stream: S,
    activity: &'a Activity,
}

impl<'a, S> Watched<'a, S> {
    pub(super) const fn new(stream: S, activity: &'a Activity) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let count = buffer.filled().len() - before;
        self.activity.received(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.activity.sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LIMIT: Duration = Duration::from_mins(10);

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_byte() {
        let activity = Activity::new();
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut ours = Watched::new(ours, &activity);
        let began = Instant::now();
        let busy = async {
            tokio::time::sleep(Duration::from_secs(400)).await;
            ours.write_all(b"out").await.unwrap();
            theirs.write_all(b"inside").await.unwrap();
            tokio::time::sleep(Duration::from_secs(400)).await;
            let mut buffer = [0; 6];
            ours.read_exact(&mut buffer).await.unwrap();
        };
        tokio::join!(busy, activity.silent_for(LIMIT));
        assert_eq!(began.elapsed().as_secs(), 800 + LIMIT.as_secs());
        assert_eq!(activity.summary(), "3 bytes out, 6 bytes in, 1400.0 s");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_with_an_excuse_counts_from_its_end() {
        let activity = Activity::new();
        let began = Instant::now();
        let wait = async {
            let excuse = activity.excuse();
            tokio::time::sleep(3 * LIMIT).await;
            drop(excuse);
        };
        tokio::join!(wait, activity.silent_for(LIMIT));
        assert_eq!(began.elapsed(), 4 * LIMIT);
    }
}
