//! What keys mean on the page of logs beside moving.

use serde::{Deserialize, Serialize};

use super::model::LogReach;

/// What the operator wants of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "log", content = "how", rename_all = "snake_case")]
pub enum LogCommand {
    /// Type what to look for.
    Find,
    /// To the next line that holds it.
    Next,
    /// To the one before.
    Previous,
    /// Type what lines must hold to be shown.
    With,
    /// Type what lines must not hold.
    Without,
    /// How far back the log is read.
    Reach(LogReach),
    /// Whose lines are shown: of all containers, of one, of two.
    Roles,
    /// Show times or not.
    Times,
    /// Wrap long lines or not.
    Wrap,
    /// Show JSON as words or as it is.
    Json,
    /// To the left of long lines; back to the list from their beginning.
    Left,
    /// To the right of long lines.
    Right,
    /// Draw a line below what is there now.
    Mark,
    /// Copy what is in sight.
    Copy,
    /// Copy the lines that were found.
    CopyFound,
    /// Write what is shown into a file.
    Save,
    /// Read a line whole.
    Entry,
}
