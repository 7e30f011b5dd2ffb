//! Stopping and removing: by label, idempotent, whatever state things are in.

use std::time::Duration;

use futures_util::future::join_all;

use super::build;
use crate::docker::engine::Engine;
use crate::docker::error::{EngineError, gone_is_fine};
use crate::docker::labels;
use crate::docker::model::ContainerSummary;
use crate::spec::BottleId;
use crate::state::ContainerState;
use crate::wire::Role;

/// What a sidecar gets to end.
const SIDECAR_GRACE: Duration = Duration::from_secs(2);
/// How often a volume that is still in use is tried again.
const VOLUME_TRIES: u32 = 20;
const VOLUME_PAUSE: Duration = Duration::from_millis(100);

/// Stops a bottle: the agent first, with its grace, then the sidecars, and what builds for
/// it left. Everything it holds stays. One that is stopped or not there is fine; one that is
/// frozen is let go first, so that it hears of it. What carries another owner's label runs
/// on, whatever its name.
///
/// # Errors
/// [`EngineError`] of the first container that could not be stopped.
pub async fn stop(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
    grace: Duration,
) -> Result<(), EngineError> {
    let mut containers = engine.containers(&labels::of_bottle(id)).await?;
    containers.retain(|container| labels::is_owned(&container.labels, owner));
    let (agent, sidecars): (Vec<_>, Vec<_>) = containers
        .into_iter()
        .partition(|container| labels::role(&container.labels) == Some(Role::Agent));
    // Init itself waits for the grace; the engine's kill is for an init that hangs.
    stop_all(engine, &agent, grace + SIDECAR_GRACE).await?;
    stop_all(engine, &sidecars, SIDECAR_GRACE).await?;
    remove_builds(engine, owner, id).await
}

/// Stops a bottle's agent container with its grace, and removes it. One that is not
/// there is fine; the sidecars and the volumes stay.
///
/// # Errors
/// [`EngineError`] if it could not be stopped or removed.
pub(crate) async fn remove_agent(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
    grace: Duration,
) -> Result<(), EngineError> {
    let mut containers = engine.containers(&labels::of_bottle(id)).await?;
    containers.retain(|container| {
        labels::is_owned(&container.labels, owner)
            && labels::role(&container.labels) == Some(Role::Agent)
    });
    stop_all(engine, &containers, grace + SIDECAR_GRACE).await?;
    let removals = containers
        .iter()
        .map(|container| remove_container(engine, &container.id));
    join_all(removals).await.into_iter().collect()
}

async fn stop_all(
    engine: &dyn Engine,
    containers: &[ContainerSummary],
    grace: Duration,
) -> Result<(), EngineError> {
    let stops = containers.iter().map(|container| async move {
        if container.state == ContainerState::Paused {
            // What is frozen hears no signal. One that goes on by itself meanwhile is fine.
            gone_is_fine(engine.unpause(&container.id).await)?;
        }
        let stopped = gone_is_fine(engine.stop(&container.id, grace).await);
        if stopped.is_err() && container.state == ContainerState::Paused {
            // It was not to go on but to end.
            drop(engine.pause(&container.id).await);
        }
        stopped
    });
    join_all(stops).await.into_iter().collect()
}

/// Removes a bottle's containers, then its volumes, and what builds for it left. One that is not there is fine.
/// What carries another owner's label stays, whatever its name.
///
/// # Errors
/// [`EngineError`] of the first thing that could not be removed; the rest is tried
/// all the same, and a second call goes on.
pub async fn remove(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    for _ in 1..VOLUME_TRIES {
        match remove_once(engine, owner, id).await {
            // The engine holds a volume for a moment after its container went; and a
            // killed console's last request may still be making one that uses it.
            Err(error) if error.is_conflict() => tokio::time::sleep(VOLUME_PAUSE).await,
            answer => {
                let builds = remove_builds(engine, owner, id).await;
                return answer.and(builds);
            }
        }
    }
    remove_once(engine, owner, id).await
}

/// Removes the fences of a bottle's builds, where they outlived their console. Only to be
/// called by who holds the bottle: a build that is under way loses its network.
///
/// # Errors
/// As [`remove`].
pub async fn remove_builds(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
) -> Result<(), EngineError> {
    let remains = build::find(engine, owner, build::Of::Bottle(id)).await?;
    build::remove(engine, &remains).await
}

async fn remove_once(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    let containers = remove_containers(engine, owner, id).await;
    let volumes = remove_volumes(engine, owner, id).await;
    containers.and(volumes)
}

async fn remove_volumes(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
) -> Result<(), EngineError> {
    let volumes = engine.volumes(&labels::of_bottle(id)).await?;
    let removals = volumes
        .iter()
        .filter(|volume| labels::is_owned(&volume.labels, owner))
        .map(|volume| async move { gone_is_fine(engine.remove_volume(&volume.name).await) });
    let failures = join_all(removals).await.into_iter().filter_map(Result::err);
    // One that is in use is tried again, and with it whatever else went wrong.
    match failures.max_by_key(EngineError::is_conflict) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Removes a bottle's containers and leaves its volumes.
///
/// # Errors
/// As [`remove`].
pub(crate) async fn remove_containers(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
) -> Result<(), EngineError> {
    // A killed console's last request may still be at work in the engine: what it
    // makes after the first list is found by the second.
    for _ in 0..2 {
        let mut containers = engine.containers(&labels::of_bottle(id)).await?;
        containers.retain(|container| labels::is_owned(&container.labels, owner));
        if containers.is_empty() {
            return Ok(());
        }
        let removals = containers
            .iter()
            .map(|container| remove_container(engine, &container.id));
        join_all(removals)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
    }
    Ok(())
}

async fn remove_container(engine: &dyn Engine, container: &str) -> Result<(), EngineError> {
    match gone_is_fine(engine.remove(container).await) {
        // «removal is already in progress»: somebody does what we want.
        Err(error) if error.is_conflict() => Ok(()),
        answer => answer,
    }
}
