//! Accepting connections, as many as the sidecar can bear.
//!
//! Who is served takes a seat, of which there are few: it may cost two handshakes and
//! their buffers. Who waits for the operator costs next to nothing and gives its seat
//! back meanwhile; `holds` bounds how many wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::proxy::{Proxy, Room};
use super::resolve::Resolve;

/// Connections served at once, those aside that wait for the operator. An agent with its
/// tools opens some dozens.
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
                    if let Some(seat) = rooms.take() {
                        let proxy = Arc::clone(&proxy);
                        connections.spawn(async move { proxy.serve(client, seat).await });
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

    /// Takes a seat to be served in, or else one to be told in.
    pub(super) fn take(&self) -> Option<Seat> {
        let of = |room, seats: &Arc<Semaphore>| {
            let permit = Arc::clone(seats).try_acquire_owned().ok()?;
            let seats = Some(Arc::clone(seats));
            let permit = Some(permit);
            Some(Seat {
                room,
                seats,
                permit,
            })
        };
        of(Room::Some, &self.served).or_else(|| of(Room::None, &self.told))
    }
}

/// One connection's place among those that are served, given back with it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) room: Room,
    seats: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Seat {
    /// A seat of no door, for a connection that a test makes.
    #[cfg(test)]
    pub(super) const fn single(room: Room) -> Self {
        Self {
            room,
            seats: None,
            permit: None,
        }
    }

    /// Leaves the seat to others.
    pub(super) fn leave(&mut self) {
        self.permit = None;
    }

    /// Takes a seat again, in its turn; says whether there was one in time.
    pub(super) async fn take_again(&mut self, limit: Duration) -> bool {
        let Some(seats) = self.seats.clone() else {
            return true;
        };
        let taken = timeout(limit, seats.acquire_owned()).await;
        self.permit = taken.ok().and_then(Result::ok);
        self.permit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::super::rig::{Rig, read_head, route};
    use super::*;
    use crate::policy::{RouteSet, Unlisted};

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn rooms_run_out_in_two_steps_and_come_back() {
        let rooms = Rooms::new(1, 1);
        let first = rooms.take().unwrap();
        let second = rooms.take().unwrap();
        assert_eq!((first.room, second.room), (Room::Some, Room::None));
        assert!(rooms.take().is_none());
        drop(first);
        assert_eq!(rooms.take().unwrap().room, Room::Some);
    }

    #[tokio::test(start_paused = true)]
    async fn who_left_its_seat_sits_down_before_those_who_come_later() {
        let rooms = Rooms::new(1, 1);
        let mut waits = rooms.take().unwrap();
        waits.leave();
        let serves = rooms.take().unwrap();
        assert_eq!(serves.room, Room::Some, "the seat was free");
        assert!(!waits.take_again(LIMIT).await, "nobody stood up");
        let leave = async {
            tokio::task::yield_now().await;
            drop(serves);
            rooms.take().unwrap().room
        };
        let (sits, later) = tokio::join!(waits.take_again(LIMIT), leave);
        assert!(sits);
        assert_eq!(later, Room::None);
    }

    /// One seat: who waits for the operator leaves it to another, and when it is let
    /// through it waits for the other to stand up.
    #[tokio::test]
    async fn a_held_connection_keeps_nobody_out_and_is_served_in_its_turn() {
        let rig = Rig::new(Vec::new());
        let mut asking = RouteSet::of(vec![route("open.example", 443)]);
        asking.unlisted = Unlisted::Ask { seconds: 60 };
        rig.proxy.swap(asking.clone(), 2).unwrap();
        let rooms = Rooms::new(1, 1);
        let serve = |name: &str| {
            let (mut client, end) = tokio::io::duplex(1 << 10);
            let (proxy, seat) = (Arc::clone(&rig.proxy), rooms.take().unwrap());
            tokio::spawn(async move { proxy.serve(end, seat).await });
            let ask = format!("CONNECT {name}:443 HTTP/1.0\r\n\r\n");
            async move {
                client.write_all(ask.as_bytes()).await.unwrap();
                (read_head(&mut client).await, client)
            }
        };
        let held = tokio::spawn(serve("held.example"));
        while rig.proxy.holds.is_empty() || rooms.served.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        let (head, open) = serve("open.example").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        asking.routes.push(route("held.example", 443));
        rig.proxy.swap(asking, 3).unwrap();
        while !rig.proxy.holds.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!held.is_finished(), "the seat is taken");
        drop(open);
        let (head, _client) = held.await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    }
}
