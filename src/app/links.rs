//! The lines to hubs that the console holds anyway, lent to what it tells their bottles:
//! a line of its own costs an answer the start of a program in the bottle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::hub::HubView;
use crate::spec::BottleId;
use crate::wire::{ConsoleToHub, HubToConsole};

/// Messages to a hub that may wait to be written.
const WAITING_ORDERS: usize = 16;
/// Messages of a hub that who talks with it may be behind; more end the talk.
const WAITING_NEWS: usize = 1_024;

/// The lines that are held, by bottle. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(Arc<Mutex<BTreeMap<BottleId, Link>>>);

#[derive(Debug)]
struct Link {
    /// To whoever talks over it. A queue of its own for each of them: hundreds of lines
    /// are held and hardly any is talked over, so none may cost memory for that.
    listeners: Vec<mpsc::Sender<HubToConsole>>,
    /// Tells this line from an earlier one of the same bottle.
    orders: mpsc::Sender<ConsoleToHub>,
    view: HubView,
    /// Whether the view is all that the hub holds.
    is_live: bool,
}

/// One end of a talk over a line that is held by somebody else.
#[derive(Debug)]
pub(super) struct Borrowed {
    pub(super) news: mpsc::Receiver<HubToConsole>,
    pub(super) orders: mpsc::Sender<ConsoleToHub>,
}

/// The holder's end of a line; nobody talks over it any more when this is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    links: Links,
    id: BottleId,
    told: mpsc::Sender<ConsoleToHub>,
    orders: mpsc::Receiver<ConsoleToHub>,
}

impl Links {
    /// Offers a line to whoever wants to talk with this bottle.
    pub(super) fn lend(&self, id: &BottleId) -> Lent {
        let (to_hub, orders) = mpsc::channel(WAITING_ORDERS);
        let told = to_hub.clone();
        let link = Link {
            listeners: Vec::new(),
            orders: to_hub,
            view: HubView::default(),
            is_live: false,
        };
        self.all().insert(id.clone(), link);
        Lent {
            links: self.clone(),
            id: id.clone(),
            told,
            orders,
        }
    }

    /// Borrows the line to a bottle, with all that its hub holds. What the hub says
    /// afterwards comes over it.
    pub(super) fn borrow(&self, id: &BottleId) -> Option<(Borrowed, HubView)> {
        let mut links = self.all();
        let link = links.get_mut(id).filter(|link| link.is_live)?;
        let (listener, news) = mpsc::channel(WAITING_NEWS);
        link.listeners.push(listener);
        let borrowed = Borrowed {
            news,
            orders: link.orders.clone(),
        };
        Some((borrowed, link.view.clone()))
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<BottleId, Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// Takes note of what the hub said, and passes it on to who talks with it.
    pub(super) fn heard(&self, message: &HubToConsole) {
        let mut links = self.links.all();
        let Some(link) = links.get_mut(&self.id).filter(|link| self.is(link)) else {
            return;
        };
        if *message == HubToConsole::Live {
            link.is_live = true;
        }
        if let HubToConsole::Missed { .. } = message {
            // All is told again, and what ended meanwhile is not told at all.
            link.view = HubView::default();
            link.is_live = false;
        }
        link.view.hear(message);
        // Who stopped listening needs no news, and who is too far behind gets no more.
        link.listeners
            .retain(|listener| listener.try_send(message.clone()).is_ok());
    }

    /// The next message for the hub. Cancel-safe; never ends.
    pub(super) async fn order(&mut self) -> ConsoleToHub {
        match self.orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }

    fn is(&self, link: &Link) -> bool {
        link.orders.same_channel(&self.told)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut links = self.links.all();
        if links.get(&self.id).is_some_and(|link| self.is(link)) {
            links.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Role, RoleReport, RoleState};

    fn ready(role: Role) -> HubToConsole {
        HubToConsole::Report {
            role,
            report: RoleReport::State {
                state: RoleState::Ready,
            },
        }
    }

    fn bottle() -> BottleId {
        BottleId::parse("api-k3x9q").unwrap()
    }

    #[test]
    fn a_line_is_lent_from_when_all_is_known_until_it_ends() {
        let (links, id) = (Links::default(), bottle());
        assert!(links.borrow(&id).is_none());
        let lent = links.lend(&id);
        lent.heard(&ready(Role::Egress));
        assert!(links.borrow(&id).is_none(), "not all is known");
        lent.heard(&HubToConsole::Live);
        let (mut borrowed, view) = links.borrow(&id).unwrap();
        assert_eq!(view.roles.get(&Role::Egress), Some(&RoleState::Ready));
        lent.heard(&ready(Role::Agent));
        assert_eq!(borrowed.news.try_recv().unwrap(), ready(Role::Agent));
        let (_, view) = links.borrow(&id).unwrap();
        assert!(view.roles.contains_key(&Role::Agent));
        lent.heard(&HubToConsole::Missed { count: 3 });
        assert!(links.borrow(&id).is_none(), "something was missed");
        lent.heard(&HubToConsole::Live);
        let (_, view) = links.borrow(&id).unwrap();
        assert!(view.roles.is_empty());
        drop(lent);
        assert!(links.borrow(&id).is_none());
    }

    #[test]
    fn the_end_of_an_earlier_line_ends_no_later_one() {
        let (links, id) = (Links::default(), bottle());
        let earlier = links.lend(&id);
        let later = links.lend(&id);
        later.heard(&HubToConsole::Live);
        earlier.heard(&ready(Role::Egress));
        drop(earlier);
        let (_, view) = links.borrow(&id).unwrap();
        assert!(view.roles.is_empty());
    }

    #[test]
    fn who_is_too_far_behind_hears_what_waited_and_then_the_end() {
        let (links, id) = (Links::default(), bottle());
        let lent = links.lend(&id);
        lent.heard(&HubToConsole::Live);
        let (mut slow, _) = links.borrow(&id).unwrap();
        for _ in 0..=WAITING_NEWS {
            lent.heard(&ready(Role::Agent));
        }
        let mut heard = 0;
        while slow.news.try_recv().is_ok() {
            heard += 1;
        }
        assert_eq!(heard, WAITING_NEWS);
        assert!(slow.news.is_closed());
        assert!(links.borrow(&id).is_some(), "the line itself goes on");
    }

    #[tokio::test]
    async fn what_is_ordered_comes_to_the_holder() {
        let (links, id) = (Links::default(), bottle());
        let mut lent = links.lend(&id);
        lent.heard(&HubToConsole::Live);
        let (borrowed, _) = links.borrow(&id).unwrap();
        borrowed.orders.send(ConsoleToHub::Ping).await.unwrap();
        assert_eq!(lent.order().await, ConsoleToHub::Ping);
    }
}
