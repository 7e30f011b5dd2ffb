//! A TLS server configuration for each host that the proxy stands in for.
//!
//! All share one key; a certificate is signed when a host is first asked for (32 µs)
//! and kept, within bounds, until half of its life is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::Ticketer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};

use super::ca::{BottleCa, LEAF_DAYS, key};
use super::{ALPN, TlsError, provider};
use crate::policy::HostName;

/// Tickets given with each full handshake: one, for the next connection.
const TICKETS: usize = 1;
/// Hosts held. The one unused for longest gives way.
const HELD: usize = 256;

/// Makes and keeps the configurations.
pub(in super::super) struct Leaves {
    ca: BottleCa,
    key: KeyPair,
    signing: Arc<dyn SigningKey>,
    provider: Arc<CryptoProvider>,
    tickets: Arc<dyn ProducesTickets>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    uses: u64,
    hosts: BTreeMap<HostName, Leaf>,
}

struct Leaf {
    config: Arc<ServerConfig>,
    renew_at: Timestamp,
    used: u64,
}

impl std::fmt::Debug for Leaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leaves(…)")
    }
}

impl Leaves {
    /// Makes the key that all leaves share.
    ///
    /// # Errors
    /// [`TlsError`] if there is no randomness.
    pub(in super::super) fn new(ca: BottleCa) -> Result<Self, TlsError> {
        let key = key()?;
        let provider = provider();
        let der = PrivatePkcs8KeyDer::from(key.serialize_der());
        let signing = provider.key_provider.load_private_key(der.into())?;
        Ok(Self {
            ca,
            key,
            signing,
            provider,
            tickets: Ticketer::new()?,
            held: Mutex::default(),
        })
    }

    /// Gives the configuration that answers for this host and no other.
    ///
    /// # Errors
    /// [`TlsError`] if a certificate could not be made.
    pub(in super::super) fn config_for(
        &self,
        host: &HostName,
        now: Timestamp,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.uses += 1;
        let used = held.uses;
        if let Some(leaf) = held.hosts.get_mut(host).filter(|leaf| now < leaf.renew_at) {
            leaf.used = used;
            return Ok(Arc::clone(&leaf.config));
        }
        let config = self.config(host, now)?;
        if held.hosts.len() >= HELD && !held.hosts.contains_key(host) {
            let oldest = held.hosts.iter().min_by_key(|(_, leaf)| leaf.used);
            let oldest = oldest.map(|(host, _)| host.clone());
            if let Some(oldest) = oldest {
                held.hosts.remove(&oldest);
            }
        }
        let leaf = Leaf {
            config: Arc::clone(&config),
            renew_at: now + Duration::from_hours(12 * LEAF_DAYS.unsigned_abs()),
            used,
        };
        held.hosts.insert(host.clone(), leaf);
        drop(held);
        Ok(config)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.lock().unwrap().hosts.len()
    }

    fn config(&self, host: &HostName, now: Timestamp) -> Result<Arc<ServerConfig>, TlsError> {
        let certificate = self.ca.leaf(host, &self.key, now)?;
        let certified = CertifiedKey::new(vec![certificate], Arc::clone(&self.signing));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.ignore_client_order = true;
        // A client that comes again brings its session along, sealed: the second handshake
        // needs no certificate, and nothing is kept here. A ticket is good for the name
        // that it was given for and for no other.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::clone(&self.tickets);
        config.send_tls13_tickets = TICKETS;
        Ok(Arc::new(config))
    }
}
