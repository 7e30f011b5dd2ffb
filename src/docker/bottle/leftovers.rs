//! What is on an engine and belongs to no bottle on record, found by label.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join4;

use super::build::{self, BuildRemains};
use super::{EGRESS_NETWORK, life};
use crate::docker::engine::Engine;
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::guest_image::GuestBinary;
use crate::docker::labels;
use crate::docker::model::ContainerSummary;
use crate::spec::BottleId;

/// Things that nobody needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Bottles of this operator without a record.
    pub bottles: BTreeSet<BottleId>,
    /// Keepers of older guest volumes, by container name and volume name.
    pub keepers: Vec<(String, String)>,
    /// Older guest images, by reference.
    pub images: Vec<String>,
    /// What builds left whose console ended before them.
    pub builds: BuildRemains,
}

impl Leftovers {
    /// Each thing in words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let bottles = self
            .bottles
            .iter()
            .map(|id| format!("bottle {id}: containers and volumes without a record"));
        let keepers = self.keepers.iter().map(|(container, volume)| {
            format!("volume {volume} of an older guest, kept by {container}")
        });
        let images = self
            .images
            .iter()
            .map(|reference| format!("image {reference} of an older guest"));
        let containers = self.builds.containers.iter();
        let containers =
            containers.map(|name| format!("container {name} of a build that was cut off"));
        let volumes = self.builds.volumes.iter();
        let volumes = volumes.map(|name| format!("volume {name} of a build that was cut off"));
        let things = bottles.chain(keepers).chain(images);
        things.chain(containers).chain(volumes).collect()
    }
}

/// Finds what belongs to no bottle in `kept`. Guests that any container still uses,
/// and the current one, are no leftovers.
///
/// # Errors
/// [`EngineError`] if the engine does not list its objects.
pub async fn leftovers(
    engine: &dyn Engine,
    owner: &str,
    kept: &[BottleId],
    guest: &GuestBinary,
) -> Result<Leftovers, EngineError> {
    let ours = format!("{}={owner}", labels::OWNER);
    let (containers, volumes, keepers, images) = try_join4(
        engine.containers(labels::BOTTLE),
        engine.volumes(&ours),
        keepers(engine),
        engine.images(labels::GUEST),
    )
    .await?;
    let bottle = |found: &BTreeMap<String, String>| {
        let id = found.get(labels::BOTTLE)?;
        BottleId::parse(id).ok().filter(|id| !kept.contains(id))
    };
    let mut bottles: BTreeSet<BottleId> = volumes
        .iter()
        .filter_map(|volume| bottle(&volume.labels))
        .collect();
    bottles.extend(
        containers
            .iter()
            .filter(|container| labels::is_owned(&container.labels, owner))
            .filter_map(|container| bottle(&container.labels)),
    );
    let used: BTreeSet<&str> = containers
        .iter()
        .map(|container| container.image.as_str())
        .collect();
    // An agent on another image uses the volume of the guest its sidecars run.
    let is_old = |short: &str| {
        short != guest.short() && !used.contains(format!("cellar/guest:{short}").as_str())
    };
    let keepers = keepers
        .iter()
        .filter_map(|keeper| {
            let short = keeper.labels.get(labels::KEEP)?;
            is_old(short).then(|| (keeper.name.clone(), format!("cellar-guest-{short}")))
        })
        .collect();
    let images = images
        .into_iter()
        .filter(|image| {
            image
                .labels
                .get(labels::GUEST)
                .is_some_and(|short| is_old(short))
        })
        .flat_map(|image| image.tags)
        .collect();
    Ok(Leftovers {
        bottles,
        keepers,
        images,
        builds: build::find(engine, owner, build::Of::NoneOf(kept)).await?,
    })
}

/// The keepers of guest volumes. An image's labels come down to containers made of it, so
/// a bottle's own container may carry their label too.
async fn keepers(engine: &dyn Engine) -> Result<Vec<ContainerSummary>, EngineError> {
    let mut found = engine.containers(labels::KEEP).await?;
    found.retain(|container| !container.labels.contains_key(labels::BOTTLE));
    Ok(found)
}

/// Removes what [`leftovers`] found.
///
/// # Errors
/// [`EngineError`] of the first thing that could not be removed; a second call goes on.
pub async fn remove_leftovers(
    engine: &dyn Engine,
    owner: &str,
    leftovers: &Leftovers,
) -> Result<(), EngineError> {
    for id in &leftovers.bottles {
        life::remove(engine, owner, id).await?;
    }
    build::remove(engine, &leftovers.builds).await?;
    for (container, volume) in &leftovers.keepers {
        gone_is_fine(engine.remove(container).await)?;
        gone_is_fine(engine.remove_volume(volume).await)?;
    }
    for reference in &leftovers.images {
        match gone_is_fine(engine.remove_image(reference).await) {
            // A bottle was made from it meanwhile.
            Err(error) if error.is_conflict() => {}
            answer => answer?,
        }
    }
    Ok(())
}

/// Removes what all bottles share: keepers, guest volumes and images, the network.
/// What a bottle still uses stays.
///
/// # Errors
/// [`EngineError`] if the engine refuses for another reason than that.
pub async fn remove_shared(engine: &dyn Engine) -> Result<(), EngineError> {
    let used_is_fine = |answer: Result<(), EngineError>| match gone_is_fine(answer) {
        Err(error) if error.is_conflict() => Ok(()),
        answer => answer,
    };
    for keeper in keepers(engine).await? {
        used_is_fine(engine.remove(&keeper.id).await)?;
    }
    for volume in engine.volumes(labels::KEEP).await? {
        used_is_fine(engine.remove_volume(&volume.name).await)?;
    }
    for image in engine.images(labels::GUEST).await? {
        for tag in image.tags {
            used_is_fine(engine.remove_image(&tag).await)?;
        }
    }
    for network in engine.networks(labels::NETWORK).await? {
        if network.name == EGRESS_NETWORK {
            used_is_fine(in_use_is_conflict(engine.remove_network(&network.id).await))?;
        }
    }
    Ok(())
}

/// Engines call a network in use forbidden (403), not a conflict.
fn in_use_is_conflict(answer: Result<(), EngineError>) -> Result<(), EngineError> {
    match answer {
        Err(EngineError::Refused {
            operation,
            status: 403,
            message,
        }) => Err(EngineError::Conflict { operation, message }),
        answer => answer,
    }
}
