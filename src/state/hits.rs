//! What routes let out and hosts were refused, in words, for the console and the command
//! line alike.

use jiff::Timestamp;

use super::age::age;
use super::bottle::Bottle;
use super::budget::{room_words, spent_words};
use super::cost::short;
use super::spec_rows::{RouteRow, SpecRow};
use crate::policy::{Budget, Effect, Route};
use crate::wire::{Hits, Passed, RouteHits, RouteKey, Spent};

/// What a route let out, such as `41 requests, 5.4MB, 2m ago`, the last being when. One
/// that never did is `unused`; where it is not known, nothing is claimed.
#[must_use]
pub fn hits_words(route: &Route, hits: Option<&RouteHits>, now: Timestamp) -> String {
    match hits {
        // What it refuses is counted with its host.
        _ if route.effect == Effect::Deny => String::new(),
        None => String::from("not counted"),
        Some(hits) if hits.passed.last.is_none() => String::from("unused"),
        Some(hits) => passed_words(&hits.passed, now),
    }
}

/// What was let out, such as `41 requests, 5.4MB, 2m ago`, the last being when.
#[must_use]
pub(super) fn passed_words(passed: &Passed, now: Timestamp) -> String {
    let plural = if passed.requests == 1 { "" } else { "s" };
    let mut words = format!(
        "{} request{plural}, {}B",
        short(passed.requests),
        short(passed.bytes())
    );
    if let Some(last) = passed.last {
        words = format!("{words}, {}", ago(now, last));
    }
    words
}

/// When something was last, in words.
fn ago(now: Timestamp, last: Timestamp) -> String {
    match age(now, last).as_str() {
        "now" => String::from("just now"),
        age => format!("{age} ago"),
    }
}

/// A budget and what is spent of it, such as `3 of 5 requests, 1.0kB of 2.0MB`; empty
/// where there is none.
#[must_use]
pub fn budget_words(budget: &Budget, spent: Option<Spent>) -> String {
    let requests = budget.requests.map(|limit| match spent {
        Some(spent) => format!("{} of {} requests", short(spent.requests), short(limit)),
        None => format!("{} requests at most", short(limit)),
    });
    let bytes = budget.bytes.map(|limit| match spent {
        Some(spent) => format!("{}B of {}B", short(spent.bytes), short(limit)),
        None => format!("{}B at most", short(limit)),
    });
    let words: Vec<String> = requests.into_iter().chain(bytes).collect();
    words.join(", ")
}

/// What was refused beyond what is listed.
#[must_use]
pub fn more_words(times: u64) -> String {
    let plural = if times == 1 { "" } else { "s" };
    format!(
        "and {} time{plural} more, other hosts or reasons",
        short(times)
    )
}

/// What is known of a bottle's routes and refusals, in rows that a person reads. Hostile
/// text: the caller makes it safe to show.
pub(super) fn hits_rows(bottle: &Bottle, now: Timestamp) -> Vec<SpecRow> {
    let mut rows = Vec::new();
    let mut put = |label: &str, value: String| {
        rows.push(SpecRow {
            label: label.to_owned(),
            value,
        });
    };
    let hits = bottle.hub.hits.as_ref();
    match hits {
        Some(hits) => put("counted", format!("for {}", age(now, hits.since))),
        None => put("counted", String::from("nothing: egress does not say")),
    }
    // Where the page has few rows these stand here alone.
    let budgets = bottle.hub.budgets.as_ref();
    for (at, state) in budgets.iter().flat_map(|all| &all.budgets).enumerate() {
        let label = if at == 0 { "budgets" } else { "" };
        let percent = state.budget.percent(state.spent);
        let mut words = format!("{}, {percent} %", spent_words(state));
        let room = room_words(state, now);
        if !room.is_empty() {
            words = format!("{words}; {room}");
        }
        put(label, words);
    }
    if let Some(there) = &bottle.hub.routes {
        for (at, route) in there.routes.routes.iter().enumerate() {
            let row = RouteRow::at(route, hits, now);
            let facts = [row.hits, row.budget, row.remark, row.origin];
            let facts = facts.into_iter().filter(|fact| !fact.is_empty());
            let facts: Vec<String> = facts.collect();
            put(
                &format!("route {}", at + 1),
                format!("{}\n{}", row.target, facts.join("; ")),
            );
        }
    }
    if let Some(hits) = hits {
        counted_rows(hits, now, &mut put);
    }
    rows
}

fn counted_rows(hits: &Hits, now: Timestamp, put: &mut impl FnMut(&str, String)) {
    let mut refused: Vec<_> = hits.refused.iter().collect();
    refused.sort_by_key(|known| std::cmp::Reverse((known.times, known.last)));
    for (at, known) in refused.into_iter().enumerate() {
        let label = if at == 0 { "refused" } else { "" };
        let times = short(known.times);
        let (code, last) = (known.reason.code(), ago(now, known.last));
        put(label, format!("{times}× {}, {code}, {last}", known.host));
    }
    if hits.more_refused > 0 {
        put("", more_words(hits.more_refused));
    }
    let mut hosts: Vec<_> = hits.hosts.iter().collect();
    hosts.sort_by_key(|known| std::cmp::Reverse((known.passed.requests, known.passed.last)));
    for (at, known) in hosts.into_iter().enumerate() {
        let label = if at == 0 { "let out to" } else { "" };
        put(
            label,
            format!("{}, {}", known.host, passed_words(&known.passed, now)),
        );
    }
    if hits.more_hosts.requests > 0 {
        put(
            "",
            format!("other hosts, {}", passed_words(&hits.more_hosts, now)),
        );
    }
}

/// What a route let out and what of its budget is spent, as far as egress says so.
pub(super) fn route_words(route: &Route, hits: Option<&Hits>, now: Timestamp) -> (String, String) {
    let Some(hits) = hits else {
        return (String::new(), budget_words(&route.budget, None));
    };
    let known = hits.of(&RouteKey::of(route));
    let spent = known.as_ref().and_then(|known| known.spent);
    (
        hits_words(route, known.as_ref(), now),
        budget_words(&route.budget, spent),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};

    fn route() -> Route {
        let host = HostName::parse("a.example").unwrap();
        Route::to(host, vec![443], Provenance::Builtin)
    }

    #[test]
    fn a_route_says_what_it_let_out_or_that_it_never_did() {
        let now = Timestamp::from_second(1_000).unwrap();
        let words = |passed: Passed| {
            let hits = RouteHits {
                route: RouteKey::of(&route()),
                passed,
                spent: None,
            };
            hits_words(&route(), Some(&hits), now)
        };
        assert_eq!(words(Passed::default()), "unused");
        let passed = Passed {
            requests: 1,
            sent_bytes: 400,
            received_bytes: 5_000,
            last: Timestamp::from_second(880).ok(),
        };
        assert_eq!(words(passed), "1 request, 5.4kB, 2m ago");
        assert_eq!(hits_words(&route(), None, now), "not counted");
        let mut never = route();
        never.effect = Effect::Deny;
        assert_eq!(hits_words(&never, None, now), "");
    }

    /// A connection on which nothing was asked is use all the same.
    #[test]
    fn a_route_that_only_connected_is_not_unused() {
        let now = Timestamp::from_second(1_000).unwrap();
        let hits = RouteHits {
            route: RouteKey::of(&route()),
            passed: Passed {
                last: Some(now),
                ..Passed::default()
            },
            spent: None,
        };
        let words = hits_words(&route(), Some(&hits), now);
        assert_eq!(words, "0 requests, 0B, just now");
    }

    #[test]
    fn a_budget_says_what_is_spent_of_it() {
        let both = Budget {
            requests: Some(5),
            bytes: Some(2_000_000),
        };
        let spent = Spent {
            requests: 3,
            bytes: 1_000,
        };
        let words = budget_words(&both, Some(spent));
        assert_eq!(words, "3 of 5 requests, 1.0kB of 2.0MB");
        assert_eq!(
            budget_words(&both, None),
            "5 requests at most, 2.0MB at most"
        );
        assert_eq!(budget_words(&Budget::default(), Some(spent)), "");
    }
}
