//! A connection on which requests are answered, one after the other.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Proxy, Room, denied};
use crate::guest::egress::activity::Activity;
use crate::guest::egress::ask::Shown;
use crate::guest::egress::gate::Gate;
use crate::guest::egress::head::{MAX_HEAD_BYTES, MAX_HEADERS};
use crate::guest::egress::relay::{Relay, Side};
use crate::guest::egress::resolve::Resolve;
use crate::wire::Verdict;

impl<R: Resolve> Proxy<R> {
    /// Answers the requests that `client` holds; `early` was read of it already.
    pub(super) async fn converse<S>(&self, client: S, early: Vec<u8>, side: Side, room: Room)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (place, tunnel) = match &side {
            Side::Plain => (Shown::default(), None),
            Side::Tunnel(place) => (Shown::asked("", place), Some(place.clone())),
        };
        // In plain HTTP a client that has said all it wants still gets its answer; inside
        // TLS its end is the end of what it asked for.
        let half_close = side == Side::Plain;
        let activity = Arc::new(Activity::new());
        let watched = Arc::clone(&activity);
        let gate = Gate::new(client, early, place.clone(), self.limits.head, watched);
        let line = gate.line();
        let relay = Relay::new(self, side, room, line.clone(), Arc::clone(&activity));
        let converse = async {
            Builder::new()
                .half_close(half_close)
                .max_headers(MAX_HEADERS)
                .max_header_size(MAX_HEAD_BYTES)
                .serve_connection(
                    TokioIo::new(gate),
                    service_fn(async |request| Ok::<_, Infallible>(relay.answer(request).await)),
                )
                .with_upgrades()
                .await
                .map_err(|error| error.to_string())?;
            relay
                .carry(&activity)
                .await
                .map_err(|error| error.to_string())
        };
        let ended = tokio::select! {
            ended = converse => ended.err(),
            () = activity.silent_for(self.limits.silence) => Some("silent for too long".to_owned()),
            () = self.table.forbids(|table, now| relay.is_allowed(table, now)) => {
                Some("the routes changed".to_owned())
            }
        };
        if let Some((fault, shown)) = line.take_refused() {
            self.decisions.record(&shown, denied(fault.reason));
        } else if relay.is_unused() && !place.host.is_empty() {
            // It was let out, and went nowhere.
            let connect = Shown::within(&place, b"CONNECT");
            self.decisions.record(&connect, Verdict::Allowed);
            if let Some(place) = &tunnel {
                self.note_unused(place);
            }
        }
        if !place.host.is_empty() || ended.is_some() {
            self.ended(&place, &activity, ended);
        }
    }
}
