//! The hub: what the bottle's roles report comes together here, and consoles listen.
//!
//! It has three sockets: one for sidecars and consoles, one on which the agent's
//! container reports (and is believed in little), one on which it tells the agent what
//! the bottle may do. Everything it holds is bounded, and all of it is the bottle's
//! word. It decides nothing and must not reach the network.

mod agent;
mod bounds;
mod hub;
mod lines;
mod report;
mod requests;
mod shared;

use std::path::PathBuf;
use std::process::ExitCode;

use requests::Requests;
use shared::SharedHub;

use super::runtime::{RoleError, bind_door, play, sidecar_config};
use crate::spec::layout;
use crate::wire::{RoleState, SidecarConfig};

/// Where this role listens.
#[derive(Clone, Debug)]
struct Paths {
    hub: PathBuf,
    report: PathBuf,
    agent: PathBuf,
    requests: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            hub: PathBuf::from(layout::HUB),
            report: PathBuf::from(layout::REPORT_DOOR),
            agent: PathBuf::from(layout::SUPERVISE_DOOR),
            requests: PathBuf::from(layout::DATA).join("requests.jsonl"),
        }
    }
}

/// Plays the role until it ends.
#[must_use]
pub fn run() -> ExitCode {
    play(async { serve(&Paths::default(), &sidecar_config()?).await })
}

async fn serve(paths: &Paths, config: &SidecarConfig) -> Result<(), RoleError> {
    let hub = SharedHub::default();
    // The agent's doors first: who finds the hub's socket finds the others too.
    let report_door = bind_door(&paths.report, 0o666)?;
    let agent_door = bind_door(&paths.agent, 0o666)?;
    let hub_door = bind_door(&paths.hub, 0o600)?;
    hub.state(RoleState::Ready);
    let requests = Requests::open(paths.requests.clone(), hub.clone());
    tokio::select! {
        () = lines::serve(&hub_door, &hub, &requests) => {}
        () = report::serve(&report_door, &hub) => {}
        () = agent::serve(&agent_door, config, &hub) => {}
    }
    Ok(())
}
