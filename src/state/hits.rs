//! What routes let out and hosts were refused, in words, for the console and the command
//! line alike.

use jiff::Timestamp;

use super::age::age;
use super::cost::short;
use crate::policy::{Budget, Effect, Route};
use crate::wire::{Passed, RouteHits, Spent};

/// What a route let out, such as `41 requests, 5.4MB, 2m`, the last being when. One that
/// never did is `unused`; where it is not known, nothing is claimed.
#[must_use]
pub fn hits_words(route: &Route, hits: Option<&RouteHits>, now: Timestamp) -> String {
    match hits {
        // What it refuses is counted with its host.
        _ if route.effect == Effect::Deny => String::new(),
        None => String::from("not counted"),
        Some(hits) if hits.passed.requests == 0 => String::from("unused"),
        Some(hits) => passed_words(&hits.passed, now),
    }
}

/// What was let out, such as `41 requests, 5.4MB, 2m`, the last being when.
#[must_use]
pub fn passed_words(passed: &Passed, now: Timestamp) -> String {
    let plural = if passed.requests == 1 { "" } else { "s" };
    let mut words = format!(
        "{} request{plural}, {}B",
        short(passed.requests),
        short(passed.bytes())
    );
    if let Some(last) = passed.last {
        words = format!("{words}, {}", age(now, last));
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};
    use crate::wire::RouteKey;

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
        assert_eq!(words(passed), "1 request, 5.4kB, 2m");
        assert_eq!(hits_words(&route(), None, now), "not counted");
        let mut never = route();
        never.effect = Effect::Deny;
        assert_eq!(hits_words(&never, None, now), "");
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
