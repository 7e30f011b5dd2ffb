//! The bottle's certificate authority: one P-256 key, made once in a bottle's life.
//!
//! Its certificates keep to RFC 5280 as strictly as Python 3.13 checks by default: key
//! identifiers on both, a key usage and critical basic constraints on the authority,
//! names only in the subject alternative name.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::TlsError;
use crate::policy::HostName;

/// Longer than a bottle lives; the key goes with its volumes anyway.
pub(super) const CA_DAYS: i64 = 3650;
/// How long a leaf is valid, in whole days.
pub(super) const LEAF_DAYS: i64 = 8;
/// Certificates are valid from the day before, for clocks that are behind.
const SLACK_DAYS: i64 = 1;
/// RFC 5280, 4.1.2.2: positive and at most 20 octets.
const SERIAL_BYTES: usize = 16;

/// Signs leaves for the hosts that the proxy stands in for.
pub(in super::super) struct BottleCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl std::fmt::Debug for BottleCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BottleCa(…)")
    }
}

impl BottleCa {
    /// Makes the key and its certificate; `bottle` is shown in the certificate's name.
    ///
    /// # Errors
    /// [`TlsError`] if there is no randomness.
    pub(in super::super) fn new(bottle: &str, now: Timestamp) -> Result<Self, TlsError> {
        let key = key()?;
        let params = authority(bottle, now)?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// The authority that was made then, from what was kept of it.
    ///
    /// # Errors
    /// [`TlsError`] if the key is none.
    pub(super) fn of_kept(
        bottle: &str,
        made: Timestamp,
        certificate: Vec<u8>,
        key: &[u8],
    ) -> Result<Self, TlsError> {
        let key = PrivatePkcs8KeyDer::from(key);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)?;
        Ok(Self {
            issuer: Issuer::new(authority(bottle, made)?, key),
            certificate: certificate.into(),
        })
    }

    /// The key as PKCS 8, for the sidecar's own volume alone.
    pub(super) fn key(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.issuer.key().serialize_der())
    }

    /// The certificate, the only part that agents see.
    pub(in super::super) const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Signs a short-lived certificate for one host, over a key that all leaves share.
    ///
    /// # Errors
    /// [`TlsError`] if there is no randomness.
    pub(super) fn leaf(
        &self,
        host: &HostName,
        key: &KeyPair,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, TlsError> {
        let mut params = params("Cellar egress", now, LEAF_DAYS)?;
        let name = host.as_str().to_owned().try_into()?;
        params.subject_alt_names = vec![SanType::DnsName(name)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Ok(params.signed_by(key, &self.issuer)?.der().clone())
    }
}

/// Makes a P-256 key.
pub(super) fn key() -> Result<KeyPair, TlsError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

fn authority(bottle: &str, made: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut params = params(&format!("Cellar bottle {bottle}"), made, CA_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(name: &str, now: Timestamp, days: i64) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| {
        let part = |part: i8| u8::try_from(part).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    params.not_before = day(today.saturating_sub(SLACK_DAYS.days()));
    params.not_after = day(today.saturating_add(days.days()));
    // Without one, rcgen takes the key's digest, which all leaves share.
    let mut serial = [0; SERIAL_BYTES];
    getrandom::fill(&mut serial)?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}
