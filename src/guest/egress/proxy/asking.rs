//! How the operator hears of what is refused: by a request that the hub makes of it, by
//! one that the agent files, or by what the agent says in its session.

use jiff::Timestamp;

use super::Proxy;
use crate::guest::egress::authority::Authority;
use crate::guest::egress::refusal::{Asking, Refusal};
use crate::guest::egress::resolve::Resolve;
use crate::policy::{Denials, RequestAsk};
use crate::request::{PassAsk, Refused, Wants};

impl<R: Resolve> Proxy<R> {
    /// The refusal, which says how the operator hears of what it refuses where that could
    /// help.
    pub(in super::super) fn asking(
        &self,
        refusal: Refusal,
        place: &Authority,
        request: Option<RequestAsk<'_>>,
    ) -> Refusal {
        let has_tools = self.supervise;
        let is_of_scanner = !refusal.rules.is_empty();
        if !is_of_scanner && !refusal.is_of_routes() {
            return refusal;
        }
        let asking = match self.wants(&refusal, place, request) {
            Some(wants) => Asking::Request {
                wants: Box::new(wants),
                has_tools,
            },
            None if has_tools && !is_of_scanner => Asking::Tool,
            None => Asking::Session,
        };
        Refusal { asking, ..refusal }
    }

    /// What the operator is to be asked for. Nothing that holds what looks like a secret:
    /// it would be shown, and kept.
    fn wants(
        &self,
        refusal: &Refusal,
        place: &Authority,
        request: Option<RequestAsk<'_>>,
    ) -> Option<Wants> {
        let table = self.table.current();
        if table.routes.denials == Denials::Refuse {
            return None;
        }
        let held = self.secrets.open();
        let host = place.host.as_str();
        let path = request.map_or("", |request| request.path.as_str());
        let is_secret = !held.scanner.scan_host(host).is_empty()
            || held.redacted_host(host).is_some()
            || !held.scanner.scan_bytes(path.as_bytes()).is_empty()
            || held.redacted(path).is_some();
        if is_secret {
            return None;
        }
        let refused = Refused {
            host: &place.host,
            port: place.port,
            request,
        };
        let now = Timestamp::now();
        if refusal.rules.is_empty() {
            return refused.wants(&table.routes, now).map(Wants::Route);
        }
        let asked = PassAsk::of(&refused, refusal.rules.clone())?;
        (!asked.is_let_out_by(&table.routes, now)).then_some(Wants::Pass(asked))
    }
}

#[cfg(test)]
mod tests;
