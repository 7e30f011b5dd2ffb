//! The model double beside a bottle's egress sidecar, and the images of real clients.

use std::process::Command;

use super::double::{Double, Vouched};
use super::engine::Engine;

/// The port that the double listens on, on the egress sidecar's loopback.
pub(crate) const PORT: u16 = 8118;

/// A model double that runs.
pub(crate) struct ModelDouble(Double);

/// The host that the model API has for Claude Code.
pub(crate) const HOST: &str = "api.anthropic.com";

impl ModelDouble {
    /// Starts it in the network namespace of a container.
    pub(crate) fn beside(engine: Engine, container: &str) -> Self {
        let address = format!("127.0.0.1:{PORT}");
        Self(Double::run(
            engine,
            "model-double",
            container,
            &address,
            &[],
        ))
    }

    /// As [`ModelDouble::beside`], at the port for https and with TLS.
    pub(crate) fn with_tls(engine: Engine, container: &str, vouched: &Vouched) -> Self {
        Self::with_tls_at(engine, container, vouched, "127.0.0.1:443")
    }

    /// As [`ModelDouble::with_tls`], at another address.
    pub(crate) fn with_tls_at(
        engine: Engine,
        container: &str,
        vouched: &Vouched,
        address: &str,
    ) -> Self {
        let environment = vouched.environment();
        Self(Double::run(
            engine,
            "model-double",
            container,
            address,
            &environment,
        ))
    }

    /// What it was asked, a request a line.
    pub(crate) fn log(&self) -> String {
        self.0.log()
    }
}

/// The image with the real Claude Code; makes it if the engine lacks it.
#[track_caller]
pub(crate) fn claude_image() -> String {
    image("claude-image.sh")
}

/// The image with the programs that agents use, Claude Code among them; makes it if the
/// engine lacks it.
#[track_caller]
pub(crate) fn clients_image() -> String {
    image("clients-image.sh")
}

#[track_caller]
fn image(script: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support");
    let output = Command::new(format!("{folder}/{script}")).output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
