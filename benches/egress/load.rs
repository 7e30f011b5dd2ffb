//! The load, and what is measured under it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::origin::{BIG_BYTES, nanos};
use super::peers::{Door, Peer, Running};
use super::{HOST, PORT};

const KEEP_ALIVE: usize = 16;
const WORKERS: usize = 8;
const STREAMS: usize = 8;
const ROUND: Duration = Duration::from_secs(4);
/// `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
const TICK_MICROS: u64 = 10_000;

type Failed = Box<dyn std::error::Error + Send + Sync>;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Clone)]
struct Client {
    door: Door,
    tls: TlsConnector,
}

/// Measures a proxy; a line of the table.
pub(crate) async fn measure(running: &Running) -> String {
    let name = running.peer.name();
    match measured(running).await {
        Ok(row) => format!("{name:<28} {row}"),
        Err(error) => format!("{name:<28} failed: {error}"),
    }
}

async fn measured(running: &Running) -> Result<String, Failed> {
    let client = Client {
        door: running.door.clone(),
        tls: connector(&running.trusted)?,
    };
    // The first one pays for certificates and caches.
    let mut first = client.open().await?;
    get(&mut first, "/json").await?;
    drop(first);
    let (_, before) = running.usage();
    let mut each = keep_alive(&client).await?;
    let (rss, after) = running.usage();
    let requests = each.len() as u64;
    let rate = requests as f64 / ROUND.as_secs_f64();
    let cpu = ((after - before) * TICK_MICROS)
        .checked_div(requests)
        .unwrap_or(0);
    let (p50, p99) = (part(&mut each, 0.5), part(&mut each, 0.99));
    let mut new = connections(&client).await?;
    let new_rate = new.len() as f64 / ROUND.as_secs_f64();
    let plain = stream(&client, "/big").await?;
    let scanned = if running.peer == Peer::Cellar {
        format!("+{:.0}", stream(&client, "/scanned/big").await?)
    } else {
        String::new()
    };
    let mut delays = events(&client).await?;
    let (sse50, sse99) = (part(&mut delays, 0.5), part(&mut delays, 0.99));
    Ok(format!(
        "{rate:>9.0} {:>11} {cpu:>9} {new_rate:>8.0} {:>9.2} {:>14} {:>13} {:>8.1}",
        format!("{}/{}", p50.as_micros(), p99.as_micros()),
        part(&mut new, 0.5).as_secs_f64() * 1e3,
        format!("{plain:.0}{scanned}"),
        format!("{}/{}", sse50.as_micros(), sse99.as_micros()),
        rss as f64 / 1024.0,
    ))
}

pub(crate) fn part(samples: &mut [Duration], part: f64) -> Duration {
    samples.sort_unstable();
    let index = (samples.len().saturating_sub(1) as f64 * part).round() as usize;
    samples.get(index).copied().unwrap_or_default()
}

fn connector(trusted: &[impl AsRef<Path>]) -> Result<TlsConnector, Failed> {
    let mut roots = RootCertStore::empty();
    for file in trusted {
        for certificate in CertificateDer::pem_file_iter(file)? {
            roots.add(certificate?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Client {
    async fn open(&self) -> Result<SendRequest<NoBody>, Failed> {
        let mut stream: Box<dyn Stream> = match &self.door {
            Door::None => Box::new(tcp(PORT).await?),
            Door::Tcp(port) => Box::new(tcp(*port).await?),
            Door::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        if !matches!(self.door, Door::None) {
            tunnel(&mut stream).await?;
        }
        let stream = self.tls.connect(HOST.try_into()?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

async fn tcp(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn tunnel(stream: &mut Box<dyn Stream>) -> Result<(), Failed> {
    let ask = format!("CONNECT {HOST}:{PORT} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    // Nothing follows the answer before our own ClientHello.
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Err("the proxy hung up".into());
        }
    }
    if head.get(9..12) == Some(b"200") {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&head).into_owned().into())
    }
}

/// A request's body: none.
type NoBody = String;

async fn ask(sender: &mut SendRequest<NoBody>, path: &str) -> Result<Incoming, Failed> {
    let request = Request::get(path)
        .header("host", format!("{HOST}:{PORT}"))
        .body(String::new())?;
    let response = sender.send_request(request).await?;
    if response.status().is_success() {
        Ok(response.into_body())
    } else {
        Err(format!("{path}: {}", response.status()).into())
    }
}

async fn next(body: &mut Incoming) -> Option<Result<Bytes, Failed>> {
    loop {
        let frame =
            std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context))
                .await?;
        match frame {
            Err(error) => return Some(Err(error.into())),
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
        }
    }
}

async fn get(sender: &mut SendRequest<NoBody>, path: &str) -> Result<usize, Failed> {
    let mut body = ask(sender, path).await?;
    let mut length = 0;
    while let Some(data) = next(&mut body).await {
        length += data?.len();
    }
    Ok(length)
}

/// Runs work side by side and gives all their samples.
async fn side_by_side<Work, Done>(count: usize, work: Work) -> Result<Vec<Duration>, Failed>
where
    Work: Fn() -> Done,
    Done: Future<Output = Result<Vec<Duration>, Failed>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        tasks.spawn(work());
    }
    let mut samples = Vec::new();
    while let Some(done) = tasks.join_next().await {
        samples.extend(done??);
    }
    Ok(samples)
}

async fn keep_alive(client: &Client) -> Result<Vec<Duration>, Failed> {
    side_by_side(KEEP_ALIVE, || {
        let client = client.clone();
        async move {
            let mut sender = client.open().await?;
            let begin = Instant::now();
            let mut samples = Vec::new();
            while begin.elapsed() < ROUND {
                let one = Instant::now();
                get(&mut sender, "/json").await?;
                samples.push(one.elapsed());
            }
            Ok(samples)
        }
    })
    .await
}

async fn connections(client: &Client) -> Result<Vec<Duration>, Failed> {
    side_by_side(WORKERS, || {
        let client = client.clone();
        async move {
            let begin = Instant::now();
            let mut samples = Vec::new();
            while begin.elapsed() < ROUND {
                let one = Instant::now();
                let mut sender = client.open().await?;
                get(&mut sender, "/json").await?;
                samples.push(one.elapsed());
            }
            Ok(samples)
        }
    })
    .await
}

/// Megabytes a second of one long answer, the best of three.
async fn stream(client: &Client, path: &str) -> Result<f64, Failed> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let mut sender = client.open().await?;
        let begin = Instant::now();
        let length = get(&mut sender, path).await?;
        if length != BIG_BYTES {
            return Err(format!("{path}: {length} bytes came").into());
        }
        best = best.min(begin.elapsed());
    }
    Ok(BIG_BYTES as f64 / 1e6 / best.as_secs_f64())
}

/// How late events are, of several streams at once.
async fn events(client: &Client) -> Result<Vec<Duration>, Failed> {
    side_by_side(STREAMS, || {
        let client = client.clone();
        async move {
            let mut sender = client.open().await?;
            let mut body = ask(&mut sender, "/sse").await?;
            let begin = Instant::now();
            let mut samples = Vec::new();
            while begin.elapsed() < ROUND {
                let Some(data) = next(&mut body).await else {
                    return Err("the events ended".into());
                };
                let (data, now) = (data?, nanos());
                let text = std::str::from_utf8(&data)?;
                for event in text.split("\n\n") {
                    if let Some(at) = event.strip_prefix("data: ") {
                        let late = now.saturating_sub(at.parse()?);
                        samples.push(Duration::from_nanos(u64::try_from(late)?));
                    }
                }
            }
            Ok(samples)
        }
    })
    .await
}
