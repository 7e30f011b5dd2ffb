//! The fence of one build: an egress sidecar with the build's own routes, and the helper
//! whose network the `RUN` steps join.
//!
//! Both are hardened as a bottle's sidecars are. They belong to one build and go with it;
//! their labels name the bottle, the owner and the process that builds, so that what a
//! killed console left is found.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{join, try_join};
use tokio::time::{sleep, timeout};

use super::builder;
use crate::docker::bottle::containers::{SECCOMP, SIDECAR_OPEN_FILES, SIDECAR_PIDS, guest, json};
use crate::docker::bottle::request::{Step, StepNews, UpCause, UpRequest};
use crate::docker::bottle::steps::Steps;
use crate::docker::bottle::{egress_network, fence::verify};
use crate::docker::engine::{Engine, News};
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::guest_image::ensure_image;
use crate::docker::labels;
use crate::docker::model::{
    BuildNetwork, ContainerRequest, LogChunk, LogRequest, MountRequest, NetworkWish, RestartWish,
};
use crate::policy::RouteSet;
use crate::spec::layout;
use crate::wire::{Role, RoleState, SidecarConfig};

/// How the name of everything begins that a build's fence is made of.
pub(super) const PREFIX: &str = "cellar-build-";

const MIB: u64 = 1024 * 1024;
/// How long the two may take to serve.
const READY: Duration = Duration::from_mins(1);
/// Lines of the log of egress that are read again at the end.
const LAST_LINES: u32 = 1_000;
/// How long that may take.
const LAST_WAIT: Duration = Duration::from_secs(5);
/// How often a volume that is still in use is tried again.
const VOLUME_TRIES: u32 = 20;
const VOLUME_PAUSE: Duration = Duration::from_millis(100);

/// The fence of one build, there or not.
#[derive(Debug)]
pub(super) struct Fence<'r> {
    request: &'r UpRequest,
    name: String,
}

impl<'r> Fence<'r> {
    /// Names one; nothing is made yet.
    pub(super) fn of(request: &'r UpRequest) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let short = random.get(..8).unwrap_or(&random);
        Self {
            name: format!("{PREFIX}{}-{short}", request.id),
            request,
        }
    }

    fn part(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }

    /// Makes it and waits until it serves. Gives the network for the build and the log of
    /// egress as it goes on.
    ///
    /// # Errors
    /// [`UpCause`]; what was made is there still, for [`Fence::remove`].
    pub(super) async fn up(
        &self,
        engine: &dyn Engine,
        steps: &Steps,
    ) -> Result<(BuildNetwork, News<LogChunk>), UpCause> {
        let hop = self.request.spec.upstream_proxy.as_ref();
        if hop.is_some_and(|hop| hop.auth().is_some()) {
            let text = "the upstream proxy wants a credential, and a build holds none: its steps reach nothing";
            steps.tell(Step::AgentImage, StepNews::Output(text.to_owned()));
        }
        ensure_image(engine, &self.request.guest).await?;
        let network = egress_network(engine).await?;
        let (egress, helper) = (self.egress(network)?, self.helper());
        // Both are waited for, so that removing finds all that was made.
        let (one, other) = join(make(engine, &egress), make(engine, &helper)).await;
        let (_, helper) = (one?, other?);
        let (log, _) = try_join(
            serving(engine, &egress.name),
            serving(engine, &self.part("helper")),
        )
        .await?;
        Ok((BuildNetwork::Container(helper), log))
    }

    /// What egress said last, the lines that [`Fence::up`]'s log may not have brought yet
    /// among them.
    pub(super) async fn last_lines(&self, engine: &dyn Engine) -> Vec<Vec<u8>> {
        let wanted = LogRequest {
            follow: false,
            tail: Some(LAST_LINES),
            since: None,
        };
        let mut log = engine.logs(&self.part("egress"), wanted);
        let mut lines = Vec::new();
        let read = async {
            while let Some(Ok(line)) = log.next().await {
                lines.push(line.bytes.to_vec());
            }
        };
        // What could not be read is missing among the words, and nowhere else.
        timeout(LAST_WAIT, read).await.ok();
        lines
    }

    /// Removes it, whatever of it is there.
    ///
    /// # Errors
    /// [`EngineError`] of the first part that stays; the others are tried all the same.
    pub(super) async fn remove(&self, engine: &dyn Engine) -> Result<(), EngineError> {
        let (egress, helper) = (self.part("egress"), self.part("helper"));
        let (one, other) = join(engine.remove(&egress), engine.remove(&helper)).await;
        let volume = remove_volume(engine, &self.part("doors")).await;
        gone_is_fine(one).and(gone_is_fine(other)).and(volume)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (labels::BUILD.to_owned(), self.request.id.to_string()),
            (labels::OWNER.to_owned(), self.request.owner.clone()),
            (labels::BUILDER.to_owned(), builder::own()),
        ])
    }

    fn egress(&self, network: String) -> Result<ContainerRequest, UpCause> {
        let spec = &self.request.spec;
        let config = SidecarConfig {
            bottle: self.request.id.clone(),
            routes: RouteSet::of(spec.build.routes.clone()),
            generation: 1,
            prices: None,
            supervise: false,
            upstream_ca: None,
            upstream_proxy: spec.upstream_proxy.clone(),
        };
        let uid = layout::SIDECAR_UID;
        let data = format!("rw,noexec,nosuid,nodev,mode=0700,uid={uid},gid={uid},size=16m");
        Ok(ContainerRequest {
            env: vec![format!("{}={}", layout::SIDECAR_CONFIG_ENV, json(&config)?)],
            network: NetworkWish::Joined(network),
            tmpfs: BTreeMap::from([(layout::DATA.to_owned(), data)]),
            memory_bytes: 128 * MIB,
            sysctls: BTreeMap::from([(String::from("net.ipv4.ip_forward"), String::from("0"))]),
            ..self.container("egress", Role::Egress.as_str(), Access::Write)
        })
    }

    fn helper(&self) -> ContainerRequest {
        self.container("helper", "forward", Access::Read)
    }

    fn container(&self, part: &str, role: &str, doors: Access) -> ContainerRequest {
        ContainerRequest {
            name: self.part(part),
            image: self.request.guest.reference(),
            uid: layout::SIDECAR_UID,
            argv: guest(role),
            env: Vec::new(),
            labels: self.labels(),
            network: NetworkWish::None,
            tmpfs: BTreeMap::new(),
            mounts: vec![MountRequest::Volume {
                name: self.part("doors"),
                target: layout::DOORS.to_owned(),
                read_only: doors == Access::Read,
                // An empty volume takes owner and mode of the image's folder.
                takes_image_content: doors == Access::Write,
                labels: self.labels(),
            }],
            masked_paths: Vec::new(),
            seccomp: SECCOMP.to_owned(),
            memory_bytes: 64 * MIB,
            cpu_millis: 0,
            pids: SIDECAR_PIDS,
            open_files: SIDECAR_OPEN_FILES,
            sysctls: BTreeMap::new(),
            runtime: None,
            restart: RestartWish::Never,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Makes a container, holds what the engine applied against what was asked, and starts it.
async fn make(engine: &dyn Engine, asked: &ContainerRequest) -> Result<String, UpCause> {
    let id = engine.create(asked).await?;
    let applied = engine.inspect(&id).await?;
    verify(Role::Egress, asked, &applied).map_err(|cause| UpCause::Spec {
        why: format!("fence the build: {cause}"),
    })?;
    engine.start(&id).await?;
    Ok(id)
}

/// Waits until a role says in its log that it serves, and gives the rest of the log.
async fn serving(engine: &dyn Engine, container: &str) -> Result<News<LogChunk>, UpCause> {
    let wanted = LogRequest {
        follow: true,
        tail: None,
        since: None,
    };
    let mut log = engine.logs(container, wanted);
    let mut last = String::new();
    let heard = timeout(READY, async {
        while let Some(line) = log.next().await {
            let line = String::from_utf8_lossy(&line?.bytes).into_owned();
            if RoleState::is_serving_line(&line) {
                return Ok::<bool, EngineError>(true);
            }
            last = format!("; it said: {}", line.escape_debug());
        }
        Ok(false)
    });
    match heard.await {
        Ok(Ok(true)) => Ok(log),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(false)) | Err(_) => Err(UpCause::Spec {
            why: format!("fence the build: {container} does not serve{last}"),
        }),
    }
}

/// Removes a volume; the engine holds it for a moment after its containers went.
pub(super) async fn remove_volume(engine: &dyn Engine, volume: &str) -> Result<(), EngineError> {
    for _ in 1..VOLUME_TRIES {
        match gone_is_fine(engine.remove_volume(volume).await) {
            Err(error) if error.is_conflict() => sleep(VOLUME_PAUSE).await,
            answer => return answer,
        }
    }
    gone_is_fine(engine.remove_volume(volume).await)
}
