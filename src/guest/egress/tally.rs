//! Counting what was let out and refused, within bounds: who floods it with names pushes
//! out what was counted least, and never what is used.

use jiff::Timestamp;

use crate::policy::Reason;
use crate::wire::{Hits, HostHits, Passed, RefusedHits, RouteHits, RouteKey};

/// Where a request that was let out is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// The route that let it out.
    pub(super) route: RouteKey,
    /// Its host.
    pub(super) host: String,
}

/// Counts a request that was let out by one of the routes `in_force`.
pub(super) fn request(hits: &mut Hits, passage: &Passage, in_force: &[RouteKey], now: Timestamp) {
    connection(hits, passage, in_force, now);
    pass(hits, passage, |passed| {
        passed.requests = passed.requests.saturating_add(1);
    });
}

/// Notes that a route was of use, though nothing was asked on the connection.
pub(super) fn connection(
    hits: &mut Hits,
    passage: &Passage,
    in_force: &[RouteKey],
    now: Timestamp,
) {
    make_room_for_route(hits, passage, in_force);
    if !hits.hosts.iter().any(|known| known.host == passage.host) {
        make_room_for_host(hits, passage);
    }
    pass(hits, passage, |passed| {
        passed.last = passed.last.max(Some(to_the_second(now)));
    });
}

/// Counts bytes of a request that was let out.
pub(super) fn carried(hits: &mut Hits, passage: &Passage, sent: u64, received: u64) {
    pass(hits, passage, |passed| {
        passed.sent_bytes = passed.sent_bytes.saturating_add(sent);
        passed.received_bytes = passed.received_bytes.saturating_add(received);
    });
}

/// Counts something that was refused.
pub(super) fn refused(hits: &mut Hits, host: &str, reason: Reason, now: Timestamp) {
    let now = to_the_second(now);
    let mut known = hits.refused.iter_mut();
    if let Some(known) = known.find(|known| known.host == host && known.reason == reason) {
        known.times = known.times.saturating_add(1);
        known.last = known.last.max(now);
        return;
    }
    if hits.refused.len() >= Hits::MAX_REFUSED {
        let least = take_least(&mut hits.refused, |known| (known.times, known.last));
        let times = least.map_or(0, |least| least.times);
        hits.more_refused = hits.more_refused.saturating_add(times);
    }
    hits.refused.push(RefusedHits {
        host: host.to_owned(),
        reason,
        times: 1,
        last: now,
    });
}

fn pass(hits: &mut Hits, passage: &Passage, change: impl Fn(&mut Passed)) {
    let mut routes = hits.routes.iter_mut();
    match routes.find(|known| known.route == passage.route) {
        Some(known) => change(&mut known.passed),
        None => change(&mut hits.more_routes),
    }
    let mut hosts = hits.hosts.iter_mut();
    match hosts.find(|known| known.host == passage.host) {
        Some(known) => change(&mut known.passed),
        // A request that goes on while others pushed its host out.
        None => change(&mut hits.more_hosts),
    }
}

/// A place for the route, if one is to be had: routes that are gone make room.
fn make_room_for_route(hits: &mut Hits, passage: &Passage, in_force: &[RouteKey]) {
    let is_known = |known: &RouteHits| known.route == passage.route;
    if hits.routes.iter().any(is_known) {
        return;
    }
    if hits.routes.len() >= Hits::MAX_ROUTES {
        let gone = hits.routes.iter().enumerate();
        let gone = gone
            .filter(|(_, known)| !in_force.contains(&known.route))
            .min_by_key(|(_, known)| known.passed.last)
            .map(|(at, _)| at);
        match gone {
            Some(at) => drop(hits.routes.swap_remove(at)),
            None => return,
        }
    }
    hits.routes.push(RouteHits {
        route: passage.route.clone(),
        passed: Passed::default(),
        spent: None,
    });
}

fn make_room_for_host(hits: &mut Hits, passage: &Passage) {
    if hits.hosts.len() >= Hits::MAX_HOSTS {
        let least = take_least(&mut hits.hosts, |known| {
            (known.passed.requests, known.passed.last)
        });
        if let Some(least) = least {
            hits.more_hosts.add(&least.passed);
        }
    }
    hits.hosts.push(HostHits {
        host: passage.host.clone(),
        passed: Passed::default(),
    });
}

fn take_least<T, K: Ord>(all: &mut Vec<T>, key: impl Fn(&T) -> K) -> Option<T> {
    let least = all.iter().enumerate().min_by_key(|(_, one)| key(one))?.0;
    Some(all.swap_remove(least))
}

/// Fractions of a second would be most of what is told.
fn to_the_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::policy::{HostName, Provenance, Route};

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn passage(host: &str) -> Passage {
        let name = HostName::parse(host).unwrap();
        Passage {
            route: RouteKey::of(&Route::to(name, vec![443], Provenance::Builtin)),
            host: host.to_owned(),
        }
    }

    fn none() -> Hits {
        Hits::since(at(0))
    }

    fn ask(hits: &mut Hits, host: &str, second: i64) {
        let passage = passage(host);
        let in_force = std::slice::from_ref(&passage.route);
        request(hits, &passage, in_force, at(second));
    }

    #[test]
    fn requests_and_bytes_count_for_their_route_and_host() {
        let mut hits = none();
        ask(&mut hits, "a.example", 3);
        ask(&mut hits, "a.example", 2);
        ask(&mut hits, "b.example", 1);
        carried(&mut hits, &passage("a.example"), 5, 7);
        let passed = Passed {
            requests: 2,
            sent_bytes: 5,
            received_bytes: 7,
            last: Some(at(3)),
        };
        assert_eq!(hits.routes[0].passed, passed);
        assert_eq!(hits.hosts[0].passed, passed);
        assert_eq!(hits.hosts[1].passed.requests, 1);
        assert_eq!((hits.more_routes, hits.more_hosts), Default::default());
    }

    #[test]
    fn refusals_count_by_host_and_reason() {
        let mut hits = none();
        for (host, reason) in [
            ("a.example", Reason::HostNotAllowed),
            ("a.example", Reason::PathNotAllowed),
            ("a.example", Reason::HostNotAllowed),
        ] {
            refused(&mut hits, host, reason, at(9));
        }
        let told = hits.refused.iter().map(|one| (one.reason, one.times));
        let told: Vec<_> = told.collect();
        let expected = [(Reason::HostNotAllowed, 2), (Reason::PathNotAllowed, 1)];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_flood_of_names_pushes_out_no_name_that_was_asked_for_more_often() {
        let mut hits = none();
        for _ in 0..2 {
            ask(&mut hits, "kept.example", 1);
            refused(&mut hits, "kept.example", Reason::HostNotAllowed, at(1));
        }
        for number in 0..1_000 {
            let host = format!("n{number}.example");
            ask(&mut hits, &host, 2);
            refused(&mut hits, &host, Reason::HostNotAllowed, at(2));
        }
        assert_eq!(hits.hosts.len(), Hits::MAX_HOSTS);
        assert_eq!(hits.refused.len(), Hits::MAX_REFUSED);
        assert!(hits.hosts.iter().any(|known| known.host == "kept.example"));
        let refusals = hits.refused.iter();
        let sum: u64 = refusals.map(|known| known.times).sum();
        assert_eq!(sum + hits.more_refused, 1_002);
        let hosts = hits.hosts.iter();
        let sum: u64 = hosts.map(|known| known.passed.requests).sum();
        assert_eq!(sum + hits.more_hosts.requests, 1_002);
        // Bytes of one that was pushed out are in the sum of the rest.
        let out = (0..1_000).map(|number| format!("n{number}.example"));
        let is_out = |host: &String| hits.hosts.iter().all(|known| known.host != *host);
        let out = out.into_iter().find(is_out).unwrap();
        carried(&mut hits, &passage(&out), 1, 1);
        assert_eq!(hits.more_hosts.bytes(), 2);
    }

    #[test]
    fn routes_that_are_gone_make_room_and_those_in_force_do_not() {
        let mut hits = none();
        let most = i64::try_from(Hits::MAX_ROUTES).unwrap();
        for number in 0..most {
            ask(&mut hits, &format!("n{number}.example"), number);
        }
        // All are gone but the first, which was used longest ago.
        let in_force = [passage("n0.example").route, passage("new.example").route];
        request(&mut hits, &passage("new.example"), &in_force, at(most));
        assert_eq!(hits.routes.len(), Hits::MAX_ROUTES);
        let told = |host: &str, hits: &Hits| {
            let key = passage(host).route;
            hits.routes.iter().any(|known| known.route == key)
        };
        assert!(told("n0.example", &hits) && told("new.example", &hits));
        assert!(!told("n1.example", &hits), "the oldest that is gone");
        assert_eq!(hits.more_routes, Passed::default());
        let keys = hits.routes.iter().map(|known| known.route.clone());
        let keys: Vec<RouteKey> = keys.collect();
        request(&mut hits, &passage("late.example"), &keys, at(most));
        assert!(!told("late.example", &hits));
        assert_eq!(hits.more_routes.requests, 1);
    }
}
