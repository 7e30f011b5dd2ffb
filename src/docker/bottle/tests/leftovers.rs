//! Stopping and removing by bottle and owner, and what belongs to nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::support::{
    OWNER, Wanted, engine, id, large, name, of_bottle, small, try_up, volumes, whole,
};
use crate::docker::bottle::{
    BuildRemains, EGRESS_NETWORK, Leftovers, leftovers, remove, remove_leftovers, remove_shared,
    stop,
};
use crate::docker::error::EngineError;
use crate::docker::fake::{Call, FakeEngine, Fault};
use crate::docker::labels;
use crate::docker::model::{ContainerRequest, MountRequest};
use crate::spec::BottleId;

const OLD: &str = "0123456789ab";

fn bottle(text: &str) -> BottleId {
    BottleId::parse(text).unwrap()
}

fn busy() -> Fault {
    Fault::Fail(EngineError::Conflict {
        operation: "follow the script",
        message: String::from("in use"),
    })
}

async fn make(engine: &FakeEngine, mut wanted: Wanted, id: &str, owner: &str) -> Wanted {
    wanted.request.id = bottle(id);
    wanted.request.owner = owner.to_owned();
    try_up(engine, &wanted).await.unwrap();
    wanted
}

/// Puts the image, the keeper and the volume of an older guest there.
fn add_old_guest(engine: &FakeEngine) {
    let mut world = engine.world();
    let label = |key: &str| BTreeMap::from([(key.to_owned(), OLD.to_owned())]);
    world.add_image(&format!("cellar/guest:{OLD}"), label(labels::GUEST));
    let template = world.containers.first().unwrap().request.clone();
    world
        .create(&ContainerRequest {
            name: format!("cellar-keep-{OLD}"),
            image: format!("cellar/guest:{OLD}"),
            labels: label(labels::KEEP),
            mounts: vec![MountRequest::Volume {
                name: format!("cellar-guest-{OLD}"),
                target: String::from("/cellar"),
                read_only: false,
                takes_image_content: true,
                labels: label(labels::KEEP),
            }],
            ..template
        })
        .unwrap();
}

fn labelled(engine: &FakeEngine, id: &str) -> usize {
    engine
        .world()
        .labelled(&labels::of_bottle(&bottle(id)))
        .len()
}

#[tokio::test(start_paused = true)]
async fn stop_asks_the_agent_first_and_keeps_everything() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    let before = engine.calls().len();
    // A bottle that is stopped is fine.
    for _ in 0..2 {
        stop(&engine, OWNER, &id(), Duration::ZERO).await.unwrap();
        assert_eq!(engine.world().running(), [].into());
    }
    let calls = engine.calls().split_off(before);
    let stops: Vec<Call> = calls
        .into_iter()
        .filter(|call| call.what == "stop")
        .collect();
    assert_eq!(stops[0], Call::new("stop", &name("agent")));
    assert_eq!(stops.len(), 6);
    assert_eq!(engine.world().labelled(&of_bottle()), whole());
}

#[tokio::test(start_paused = true)]
async fn one_sidecar_that_does_not_stop_is_told_and_the_other_stops() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    engine.next("stop", &name("egress"), Fault::away());
    stop(&engine, OWNER, &id(), Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(engine.world().running(), [name("egress")].into());
    stop(&engine, OWNER, &id(), Duration::ZERO).await.unwrap();
    assert_eq!(engine.world().running(), [].into());
}

#[tokio::test(start_paused = true)]
async fn stop_and_remove_leave_what_another_operator_owns() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    for owner in ["another", ""] {
        stop(&engine, owner, &id(), Duration::ZERO).await.unwrap();
        remove(&engine, owner, &id()).await.unwrap();
        assert_eq!(engine.world().running().len(), 3);
        assert_eq!(engine.world().labelled(&of_bottle()), whole());
    }
    // Another bottle's name is not enough either.
    remove(&engine, OWNER, &bottle("api")).await.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), whole());
    remove(&engine, OWNER, &id()).await.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), [].into());
    // One that is gone is fine.
    remove(&engine, OWNER, &id()).await.unwrap();
}

/// A container that stayed once kept the bottle's other volumes, too.
#[tokio::test(start_paused = true)]
async fn a_container_that_is_not_removed_is_told_and_the_rest_is_gone() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    engine.next("remove", &name("agent"), Fault::away());
    let error = remove(&engine, OWNER, &id()).await.unwrap_err();
    assert!(error.is_engine_away(), "{error:?}");
    let held = ["agent", "doors", "home", "workspace"];
    let held: BTreeSet<String> = held.map(name).into();
    assert_eq!(engine.world().labelled(&of_bottle()), held);
    remove(&engine, OWNER, &id()).await.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), [].into());
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_is_not_removed_is_told_and_one_in_use_is_tried_again() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    engine.next("remove_volume", &name("home"), Fault::away());
    remove(&engine, OWNER, &id()).await.unwrap_err();
    let left = engine.world().labelled(&of_bottle());
    assert_eq!(left, [name("home")].into());
    engine.next("remove_volume", &name("home"), busy());
    remove(&engine, OWNER, &id()).await.unwrap();
    assert_eq!(volumes(&engine), [].into());
}

/// A killed console's last request may still be at work in the engine, which makes the
/// container after the look for containers.
#[tokio::test(start_paused = true)]
async fn a_container_that_comes_late_is_removed_with_its_volumes() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    let agent = engine.world().find(&name("agent")).unwrap().request.clone();
    engine.next("remove_volume", &name("home"), busy());
    let late = async {
        engine.went_wrong().await;
        engine.world().create(&agent).unwrap();
    };
    let id = id();
    let (removed, ()) = tokio::join!(remove(&engine, OWNER, &id), late);
    removed.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), [].into());
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_ours_without_a_record_and_guests_that_nobody_uses() {
    let engine = engine();
    let wanted = make(&engine, large(), "api-1", OWNER).await;
    make(&engine, small(), "api-2", OWNER).await;
    make(&engine, small(), "api-3", "another").await;
    make(&engine, small(), "api-4", OWNER).await;
    // Of one bottle only volumes are left.
    engine
        .world()
        .containers
        .retain(|found| !found.request.name.contains("api-4"));
    add_old_guest(&engine);

    let guest = &wanted.request.guest;
    let found = leftovers(&engine, OWNER, &[bottle("api-2")], guest)
        .await
        .unwrap();
    let expected = Leftovers {
        bottles: [bottle("api-1"), bottle("api-4")].into(),
        keepers: vec![(format!("cellar-keep-{OLD}"), format!("cellar-guest-{OLD}"))],
        images: vec![format!("cellar/guest:{OLD}")],
        builds: BuildRemains::default(),
    };
    assert_eq!(found, expected);
    assert_eq!(found.words().len(), 4);

    remove_leftovers(&engine, OWNER, &found).await.unwrap();
    let left = ["api-1", "api-2", "api-3", "api-4"].map(|id| labelled(&engine, id));
    assert_eq!(left, [0, 7, 7, 0]);
    assert_eq!(engine.world().running().len(), 6);
    assert_eq!(engine.world().labelled(labels::KEEP).len(), 2);
    let again = leftovers(&engine, OWNER, &[bottle("api-2")], guest)
        .await
        .unwrap();
    assert_eq!(again, Leftovers::default());
}

#[tokio::test(start_paused = true)]
async fn an_older_guest_that_a_bottle_of_anybody_uses_is_no_leftover() {
    let engine = engine();
    let wanted = make(&engine, small(), "api-3", "another").await;
    add_old_guest(&engine);
    for container in &mut engine.world().containers {
        container.request.image = format!("cellar/guest:{OLD}");
    }
    let found = leftovers(&engine, OWNER, &[], &wanted.request.guest).await;
    assert_eq!(found.unwrap(), Leftovers::default());
}

/// An image that an agent asked for may carry any label.
#[tokio::test(start_paused = true)]
async fn a_bottles_container_is_no_keeper_whatever_its_image_says() {
    let engine = engine();
    let wanted = make(&engine, small(), "api-1", OWNER).await;
    for container in &mut engine.world().containers {
        let label = (labels::KEEP.to_owned(), OLD.to_owned());
        container.request.labels.extend([label]);
    }
    let kept = [bottle("api-1")];
    let found = leftovers(&engine, OWNER, &kept, &wanted.request.guest).await;
    assert_eq!(found.unwrap().keepers, []);
    remove_shared(&engine).await.unwrap();
    assert_eq!(labelled(&engine, "api-1"), 7);
}

#[tokio::test(start_paused = true)]
async fn removing_leftovers_ends_at_a_failure_and_a_second_call_goes_on() {
    for (what, on) in [
        ("remove", String::from("cellar-api-1-agent")),
        ("remove", format!("cellar-keep-{OLD}")),
        ("remove_volume", format!("cellar-guest-{OLD}")),
        ("remove_image", format!("cellar/guest:{OLD}")),
    ] {
        let engine = engine();
        let wanted = make(&engine, small(), "api-1", OWNER).await;
        make(&engine, small(), "api-3", "another").await;
        add_old_guest(&engine);
        let guest = &wanted.request.guest;
        let found = leftovers(&engine, OWNER, &[], guest).await.unwrap();
        engine.next(what, &on, Fault::away());
        remove_leftovers(&engine, OWNER, &found).await.unwrap_err();
        remove_leftovers(&engine, OWNER, &found).await.unwrap();
        let again = leftovers(&engine, OWNER, &[], guest).await.unwrap();
        assert_eq!(again, Leftovers::default(), "{what} {on}");
        assert_eq!(engine.world().labelled(labels::KEEP), [].into());
        assert_eq!(
            (labelled(&engine, "api-1"), labelled(&engine, "api-3")),
            (0, 7)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_bottles_share_stays_while_one_uses_it_and_goes_afterwards() {
    let engine = engine();
    make(&engine, large(), "api-3", "another").await;
    let shared = |engine: &FakeEngine| {
        let world = engine.world();
        let networks = world.networks.iter();
        let has_network = networks.clone().any(|found| found.name == EGRESS_NETWORK);
        let mut images = world.images.iter();
        (
            images.any(|image| image.labels.contains_key(labels::GUEST)),
            has_network,
        )
    };
    remove_shared(&engine).await.unwrap();
    assert_eq!(shared(&engine), (true, true));
    assert_eq!(engine.world().running().len(), 3);
    remove(&engine, "another", &bottle("api-3")).await.unwrap();
    remove_shared(&engine).await.unwrap();
    assert_eq!(shared(&engine), (false, false));
    assert_eq!(volumes(&engine), [].into());
}
