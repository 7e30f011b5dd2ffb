//! Making a bottle: what stands at the end, in which order, and what a failure leaves.

use std::collections::BTreeMap;

use super::support::{
    OWNER, engine, id, large, name, of_bottle, small, step_of, try_up, whole, with_line_folder,
};
use crate::docker::bottle::{Step, UpCause, remove};
use crate::docker::fake::{Call, FakeEngine, Fault, Moment};
use crate::docker::labels;
use crate::spec::layout;
use crate::wire::Role;

/// Where in the journal a line stands.
fn at(engine: &FakeEngine, moment: Moment, what: &'static str, on: &str) -> usize {
    let line = (moment, Call::new(what, on));
    let journal = engine.journal();
    let found = journal.iter().position(|held| *held == line);
    found.unwrap_or_else(|| panic!("{line:?} is not in {journal:#?}"))
}

#[tokio::test(start_paused = true)]
async fn a_bottle_is_three_running_containers_with_its_labels() {
    for wanted in [small(), large()] {
        let engine = engine();
        let up = try_up(&engine, &wanted).await.unwrap();
        assert!(up.seal.holds());
        assert_eq!(up.ended, None);

        let world = engine.world();
        assert_eq!(world.labelled(&of_bottle()), whole());
        assert_eq!(
            world.running(),
            Role::ALL.map(|role| name(role.as_str())).into()
        );
        for role in Role::ALL {
            let container = world.find(&name(role.as_str())).unwrap();
            assert_eq!(up.containers.get(&role), Some(&container.id));
            let expected = [
                (labels::BOTTLE, "api-1"),
                (labels::OWNER, OWNER),
                (labels::AGENT, "api"),
                (labels::ROLE, role.as_str()),
                (labels::REVISION, "1"),
                (labels::SPEC, &wanted.request.digest.to_string()),
            ];
            let expected: BTreeMap<String, String> = expected
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
            assert_eq!(container.request.labels, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_is_in_the_agent_container() {
    let (engine, wanted) = (engine(), large());
    try_up(&engine, &wanted).await.unwrap();
    let world = engine.world();
    let agent = world.find(&name("agent")).unwrap();
    let files = |path: &str| {
        let file = agent.files.get(path);
        file.map(|file| (file.uid, String::from_utf8(file.content.clone()).unwrap()))
    };
    assert_eq!(
        files("/home/agent/.config/agent.json"),
        Some((1_000, String::from("{}")))
    );
    assert_eq!(
        files("/workspace/main.rs"),
        Some((1_000, String::from("fn main() {}")))
    );
    let values = agent.handed_over.clone().unwrap();
    assert_eq!(values.get("TOKEN").map(String::as_str), Some("hunter2"));
    assert!(!format!("{:?}", agent.request).contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_before_its_fence_was_verified_and_the_agent_not_before_its_home() {
    let (engine, wanted) = (engine(), large());
    try_up(&engine, &wanted).await.unwrap();
    for role in Role::ALL {
        let container = name(role.as_str());
        let verified = at(&engine, Moment::Answered, "inspect", &container);
        assert!(verified < at(&engine, Moment::Asked, "start", &container));
    }
    let agent = name("agent");
    let start = at(&engine, Moment::Asked, "start", &agent);
    let home = format!("{agent}:{}", layout::HOME);
    assert!(at(&engine, Moment::Answered, "put_archive", &home) < start);
    let workspace = Call::new("put_archive", &format!("{agent}:{}", layout::WORKSPACE));
    let answered = engine.journal().into_iter().enumerate();
    let answered: Vec<usize> = answered
        .filter(|(_, line)| *line == (Moment::Answered, workspace.clone()))
        .map(|(at, _)| at)
        .collect();
    // Given to the agent's user, then filled.
    assert_eq!(answered.len(), 2);
    assert!(answered.iter().all(|at| *at < start));
}

/// An answer that does not come keeps the container from starting, for ever.
#[tokio::test(start_paused = true)]
async fn a_container_does_not_start_while_what_comes_before_has_no_answer() {
    let archive = |path| format!("{}:{path}", name("agent"));
    let waits = [
        ("inspect", name("agent"), "agent"),
        ("inspect", name("egress"), "egress"),
        ("inspect", name("supervise"), "supervise"),
        ("put_archive", archive(layout::HOME), "agent"),
        ("put_archive", archive(layout::WORKSPACE), "agent"),
    ];
    for (what, on, role) in waits {
        for fault in [Fault::Hang, Fault::HangAfterwards] {
            let (engine, wanted) = (engine(), large());
            engine.next(what, &on, fault);
            let error = try_up(&engine, &wanted);
            let waited = tokio::time::timeout(std::time::Duration::from_secs(30), error).await;
            assert!(waited.is_err(), "{what} {on}");
            let calls = engine.calls();
            assert!(!calls.contains(&Call::new("start", &name(role))), "{on}");
            assert!(!engine.world().running().contains(&name(role)));
        }
    }
}

/// Walks the calls of `up` one by one until it succeeds because none was left.
#[tokio::test(start_paused = true)]
async fn a_failure_at_any_call_names_its_step_and_leaves_nothing() {
    let faults: [fn() -> Fault; 2] = [Fault::away, Fault::away_afterwards];
    for (wanted, at_least) in [(small(), 14), (large(), 24)] {
        for fault in faults {
            for index in 0.. {
                let engine = engine();
                engine.at(index, fault());
                let outcome = try_up(&engine, &wanted).await;
                let Some(call) = engine.faults().pop() else {
                    outcome.unwrap();
                    assert!(index >= at_least, "only {index} calls");
                    break;
                };
                if call.what == "pull_image" && fault() == Fault::away_afterwards() {
                    // What counts is whether the image is there.
                    outcome.unwrap();
                    continue;
                }
                let Err(error) = outcome else {
                    panic!("{call:?} did not count");
                };
                assert_eq!(error.step, step_of(&engine, &wanted, &call), "{call:?}");
                assert_eq!(error.to_string(), error.step.words());
                assert_eq!(engine.world().labelled(&of_bottle()), [].into(), "{call:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_given_up_at_any_call_leaves_nothing_that_remove_does_not_find() {
    for (wanted, at_least) in [(small(), 14), (large(), 24)] {
        for fault in [Fault::Hang, Fault::HangAfterwards] {
            for index in 0.. {
                let engine = engine();
                engine.at(index, fault.clone());
                let up = tokio::select! {
                    biased;
                    () = engine.went_wrong() => None,
                    up = try_up(&engine, &wanted) => Some(up),
                };
                if let Some(up) = up {
                    up.unwrap();
                    assert!(index >= at_least, "only {index} calls");
                    break;
                }
                remove(&engine, OWNER, &id()).await.unwrap();
                assert_eq!(engine.world().labelled(&of_bottle()), [].into(), "{index}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_said() {
    let (engine, wanted) = (engine(), small());
    engine.next("start", &name("agent"), Fault::away());
    engine.next("remove", &name("agent"), Fault::away());
    let error = try_up(&engine, &wanted).await.unwrap_err();
    assert_eq!(error.step, Step::Start);
    assert!(error.undo.is_some());
    assert!(error.to_string().contains("`cellar rm` tries again"));
    remove(&engine, OWNER, &id()).await.unwrap();
    assert_eq!(engine.world().labelled(&of_bottle()), [].into());
}

#[tokio::test(start_paused = true)]
async fn a_seal_that_does_not_hold_ends_the_start() {
    let (engine, wanted) = (engine(), small());
    engine.world().breaks_seals = true;
    let error = try_up(&engine, &wanted).await.unwrap_err();
    assert!(matches!(error.cause, UpCause::Seal { .. }), "{error:?}");
    assert_eq!(engine.world().labelled(&of_bottle()), [].into());
}

#[tokio::test(start_paused = true)]
async fn a_second_bottle_of_an_id_is_refused_and_the_first_is_untouched() {
    let (engine, wanted) = (engine(), small());
    try_up(&engine, &wanted).await.unwrap();
    let error = try_up(&engine, &wanted).await.unwrap_err();
    assert_eq!(error.step, Step::Create);
    assert!(matches!(error.cause, UpCause::Exists { .. }), "{error:?}");
    assert_eq!(engine.world().labelled(&of_bottle()), whole());
    assert_eq!(engine.world().running().len(), 3);
}

/// A policy, or a machine between: the socket is local, the folders are not.
#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_know_the_folder_for_lines_gets_the_bottle_without_it() {
    for is_known in [true, false] {
        let (engine, mut wanted) = (engine(), small());
        let folder = with_line_folder(&mut wanted);
        if !is_known {
            let unknown = folder.display().to_string();
            engine.world().unknown_folders.insert(unknown);
        }
        try_up(&engine, &wanted).await.unwrap();
        let world = engine.world();
        let agent = &world.find(&name("agent")).unwrap().request;
        let mut mounts = agent.mounts.iter();
        assert_eq!(
            mounts.any(|mount| mount.target() == layout::LINES),
            is_known
        );
        assert_eq!(folder.exists(), is_known);
        assert_eq!(world.running().len(), 3);
    }
}
