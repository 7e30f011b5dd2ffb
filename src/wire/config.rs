//! What the console tells a container at its creation, as JSON in one variable.
//! Nothing here is a secret: anyone who may inspect the container reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::{NextHop, Prices, RouteSet};
use crate::spec::{BottleId, McpServer, Observe};

/// For `guest init`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitConfig {
    /// The bottle.
    pub bottle: BottleId,
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// Program and arguments instead of those, where a conversation was to be taken up
    /// again and none is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_argv: Option<Vec<String>>,
    /// MCP servers that the program is told of beside ours, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp_servers: BTreeMap<String, McpServer>,
    /// Environment of the program, beside the container's own.
    pub env: BTreeMap<String, String>,
    /// Variables to wait for on the session line before the program starts.
    pub handed_over: Vec<String>,
    /// Working directory.
    pub cwd: String,
    /// Lines of scrollback.
    pub scrollback_lines: u32,
    /// Loopback port → door socket, each spliced by init.
    pub doors: BTreeMap<u16, String>,
    /// How to read the session's state.
    pub observe: Observe,
    /// Seconds between asking the program to end and killing it.
    pub stop_grace_seconds: u64,
}

/// For a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidecarConfig {
    /// The bottle.
    pub bottle: BottleId,
    /// What egress lets out, and what supervise tells the agent of.
    pub routes: RouteSet,
    /// Which table of routes that is. Egress keeps a newer one that it was told.
    #[serde(default)]
    pub generation: u64,
    /// What models cost, where the operator says so; else egress goes by its own table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Whether the agent may ask for more.
    pub supervise: bool,
    /// Certificate authorities that egress trusts beside the public ones, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_ca: Option<String>,
    /// The HTTP proxy that egress must pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_proxy: Option<NextHop>,
}
