//! What is on the fake engine, and what each call does to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::Change;
use super::archive::Unpacked;
use super::builds::Builder;
use crate::docker::error::EngineError;
use crate::docker::labels::{self, role};
use crate::docker::model::{
    ContainerRequest, EngineEvent, ImageSighting, MountRequest, NetworkSighting, NetworkWish,
    VolumeSighting,
};
use crate::state::ContainerState;
use crate::wire::Role;

type Said = Result<EngineEvent, EngineError>;

/// Everything on the engine; tests may put things there and take them away.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) images: Vec<ImageSighting>,
    pub(crate) containers: Vec<FakeContainer>,
    pub(crate) volumes: Vec<VolumeSighting>,
    pub(crate) networks: Vec<NetworkSighting>,
    /// References that can be pulled.
    pub(crate) registry: BTreeSet<String>,
    /// Folders that the engine's machine does not have.
    pub(crate) unknown_folders: BTreeSet<String>,
    /// What the engine applied otherwise than asked, by container name.
    pub(crate) changes: BTreeMap<String, Change>,
    /// The same for containers whose name ends so, and is known only when it is made.
    pub(crate) changes_by_suffix: Option<(String, Change)>,
    /// What its builder does.
    pub(crate) builder: Builder,
    /// Whether the seal probes of its bottles fail.
    pub(crate) breaks_seals: bool,
    listeners: Vec<(String, mpsc::UnboundedSender<Said>)>,
    made: u32,
}

/// A container on the fake engine.
#[derive(Clone, Debug)]
pub(crate) struct FakeContainer {
    pub(crate) id: String,
    pub(crate) request: ContainerRequest,
    pub(crate) image_id: String,
    pub(crate) state: ContainerState,
    pub(crate) created: Timestamp,
    /// Whether its network was taken away.
    pub(crate) is_parted: bool,
    /// What was unpacked into it, by path from its root.
    pub(crate) files: BTreeMap<String, Unpacked>,
    /// What its session was handed over.
    pub(crate) handed_over: Option<BTreeMap<String, String>>,
}

impl FakeContainer {
    pub(crate) fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }

    fn uses_volume(&self, volume: &str) -> bool {
        self.request
            .mounts
            .iter()
            .any(|mount| matches!(mount, MountRequest::Volume { name, .. } if name == volume))
    }
}

/// Whether labels pass a filter of the form `key` or `key=value`.
pub(super) fn carries(found: &BTreeMap<String, String>, label: &str) -> bool {
    match label.split_once('=') {
        Some((key, value)) => found.get(key).is_some_and(|held| held == value),
        None => found.contains_key(label),
    }
}

pub(super) fn missing(operation: &'static str, what: &str) -> EngineError {
    EngineError::NotFound {
        operation,
        message: format!("No such object: {what}"),
    }
}

fn conflict(operation: &'static str, message: String) -> EngineError {
    EngineError::Conflict { operation, message }
}

impl World {
    /// A container by id or name.
    pub(crate) fn find(&self, container: &str) -> Option<&FakeContainer> {
        self.containers
            .iter()
            .find(|found| found.id == container || found.request.name == container)
    }

    pub(super) fn found(
        &mut self,
        container: &str,
        operation: &'static str,
    ) -> Result<&mut FakeContainer, EngineError> {
        self.containers
            .iter_mut()
            .find(|found| found.id == container || found.request.name == container)
            .ok_or_else(|| missing(operation, container))
    }

    /// Names of containers and volumes that carry the label.
    pub(crate) fn labelled(&self, label: &str) -> BTreeSet<String> {
        let containers = self.containers.iter().map(|found| &found.request);
        let containers = containers.map(|request| (&request.labels, &request.name));
        let volumes = self
            .volumes
            .iter()
            .map(|found| (&found.labels, &found.name));
        containers
            .chain(volumes)
            .filter(|(labels, _)| carries(labels, label))
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// Names of the containers that run.
    pub(crate) fn running(&self) -> BTreeSet<String> {
        let running = self.containers.iter().filter(|found| found.is_running());
        running.map(|found| found.request.name.clone()).collect()
    }

    pub(super) fn image(&self, reference: &str) -> Option<&ImageSighting> {
        self.images
            .iter()
            .find(|image| image.id == reference || image.tags.iter().any(|tag| tag == reference))
    }

    /// Puts an image there, tagged and labelled.
    pub(crate) fn add_image(&mut self, tag: &str, labels: BTreeMap<String, String>) {
        let id = format!("sha256:{}", self.fresh_id());
        self.images.push(ImageSighting {
            id,
            tags: vec![tag.to_owned()],
            labels,
            env: Vec::new(),
            size_bytes: 1,
        });
    }

    pub(super) fn fresh_id(&mut self) -> String {
        self.made += 1;
        format!("{:064x}", self.made)
    }

    pub(crate) fn create(&mut self, asked: &ContainerRequest) -> Result<String, EngineError> {
        const OPERATION: &str = "create a container";
        if self.find(&asked.name).is_some() {
            let message = format!("The container name \"/{}\" is already in use", asked.name);
            return Err(conflict(OPERATION, message));
        }
        let image = self.image(&asked.image);
        let image_id = image.map(|image| image.id.clone());
        let image_id = image_id.ok_or_else(|| missing(OPERATION, &asked.image))?;
        for mount in &asked.mounts {
            if let MountRequest::Bind { host, .. } = mount
                && self.unknown_folders.contains(host)
            {
                return Err(EngineError::Refused {
                    operation: OPERATION,
                    status: 400,
                    message: format!(
                        "invalid mount config for type \"bind\": bind source path does not exist: {host}"
                    ),
                });
            }
        }
        for mount in &asked.mounts {
            if let MountRequest::Volume { name, labels, .. } = mount
                && !self.volumes.iter().any(|volume| volume.name == *name)
            {
                self.volumes.push(VolumeSighting {
                    name: name.clone(),
                    labels: labels.clone(),
                });
            }
        }
        let id = self.fresh_id();
        self.containers.push(FakeContainer {
            id: id.clone(),
            request: asked.clone(),
            image_id,
            state: ContainerState::Created,
            created: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(self.made)),
            is_parted: false,
            files: BTreeMap::new(),
            handed_over: None,
        });
        self.tell(&id, "create");
        Ok(id)
    }

    pub(super) fn start(&mut self, container: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "start a container";
        let networks: Vec<String> = self.networks.iter().map(|found| found.id.clone()).collect();
        let found = self.found(container, OPERATION)?;
        if let NetworkWish::Joined(network) = &found.request.network
            && !networks.contains(network)
        {
            return Err(missing(OPERATION, network));
        }
        if !found.is_running() {
            found.state = ContainerState::Running;
            self.tell(container, "start");
        }
        Ok(())
    }

    pub(super) fn end(
        &mut self,
        container: &str,
        code: i64,
        operation: &'static str,
    ) -> Result<bool, EngineError> {
        let found = self.found(container, operation)?;
        let was_running = found.is_running() || found.state == ContainerState::Paused;
        if was_running {
            found.state = ContainerState::Exited { code: Some(code) };
            self.tell(container, "die");
        }
        Ok(was_running)
    }

    pub(super) fn pause(&mut self, container: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "freeze a container";
        let found = self.found(container, OPERATION)?;
        match found.state {
            ContainerState::Paused => return Ok(()),
            ContainerState::Running => found.state = ContainerState::Paused,
            ContainerState::Created
            | ContainerState::Restarting
            | ContainerState::Exited { .. }
            | ContainerState::Dead
            | ContainerState::Unknown { .. } => {
                let message = format!("Container {container} is not running");
                return Err(conflict(OPERATION, message));
            }
        }
        self.tell(container, "pause");
        Ok(())
    }

    pub(super) fn unpause(&mut self, container: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "unfreeze a container";
        let found = self.found(container, OPERATION)?;
        match found.state {
            ContainerState::Running => return Ok(()),
            ContainerState::Paused => found.state = ContainerState::Running,
            ContainerState::Created
            | ContainerState::Restarting
            | ContainerState::Exited { .. }
            | ContainerState::Dead
            | ContainerState::Unknown { .. } => {
                let message = format!("Container {container} is not paused");
                return Err(conflict(OPERATION, message));
            }
        }
        self.tell(container, "unpause");
        Ok(())
    }

    /// Gives a container its network, or takes it away. Tells nobody, as engines tell of
    /// networks without a container's labels.
    pub(super) fn set_parted(
        &mut self,
        network: &str,
        container: &str,
        is_parted: bool,
        operation: &'static str,
    ) -> Result<(), EngineError> {
        let known = |found: &NetworkSighting| found.id == network || found.name == network;
        let id = self.networks.iter().find(|found| known(found));
        let id = id.map(|found| found.id.clone());
        let id = id.ok_or_else(|| missing(operation, network))?;
        let found = self.found(container, operation)?;
        if found.request.network == NetworkWish::Joined(id) {
            found.is_parted = is_parted;
        }
        Ok(())
    }

    pub(super) fn kill(&mut self, container: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "kill a container";
        if self.end(container, 137, OPERATION)? {
            return Ok(());
        }
        Err(conflict(
            OPERATION,
            format!("container {container} is not running"),
        ))
    }

    pub(super) fn remove(&mut self, container: &str) -> Result<(), EngineError> {
        self.end(container, 137, "remove a container")?;
        self.tell(container, "destroy");
        self.containers
            .retain(|found| found.id != container && found.request.name != container);
        Ok(())
    }

    pub(super) fn unpack(
        &mut self,
        container: &str,
        path: &str,
        files: BTreeMap<String, Unpacked>,
    ) -> Result<(), EngineError> {
        const OPERATION: &str = "copy files into a container";
        let found = self.found(container, OPERATION)?;
        let mut mounts = found.request.mounts.iter();
        if !mounts.any(|mount| mount.target() == path && !mount.is_read_only()) {
            return Err(EngineError::Refused {
                operation: OPERATION,
                status: 400,
                message: String::from("container rootfs is marked read-only"),
            });
        }
        for (name, file) in files {
            let name = name.trim_start_matches("./").trim_end_matches('.');
            found.files.insert(format!("{path}/{name}"), file);
        }
        Ok(())
    }

    pub(super) fn remove_volume(&mut self, name: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "remove a volume";
        if self.containers.iter().any(|found| found.uses_volume(name)) {
            return Err(conflict(OPERATION, format!("volume is in use: {name}")));
        }
        let before = self.volumes.len();
        self.volumes.retain(|volume| volume.name != name);
        if self.volumes.len() == before {
            return Err(missing(OPERATION, name));
        }
        Ok(())
    }

    pub(super) fn remove_image(&mut self, reference: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "remove an image";
        let Some(image) = self.image(reference).cloned() else {
            return Err(missing(OPERATION, reference));
        };
        let mut containers = self.containers.iter();
        if image.tags.len() == 1 && containers.any(|found| found.image_id == image.id) {
            let message = format!("unable to remove {reference}: image is being used");
            return Err(conflict(OPERATION, message));
        }
        for held in &mut self.images {
            held.tags.retain(|tag| tag != reference);
        }
        self.images.retain(|held| !held.tags.is_empty());
        Ok(())
    }

    pub(super) fn remove_network(&mut self, network: &str) -> Result<(), EngineError> {
        const OPERATION: &str = "remove a network";
        let joined = NetworkWish::Joined(network.to_owned());
        let mut containers = self.containers.iter();
        if containers.any(|found| found.is_running() && found.request.network == joined) {
            // Docker says «forbidden» here, not «conflict».
            return Err(EngineError::Refused {
                operation: OPERATION,
                status: 403,
                message: format!("error while removing network: {network} has active endpoints"),
            });
        }
        let before = self.networks.len();
        self.networks.retain(|found| found.id != network);
        if self.networks.len() == before {
            return Err(missing(OPERATION, network));
        }
        Ok(())
    }

    /// Another role's container of the bottle that a container belongs to.
    pub(super) fn sibling(&self, container: &str, wanted: Role) -> Option<&FakeContainer> {
        let bottle = self.find(container)?.request.labels.get(labels::BOTTLE)?;
        self.containers.iter().find(|found| {
            let labels = &found.request.labels;
            labels.get(labels::BOTTLE) == Some(bottle) && role(labels) == Some(wanted)
        })
    }

    /// Tells of a container to everybody who listens for its labels.
    pub(crate) fn tell(&mut self, container: &str, action: &str) {
        let Some(found) = self.find(container) else {
            return;
        };
        let event = EngineEvent {
            container: found.id.clone(),
            action: action.to_owned(),
            attributes: found.request.labels.clone(),
        };
        self.listeners.retain(|(label, to)| {
            !to.is_closed()
                && (!carries(&event.attributes, label) || to.send(Ok(event.clone())).is_ok())
        });
    }

    /// Whether anybody listens to events.
    pub(crate) fn has_listener(&self) -> bool {
        !self.listeners.is_empty()
    }

    pub(super) fn listen(&mut self, label: &str) -> mpsc::UnboundedReceiver<Said> {
        let (tx, rx) = mpsc::unbounded_channel();
        self.listeners.push((label.to_owned(), tx));
        rx
    }
    pub(super) fn end_events(&mut self, error: Option<&EngineError>) {
        for (_, to) in self.listeners.drain(..) {
            if let Some(error) = error {
                // A stream that was dropped has nobody to tell.
                drop(to.send(Err(error.clone())));
            }
        }
    }
}
