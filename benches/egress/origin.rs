//! The origin: a small JSON answer, a long stream, and events with the time in them.

use std::convert::Infallible;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::{Body, Bytes, Frame};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::time::{Interval, interval};
use tokio_rustls::TlsAcceptor;

use super::{HOST, PORT};

/// How long the stream is.
pub(crate) const BIG_BYTES: usize = 64 * 1024 * 1024;
const PIECE_BYTES: usize = 64 * 1024;
const SMALL_BYTES: usize = 500;
const EVENT_PAUSE: Duration = Duration::from_millis(10);

/// Makes the origin's authority and certificate in a folder; gives the authority as PEM.
pub(crate) fn make(folder: &Path) -> std::io::Result<String> {
    let failed = std::io::Error::other;
    let authority_key = rcgen::KeyPair::generate().map_err(failed)?;
    let mut authority = rcgen::CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let signed = authority.self_signed(&authority_key).map_err(failed)?;
    let issuer = rcgen::Issuer::new(authority, &authority_key);
    let key = rcgen::KeyPair::generate().map_err(failed)?;
    let certificate = rcgen::CertificateParams::new(vec![HOST.to_owned()])
        .and_then(|params| params.signed_by(&key, &issuer))
        .map_err(failed)?;
    std::fs::write(folder.join("origin.der"), certificate.der())?;
    std::fs::write(folder.join("origin.key"), key.serialize_der())?;
    let pem = pem("CERTIFICATE", signed.der());
    std::fs::write(folder.join("origin-ca.pem"), &pem)?;
    Ok(pem)
}

/// Bytes as PEM.
pub(crate) fn pem(kind: &str, der: &[u8]) -> String {
    let body = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = (0..body.len())
        .step_by(64)
        .filter_map(|at| body.get(at..(at + 64).min(body.len())))
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

/// Serves until it is killed.
pub(crate) fn run(folder: &Path) -> std::io::Result<()> {
    let certificate = CertificateDer::from(std::fs::read(folder.join("origin.der"))?);
    let key = PrivatePkcs8KeyDer::from(std::fs::read(folder.join("origin.key"))?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .map_err(std::io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", PORT)).await?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let service =
                        service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
                    // A client that goes away is the normal end.
                    drop(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        })
}

fn answer(request: &Request<hyper::body::Incoming>) -> Response<Answer> {
    let body = match request.uri().path() {
        "/big" | "/scanned/big" => Answer::Big {
            left: BIG_BYTES,
            piece: text(),
        },
        "/sse" => Answer::Events(interval(EVENT_PAUSE)),
        _ => Answer::Small(Some(Bytes::from(vec![b'x'; SMALL_BYTES]))),
    };
    let kind = match body {
        Answer::Events(_) => "text/event-stream",
        Answer::Big { .. } | Answer::Small(_) => "application/json",
    };
    let mut response = Response::new(body);
    let value = hyper::header::HeaderValue::from_static(kind);
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, value);
    response
}

/// A piece of ordinary text.
fn text() -> Bytes {
    let line = b"{\"id\": 17, \"title\": \"the quick brown fox\", \"tags\": [\"one\", \"two\"]},\n";
    Bytes::from(
        line.iter()
            .copied()
            .cycle()
            .take(PIECE_BYTES)
            .collect::<Vec<u8>>(),
    )
}

enum Answer {
    Small(Option<Bytes>),
    Big { left: usize, piece: Bytes },
    Events(Interval),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Small(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Big { left: 0, .. } => Poll::Ready(None),
            Self::Big { left, piece } => {
                let length = piece.len().min(*left);
                *left -= length;
                Poll::Ready(Some(Ok(Frame::data(piece.slice(..length)))))
            }
            Self::Events(pause) => {
                std::task::ready!(pause.poll_tick(context));
                let event = format!("data: {}\n\n", nanos());
                Poll::Ready(Some(Ok(Frame::data(event.into()))))
            }
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Small(Some(bytes)) => hyper::body::SizeHint::with_exact(bytes.len() as u64),
            Self::Small(None) => hyper::body::SizeHint::with_exact(0),
            Self::Big { left, .. } => hyper::body::SizeHint::with_exact(*left as u64),
            Self::Events(_) => hyper::body::SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Small(None) | Self::Big { left: 0, .. })
    }
}

/// The time, to compare between processes of one machine.
pub(crate) fn nanos() -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos())
}
