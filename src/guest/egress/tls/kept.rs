//! The bottle's authority on the sidecar's own volume, so that it outlives the process.
//!
//! A program reads what it trusts once, at its start: with an authority made anew at
//! every start of the sidecar, one crash would end each connection of a session that
//! runs. The volume is the sidecar's alone. Whoever can read it can read this process,
//! and what the key signs is trusted in this bottle and nowhere else.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::TlsError;
use super::ca::{BottleCa, CA_DAYS};

/// One that ends within this time is replaced: agents of that age are started anew
/// sooner.
const RENEWED_BEFORE_DAYS: i64 = 365;

/// The authority as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// When it was made, which its certificate's dates follow from.
    made: Timestamp,
    /// The certificate, DER in base64.
    certificate: String,
    /// The key, PKCS 8 in base64.
    key: String,
}

impl BottleCa {
    /// Gives the authority that the file holds, or makes one and keeps it there. A file
    /// that cannot be used is replaced: what the agent trusted is lost either way.
    ///
    /// # Errors
    /// [`TlsError`] if one can be neither read nor made and kept.
    pub(in super::super) fn kept_in(
        file: &Path,
        bottle: &str,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        if let Some(kept) = read(file, bottle, now) {
            return Ok(kept);
        }
        let made = Self::new(bottle, now)?;
        let write = |source| TlsError::Write {
            path: file.display().to_string(),
            source,
        };
        write_down(file, &made, now).map_err(write)?;
        Ok(made)
    }
}

fn read(file: &Path, bottle: &str, now: Timestamp) -> Option<BottleCa> {
    let bytes = Zeroizing::new(std::fs::read(file).ok()?);
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    let age = now.duration_since(kept.made).as_hours() / 24;
    if !(0..CA_DAYS - RENEWED_BEFORE_DAYS).contains(&age) {
        return None;
    }
    let certificate = BASE64.decode(kept.certificate.as_bytes()).ok()?;
    let key = Zeroizing::new(BASE64.decode(kept.key.as_bytes()).ok()?);
    BottleCa::of_kept(bottle, kept.made, certificate, &key).ok()
}

fn write_down(file: &Path, ca: &BottleCa, now: Timestamp) -> std::io::Result<()> {
    let kept = Kept {
        made: now,
        certificate: BASE64.encode(ca.certificate()),
        key: BASE64.encode(&ca.key()),
    };
    let bytes = Zeroizing::new(serde_json::to_vec(&kept)?);
    let new = file.with_extension("new");
    // One that a crash left behind keeps its mode.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    written.write_all(&bytes)?;
    // Not synced, which the start would wait for: a machine that goes down takes every
    // program along that trusts it.
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::policy::HostName;
    use jiff::ToSpan as _;

    #[test]
    fn an_authority_outlives_its_process_and_signs_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.json");
        let now = Timestamp::now();
        let first = BottleCa::kept_in(&file, "one", now).unwrap();
        let later = now + 1.hour();
        let second = BottleCa::kept_in(&file, "one", later).unwrap();
        assert_eq!(first.certificate(), second.certificate());
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        // A leaf of the second is vouched for by the certificate of the first.
        let key = super::super::ca::key().unwrap();
        let host = HostName::parse("a.example").unwrap();
        let leaf = second.leaf(&host, &key, later).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(first.certificate().clone()).unwrap();
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
            std::sync::Arc::new(roots),
            super::super::provider(),
        )
        .build()
        .unwrap();
        let name = "a.example".try_into().unwrap();
        rustls::client::danger::ServerCertVerifier::verify_server_cert(
            &*verifier,
            &leaf,
            &[],
            &name,
            &[],
            rustls::pki_types::UnixTime::now(),
        )
        .unwrap();
    }

    #[test]
    fn one_that_is_old_or_broken_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.json");
        let now = Timestamp::now();
        let first = BottleCa::kept_in(&file, "one", now).unwrap();
        let old = now + (24 * (CA_DAYS - RENEWED_BEFORE_DAYS)).hours();
        let renewed = BottleCa::kept_in(&file, "one", old).unwrap();
        assert_ne!(first.certificate(), renewed.certificate());
        std::fs::write(&file, "{").unwrap();
        let mended = BottleCa::kept_in(&file, "one", now).unwrap();
        assert_ne!(renewed.certificate(), mended.certificate());
        let again = BottleCa::kept_in(&file, "one", now).unwrap();
        assert_eq!(mended.certificate(), again.certificate());
        std::fs::write(file.with_extension("new"), "left by a crash").unwrap();
        std::fs::remove_file(&file).unwrap();
        BottleCa::kept_in(&file, "one", now).unwrap();
    }
}
