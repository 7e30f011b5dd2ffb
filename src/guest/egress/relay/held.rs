//! Requests that wait for the operator, before anything of them is read on or sent.
//!
//! One to a host that no route names asks for host and port, as a tunnel would; one that
//! a host's routes do not cover asks for its method and path alone.

use jiff::Timestamp;

use super::request::Asked;
use super::{Relay, Side};
use crate::guest::egress::holds::Question;
use crate::guest::egress::proxy::Room;
use crate::guest::egress::refusal::Refusal;
use crate::guest::egress::resolve::Resolve;
use crate::guest::egress::table::Table;
use crate::policy::Unlisted;

impl<R: Resolve> Relay<'_, R> {
    /// Lets a refused request wait where the operator can allow it.
    ///
    /// # Errors
    /// The refusal where nobody is asked, and else one that says what became of it.
    pub(super) async fn hold(
        &self,
        asked: &Asked,
        table: &Table,
        refusal: Refusal,
    ) -> Result<(), Refusal> {
        if table.routes.unlisted == Unlisted::Deny || self.room == Room::None {
            return Err(refusal);
        }
        let question = match &self.side {
            Side::Plain if refusal.is_unlisted() => Some(Question::place(&asked.authority)),
            // A tunnel that no route allows any more is closed as it stands.
            Side::Tunnel(_) if refusal.is_unlisted() => None,
            Side::Plain | Side::Tunnel(_) => asked
                .narrow(table, Timestamp::now())
                .map(|request| Question::request(&asked.authority, request)),
        };
        let Some(question) = question else {
            return Err(refusal);
        };
        let is_allowed = |table: &Table| {
            let is_clean = self.proxy.check_name(table, &asked.authority.host).is_ok();
            is_clean && asked.decide(table, Timestamp::now()).is_ok()
        };
        let watch = self.line.watch();
        let excuse = self.activity.excuse();
        let waited = self
            .proxy
            .wait(&question, refusal, is_allowed, watch.left());
        let waited = waited.await;
        drop(excuse);
        waited
    }
}
