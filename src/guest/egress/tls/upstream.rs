//! TLS to upstream: verified against public roots and the operator's own, by the name
//! that was decided on.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::refusal::Refusal;
use super::{ALPN, TlsError, provider};
use crate::policy::{HostName, Reason};

/// Speaks TLS to upstream.
#[derive(Clone)]
pub(in super::super) struct Upstream {
    connector: TlsConnector,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream(…)")
    }
}

impl Upstream {
    /// Trusts the public roots and `extra`.
    ///
    /// # Errors
    /// [`TlsError`] if one of `extra` is no certificate of an authority.
    pub(in super::super) fn new(extra: &[CertificateDer<'static>]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        // A root that this version of rustls cannot read is one that it cannot use.
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        for certificate in extra {
            roots
                .add(certificate.clone())
                .map_err(|_| TlsError::Bundle)?;
        }
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Shakes hands with what answered at a judged address, and holds it to `host`.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::UpstreamTls`].
    pub(in super::super) async fn connect(
        &self,
        host: &HostName,
        stream: TcpStream,
        limit: Duration,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        let refused = |words| Refusal::new(Reason::UpstreamTls, words);
        let name = ServerName::try_from(host.as_str().to_owned())
            .map_err(|_| refused("its name cannot stand in a certificate"))?;
        match timeout(limit, self.connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(refused(words(&error))),
            Err(_) => Err(refused("the TLS handshake took too long")),
        }
    }
}

/// Reads the operator's CA bundle.
///
/// # Errors
/// [`TlsError::Bundle`] if it holds no certificate, or something that is none.
pub(super) fn read_bundle(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or(TlsError::Bundle)
}

fn words(error: &std::io::Error) -> &'static str {
    let tls = error.get_ref().and_then(|error| error.downcast_ref());
    match tls {
        Some(Error::InvalidCertificate(why)) => certificate_words(why),
        Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            "it does not speak HTTP/1.1"
        }
        Some(Error::AlertReceived(_)) => "it broke off the TLS handshake",
        Some(Error::PeerIncompatible(_)) => "it speaks no TLS of version 1.2 or later",
        Some(_) => "what it speaks is not TLS",
        None => "it closed the connection during the TLS handshake",
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is rare needs no words of its own, and the list is open"
)]
const fn certificate_words(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => "its certificate is signed by nobody who is trusted",
        _ => "its certificate is not valid",
    }
}
