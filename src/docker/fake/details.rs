//! What the fake engine says that it applied: what was asked, in Docker's words.

use super::world::{FakeContainer, World};
use crate::docker::error::EngineError;
use crate::docker::model::{
    ContainerDetails, ContainerRequest, ContainerSummary, MountRequest, MountSighting, NetworkWish,
};

impl FakeContainer {
    pub(super) fn summary(&self) -> ContainerSummary {
        ContainerSummary {
            id: self.id.clone(),
            name: self.request.name.clone(),
            image: self.request.image.clone(),
            labels: self.request.labels.clone(),
            state: self.state.clone(),
            created: self.created,
            networks: Some(match &self.request.network {
                _ if self.is_parted => Vec::new(),
                NetworkWish::None => vec![String::from("none")],
                NetworkWish::Joined(network) => vec![network.clone()],
            }),
        }
    }

    pub(super) fn details(&self, networks: Vec<String>) -> ContainerDetails {
        let asked = &self.request;
        let network_mode = match &asked.network {
            NetworkWish::None => String::from("none"),
            NetworkWish::Joined(network) => network.clone(),
        };
        ContainerDetails {
            id: self.id.clone(),
            name: asked.name.clone(),
            image_id: self.image_id.clone(),
            labels: asked.labels.clone(),
            state: self.state.clone(),
            error: String::new(),
            is_out_of_memory: false,
            pid: 0,
            restarts: 0,
            user: format!("{0}:{0}", asked.uid),
            network_mode,
            networks,
            cap_drop: vec![String::from("ALL")],
            cap_add: Vec::new(),
            is_privileged: false,
            has_read_only_root: true,
            security_opt: vec![
                String::from("no-new-privileges:true"),
                format!("seccomp={}", asked.seccomp),
            ],
            masked_paths: masked_paths(asked),
            host_namespaces: Vec::new(),
            devices: Vec::new(),
            memory_bytes: asked.memory_bytes,
            pids: asked.pids,
            mounts: mounts(asked),
        }
    }
}

fn masked_paths(asked: &ContainerRequest) -> Vec<String> {
    let usual = ["/proc/kcore", "/sys/firmware"].map(String::from);
    usual
        .into_iter()
        .chain(asked.masked_paths.iter().cloned())
        .collect()
}

/// Docker lists mounts in no order, and every tmpfs among them.
fn mounts(asked: &ContainerRequest) -> Vec<MountSighting> {
    let tmpfs = asked.tmpfs.keys().map(|target| MountSighting {
        target: target.clone(),
        source: String::new(),
        kind: String::from("tmpfs"),
        is_writable: true,
    });
    let others = asked.mounts.iter().map(|mount| {
        let (kind, source) = match mount {
            MountRequest::Volume { name, .. } => ("volume", name),
            MountRequest::Bind { host, .. } => ("bind", host),
        };
        MountSighting {
            target: mount.target().to_owned(),
            source: source.clone(),
            kind: kind.to_owned(),
            is_writable: !mount.is_read_only(),
        }
    });
    tmpfs.chain(others.rev()).collect()
}

impl World {
    /// What the engine says it applied, with the changes that a test made to it.
    pub(super) fn inspect(&mut self, container: &str) -> Result<ContainerDetails, EngineError> {
        let found = self.found(container, "inspect a container")?.clone();
        let networks = match &found.request.network {
            _ if found.is_parted => Vec::new(),
            NetworkWish::None => vec![String::from("none")],
            NetworkWish::Joined(joined) => {
                let joined = self.networks.iter().filter(|network| network.id == *joined);
                joined.map(|network| network.name.clone()).collect()
            }
        };
        let mut details = found.details(networks);
        if let Some(change) = self.changes.get(&found.request.name) {
            change(&mut details);
        }
        if let Some((suffix, change)) = &self.changes_by_suffix
            && found.request.name.ends_with(suffix)
        {
            change(&mut details);
        }
        Ok(details)
    }
}
