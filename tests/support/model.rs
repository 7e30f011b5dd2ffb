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

impl ModelDouble {
    /// Starts it in the network namespace of a container.
    pub(crate) fn beside(engine: Engine, container: &str) -> Self {
        let image = engine.one_file_image("model-double", &example("model-double"));
        let container = engine.docker(&[
            "run",
            "--detach",
            "--label",
            "cellar.test=model-double",
            "--network",
            &format!("container:{container}"),
            &image,
            "/program",
            &format!("127.0.0.1:{PORT}"),
        ]);
        Self { engine, container }
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
