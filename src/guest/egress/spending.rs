//! What passed on routes with a budget, in this life of the sidecar.
//!
//! A route is known by all that it says but its budget and what may pass the scanner on
//! it: changing those goes on counting.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::refusal::Refusal;
use crate::policy::{Budget, Reason, Route};
use crate::wire;

/// What passed on each route that has a budget.
#[derive(Debug, Default)]
pub(super) struct Spending(Mutex<HashMap<Route, Arc<Spent>>>);

/// What passed on one route.
#[derive(Debug, Default)]
struct Spent {
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// One request's share of a budget.
#[derive(Clone, Debug)]
pub(super) struct Share {
    spent: Arc<Spent>,
    bytes: Option<u64>,
}

impl Spending {
    /// Takes one request off a route's budget; nothing if it has none.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::BudgetSpent`].
    pub(super) fn take(&self, route: &Route) -> Result<Option<Share>, Refusal> {
        if route.budget == Budget::default() {
            return Ok(None);
        }
        let key = key(route);
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = Arc::clone(routes.entry(key).or_default());
        let is_full = |limit: Option<u64>, spent: &AtomicU64| {
            limit.is_some_and(|limit| spent.load(Ordering::Relaxed) >= limit)
        };
        if is_full(route.budget.requests, &spent.requests) {
            return Err(Refusal::new(Reason::BudgetSpent, "of requests"));
        }
        if is_full(route.budget.bytes, &spent.bytes) {
            return Err(Refusal::new(Reason::BudgetSpent, "of bytes"));
        }
        spent.requests.fetch_add(1, Ordering::Relaxed);
        drop(routes);
        Ok(Some(Share {
            spent,
            bytes: route.budget.bytes,
        }))
    }

    /// What is spent of a route's budget; nothing if it has none.
    pub(super) fn spent(&self, route: &Route) -> Option<wire::Spent> {
        if route.budget == Budget::default() {
            return None;
        }
        let key = key(route);
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = routes.get(&key);
        Some(
            spent.map_or_else(wire::Spent::default, |spent| wire::Spent {
                requests: spent.requests.load(Ordering::Relaxed),
                bytes: spent.bytes.load(Ordering::Relaxed),
            }),
        )
    }
}

fn key(route: &Route) -> Route {
    Route {
        budget: Budget::default(),
        scan_pass: BTreeSet::new(),
        ..route.clone()
    }
}

impl Share {
    /// Counts bytes of bodies. `false` once there are more than the budget has.
    pub(super) fn carried(&self, bytes: u64) -> bool {
        let before = self.spent.bytes.fetch_add(bytes, Ordering::Relaxed);
        let after = before.saturating_add(bytes);
        self.bytes.is_none_or(|limit| after <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};

    fn route(requests: Option<u64>, bytes: Option<u64>) -> Route {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host, vec![443], Provenance::Builtin);
        route.budget = Budget { bytes, requests };
        route
    }

    #[test]
    fn a_budget_ends_and_a_raised_one_goes_on_counting() {
        let spending = Spending::default();
        let small = route(Some(2), None);
        assert!(spending.take(&small).unwrap().is_some());
        assert!(spending.take(&small).unwrap().is_some());
        let refusal = spending.take(&small).unwrap_err();
        assert_eq!(refusal.reason, Reason::BudgetSpent);
        let raised = route(Some(3), None);
        assert!(spending.take(&raised).unwrap().is_some());
        assert!(spending.take(&raised).is_err());
        let spent = wire::Spent {
            requests: 3,
            bytes: 0,
        };
        assert_eq!(spending.spent(&raised), Some(spent));
        assert_eq!(spending.spent(&route(None, None)), None);
        assert!(spending.take(&route(None, None)).unwrap().is_none());
    }

    #[test]
    fn bytes_are_counted_over_requests() {
        let spending = Spending::default();
        let route = route(None, Some(10));
        let first = spending.take(&route).unwrap().unwrap();
        assert!(first.carried(6));
        let second = spending.take(&route).unwrap().unwrap();
        assert!(second.carried(4), "up to the last byte");
        assert!(!first.carried(1));
        assert!(spending.take(&route).is_err());
    }
}
