//! What the sidecars share: configuration from the environment, a runtime of one
//! thread, signals, sockets, and the line to the hub.
//!
//! Nothing here knows what a role does. The environment is read here and in no
//! deeper place; paths are handed down, so that tests can hand down others.

mod door;
mod hub_line;
mod ports;
mod text;
pub(crate) mod tunnel;

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::spec::layout;
use crate::wire::SidecarConfig;

pub(crate) use door::bind_door;
pub(crate) use hub_line::{Reporter, hub_line};
pub(crate) use ports::Door;
pub(crate) use text::{bounded, escaped, never_wait_for, note};

/// Why a sidecar's role could not be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoleError {
    /// The variable is absent or no UTF-8.
    #[error("read the environment variable {name}")]
    Environment {
        name: &'static str,
        #[source]
        source: std::env::VarError,
    },
    /// The variable holds something else.
    #[error("understand the environment variable {name}")]
    Config {
        name: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// A socket could not be made.
    #[error("listen on {path}")]
    Listen {
        path: String,
        #[source]
        source: std::io::Error,
    },
    /// What the role keeps for itself could not be made.
    #[error("prepare {what}")]
    Prepare {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The kernel refused something that every role needs.
    #[error("set up the process")]
    Process(#[from] std::io::Error),
}

/// Reads [`layout::SIDECAR_CONFIG_ENV`].
///
/// # Errors
/// [`RoleError`] if it is absent or does not fit.
pub(crate) fn sidecar_config() -> Result<SidecarConfig, RoleError> {
    let name = layout::SIDECAR_CONFIG_ENV;
    let text = std::env::var(name).map_err(|source| RoleError::Environment { name, source })?;
    serde_json::from_str(&text).map_err(|source| RoleError::Config { name, source })
}

/// Plays a role on one thread until it ends or a termination signal arrives, which is
/// the ordinary end. What goes wrong is said on standard error.
pub(crate) fn play<F>(role: F) -> ExitCode
where
    F: Future<Output = Result<(), RoleError>>,
{
    raise_file_limit();
    never_wait_for(std::io::stderr());
    match run(role) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Takes as many open files as the engine allows: each connection needs two. With
/// fewer the role still serves, and refuses connections sooner.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).ok();
}

fn run<F>(role: F) -> Result<(), RoleError>
where
    F: Future<Output = Result<(), RoleError>>,
{
    on_one_thread(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            ended = role => ended,
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
        }
    })?
}

/// Runs a future on a runtime of this thread alone.
///
/// # Errors
/// If the kernel gives the runtime no event queue.
pub(crate) fn on_one_thread<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

/// Says an error and its causes on standard error; if that fails there is nobody left
/// to tell.
fn complain(error: &dyn std::error::Error) {
    let mut text = format!("cellar: failed to {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.push('\n');
    drop(std::io::stderr().write_all(text.as_bytes()));
}
