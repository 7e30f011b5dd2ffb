//! The rows of the inbox, ranked by who is blocked and for how long.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{InboxName, InboxPage, InboxRow, MOST_ANSWERED, RequestRef};
use crate::request::{RequestRecord, RequestState};
use crate::spec::Digest;
use crate::state::bottle::Bottle;
use crate::wire::{Activity, Role, RoleState};

/// Who waits how, the most urgent first: a connection whose time runs out, an agent that
/// cannot go on, one that does nothing meanwhile, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Held,
    Paused,
    Locked,
    Blocked,
    Waits,
}

/// How urgent a row is: its rank, then the time that counts there.
type Urgency = (Rank, Timestamp);
/// Those that ask the same, with when each did, and how urgent the most urgent is.
type Alike = (Urgency, Vec<(RequestRef, Timestamp)>);

/// The rows of a page, and how many the other page has.
pub(in crate::state) fn rows(
    bottles: &[Bottle],
    page: InboxPage,
    opened: &BTreeSet<Digest>,
) -> (Vec<InboxRow>, usize) {
    match page {
        InboxPage::Waiting => (waiting(bottles, opened), answered_count(bottles)),
        InboxPage::Answered => {
            let none = BTreeSet::new();
            (answered(bottles), waiting(bottles, &none).len())
        }
    }
}

fn waiting(bottles: &[Bottle], opened: &BTreeSet<Digest>) -> Vec<InboxRow> {
    let mut ranked: Vec<(Urgency, InboxRow)> = Vec::new();
    let mut alike: BTreeMap<Digest, Alike> = BTreeMap::new();
    for bottle in bottles {
        ranked.extend(of_egress(bottle));
        let rank = if does_nothing(bottle) {
            Rank::Blocked
        } else {
            Rank::Waits
        };
        for request in bottle.pending() {
            let key = (rank, request.first);
            let (best, members) = alike
                .entry(request.digest)
                .or_insert_with(|| (key, Vec::new()));
            *best = key.min(*best);
            members.push((reference(bottle, request), request.first));
        }
    }
    ranked.extend(alike.into_iter().map(|(digest, (key, mut members))| {
        members.sort_by_key(|(_, first)| *first);
        let since = members.first().map_or(key.1, |(_, first)| *first);
        let row = InboxRow {
            name: InboxName::Same { digest },
            requests: members.into_iter().map(|(request, _)| request).collect(),
            since,
            is_member: false,
        };
        (key, row)
    }));
    ranked.sort_by(|(one, a), (two, b)| one.cmp(two).then_with(|| a.name.cmp(&b.name)));
    let mut rows = Vec::with_capacity(ranked.len());
    for (_, row) in ranked {
        let is_open = matches!(&row.name, InboxName::Same { digest } if opened.contains(digest));
        let members = if is_open && row.requests.len() > 1 {
            members(&row)
        } else {
            Vec::new()
        };
        rows.push(row);
        rows.extend(members);
    }
    rows
}

/// What egress asks for itself.
fn of_egress(bottle: &Bottle) -> Vec<(Urgency, InboxRow)> {
    if !bottle.runs(Role::Egress) {
        return Vec::new();
    }
    let row = |name, since| InboxRow {
        name,
        requests: Vec::new(),
        since,
        is_member: false,
    };
    let of = || bottle.bottle.clone();
    let mut found = Vec::new();
    for hold in bottle.hub.holds.values() {
        let name = InboxName::Hold {
            bottle: of(),
            hold: hold.id,
        };
        found.push(((Rank::Held, hold.until), row(name, hold.at)));
    }
    if let Some(pause) = bottle.pause() {
        let name = InboxName::Paused { bottle: of() };
        found.push(((Rank::Paused, pause.since), row(name, pause.since)));
    }
    if let Some(RoleState::Locked { .. }) = bottle.hub.roles.get(&Role::Egress) {
        let since = bottle.since().unwrap_or(Timestamp::UNIX_EPOCH);
        let name = InboxName::Locked { bottle: of() };
        found.push(((Rank::Locked, since), row(name, since)));
    }
    found
}

/// Whether its agent is known to do nothing until somebody says something.
fn does_nothing(bottle: &Bottle) -> bool {
    let session = bottle.hub.session.as_ref();
    session.is_some_and(|session| matches!(session.activity, Activity::Waiting | Activity::Idle))
}

fn members(row: &InboxRow) -> Vec<InboxRow> {
    let member = |request: &RequestRef| InboxRow {
        name: InboxName::Request {
            request: request.clone(),
        },
        requests: vec![request.clone()],
        since: row.since,
        is_member: true,
    };
    row.requests.iter().map(member).collect()
}

fn reference(bottle: &Bottle, request: &RequestRecord) -> RequestRef {
    RequestRef {
        bottle: bottle.bottle.clone(),
        id: request.id,
    }
}

fn answered(bottles: &[Bottle]) -> Vec<InboxRow> {
    let mut found: Vec<(Timestamp, RequestRef)> = Vec::new();
    for bottle in bottles {
        let requests = bottle.hub.requests.values();
        found.extend(requests.filter_map(|request| {
            let at = request.state.at()?;
            Some((at, reference(bottle, request)))
        }));
    }
    found.sort_by(|one, two| two.cmp(one));
    found.truncate(MOST_ANSWERED);
    let row = |(since, request): (Timestamp, RequestRef)| InboxRow {
        name: InboxName::Request {
            request: request.clone(),
        },
        requests: vec![request],
        since,
        is_member: false,
    };
    found.into_iter().map(row).collect()
}

fn answered_count(bottles: &[Bottle]) -> usize {
    let requests = bottles
        .iter()
        .flat_map(|bottle| bottle.hub.requests.values());
    requests
        .filter(|one| !matches!(one.state, RequestState::Pending))
        .count()
        .min(MOST_ANSWERED)
}
