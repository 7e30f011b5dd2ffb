//! What agents may trust, as files beside the door: the bottle's authority alone for
//! programs that add to their own roots, and with the public roots for those that take
//! one bundle in place of theirs.
//!
//! A sidecar that starts anew has a new authority and replaces both files; a program
//! that read the old ones must be started anew too.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rustls::pki_types::CertificateDer;

use super::upstream::read_bundle;
use super::{BottleCa, TlsError};
use crate::spec::layout;

/// The width of a line of PEM (RFC 7468, 2).
const LINE: usize = 64;

/// Where the two files go.
#[derive(Clone, Debug)]
pub(in super::super) struct TrustFiles {
    pub(in super::super) ca: PathBuf,
    pub(in super::super) bundle: PathBuf,
}

impl Default for TrustFiles {
    fn default() -> Self {
        Self {
            ca: PathBuf::from(layout::CA),
            bundle: PathBuf::from(layout::CA_BUNDLE),
        }
    }
}

/// The authorities of the operator's own, for upstream and for spliced tunnels.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Trusted {
    pub(in super::super) extra: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// Reads a PEM bundle; none is no bundle.
    ///
    /// # Errors
    /// [`TlsError::Bundle`] if there is one and it holds anything but certificates.
    pub(in super::super) fn read(pem: Option<&str>) -> Result<Self, TlsError> {
        let extra = pem.map(read_bundle).transpose()?.unwrap_or_default();
        Ok(Self { extra })
    }

    /// Writes both files, each whole or not at all.
    ///
    /// # Errors
    /// [`TlsError::Write`] with the path.
    pub(in super::super) fn publish(
        &self,
        ca: &BottleCa,
        files: &TrustFiles,
    ) -> Result<(), TlsError> {
        let mut own = String::new();
        for certificate in self.extra.iter().chain([ca.certificate()]) {
            push_pem(&mut own, certificate);
        }
        let mut bundle = own.clone();
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            push_pem(&mut bundle, root);
        }
        replace(&files.ca, own.as_bytes())?;
        replace(&files.bundle, bundle.as_bytes())
    }
}

pub(super) fn push_pem(to: &mut String, certificate: &CertificateDer<'_>) {
    to.push_str("-----BEGIN CERTIFICATE-----\n");
    let text = BASE64.encode(certificate);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        to.push_str(line);
        to.push('\n');
        rest = more;
    }
    to.push_str("-----END CERTIFICATE-----\n");
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
    let write = || -> std::io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let mut file = std::fs::File::create(&fresh)?;
        file.write_all(bytes)?;
        // Readable for the agent, whoever it runs as and whatever the umask is.
        file.set_permissions(Permissions::from_mode(0o644))?;
        std::fs::rename(&fresh, path)
    };
    write().map_err(|source| TlsError::Write {
        path: path.display().to_string(),
        source,
    })
}
