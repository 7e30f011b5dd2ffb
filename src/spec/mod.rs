//! The complete, resolved description of a bottle, and its digest.
//!
//! A [`Spec`] holds no secret and nothing of this moment: two resolutions of the
//! same files give the same bytes, and the SHA-256 of those bytes names it. It is
//! pure data and must not know of the engine, the disk or the terminal.

mod build;
mod changes;
mod clipboard;
mod digest;
mod drift;
#[cfg(test)]
pub(crate) mod fixture;
mod id;
pub mod layout;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::{NextHop, RouteSet, SecretName};

pub use build::Build;
pub use changes::{changes, line_changes};
pub use clipboard::Clipboard;
pub use digest::{Digest, DigestError};
pub use drift::{Drift, RouteDrift, brought_to};
pub use id::{BottleId, BottleIdError, BottleName};
pub use server::McpServer;

/// Everything that decides how a bottle is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Version of this format; readers refuse a newer one.
    pub version: u32,
    /// Name of the agent in the manifest.
    pub agent: String,
    /// Name of the template (`bottles` entry) it was resolved with.
    pub template: String,
    /// The image that the agent container starts from.
    pub image: ImageSource,
    /// What runs inside, already spelt out for `guest init`.
    pub session: Session,
    /// The folder the agent works in.
    pub workspace: Workspace,
    /// Resource limits of the agent container.
    pub limits: Limits,
    /// User and group id of everything in the agent container.
    pub uid: u32,
    /// Every host that egress lets out.
    pub routes: RouteSet,
    /// Certificate authorities that egress trusts beside the public ones, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_ca: Option<String>,
    /// The HTTP proxy that egress must pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_proxy: Option<NextHop>,
    /// Whether the agent may ask the operator for what it lacks.
    pub supervise: bool,
    /// OCI runtime such as `runsc`; the engine's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// How its images are built.
    #[serde(default, skip_serializing_if = "Build::is_default")]
    pub build: Build,
    /// Whether its session may ask to write the operator's clipboard.
    #[serde(default, skip_serializing_if = "Clipboard::is_never")]
    pub clipboard: Clipboard,
}

/// The current [`Spec::version`].
pub const SPEC_VERSION: u32 = 1;

/// Where the agent's image comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageSource {
    /// The guest image itself: one static binary and nothing else (the demo).
    Guest,
    /// An image that the engine has, or can pull where a registry is reachable.
    Tag {
        /// The reference, such as `cellar/claude:latest`.
        reference: String,
    },
    /// An image built from a Dockerfile of the operator's.
    Dockerfile {
        /// The text of the Dockerfile, so that the digest names what is built.
        text: String,
    },
}

/// What `guest init` runs in the PTY it owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Program and arguments of the first start; never empty.
    pub argv: Vec<String>,
    /// Program and arguments when a kept conversation is taken up again; `argv` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_argv: Option<Vec<String>>,
    /// Environment beside the image's own. Never a secret.
    pub env: BTreeMap<String, String>,
    /// Names of variables whose values are handed over at start and written nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<String>,
    /// Working directory inside the container.
    pub cwd: String,
    /// Files laid into the home before the first start, by path and content digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub home_files: Vec<HomeFileRef>,
    /// How the session's state can be read from outside.
    pub observe: Observe,
    /// MCP servers that the program is told of beside ours, by the name of their tools.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp_servers: BTreeMap<String, McpServer>,
}

/// One file of the home, by name and digest; the content travels in the launch plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HomeFileRef {
    /// Path below the home, with `/` separators, no leading slash and no `..`.
    pub path: String,
    /// Unix permission bits, such as `0o644`.
    pub mode: u32,
    /// SHA-256 of the content.
    pub digest: Digest,
}

/// How `guest init` learns what the session is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Observe {
    /// Only from output: when the program last wrote.
    Output,
    /// From the files that Claude Code keeps in its configuration folder.
    Claude {
        /// The conversation's id, chosen by us before the first start.
        session_id: String,
    },
}

/// The folder that the agent works in, always mounted at [`layout::WORKSPACE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Workspace {
    /// An empty volume.
    None,
    /// A volume filled once with a copy of a host folder, `.git` included.
    Copy {
        /// Absolute path on the host.
        host: String,
    },
    /// A host folder that `mounts.json` allows.
    Mount {
        /// Absolute, resolved path on the host.
        host: String,
        /// Whether the agent may write.
        read_only: bool,
        /// Paths below the folder that are shadowed by an empty read-only file or folder.
        masks: Vec<Mask>,
    },
}

/// One shadowed path of a mounted folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Path below the mounted folder, with `/` separators.
    pub path: String,
    /// Whether it is a folder (shadowed by an empty tmpfs) or a file (by an empty file).
    pub is_folder: bool,
}

/// Resource limits of the agent container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory, swap included.
    pub memory_bytes: u64,
    /// Thousandths of a CPU.
    pub cpu_millis: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Open files a process.
    pub open_files: u64,
    /// Size of the tmpfs at `/tmp`; counts against the memory.
    pub tmp_bytes: u64,
    /// Lines of scrollback that `guest init` keeps.
    pub scrollback_lines: u32,
    /// How long a session may take to end when asked, before it is killed.
    #[serde(with = "seconds")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Self {
            memory_bytes: 4 * GIB,
            cpu_millis: 2_000,
            pids: 2_048,
            open_files: 16_384,
            tmp_bytes: GIB,
            scrollback_lines: 2_000,
            stop_grace: Duration::from_secs(10),
        }
    }
}

impl Spec {
    /// The secrets that egress must hold, each as often as it is named.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let hop = self.upstream_proxy.as_ref().and_then(NextHop::auth);
        self.routes.secrets().chain(hop.map(|auth| &auth.secret))
    }

    /// The canonical bytes: JSON with object keys sorted and no white space.
    ///
    /// # Errors
    /// Only if the value cannot be JSON, which no field's type allows.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value.sort_all_objects();
        serde_json::to_vec(&value)
    }

    /// The SHA-256 of [`Spec::canonical`].
    ///
    /// # Errors
    /// As [`Spec::canonical`].
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Ok(Digest::of(&self.canonical()?))
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}
