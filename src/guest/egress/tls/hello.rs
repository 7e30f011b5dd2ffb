//! The ClientHello, looked at before anything answers it.
//!
//! rustls reads a copy, so the bytes go on as they came: to our own TLS where the
//! tunnel is intercepted, upstream where it is spliced. Either way the name in it must
//! be the one that the CONNECT was decided for. An encrypted ClientHello changes
//! nothing: intercepted, it finds no key here; spliced, its outer name is the one held
//! to the decision.

use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use crate::policy::{HostName, Reason};

/// No client sends more: key shares for post-quantum groups take some 2 KiB, the rest
/// is small.
pub(in super::super) const MAX_HELLO_BYTES: usize = 32 * 1024;
/// The first byte of a TLS handshake record (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// Why a tunnel is closed at its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum HelloFault {
    /// The client left without a word.
    Left,
    /// It speaks something else than TLS, or TLS that cannot be read.
    NotTls(&'static str),
    /// The name is missing or another one.
    Name(&'static str),
}

impl HelloFault {
    /// The reason and the words for the record; nothing if the client just left.
    pub(in super::super) const fn told(self) -> Option<(Reason, &'static str)> {
        match self {
            Self::Left => None,
            Self::NotTls(words) => Some((Reason::NotTls, words)),
            Self::Name(words) => Some((Reason::SniMismatch, words)),
        }
    }
}

/// Reads a whole ClientHello for `host` into `early`, which may hold its beginning.
///
/// # Errors
/// [`HelloFault`]; nothing was answered then.
pub(in super::super) async fn read_hello<S: AsyncRead + Unpin>(
    client: &mut S,
    early: &mut Vec<u8>,
    host: &HostName,
    limit: Duration,
) -> Result<(), HelloFault> {
    timeout(limit, read(client, early, host))
        .await
        .unwrap_or(Err(HelloFault::NotTls("no whole ClientHello came in time")))
}

async fn read<S: AsyncRead + Unpin>(
    client: &mut S,
    early: &mut Vec<u8>,
    host: &HostName,
) -> Result<(), HelloFault> {
    let mut acceptor = Acceptor::default();
    let mut seen = 0;
    loop {
        if early.first().is_some_and(|byte| *byte != TLS_HANDSHAKE) {
            return Err(HelloFault::NotTls("what came was not TLS"));
        }
        let mut fresh = early.get(seen..).unwrap_or_default();
        while !fresh.is_empty() {
            seen += acceptor
                .read_tls(&mut fresh)
                .map_err(|_| HelloFault::NotTls("the ClientHello is too long"))?;
            let accepted = acceptor
                .accept()
                .map_err(|_| HelloFault::NotTls("the ClientHello cannot be read"))?;
            if let Some(accepted) = accepted {
                return check(accepted.client_hello().server_name(), host);
            }
        }
        if early.len() >= MAX_HELLO_BYTES {
            return Err(HelloFault::NotTls("the ClientHello is too long"));
        }
        match client.read_buf(early).await {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => return Err(HelloFault::Left),
        }
    }
}

fn check(name: Option<&str>, host: &HostName) -> Result<(), HelloFault> {
    let name = name.ok_or(HelloFault::Name("the ClientHello names no host"))?;
    if HostName::parse(name).as_ref() == Ok(host) {
        Ok(())
    } else {
        Err(HelloFault::Name(
            "the ClientHello names another host than the CONNECT",
        ))
    }
}
