//! A request that may have to wait before it is let out: its body is read ahead
//! meanwhile, because only who reads hears that a client went away.

use std::collections::VecDeque;
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Incoming};

use crate::guest::egress::pause::Pauses;

/// A request and what was read of its body.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) request: Request<Incoming>,
    pub(super) early: Early,
}

/// The beginning of a body, or what went wrong with it.
#[derive(Debug, Default)]
pub(super) struct Early {
    pieces: VecDeque<Bytes>,
    bytes: u64,
    fault: Option<hyper::Error>,
}

impl Waiting {
    pub(super) fn new(request: Request<Incoming>) -> Self {
        Self {
            request,
            early: Early::default(),
        }
    }

    /// Reads ahead for as long as it is polled, and as far as there is room. Cancel-safe.
    pub(super) async fn read_ahead(&mut self, pauses: &Pauses) -> Infallible {
        let body = self.request.body_mut();
        while self.early.fault.is_none() && !body.is_end_stream() && pauses.has_room_ahead() {
            match body.frame().await {
                Some(Ok(frame)) => {
                    // Trailers were left out by the gate.
                    if let Ok(data) = frame.into_data() {
                        self.early.keep(data, pauses);
                    }
                }
                Some(Err(error)) => self.early.fault = Some(error),
                None => break,
            }
        }
        std::future::pending().await
    }
}

impl Early {
    fn keep(&mut self, piece: Bytes, pauses: &Pauses) {
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        pauses.reads_ahead(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        self.pieces.push_back(piece);
    }

    /// Bytes that are left.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing of it is left.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.fault.is_none()
    }

    /// The next piece, if one is left.
    pub(super) fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        if let Some(piece) = self.pieces.pop_front() {
            let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.bytes = self.bytes.saturating_sub(bytes);
            return Some(Ok(piece));
        }
        self.fault.take().map(Err)
    }
}
