//! How the agent of the table speaks: raw bytes to its proxy, or TLS through a tunnel.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::arms::{Arms, Line};

/// Where `guest init` offers the proxy inside the agent container.
pub(super) const PROXY: &str = "tcp 127.0.0.1:3128";
/// The door that is behind it.
pub(super) const DOOR: &str = "unix /run/cellar/egress.sock";

/// How a client behaves beside what it sends.
#[derive(Clone)]
pub(super) struct Client {
    /// What it trusts.
    pub(super) roots: Vec<CertificateDer<'static>>,
    /// The name in its handshake, if it is another than the tunnel's; empty for none.
    pub(super) sni: Option<String>,
    pub(super) alpn: Vec<Vec<u8>>,
}

/// What one attempt gave the agent.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// The answer to CONNECT, where there was one.
    pub(super) tunnel: String,
    /// Everything after it, a character a byte.
    pub(super) text: String,
    /// What went wrong on the way.
    pub(super) error: Option<String>,
}

impl Got {
    /// In few words, for a row that failed.
    pub(super) fn told(&self) -> String {
        let short = |text: &str| text.chars().take(300).collect::<String>();
        format!(
            "tunnel {:?}, answer {:?}, error {:?}",
            short(&self.tunnel),
            short(&self.text),
            self.error
        )
    }
}

/// Sends bytes to the proxy as they are and reads all that comes back.
pub(super) fn plain(arms: &Arms, bytes: &[u8]) -> Got {
    let mut got = Got::default();
    match arms.open(PROXY) {
        Ok(mut line) => exchange(&mut line, bytes, &mut got, Line::finish),
        Err(error) => got.error = Some(error),
    }
    got
}

/// Asks for a tunnel and gives it, with the head of the answer.
pub(super) fn connect(arms: &Arms, place: &str) -> (Option<Line>, String) {
    let ask = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    let mut line = match arms.open(PROXY) {
        Ok(line) => line,
        Err(error) => return (None, error),
    };
    line.write_all(ask.as_bytes()).unwrap();
    let head = read_head(&mut line);
    (head.starts_with("HTTP/1.1 200").then_some(line), head)
}

/// Asks for a tunnel, sends bytes into it as they are, and reads all that comes back.
pub(super) fn raw_tunnel(arms: &Arms, place: &str, bytes: &[u8]) -> Got {
    let (line, tunnel) = connect(arms, place);
    let mut got = Got {
        tunnel,
        ..Got::default()
    };
    if let Some(mut line) = line {
        line.write_all(bytes).unwrap();
        line.finish();
        read_all(&mut line, &mut got);
    }
    got
}

/// Asks for a tunnel, speaks TLS in it, sends bytes and reads all that comes back.
pub(super) fn tls(arms: &Arms, client: &Client, place: &str, bytes: &[u8]) -> Got {
    let mut got = Got::default();
    match tls_line(arms, client, place, &mut got) {
        Ok(mut stream) => exchange(&mut stream, bytes, &mut got, |stream| {
            stream.conn.send_close_notify();
            // Whatever is still to be sent goes with the end.
            drop(stream.flush());
            stream.sock.finish();
        }),
        Err(error) => got.error = Some(error),
    }
    got
}

/// The same, handed over after the handshake.
pub(super) fn tls_line(
    arms: &Arms,
    client: &Client,
    place: &str,
    got: &mut Got,
) -> Result<StreamOwned<ClientConnection, Line>, String> {
    let (line, tunnel) = connect(arms, place);
    got.tunnel = tunnel;
    let line = line.ok_or("no tunnel")?;
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    tls_on(line, client, host)
}

/// Shakes hands on a tunnel that is there.
pub(super) fn tls_on(
    line: Line,
    client: &Client,
    host: &str,
) -> Result<StreamOwned<ClientConnection, Line>, String> {
    let name = match client.sni.as_deref() {
        // An address is never sent as a name (RFC 6066, 3).
        Some("") => ServerName::from(std::net::IpAddr::from([127, 0, 0, 1])),
        name => ServerName::try_from(name.unwrap_or(host).to_owned()).map_err(|e| e.to_string())?,
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(client.roots.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols.clone_from(&client.alpn);
    let session = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
    let mut stream = StreamOwned::new(session, line);
    while stream.conn.is_handshaking() {
        let StreamOwned { conn, sock } = &mut stream;
        conn.complete_io(sock).map_err(|error| error.to_string())?;
    }
    Ok(stream)
}

/// Sends, reads the head of an answer, then ends the own side unless the request said
/// that it is the last, and reads the rest.
fn exchange<S: Read + Write>(stream: &mut S, bytes: &[u8], got: &mut Got, end: fn(&mut S)) {
    let says_last = String::from_utf8_lossy(bytes).to_lowercase();
    let sent = stream.write_all(bytes).and_then(|()| stream.flush());
    if let Err(error) = sent {
        // The answer may have come before.
        got.error = Some(error.to_string());
    }
    if !says_last.contains("connection: close") {
        got.text = read_head(stream);
        end(stream);
    }
    read_all(stream, got);
}

fn read_all(stream: &mut impl Read, got: &mut Got) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => got
                .text
                .extend(buffer[..count].iter().copied().map(char::from)),
            Err(error) => {
                got.error.get_or_insert(error.to_string());
                return;
            }
        }
    }
}

/// Reads to the end of a head, or of everything.
pub(super) fn read_head(stream: &mut impl Read) -> String {
    let (mut text, mut byte) = (String::new(), [0]);
    while !text.ends_with("\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        text.push(char::from(byte[0]));
    }
    text
}

/// An encrypted ClientHello of the outer kind that nobody can open: cipher, number of the
/// key, key share, payload (draft-ietf-tls-esni, 5).
const OUTER_HELLO: [u8; 14] = [0, 0, 1, 0, 1, 7, 0, 2, 1, 2, 0, 2, 3, 4];

/// A ClientHello of TLS 1.2 that names these hosts, with a further extension or none: a
/// client of its own making, which no TLS library would send (RFC 8446, 4.1.2).
pub(super) fn client_hello(names: &[&str], extension: Option<u16>) -> Vec<u8> {
    let sized = |bytes: Vec<u8>| {
        let length = u16::try_from(bytes.len()).unwrap();
        [length.to_be_bytes().to_vec(), bytes].concat()
    };
    let mut list = Vec::new();
    for name in names {
        list.push(0);
        list.extend(sized(name.as_bytes().to_vec()));
    }
    let mut extensions = Vec::new();
    if !names.is_empty() {
        extensions.extend([0, 0]);
        extensions.extend(sized(sized(list)));
    }
    if let Some(kind) = extension {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(sized(OUTER_HELLO.to_vec()));
    }
    // Signatures: ECDSA with SHA-256; curve: P-256.
    extensions.extend([0, 13, 0, 4, 0, 2, 4, 3, 0, 10, 0, 4, 0, 2, 0, 23]);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    // No session; one cipher; no compression.
    body.extend([0, 0, 2, 0xc0, 0x2b, 1, 0]);
    body.extend(sized(extensions));
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1], &length[1..], &body].concat();
    [&[22, 3, 1][..], &sized(message)].concat()
}
