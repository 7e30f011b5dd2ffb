//! Holding a bottle still, from outside of it: its agent frozen, its egress without a
//! network.
//!
//! Both are the engine's own doing and ask nothing of what runs in the bottle, so they
//! hold whatever that does. Each may be done twice, and by two consoles at once.

use futures_util::future::join_all;

use super::egress_network;
use crate::docker::engine::Engine;
use crate::docker::error::EngineError;
use crate::docker::labels;
use crate::docker::model::ContainerSummary;
use crate::spec::BottleId;
use crate::state::ContainerState;
use crate::wire::Role;

/// Freezes a bottle's agent container: its processes stand still where they are, and keep
/// their memory. One that does not run stays as it is.
///
/// # Errors
/// [`EngineError`] if the engine cannot.
pub async fn freeze(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    let running = |found: &ContainerSummary| found.state == ContainerState::Running;
    let agents = of_role(engine, owner, id, Role::Agent).await?;
    let calls = agents.iter().filter(|found| running(found));
    let calls = calls.map(|found| engine.pause(&found.id));
    join_all(calls).await.into_iter().collect()
}

/// Lets a bottle's agent container go on. One that is not frozen stays as it is.
///
/// # Errors
/// As [`freeze`].
pub async fn unfreeze(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    let agents = of_role(engine, owner, id, Role::Agent).await?;
    let frozen = agents
        .iter()
        .filter(|found| found.state == ContainerState::Paused);
    let calls = frozen.map(|found| engine.unpause(&found.id));
    join_all(calls).await.into_iter().collect()
}

/// Takes the network of a bottle's egress away: nothing leaves the bottle, and what was on
/// its way ends there. One that has none stays as it is.
///
/// # Errors
/// As [`freeze`].
pub async fn cut(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    let egress = of_role(engine, owner, id, Role::Egress).await?;
    let network = egress_network(engine).await?;
    let calls = egress
        .iter()
        .filter(|found| found.networks.as_ref().is_none_or(|on| !on.is_empty()))
        .map(|found| engine.part(&network, &found.id));
    join_all(calls).await.into_iter().collect()
}

/// Gives a bottle's egress its network back.
///
/// # Errors
/// As [`freeze`].
pub async fn reconnect(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), EngineError> {
    let egress = of_role(engine, owner, id, Role::Egress).await?;
    let network = egress_network(engine).await?;
    let calls = egress
        .iter()
        .filter(|found| found.networks.as_ref().is_none_or(Vec::is_empty))
        .map(|found| engine.join(&network, &found.id));
    join_all(calls).await.into_iter().collect()
}

/// The bottle's containers of a role that are this owner's.
async fn of_role(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
    role: Role,
) -> Result<Vec<ContainerSummary>, EngineError> {
    let mut found = engine.containers(&labels::of_bottle(id)).await?;
    found.retain(|container| {
        labels::is_owned(&container.labels, owner) && labels::role(&container.labels) == Some(role)
    });
    Ok(found)
}
