//! The log that is looked at: a task that holds it on disk, serves what the state wishes
//! to see of it, and looks through it.
//!
//! The end of the log comes first, by a short question to the engine. What was before is
//! read behind it into a file of its own; when that is whole, the lines that came
//! meanwhile are put after it, and it takes the place of the first. Nothing here waits on
//! the thread of the loop: files are read and written, and lines searched, on threads for
//! that.

mod desk;
mod found;
mod gather;
mod orders;
mod rows;
mod saved;
mod show;
mod source;
mod view;

use tokio::sync::{mpsc, watch};

use self::desk::{Desk, Looked};
use super::Console;
use crate::state::{LogOrder, LogReach, LogSubject, LogWish};

/// Orders that may wait; a press of a key is one.
const WAITING_ORDERS: usize = 16;
/// The task's name.
const NAME: &str = "log";

/// How the loop reaches the task.
#[derive(Debug)]
pub(super) struct LogDesk {
    ticket: u64,
    /// The last wish is the one that counts.
    wishes: watch::Sender<LogWish>,
    orders: mpsc::Sender<LogOrder>,
}

impl Console<'_> {
    /// Looks at a log.
    pub(super) fn follow_log(
        &mut self,
        ticket: u64,
        subject: LogSubject,
        reach: LogReach,
        wish: LogWish,
    ) {
        let (wishes, wished) = watch::channel(wish);
        let (orders, ordered) = mpsc::channel(WAITING_ORDERS);
        let looked = Looked {
            ticket,
            bottle: subject.bottle.clone(),
            folder: self.cellar.store.cache_folder(),
            saved: self.cellar.store.root().join("saved-logs"),
        };
        let engine = std::sync::Arc::clone(&self.cellar.engine);
        let events = self.events.clone();
        let bottle = Some(subject.bottle.clone());
        let work = Desk::run(engine, subject, reach, (looked, events), (wished, ordered));
        self.tasks.start(String::from(NAME), bottle, work);
        self.log_desk = Some(LogDesk {
            ticket,
            wishes,
            orders,
        });
    }

    pub(super) fn wish_log(&mut self, ticket: u64, wish: LogWish) {
        if let Some(desk) = self.log_desk.as_ref().filter(|desk| desk.ticket == ticket) {
            desk.wishes.send_replace(wish);
        }
    }

    /// Passes an order on. One too many is dropped: the key can be pressed again.
    pub(super) fn order_log(&mut self, ticket: u64, order: LogOrder) {
        if let Some(desk) = self.log_desk.as_ref().filter(|desk| desk.ticket == ticket) {
            drop(desk.orders.try_send(order));
        }
    }

    pub(super) fn stop_log(&mut self, ticket: u64) {
        if self
            .log_desk
            .as_ref()
            .is_some_and(|desk| desk.ticket == ticket)
        {
            self.log_desk = None;
            self.tasks.end(NAME);
        }
    }

    /// Tells the state when the page of logs has another size.
    pub(super) fn fit_log(&mut self) -> std::io::Result<()> {
        match crate::ui::log_area(&self.state) {
            Some(area) if area != self.state.view.logs.area => {
                self.take(crate::state::Event::LogArea { area })
            }
            _ => Ok(()),
        }
    }
}
