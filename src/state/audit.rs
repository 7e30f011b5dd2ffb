//! The page of the audit: a window of the entries that pass, wherever in the file one is.
//!
//! Entries are known by their place among those that pass. The file only grows, so that a
//! place stays what it is for as long as the filter does; the state holds one window of
//! them, and the app reads another when the operator comes near its edge.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sighting::BottleRef;

/// Entries in a window.
pub const AUDIT_WINDOW: u64 = 400;
/// Entries that stay around the selected one on either side; no screen shows more.
const MARGIN: u64 = 120;

/// What is wanted of the page of the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditCommand {
    /// Type a filter.
    Filter,
    /// Only the bottle of the selected entry, or as before.
    OneBottle,
    /// Follow what is added, or no longer.
    Follow,
    /// Read all of the selected entry.
    Open,
    /// Go to its bottle.
    Visit,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWish {
    /// Of which bottles; of all, also those that are gone, if none is named.
    pub of: Vec<BottleRef>,
    /// What they must hold: a regular expression, or words.
    pub filter: String,
    /// The place of the first one wanted; without it the last ones are.
    pub first: Option<u64>,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// A bottle's life: started, stopped, frozen.
    Life,
    /// What a bottle may do became another.
    Change,
    /// The operator said yes, or answered.
    Yes,
    /// The operator said no.
    No,
    /// Somebody was there, or was handed something.
    Access,
    /// It did not go as it should.
    Trouble,
}

/// An entry as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its number in the file.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The bottle's id.
    pub bottle: String,
    /// What kind of thing it is.
    pub kind: AuditKind,
    /// What happened, in one line. Hostile text in parts.
    pub words: String,
    /// All that is known of it, as label and value. Hostile text in parts.
    pub facts: Vec<(String, String)>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLook {
    /// The place of the first row among those that pass.
    pub first: u64,
    /// A window of them.
    pub rows: Vec<AuditRow>,
    /// How many pass.
    pub passing: u64,
    /// How many entries the file has.
    pub entries: u64,
    /// What is wrong with the file, if something is.
    pub fault: Option<String>,
    /// Whether the filter is no regular expression, and stands for itself.
    pub is_plain: bool,
}

impl AuditLook {
    fn has(&self, place: u64) -> bool {
        (self.first..self.end()).contains(&place)
    }

    const fn end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }
}

/// The page of the audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The bottles that were marked when it was opened.
    pub marked: Vec<BottleRef>,
    /// The one bottle that is looked at alone.
    pub only: Option<BottleRef>,
    /// The filter in force.
    pub filter: String,
    /// The filter that is typed.
    pub typed: String,
    /// What was read last.
    pub look: Option<Box<AuditLook>>,
    /// Why nothing could be read.
    pub problem: Option<String>,
    /// The selected place; without one the last is, whatever is added.
    pub at: Option<u64>,
    pub(super) ticket: u64,
    /// What was asked for.
    pub(super) asked: Option<AuditWish>,
    /// Whether the answer is on its way.
    pub(super) is_reading: bool,
}

impl AuditPage {
    /// How many entries pass.
    #[must_use]
    pub fn passing(&self) -> u64 {
        self.look.as_ref().map_or(0, |look| look.passing)
    }

    /// The selected place, if there is any entry.
    #[must_use]
    pub fn place(&self) -> Option<u64> {
        let last = self.passing().checked_sub(1)?;
        Some(self.at.unwrap_or(last).min(last))
    }

    /// The entry at a place, if it is in the window.
    #[must_use]
    pub fn row(&self, place: u64) -> Option<&AuditRow> {
        let look = self.look.as_ref()?;
        let at = usize::try_from(place.checked_sub(look.first)?).ok()?;
        look.rows.get(at)
    }

    /// The selected entry.
    #[must_use]
    pub fn selected(&self) -> Option<&AuditRow> {
        self.row(self.place()?)
    }

    /// The bottles that it is about.
    #[must_use]
    pub fn of(&self) -> Vec<BottleRef> {
        match &self.only {
            Some(one) => vec![one.clone()],
            None => self.marked.clone(),
        }
    }

    /// What is wanted now.
    pub(super) fn wish(&self) -> AuditWish {
        let (of, filter) = (self.of(), self.filter.clone());
        let first = self.at.and_then(|at| self.first_for(at, &of, &filter));
        AuditWish { of, filter, first }
    }

    /// Where the window is to begin for a place: where it does, while that has all around
    /// the place that there is.
    fn first_for(&self, at: u64, of: &[BottleRef], filter: &str) -> Option<u64> {
        let asked = self.asked.as_ref();
        let asked = asked.filter(|asked| asked.of == of && asked.filter == filter);
        let centred = at.saturating_sub(AUDIT_WINDOW / 2);
        let Some((asked, look)) = asked.zip(self.look.as_ref()) else {
            return Some(centred);
        };
        let last = look.passing.saturating_sub(1);
        let (low, high) = (at.saturating_sub(MARGIN), (at + MARGIN).min(last));
        if look.has(low) && look.has(high) || self.is_reading {
            asked.first
        } else {
            Some(centred)
        }
    }

    /// Moves the selection. Going up stops following; reaching the end follows again.
    pub(super) fn step(&mut self, step: i64) {
        let Some(place) = self.place() else {
            return;
        };
        let by = step.unsigned_abs();
        let last = self.passing().saturating_sub(1);
        let place = if step < 0 {
            place.saturating_sub(by)
        } else {
            place.saturating_add(by).min(last)
        };
        self.at = (step < 0 || place < last).then_some(place);
    }

    /// Selects a place.
    pub(super) fn select(&mut self, place: u64) {
        if place < self.passing() {
            self.at = Some(place);
        }
    }

    /// Other entries pass from now on.
    pub(super) fn start_over(&mut self) {
        self.at = None;
        self.look = None;
        self.problem = None;
        self.asked = None;
        self.is_reading = false;
    }
}
