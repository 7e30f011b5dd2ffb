//! TLS on both sides of the proxy: a certificate authority of the bottle's own towards
//! the agent, verified certificates towards upstream.
//!
//! The authority's key is this process's and its own volume's; only its certificate
//! leaves, into the files that agents trust. Nothing here decides what is let out.

mod ca;
mod hello;
mod kept;
mod leaf;
#[cfg(test)]
pub(super) mod tests;
mod trust;
mod upstream;

use std::sync::Arc;

use rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
use rustls::SupportedCipherSuite;
use rustls::crypto::CryptoProvider;

use crate::guest::runtime::RoleError;

pub(super) use ca::BottleCa;
#[cfg(test)]
pub(super) use hello::MAX_HELLO_BYTES;
pub(super) use hello::read_hello;
pub(super) use leaf::Leaves;
pub(super) use trust::{TrustFiles, Trusted};
pub(super) use upstream::Upstream;

/// The one protocol spoken inside TLS, on both sides.
const ALPN: &[u8] = b"http/1.1";

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A key or certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// A configuration does not fit together.
    #[error("set up TLS")]
    Setup(#[from] rustls::Error),
    /// The kernel gave no random bytes.
    #[error("draw a random serial number")]
    Random(#[from] getrandom::Error),
    /// The operator's CA bundle holds something else than certificates.
    #[error("read the CA bundle for upstream")]
    Bundle,
    /// The trust files could not be written.
    #[error("write {path}")]
    Write {
        /// The file, inside the container.
        path: String,
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
}

impl From<TlsError> for RoleError {
    fn from(error: TlsError) -> Self {
        Self::Prepare {
            what: "TLS",
            source: Box::new(error),
        }
    }
}

/// What both sides speak. AES-128 first, as browsers have it: the hash that goes with it
/// has instructions of its own in most processors.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    let is_second = |suite: &SupportedCipherSuite| suite.suite() != TLS13_AES_128_GCM_SHA256;
    provider.cipher_suites.sort_by_key(is_second);
    Arc::new(provider)
}
