//! What approving several requests of one bottle would do, each shown against what those
//! before it make of the bottle.
//!
//! A verdict names the spec that its request was shown against, and an answer to the
//! first changes that spec. So the second is shown against the spec that the first makes:
//! if that does not come to be, its verdict does not count.

use super::granted::takes_a_change;
use super::requests::findings;
use crate::request::{RequestRecord, Terms, next_spec};
use crate::spec::{Digest, Spec};
use crate::state::RequestLook;

/// Looks at requests in the order in which they would be done: what changes routes alone
/// first, which takes no time, then by number. Those that are set apart change nothing.
pub(super) fn chain(
    (mut spec, mut digest): (Spec, Digest),
    mut requests: Vec<RequestRecord>,
    terms: Terms,
) -> Vec<(RequestRecord, RequestLook)> {
    requests.sort_by_key(|one| (takes_a_change(&one.ask), one.id));
    let mut looks = Vec::with_capacity(requests.len());
    for request in requests {
        let found = findings(&spec, request.id, &request.ask);
        let found = found.map_err(|problem| problem.to_string());
        let look = RequestLook::of(&spec, digest, &request, None, found);
        if look.set_apart(&request.ask).is_none()
            && let Ok(step) = next_spec(&spec, request.id, &request.ask, terms)
            && let Ok(next) = step.spec.digest()
        {
            spec = step.spec;
            digest = next;
        }
        looks.push((request, look));
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Ask, RequestState};
    use crate::state::fixture::{record, route_ask, spec};

    fn looks(asks: Vec<Ask>) -> Vec<(RequestRecord, RequestLook)> {
        let asks = (1..).zip(asks);
        let requests = asks.map(|(id, ask)| record(id, ask, 9, RequestState::Pending));
        let digest = spec().digest().unwrap();
        chain((spec(), digest), requests.collect(), Terms::default())
    }

    #[test]
    fn each_is_shown_against_what_those_before_it_make() {
        let looks = looks(vec![route_ask("crates.io"), route_ask("docs.rs")]);
        let [(request, first), (_, second)] = looks.as_slice() else {
            panic!("two were asked for");
        };
        assert_eq!(first.spec, spec().digest().unwrap());
        let step = next_spec(&spec(), 1, &request.ask, Terms::default()).unwrap();
        assert_eq!(second.spec, step.spec.digest().unwrap());
        assert_ne!(first.spec, second.spec);
    }

    #[test]
    fn what_is_set_apart_is_not_reckoned_with() {
        let image = Ask::Image {
            dockerfile: String::from("FROM debian:12\nUSER agent\n"),
        };
        let looks = looks(vec![image.clone(), route_ask("docs.rs"), image]);
        // Routes come first, whatever their number.
        let order: Vec<u64> = looks.iter().map(|(request, _)| request.id).collect();
        assert_eq!(order, [2, 1, 3]);
        assert!(looks[1].1.set_apart(&looks[1].0.ask).is_some());
        assert_eq!(looks[1].1.spec, looks[2].1.spec);
    }
}
