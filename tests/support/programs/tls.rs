//! TLS for the doubles: the certificate and key that the test hands over.

use std::sync::Arc;

use data_encoding::BASE64;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The configuration made of `TLS_CERT` and `TLS_KEY` in the environment (DER in base64,
/// the key as PKCS 8), if they are there.
///
/// # Errors
/// They do not fit together.
pub(crate) fn from_environment() -> std::io::Result<Option<Arc<ServerConfig>>> {
    let read = |name: &str| {
        let text = std::env::var(name).ok()?;
        BASE64.decode(text.as_bytes()).ok()
    };
    let (Some(certificate), Some(key)) = (read("TLS_CERT"), read("TLS_KEY")) else {
        return Ok(None);
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivatePkcs8KeyDer::from(key).into(),
        )
        .map_err(std::io::Error::other)?;
    Ok(Some(Arc::new(config)))
}
