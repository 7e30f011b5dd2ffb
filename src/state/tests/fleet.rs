//! Bottles that come, change and go.

use super::super::fixture::*;
use super::super::*;
use crate::wire::{Activity, HubToConsole, RoleReport};

fn ids(console: &Console) -> Vec<&str> {
    let bottles = console.state.fleet.bottles().iter();
    bottles.map(|bottle| bottle.bottle.id.as_str()).collect()
}

#[test]
fn bottles_stand_newest_first_and_the_selection_stays_with_its_bottle() {
    let mut console = Console::with(120, 40, vec![running("a-2", 60), running("b-2", 10)]);
    assert_eq!(ids(&console), ["b-2", "a-2"]);
    console.press(&["j"]);
    assert_eq!(console.selected(), Some("a-2"));
    console.see(running("c-2", 1));
    assert_eq!(ids(&console), ["c-2", "b-2", "a-2"]);
    assert_eq!(console.selected(), Some("a-2"));
}

#[test]
fn the_selection_of_a_bottle_that_goes_takes_its_place() {
    let mut console = Console::with(
        120,
        40,
        vec![running("a-2", 1), running("b-2", 2), running("c-2", 3)],
    );
    console.press(&["j"]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::Gone {
            bottle: bottle("b-2"),
        },
    });
    assert_eq!(console.selected(), Some("c-2"));
    console.apply(Event::Fleet {
        fleet: FleetEvent::Sightings {
            engine: engine(),
            bottles: Vec::new(),
        },
    });
    assert_eq!(console.selected(), None);
}

#[test]
fn a_list_of_one_engine_says_nothing_of_another() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::Sightings {
            engine: EngineId(String::from("far")),
            bottles: Vec::new(),
        },
    });
    assert_eq!(ids(&console), ["a-2"]);
}

#[test]
fn each_hub_is_watched_once_while_it_runs() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let hubs = |console: &Console| {
        let effects = console.effects.iter();
        effects
            .filter(|effect| matches!(effect, Effect::WatchHub { .. } | Effect::UnwatchHub { .. }))
            .cloned()
            .collect::<Vec<_>>()
    };
    let watch = Effect::WatchHub {
        bottle: bottle("a-2"),
    };
    assert_eq!(hubs(&console), vec![watch.clone()]);
    console.see(running("a-2", 1));
    console.tick(1);
    assert_eq!(hubs(&console), vec![watch.clone()]);
    console.see(stopped("a-2", 1));
    let unwatch = Effect::UnwatchHub {
        bottle: bottle("a-2"),
    };
    assert_eq!(hubs(&console), [watch.clone(), unwatch.clone()]);
    console.see(running("a-2", 1));
    assert_eq!(hubs(&console), [watch.clone(), unwatch, watch]);
}

#[test]
fn a_running_bottles_phase_is_what_its_session_says() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    for (activity, word) in [
        (Activity::Starting, "starting"),
        (Activity::Working, "working"),
        (Activity::Waiting, "waiting"),
        (Activity::Idle, "idle"),
        (Activity::Unknown, "running"),
    ] {
        let report = session(activity, 1);
        console.report("a-2", RoleReport::Session { report });
        assert_eq!(console.phase("a-2").word(), word);
    }
}

#[test]
fn containers_decide_before_words() {
    for (state, word) in [
        (ContainerState::Created, "starting"),
        (ContainerState::Running, "running"),
        (ContainerState::Paused, "frozen"),
        (ContainerState::Restarting, "starting"),
        (ContainerState::Exited { code: Some(0) }, "stopped"),
        (ContainerState::Exited { code: Some(143) }, "stopped"),
        (ContainerState::Exited { code: None }, "stopped"),
        (ContainerState::Exited { code: Some(1) }, "failed"),
        (ContainerState::Exited { code: Some(137) }, "failed"),
        (ContainerState::Dead, "failed"),
        (
            ContainerState::Unknown {
                word: String::from("molten"),
            },
            "degraded",
        ),
    ] {
        let console = Console::with(120, 40, vec![sighting("a-2", 1, state.clone())]);
        assert_eq!(console.phase("a-2").word(), word, "{state:?}");
    }
}

#[test]
fn a_broken_seal_is_worse_than_everything() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.said(
        "a-2",
        Role::Egress,
        RoleReport::State {
            state: RoleState::Degraded {
                why: String::from("full"),
            },
        },
    );
    assert_eq!(console.phase("a-2").words(), "egress: full");
    console.report("a-2", seal(false));
    assert_eq!(
        console.phase("a-2").words(),
        "the seal does not hold: interfaces"
    );
    console.report("a-2", seal(true));
    assert_eq!(console.phase("a-2").words(), "egress: full");
}

#[test]
fn a_sidecar_that_dies_degrades_its_bottle() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let mut seen = running("a-2", 1);
    seen.containers[1].state = ContainerState::Exited { code: Some(1) };
    console.see(seen.clone());
    assert_eq!(console.phase("a-2").words(), "egress does not run");
    seen.containers.remove(0);
    console.see(seen);
    assert_eq!(console.phase("a-2").words(), "its agent container is gone");
}

#[test]
fn a_silent_hub_is_said_until_it_speaks() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.hub("a-2", HubToConsole::Live);
    console.apply(Event::HubDown {
        bottle: bottle("a-2"),
        why: String::from("timed out"),
    });
    assert_eq!(
        console.phase("a-2").words(),
        "its hub does not answer: timed out"
    );
    console.apply(Event::HubUp {
        bottle: bottle("a-2"),
    });
    assert_eq!(console.phase("a-2").word(), "running");
}

#[test]
fn a_hub_of_another_version_is_named() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.hub("a-2", HubToConsole::Hello { version: 99 });
    assert!(console.phase("a-2").words().contains("version 99"));
}

#[test]
fn an_end_that_nobody_saw_needs_the_operator_until_looked_at() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1), running("b-2", 2)]);
    console.see(stopped("b-2", 2));
    let needs = console.state.needs();
    assert_eq!(
        (needs.len(), needs[0].words.as_str()),
        (1, "its session ended")
    );
    console.press(&["w"]);
    assert_eq!(console.selected(), Some("b-2"));
    assert_eq!(console.state.needs(), []);
}

#[test]
fn a_found_stopped_bottle_claims_no_age() {
    let mut console = Console::with(120, 40, vec![stopped("a-2", 1)]);
    assert_eq!(console.state.fleet.bottles()[0].since(), None);
    console.see(running("a-2", 1));
    assert_eq!(console.state.fleet.bottles()[0].since(), Some(now()));
}

#[test]
fn needs_come_by_urgency() {
    let console = Console::demo(120, 40);
    let needs = console.state.needs();
    let ids: Vec<_> = needs.iter().map(|need| need.bottle.id.as_str()).collect();
    assert_eq!(ids, ["api-k3x9q", "bench-4fj8w", "infra-w5d3t"]);
}

#[test]
fn a_lost_engine_keeps_what_was_known_and_is_listed_when_back() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.apply(Event::Fleet {
        fleet: FleetEvent::EngineLost {
            engine: engine(),
            why: String::from("refused"),
        },
    });
    assert_eq!(ids(&console), ["a-2"]);
    assert!(console.state.fleet.is_lost(&engine()));
    assert_eq!(console.press(&["enter"]), [], "nothing can be attached");
    let effects = console.apply(Event::Fleet {
        fleet: FleetEvent::EngineBack { engine: engine() },
    });
    assert!(effects.contains(&Effect::RefreshFleet));
    assert!(effects.contains(&Effect::Preview {
        bottle: bottle("a-2")
    }));
}

#[test]
fn decisions_told_twice_are_kept_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.decide("a-2", 5);
    console.hub("a-2", HubToConsole::Hello { version: 1 });
    console.decide("a-2", 7);
    let known = &console.state.fleet.bottles()[0];
    let seqs: Vec<u64> = known
        .decisions
        .iter()
        .map(|decision| decision.seq)
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7]);
}
