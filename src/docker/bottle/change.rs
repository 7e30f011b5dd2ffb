//! Changing the agent container of a bottle while its sidecars go on: another image or
//! another session, the same volumes, the same conversation.
//!
//! Two halves. [`prepare`] gets the image and tries it, and touches nothing. [`change`]
//! puts the new container in the old one's place; whoever calls it decides what becomes
//! of a bottle whose new container does not come up, by calling it again with the old
//! spec.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join;
use tokio::sync::mpsc;

use super::containers::{Conversation, Plan};
use super::ready::AgentWatch;
use super::request::{Change, Progress, Step, UpCause, UpError, UpRequest};
use super::steps::Steps;
use super::{candidate, guest_volume, hand_over, image, life, up};
use crate::docker::engine::Engine;
use crate::docker::error::gone_is_fine;
use crate::docker::guest_image::ensure_image;
use crate::docker::labels;
use crate::spec::{BottleId, Digest, ImageSource};
use crate::state::ContainerState;
use crate::wire::{BottleFacts, Role};

/// Gets the image of a spec and tries it in a container of its own. The running bottle
/// does not notice. Dropped at any point it leaves a candidate and a build's fence, labelled
/// as the bottle's, which [`unprepare`] removes.
///
/// # Errors
/// [`UpError`].
pub async fn prepare(
    engine: Arc<dyn Engine>,
    request: &UpRequest,
    news: mpsc::Sender<Progress>,
) -> Result<(), UpError> {
    let steps = Steps::new(news);
    let reference = get(&*engine, request, &steps).await?;
    let plan = plan(request, &reference);
    steps
        .run(Step::Candidate, candidate::run(&*engine, &plan))
        .await
}

/// Removes what [`prepare`] leaves when it is dropped. Only to be called by who holds the
/// right to change the bottle.
///
/// # Errors
/// [`EngineError`](crate::docker::EngineError) of the first thing that could not be
/// removed; a second call goes on.
pub async fn unprepare(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
) -> Result<(), crate::docker::EngineError> {
    let tried = gone_is_fine(engine.remove(&candidate::name(id)).await);
    life::remove_builds(engine, owner, id).await.and(tried)
}

/// Stops the agent container, makes a new one of the spec in its place, and waits until
/// its session is back behind a seal that holds. Safe to call again after a crash.
///
/// # Errors
/// [`UpError`] with whatever agent container there is stopped or gone; the volumes stay.
pub async fn change(
    engine: Arc<dyn Engine>,
    request: &UpRequest,
    news: mpsc::Sender<Progress>,
) -> Result<Change, UpError> {
    let steps = Steps::new(news);
    let reference = get(&*engine, request, &steps).await?;
    let plan = plan(request, &reference);
    let asked = steps.run(Step::Create, async { plan.agent() }).await?;
    let facts = facts(request);
    let facts = steps.run(Step::ControlLine, async { facts }).await?;
    steps
        .run(Step::Stop, async {
            // Stopping it would let it go on first.
            if request.brakes.now().is_held {
                return Err(UpCause::Held);
            }
            Ok(life::remove_agent(&*engine, &request.owner, &request.id, grace(request)).await?)
        })
        .await?;
    // Opened before the new container is: what it hears from then on is of that one.
    let mut watch = steps
        .run(Step::ControlLine, async {
            let line = super::control_line(&*engine, &request.id).await?;
            AgentWatch::open(line, facts).await
        })
        .await?;
    let id = steps
        .run(Step::Create, async { Ok(engine.create(&asked).await?) })
        .await?;
    let agent = (Role::Agent, asked);
    let image_id = steps
        .run(Step::Fence, up::verify(&*engine, &id, &agent))
        .await?;
    steps
        .run(Step::Start, async {
            if request.brakes.now().is_held {
                return Err(UpCause::Held);
            }
            Ok(engine.start(&id).await?)
        })
        .await?;
    if !request.secrets.is_empty() {
        steps
            .run(Step::HandOver, async {
                let line = super::session_line(&*engine, &request.id).await?;
                hand_over::hand_over(line, &request.secrets).await
            })
            .await?;
    }
    let observe = &request.spec.session.observe;
    let seal = steps.run(Step::Ready, watch.is_back(observe)).await?;
    Ok(Change {
        image_id,
        seal,
        took: steps.elapsed(),
        steps: steps.times(),
    })
}

/// The spec that a bottle's agent container was made from, and whether it runs; `None`
/// if there is no such container.
///
/// # Errors
/// [`EngineError`](crate::docker::EngineError) if the engine does not say.
pub async fn agent_spec(
    engine: &dyn Engine,
    owner: &str,
    id: &BottleId,
) -> Result<Option<AgentSpec>, crate::docker::EngineError> {
    let containers = engine.containers(&labels::of_bottle(id)).await?;
    let agent = containers.into_iter().find(|container| {
        labels::is_owned(&container.labels, owner)
            && labels::role(&container.labels) == Some(Role::Agent)
    });
    Ok(agent.and_then(|agent| {
        let digest = agent.labels.get(labels::SPEC)?.clone();
        Some(AgentSpec {
            digest: Digest::try_from(digest).ok()?,
            runs: matches!(
                agent.state,
                ContainerState::Running | ContainerState::Paused
            ),
        })
    }))
}

/// What a bottle's agent container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentSpec {
    /// The spec that it was made from.
    pub digest: Digest,
    /// Whether it runs, or would if it were not frozen.
    pub runs: bool,
}

fn plan<'p>(request: &'p UpRequest, reference: &'p str) -> Plan<'p> {
    Plan {
        request,
        agent_image: reference,
        // The agent container has none.
        network: "",
        conversation: Conversation::Kept,
    }
}

fn grace(request: &UpRequest) -> Duration {
    request.spec.limits.stop_grace
}

fn facts(request: &UpRequest) -> Result<BottleFacts, UpCause> {
    BottleFacts::of(&request.spec).map_err(|error| UpCause::Spec {
        why: format!("tell what the bottle is made of: {error}"),
    })
}

/// The guest on this engine, and the reference of the agent's image.
async fn get(engine: &dyn Engine, request: &UpRequest, steps: &Steps) -> Result<String, UpError> {
    let guest = async {
        steps
            .run(Step::GuestImage, ensure_image(engine, &request.guest))
            .await?;
        if request.spec.image == ImageSource::Guest {
            return Ok(());
        }
        let volume = guest_volume::ensure(engine, &request.guest);
        steps.run(Step::GuestVolume, volume).await
    };
    let image = steps.run(Step::AgentImage, image::ensure(engine, request, steps));
    if matches!(request.spec.image, ImageSource::Dockerfile { .. }) {
        // The fence of a build is made of what the others are made of.
        guest.await?;
        return image.await;
    }
    let ((), reference) = try_join(guest, image).await?;
    Ok(reference)
}
