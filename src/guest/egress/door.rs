//! Accepting connections, as many as the sidecar can bear.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::proxy::{Proxy, Room};
use super::resolve::Resolve;

/// Connections served at once. An agent with its tools opens some dozens.
pub(super) const SERVED: usize = 512;
/// Connections that are being told that there is no room. More are closed unread.
pub(super) const TOLD: usize = 32;
/// After the kernel refused a connection (no more files, no memory), wait for some to end.
const RECOVERY: Duration = Duration::from_millis(50);

/// Serves the door for as long as it is polled; dropping it ends every connection.
pub(super) async fn serve<R: Resolve>(door: &UnixListener, proxy: Arc<Proxy<R>>) {
    let rooms = Rooms::new(SERVED, TOLD);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = door.accept() => match accepted {
                Ok((client, _)) => {
                    if let Some((room, place)) = rooms.take() {
                        let proxy = Arc::clone(&proxy);
                        connections.spawn(async move {
                            proxy.serve(client, room).await;
                            drop(place);
                        });
                    }
                }
                Err(_) => sleep(RECOVERY).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

pub(super) struct Rooms {
    served: Arc<Semaphore>,
    told: Arc<Semaphore>,
}

impl Rooms {
    pub(super) fn new(served: usize, told: usize) -> Self {
        Self {
            served: Arc::new(Semaphore::new(served)),
            told: Arc::new(Semaphore::new(told)),
        }
    }

    /// Takes a place to be served in, or else one to be told in.
    pub(super) fn take(&self) -> Option<(Room, OwnedSemaphorePermit)> {
        let of = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        of(&self.served)
            .map(|place| (Room::Some, place))
            .or_else(|| of(&self.told).map(|place| (Room::None, place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_run_out_in_two_steps_and_come_back() {
        let rooms = Rooms::new(1, 1);
        let first = rooms.take().unwrap();
        let second = rooms.take().unwrap();
        assert_eq!((first.0, second.0), (Room::Some, Room::None));
        assert!(rooms.take().is_none());
        drop(first);
        assert_eq!(rooms.take().unwrap().0, Room::Some);
    }
}
