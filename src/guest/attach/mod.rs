//! Hands the stdio of an exec over to init as one more session client.
//!
//! This process is not a hop: it passes its standard input and output to init as file
//! descriptors, and init speaks the session line on them itself. What is left to do
//! here is to stay until init lets go, since the exec lives as long as this process.
//! It must not read from or write to those streams.

pub(super) mod descriptors;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use crate::spec::layout;

/// Why a client could not be handed over.
#[derive(Debug, thiserror::Error)]
enum AttachError {
    #[error("attach through a terminal; run the exec without one (docker exec -i)")]
    Terminal,
    #[error("reach the session, which may not be up yet or may have ended")]
    Connect(#[source] std::io::Error),
    #[error("hand the streams over")]
    Pass(#[source] std::io::Error),
}

/// Plays the role until init lets go of the client.
#[must_use]
pub fn run() -> ExitCode {
    match attach(Path::new(layout::ATTACH_SOCKET)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let text = format!("failed to {error}{}\n", cause.unwrap_or_default());
            // Nobody is left to tell if this fails too.
            drop(std::io::stderr().write_all(text.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

fn attach(socket: &Path) -> Result<(), AttachError> {
    let (input, output) = (rustix::stdio::stdin(), rustix::stdio::stdout());
    if rustix::termios::isatty(input) || rustix::termios::isatty(output) {
        return Err(AttachError::Terminal);
    }
    let mut init = UnixStream::connect(socket).map_err(AttachError::Connect)?;
    descriptors::send(&init, input, output).map_err(AttachError::Pass)?;
    // Init sends nothing; the end of its stream is the end of the client.
    let mut byte = [0];
    while matches!(init.read(&mut byte), Ok(1..)) {}
    Ok(())
}
