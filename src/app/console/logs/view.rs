//! The lines that are shown: all of a spill, or those that pass a filter.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::found::Found;
use crate::state::LogFilter;
use crate::store::{LineTest, Pattern, Spill};

/// The lines that are shown, each with its number among them.
#[derive(Clone, Debug)]
pub(super) struct View {
    spill: Arc<Spill>,
    /// `None` if all are.
    found: Option<Arc<Found>>,
}

impl View {
    pub(super) const fn of(spill: Arc<Spill>, found: Option<Arc<Found>>) -> Self {
        Self { spill, found }
    }

    pub(super) const fn spill(&self) -> &Arc<Spill> {
        &self.spill
    }

    pub(super) const fn found(&self) -> Option<&Arc<Found>> {
        self.found.as_ref()
    }

    /// The number of the first line, and one after that of the last.
    pub(super) fn range(&self) -> io::Result<(u64, u64)> {
        match &self.found {
            None => {
                let extent = self.spill.extent();
                Ok((extent.first, extent.end))
            }
            Some(found) => Ok((found.first(&self.spill)?, found.list.len())),
        }
    }

    /// The lines of the log that have these numbers.
    pub(super) fn lines(&self, numbers: Range<u64>) -> io::Result<Vec<u64>> {
        match &self.found {
            None => {
                let extent = self.spill.extent();
                let first = numbers.start.max(extent.first);
                Ok((first..numbers.end.min(extent.end)).collect())
            }
            Some(found) => {
                let first = numbers.start.max(found.first(&self.spill)?);
                found.list.get(first..numbers.end)
            }
        }
    }

    /// The line of the log that has a number; the end of the log if none has.
    pub(super) fn line(&self, number: u64) -> io::Result<u64> {
        let line = self.lines(number..number.saturating_add(1))?;
        Ok(line.first().copied().unwrap_or(self.spill.extent().end))
    }

    /// The number of a line of the log, or of the next one that is shown.
    pub(super) fn number(&self, line: u64) -> io::Result<u64> {
        match &self.found {
            None => Ok(line),
            Some(found) => found.list.place_of(line),
        }
    }
}

/// The test that a filter stands for.
pub(super) fn test_of(filter: &LogFilter) -> LineTest {
    LineTest {
        roles: filter.roles.roles().to_vec(),
        with: Pattern::new(&filter.with).into_iter().collect(),
        without: Pattern::new(&filter.without).into_iter().collect(),
    }
}
