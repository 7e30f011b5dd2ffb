//! What egress refused, made requests of.
//!
//! Egress tells a decision at least once, and again after either sidecar died; each has a
//! number, by which one that was counted is known. What finds no room is in the log of
//! decisions and nowhere else: an agent that tries many hosts fills neither the disk nor
//! the operator's inbox, and takes no place from its own requests.

use jiff::Timestamp;

use super::{Inner, RequestError, Requests};
use crate::policy::RouteSet;
use crate::request::{Ask, FileProblem, News, RequestRecord, RequestState, Source, Told, Wants};
use crate::wire::DecisionRecord;

impl Requests {
    /// Makes a request of a refusal, durably, or counts it to one that waits. Nothing comes
    /// of one that was heard before, that asks for nothing, that the agent asks for itself,
    /// that the operator denied, or that finds no room.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was filed then.
    pub(in crate::guest::supervise) async fn refused(
        &self,
        decision: &DecisionRecord,
    ) -> Result<(), RequestError> {
        let Some(wants) = &decision.wants else {
            return Ok(());
        };
        let told = Told {
            seq: decision.seq,
            at: decision.at,
        };
        let mut inner = self.inner.lock().await;
        if inner.heard.is_some_and(|last| told.is_covered_by(last)) {
            return Ok(());
        }
        let now = Timestamp::now();
        let table = self.hub.routes().map(|(_, routes)| routes);
        let is_over = |table: &RouteSet| wants.is_let_out_by(table, now);
        if !table.as_ref().is_some_and(is_over) && inner.is_wanted(wants, now) {
            self.file_refused(&mut inner, wants, told, now).await?;
        }
        inner.heard = Some(told.and(inner.heard));
        Ok(())
    }

    async fn file_refused(
        &self,
        inner: &mut Inner,
        wants: &Wants,
        told: Told,
        now: Timestamp,
    ) -> Result<(), RequestError> {
        let filing = match inner.book.file_refused(wants.ask(), told, now) {
            Ok(filing) => filing,
            Err(FileProblem::TooManyOpen { .. } | FileProblem::TooOften { .. }) => {
                if !std::mem::replace(&mut inner.is_overfull, true) {
                    let text = "egress refuses more than is asked for: too many requests of it wait or were filed lately; what it refuses beyond them is told as decisions alone";
                    self.hub.log(text);
                }
                return Ok(());
            }
            Err(error @ (FileProblem::Ask(_) | FileProblem::Unwritable)) => {
                return Err(error.into());
            }
        };
        if filing.is_again {
            if inner.was_asked_just_now(filing.id, now) {
                return Ok(());
            }
        } else {
            inner.is_overfull = false;
        }
        self.take(inner, filing.entry).await
    }

    /// Takes back what is asked for egress and nobody has to answer any more, because the
    /// routes in force let it out or because the agent asks for it.
    ///
    /// # Errors
    /// [`RequestError`]; what was not taken back waits on.
    pub(in crate::guest::supervise) async fn tidy(&self) -> Result<(), RequestError> {
        let mut inner = self.inner.lock().await;
        self.take_back(&mut inner).await
    }

    pub(super) async fn take_back(&self, inner: &mut Inner) -> Result<(), RequestError> {
        let now = Timestamp::now();
        let table = self.hub.routes().map(|(_, routes)| routes);
        let is_idle = |record: &RequestRecord| {
            let wants = match &record.ask {
                Ask::Route(asked) => Wants::Route(asked.clone()),
                Ask::ScanPass(asked) => Wants::Pass(asked.clone()),
                Ask::Image { .. }
                | Ask::Packages { .. }
                | Ask::McpServer(_)
                | Ask::Question { .. } => return false,
            };
            let is_pending = matches!(record.state, RequestState::Pending);
            let is_over = |table: &RouteSet| wants.is_let_out_by(table, now);
            record.source == Source::Egress
                && is_pending
                && (table.as_ref().is_some_and(is_over) || inner.is_asked_by_agent(&wants, now))
        };
        let idle: Vec<u64> = inner
            .book
            .requests()
            .filter(|record| is_idle(record))
            .map(|record| record.id)
            .collect();
        for id in idle {
            if let Some(entry) = inner.book.step(id, now, News::Withdrawn)? {
                self.take(inner, entry).await?;
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Whether nobody asked for it and nobody said no to it.
    fn is_wanted(&self, wants: &Wants, now: Timestamp) -> bool {
        let wanted = wants.ask();
        let mut requests = self.book.requests();
        let is_denied = requests.any(|one| {
            let is_no = matches!(one.state, RequestState::Denied { .. });
            is_no && one.ask == wanted
        });
        !is_denied && !self.is_asked_by_agent(wants, now)
    }

    /// Whether a request of the agent that is not over asks for it, or for more.
    fn is_asked_by_agent(&self, wants: &Wants, now: Timestamp) -> bool {
        let Wants::Route(wants) = wants else {
            return false;
        };
        let is_open = |one: &&RequestRecord| one.source == Source::Agent && !one.state.is_over();
        self.book.requests().filter(is_open).any(|one| {
            let Ask::Route(ask) = &one.ask else {
                return false;
            };
            let alone = || RouteSet::of(vec![ask.route(one.id)]);
            ask == wants || wants.is_let_out_by(&alone(), now)
        })
    }
}

#[cfg(test)]
mod tests;
