//! Doubles of what a bottle reaches, beside its egress sidecar.

use super::engine::{Engine, example};

/// A double that runs, until it is dropped.
pub(crate) struct Double {
    engine: Engine,
    container: String,
}

impl Double {
    /// Starts an example program, which is told the address, in the network namespace of
    /// a container.
    pub(crate) fn run(
        engine: Engine,
        program: &str,
        container: &str,
        address: &str,
        environment: &[String],
    ) -> Self {
        let image = engine.one_file_image(program, &example(program));
        let network = format!("container:{container}");
        let label = format!("cellar.test={program}");
        let mut arguments = vec!["run", "--detach", "--label", &label];
        arguments.extend(["--network", &network]);
        for variable in environment {
            arguments.extend(["--env", variable]);
        }
        arguments.extend([&image, "/program", address]);
        Self {
            engine,
            container: engine.docker(&arguments),
        }
    }

    /// What it was asked, a request a line.
    pub(crate) fn log(&self) -> String {
        self.engine.docker(&["logs", &self.container])
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.engine.try_docker(&["rm", "-f", &self.container]));
    }
}

/// A certificate for some hosts and the authority that vouches for it.
pub(crate) struct Vouched {
    /// The authority, PEM.
    pub(crate) authority: String,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Vouched {
    pub(crate) fn for_hosts(hosts: &[&str]) -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let signed = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let hosts: Vec<String> = hosts.iter().copied().map(str::to_owned).collect();
        let certificate = rcgen::CertificateParams::new(hosts)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let body = data_encoding::BASE64.encode(signed.der());
        let lines: Vec<&str> = (0..body.len())
            .step_by(64)
            .filter_map(|at| body.get(at..(at + 64).min(body.len())))
            .collect();
        Self {
            authority: format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            ),
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
        }
    }

    /// The certificate and its key as a double takes them.
    pub(crate) fn environment(&self) -> [String; 2] {
        let encode = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        [
            format!("TLS_CERT={}", encode(&self.certificate)),
            format!("TLS_KEY={}", encode(&self.key)),
        ]
    }
}
