//! What waits to be written to one client.
//!
//! Writing never waits: what a client's stream does not take at once is kept, up to a
//! limit. Over the limit the client is behind: the stream's frames that wait are
//! dropped, whole ones only, and it gets a new snapshot once it has drained the rest.
//! Messages and snapshots are never dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use serde::Serialize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::descriptor;
use crate::wire::Frame;

/// How much of the stream may wait for a client.
const BACKLOG_BYTES: usize = 1024 * 1024;
/// What is asked of the kernel for a pipe; the largest that needs no privilege.
const PIPE_BYTES: usize = 1024 * 1024;

/// The writing end of one client.
#[derive(Debug)]
pub(super) struct Outgoing {
    to: AsyncFd<OwnedFd>,
    queue: RefCell<Queue>,
    /// Something waits, or the client broke.
    woken: Notify,
    /// Nothing waits any more.
    drained: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Waiting>,
    /// Bytes of the first frame that were written.
    offset: usize,
    /// Bytes of the stream that wait.
    stream_bytes: usize,
    behind: bool,
    broken: bool,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    is_stream: bool,
}

/// What a client needs after its queue was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drain {
    /// Nothing.
    Done,
    /// A new snapshot: it was behind and has drained.
    Snapshot,
    /// It cannot be written to any more.
    Broken,
}

impl Outgoing {
    /// Takes over a non-blocking descriptor.
    pub(super) fn new(to: OwnedFd) -> io::Result<Self> {
        // A pipe of 64 KiB is full within a millisecond of a flood; other kinds of
        // stream say no, which is fine.
        rustix::pipe::fcntl_setpipe_size(&to, PIPE_BYTES).ok();
        Ok(Self {
            to: descriptor::watch(to, Interest::WRITABLE)?,
            queue: RefCell::default(),
            woken: Notify::new(),
            drained: Notify::new(),
        })
    }

    /// Sends output of the program, now if the client is not waiting for more.
    pub(super) fn stream(&self, payload: &[u8]) {
        let mut queue = self.queue.borrow_mut();
        if queue.behind || queue.broken {
            return;
        }
        let Ok(length) = u32::try_from(payload.len() + 1) else {
            return;
        };
        // The header of a bytes frame, written beside the payload without a copy.
        let [a, b, c, d] = length.to_le_bytes();
        let header = [a, b, c, d, 1];
        let mut written = 0;
        if queue.frames.is_empty() {
            let parts = [IoSlice::new(&header), IoSlice::new(payload)];
            match rustix::io::writev(self.to.get_ref(), &parts) {
                Ok(count) => written = count,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return self.give_up(&mut queue),
            }
        }
        if written < header.len() + payload.len() {
            let mut bytes = Vec::with_capacity(header.len() + payload.len());
            bytes.extend_from_slice(&header);
            bytes.extend_from_slice(payload);
            queue.push(bytes, written, true);
            self.woken.notify_one();
        }
    }

    /// Sends a message; a client that cannot take it yet gets it later.
    pub(super) fn message<T: Serialize>(&self, message: &T) {
        let mut bytes = Vec::new();
        let encoded = Frame::message(message).and_then(|frame| frame.encode(&mut bytes));
        if encoded.is_ok() {
            self.keep(bytes);
        }
    }

    /// Sends a snapshot, already framed; the stream goes on after it.
    pub(super) fn snapshot(&self, frames: Vec<u8>) {
        self.queue.borrow_mut().behind = false;
        self.keep(frames);
    }

    /// Stops writing and drops everything.
    pub(super) fn close(&self) {
        self.give_up(&mut self.queue.borrow_mut());
    }

    pub(super) fn is_broken(&self) -> bool {
        self.queue.borrow().broken
    }

    /// Waits until everything is written or cannot be. Cancel-safe.
    pub(super) async fn flushed(&self) {
        loop {
            let drained = self.drained.notified();
            {
                let queue = self.queue.borrow();
                if queue.broken || queue.frames.is_empty() {
                    return;
                }
            }
            drained.await;
        }
    }

    /// Writes what waits, until a snapshot is wanted or the client breaks. Cancel-safe.
    pub(super) async fn drain(&self) -> Drain {
        loop {
            let woken = self.woken.notified();
            if self.is_broken() {
                return Drain::Broken;
            }
            let (is_empty, behind) = {
                let queue = self.queue.borrow();
                (queue.frames.is_empty(), queue.behind)
            };
            if is_empty && !behind {
                woken.await;
                continue;
            }
            let Ok(mut ready) = self.to.writable().await else {
                return Drain::Broken;
            };
            let outcome = self.write();
            match outcome {
                Ok(Drain::Done) => {}
                Ok(drain) => return drain,
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(_) => {
                    self.close();
                    return Drain::Broken;
                }
            }
        }
    }

    /// Writes frames until none is left.
    fn write(&self) -> Result<Drain, Errno> {
        let mut queue = self.queue.borrow_mut();
        while let Some(first) = queue.frames.front() {
            let rest = first.bytes.get(queue.offset..).unwrap_or_default();
            let count = match rustix::io::write(self.to.get_ref(), rest) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            if count < rest.len() {
                queue.offset += count;
            } else {
                queue.pop();
            }
        }
        self.drained.notify_waiters();
        Ok(if queue.behind {
            Drain::Snapshot
        } else {
            Drain::Done
        })
    }

    fn keep(&self, bytes: Vec<u8>) {
        let mut queue = self.queue.borrow_mut();
        if queue.broken {
            return;
        }
        let mut written = 0;
        if queue.frames.is_empty() {
            match rustix::io::write(self.to.get_ref(), &bytes) {
                Ok(count) => written = count,
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return self.give_up(&mut queue),
            }
        }
        if written < bytes.len() {
            queue.push(bytes, written, false);
            self.woken.notify_one();
        }
    }

    fn give_up(&self, queue: &mut Queue) {
        queue.broken = true;
        queue.frames.clear();
        self.woken.notify_one();
        self.drained.notify_waiters();
    }
}

impl Queue {
    fn push(&mut self, bytes: Vec<u8>, written: usize, is_stream: bool) {
        if self.frames.is_empty() {
            self.offset = written;
        }
        if is_stream {
            self.stream_bytes += bytes.len();
        }
        self.frames.push_back(Waiting { bytes, is_stream });
        if self.stream_bytes > BACKLOG_BYTES {
            self.fall_behind();
        }
    }

    fn pop(&mut self) {
        self.offset = 0;
        if let Some(frame) = self.frames.pop_front()
            && frame.is_stream
        {
            self.stream_bytes = self.stream_bytes.saturating_sub(frame.bytes.len());
        }
    }

    /// Drops the stream that waits, but for a frame that is half written.
    fn fall_behind(&mut self) {
        let mut begun = self.offset > 0;
        self.frames
            .retain(|frame| !frame.is_stream || std::mem::take(&mut begun));
        self.stream_bytes = 0;
        self.behind = true;
    }
}
