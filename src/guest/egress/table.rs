//! The table of routes in force: swapped whole, numbered, and watched by everything
//! that is under way.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::guest::runtime::RoleError;
use crate::policy::{HostName, RouteProblem, RouteSet, ScanMode};
use crate::wire::RouteKey;

/// The longest wait for a route's end before the clock is looked at again.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Numbers tables; the operator's side counts them up.
pub(super) type Generation = u64;

/// Routes and their number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) routes: RouteSet,
    pub(super) generation: Generation,
    /// The routes' names, in their order.
    pub(super) keys: Vec<RouteKey>,
}

impl Table {
    /// Whether a host is let out by a pattern alone, so that the agent chose its name,
    /// and somebody wants names looked into.
    pub(super) fn watches_name(&self, host: &HostName) -> bool {
        let routes = self.routes.routes.iter();
        let mut named = routes.filter(|route| route.host.matches(host)).peekable();
        named.peek().is_some()
            && named
                .all(|route| route.host.exact().is_none() && route.scan.request != ScanMode::Off)
    }
}

/// A table that contradicts itself, which is put in force by nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("put routes in force that contradict themselves")]
pub(super) struct BadTable {
    /// The first contradiction.
    #[source]
    pub(super) problem: RouteProblem,
}

/// Holds the table in force.
#[derive(Debug)]
pub(super) struct RouteTable(watch::Sender<Arc<Table>>);

impl RouteTable {
    /// Begins with these routes.
    ///
    /// # Errors
    /// [`BadTable`] if they contradict themselves.
    pub(super) fn new(routes: RouteSet, generation: Generation) -> Result<Self, BadTable> {
        let table = checked(routes, generation)?;
        Ok(Self(watch::Sender::new(Arc::new(table))))
    }

    /// The table to decide by.
    pub(super) fn current(&self) -> Arc<Table> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts these routes in force for everything that is decided from now on, and wakes
    /// what is under way.
    ///
    /// # Errors
    /// [`BadTable`] if they contradict themselves; the table in force stays.
    pub(super) fn swap(&self, routes: RouteSet, generation: Generation) -> Result<(), BadTable> {
        let table = checked(routes, generation)?;
        self.0.send_replace(Arc::new(table));
        Ok(())
    }

    /// Tells of each new table; the one in force counts as seen.
    pub(super) fn changes(&self) -> watch::Receiver<Arc<Table>> {
        self.0.subscribe()
    }

    /// Ends once `is_allowed` is false for the table in force: at once, after a swap, or
    /// when a route expires. Cancel-safe.
    pub(super) async fn forbids(&self, is_allowed: impl Fn(&Table, Timestamp) -> bool) {
        let mut changes = self.0.subscribe();
        loop {
            let table = Arc::clone(&changes.borrow_and_update());
            let now = Timestamp::now();
            if !is_allowed(&table, now) {
                return;
            }
            let expired = async {
                match table.routes.next_expiry(now) {
                    // A clock that stepped is looked at again, however far off the end is.
                    Some(end) => sleep(wait_for(end, now)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = changes.changed() => {
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                () = expired => {}
            }
        }
    }
}

impl From<BadTable> for RoleError {
    fn from(error: BadTable) -> Self {
        Self::Prepare {
            what: "the routes",
            source: Box::new(error),
        }
    }
}

fn checked(routes: RouteSet, generation: Generation) -> Result<Table, BadTable> {
    match routes.problems().into_iter().next() {
        Some(problem) => Err(BadTable { problem }),
        None => Ok(Table {
            keys: routes.routes.iter().map(RouteKey::of).collect(),
            routes,
            generation,
        }),
    }
}

/// From now to a route's end, or to the next look at the clock.
fn wait_for(end: Timestamp, now: Timestamp) -> Duration {
    let wait = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    wait.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::ToSpan as _;

    use super::*;
    use crate::policy::{HostName, Provenance, Route};

    fn route(ports: &[u16]) -> Route {
        let host = HostName::parse("a.example").unwrap();
        Route::to(host, ports.to_vec(), Provenance::Builtin)
    }

    fn names(table: &Table, port: u16) -> bool {
        table
            .routes
            .routes
            .iter()
            .any(|route| route.ports.contains(&port))
    }

    #[tokio::test]
    async fn a_swap_wakes_who_watches_and_a_bad_table_changes_nothing() {
        let table = RouteTable::new(RouteSet::of(vec![route(&[443])]), 1).unwrap();
        let looks = AtomicUsize::new(0);
        let forbidden = table.forbids(|table, _| {
            looks.fetch_add(1, Ordering::Relaxed);
            names(table, 443)
        });
        let change = async {
            tokio::task::yield_now().await;
            assert!(table.swap(RouteSet::of(vec![route(&[])]), 2).is_err());
            assert_eq!(table.current().generation, 1);
            assert_eq!(table.swap(RouteSet::of(vec![route(&[443, 80])]), 2), Ok(()));
            tokio::task::yield_now().await;
            assert_eq!(looks.load(Ordering::Relaxed), 2);
            assert_eq!(table.swap(RouteSet::NONE, 3), Ok(()));
        };
        tokio::join!(forbidden, change);
        assert_eq!(looks.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_route_is_looked_at_again_when_it_ends_and_the_clock_each_minute() {
        let now = Timestamp::now();
        assert_eq!(wait_for(now + 7.seconds(), now), Duration::from_secs(7));
        assert_eq!(wait_for(now + 9.hours(), now), LONGEST_WAIT);
        assert_eq!(wait_for(now - 1.seconds(), now), Duration::ZERO);
    }
}
