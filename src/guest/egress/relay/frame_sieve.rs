//! A WebSocket's frames on their way through the scanner, one direction of them.
//!
//! Payloads are looked into as one text over frames and messages, without their masks.
//! Frames leave as they came. Where a secret must not pass, a message waits until what
//! begins in it cannot be one any more, at the latest until its end; control frames have
//! a text of their own and never wait.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::frames::{Frames, Head, Kind, Sender, Step, Violation, unmask};
use super::sieve::Findings;
use crate::policy::ScanMode;
use crate::scan::{ContentCoding, Direction, Feed, Mode, Scanner, Stream};

/// Why the frames end here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Stop {
    /// A secret was found, or something cannot be looked into.
    #[error("a secret was found in a message")]
    Caught,
    /// They are none that an endpoint may take.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// Sifts the frames of one direction.
#[derive(Debug)]
pub(in super::super) struct FrameSieve {
    frames: Frames,
    now: Option<Head>,
    texts: Option<Texts>,
    /// Whether a finding ends it.
    is_strict: bool,
    /// Came, and may not pass yet: the parts of one message, in order.
    held: BytesMut,
    parts: VecDeque<Part>,
    /// How many bytes of messages may have passed by now, and did.
    safe: u64,
    passed: u64,
    /// What is missing of the frame whose head passed last.
    missing: u64,
    scratch: Vec<u8>,
}

/// The two texts of a direction.
#[derive(Debug)]
struct Texts {
    data: Stream,
    control: Stream,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    /// A head of this size, for a payload of this length.
    Head { size: usize, length: u64 },
    /// So much payload.
    Payload { size: usize, kind: Kind },
}

impl FrameSieve {
    /// Looks into what `sender` sends. Nothing is redacted in frames: what would be is
    /// blocked.
    pub(in super::super) fn new(scanner: &Scanner, sender: Sender, mode: ScanMode) -> Self {
        let how = match mode {
            ScanMode::Off | ScanMode::Warn => Mode::Report,
            ScanMode::Block | ScanMode::Redact => Mode::Block,
        };
        let direction = match sender {
            Sender::Agent => Direction::Outbound,
            Sender::Server => Direction::Inbound,
        };
        let stream = || scanner.stream(direction, ContentCoding::Identity, how);
        Self {
            frames: Frames::of(sender),
            now: None,
            texts: (mode != ScanMode::Off).then(|| Texts {
                data: stream(),
                control: stream(),
            }),
            is_strict: how == Mode::Block,
            held: BytesMut::new(),
            parts: VecDeque::new(),
            safe: 0,
            passed: 0,
            missing: 0,
            scratch: Vec::new(),
        }
    }

    /// Takes what came and appends what may pass now to `out`.
    ///
    /// # Errors
    /// [`Stop`] if nothing more may pass. What `out` got until then may.
    pub(in super::super) fn sift(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        findings: &Findings,
    ) -> Result<(), Stop> {
        while !input.is_empty() {
            let (count, step) = self.frames.step(input)?;
            let (bytes, rest) = input.split_at_checked(count).unwrap_or((input, &[]));
            input = rest;
            match step {
                Step::More => {}
                Step::Head(head) => self.begin(head, out, findings)?,
                Step::Payload { kind, mask } => {
                    self.look(kind, bytes, mask, findings)?;
                    self.hold(bytes, kind);
                    if !self.is_strict {
                        self.release(u64::MAX, out);
                    } else if kind == Kind::Data {
                        self.release(self.safe, out);
                    }
                }
            }
            if self.frames.is_between()
                && let Some(head) = self.now.take()
                && head.is_last
            {
                // Nothing waits for the message after.
                self.settle(head.kind, findings)?;
                self.release(u64::MAX, out);
            }
        }
        Ok(())
    }

    /// Says that nothing more comes; what waited passes.
    ///
    /// # Errors
    /// [`Stop`] if it may not.
    pub(in super::super) fn finish(
        &mut self,
        out: &mut Vec<u8>,
        findings: &Findings,
    ) -> Result<(), Stop> {
        self.settle(Kind::Data, findings)?;
        self.settle(Kind::Control, findings)?;
        self.release(u64::MAX, out);
        Ok(())
    }

    /// Whether what passed ends with a whole frame, so that another may follow.
    pub(in super::super) const fn is_between(&self) -> bool {
        self.missing == 0
    }

    fn begin(&mut self, head: Head, out: &mut Vec<u8>, findings: &Findings) -> Result<(), Stop> {
        if head.kind == Kind::Control && self.is_strict {
            // It must not wait for the end of a message.
            self.settle(Kind::Data, findings)?;
            self.release(u64::MAX, out);
        }
        self.now = Some(head);
        let bytes = self.frames.head_bytes();
        self.held.extend_from_slice(bytes);
        self.parts.push_back(Part::Head {
            size: bytes.len(),
            length: head.length,
        });
        if !self.is_strict {
            self.release(u64::MAX, out);
        }
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8], kind: Kind) {
        self.held.extend_from_slice(bytes);
        self.parts.push_back(Part::Payload {
            size: bytes.len(),
            kind,
        });
    }

    /// Lets pass what is held, up to so many bytes of messages in all.
    fn release(&mut self, limit: u64, out: &mut Vec<u8>) {
        while let Some(part) = self.parts.front_mut() {
            let room = limit.saturating_sub(self.passed);
            // A head goes with what follows, so that a frame that never follows leaves
            // room for another.
            let count = match part {
                Part::Head { .. } | Part::Payload { .. } if room == 0 => return,
                Part::Head { size, length } => {
                    self.missing = *length;
                    *size
                }
                Part::Payload { size, kind } => {
                    let count = usize::try_from(room).unwrap_or(usize::MAX).min(*size);
                    let passed = u64::try_from(count).unwrap_or(room);
                    self.missing = self.missing.saturating_sub(passed);
                    if *kind == Kind::Data {
                        self.passed = self.passed.saturating_add(passed);
                    }
                    if count < *size {
                        *size -= count;
                        out.extend_from_slice(&self.held.split_to(count));
                        return;
                    }
                    count
                }
            };
            out.extend_from_slice(&self.held.split_to(count.min(self.held.len())));
            self.parts.pop_front();
        }
    }

    fn look(
        &mut self,
        kind: Kind,
        bytes: &[u8],
        mask: Option<[u8; 4]>,
        findings: &Findings,
    ) -> Result<(), Stop> {
        let Some(texts) = &mut self.texts else {
            return Ok(());
        };
        let text = match mask {
            Some(mask) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(bytes);
                unmask(&mut self.scratch, mask);
                &self.scratch
            }
            None => bytes,
        };
        let feed = texts.of(kind).feed(text);
        self.judge(kind, &feed, findings)
    }

    fn settle(&mut self, kind: Kind, findings: &Findings) -> Result<(), Stop> {
        let Some(texts) = &mut self.texts else {
            return Ok(());
        };
        let feed = texts.of(kind).settle();
        self.judge(kind, &feed, findings)
    }

    fn judge(&mut self, kind: Kind, feed: &Feed, findings: &Findings) -> Result<(), Stop> {
        findings.add(&feed.findings);
        findings.add(&feed.passing);
        if kind == Kind::Data {
            self.safe = self.safe.max(feed.release);
        }
        let is_caught = !feed.findings.is_empty() || feed.unread.is_some();
        if self.is_strict && is_caught {
            findings.block(&feed.findings, feed.unread.is_some());
            return Err(Stop::Caught);
        }
        Ok(())
    }
}

impl Texts {
    const fn of(&mut self, kind: Kind) -> &mut Stream {
        match kind {
            Kind::Data => &mut self.data,
            Kind::Control => &mut self.control,
        }
    }
}

#[cfg(test)]
mod tests;
