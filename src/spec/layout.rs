//! Where things are inside a bottle's containers. Both sides read these.

/// The guest binary, in the guest image and on the guest volume.
pub const GUEST_BINARY: &str = "/cellar/cellar";
/// The folder of the guest volume.
pub const GUEST: &str = "/cellar";
/// The doors: one socket for each sidecar; read-only in the agent container.
pub const DOORS: &str = "/run/cellar";
/// The egress proxy's socket.
pub const EGRESS_DOOR: &str = "/run/cellar/egress.sock";
/// The supervise server's socket (HTTP for the agent).
pub const SUPERVISE_DOOR: &str = "/run/cellar/supervise.sock";
/// Where `guest init` reports to the hub. What comes in here is the bottle's own word.
pub const REPORT_DOOR: &str = "/run/cellar/report.sock";
/// The bottle's certificate authority and the operator's own, PEM. Egress writes it
/// before it opens its door, anew at each start.
pub const CA: &str = "/run/cellar/ca.pem";
/// The same with the public roots, for programs that take one file in place of their own.
pub const CA_BUNDLE: &str = "/run/cellar/ca-bundle.pem";
/// The volume that only sidecars share.
pub const CONTROL: &str = "/run/control";
/// The hub's socket for other sidecars and for `guest ctl`.
pub const HUB: &str = "/run/control/hub.sock";
/// The sidecar's own volume (decision log, requests).
pub const DATA: &str = "/data";
/// A tmpfs of the agent container that holds the attach socket.
pub const INIT: &str = "/run/init";
/// Where `guest attach` reaches `guest init`.
pub const ATTACH_SOCKET: &str = "/run/init/attach.sock";
/// A folder of the operator's machine, where the engine shares its files: a console puts
/// a socket into it and `guest init` connects. Read-only in the agent container.
pub const LINES: &str = "/run/lines";
/// How the name of a socket in [`LINES`] ends once it listens.
pub const LINE_SUFFIX: &str = ".sock";
/// Settings of Claude Code with our hooks, which `guest init` writes before each start.
pub const HOOK_SETTINGS: &str = "/run/init/hooks.json";
/// The MCP servers of Claude Code that are ours, which `guest init` writes before each start.
pub const MCP_CONFIG: &str = "/run/init/mcp.json";
/// What the last hook told, which `guest hook` writes and `guest init` reads.
pub const HOOK_WORD: &str = "/run/init/hook-word.json";
/// The agent's home, on its own volume.
pub const HOME: &str = "/home/agent";
/// The agent's working folder, on its own volume or a host folder.
pub const WORKSPACE: &str = "/workspace";
/// Environment variable of the agent container that holds [`crate::wire::InitConfig`] as JSON.
pub const INIT_CONFIG_ENV: &str = "CELLAR_INIT";
/// Environment variable of a sidecar that holds [`crate::wire::SidecarConfig`] as JSON.
pub const SIDECAR_CONFIG_ENV: &str = "CELLAR_SIDECAR";
/// User and group id of the sidecars; never the agent's.
pub const SIDECAR_UID: u32 = 64_001;
/// User and group id of the agent unless the template says otherwise.
pub const AGENT_UID: u32 = 1_000;

/// The variable of the agent's session that says where the supervise server speaks MCP.
pub const MCP_URL_ENV: &str = "CELLAR_MCP_URL";
/// The name under which its tools are known: `mcp__cellar__request_route`.
pub const MCP_NAME: &str = "cellar";

/// Where the supervise server speaks MCP, inside the agent container.
#[must_use]
pub fn mcp_url() -> String {
    format!("http://127.0.0.1:{}/mcp", ports::SUPERVISE)
}

/// Loopback ports inside the agent container, each spliced to a door.
pub mod ports {
    /// HTTP proxy, to the egress door.
    pub const EGRESS: u16 = 3_128;
    /// The supervise server.
    pub const SUPERVISE: u16 = 9_100;
}

#[cfg(all(test, feature = "findings"))]
mod tests {
    use super::*;
    use crate::policy::findings::CELLAR_PATHS;

    /// The findings of a Dockerfile must know these without naming this module.
    #[test]
    fn findings_know_every_folder_of_our_own() {
        let own = [GUEST, DOORS, CONTROL, INIT, LINES];
        assert!(own.iter().all(|path| CELLAR_PATHS.contains(path)));
        for file in [
            GUEST_BINARY,
            EGRESS_DOOR,
            CA,
            HUB,
            ATTACH_SOCKET,
            HOOK_SETTINGS,
        ] {
            let is_known = CELLAR_PATHS.iter().any(|path| file.starts_with(*path));
            assert!(is_known, "{file}");
        }
    }
}
