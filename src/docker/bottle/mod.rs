//! The life of a bottle on one engine: up, stop, resume, remove, its two lines.
//!
//! Nothing here remembers anything: what exists is asked of the engine, by label.

mod brake;
mod build;
mod candidate;
mod change;
mod containers;
mod fence;
mod guest_volume;
mod hand_over;
mod image;
mod leftovers;
mod life;
mod ready;
mod request;
mod sightings;
mod steps;
mod up;
mod watch;
mod workspace;

use std::collections::BTreeMap;

use super::engine::Engine;
use super::error::EngineError;
use super::labels;
use super::line::{Line, LineTraffic};
use super::model::NetworkRequest;
use crate::spec::{BottleId, layout};
use crate::wire::Role;

pub use brake::{cut, freeze, reconnect, unfreeze};
pub use build::BuildRemains;
pub use change::{AgentSpec, agent_spec, change, prepare, unprepare};
pub use image::is_built;
pub use leftovers::{Leftovers, leftovers, remove_leftovers, remove_shared};
pub use life::{remove, remove_builds, stop};
pub use request::{
    Brakes, Braking, Change, Credentials, Progress, Step, StepNews, StepTime, Up, UpCause, UpError,
    UpRequest,
};
pub use sightings::sightings;
pub use up::{resume, up};
pub use watch::{WatchEvent, watch};

/// The bridge that every egress sidecar joins; they cannot reach each other on it.
pub(crate) const EGRESS_NETWORK: &str = "cellar-egress";

const CTL: [&str; 3] = [layout::GUEST_BINARY, "guest", "ctl"];
const ATTACH: [&str; 3] = [layout::GUEST_BINARY, "guest", "attach"];

/// Gives the id of that bridge, made if there is none: names need not be unique.
pub(crate) async fn egress_network(engine: &dyn Engine) -> Result<String, EngineError> {
    let network = NetworkRequest {
        name: EGRESS_NETWORK.to_owned(),
        labels: BTreeMap::from([(labels::NETWORK.to_owned(), String::from("egress"))]),
    };
    engine.ensure_network(&network).await
}

/// Opens the control line to a bottle's hub.
///
/// # Errors
/// [`EngineError`] if there is no such bottle or its hub does not run.
pub async fn control_line(engine: &dyn Engine, id: &BottleId) -> Result<Line, EngineError> {
    engine
        .exec_line(
            &containers::container_name(id, Role::Supervise),
            &CTL,
            LineTraffic::Quiet,
        )
        .await
}

/// Opens a line to a bottle's session.
///
/// # Errors
/// [`EngineError`] if there is no such bottle or its agent container does not run.
pub async fn session_line(engine: &dyn Engine, id: &BottleId) -> Result<Line, EngineError> {
    engine
        .exec_line(
            &containers::container_name(id, Role::Agent),
            &ATTACH,
            LineTraffic::Bulk,
        )
        .await
}

#[cfg(test)]
mod tests;
