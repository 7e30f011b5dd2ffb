//! What is typed at a session that has the terminal, taken apart: what the terminal says
//! by itself, the operator's own keys, where the pointer is, and what the program gets.

use super::late::LateAnswer;
use super::reports::{Report, Reports};
use crate::pty::{Chord, Chords};

/// The terminal's bytes on their way to the program.
#[derive(Debug)]
pub(super) struct Typing {
    late: Option<LateAnswer>,
    chords: Chords,
    reports: Reports,
}

/// What some bytes were.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// What the program gets.
    pub(super) forward: Vec<u8>,
    /// The key of ours that was pressed; what came after it is dropped.
    pub(super) pressed: Option<Chord>,
    /// Where the pointer was.
    pub(super) reports: Vec<Report>,
}

impl Typing {
    pub(super) fn new(chords: Chords, late: Option<LateAnswer>) -> Self {
        Self {
            late,
            chords,
            reports: Reports::default(),
        }
    }

    /// Whether the operator can read the session back from here.
    pub(super) fn can_read_back(&self) -> bool {
        self.chords.knows(Chord::Copy)
    }

    /// Takes bytes. What the pointer did is the program's too, unless it is kept.
    pub(super) fn take(&mut self, bytes: &[u8], keeps_pointer: bool) -> Typed {
        match &mut self.late {
            Some(late) => {
                let typed = late.sift(bytes);
                self.pass(&typed, keeps_pointer)
            }
            None => self.pass(bytes, keeps_pointer),
        }
    }

    fn pass(&mut self, bytes: &[u8], keeps_pointer: bool) -> Typed {
        let outcome = self.chords.feed(bytes);
        let (rest, reports) = self.reports.take(&outcome.forward);
        Typed {
            forward: if keeps_pointer { rest } else { outcome.forward },
            pressed: outcome.pressed,
            reports,
        }
    }

    /// Whether something is held back that may be a key of its own.
    pub(super) fn is_holding(&self) -> bool {
        self.chords.is_holding() || self.late.as_ref().is_some_and(LateAnswer::is_holding)
    }

    /// Gives that back, since nothing followed it.
    pub(super) fn release(&mut self) -> Typed {
        let held = self.late.as_mut().map(LateAnswer::release);
        let mut typed = self.pass(&held.unwrap_or_default(), false);
        typed.forward.extend(self.chords.release());
        typed
    }
}
