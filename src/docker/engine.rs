//! One Docker-compatible endpoint, as little of it as bottles need.
//!
//! The trait is object-safe, so that the fake engine of tests and the real one are
//! told apart nowhere. Containers, volumes and networks are named by id or name.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::error::EngineError;
use super::line::{Line, LineTraffic};
use super::model::{
    BuildRequest, ContainerDetails, ContainerRequest, ContainerSummary, EngineEvent, EngineInfo,
    ImageSighting, LogChunk, LogRequest, NetworkRequest, NetworkSighting, StatsSample,
    VolumeSighting,
};
use crate::state::EngineId;

/// What the engine will answer.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, EngineError>>;

/// What the engine says bit by bit. Ends when the engine says no more; after an
/// error nothing follows.
pub type News<T> = BoxStream<'static, Result<T, EngineError>>;

/// Bytes on their way to the engine.
pub type Body = BoxStream<'static, std::io::Result<Bytes>>;

/// One Docker-compatible endpoint. Every method may be called at any time and from
/// any task; dropping an answer gives the wait up, not the work: the engine may
/// still do what it was asked.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Names it among engines. Said without asking, and the same as long as it lives.
    fn id(&self) -> &EngineId;
    /// What the engine is.
    fn info(&self) -> Answer<'_, EngineInfo>;
    /// Whether it answers at all.
    fn ping(&self) -> Answer<'_, ()>;

    /// The image of that reference, if the engine has it.
    fn image<'a>(&'a self, reference: &'a str) -> Answer<'a, Option<ImageSighting>>;
    /// Images that carry the label.
    fn images<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ImageSighting>>;
    /// Loads an archive of the `docker save` form.
    fn load_image(&self, archive: Body) -> Answer<'_, ()>;
    /// Pulls an image where a registry is reachable; each item is a line of progress.
    fn pull_image(&self, reference: &str) -> News<String>;
    /// Builds an image; each item is a piece of output. Dropping the stream cancels the
    /// build: the engine kills the step that runs and removes its container, a moment
    /// later.
    fn build_image(&self, request: BuildRequest) -> News<String>;
    /// Takes the reference off an image, and the image away with its last one.
    fn remove_image<'a>(&'a self, reference: &'a str) -> Answer<'a, ()>;

    /// All containers that carry the label (`key` or `key=value`), stopped ones too.
    fn containers<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<ContainerSummary>>;
    /// Makes a container and gives its id.
    fn create<'a>(&'a self, request: &'a ContainerRequest) -> Answer<'a, String>;
    /// Starts it; one that runs is fine.
    fn start<'a>(&'a self, container: &'a str) -> Answer<'a, ()>;
    /// Asks it to end, kills it after the grace; one that is stopped is fine.
    fn stop<'a>(&'a self, container: &'a str, grace: Duration) -> Answer<'a, ()>;
    /// Freezes all its processes where they are (the freezer of its control group). One
    /// that is frozen is fine; one that does not run is a conflict.
    fn pause<'a>(&'a self, container: &'a str) -> Answer<'a, ()>;
    /// Lets them go on; one that is not frozen is fine.
    fn unpause<'a>(&'a self, container: &'a str) -> Answer<'a, ()>;
    /// Kills its first process.
    fn kill<'a>(&'a self, container: &'a str) -> Answer<'a, ()>;
    /// Removes it, running or not, with its anonymous volumes.
    fn remove<'a>(&'a self, container: &'a str) -> Answer<'a, ()>;
    /// What the engine really applied to it.
    fn inspect<'a>(&'a self, container: &'a str) -> Answer<'a, ContainerDetails>;
    /// What it wrote, line by line.
    fn logs(&self, container: &str, request: LogRequest) -> News<LogChunk>;
    /// What happens to containers that carry the label, from now on.
    fn events(&self, label: &str) -> News<EngineEvent>;
    /// Runs a program in it and connects to its standard input and output.
    fn exec_line<'a>(
        &'a self,
        container: &'a str,
        argv: &'a [&'a str],
        traffic: LineTraffic,
    ) -> Answer<'a, Line>;
    /// Unpacks a tar archive below a folder of it.
    fn put_archive<'a>(
        &'a self,
        container: &'a str,
        path: &'a str,
        archive: Body,
    ) -> Answer<'a, ()>;
    /// What it uses now.
    fn stats<'a>(&'a self, container: &'a str) -> Answer<'a, StatsSample>;

    /// Volumes that carry the label.
    fn volumes<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<VolumeSighting>>;
    /// The volume of that name, if there is one.
    fn volume<'a>(&'a self, name: &'a str) -> Answer<'a, Option<VolumeSighting>>;
    /// Removes a volume that no container uses.
    fn remove_volume<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;

    /// Gives the id of the network of that name, made if there is none. Safe to call
    /// from several consoles at once.
    fn ensure_network<'a>(&'a self, request: &'a NetworkRequest) -> Answer<'a, String>;
    /// Gives a container an interface of a network; one that has it is fine.
    fn join<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()>;
    /// Takes a container's interface of a network away, connections and all; one that
    /// has none is fine.
    fn part<'a>(&'a self, network: &'a str, container: &'a str) -> Answer<'a, ()>;
    /// Networks that carry the label.
    fn networks<'a>(&'a self, label: &'a str) -> Answer<'a, Vec<NetworkSighting>>;
    /// Removes a network that no container uses.
    fn remove_network<'a>(&'a self, network: &'a str) -> Answer<'a, ()>;
}
