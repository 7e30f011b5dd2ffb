//! Freezing, cutting, and what a stop, a resume and a removal do to a bottle held still.

use std::time::Duration;

use super::support::{OWNER, engine, id, name, small, try_resume, try_up, with_stopped};
use crate::docker::bottle::{
    Brakes, Braking, cut, freeze, reconnect, remove, sightings, stop, unfreeze,
};
use crate::docker::fake::FakeEngine;
use crate::docker::labels;
use crate::state::ContainerState;

fn state(engine: &FakeEngine, role: &str) -> ContainerState {
    let world = engine.world();
    world.find(&name(role)).unwrap().state.clone()
}

fn is_parted(engine: &FakeEngine) -> bool {
    engine.world().find(&name("egress")).unwrap().is_parted
}

#[tokio::test(start_paused = true)]
async fn only_the_agent_is_frozen_and_only_egress_is_cut_however_often() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    for _ in 0..2 {
        freeze(&engine, OWNER, &id()).await.unwrap();
        assert_eq!(state(&engine, "agent"), ContainerState::Paused);
        assert_eq!(state(&engine, "egress"), ContainerState::Running);
        assert_eq!(state(&engine, "supervise"), ContainerState::Running);
    }
    for _ in 0..2 {
        cut(&engine, OWNER, &id()).await.unwrap();
        assert!(sightings(&engine).await.unwrap()[0].is_cut);
    }
    for _ in 0..2 {
        reconnect(&engine, OWNER, &id()).await.unwrap();
        assert!(!sightings(&engine).await.unwrap()[0].is_cut);
    }
    for _ in 0..2 {
        unfreeze(&engine, OWNER, &id()).await.unwrap();
        assert_eq!(state(&engine, "agent"), ContainerState::Running);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_anothers_or_stopped_or_not_there_is_left_alone() {
    let engine = engine();
    freeze(&engine, OWNER, &id()).await.unwrap();
    try_up(&engine, &small()).await.unwrap();
    for container in &mut engine.world().containers {
        let labels = &mut container.request.labels;
        labels.insert(labels::OWNER.to_owned(), String::from("another"));
    }
    freeze(&engine, OWNER, &id()).await.unwrap();
    cut(&engine, OWNER, &id()).await.unwrap();
    assert_eq!(state(&engine, "agent"), ContainerState::Running);
    assert!(!is_parted(&engine));

    let engine = with_stopped(&small()).await;
    freeze(&engine, OWNER, &id()).await.unwrap();
    assert_ne!(state(&engine, "agent"), ContainerState::Paused);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_bottle_is_let_go_to_be_stopped_and_not_to_be_removed() {
    let engine = engine();
    try_up(&engine, &small()).await.unwrap();
    freeze(&engine, OWNER, &id()).await.unwrap();
    stop(&engine, OWNER, &id(), Duration::ZERO).await.unwrap();
    assert_eq!(engine.world().running(), [].into());
    let calls = engine.calls();
    let at = |what| calls.iter().position(|call| call.what == what).unwrap();
    assert!(at("unpause") < at("stop"));

    try_resume(&engine, &small()).await.unwrap();
    freeze(&engine, OWNER, &id()).await.unwrap();
    let before = engine.calls().len();
    remove(&engine, OWNER, &id()).await.unwrap();
    let calls = engine.calls().split_off(before);
    assert!(calls.iter().all(|call| call.what != "unpause"));
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_comes_up_cut_and_never_runs_connected() {
    let mut wanted = small();
    let engine = with_stopped(&wanted).await;
    wanted.request.brakes = Brakes::new(|| Braking {
        is_cut: true,
        is_held: false,
    });
    let before = engine.calls().len();
    try_resume(&engine, &wanted).await.unwrap();
    assert!(is_parted(&engine));
    let calls = engine.calls().split_off(before);
    let of_egress = |what| {
        let egress = name("egress");
        let mut calls = calls.iter();
        calls.position(|call| call.what == what && call.on == egress)
    };
    assert!(of_egress("part").unwrap() < of_egress("start").unwrap());
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_while_all_is_held_still() {
    let mut wanted = small();
    wanted.request.brakes = Brakes::new(|| Braking {
        is_cut: true,
        is_held: true,
    });
    let engine = engine();
    let error = try_up(&engine, &wanted).await.unwrap_err();
    assert!(error.undo.is_none());
    assert!(engine.calls().iter().all(|call| call.what != "start"));
    assert!(engine.world().find(&name("agent")).is_none());
}
