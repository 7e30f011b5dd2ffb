//! PID 1 of the agent container: the session's PTY, the doors, the seal probes.
//!
//! It runs as the agent's own user inside the fence, so nothing it says is a fact to
//! the operator's side. The session never waits for a client or for the hub; what it
//! cannot hand on at once it bounds or drops. It must not know of the engine or of
//! what the sidecars decide.

mod asking;
mod client;
mod descriptor;
mod host;
mod lines;
mod observe;
mod outgoing;
mod output;
mod process;
mod report;
mod seal;
mod session;
mod terminal;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::mpsc;
use tokio::task::LocalSet;

use self::host::{Host, Places};
use self::process::{Scope, Signals};
pub(super) use self::seal::probe as probe_fence;
use self::trust::Trust;
use crate::guest::runtime::never_wait_for;
use crate::spec::layout;
use crate::wire::InitConfig;

/// Why init cannot play its role.
#[derive(Debug, thiserror::Error)]
enum InitError {
    #[error("find what to do in the environment variable {0}")]
    NoConfig(&'static str),
    #[error("understand the environment variable {0}")]
    BadConfig(&'static str, #[source] serde_json::Error),
    #[error("prepare the session")]
    Io(#[from] io::Error),
}

/// Plays the role until the session ends. The exit code is the program's, 128 and the
/// signal's number if one ended it, 97 if the seal does not hold, 127 if the program
/// could not be started, and 1 if init itself could not begin.
#[must_use]
pub fn run() -> ExitCode {
    match play() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let text = format!("failed to {error}{}\n", cause.unwrap_or_default());
            // Nobody is left to tell if this fails too.
            drop(io::stderr().write_all(text.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

fn play() -> Result<u8, InitError> {
    never_wait_for(io::stderr());
    let variable = layout::INIT_CONFIG_ENV;
    let text = std::env::var(variable).map_err(|_| InitError::NoConfig(variable))?;
    let config: InitConfig =
        serde_json::from_str(&text).map_err(|error| InitError::BadConfig(variable, error))?;
    let mut environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    environment.remove(variable);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    let code = tasks.block_on(&runtime, async move {
        let (tell, told) = mpsc::channel(16);
        let mut signals = Signals::new()?;
        let _signals = tokio::task::spawn_local(async move {
            while tell.send(signals.next().await).await.is_ok() {}
        });
        let host = Host {
            places: places(&config),
            config,
            environment,
            scope: scope(),
            probe: Box::new(|| seal::probe(Some(Path::new(layout::DOORS)))),
        };
        host.run(told).await
    })?;
    Ok(code)
}

fn places(config: &InitConfig) -> Places {
    let report_door = PathBuf::from(layout::REPORT_DOOR);
    let mut awaited: Vec<PathBuf> = config.doors.values().map(PathBuf::from).collect();
    awaited.push(report_door.clone());
    Places {
        attach_socket: PathBuf::from(layout::ATTACH_SOCKET),
        report_door,
        lines: PathBuf::from(layout::LINES),
        hook_settings: PathBuf::from(layout::HOOK_SETTINGS),
        mcp_config: PathBuf::from(layout::MCP_CONFIG),
        hook_word: PathBuf::from(layout::HOOK_WORD),
        awaited,
        trust: Trust {
            ca: PathBuf::from(layout::CA),
            bundle: PathBuf::from(layout::CA_BUNDLE),
        },
    }
}

fn scope() -> Scope {
    if std::process::id() == 1 {
        Scope::All
    } else {
        Scope::Program
    }
}
