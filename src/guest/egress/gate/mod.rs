//! The gate between an agent's bytes and hyper: one inspected message at a time.
//!
//! hyper drops evidence of what it tolerates and reads ahead. So each head is judged
//! from its raw bytes first, its body is followed to its end, and what comes after is
//! held back until the answer was given. At a fault nothing more reaches hyper: it sees
//! the end of the stream, and the fault's answer follows those that were under way.
//! hyper is given the request line with `/` for a target; the one target that counts is
//! in the inspected head.

mod body;
mod farewell;
mod line;
#[cfg(test)]
mod tests;

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::io::poll_read_buf;

use self::body::Body;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use self::body::Chunks;
#[cfg(test)]
pub(super) use self::body::{MAX_EXTENSION_BYTES, MAX_TRAILER_BYTES};
use self::farewell::Farewell;
pub(super) use self::line::GateLine;
use super::activity::Activity;
use super::ask::Shown;
use super::authority::Fault;
use super::head::{Head, MAX_HEAD_BYTES, head_length, inspect};
use super::refusal::Refusal;

/// Read at once where the bytes must be looked at.
const READ_BYTES: usize = 8 * 1024;
/// A buffer that grew over this is given back once it is empty.
const KEPT_BYTES: usize = 16 * 1024;

/// What is read through it is what hyper may see.
pub(super) struct Gate<S> {
    stream: S,
    /// Read, and not judged or not passed on yet.
    raw: Vec<u8>,
    /// How much of `raw` holds no end of a head.
    scanned: usize,
    /// Judged, for hyper to read from `passed` on.
    judged: Vec<u8>,
    passed: usize,
    phase: Phase,
    head_limit: Duration,
    head_due: Option<Pin<Box<Sleep>>>,
    /// Where the requests go, for the answer to a fault, if that is known already.
    place: Shown,
    line: GateLine,
    activity: Arc<Activity>,
    farewell: Farewell,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Before or in a head.
    Head,
    /// In a body.
    Body(Body),
    /// A whole message was passed; its answer is not given yet.
    Held,
    /// The protocol was switched: bytes pass unread.
    Open,
    /// Nothing more is passed.
    Ended,
}

impl<S> Gate<S> {
    /// Puts a gate before `stream`, of which `raw` was read already.
    pub(super) fn new(
        stream: S,
        raw: Vec<u8>,
        place: Shown,
        head_limit: Duration,
        activity: Arc<Activity>,
    ) -> Self {
        Self {
            stream,
            raw,
            scanned: 0,
            judged: Vec::new(),
            passed: 0,
            phase: Phase::Head,
            head_limit,
            head_due: None,
            place,
            line: GateLine::default(),
            activity,
            farewell: Farewell::default(),
        }
    }

    /// The line by which the gate and whoever answers talk.
    pub(super) fn line(&self) -> GateLine {
        self.line.clone()
    }

    fn head(&mut self, head: Head) {
        // Whatever the target was, hyper needs none.
        let version = if head.minor == 0 { "0" } else { "1" };
        for part in [&head.method, " / HTTP/1.", version, "\r\n"] {
            self.judged.extend_from_slice(part.as_bytes());
        }
        let rest = self.raw.get(head.line_length..head.length);
        self.judged.extend_from_slice(rest.unwrap_or_default());
        self.raw.drain(..head.length);
        self.scanned = 0;
        self.head_due = None;
        self.phase = match Body::from(head.body) {
            Body::Length(0) => Phase::Held,
            body @ (Body::Length(_) | Body::Chunked(_)) => Phase::Body(body),
        };
        self.line.ask(head);
    }

    fn fault(&mut self, fault: Fault) {
        let shown = Shown::within(&self.place, &self.raw);
        self.farewell = Farewell::answer(Refusal::from(fault).response(&shown));
        self.line.refuse(fault, shown);
        self.phase = Phase::Ended;
        self.head_due = None;
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// Reads more into `raw`; says whether the stream ended.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<bool>> {
        self.raw.reserve(READ_BYTES);
        let count = ready!(poll_read_buf(
            Pin::new(&mut self.stream),
            context,
            &mut self.raw
        ))?;
        self.activity.sent(count);
        Poll::Ready(Ok(count == 0))
    }

    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        loop {
            if let Some(first) = self.raw.first() {
                let whole =
                    !first.is_ascii_uppercase() || head_length(&self.raw, self.scanned).is_some();
                if whole || self.raw.len() > MAX_HEAD_BYTES {
                    match inspect(&self.raw) {
                        // Whoever may tunnel did so before there was a gate.
                        Ok(head) if head.method == "CONNECT" => self.fault(Fault::bad(
                            "CONNECT must be the first request on its connection",
                        )),
                        Ok(head) => self.head(head),
                        Err(_) if !whole => {
                            self.fault(Fault::bad("the head is longer than 64 KiB"));
                        }
                        Err(fault) => self.fault(fault),
                    }
                    return Poll::Ready(Ok(()));
                }
                let limit = self.head_limit;
                let due = self.head_due.get_or_insert_with(|| Box::pin(sleep(limit)));
                if due.as_mut().poll(context).is_ready() {
                    self.fault(Fault::bad("the head did not arrive in time"));
                    return Poll::Ready(Ok(()));
                }
            } else if self.raw.capacity() > KEPT_BYTES {
                self.raw = Vec::new();
            }
            self.scanned = self.raw.len().saturating_sub(3);
            if ready!(self.poll_more(context))? {
                self.phase = Phase::Ended;
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Passes a message's body on, never a byte more.
    fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let Phase::Body(body) = &mut self.phase else {
            return Poll::Ready(Ok(()));
        };
        match body {
            Body::Length(left) => {
                let limit = usize::try_from(*left).unwrap_or(usize::MAX);
                let limit = limit.min(buffer.remaining());
                let count = if self.raw.is_empty() {
                    let unfilled = buffer.initialize_unfilled_to(limit);
                    let mut part = ReadBuf::new(unfilled);
                    ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
                    let count = part.filled().len();
                    self.activity.sent(count);
                    buffer.advance(count);
                    count
                } else {
                    let count = limit.min(self.raw.len());
                    buffer.put_slice(self.raw.get(..count).unwrap_or_default());
                    self.raw.drain(..count);
                    count
                };
                *left = left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.phase = Phase::Held;
                } else if count == 0 {
                    self.phase = Phase::Ended;
                }
            }
            Body::Chunked(chunks) => match chunks.take(&self.raw, &mut self.judged) {
                Ok(count) => {
                    let is_done = chunks.is_done();
                    self.raw.drain(..count);
                    if is_done {
                        self.phase = Phase::Held;
                    } else if self.judged.is_empty() && ready!(self.poll_more(context))? {
                        self.phase = Phase::Ended;
                    }
                }
                Err(fault) => {
                    self.line.spoil(fault);
                    self.phase = Phase::Ended;
                    return Poll::Ready(Err(std::io::ErrorKind::InvalidData.into()));
                }
            },
        }
        Poll::Ready(Ok(()))
    }

    /// Looks whether the client is still there, where somebody wants to know.
    ///
    /// While a request waits for the operator hyper reads nothing, but it flushes
    /// whenever it is woken.
    fn poll_left(&mut self, context: &mut Context<'_>) {
        let Some(watcher) = self.line.watcher() else {
            return;
        };
        while self.raw.len() < MAX_HEAD_BYTES {
            match self.poll_more(context) {
                Poll::Ready(Ok(false)) => {}
                // The next read finds the same end.
                Poll::Ready(Ok(true) | Err(_)) => return watcher.notify_one(),
                Poll::Pending => return,
            }
        }
    }

    /// Waits for the answer to be given, and looks whether the client is still there.
    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        if let Some(phase) = self.line.poll_answered(context) {
            self.phase = phase;
            return Poll::Ready(Ok(()));
        }
        while self.raw.len() < MAX_HEAD_BYTES {
            if ready!(self.poll_more(context))? {
                self.phase = Phase::Ended;
                return Poll::Ready(Ok(()));
            }
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        loop {
            let rest = this.judged.get(this.passed..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.len().min(buffer.remaining());
                buffer.put_slice(rest.get(..count).unwrap_or_default());
                this.passed += count;
                return Poll::Ready(Ok(()));
            }
            this.passed = 0;
            if this.judged.capacity() > KEPT_BYTES {
                this.judged = Vec::new();
            }
            this.judged.clear();
            match &this.phase {
                Phase::Head => ready!(this.poll_head(context))?,
                Phase::Body(_) => {
                    ready!(this.poll_body(context, buffer))?;
                    if buffer.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                Phase::Held => ready!(this.poll_held(context))?,
                Phase::Open if this.raw.is_empty() => {
                    ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
                    this.activity.sent(buffer.filled().len() - before);
                    return Poll::Ready(Ok(()));
                }
                Phase::Open => this.judged = std::mem::take(&mut this.raw),
                Phase::Ended => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.activity.received(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        self.activity.received(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.poll_left(context);
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says what is left to say, closes, and reads on for a while: a connection that is
    /// closed with unread bytes takes its last answer with it.
    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        this.farewell.poll(&mut this.stream, context)
    }
}
