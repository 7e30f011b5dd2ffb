//! A body scanned while it passes.
//!
//! The text is examined in blocks that stand on a grid of its own, each with context
//! before and behind, so that findings do not depend on how the body was cut. Known
//! values are looked for at once, byte by byte.

use std::collections::VecDeque;
use std::ops::Range;

use super::decode::{self, Found, Text, Wanted};
use super::finding::{Finding, Unread};
use super::inflate::{ContentCoding, Inflater, SLICE_BYTES};
use super::pattern;
use super::rules::{MAX_PATTERN_BYTES, NEIGHBOURHOOD_BYTES};
use super::scanner::Scanner;
use super::words::Spot;

/// Patterns that begin in one block are looked for together.
const BLOCK_BYTES: usize = 16 * 1024;
/// What a block sees behind itself.
const BEHIND_BYTES: usize = MAX_PATTERN_BYTES;
/// What a block sees before itself.
const BEFORE_BYTES: usize = NEIGHBOURHOOD_BYTES;
/// What is examined again after [`Stream::settle`], for patterns across that border.
const AGAIN_BYTES: usize = 2 * 1024;

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the agent: known values and patterns.
    Outbound,
    /// To the agent: known values only, for what a server reflects. A token in what
    /// comes in is no leak of this bottle's, and documentation is full of them.
    Inbound,
}

/// What the caller does with findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytes pass at once; findings are told.
    Report,
    /// Bytes pass up to [`Feed::release`]; the caller ends the body at the first finding.
    Block,
    /// [`Feed::output`] is sent instead of what came: unpacked, with each finding replaced
    /// by `[redacted:RULE]`. Its length differs, so the caller sends it chunked, without
    /// `Content-Encoding`.
    Redact,
}

/// What a stream says after each piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// What was found since the last one, each thing once.
    pub findings: Vec<Finding>,
    /// What was found since the last one by rules that only tell: in no mode does it hold
    /// anything up.
    pub passing: Vec<Finding>,
    /// How many bytes, from the first of the body as it came, may have left by now.
    pub release: u64,
    /// What to send now; of use in [`Mode::Redact`] only.
    pub output: Vec<u8>,
    /// Set from the moment on when something could not be looked into. A content coding
    /// that is unread stays so to the end, and [`Mode::Block`] and [`Mode::Redact`]
    /// release nothing more.
    pub unread: Option<Unread>,
}

/// One body on its way.
#[derive(Debug)]
pub struct Stream {
    scanner: Scanner,
    direction: Direction,
    mode: Mode,
    inflater: Option<Inflater>,
    /// The unpacked body from `base` on, as far back as it is needed.
    text: Vec<u8>,
    base: u64,
    /// Where in `text` the next block begins, and what stands before it in base64.
    next: usize,
    lead: usize,
    /// Up to where in `text` everything was examined, but for what is to come.
    settled: usize,
    /// Where in `text` the words of the rules stand, up to `searched`: the context of one
    /// block is part of the next one.
    spots: Vec<Spot>,
    searched: usize,
    /// Up to where in `text` the output was made.
    sent: usize,
    recent: Vec<Finding>,
    cuts: Vec<Finding>,
    fresh: Vec<Finding>,
    passing: Vec<Finding>,
    output: Vec<u8>,
    /// After how many bytes of the body how much of the text was known in full.
    marks: VecDeque<(u64, u64)>,
    taken: u64,
    released: u64,
    first_finding: Option<u64>,
    unread: Option<Unread>,
    is_broken: bool,
}

impl Stream {
    pub(super) fn new(
        scanner: Scanner,
        direction: Direction,
        coding: ContentCoding,
        mode: Mode,
    ) -> Self {
        Self {
            scanner,
            direction,
            mode,
            inflater: Inflater::new(coding),
            text: Vec::new(),
            base: 0,
            next: 0,
            lead: 0,
            settled: 0,
            spots: Vec::new(),
            searched: 0,
            sent: 0,
            recent: Vec::new(),
            cuts: Vec::new(),
            fresh: Vec::new(),
            passing: Vec::new(),
            output: Vec::new(),
            marks: VecDeque::new(),
            taken: 0,
            released: 0,
            first_finding: None,
            unread: None,
            is_broken: false,
        }
    }

    /// Takes the next piece of the body.
    pub fn feed(&mut self, piece: &[u8]) -> Feed {
        if self.inflater.is_none() {
            self.taken += piece.len() as u64;
            self.append(piece);
        } else {
            for slice in piece.chunks(SLICE_BYTES) {
                self.taken += slice.len() as u64;
                self.unpack(|inflater| inflater.push(slice));
            }
        }
        self.answer(false)
    }

    /// Examines what is there as if the body ended here, and goes on. For the border of
    /// an event or a message that must not wait for the next one: what then begins before
    /// the border and ends behind it is still found, but may have left in part.
    pub fn settle(&mut self) -> Feed {
        self.examine_rest();
        let again = self.text.len().saturating_sub(AGAIN_BYTES).max(self.next);
        // Blocks went past the end of the text; the grid begins anew from here.
        let again = again.min(self.text.len());
        self.move_on(again);
        self.answer(false)
    }

    /// Ends the body.
    pub fn finish(mut self) -> Feed {
        if self.inflater.is_some() {
            self.unpack(Inflater::finish);
        }
        self.examine_rest();
        self.answer(true)
    }

    fn unpack(&mut self, step: impl FnOnce(&mut Inflater) -> Result<Vec<u8>, Unread>) {
        let Some(inflater) = self.inflater.as_mut().filter(|_| !self.is_broken) else {
            return;
        };
        match step(inflater) {
            Ok(made) => {
                let is_drained = inflater.is_drained();
                self.append(&made);
                if is_drained && self.mode == Mode::Block {
                    let text = self.base + self.text.len() as u64;
                    self.marks.push_back((self.taken, text));
                }
            }
            Err(why) => {
                self.unread = Some(why);
                self.is_broken = true;
            }
        }
    }

    /// Adds to the text, examining each block at the moment when it is complete.
    fn append(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let room = (self.next + BLOCK_BYTES + BEHIND_BYTES).saturating_sub(self.text.len());
            let (now, later) = piece.split_at(room.max(1).min(piece.len()));
            let seen = self.text.len();
            self.text.extend_from_slice(now);
            for finding in self.scanner.known().search(&self.text, seen, self.base) {
                self.note(finding);
            }
            piece = later;
            if self.text.len() >= self.next + BLOCK_BYTES + BEHIND_BYTES {
                self.examine(self.next + BLOCK_BYTES);
                self.move_on(self.next + BLOCK_BYTES);
                self.emit(false);
                self.forget();
            }
        }
    }

    fn examine_rest(&mut self) {
        while self.settled < self.text.len() {
            let end = (self.next + BLOCK_BYTES).min(self.text.len());
            self.examine(end);
            if end < self.text.len() {
                self.move_on(end);
            }
        }
    }

    /// Examines the block from `next` to `end`.
    fn examine(&mut self, end: usize) {
        let from = self.next.saturating_sub(BEFORE_BYTES);
        let to = (end + BEHIND_BYTES).min(self.text.len());
        let wanted = Wanted {
            known: self.scanner.known(),
            patterns: self.direction == Direction::Outbound,
        };
        let spots = if wanted.patterns {
            Self::spots(&self.text, from..to, &mut self.spots, &mut self.searched)
        } else {
            Vec::new()
        };
        let text = Text {
            bytes: self.text.get(from..to).unwrap_or_default(),
            area: &(self.next - from..end - from),
            spots: &spots,
        };
        let examined = decode::examine(text, self.lead, wanted);
        self.unread = self.unread.or(examined.unread);
        let base = self.base + from as u64;
        for found in examined.found {
            self.note(found.place(base));
        }
        self.settled = self.settled.max(end);
    }

    /// Where words stand in a part of the text, counted from its start.
    fn spots(
        text: &[u8],
        part: Range<usize>,
        known: &mut Vec<Spot>,
        searched: &mut usize,
    ) -> Vec<Spot> {
        if part.end > *searched {
            pattern::add_spots(text.get(..part.end).unwrap_or_default(), *searched, known);
            *searched = part.end;
        }
        known
            .iter()
            .filter(|spot| spot.end <= part.end)
            .filter_map(|spot| spot.moved_back(part.start))
            .collect()
    }

    fn move_on(&mut self, next: usize) {
        self.lead = super::segments::lead(&self.text, next, self.next, self.lead) % 4;
        self.next = next;
    }

    /// Keeps a finding, and tells it unless it is one told before in another reading.
    fn note(&mut self, finding: Finding) {
        let passes = self.scanner.lets_pass(&finding);
        if self.mode == Mode::Redact && !passes {
            self.cuts.push(finding.clone());
        }
        // A known value may be called as a rule is, and must not go for one that passes.
        let is_told = self.recent.iter().any(|told| {
            told.rule == finding.rule
                && told.kind == finding.kind
                && told.at.start < finding.at.end
                && finding.at.start < told.at.end
        });
        if is_told {
            return;
        }
        self.recent.push(finding.clone());
        if passes {
            self.passing.push(finding);
        } else {
            let first = self.first_finding.unwrap_or(u64::MAX);
            self.first_finding = Some(first.min(finding.at.start));
            self.fresh.push(finding);
        }
    }

    /// Up to where in `text` nothing can be part of what is not yet found.
    fn safe(&self, is_end: bool) -> usize {
        if is_end {
            return self.text.len();
        }
        let held = self.scanner.known().held(&self.text);
        let safe = self.text.len() - held;
        match self.direction {
            Direction::Outbound => safe.min(self.settled),
            Direction::Inbound => safe,
        }
    }

    fn answer(&mut self, is_end: bool) -> Feed {
        match self.mode {
            Mode::Report => self.released = self.taken,
            Mode::Block => self.release(is_end),
            Mode::Redact => {
                self.emit(is_end);
                self.released = self.taken;
            }
        }
        self.forget();
        Feed {
            findings: std::mem::take(&mut self.fresh),
            passing: std::mem::take(&mut self.passing),
            release: self.released,
            output: std::mem::take(&mut self.output),
            unread: self.unread,
        }
    }

    fn release(&mut self, is_end: bool) {
        if self.is_broken {
            return;
        }
        let safe = self.base + self.safe(is_end) as u64;
        let safe = safe.min(self.first_finding.unwrap_or(u64::MAX));
        if self.inflater.is_none() {
            self.released = self.released.max(safe);
        }
        while let Some((taken, text)) = self.marks.front().copied() {
            if text > safe {
                break;
            }
            self.released = self.released.max(taken);
            self.marks.pop_front();
        }
    }

    /// Makes the output up to where it is safe.
    fn emit(&mut self, is_end: bool) {
        if self.mode != Mode::Redact || self.is_broken {
            return;
        }
        let safe = self.safe(is_end);
        self.cuts.sort_by_key(|cut| cut.at.start);
        let mut rest = Vec::new();
        for cut in std::mem::take(&mut self.cuts) {
            let start = usize::try_from(cut.at.start.saturating_sub(self.base));
            let end = usize::try_from(cut.at.end.saturating_sub(self.base));
            let (Ok(start), Ok(end)) = (start, end) else {
                continue;
            };
            if start >= safe && end > self.sent {
                rest.push(cut);
                continue;
            }
            if start >= self.sent {
                let kept = self.text.get(self.sent..start).unwrap_or_default();
                self.output.extend_from_slice(kept);
                let mark = format!("[redacted:{}]", cut.rule);
                self.output.extend_from_slice(mark.as_bytes());
            }
            self.sent = self.sent.max(end);
        }
        self.cuts = rest;
        if let Some(kept) = self.text.get(self.sent..safe) {
            self.output.extend_from_slice(kept);
            self.sent = safe;
        }
    }

    /// Drops the text that nothing needs any more.
    fn forget(&mut self) {
        let overlap = self.scanner.known().overlap();
        let mut keep = self.next.saturating_sub(BEFORE_BYTES);
        keep = keep.min(self.text.len().saturating_sub(overlap));
        if self.mode == Mode::Redact {
            keep = keep.min(self.sent);
        }
        // Moving what stays costs more than keeping a little too much.
        if keep < BLOCK_BYTES / 2 {
            return;
        }
        self.text.drain(..keep);
        self.base += keep as u64;
        self.next -= keep;
        self.settled = self.settled.saturating_sub(keep);
        let spots = std::mem::take(&mut self.spots);
        self.spots = spots
            .into_iter()
            .filter_map(|spot| spot.moved_back(keep))
            .collect();
        self.searched = self.searched.saturating_sub(keep);
        self.sent = self.sent.saturating_sub(keep);
        let base = self.base;
        self.recent.retain(|told| told.at.end > base);
    }
}

impl Found {
    fn place(self, base: u64) -> Finding {
        Finding {
            rule: self.rule,
            kind: self.kind,
            encoding: self.layers,
            at: base + self.at.start as u64..base + self.at.end as u64,
        }
    }
}
