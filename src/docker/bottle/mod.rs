//! The life of a bottle on one engine: up, stop, resume, remove, its two lines.
//!
//! Nothing here remembers anything: what exists is asked of the engine, by label.

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

use super::engine::Engine;
use super::error::EngineError;
use super::line::Line;
use crate::spec::{BottleId, layout};
use crate::wire::Role;

pub use leftovers::{Leftovers, leftovers, remove_leftovers, remove_shared};
pub use life::{remove, stop};
pub use request::{
    Credentials, Progress, Step, StepNews, StepTime, Up, UpCause, UpError, UpRequest,
};
pub use sightings::sightings;
pub use up::{resume, up};
pub use watch::{WatchEvent, watch};

/// The bridge that every egress sidecar joins; they cannot reach each other on it.
pub(crate) const EGRESS_NETWORK: &str = "cellar-egress";

const CTL: [&str; 3] = [layout::GUEST_BINARY, "guest", "ctl"];
const ATTACH: [&str; 3] = [layout::GUEST_BINARY, "guest", "attach"];

/// Opens the control line to a bottle's hub.
///
/// # Errors
/// [`EngineError`] if there is no such bottle or its hub does not run.
pub async fn control_line(engine: &dyn Engine, id: &BottleId) -> Result<Line, EngineError> {
    engine
        .exec_line(&containers::container_name(id, Role::Supervise), &CTL)
        .await
}

/// Opens a line to a bottle's session.
///
/// # Errors
/// [`EngineError`] if there is no such bottle or its agent container does not run.
pub async fn session_line(engine: &dyn Engine, id: &BottleId) -> Result<Line, EngineError> {
    engine
        .exec_line(&containers::container_name(id, Role::Agent), &ATTACH)
        .await
}

#[cfg(test)]
mod tests;
