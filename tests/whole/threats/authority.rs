//! The authority of the world's servers, and certificates that it should not have given.

use data_encoding::BASE64;
use rcgen::{CertificateParams, Issuer, KeyPair};
use serde_json::{Value, json};

/// An authority that the bottle is told to trust.
pub(crate) struct Authority {
    /// PEM.
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
    hosts: Vec<String>,
}

impl Authority {
    /// Vouches for these hosts and for all below `wild.test`.
    pub(crate) fn of(hosts: &[String]) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let body = BASE64.encode(&der);
        let lines: Vec<&str> = (0..body.len())
            .step_by(64)
            .filter_map(|at| body.get(at..(at + 64).min(body.len())))
            .collect();
        Self {
            pem: format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            ),
            issuer: Issuer::new(params, key),
            hosts: hosts.to_vec(),
        }
    }

    /// What the world's servers show, by the name that they are asked for.
    pub(crate) fn certificates(&self) -> Value {
        let every = self.pair(&self.hosts, |_| {});
        let expired = self.pair(&["expired.test".to_owned()], |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        });
        let other = self.pair(&["other.test".to_owned()], |_| {});
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["selfsigned.test".to_owned()]).unwrap();
        let own = shown(own.self_signed(&key).unwrap().der(), &key);
        json!({
            "*": every, "expired.test": expired, "wrongname.test": other.clone(),
            "wrongcred.test": other, "selfsigned.test": own,
        })
    }

    fn pair(&self, hosts: &[String], change: impl Fn(&mut CertificateParams)) -> Value {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts.to_vec()).unwrap();
        change(&mut params);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        shown(signed.der(), &key)
    }
}

fn shown(certificate: &[u8], key: &KeyPair) -> Value {
    json!({
        "certificate": BASE64.encode(certificate), "key": BASE64.encode(&key.serialize_der()),
    })
}
