//! Which bottles are sampled and when, and what is drawn of it.

use super::super::fixture::*;
use super::super::*;

fn asked(console: &mut Console, seconds: i64) -> Vec<BottleRef> {
    console.effects.clear();
    console.tick(seconds);
    let mut asked = Vec::new();
    for effect in &console.effects {
        if let Effect::Sample { bottles } = effect {
            asked.extend(bottles.iter().cloned());
        }
    }
    asked
}

fn sampled(id: &str, cpu: Option<u32>, memory: u64) -> Event {
    Event::Sampled {
        samples: vec![sample(id, cpu, memory)],
    }
}

fn drawn(console: &mut Console, event: Event) -> u64 {
    let before = console.state.revision();
    console.apply(event);
    console.state.revision() - before
}

#[test]
fn rows_in_sight_are_read_every_other_tick() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1), running("b-2", 2)]);
    assert_eq!(asked(&mut console, 1).len(), 2);
    let both = |console: &mut Console| {
        for id in ["a-2", "b-2"] {
            console.apply(sampled(id, Some(5), 9));
        }
    };
    both(&mut console);
    assert_eq!(asked(&mut console, 1), [], "they were read a second ago");
    assert_eq!(asked(&mut console, 1).len(), 2);
}

#[test]
fn what_is_stopped_or_frozen_is_not_read() {
    let mut console = Console::with(
        120,
        40,
        vec![
            stopped("a-2", 1),
            BottleSighting {
                containers: sighting("b-2", 2, ContainerState::Paused).containers[..1].to_vec(),
                ..sighting("b-2", 2, ContainerState::Paused)
            },
            running("c-2", 3),
        ],
    );
    assert_eq!(asked(&mut console, 1), [bottle("c-2")]);
    // What was read while it ran is not said of it afterwards.
    console.apply(sampled("c-2", Some(5), 9));
    assert!(
        console
            .state
            .fleet
            .get(&bottle("c-2"))
            .unwrap()
            .usage_now()
            .is_some()
    );
    console.see(stopped("c-2", 3));
    assert_eq!(
        console.state.fleet.get(&bottle("c-2")).unwrap().usage_now(),
        None
    );
    assert_eq!(asked(&mut console, 2), []);
}

#[test]
fn a_lost_engine_is_not_asked() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let fleet = FleetEvent::EngineLost {
        engine: engine(),
        why: String::from("gone"),
    };
    console.apply(Event::Fleet { fleet });
    assert_eq!(asked(&mut console, 1), []);
}

#[test]
fn those_out_of_sight_come_round_slowly_and_all_of_them() {
    let bottles = (0..300).map(|at| running(&format!("idle-{at}"), at));
    let mut console = Console::with(120, 40, bottles.collect());
    let mut seen = std::collections::BTreeSet::new();
    let mut most = 0;
    for _ in 0..100 {
        let asked = asked(&mut console, 1);
        most = most.max(asked.len());
        let samples = asked
            .iter()
            .map(|bottle| sample(bottle.id.as_str(), Some(1), 1))
            .collect();
        console.apply(Event::Sampled { samples });
        seen.extend(asked);
    }
    assert_eq!(seen.len(), 300);
    assert!(most <= 40 + 4, "{most} at once");
}

#[test]
fn nothing_is_drawn_unless_a_word_on_the_screen_changed() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1), running("b-2", 2)]);
    assert!(drawn(&mut console, sampled("a-2", Some(500), 50 << 20)) > 0);
    assert_eq!(drawn(&mut console, sampled("a-2", Some(502), 50 << 20)), 0);
    assert!(drawn(&mut console, sampled("a-2", Some(510), 50 << 20)) > 0);
    // The page of a bottle is a chart, which moves.
    console.press(&["6"]);
    assert!(drawn(&mut console, sampled("a-2", Some(510), 50 << 20)) > 0);
    assert_eq!(asked(&mut console, 1), [bottle("a-2"), bottle("b-2")]);
}

#[test]
fn the_history_is_bounded_and_begins_with_a_rate() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.apply(sampled("a-2", None, 9));
    let history = |console: &Console| {
        let known = console.state.fleet.get(&bottle("a-2")).unwrap();
        known.stats.history.len()
    };
    assert_eq!(history(&console), 0, "one sample gives no rate");
    for _ in 0..100 {
        console.apply(sampled("a-2", Some(1), 9));
    }
    assert_eq!(history(&console), 60);
    console.apply(sampled("gone-2", Some(1), 9));
    assert!(console.state.fleet.get(&bottle("gone-2")).is_none());
}
