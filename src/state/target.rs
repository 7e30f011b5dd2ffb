//! What the pointer can act on: parts of the screen, by what they show.

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::sighting::BottleRef;
use super::view::{RowName, Tab};

/// A part of the screen that the pointer can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "target", rename_all = "snake_case")]
pub enum Target {
    /// A row of the list.
    Row {
        /// Which.
        row: RowName,
    },
    /// The head of a group in the list.
    Group {
        /// Its name.
        name: String,
    },
    /// The list, beside its rows.
    List,
    /// The wall between list and detail.
    Wall,
    /// A column of the screen, while the wall is held.
    Column {
        /// Which, from 0.
        at: u16,
    },
    /// The rule above what needs the operator.
    Rule,
    /// A row of the screen, while that is held.
    Line {
        /// Which, from 0.
        at: u16,
    },
    /// The name of a page.
    Tab {
        /// Which.
        tab: Tab,
    },
    /// The body of the detail.
    Detail,
    /// A decision in the list.
    Decision {
        /// Its place.
        at: usize,
    },
    /// One of several sessions side by side.
    Tile {
        /// Its place.
        at: usize,
    },
    /// Something that needs the operator.
    Need {
        /// Whose.
        bottle: BottleRef,
        /// Whether it is what an agent asks for.
        is_request: bool,
    },
    /// A row of the inbox.
    Inbox {
        /// Its place.
        at: usize,
    },
    /// A request in the list of a bottle's.
    Request {
        /// Its place.
        at: usize,
    },
    /// A row of the builds.
    Build {
        /// Its place.
        at: usize,
    },
    /// An entry of the audit.
    Entry {
        /// Its place among those that pass.
        at: u64,
    },
    /// A key in the footer.
    Key {
        /// What it does.
        command: Command,
    },
    /// A line of the picker, counted among the agents shown.
    Offer {
        /// Which.
        at: usize,
    },
    /// What lies over everything, beside its lines.
    Modal,
    /// Nothing that acts.
    Nothing,
}
