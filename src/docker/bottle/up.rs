//! Making a bottle, and taking one up again: as much at once as the engine allows.
//!
//! All three containers may be started together because `guest init` itself waits for
//! its doors and probes the seal before the agent's program runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join, try_join3};
use tokio::sync::{Notify, mpsc};

use super::containers::{Conversation, Plan, container_name, line_mount};
use super::request::{Progress, Step, Up, UpCause, UpError, UpRequest};
use super::steps::Steps;
use super::{egress_network, fence, guest_volume, hand_over, image, life, ready, workspace};
use crate::docker::archive::owned_archive;
use crate::docker::engine::Engine;
use crate::docker::error::EngineError;
use crate::docker::guest_image::{body, ensure_image};
use crate::docker::labels;
use crate::docker::line::{Line, LineTraffic};
use crate::docker::model::{ContainerRequest, LogRequest};
use crate::spec::{BottleId, ImageSource, Workspace, layout};
use crate::wire::{BottleFacts, Role};

/// Lines of each container's log that an error quotes.
const QUOTED_LINES: u32 = 5;

/// Makes a bottle and waits until its session runs behind a seal that holds.
///
/// Dropped at any point it leaves what it made on the engine, labelled, for
/// [`super::remove`].
///
/// # Errors
/// [`UpError`]; what was made is removed again.
pub async fn up(
    engine: Arc<dyn Engine>,
    request: UpRequest,
    news: mpsc::Sender<Progress>,
) -> Result<Up, UpError> {
    let steps = Steps::new(news);
    // Asked before anything is made: what is there already is not ours to undo.
    steps
        .run(Step::Create, must_be_new(&*engine, &request.id))
        .await?;
    match raise(&*engine, &request, Conversation::New, &steps).await {
        Ok(up) => Ok(up),
        Err(mut error) => {
            quote_logs(&*engine, &request.id, &mut error).await;
            error.undo = life::remove(&*engine, &request.owner, &request.id)
                .await
                .err();
            Err(error)
        }
    }
}

/// Takes a stopped bottle up again: new containers on the kept volumes, with the kept
/// conversation.
///
/// # Errors
/// [`UpError`]; the containers are stopped again, the volumes stay.
pub async fn resume(
    engine: Arc<dyn Engine>,
    request: UpRequest,
    news: mpsc::Sender<Progress>,
) -> Result<Up, UpError> {
    let steps = Steps::new(news);
    let cleared = steps
        .run(Step::Create, clear(&*engine, &request.owner, &request.id))
        .await;
    cleared?;
    match raise(&*engine, &request, Conversation::Kept, &steps).await {
        Ok(up) => Ok(up),
        Err(mut error) => {
            quote_logs(&*engine, &request.id, &mut error).await;
            error.undo = life::stop(&*engine, &request.owner, &request.id, Duration::ZERO)
                .await
                .err();
            Err(error)
        }
    }
}

async fn must_be_new(engine: &dyn Engine, id: &BottleId) -> Result<(), UpCause> {
    let filter = labels::of_bottle(id);
    let (containers, volumes) =
        try_join(engine.containers(&filter), engine.volumes(&filter)).await?;
    if containers.is_empty() && volumes.is_empty() {
        Ok(())
    } else {
        Err(UpCause::Exists { id: id.clone() })
    }
}

/// Takes the old containers away and leaves the volumes.
async fn clear(engine: &dyn Engine, owner: &str, id: &BottleId) -> Result<(), UpCause> {
    let filter = labels::of_bottle(id);
    let (containers, volumes) =
        try_join(engine.containers(&filter), engine.volumes(&filter)).await?;
    let has_container = containers
        .iter()
        .any(|container| labels::is_owned(&container.labels, owner));
    let has_volume = volumes
        .iter()
        .any(|volume| labels::is_owned(&volume.labels, owner));
    if !has_container && !has_volume {
        return Err(UpCause::Missing { id: id.clone() });
    }
    life::remove_containers(engine, owner, id).await?;
    Ok(())
}

async fn raise(
    engine: &dyn Engine,
    request: &UpRequest,
    conversation: Conversation,
    steps: &Steps,
) -> Result<Up, UpError> {
    let (agent_image, network) = prepare(engine, request, steps).await?;
    let plan = Plan {
        request,
        agent_image: &agent_image,
        network: &network,
        conversation,
    };
    let mut containers = steps.run(Step::Create, async { plan.containers() }).await?;
    let ids = steps
        .run(Step::Create, create(engine, request, &mut containers))
        .await?;
    let [agent, egress, supervise] = &containers;
    let image = verify_and_fill(engine, request, conversation, steps, &ids, agent);
    let sidecars = sidecars(
        engine,
        request,
        steps,
        (&ids, &network),
        [egress, supervise],
    );
    let all_run = Notify::new();
    let agent_up = async {
        let image = image.await?;
        start(engine, request, steps, id_of(&ids, Role::Agent)).await?;
        if !request.secrets.is_empty() {
            let line = super::session_line(engine, &request.id);
            steps
                .run(Step::HandOver, async {
                    hand_over::hand_over(line.await?, &request.secrets).await
                })
                .await?;
        }
        all_run.notify_one();
        Ok(image)
    };
    let ready = async {
        let line = sidecars.await?;
        steps
            .run(Step::Ready, async {
                let facts = BottleFacts::of(&request.spec).map_err(|error| UpCause::Spec {
                    why: format!("tell what the bottle is made of: {error}"),
                })?;
                let credentials = &request.credentials;
                let tell = ready::Tell { credentials, facts };
                ready::wait(line, all_run.notified(), &tell).await
            })
            .await
    };
    let (image_id, readiness) = try_join(agent_up, ready).await?;
    Ok(Up {
        id: request.id.clone(),
        containers: ids,
        image_id,
        seal: readiness.seal,
        ended: readiness.ended,
        took: steps.elapsed(),
        steps: steps.times(),
    })
}

/// Everything that bottles share; gives the reference of the agent's image and the id
/// of the network that egress joins.
async fn prepare(
    engine: &dyn Engine,
    request: &UpRequest,
    steps: &Steps,
) -> Result<(String, String), UpError> {
    let guest = async {
        steps
            .run(Step::GuestImage, ensure_image(engine, &request.guest))
            .await?;
        if request.spec.image == ImageSource::Guest {
            return Ok(());
        }
        steps
            .run(
                Step::GuestVolume,
                guest_volume::ensure(engine, &request.guest),
            )
            .await
    };
    let image = steps.run(Step::AgentImage, image::ensure(engine, request, steps));
    let network = steps.run(Step::Network, async { Ok(egress_network(engine).await?) });
    if matches!(request.spec.image, ImageSource::Dockerfile { .. }) {
        // The fence of a build is made of what the others are made of.
        let ((), network) = try_join(guest, network).await?;
        return Ok((image.await?, network));
    }
    let ((), image, network) = try_join3(guest, image, network).await?;
    Ok((image, network))
}

async fn create(
    engine: &dyn Engine,
    request: &UpRequest,
    containers: &mut [(Role, ContainerRequest); 3],
) -> Result<BTreeMap<Role, String>, UpCause> {
    let made = containers.iter_mut().map(|(role, asked)| async move {
        match create_one(engine, request, asked).await {
            Ok(id) => Ok((*role, id)),
            // A name that is taken means a bottle of this id, whosever it is.
            Err(error) if error.is_conflict() => Err(UpCause::Exists {
                id: request.id.clone(),
            }),
            Err(error) => Err(UpCause::from(error)),
        }
    });
    // Each is waited for, so that an undo finds all that was made.
    join_all(made).await.into_iter().collect()
}

/// Makes a container; without the folder for lines where the engine does not know it,
/// because its socket only looks local.
async fn create_one(
    engine: &dyn Engine,
    request: &UpRequest,
    asked: &mut ContainerRequest,
) -> Result<String, EngineError> {
    let refused = match (engine.create(asked).await, &request.line_folder) {
        (Err(error), Some(folder)) if names(&error, folder) => folder,
        (answer, _) => return answer,
    };
    let unknown = line_mount(refused);
    asked.mounts.retain(|mount| *mount != unknown);
    // Consoles then do not wait there in vain.
    drop(std::fs::remove_dir(refused));
    engine.create(asked).await
}

fn names(error: &EngineError, folder: &Path) -> bool {
    !error.is_conflict() && error.to_string().contains(&*folder.to_string_lossy())
}

fn id_of(ids: &BTreeMap<Role, String>, role: Role) -> &str {
    ids.get(&role).map_or("", String::as_str)
}

async fn verify_and_fill(
    engine: &dyn Engine,
    request: &UpRequest,
    conversation: Conversation,
    steps: &Steps,
    ids: &BTreeMap<Role, String>,
    agent: &(Role, ContainerRequest),
) -> Result<String, UpError> {
    let container = id_of(ids, Role::Agent);
    let image = steps
        .run(Step::Fence, verify(engine, container, agent))
        .await?;
    if conversation == Conversation::New {
        steps
            .run(Step::Home, fill_home(engine, request, container))
            .await?;
        if let Workspace::Copy { host } = &request.spec.workspace {
            steps
                .run(
                    Step::Workspace,
                    workspace::copy(engine, container, host, request.spec.uid),
                )
                .await?;
        }
    }
    Ok(image)
}

pub(super) async fn verify(
    engine: &dyn Engine,
    container: &str,
    (role, asked): &(Role, ContainerRequest),
) -> Result<String, UpCause> {
    let applied = engine.inspect(container).await?;
    fence::verify(*role, asked, &applied)?;
    Ok(applied.image_id)
}

/// Lays the home's files and gives home and workspace to the agent's user. An image
/// that has those folders already gave them their owner; others did not.
async fn fill_home(
    engine: &dyn Engine,
    request: &UpRequest,
    container: &str,
) -> Result<(), UpCause> {
    let spec = &request.spec;
    if spec.image == ImageSource::Guest && request.home_files.is_empty() {
        return Ok(());
    }
    let pack = |files: &[_]| {
        owned_archive(spec.uid, files).map_err(|error| UpCause::Spec {
            why: format!("pack the home's files: {error}"),
        })
    };
    let home = engine.put_archive(container, layout::HOME, body(pack(&request.home_files)?));
    let workspace = async {
        if matches!(spec.workspace, Workspace::Mount { .. }) {
            return Ok(());
        }
        engine
            .put_archive(container, layout::WORKSPACE, body(pack(&[])?))
            .await
            .map_err(UpCause::from)
    };
    try_join(async { Ok(home.await?) }, workspace).await?;
    Ok(())
}

/// Starts both sidecars, egress without the network that is cut, and connects to the hub
/// as soon as it runs.
async fn sidecars(
    engine: &dyn Engine,
    request: &UpRequest,
    steps: &Steps,
    (ids, network): (&BTreeMap<Role, String>, &str),
    [egress, supervise]: [&(Role, ContainerRequest); 2],
) -> Result<Line, UpError> {
    let egress = async {
        let container = id_of(ids, Role::Egress);
        steps
            .run(Step::Fence, verify(engine, container, egress))
            .await?;
        if request.brakes.now().is_cut {
            // Before it runs, so that there is no moment in which it is not.
            steps
                .run(Step::Fence, async {
                    Ok(engine.part(network, container).await?)
                })
                .await?;
        }
        start(engine, request, steps, container).await
    };
    let hub = async {
        let container = id_of(ids, Role::Supervise);
        steps
            .run(Step::Fence, verify(engine, container, supervise))
            .await?;
        start(engine, request, steps, container).await?;
        steps
            .run(Step::ControlLine, async {
                Ok(engine
                    .exec_line(container, &super::CTL, LineTraffic::Quiet)
                    .await?)
            })
            .await
    };
    let ((), line) = try_join(egress, hub).await?;
    Ok(line)
}

async fn start(
    engine: &dyn Engine,
    request: &UpRequest,
    steps: &Steps,
    container: &str,
) -> Result<(), UpError> {
    let start = async {
        if request.brakes.now().is_held {
            return Err(UpCause::Held);
        }
        Ok(engine.start(container).await?)
    };
    steps.run(Step::Start, start).await
}

/// Adds the last lines of every container to an error that they may explain.
async fn quote_logs(engine: &dyn Engine, id: &BottleId, error: &mut UpError) {
    use futures_util::StreamExt as _;
    let UpCause::Roles { logs, .. } = &mut error.cause else {
        return;
    };
    for role in Role::ALL {
        let wanted = LogRequest {
            follow: false,
            tail: Some(QUOTED_LINES),
            since: None,
        };
        let lines: Vec<_> = engine
            .logs(&container_name(id, role), wanted)
            .collect()
            .await;
        let text: Vec<String> = lines
            .into_iter()
            .filter_map(Result::ok)
            .map(|chunk| {
                let line = String::from_utf8_lossy(&chunk.bytes);
                line.trim_end().escape_debug().to_string()
            })
            .collect();
        if !text.is_empty() {
            logs.push((role, text.join(" | ")));
        }
    }
}
