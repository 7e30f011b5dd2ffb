//! The page: options, filter, search, the window and the place in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{
    LogEra, LogExtent, LogFilter, LogHits, LogReach, LogRow, LogSubject, LogWindowWish, LogWish,
};
use super::walk::At;
use crate::wire::{Role, TerminalSize};

/// Columns of the margin, of a time, and of a role's name.
const MARGIN: usize = 1;
const TIME: usize = 9;
const NAME: usize = 10;
/// Columns of a name on a narrow page: its first letter.
const LETTER: usize = 2;
/// From here on names are whole.
const ROOMY: u16 = 60;
/// Lines in memory at least, so that a small page is not read for again and again.
const LEAST_LINES: u32 = 60;
/// Pages in memory above and below what is in sight.
const PAGES: u32 = 2;

/// Where the page is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum LogPlace {
    /// At the end, wherever that is.
    #[default]
    Follow,
    /// From a line on.
    At {
        /// The line.
        top: u64,
        /// Rows of it above the page.
        row: u32,
    },
}

/// How lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogOptions {
    /// With their times.
    pub has_times: bool,
    /// Wrapped to the page.
    pub wraps: bool,
    /// JSON as words.
    pub is_json: bool,
    /// The first column shown of lines that are not wrapped.
    pub column: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            has_times: true,
            wraps: false,
            is_json: true,
            column: 0,
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSearch {
    /// The text: a regular expression, or what is looked for as it stands.
    pub text: String,
    /// How often it was found.
    pub hits: LogHits,
    /// The line where one is now, and which of all hits it is, from 1.
    pub current: Option<(u64, u64)>,
    /// From where the next hit is being looked for, and whether down, until it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeking: Option<(u64, bool)>,
    /// Hits that are to be gone on from that one: down, or up where it is negative. Keys
    /// may come faster than answers, and each counts from where the one before led.
    #[serde(default)]
    pub steps: i32,
}

impl LogSearch {
    /// A search that found nothing yet.
    #[must_use]
    pub fn of(text: String) -> Self {
        Self {
            text,
            hits: LogHits::default(),
            current: None,
            seeking: None,
            steps: 0,
        }
    }
}

/// A line that the operator drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// It is below this line of the log.
    pub after: u64,
    /// When it was drawn.
    pub at: Timestamp,
}

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogPromptKind {
    /// What to look for.
    Find,
    /// What lines must hold.
    With,
    /// What they must not.
    Without,
}

/// A line that is being typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPrompt {
    /// What for.
    pub kind: LogPromptKind,
    /// What was typed.
    pub text: String,
}

/// The page of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogPage {
    /// Counts what was looked at; news of another one are dropped.
    pub ticket: u64,
    /// Whose log it is; `None` while no log is looked at.
    pub subject: Option<LogSubject>,
    /// How far back it is read.
    pub reach: LogReach,
    /// How lines are shown.
    pub options: LogOptions,
    /// Which lines are shown.
    pub filter: LogFilter,
    /// What is looked for.
    pub search: Option<LogSearch>,
    /// Where it is read.
    pub place: LogPlace,
    /// Which lines there are.
    pub extent: LogExtent,
    /// How many lines the log had when the page was paused.
    pub paused_at: u64,
    /// Lines that the operator drew.
    pub marks: Vec<LogMark>,
    /// What is being typed.
    pub prompt: Option<LogPrompt>,
    /// What a copy or a save of this log said last.
    pub broken: Option<String>,
    /// The size of the page; that of the terminal until the view said it.
    pub area: TerminalSize,
    pub(in crate::state) era: LogEra,
    pub(in crate::state) first: u64,
    pub(in crate::state) rows: Vec<LogRow>,
    /// Whether anything was heard of it.
    pub(in crate::state) is_loaded: bool,
    /// What was asked for last.
    pub(in crate::state) wish: Option<LogWish>,
    /// Containers whose log ended, and whether they were seen not to run since.
    pub(in crate::state) ended: BTreeMap<Role, bool>,
}

impl LogPage {
    /// Takes new numbers: what was `from` is `to`, and so many lines came in before. Gives
    /// what is being looked for still, from where and whether down: in the old numbers it
    /// gets no answer.
    pub(in crate::state) fn take_move(
        &mut self,
        (era, from, to): (LogEra, u64, u64),
        added: u64,
        extent: LogExtent,
    ) -> Option<(u64, bool)> {
        let moved = |number: u64| number.saturating_add(to).saturating_sub(from);
        self.era = era;
        self.paused_at = self.paused_at.saturating_add(added);
        if let LogPlace::At { top, .. } = &mut self.place {
            *top = moved(*top).clamp(extent.first, extent.end.max(extent.first));
        }
        self.first = moved(self.first);
        for mark in &mut self.marks {
            mark.after = mark.after.saturating_add(added);
        }
        for row in &mut self.rows {
            row.line = row.line.saturating_add(added);
        }
        self.extent = extent;
        let search = self.search.as_mut()?;
        search.current = None;
        search.seeking.map(|(from, is_down)| (moved(from), is_down))
    }

    /// A line in memory.
    #[must_use]
    pub fn row(&self, number: u64) -> Option<&LogRow> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.rows.get(at)
    }

    /// One after the number of the last line in memory.
    pub(in crate::state) fn window_end(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// Whether anything was heard of the log.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// Whether names of roles stand before lines.
    #[must_use]
    pub fn has_names(&self) -> bool {
        let sources = self
            .subject
            .as_ref()
            .map_or(0, |subject| subject.sources.len());
        sources > 1 && self.filter.roles.roles().len() != 1
    }

    /// Columns of the name before a line.
    #[must_use]
    pub fn name_columns(&self) -> usize {
        match (self.has_names(), self.area.columns) {
            (false, _) => 0,
            (true, ROOMY..) => NAME,
            (true, _) => LETTER,
        }
    }

    /// Columns before the text of a line.
    #[must_use]
    pub fn head_columns(&self) -> usize {
        let time = if self.options.has_times { TIME } else { 0 };
        MARGIN + time + self.name_columns()
    }

    /// Columns of the text.
    #[must_use]
    pub fn text_columns(&self) -> usize {
        usize::from(self.area.columns)
            .saturating_sub(self.head_columns())
            .max(2)
    }

    /// The marks that are drawn below a line.
    pub fn marks_after(&self, number: u64) -> impl Iterator<Item = &LogMark> {
        let line = self.row(number).map(|row| row.line);
        let next = self.row(number + 1).map(|row| row.line);
        self.marks.iter().filter(move |mark| {
            line.is_some_and(|line| line <= mark.after) && next.is_none_or(|next| mark.after < next)
        })
    }

    /// Where drawing begins: a line, and how many rows of it are above the page.
    #[must_use]
    pub fn begin(&self) -> (u64, usize) {
        let At { top, row } = self.at();
        (top, usize::try_from(row).unwrap_or(usize::MAX))
    }

    /// Lines that came since the page was paused; not told where some are kept back.
    #[must_use]
    pub fn new_lines(&self) -> u64 {
        match self.place {
            LogPlace::At { .. } if self.filter.is_empty() => {
                self.extent.lines.saturating_sub(self.paused_at)
            }
            LogPlace::Follow | LogPlace::At { .. } => 0,
        }
    }

    /// Another log is looked at, or the same one anew: only how lines are shown stays.
    pub(in crate::state) fn renew(&mut self, subject: Option<LogSubject>) {
        *self = Self {
            ticket: self.ticket + 1,
            subject,
            reach: self.reach,
            options: LogOptions {
                column: 0,
                ..self.options
            },
            area: self.area,
            ..Self::default()
        };
    }

    /// Goes to a place. Where nothing is below it, the end is followed.
    pub(in crate::state) fn go(&mut self, at: At) {
        if at >= self.last_page() {
            self.place = LogPlace::Follow;
            return;
        }
        if self.place == LogPlace::Follow {
            self.paused_at = self.extent.lines;
        }
        let At { top, row } = at;
        self.place = LogPlace::At { top, row };
    }

    /// Goes up or down by rows.
    pub(in crate::state) fn step(&mut self, step: i64) {
        let rows = u32::try_from(step.unsigned_abs()).unwrap_or(u32::MAX);
        match (step, rows) {
            (i64::MIN..0, u32::MAX) => {
                let top = self.extent.first;
                self.go(At { top, row: 0 });
            }
            (_, u32::MAX) => self.place = LogPlace::Follow,
            (i64::MIN..0, rows) => {
                let at = self.up(self.at(), rows);
                // At the end of a short log there is nothing to pause for.
                self.go(at);
            }
            (_, rows) => match self.place {
                LogPlace::Follow => {}
                LogPlace::At { top, row } => {
                    let at = self.down(At { top, row }, rows);
                    self.go(at);
                }
            },
        }
    }

    /// Brings a line into sight, a third of the page above it.
    pub(in crate::state) fn show_line(&mut self, number: u64) {
        let begin = self.at();
        let end = self.sight_end();
        if self.row(number).is_some() && number > begin.top && number + 1 < end {
            if self.place == LogPlace::Follow {
                self.paused_at = self.extent.lines;
                let At { top, row } = begin;
                self.place = LogPlace::At { top, row };
            }
            return;
        }
        let at = At {
            top: number,
            row: 0,
        };
        let at = self.up(at, u32::from(self.area.rows / 3));
        if self.place == LogPlace::Follow {
            self.paused_at = self.extent.lines;
        }
        let At { top, row } = at.min(self.last_page());
        self.place = LogPlace::At { top, row };
    }

    /// What is wanted of the app now.
    pub(in crate::state) fn wishes(&self) -> LogWish {
        LogWish {
            filter: self.filter.clone(),
            search: self
                .search
                .as_ref()
                .map(|search| search.text.clone())
                .unwrap_or_default(),
            is_json: self.options.is_json,
            window: self.window_wish(),
            keeps: self.at().top,
        }
    }

    fn window_wish(&self) -> LogWindowWish {
        let rows = u32::from(self.area.rows.max(1));
        let around = (rows * PAGES).max(LEAST_LINES);
        let LogPlace::At { top, .. } = self.place else {
            return LogWindowWish::End {
                lines: rows + around,
            };
        };
        let wanted = LogWindowWish::At {
            era: self.era,
            first: top.saturating_sub(u64::from(around)).max(self.extent.first),
            lines: rows + 2 * around,
        };
        let Some(LogWindowWish::At { era, first, lines }) =
            self.wish.as_ref().map(|wish| wish.window)
        else {
            return wanted;
        };
        // What was asked for serves until its ends are near.
        let near = u64::from(around / 2);
        let covers_top = first <= top.saturating_sub(near).max(self.extent.first);
        let covers_end = top + u64::from(rows) + near <= first + u64::from(lines) || first > top;
        if era == self.era && covers_top && covers_end {
            LogWindowWish::At { era, first, lines }
        } else {
            wanted
        }
    }
}
