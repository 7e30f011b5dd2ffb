//! The engine client and the life of a bottle on it.
//!
//! [`Engine`] is one Docker-compatible endpoint, small and object-safe; above it
//! stand the functions that make, watch, stop and remove whole bottles, written
//! once for every engine. Everything is found by label, so that nothing depends on
//! this process having made it. Types of `bollard` do not leave `client`; this
//! module must not know of the terminal, the record on disk or the manifest.

mod address;
mod archive;
mod bottle;
mod client;
mod engine;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod guest_image;
pub mod labels;
mod line;
mod local_line;
mod model;
mod usage;

pub use address::{AddressError, EngineAddress, raise_open_files};
pub use archive::{HomeFile, guest_archive};
pub use bottle::{
    AgentSpec, Brakes, Braking, BuildRemains, Change, Credentials, Leftovers, Progress, Step,
    StepNews, StepTime, Up, UpCause, UpError, UpRequest, WatchEvent, agent_spec, change,
    control_line, cut, freeze, is_built, leftovers, prepare, reconnect, remove, remove_builds,
    remove_leftovers, remove_shared, resume, session_line, sightings, stop, unfreeze, unprepare,
    up, watch,
};
pub use client::DockerEngine;
pub use engine::{Answer, Body, Engine, News};
pub use error::EngineError;
pub use guest_image::{GuestBinary, GuestBinaryError};
pub use line::{Line, LineErrors, LineTraffic};
pub use local_line::{local_line, make_line_folder};
pub use model::{
    BuildNetwork, BuildRequest, ContainerDetails, ContainerRequest, ContainerSummary, EngineEvent,
    EngineInfo, ImageSighting, LogChunk, LogRequest, LogSource, MountRequest, MountSighting,
    NetworkRequest, NetworkSighting, NetworkWish, RestartWish, StatsSample, VolumeSighting,
};
pub use usage::{Meter, Whereabouts};
