//! What is asked of an engine and what it answers, as plain data of our own.
//!
//! Open where an engine is open: words that we do not know stay words.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::state::ContainerState;

/// What an engine is and can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// The id that it gave itself.
    pub id: String,
    /// The name of its machine.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The API version that we speak with it.
    pub api_version: String,
    /// Its operating system, in its words.
    pub os: String,
    /// Its processor architecture, such as `x86_64`.
    pub arch: String,
    /// Its kernel.
    pub kernel: String,
    /// The OCI runtimes it knows, sorted.
    pub runtimes: Vec<String>,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// Such as `name=seccomp,profile=default`.
    pub security_options: Vec<String>,
    /// How it stores images and containers.
    pub storage_driver: String,
    /// CPUs.
    pub ncpu: u64,
    /// Memory.
    pub memory_bytes: u64,
    /// Whether it is Podman behind Docker's API.
    pub is_podman: bool,
    /// Complaints it has about its own set-up.
    pub warnings: Vec<String>,
}

/// An image on an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSighting {
    /// Its id.
    pub id: String,
    /// Its references.
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The variables it sets.
    pub env: Vec<String>,
    /// Its size.
    pub size_bytes: u64,
}

/// A build by the engine's classic builder. What is not said here is always so: nothing
/// is pulled that is there, and intermediate containers are removed, whatever happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// The reference to give.
    pub tag: String,
    /// The tar archive with `Dockerfile` in it.
    pub context: Bytes,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// The network of its `RUN` steps.
    pub network: BuildNetwork,
    /// Memory of a step, swap included; 0 is no limit.
    pub memory_bytes: u64,
    /// Thousandths of a CPU; 0 is no limit.
    pub cpu_millis: u64,
    /// Build arguments. Those that the builder predefines (`HTTP_PROXY` and its like)
    /// leave no trace in the image.
    pub arguments: BTreeMap<String, String>,
}

/// Which network the `RUN` steps of a build are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildNetwork {
    /// None but loopback.
    None,
    /// That of a running container, by id or name.
    Container(String),
}

/// Which network a container joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkWish {
    /// None but loopback.
    None,
    /// One network, by id or name.
    Joined(String),
}

/// Whether the engine starts a container again when it ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartWish {
    /// It stays ended.
    Never,
    /// It is started again until it is stopped by us.
    UnlessStopped,
}

/// Something mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountRequest {
    /// A volume, made with these labels if there is none of that name.
    Volume {
        /// The volume's name.
        name: String,
        /// Where it is mounted.
        target: String,
        /// Whether the container may only read it.
        read_only: bool,
        /// Whether an empty volume takes content and owner of the image's folder.
        takes_image_content: bool,
        /// Labels of the volume.
        labels: BTreeMap<String, String>,
    },
    /// A folder of the engine's machine.
    Bind {
        /// The folder there.
        host: String,
        /// Where it is mounted.
        target: String,
        /// Whether the container may only read it.
        read_only: bool,
    },
}

impl MountRequest {
    /// Where it is mounted.
    #[must_use]
    pub fn target(&self) -> &str {
        match self {
            Self::Volume { target, .. } | Self::Bind { target, .. } => target,
        }
    }

    /// Whether the container may only read it.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        match self {
            Self::Volume { read_only, .. } | Self::Bind { read_only, .. } => *read_only,
        }
    }
}

/// A container to make. What is not said here is always so: no capability, no new
/// privileges, read-only root file system, no terminal, no published port, no
/// healthcheck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRequest {
    /// Its name.
    pub name: String,
    /// Its image, by id or reference.
    pub image: String,
    /// User and group id of its first process.
    pub uid: u32,
    /// Its first process.
    pub argv: Vec<String>,
    /// Variables, as `NAME=value`.
    pub env: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its network.
    pub network: NetworkWish,
    /// Folder → options of a tmpfs there.
    pub tmpfs: BTreeMap<String, String>,
    /// What is mounted.
    pub mounts: Vec<MountRequest>,
    /// Paths shadowed by emptiness, beside the engine's usual ones.
    pub masked_paths: Vec<String>,
    /// The seccomp profile as JSON.
    pub seccomp: String,
    /// Memory, swap included.
    pub memory_bytes: u64,
    /// Thousandths of a CPU; 0 is no limit.
    pub cpu_millis: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Open files a process.
    pub open_files: u64,
    /// Kernel settings of its network namespace.
    pub sysctls: BTreeMap<String, String>,
    /// OCI runtime; the engine's default when absent.
    pub runtime: Option<String>,
    /// Whether it comes back by itself.
    pub restart: RestartWish,
}

/// A container in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Its id.
    pub id: String,
    /// Its name without the leading slash.
    pub name: String,
    /// The image as it was asked for.
    pub image: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How it is.
    pub state: ContainerState,
    /// When it was made.
    pub created: Timestamp,
    /// The names of the networks it is on; `None` where the engine does not list them.
    pub networks: Option<Vec<String>>,
}

/// What an engine says it applied to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerDetails {
    /// Its id.
    pub id: String,
    /// Its name without the leading slash.
    pub name: String,
    /// The id of its image.
    pub image_id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How it is.
    pub state: ContainerState,
    /// What went wrong at its last start, in the engine's words; often empty.
    pub error: String,
    /// Whether the kernel killed it for lack of memory.
    pub is_out_of_memory: bool,
    /// The number of its first process on the engine's machine; 0 if it does not run.
    pub pid: u64,
    /// How often its restart policy started it again.
    pub restarts: u64,
    /// The user of its first process.
    pub user: String,
    /// Such as `none` or a network's name or id.
    pub network_mode: String,
    /// Networks it joined, by name.
    pub networks: Vec<String>,
    /// Capabilities taken away.
    pub cap_drop: Vec<String>,
    /// Capabilities given.
    pub cap_add: Vec<String>,
    /// Whether nothing is held back.
    pub is_privileged: bool,
    /// Whether its root file system is read-only.
    pub has_read_only_root: bool,
    /// Security options as applied.
    pub security_opt: Vec<String>,
    /// Paths shadowed by emptiness.
    pub masked_paths: Vec<String>,
    /// Namespaces shared with the machine: `pid`, `ipc`, `uts`, `user`.
    pub host_namespaces: Vec<String>,
    /// Devices given, by path on the engine's machine.
    pub devices: Vec<String>,
    /// Memory limit; 0 is none.
    pub memory_bytes: u64,
    /// Limit of processes and threads; 0 is none.
    pub pids: u64,
    /// What is mounted.
    pub mounts: Vec<MountSighting>,
}

/// Something mounted, as the engine says it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MountSighting {
    /// Where it is mounted.
    pub target: String,
    /// The volume's name, or the path on the engine's machine.
    pub source: String,
    /// `volume`, `bind`, `tmpfs` or a newer word.
    pub kind: String,
    /// Whether the container may write.
    pub is_writable: bool,
}

/// What of a log is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Whether to go on as it grows.
    pub follow: bool,
    /// Only so many of the last lines.
    pub tail: Option<u32>,
    /// Only lines from this time on; whole seconds.
    pub since: Option<Timestamp>,
}

/// Where a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSource {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line of a container's log, without its line end. Hostile text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// Where it was written to.
    pub source: LogSource,
    /// When the engine took it.
    pub at: Option<Timestamp>,
    /// The line; 1 MiB at most, longer ones are cut there and go on as the next.
    pub bytes: Bytes,
    /// Whether it was cut there.
    pub is_cut: bool,
}

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineEvent {
    /// The container's id.
    pub container: String,
    /// What happened, in the engine's word: `start`, `die`, `destroy`, …
    pub action: String,
    /// The container's labels, and more that the engine adds.
    pub attributes: BTreeMap<String, String>,
}

/// What a container uses now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatsSample {
    /// CPU time used since its start, in nanoseconds.
    pub cpu_nanos: u64,
    /// CPU time of the whole machine, in nanoseconds.
    pub system_nanos: u64,
    /// CPUs of the machine.
    pub cpus: u32,
    /// Memory without the page cache that could be dropped.
    pub memory_bytes: u64,
    /// How much it may be; 0 is no limit that is known.
    pub memory_limit_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Bytes that came in over its networks since its start; 0 without a network.
    pub received_bytes: u64,
    /// Bytes that went out.
    pub sent_bytes: u64,
}

/// A volume on an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeSighting {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A bridge network to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRequest {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A network on an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSighting {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made; the oldest of one name is the one to use.
    pub created: Option<Timestamp>,
}
