//! The build helper: a loopback port spliced to the door of a build's egress.
//!
//! The `RUN` steps of a build join this container's network namespace, which has the
//! loopback alone, so this port is their only way out. They share neither its files nor
//! its processes. It must not know of builds, nor of what egress decides.

use std::path::PathBuf;
use std::process::ExitCode;

use super::runtime::{Door, RoleError, note, play};
use crate::spec::layout;
use crate::wire::RoleState;

/// Plays the role until it is ended. That it serves stands in its log, as the state of
/// any role does.
#[must_use]
pub fn run() -> ExitCode {
    play(async {
        let port = layout::ports::EGRESS;
        let opened = Door::open(port, PathBuf::from(layout::EGRESS_DOOR)).await;
        let door = opened.map_err(|source| RoleError::Listen {
            path: format!("port {port}"),
            source,
        })?;
        note(&RoleState::Ready.words());
        door.serve().await;
        Ok(())
    })
}
