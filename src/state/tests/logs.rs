//! Logs and decisions: followed, paused, bounded.

use super::super::fixture::*;
use super::super::*;
use crate::wire::{HubToConsole, RoleReport};

fn reading() -> Console {
    let mut console = Console::with(120, 40, vec![running("a-2", 1), running("b-2", 2)]);
    console.effects.clear();
    console.press(&["l"]);
    console
}

fn line(text: &str) -> RoleReport {
    RoleReport::Log {
        line: LogLine {
            at: now(),
            text: text.to_owned(),
        },
    }
}

fn texts(console: &Console) -> Vec<&str> {
    let known = console.state.fleet.get(&bottle("a-2")).unwrap();
    known
        .logs
        .iter()
        .map(|entry| entry.line.text.as_str())
        .collect()
}

#[test]
fn every_role_is_followed_while_the_page_is_read() {
    let mut console = reading();
    let a = bottle("a-2");
    let follow = Role::ALL.map(|role| Effect::FollowLogs {
        bottle: a.clone(),
        role,
    });
    let mut wanted = vec![Effect::ClosePreview { bottle: a.clone() }];
    wanted.splice(0..0, follow);
    assert_eq!(console.effects, wanted);
    let effects = console.press(&["1"]);
    let mut wanted = Role::ALL
        .map(|role| Effect::StopLogs {
            bottle: a.clone(),
            role,
        })
        .to_vec();
    wanted.push(Effect::Preview { bottle: a });
    assert_eq!(effects, wanted);
}

#[test]
fn a_sidecars_row_follows_its_log_alone() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.effects.clear();
    console.press(&["space", "j", "enter"]);
    let follow = Effect::FollowLogs {
        bottle: bottle("a-2"),
        role: Role::Egress,
    };
    assert!(console.effects.contains(&follow), "{:?}", console.effects);
    let followed = |effect: &&Effect| matches!(effect, Effect::FollowLogs { .. });
    assert_eq!(console.effects.iter().filter(followed).count(), 1);
}

#[test]
fn a_line_told_by_hub_and_engine_is_kept_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.said("a-2", Role::Egress, line("listening"));
    assert_eq!(texts(&console), ["listening"]);
    console.press(&["l"]);
    assert_eq!(
        texts(&console),
        [""; 0],
        "the tail that comes tells it again"
    );
    console.log("a-2", Role::Egress, &["listening"]);
    console.said("a-2", Role::Egress, line("refused"));
    console.log("a-2", Role::Egress, &["refused"]);
    assert_eq!(texts(&console), ["listening", "refused"]);
}

#[test]
fn a_hub_that_tells_everything_again_doubles_nothing() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    for _ in 0..3 {
        console.hub("a-2", HubToConsole::Hello { version: 1 });
        console.said("a-2", Role::Egress, line("listening"));
    }
    assert_eq!(texts(&console), ["listening"]);
}

#[test]
fn scrolling_up_pauses_and_the_end_follows() {
    let mut console = reading();
    let lines: Vec<String> = (0..100).map(|at| at.to_string()).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    console.log("a-2", Role::Agent, &lines);
    assert_eq!(console.state.view.logs, Tail::Follow);
    console.press(&["k"]);
    assert_eq!(console.state.view.logs, Tail::Paused { last: 98 });
    console.log("a-2", Role::Agent, &["more"]);
    assert_eq!(
        console.state.view.logs,
        Tail::Paused { last: 98 },
        "it stays where it is"
    );
    console.press(&["pgup"]);
    assert_eq!(console.state.view.logs, Tail::Paused { last: 78 });
    console.press(&["g"]);
    assert_eq!(
        console.state.view.logs,
        Tail::Paused { last: 19 },
        "the first page is full"
    );
    console.press(&["G"]);
    assert_eq!(console.state.view.logs, Tail::Follow);
    console.press(&["k", "down"]);
    assert_eq!(
        console.state.view.logs,
        Tail::Follow,
        "down to the end follows too"
    );
}

#[test]
fn logs_are_bounded() {
    let mut console = reading();
    for _ in 0..50 {
        console.log("a-2", Role::Agent, &["x"; 100]);
    }
    assert_eq!(texts(&console).len(), 2_000);
}

#[test]
fn a_log_that_ended_is_followed_again_when_its_container_starts() {
    let mut console = reading();
    console.see(stopped("a-2", 1));
    for role in Role::ALL {
        console.apply(Event::LogEnded {
            bottle: bottle("a-2"),
            role,
            why: None,
        });
    }
    console.effects.clear();
    console.tick(1);
    assert_eq!(
        console.effects,
        [],
        "an ended log is not asked for in a circle"
    );
    console.see(running("a-2", 1));
    let follows = console
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::FollowLogs { .. }));
    assert_eq!(follows.count(), 3);
}

#[test]
fn lines_on_their_way_after_a_stop_are_dropped() {
    let mut console = reading();
    console.press(&["1"]);
    console.log("a-2", Role::Agent, &["late"]);
    assert_eq!(texts(&console), [""; 0]);
}

#[test]
fn a_spec_is_read_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let effects = console.press(&["4", "3", "4"]);
    let loads = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::LoadSpec { .. }));
    assert_eq!(loads.count(), 1);
    console.load_spec("a-2");
    assert!(matches!(
        console.state.fleet.bottles()[0].spec,
        SpecView::Known { .. }
    ));
    let mut changed = running("a-2", 1);
    changed.spec = Digest::of(b"another");
    assert_eq!(
        console.see(changed),
        [Effect::LoadSpec {
            bottle: bottle("a-2")
        }]
    );
}
