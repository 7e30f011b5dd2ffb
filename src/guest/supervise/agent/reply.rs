//! What is written back: a whole body, or one that says that it waits until it is there.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often a reply says that it still waits. Claude Code 2.1 gives a reply up whose
/// head has not come after 60 s, and programs between may do so after a silence.
const BEAT: Duration = Duration::from_secs(15);

/// The body of a reply.
pub(super) enum Reply {
    Whole(Full<Bytes>),
    Later(Later),
}

/// A stream of one event (WHATWG HTML, 9.2), which begins at once with a comment.
pub(super) struct Later {
    message: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
    beat: Interval,
}

/// A response of JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Reply> {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    whole(status, "application/json", Bytes::from(text))
}

/// A response whose body is there.
pub(super) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
) -> Response<Reply> {
    response(status, content_type, Reply::Whole(Full::new(body)))
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(Full::default()));
    *response.status_mut() = status;
    response
}

/// A stream of events that holds this message once it is there. Dropped with the
/// connection.
pub(super) fn later(message: impl Future<Output = Bytes> + Send + 'static) -> Response<Reply> {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let later = Later {
        message: Some(Box::pin(message)),
        beat,
    };
    response(StatusCode::OK, "text/event-stream", Reply::Later(later))
}

fn response(status: StatusCode, content_type: &'static str, body: Reply) -> Response<Reply> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Later {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(message) = &mut self.message else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(message) = message.as_mut().poll(context) {
            self.message = None;
            let event = [&b"event: message\ndata: "[..], &message, b"\n\n"].concat();
            return Poll::Ready(Some(Bytes::from(event)));
        }
        self.beat
            .poll_tick(context)
            .map(|_| Some(Bytes::from_static(b": waiting for the operator\n\n")))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context),
            Self::Later(later) => later
                .poll(context)
                .map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Later(later) => later.message.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Later(_) => SizeHint::default(),
        }
    }
}
