//! From a spec to the three containers: the fence as data.

use std::collections::BTreeMap;
use std::path::Path;

use super::request::{UpCause, UpRequest};
use crate::docker::labels::BottleLabels;
use crate::docker::model::{ContainerRequest, MountRequest, NetworkWish, RestartWish};
use crate::spec::layout::ports;
use crate::spec::{BottleId, ImageSource, Observe, Session, Workspace, layout};
use crate::wire::{InitConfig, Role, SidecarConfig};

/// Docker's default profile less what reaches kernels by rarely used doors.
pub(super) const SECCOMP: &str = include_str!("../../../assets/seccomp.json");

const MIB: u64 = 1024 * 1024;
const SIDECAR_MEMORY_BYTES: u64 = 128 * MIB;
pub(super) const SIDECAR_PIDS: u64 = 64;
pub(super) const SIDECAR_OPEN_FILES: u64 = 16_384;

/// Whether a session begins or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversation {
    /// `session.argv`.
    New,
    /// `session.resume_argv`, where there is one.
    Kept,
}

/// The name of a bottle's container.
pub(crate) fn container_name(id: &BottleId, role: Role) -> String {
    format!("cellar-{id}-{}", role.as_str())
}

/// The name of one of a bottle's volumes.
pub(crate) fn volume_name(id: &BottleId, what: &str) -> String {
    format!("cellar-{id}-{what}")
}

/// Everything the containers of one bottle are made from.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) request: &'a UpRequest,
    pub(crate) agent_image: &'a str,
    /// The id of the network that egress joins: names need not be unique.
    pub(crate) network: &'a str,
    pub(crate) conversation: Conversation,
}

impl Plan<'_> {
    /// The containers, agent first.
    ///
    /// # Errors
    /// [`UpCause::Spec`] if the configuration cannot be JSON.
    pub(crate) fn containers(&self) -> Result<[(Role, ContainerRequest); 3], UpCause> {
        Ok([
            (Role::Agent, self.agent()?),
            (Role::Egress, self.sidecar(Role::Egress)?),
            (Role::Supervise, self.sidecar(Role::Supervise)?),
        ])
    }

    fn labels(&self) -> BottleLabels {
        BottleLabels {
            id: self.request.id.clone(),
            owner: self.request.owner.clone(),
            agent: self.request.spec.agent.clone(),
            spec: self.request.digest,
            is_demo: self.request.is_demo,
            revision: self.request.revision,
        }
    }

    fn volume(&self, what: &str, target: &str, access: Access) -> MountRequest {
        MountRequest::Volume {
            name: volume_name(&self.request.id, what),
            target: target.to_owned(),
            read_only: access == Access::Read,
            takes_image_content: access == Access::WriteOwned,
            labels: self.labels().volume(),
        }
    }

    /// The agent container.
    ///
    /// # Errors
    /// As [`Plan::containers`].
    pub(crate) fn agent(&self) -> Result<ContainerRequest, UpCause> {
        let spec = &self.request.spec;
        let limits = &spec.limits;
        let uid = spec.uid;
        let tmpfs = [
            (
                "/tmp",
                format!("rw,exec,nosuid,nodev,mode=1777,size={}", limits.tmp_bytes),
            ),
            (
                layout::INIT,
                format!("rw,noexec,nosuid,nodev,mode=0700,uid={uid},gid={uid},size=1m"),
            ),
        ];
        Ok(ContainerRequest {
            name: container_name(&self.request.id, Role::Agent),
            image: self.agent_image.to_owned(),
            uid,
            argv: guest("init"),
            env: vec![
                format!("{}={}", layout::INIT_CONFIG_ENV, json(&self.init_config())?),
                format!("HOME={}", layout::HOME),
            ],
            labels: self.labels().container(Role::Agent),
            network: NetworkWish::None,
            tmpfs: tmpfs
                .into_iter()
                .map(|(path, options)| (path.to_owned(), options))
                .collect(),
            mounts: self.agent_mounts(),
            masked_paths: self.masked_paths(),
            seccomp: SECCOMP.to_owned(),
            memory_bytes: limits.memory_bytes,
            cpu_millis: limits.cpu_millis,
            pids: limits.pids,
            open_files: limits.open_files,
            sysctls: BTreeMap::new(),
            runtime: spec.runtime.clone(),
            restart: RestartWish::Never,
        })
    }

    /// A container that tries the image: as the agent's, without anything of the bottle.
    ///
    /// # Errors
    /// As [`Plan::containers`].
    pub(crate) fn candidate(&self) -> Result<ContainerRequest, UpCause> {
        let uid = self.request.spec.uid;
        let mut asked = self.agent()?;
        asked.name = super::candidate::name(&self.request.id);
        asked.argv = guest("candidate");
        asked.labels = self.labels().volume();
        asked.masked_paths.clear();
        asked.mounts.retain(|mount| mount.target() == layout::GUEST);
        for folder in [layout::HOME, layout::WORKSPACE] {
            let options = format!("rw,exec,nosuid,nodev,mode=0700,uid={uid},gid={uid},size=64m");
            asked.tmpfs.insert(folder.to_owned(), options);
        }
        Ok(asked)
    }

    fn agent_mounts(&self) -> Vec<MountRequest> {
        let mut mounts = vec![
            self.volume("doors", layout::DOORS, Access::Read),
            self.volume("home", layout::HOME, Access::WriteOwned),
        ];
        if self.request.spec.image != ImageSource::Guest {
            mounts.push(MountRequest::Volume {
                name: self.request.guest.volume(),
                target: layout::GUEST.to_owned(),
                read_only: true,
                takes_image_content: false,
                labels: BTreeMap::new(),
            });
        }
        mounts.extend(self.request.line_folder.as_deref().map(line_mount));
        mounts.push(match &self.request.spec.workspace {
            Workspace::None | Workspace::Copy { .. } => {
                self.volume("workspace", layout::WORKSPACE, Access::WriteOwned)
            }
            Workspace::Mount {
                host, read_only, ..
            } => MountRequest::Bind {
                host: host.clone(),
                target: layout::WORKSPACE.to_owned(),
                read_only: *read_only,
            },
        });
        mounts
    }

    fn masked_paths(&self) -> Vec<String> {
        match &self.request.spec.workspace {
            Workspace::None | Workspace::Copy { .. } => Vec::new(),
            Workspace::Mount { masks, .. } => masks
                .iter()
                .map(|mask| format!("{}/{}", layout::WORKSPACE, mask.path))
                .collect(),
        }
    }

    fn init_config(&self) -> InitConfig {
        let spec = &self.request.spec;
        let session = &spec.session;
        let (argv, fresh_argv) = match (self.conversation, &session.resume_argv) {
            (Conversation::Kept, Some(again)) => {
                let again = with_message(again, self.request.message.as_deref(), session);
                (again, Some(session.argv.clone()))
            }
            _ => (session.argv.clone(), None),
        };
        let mut doors = BTreeMap::from([(ports::EGRESS, layout::EGRESS_DOOR.to_owned())]);
        if spec.supervise {
            doors.insert(ports::SUPERVISE, layout::SUPERVISE_DOOR.to_owned());
        }
        let mut env = session.env.clone();
        env.entry(String::from("CELLAR_BOTTLE"))
            .or_insert_with(|| self.request.id.to_string());
        if spec.supervise {
            env.entry(layout::MCP_URL_ENV.to_owned())
                .or_insert_with(layout::mcp_url);
        }
        InitConfig {
            bottle: self.request.id.clone(),
            argv,
            fresh_argv,
            mcp_servers: session.mcp_servers.clone(),
            env,
            handed_over: session.handed_over.clone(),
            cwd: session.cwd.clone(),
            scrollback_lines: spec.limits.scrollback_lines,
            doors,
            observe: session.observe.clone(),
            stop_grace_seconds: spec.limits.stop_grace.as_secs(),
        }
    }

    fn sidecar(&self, role: Role) -> Result<ContainerRequest, UpCause> {
        let spec = &self.request.spec;
        let config = SidecarConfig {
            bottle: self.request.id.clone(),
            routes: spec.routes.clone(),
            generation: u64::from(self.request.revision),
            prices: self.request.prices.clone(),
            supervise: spec.supervise,
            upstream_ca: spec.upstream_ca.clone(),
            upstream_proxy: spec.upstream_proxy.clone(),
        };
        // Only egress has a network; a host that forwards packets must not make it a
        // router for its neighbours.
        let (network, sysctls) = if role == Role::Egress {
            (
                NetworkWish::Joined(self.network.to_owned()),
                BTreeMap::from([(String::from("net.ipv4.ip_forward"), String::from("0"))]),
            )
        } else {
            (NetworkWish::None, BTreeMap::new())
        };
        Ok(ContainerRequest {
            name: container_name(&self.request.id, role),
            image: self.request.guest.reference(),
            uid: layout::SIDECAR_UID,
            argv: guest(role.as_str()),
            env: vec![format!("{}={}", layout::SIDECAR_CONFIG_ENV, json(&config)?)],
            labels: self.labels().container(role),
            network,
            tmpfs: BTreeMap::new(),
            mounts: vec![
                self.volume("doors", layout::DOORS, Access::WriteOwned),
                self.volume("control", layout::CONTROL, Access::WriteOwned),
                self.volume(role.as_str(), layout::DATA, Access::WriteOwned),
            ],
            masked_paths: Vec::new(),
            seccomp: SECCOMP.to_owned(),
            memory_bytes: SIDECAR_MEMORY_BYTES,
            cpu_millis: 0,
            pids: SIDECAR_PIDS,
            open_files: SIDECAR_OPEN_FILES,
            sysctls,
            runtime: None,
            restart: RestartWish::UnlessStopped,
        })
    }
}

/// The folder through which a console on the engine's machine offers lines.
pub(crate) fn line_mount(folder: &Path) -> MountRequest {
    MountRequest::Bind {
        host: folder.display().to_string(),
        target: layout::LINES.to_owned(),
        read_only: true,
    }
}

/// How a volume is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    /// An empty volume takes owner and mode of the image's folder.
    WriteOwned,
}

/// The arguments with a first message, for a program that takes one. Behind `--` no flag
/// before it can swallow it.
fn with_message(argv: &[String], message: Option<&str>, session: &Session) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let (Some(message), Observe::Claude { .. }) = (message, &session.observe) {
        argv.extend([String::from("--"), message.to_owned()]);
    }
    argv
}

pub(super) fn guest(role: &str) -> Vec<String> {
    [layout::GUEST_BINARY, "guest", role]
        .map(ToOwned::to_owned)
        .to_vec()
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, UpCause> {
    serde_json::to_string(value).map_err(|error| UpCause::Spec {
        why: format!("write the containers' configuration: {error}"),
    })
}
