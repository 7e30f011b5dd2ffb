//! What page and app tell each other of a log, as plain data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::sighting::BottleRef;
use crate::wire::Role;

/// Bytes that are put into the clipboard at most: 100,000 in base 64, which terminals take.
pub const MOST_COPIED: usize = 74_994;

/// A container whose log is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogContainer {
    /// Its role.
    pub role: Role,
    /// The engine's id of it.
    pub container: String,
}

/// Whose log is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSubject {
    /// The bottle.
    pub bottle: BottleRef,
    /// Its containers, or the one of them that is selected.
    pub sources: Vec<LogContainer>,
}

/// How far back a log is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogReach {
    /// To its first line.
    #[default]
    All,
    /// An hour.
    Hour,
    /// A quarter of an hour.
    Quarter,
    /// Five minutes.
    FiveMinutes,
    /// A minute.
    Minute,
    /// The last lines, as many as come at once.
    Tail,
}

impl LogReach {
    /// Seconds back from now, where it is a time.
    #[must_use]
    pub const fn seconds(self) -> Option<i64> {
        match self {
            Self::All | Self::Tail => None,
            Self::Hour => Some(3_600),
            Self::Quarter => Some(900),
            Self::FiveMinutes => Some(300),
            Self::Minute => Some(60),
        }
    }

    /// It in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Hour => "last 1h",
            Self::Quarter => "last 15m",
            Self::FiveMinutes => "last 5m",
            Self::Minute => "last 1m",
            Self::Tail => "tail",
        }
    }
}

/// Whose lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogRoles {
    /// Of all containers.
    #[default]
    All,
    /// Of the agent's.
    Agent,
    /// Of the egress proxy's.
    Egress,
    /// Of the hub's.
    Supervise,
    /// Of the agent's and the egress proxy's.
    AgentAndEgress,
}

impl LogRoles {
    /// The next choice.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Agent,
            Self::Agent => Self::Egress,
            Self::Egress => Self::Supervise,
            Self::Supervise => Self::AgentAndEgress,
            Self::AgentAndEgress => Self::All,
        }
    }

    /// The roles; all of them if there are none.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::All => &[],
            Self::Agent => &[Role::Agent],
            Self::Egress => &[Role::Egress],
            Self::Supervise => &[Role::Supervise],
            Self::AgentAndEgress => &[Role::Agent, Role::Egress],
        }
    }
}

/// Which lines are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogFilter {
    /// Whose.
    pub roles: LogRoles,
    /// What they hold; anything if it is empty.
    pub with: String,
    /// What they do not hold; nothing is kept back if it is empty.
    pub without: String,
}

impl LogFilter {
    /// Whether every line is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Counts up whenever the numbers of lines change.
pub type LogEra = u64;

/// Which lines are wanted in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "window", rename_all = "snake_case")]
pub enum LogWindowWish {
    /// The last ones, again whenever there are new ones.
    End {
        /// How many.
        lines: u32,
    },
    /// Those from a number on.
    At {
        /// The era of the number.
        era: LogEra,
        /// The number.
        first: u64,
        /// How many.
        lines: u32,
    },
}

/// All that is wanted of a log that is looked at. A later wish takes the place of one
/// before; what that had begun is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogWish {
    /// Which lines are shown.
    pub filter: LogFilter,
    /// What is looked for; nothing if it is empty.
    pub search: String,
    /// Whether JSON is shown as words.
    pub is_json: bool,
    /// Which lines are wanted in memory.
    pub window: LogWindowWish,
    /// The number of the line that should stay in sight when numbers change.
    pub keeps: u64,
}

/// Something to be done once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum LogOrder {
    /// Find the nearest line that holds what is looked for. Answers with `Sought`, when
    /// enough was looked through.
    Seek {
        /// The era of the number.
        era: LogEra,
        /// Where to begin.
        from: u64,
        /// Whether to look down from there, itself included, or up.
        is_down: bool,
    },
    /// Write the lines that are shown into a file. Answers with `Saved`.
    Save,
    /// Copy the lines that were found. Answers with `Copied`.
    CopyFound,
    /// Read a line whole. Answers with `Entry`.
    Entry {
        /// The era of the number.
        era: LogEra,
        /// The number.
        number: u64,
    },
    /// Go on following a container that runs again.
    Resume {
        /// Its role.
        role: Role,
    },
}

/// What a piece of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaintKind {
    /// The name of a field.
    Key,
    /// How bad it is.
    Level(Severity),
    /// What was looked for.
    Hit,
    /// Our own words, such as that something was left out.
    Note,
}

/// How bad a line says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Trace or debug.
    Debug,
    /// Information.
    Info,
    /// A warning.
    Warning,
    /// An error or worse.
    Error,
}

/// A piece of a line's text that is drawn in a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paint {
    /// The first byte of it.
    pub from: u32,
    /// The first byte after it.
    pub to: u32,
    /// What it is.
    pub kind: PaintKind,
}

/// A line in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// Its number among all lines of the log, shown or not.
    pub line: u64,
    /// When the engine took it.
    pub at: Timestamp,
    /// Whose it is.
    pub role: Role,
    /// Whether it was written to standard error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// The text, made safe, and cut where it is very long.
    pub text: String,
    /// What of it is drawn in a way of its own; sorted, and none over another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paint: Vec<Paint>,
}

/// How much of what was before the tail is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "history", rename_all = "snake_case")]
pub enum LogHistory {
    /// It is being read.
    Reading {
        /// Lines so far.
        lines: u64,
    },
    /// All that was asked for is there.
    #[default]
    Whole,
    /// There was no room for its oldest part.
    LeftOut {
        /// Lines that were left out.
        lines: u64,
    },
    /// Only the tail was asked for, and there may be more.
    TailOnly,
    /// It could not be read.
    Broken {
        /// Why, for the operator.
        why: String,
    },
}

/// Which lines there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogExtent {
    /// The number of the first line that is shown.
    pub first: u64,
    /// One after that of the last.
    pub end: u64,
    /// One after the number of the last line of the log, shown or not.
    pub lines: u64,
    /// What was before.
    pub history: LogHistory,
    /// Percent of the log that a new filter has looked through, while it does.
    pub filtering: Option<u8>,
}

/// How many lines hold what is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHits {
    /// So many.
    pub total: u64,
    /// Percent of the log that was looked through, while that lasts.
    pub percent: Option<u8>,
    /// Whether it was no regular expression, and was looked for as it stands.
    pub is_plain: bool,
}

/// Where a log was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedLog {
    /// The file.
    pub path: String,
    /// Lines in it.
    pub lines: u64,
}

/// News of a log that is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum LogNews {
    /// Lines that are wanted in memory.
    Lines {
        /// The era of the numbers.
        era: LogEra,
        /// The number of the first.
        first: u64,
        /// The lines.
        rows: Vec<LogRow>,
        /// Which lines there are.
        extent: LogExtent,
    },
    /// There is more than there was, not among the lines that are wanted in memory.
    Grew {
        /// The era of the numbers.
        era: LogEra,
        /// Which lines there are.
        extent: LogExtent,
    },
    /// A new era began.
    Moved {
        /// The era.
        era: LogEra,
        /// A number in the era before.
        from: u64,
        /// What it is now.
        to: u64,
        /// Lines that came in before all others.
        added: u64,
        /// Which lines there are.
        extent: LogExtent,
    },
    /// What was looked for.
    Hits {
        /// How often it was found.
        hits: LogHits,
    },
    /// Where the next line is that holds it.
    Sought {
        /// The era of the number.
        era: LogEra,
        /// Its number, and which of all hits it is, from 1; `None` if there is no hit.
        at: Option<(u64, u64)>,
        /// Whether it was looked for from the other end again.
        is_round: bool,
    },
    /// A line whole.
    Entry {
        /// What it is.
        title: String,
        /// Its text, over several lines where it is JSON.
        text: String,
    },
    /// The found lines, for the clipboard.
    Copied {
        /// Their text.
        text: String,
        /// How many they are.
        lines: u64,
        /// How many there was no room for.
        left_out: u64,
    },
    /// The log was saved, or not and why.
    Saved {
        /// How it went.
        result: Result<SavedLog, String>,
    },
    /// A container's log ended, or broke.
    Ended {
        /// The container's role.
        role: Role,
        /// Why, if it did not end with its container.
        why: Option<String>,
    },
    /// Nothing more will come.
    Broken {
        /// Why, for the operator.
        why: String,
    },
}
