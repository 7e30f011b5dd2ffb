//! Taking a bottle up again: what is kept, and what a failure leaves.

use std::collections::BTreeSet;

use super::support::{
    engine, id, large, name, of_bottle, small, step_of, try_resume, try_up, volumes, whole,
    with_stopped,
};
use crate::docker::bottle::{Step, UpCause};
use crate::docker::fake::{Call, FakeEngine, Fault};
use crate::docker::labels;

fn ids(engine: &FakeEngine) -> BTreeSet<String> {
    let world = engine.world();
    let containers = world.containers.iter();
    containers.map(|container| container.id.clone()).collect()
}

/// Gives everything on the engine to another operator.
fn give_away(engine: &FakeEngine) {
    let mut world = engine.world();
    let owner = |found: &mut std::collections::BTreeMap<String, String>| {
        found.insert(labels::OWNER.to_owned(), String::from("another"));
    };
    for container in &mut world.containers {
        owner(&mut container.request.labels);
    }
    for volume in &mut world.volumes {
        owner(&mut volume.labels);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_makes_new_containers_on_the_kept_volumes_and_lays_nothing_anew() {
    for wanted in [small(), large()] {
        let engine = with_stopped(&wanted).await;
        let (kept, old, before) = (volumes(&engine), ids(&engine), engine.calls().len());
        try_resume(&engine, &wanted).await.unwrap();
        assert_eq!(volumes(&engine), kept);
        assert_eq!(engine.world().running().len(), 3);
        let new = ids(&engine);
        let of_guest = old.intersection(&new).count();
        // The keeper of the guest volume is no part of the bottle.
        assert_eq!(of_guest, engine.world().containers.len() - 3);
        let calls = engine.calls().split_off(before);
        assert!(calls.iter().all(|call| call.what != "put_archive"));
        let world = engine.world();
        let agent = &world.find(&name("agent")).unwrap().request;
        assert!(agent.env.iter().any(|line| line.contains("--resume")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_fails_at_any_call_keeps_the_volumes_and_leaves_nothing_running() {
    let faults: [fn() -> Fault; 2] = [Fault::away, Fault::away_afterwards];
    for (wanted, at_least) in [(small(), 17), (large(), 20)] {
        for fault in faults {
            for index in 0.. {
                let engine = with_stopped(&wanted).await;
                let kept = volumes(&engine);
                engine.at(engine.calls().len() + index, fault());
                let outcome = try_resume(&engine, &wanted).await;
                let Some(call) = engine.faults().pop() else {
                    outcome.unwrap();
                    assert!(index >= at_least, "only {index} calls");
                    break;
                };
                let Err(error) = outcome else {
                    panic!("{call:?} did not count");
                };
                assert_eq!(error.step, step_of(&engine, &wanted, &call), "{call:?}");
                assert!(error.undo.is_none());
                assert_eq!(volumes(&engine), kept, "{call:?}");
                assert_eq!(engine.world().running(), [].into(), "{call:?}");
                // And it can be tried again.
                try_resume(&engine, &wanted).await.unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bottle_whose_containers_are_gone_is_resumed_from_its_volumes() {
    let wanted = small();
    let engine = with_stopped(&wanted).await;
    engine.world().containers.clear();
    try_resume(&engine, &wanted).await.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), whole());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_resumed() {
    let engine = engine();
    let error = try_resume(&engine, &small()).await.unwrap_err();
    assert_eq!(error.step, Step::Create);
    assert!(matches!(&error.cause, UpCause::Missing { id: of } if *of == id()));
    assert!(engine.world().containers.is_empty());
}

/// A resume once went on with the volumes of whoever had a bottle of that id.
#[tokio::test(start_paused = true)]
async fn a_bottle_of_another_operator_is_not_resumed() {
    for containers_too in [true, false] {
        let wanted = small();
        let engine = with_stopped(&wanted).await;
        give_away(&engine);
        if !containers_too {
            engine.world().containers.clear();
        }
        let (theirs, before) = (ids(&engine), engine.calls().len());
        let error = try_resume(&engine, &wanted).await.unwrap_err();
        assert!(matches!(error.cause, UpCause::Missing { .. }), "{error:?}");
        assert_eq!(ids(&engine), theirs);
        let calls = engine.calls().split_off(before);
        let lists = ["containers", "volumes"].map(|what| Call::new(what, &of_bottle()));
        assert_eq!(calls, lists);
    }
}

/// The undo of a resume once stopped containers by the bottle's id alone.
#[tokio::test(start_paused = true)]
async fn a_resume_that_meets_containers_of_another_operator_leaves_them_running() {
    let (engine, wanted) = (engine(), small());
    try_up(&engine, &wanted).await.unwrap();
    let ours = engine.world().volumes.clone();
    give_away(&engine);
    engine.world().volumes = ours;
    let error = try_resume(&engine, &wanted).await.unwrap_err();
    assert!(matches!(error.cause, UpCause::Exists { .. }), "{error:?}");
    assert_eq!(engine.world().running().len(), 3);
}
