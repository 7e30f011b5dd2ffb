//! The session line: a client and the PTY host in the agent container.
//!
//! A client says [`ClientToSession::Hello`]; the host answers with
//! [`SessionToClient::Hello`], then [`SessionToClient::Snapshot`], then one bytes
//! frame that draws screen, scrollback and modes on a fresh terminal, then the
//! stream as bytes frames, cut exactly where the snapshot ends. A client that does
//! not drain loses its backlog and gets a new snapshot.

use serde::{Deserialize, Serialize};

/// Columns and rows of a terminal, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Default for TerminalSize {
    fn default() -> Self {
        Self {
            columns: 80,
            rows: 24,
        }
    }
}

/// What a client wants of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachMode {
    /// Types and leads the size while it was the last to type.
    Interactive,
    /// Reads only: its bytes are dropped, its size is ignored.
    Watch,
}

/// From a client to the PTY host. Typed bytes travel as bytes frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientToSession {
    /// The first message.
    Hello {
        /// [`super::VERSION`].
        version: u32,
        /// What the client wants.
        mode: AttachMode,
        /// The size of the client's terminal.
        size: TerminalSize,
    },
    /// The client's terminal changed its size.
    Resize {
        /// The new size.
        size: TerminalSize,
    },
    /// Values of the variables that [`super::InitConfig::handed_over`] names. Sent
    /// once, before the session starts; never logged, recorded or answered with.
    HandOver {
        /// The variables.
        env: std::collections::BTreeMap<String, String>,
    },
    /// Keeps the line alive.
    Ping,
}

/// From the PTY host to a client. Terminal output travels as bytes frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SessionToClient {
    /// The first message.
    Hello {
        /// [`super::VERSION`].
        version: u32,
        /// The size of the PTY now.
        size: TerminalSize,
    },
    /// The next bytes frame starts from a fresh terminal of this size.
    Snapshot {
        /// The size of the PTY now.
        size: TerminalSize,
        /// Bytes frames of the snapshot that follow before the stream goes on.
        frames: u32,
    },
    /// The PTY changed its size; the stream goes on.
    Resized {
        /// The new size.
        size: TerminalSize,
    },
    /// The values were taken; the session starts.
    HandOverTaken,
    /// The program ended; nothing follows.
    Ended {
        /// How it ended.
        exit: super::SessionExit,
    },
    /// The client cannot be served.
    Refused {
        /// Why, for the operator.
        why: String,
    },
    /// Keeps the line alive.
    Pong,
}
