//! The volume that holds the guest binary for agent containers of other images.
//!
//! The engine fills an empty volume from the image when a container with it is
//! created. A container that is never started keeps it: it exists only once the
//! volume is whole, and it keeps the volume from being pruned.

use std::collections::BTreeMap;
use std::time::Duration;

use super::request::UpCause;
use crate::docker::engine::Engine;
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::guest_image::GuestBinary;
use crate::docker::labels;
use crate::docker::model::{ContainerRequest, MountRequest, NetworkWish, RestartWish};
use crate::spec::layout;

/// How long another console may take to fill the volume: 30 s.
const WAIT_ROUNDS: u32 = 600;
const WAIT_ROUND: Duration = Duration::from_millis(50);

/// Fills the volume unless its keeper says that it is whole.
///
/// # Errors
/// [`UpCause::Engine`] if the engine refuses.
pub(crate) async fn ensure(engine: &dyn Engine, guest: &GuestBinary) -> Result<(), UpCause> {
    let short = guest.short();
    if is_kept(engine, guest).await? {
        return Ok(());
    }
    // Without a keeper it may be the half of a killed console's copy.
    match engine.remove_volume(&guest.volume()).await {
        // Another console is filling it this moment; its keeper comes.
        Err(error) if error.is_conflict() => {}
        answer => gone_is_fine(answer)?,
    }
    let labels = BTreeMap::from([(labels::KEEP.to_owned(), short)]);
    let keeper = ContainerRequest {
        name: guest.keeper(),
        image: guest.reference(),
        uid: layout::SIDECAR_UID,
        argv: [layout::GUEST_BINARY, "guest", "keep"]
            .map(ToOwned::to_owned)
            .to_vec(),
        env: Vec::new(),
        labels: labels.clone(),
        network: NetworkWish::None,
        tmpfs: BTreeMap::new(),
        mounts: vec![MountRequest::Volume {
            name: guest.volume(),
            target: layout::GUEST.to_owned(),
            read_only: false,
            takes_image_content: true,
            labels,
        }],
        masked_paths: Vec::new(),
        seccomp: include_str!("../../../assets/seccomp.json").to_owned(),
        memory_bytes: 64 * 1024 * 1024,
        cpu_millis: 0,
        pids: 8,
        open_files: 64,
        sysctls: BTreeMap::new(),
        runtime: None,
        restart: RestartWish::Never,
    };
    match engine.create(&keeper).await {
        Ok(_) => Ok(()),
        // Another console was first. It has the name already, but the engine lists
        // the container only once the copy is whole.
        Err(error) if error.is_conflict() => wait_for_keeper(engine, guest).await,
        Err(error) => Err(error.into()),
    }
}

async fn is_kept(engine: &dyn Engine, guest: &GuestBinary) -> Result<bool, EngineError> {
    let label = format!("{}={}", labels::KEEP, guest.short());
    let found = engine.containers(&label).await?;
    Ok(found
        .iter()
        .any(|container| container.name == guest.keeper()))
}

async fn wait_for_keeper(engine: &dyn Engine, guest: &GuestBinary) -> Result<(), UpCause> {
    for _ in 0..WAIT_ROUNDS {
        if is_kept(engine, guest).await? {
            return Ok(());
        }
        tokio::time::sleep(WAIT_ROUND).await;
    }
    Err(UpCause::Spec {
        why: format!(
            "find {}, which another console seems to make; if there is none, remove the container of that name",
            guest.keeper()
        ),
    })
}
