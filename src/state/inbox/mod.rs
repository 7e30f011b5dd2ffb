//! Everything of all bottles that waits for the operator's answer, as one list.
//!
//! The list is made when something in it changed, never for a key or a frame; what
//! approving would do is looked up for the selected row alone. A row is known by its
//! name, so that the selection stays on what the operator reads, whatever comes.

mod draft;
mod look;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use draft::{
    Draft, DraftFinding, GrantTime, GrantUses, ManifestLook, ShownRequest, TermsDraft, TermsLine,
    scope_words,
};
pub use look::{ImageLook, LookFailure, Looked, RequestLook};
pub(super) use rows::rows;

use super::sighting::BottleRef;
use crate::request::{Ask, RequestRecord, RequestState};
use crate::spec::Digest;
use crate::wire::Role;

use super::bottle::Bottle;

/// Requests that were answered and are listed.
pub(super) const MOST_ANSWERED: usize = 200;

/// A request and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestRef {
    /// The bottle.
    pub bottle: BottleRef,
    /// Its number there.
    pub id: u64,
}

impl RequestRef {
    /// As the command line names it, such as `api-k3x9q/2`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.bottle.id, self.id)
    }
}

/// Which of its two lists the inbox shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxPage {
    /// What waits.
    #[default]
    Waiting,
    /// What was answered, the last first.
    Answered,
}

/// What a row is about, by name: rows move, names do not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum InboxName {
    /// A connection or a request that egress holds.
    Hold {
        /// Whose egress.
        bottle: BottleRef,
        /// Its number.
        hold: u64,
    },
    /// A bottle that waits because a budget is spent.
    Paused {
        /// Which.
        bottle: BottleRef,
    },
    /// A bottle whose egress misses values of secrets.
    Locked {
        /// Which.
        bottle: BottleRef,
    },
    /// The same asked by one bottle or by several.
    Same {
        /// The digest of what is asked.
        digest: Digest,
    },
    /// One request of several bottles' that are alike, or one that was answered.
    Request {
        /// Which.
        request: RequestRef,
    },
}

/// A row of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    /// What it is about.
    pub name: InboxName,
    /// The requests that an answer to it answers; none for what egress asks.
    pub requests: Vec<RequestRef>,
    /// When it began to wait, or was answered.
    pub since: jiff::Timestamp,
    /// Whether it stands below the row of those that are alike.
    pub is_member: bool,
}

impl InboxRow {
    /// The bottle that it is about; the first of several.
    #[must_use]
    pub fn bottle(&self) -> Option<&BottleRef> {
        match &self.name {
            InboxName::Hold { bottle, .. }
            | InboxName::Paused { bottle }
            | InboxName::Locked { bottle } => Some(bottle),
            InboxName::Same { .. } | InboxName::Request { .. } => {
                self.requests.first().map(|request| &request.bottle)
            }
        }
    }
}

/// What was asked to be looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    pub(super) requests: Vec<RequestRef>,
    pub(super) edited: Option<Box<Ask>>,
    /// What must stay as it is for the look to stay true: the request's state and the
    /// table of routes in force, of each.
    pub(super) stamp: Vec<(Digest, bool, u64)>,
}

/// The inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Which list is shown.
    pub page: InboxPage,
    /// Its rows, most urgent first.
    pub rows: Vec<InboxRow>,
    /// How many rows the list that is not shown would have.
    pub others: usize,
    /// The selected row; it exists whenever any row does.
    pub selected: Option<InboxName>,
    /// Where it stands.
    pub at: usize,
    /// Those that are alike and are shown each for itself.
    pub opened: BTreeSet<Digest>,
    /// Whether the selected one has the whole view.
    pub is_reading: bool,
    /// The first line shown of the selected one.
    pub scroll: usize,
    /// What is known of the selected one, once it was looked up.
    pub looked: Vec<Looked>,
    /// What the operator made of the selected one's content.
    pub edited: Option<Box<Ask>>,
    /// Those that a yes is for instead of the selected one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marked: BTreeSet<RequestRef>,
    /// Those whose answer is on its way.
    pub busy: BTreeSet<RequestRef>,
    /// Why the last answer to some did not count. A key of JSON is a text, so that a
    /// recorded state goes without.
    #[serde(skip)]
    pub notes: BTreeMap<RequestRef, String>,
    /// The bottle whose page of requests led here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) came_from: Option<BottleRef>,
    /// Whether something in the list changed.
    pub(super) is_stale: bool,
    /// Whether something else is selected.
    pub(super) is_unlooked: bool,
    pub(super) wish: Option<Wish>,
    pub(super) ticket: u64,
}

impl Inbox {
    /// The selected row.
    #[must_use]
    pub fn row(&self) -> Option<&InboxRow> {
        self.rows.get(self.at)
    }

    /// What was looked up of the first request of the selected row.
    #[must_use]
    pub fn look(&self) -> Option<&RequestLook> {
        self.looked.first()?.result.as_deref().ok()
    }
}

impl Bottle {
    /// What its agent asked for and nobody answered.
    pub(super) fn pending(&self) -> impl Iterator<Item = &RequestRecord> {
        let is_heard = self.runs(Role::Supervise);
        let requests = self.hub.requests.values();
        requests.filter(move |one| is_heard && matches!(one.state, RequestState::Pending))
    }
}
