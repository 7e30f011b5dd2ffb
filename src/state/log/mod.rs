//! The page of logs: which log is looked at, where, and what of it is in memory.
//!
//! The log itself is on disk, in the hands of the app. The state keeps a window of some
//! pages, a place, and what it asked for; lines have numbers that say where they stand
//! among those that pass the filter. When these numbers change (a filter, history that
//! came in before them) an **era** ends: what is asked for or told carries its era, and
//! what is of another one is dropped.

mod command;
mod json;
mod model;
mod page;
mod walk;

pub use command::LogCommand;
pub use json::{is_json, pretty};
pub use model::{
    LogContainer, LogEra, LogExtent, LogFilter, LogHistory, LogHits, LogNews, LogOrder, LogReach,
    LogRoles, LogRow, LogSubject, LogWindowWish, LogWish, MOST_COPIED, Paint, PaintKind, SavedLog,
    Severity,
};
pub use page::{LogMark, LogOptions, LogPage, LogPlace, LogPrompt, LogPromptKind, LogSearch};
pub use walk::wrap_places;
