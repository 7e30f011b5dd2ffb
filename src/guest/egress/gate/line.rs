//! What the gate and whoever answers its requests tell each other.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use tokio::sync::Notify;

use super::Phase;
use crate::guest::egress::ask::Shown;
use crate::guest::egress::authority::Fault;
use crate::guest::egress::head::Head;

/// Held by the gate, the service behind hyper and the connection's task.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct GateLine(Arc<Mutex<Line>>);

#[derive(Debug, Default)]
struct Line {
    asked: Option<Head>,
    answered: Option<Answered>,
    refused: Option<(Fault, Shown)>,
    spoiled: Option<Fault>,
    waker: Option<Waker>,
    /// How the gate tells that the client left, while a request waits for the operator.
    held: Option<Arc<Notify>>,
}

/// As long as it lives, the gate looks whether the client is still there.
#[derive(Debug)]
pub(in super::super) struct Watch {
    line: GateLine,
    left: Arc<Notify>,
}

impl Watch {
    /// Ends when the client ended its side of the connection. Cancel-safe.
    pub(in super::super) async fn left(&self) {
        self.left.notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.line.with(|line| line.held = None);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Whole,
    Switched,
}

impl GateLine {
    /// Takes the inspected head of the request that hyper just passed on.
    pub(in super::super) fn take_head(&self) -> Option<Head> {
        self.with(|line| line.asked.take())
    }

    /// Says that the answer was handed over whole: the next request may come.
    pub(in super::super) fn answered(&self) {
        self.answer(Answered::Whole);
    }

    /// Says that the protocol was switched: what follows passes unread.
    pub(in super::super) fn switched(&self) {
        self.answer(Answered::Switched);
    }

    /// Takes the fault of a head, which the gate answers itself.
    pub(in super::super) fn take_refused(&self) -> Option<(Fault, Shown)> {
        self.with(|line| line.refused.take())
    }

    /// The fault in the framing of a body, which whoever asked for the body answers.
    pub(in super::super) fn spoiled(&self) -> Option<Fault> {
        self.with(|line| line.spoiled)
    }

    /// Has the gate look whether the client is still there, which nobody else does while
    /// a request is neither answered nor read on.
    pub(in super::super) fn watch(&self) -> Watch {
        let left = Arc::new(Notify::new());
        self.with(|line| line.held = Some(Arc::clone(&left)));
        Watch {
            line: self.clone(),
            left,
        }
    }

    /// Whom to tell that the client left, if somebody waits for it.
    pub(super) fn watcher(&self) -> Option<Arc<Notify>> {
        self.with(|line| line.held.clone())
    }

    pub(super) fn ask(&self, head: Head) {
        self.with(|line| {
            line.asked = Some(head);
            line.answered = None;
        });
    }

    pub(super) fn refuse(&self, fault: Fault, shown: Shown) {
        self.with(|line| line.refused = Some((fault, shown)));
    }

    pub(super) fn spoil(&self, fault: Fault) {
        self.with(|line| line.spoiled = Some(fault));
    }

    /// The phase to go on in, once there was an answer.
    pub(super) fn poll_answered(&self, context: &Context<'_>) -> Option<Phase> {
        self.with(|line| match line.answered {
            Some(Answered::Whole) => Some(Phase::Head),
            Some(Answered::Switched) => Some(Phase::Open),
            None => {
                line.waker = Some(context.waker().clone());
                None
            }
        })
    }

    fn answer(&self, how: Answered) {
        let waker = self.with(|line| {
            line.answered = Some(how);
            line.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Line) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
