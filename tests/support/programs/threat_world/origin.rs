//! Servers at every address: they keep every byte and answer what they were told to.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::BASE64;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

use super::{Reply, Shared};

/// RFC 6455, 1.3.
const WEBSOCKET: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// More than this of a request is not kept to find its end.
const REQUEST_BYTES: usize = 64 * 1024 * 1024;

type Certificates = Arc<BTreeMap<String, Arc<ServerConfig>>>;

/// Listens on these ports of every address.
///
/// # Errors
/// A port is taken, or a certificate does not fit its key.
pub(crate) async fn begin(world: &Shared, tls: &[u16], plain: &[u16]) -> std::io::Result<()> {
    let certificates = Arc::new(certificates()?);
    for port in tls {
        let (listener, world) = (listen(*port).await?, Shared::clone(world));
        let certificates = Arc::clone(&certificates);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = Shared::clone(&world);
                tokio::task::spawn_local(greet(stream, Arc::clone(&certificates), world));
            }
        });
    }
    for port in plain {
        let (port, listener, world) = (*port, listen(*port).await?, Shared::clone(world));
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = Shared::clone(&world);
                tokio::task::spawn_local(converse(stream, format!("tcp {port}"), world));
            }
        });
    }
    Ok(())
}

async fn listen(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(("::", port)).await
}

fn certificates() -> std::io::Result<BTreeMap<String, Arc<ServerConfig>>> {
    let text = std::env::var("THREAT_CERTS").map_err(std::io::Error::other)?;
    let listed: BTreeMap<String, Value> = serde_json::from_str(&text)?;
    listed
        .into_iter()
        .map(|(name, pair)| Ok((name, Arc::new(config(&pair)?))))
        .collect()
}

fn config(pair: &Value) -> std::io::Result<ServerConfig> {
    let part = |name: &str| {
        let text = pair[name].as_str().unwrap_or_default();
        BASE64
            .decode(text.as_bytes())
            .map_err(std::io::Error::other)
    };
    let certificate = CertificateDer::from(part("certificate")?);
    let key = PrivatePkcs8KeyDer::from(part("key")?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .map_err(std::io::Error::other)
}

/// Ends TLS with the certificate of the name that was asked for, or of any.
async fn greet(stream: TcpStream, certificates: Certificates, world: Shared) {
    let Ok(start) = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await
    else {
        return;
    };
    let hello = start.client_hello();
    let name = hello.server_name().unwrap_or_default().to_owned();
    world.borrow_mut().seen.name(&name);
    let config = certificates.get(&name).or_else(|| certificates.get("*"));
    if let Some(config) = config
        && let Ok(stream) = start.into_stream(Arc::clone(config)).await
    {
        converse(stream, format!("tls {name}"), world).await;
    }
}

/// Answers requests until the client is gone.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, on: String, world: Shared) {
    let line = world.borrow_mut().seen.line();
    let mut pending: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        let Some(bytes) = buffer.get(..count) else {
            return;
        };
        world.borrow_mut().seen.heard(line, &on, bytes);
        if pending.len() < REQUEST_BYTES {
            pending.extend(bytes);
        }
        while let Some((head, end)) = whole(&pending) {
            pending.drain(..end);
            let reply = reply(&head, &world);
            for piece in &reply.pieces {
                if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            if reply.closes || header(&head, "connection") == Some("close") {
                // The client may be gone first.
                drop(stream.shutdown().await);
                return;
            }
        }
    }
}

/// The head of the first request and where the request ends, once it is all there.
fn whole(pending: &[u8]) -> Option<(String, usize)> {
    let length = pending.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head: String = pending
        .get(..length)?
        .iter()
        .copied()
        .map(char::from)
        .collect();
    let lower = head.to_ascii_lowercase();
    let body = pending.get(length..)?;
    let end = if header(&lower, "transfer-encoding").is_some() {
        let last = body.windows(5).position(|five| five == b"0\r\n\r\n")?;
        length + last + 5
    } else {
        let told = header(&lower, "content-length").and_then(|told| told.parse().ok());
        length + told.unwrap_or(0)
    };
    (pending.len() >= end).then_some((head, end))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

fn reply(head: &str, world: &Shared) -> Reply {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    if let Some(reply) = world.borrow().replies.get(path) {
        return reply.clone();
    }
    let text = if let Some(key) = header(head, "sec-websocket-key") {
        let accept = digest(
            &SHA1_FOR_LEGACY_USE_ONLY,
            format!("{key}{WEBSOCKET}").as_bytes(),
        );
        let accept = BASE64.encode(accept.as_ref());
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {accept}\r\n\r\n"
        )
    } else if head.starts_with("HEAD ") {
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n".to_owned()
    } else {
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_owned()
    };
    Reply {
        pieces: vec![text.into_bytes()],
        closes: false,
    }
}
