//! The agent of the threat table, and its arms: a program inside a container that opens
//! whatever a test tells it to.
//!
//! Without arguments it is the agent: it says that it is there and waits. With `probe` it
//! reads frames from its standard input and answers with frames: a number for the
//! connection, one byte for what it is, a length and that many bytes. It does as it is
//! told and holds no opinion; TLS and HTTP are spoken by the test at the other end.

use std::collections::HashMap;
use std::net::SocketAddr;

use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;

/// What a frame is.
const OPEN: u8 = 0;
const DATA: u8 = 1;
const END: u8 = 2;
const FAILED: u8 = 3;
const OPENED: u8 = 4;
const PIECE_BYTES: usize = 32 * 1024;

type Frame = (u32, u8, Vec<u8>);

#[expect(clippy::print_stdout, reason = "what the agent says")]
fn main() -> std::io::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("probe") {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(probe());
    }
    println!("AGENT ready");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)
}

async fn probe() -> std::io::Result<()> {
    let (tx, mut rx) = mpsc::channel::<Frame>(64);
    tokio::spawn(async move {
        let mut stdout = tokio::io::stdout();
        while let Some((id, kind, bytes)) = rx.recv().await {
            let length = u32::try_from(bytes.len()).unwrap_or(0);
            let mut frame = id.to_be_bytes().to_vec();
            frame.push(kind);
            frame.extend(length.to_be_bytes());
            frame.extend(bytes);
            if stdout.write_all(&frame).await.is_err() || stdout.flush().await.is_err() {
                return;
            }
        }
    });
    let mut stdin = tokio::io::stdin();
    let mut writers: HashMap<u32, mpsc::UnboundedSender<Option<Vec<u8>>>> = HashMap::new();
    while let Ok(id) = stdin.read_u32().await {
        let kind = stdin.read_u8().await?;
        let length = stdin.read_u32().await?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        stdin.read_exact(&mut bytes).await?;
        match kind {
            OPEN => {
                let (out, told) = mpsc::unbounded_channel();
                writers.insert(id, out);
                let order = String::from_utf8_lossy(&bytes).into_owned();
                tokio::spawn(serve(id, order, told, tx.clone()));
            }
            DATA | END => {
                if let Some(writer) = writers.get(&id) {
                    // A connection that is gone takes nothing more.
                    drop(writer.send((kind == DATA).then_some(bytes)));
                }
            }
            _ => drop(writers.remove(&id)),
        }
    }
    Ok(())
}

type Told = mpsc::UnboundedReceiver<Option<Vec<u8>>>;

async fn serve(id: u32, order: String, told: Told, tx: mpsc::Sender<Frame>) {
    let (verb, rest) = order.split_once(' ').unwrap_or((&order, ""));
    let outcome = match verb {
        "tcp" => match TcpStream::connect(rest).await {
            Ok(stream) => return carry(id, stream, told, tx).await,
            Err(error) => Err(error),
        },
        "unix" => match UnixStream::connect(rest).await {
            Ok(stream) => return carry(id, stream, told, tx).await,
            Err(error) => Err(error),
        },
        _ => act(verb, rest),
    };
    // The test may be gone.
    match outcome {
        Ok(text) => {
            for (kind, bytes) in [(OPENED, Vec::new()), (DATA, text), (END, Vec::new())] {
                drop(tx.send((id, kind, bytes)).await);
            }
        }
        Err(error) => drop(tx.send((id, FAILED, error.to_string().into_bytes())).await),
    }
}

/// Copies both ways, each end for itself, until the test is done with it.
async fn carry<S>(id: u32, stream: S, mut told: Told, tx: mpsc::Sender<Frame>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    drop(tx.send((id, OPENED, Vec::new())).await);
    let writing = async {
        while let Some(bytes) = told.recv().await {
            // Where the other side is gone, what it said is still to be read.
            drop(match bytes {
                Some(bytes) => writer.write_all(&bytes).await,
                None => writer.shutdown().await,
            });
        }
    };
    let reading = async {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let read = reader.read(&mut buffer).await;
            let bytes = read.ok().and_then(|count| buffer.get(..count));
            let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            if tx.send((id, DATA, bytes.to_vec())).await.is_err() {
                break;
            }
        }
        drop(tx.send((id, END, Vec::new())).await);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}

/// Does one thing and gives what came of it.
fn act(verb: &str, rest: &str) -> std::io::Result<Vec<u8>> {
    let (first, more) = rest.split_once(' ').unwrap_or((rest, ""));
    match verb {
        "udp" => {
            let to: SocketAddr = first.parse().map_err(std::io::Error::other)?;
            let here = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let datagram = data_encoding::HEXLOWER
                .decode(more.as_bytes())
                .map_err(std::io::Error::other)?;
            std::net::UdpSocket::bind(here)?.send_to(&datagram, to)?;
            Ok(Vec::new())
        }
        "ping" => ping(first.parse().map_err(std::io::Error::other)?),
        "lookup" => {
            use std::net::ToSocketAddrs as _;
            let found: Vec<String> = (first, 443)
                .to_socket_addrs()?
                .map(|address| address.to_string())
                .collect();
            Ok(found.join(" ").into_bytes())
        }
        "read" => std::fs::read(first),
        "write" => std::fs::write(first, more).map(|()| Vec::new()),
        _ => Err(std::io::Error::other("no such order")),
    }
}

/// Sends one echo request, as an ordinary user may (icmp(7), `IPPROTO_ICMP`).
fn ping(to: std::net::IpAddr) -> std::io::Result<Vec<u8>> {
    let (family, protocol, kind) = if to.is_ipv4() {
        (AddressFamily::INET, ipproto::ICMP, 8)
    } else {
        (AddressFamily::INET6, ipproto::ICMPV6, 128)
    };
    let line = socket(family, SocketType::DGRAM, Some(protocol))?;
    let echo = [kind, 0, 0, 0, 0, 1, 0, 1];
    sendto(&line, &echo, SendFlags::empty(), &SocketAddr::new(to, 0))?;
    Ok(Vec::new())
}
