//! An hour of a busy engine in a moment: bottles come and go, the engine is lost and
//! found, hubs talk, keys are pressed; and what is known does not grow.

use jiff::SignedDuration;

use super::super::fixture::*;
use super::super::*;
use crate::wire::{Activity, DecisionRecord, HubToConsole, Role, RoleReport, VERSION};

const SECONDS: i64 = 3_600;
/// Bottles over the hour, and at any time.
const BOTTLES: i64 = 500;
const AT_ONCE: i64 = 40;
/// Seconds between two looks at how much is known.
const LOOK: i64 = 300;

/// Numbers that are the same in each run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn id(number: i64) -> String {
    format!("soak-b{number:04}")
}

fn sightings(newest: i64) -> Event {
    let bottles = (newest - AT_ONCE..=newest).filter(|number| *number >= 0);
    let bottles = bottles.map(|number| match number % 7 {
        0 => stopped(&id(number), BOTTLES - number),
        _ => running(&id(number), BOTTLES - number),
    });
    Event::Fleet {
        fleet: FleetEvent::Sightings {
            engine: engine(),
            bottles: bottles.collect(),
        },
    }
}

fn said(dice: &mut Dice, seq: u64) -> HubToConsole {
    let report = |role, report| HubToConsole::Report { role, report };
    match dice.below(8) {
        0 => HubToConsole::Hello { version: VERSION },
        1 => HubToConsole::Live,
        2 => HubToConsole::Missed { count: 3 },
        3 | 4 => {
            let activity = [Activity::Working, Activity::Idle, Activity::Waiting];
            let activity = activity[usize::try_from(dice.below(3)).unwrap()];
            let mut session = session(activity, 1);
            session.title = Some(format!("turn {seq}"));
            report(Role::Agent, RoleReport::Session { report: session })
        }
        _ => {
            let decision = asked("POST", "api.example.com", "/v1/messages", None);
            let decision = DecisionRecord { seq, ..decision };
            report(Role::Egress, RoleReport::Decision { decision })
        }
    }
}

/// How much is known: all of the state, and what of it is not written down.
fn size(state: &State) -> usize {
    let known = serde_json::to_vec(state).unwrap().len();
    known + format!("{:?}{:?}{:?}", state.told, state.carried, state.listed).len()
}

#[test]
fn an_hour_of_bottles_that_come_and_go_leaves_nothing_behind() {
    let mut console = Console::with(120, 40, Vec::new());
    let mut dice = Dice(7);
    let (mut events, mut sizes) = (0_u32, Vec::new());
    let keys = [
        "j", "k", "tab", "i", "esc", "space", "?", "w", "4", "1", "*",
    ];
    for second in 0..SECONDS {
        let newest = second * BOTTLES / SECONDS;
        let mut happened = vec![Event::Tick {
            now: now() + SignedDuration::from_secs(second),
        }];
        if second % 4 == 0 {
            happened.push(sightings(newest));
        }
        // An engine that is started again, every ten minutes.
        if second % 600 == 300 {
            let why = String::from("connection refused");
            let engine = engine();
            happened.push(Event::Fleet {
                fleet: FleetEvent::EngineLost { engine, why },
            });
        }
        if second % 600 == 320 {
            let engine = engine();
            happened.push(Event::Fleet {
                fleet: FleetEvent::EngineBack { engine },
            });
        }
        for _ in 0..3 {
            let number = newest - i64::try_from(dice.below(40)).unwrap();
            happened.push(Event::Hub {
                bottle: bottle(&id(number.max(0))),
                message: said(&mut dice, u64::from(events) + 1),
            });
        }
        let at = usize::try_from(dice.below(u64::try_from(keys.len()).unwrap())).unwrap();
        happened.push(Event::Key { key: key(keys[at]) });
        for event in happened {
            console.apply(event);
            console.effects.clear();
            events += 1;
        }
        if second % LOOK == LOOK - 1 {
            sizes.push(size(&console.state));
        }
    }
    assert!(events >= 10_000, "{events}");
    let known = console.state.fleet.bottles().len();
    assert_eq!(i64::try_from(known).unwrap(), AT_ONCE + 1);
    // From a quarter of the hour on nothing comes to it; what is told of differs a little.
    let (early, late) = sizes.split_at(sizes.len() / 4);
    let (early, late) = (early.iter().max().unwrap(), late.iter().max().unwrap());
    assert!(*late <= early + early / 5, "{sizes:?}");
    console.apply(Event::Fleet {
        fleet: FleetEvent::Sightings {
            engine: engine(),
            bottles: Vec::new(),
        },
    });
    let state = &console.state;
    let left = serde_json::to_string(state).unwrap();
    assert!(!left.contains("soak-b"), "{left}");
    // What was told of is looked through when somebody talks: twice the bottles at most.
    let unwritten = format!("{:?}{:?}", state.carried, state.listed);
    assert!(!unwritten.contains("soak-b"), "{unwritten}");
}
