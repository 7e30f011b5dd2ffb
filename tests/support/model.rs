//! The model double beside a bottle's egress sidecar, and the image of Claude Code.

use std::process::Command;

use super::engine::{Engine, example};

/// The port that the double listens on, on the egress sidecar's loopback.
pub(crate) const PORT: u16 = 8118;

/// A model double that runs.
pub(crate) struct ModelDouble {
    engine: Engine,
    container: String,
}

/// The host that the model API has for Claude Code.
pub(crate) const HOST: &str = "api.anthropic.com";

/// A certificate for [`HOST`] and the authority that vouches for it.
pub(crate) struct Vouched {
    /// The authority, PEM.
    pub(crate) authority: String,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Vouched {
    pub(crate) fn new() -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let signed = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec![HOST.to_owned()])
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
}

impl ModelDouble {
    /// Starts it in the network namespace of a container.
    pub(crate) fn beside(engine: Engine, container: &str) -> Self {
        Self::run(engine, container, &format!("127.0.0.1:{PORT}"), &[])
    }

    /// As [`ModelDouble::beside`], at the port for https and with TLS.
    pub(crate) fn with_tls(engine: Engine, container: &str, vouched: &Vouched) -> Self {
        let encode = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        let environment = [
            format!("TLS_CERT={}", encode(&vouched.certificate)),
            format!("TLS_KEY={}", encode(&vouched.key)),
        ];
        Self::run(engine, container, "127.0.0.1:443", &environment)
    }

    fn run(engine: Engine, container: &str, address: &str, environment: &[String]) -> Self {
        let image = engine.one_file_image("model-double", &example("model-double"));
        let network = format!("container:{container}");
        let mut arguments = vec!["run", "--detach", "--label", "cellar.test=model-double"];
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

impl Drop for ModelDouble {
    fn drop(&mut self) {
        drop(self.engine.try_docker(&["rm", "-f", &self.container]));
    }
}

/// The image with the real Claude Code; makes it if the engine lacks it.
#[track_caller]
pub(crate) fn claude_image() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/claude-image.sh");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "make the image of Claude Code: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
