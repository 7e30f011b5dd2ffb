//! What waits for the operator before it is decided again: a tunnel, or one request.
//!
//! Nothing is resolved, dialled or read on meanwhile. Waiting ends well only when the
//! table in force allows what waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncRead;

use super::Proxy;
use crate::guest::egress::authority::Authority;
use crate::guest::egress::door::Seat;
use crate::guest::egress::holds::{Question, left};
use crate::guest::egress::refusal::Refusal;
use crate::guest::egress::resolve::Resolve;
use crate::guest::egress::table::Table;
use crate::policy::{Reason, Unlisted};
use crate::wire::HoldEnd;

impl<R: Resolve> Proxy<R> {
    /// Lets a tunnel that no route allows wait; what the client sends meanwhile is kept in
    /// `early`.
    ///
    /// # Errors
    /// The refusal, or another if the operator was asked.
    pub(super) async fn hold<S>(
        &self,
        client: &mut S,
        early: &mut Vec<u8>,
        place: &Authority,
        seat: &mut Seat,
        refusal: Refusal,
    ) -> Result<(), Refusal>
    where
        S: AsyncRead + Unpin,
    {
        if self.table.current().routes.unlisted == Unlisted::Deny {
            return Err(refusal);
        }
        let is_allowed = |table: &Table| self.permit(table, place).is_ok();
        let question = Question::place(place);
        // Who waits takes nobody's place among those that are served.
        seat.leave();
        self.wait(&question, refusal, is_allowed, left(client, early))
            .await?;
        if seat.take_again(self.limits.head).await {
            Ok(())
        } else {
            Err(Refusal::from(Reason::TooManyConnections))
        }
    }

    /// Waits for the operator where the table says that they are asked, until a table
    /// allows what was refused.
    ///
    /// # Errors
    /// The refusal where nobody is asked, and else one that says what became of it.
    pub(in super::super) async fn wait(
        &self,
        question: &Question,
        refusal: Refusal,
        is_allowed: impl Fn(&Table) -> bool,
        left: impl Future<Output = ()>,
    ) -> Result<(), Refusal> {
        let mut changes = self.table.changes();
        let Unlisted::Ask { seconds } = changes.borrow().routes.unlisted else {
            return Err(refusal);
        };
        if question.is_secret(&self.secrets.open()) {
            return Err(Refusal::new(
                Reason::SecretFound,
                "nobody can be asked for it",
            ));
        }
        let patience = Duration::from_secs(u64::from(seconds));
        let allowed = async {
            while !is_allowed(&changes.borrow_and_update().clone()) {
                // The sender lives as long as the proxy.
                drop(changes.changed().await);
            }
        };
        let is_gone = AtomicBool::new(false);
        let left = async {
            left.await;
            is_gone.store(true, Ordering::Relaxed);
        };
        match self.holds.wait(question, patience, allowed, left).await {
            HoldEnd::Allowed => Ok(()),
            HoldEnd::Denied => Err(Refusal::from(Reason::OperatorDenied)),
            HoldEnd::Expired => Err(Refusal::from(Reason::HeldTooLong)),
            HoldEnd::Withdrawn if is_gone.into_inner() => Err(Refusal::new(
                Reason::HeldTooLong,
                "the client went away before",
            )),
            HoldEnd::Withdrawn => Err(Refusal::from(Reason::AskQueueFull)),
        }
    }
}

#[cfg(test)]
mod tests;
