//! An answer's body on its way to the agent: passed on frame by frame, counted, and
//! where a scanner sits. Its end, however it comes, is the end of the request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::pool::{Loan, Pool};
use super::record::Recorder;
use super::sieve::{Caught, Sieve};
use crate::guest::egress::gate::GateLine;
use crate::policy::Reason;

/// The body of every answer that the proxy gives.
pub(in super::super) struct Download {
    source: Source,
    line: GateLine,
}

enum Source {
    /// What upstream says; its connection is given back at the end.
    Upstream {
        body: Incoming,
        sieve: Option<Box<Sieve>>,
        is_over: bool,
        loan: Option<(Arc<Pool>, Loan)>,
        recorder: Recorder,
    },
    /// What the proxy has to say itself; the recorder ends with it.
    Own {
        text: Full<Bytes>,
        _recorder: Recorder,
    },
    /// Nothing: the connection goes on as a WebSocket.
    Switch,
}

impl Download {
    /// Passes on what upstream says.
    pub(super) fn upstream(
        body: Incoming,
        sieve: Option<Box<Sieve>>,
        loan: Option<(Arc<Pool>, Loan)>,
        recorder: Recorder,
        line: GateLine,
    ) -> Self {
        let source = Source::Upstream {
            is_over: body.is_end_stream(),
            body,
            sieve,
            loan,
            recorder,
        };
        let mut download = Self { source, line };
        if download.is_end_stream() {
            download.end();
        }
        download
    }

    /// Says what the proxy itself has to say.
    pub(super) const fn own(text: Full<Bytes>, recorder: Recorder, line: GateLine) -> Self {
        let source = Source::Own {
            text,
            _recorder: recorder,
        };
        Self { source, line }
    }

    /// Ends HTTP on this connection.
    pub(super) const fn switch(line: GateLine) -> Self {
        let source = Source::Switch;
        Self { source, line }
    }

    /// Gives the connection back, if nothing of the request is under way on it.
    fn end(&mut self) {
        if let Source::Upstream { loan, recorder, .. } = &mut self.source
            && let Some((pool, loan)) = loan.take()
            && recorder.is_sent()
        {
            pool.take_back(loan);
        }
    }

    /// Breaks the answer off: its agent must not take it for whole.
    fn broken(&mut self, error: DownloadError) -> DownloadError {
        if let Source::Upstream { loan, recorder, .. } = &mut self.source {
            *loan = None;
            match error {
                DownloadError::Read(_) => recorder.broke_off(),
                DownloadError::Caught(_) => recorder.refused(Reason::SecretFound),
                DownloadError::Spent => recorder.refused(Reason::BudgetSpent),
            }
        }
        error
    }
}

/// Why an answer did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum DownloadError {
    /// Upstream broke off.
    #[error("read the answer's body")]
    Read(#[from] hyper::Error),
    /// It holds a secret.
    #[error(transparent)]
    Caught(#[from] Caught),
    /// It is longer than a budget of the route or of the bottle reaches.
    #[error("pass on more than a budget has")]
    Spent,
}

impl Drop for Download {
    fn drop(&mut self) {
        match self.source {
            Source::Upstream { .. } | Source::Own { .. } => self.line.answered(),
            Source::Switch => self.line.switched(),
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = DownloadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        let this = &mut *self;
        loop {
            let (body, sieve, is_over, recorder) = match &mut this.source {
                Source::Upstream {
                    body,
                    sieve,
                    is_over,
                    recorder,
                    ..
                } => (body, sieve, is_over, recorder),
                Source::Own { text, .. } => {
                    let frame = ready!(Pin::new(text).poll_frame(context));
                    return Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})));
                }
                Source::Switch => return Poll::Ready(None),
            };
            if *is_over {
                this.end();
                return Poll::Ready(None);
            }
            let frame = match ready!(Pin::new(&mut *body).poll_frame(context)).transpose() {
                Ok(frame) => frame,
                Err(error) => return Poll::Ready(Some(Err(this.broken(error.into())))),
            };
            // Trailers end a body here: they say nothing that agents need.
            let data = frame.and_then(|frame| frame.into_data().ok());
            *is_over = data.is_none() || body.is_end_stream();
            let data = data.unwrap_or_default();
            if !recorder.received(&data) {
                return Poll::Ready(Some(Err(this.broken(DownloadError::Spent))));
            }
            let passed = match sieve {
                Some(sieve) => sieve.sift(data, *is_over, recorder.meter().findings()),
                None => Ok(data),
            };
            match passed {
                Err(caught) => return Poll::Ready(Some(Err(this.broken(caught.into())))),
                Ok(passed) if !passed.is_empty() => {
                    if *is_over {
                        this.end();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(passed))));
                }
                Ok(_) => {}
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Upstream { is_over, .. } => *is_over,
            Source::Own { text, .. } => text.is_end_stream(),
            Source::Switch => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Upstream { sieve, .. }
                if sieve.as_ref().is_some_and(|sieve| sieve.is_rewriting()) =>
            {
                SizeHint::new()
            }
            Source::Upstream { body, .. } => body.size_hint(),
            Source::Own { text, .. } => text.size_hint(),
            Source::Switch => SizeHint::with_exact(0),
        }
    }
}
