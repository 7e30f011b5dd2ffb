//! When something visible changed, and when not: the price of an idle console.

use super::super::fixture::*;
use super::super::*;
use crate::wire::{Activity, HubToConsole, RoleReport};

fn changes(console: &mut Console, act: impl FnOnce(&mut Console)) -> u64 {
    let before = console.state.revision();
    act(console);
    console.state.revision() - before
}

fn many() -> Console {
    let bottles = (0..120).map(|at| running(&format!("idle-{at}"), 86_400 * 3 + at));
    let mut console = Console::with(120, 40, bottles.collect());
    for at in 0..120 {
        let mut report = session(Activity::Idle, 7_200);
        report.last_output = Some(ago(7_100));
        console.report(&format!("idle-{at}"), RoleReport::Session { report });
    }
    console.tick(0);
    console
}

#[test]
fn idle_bottles_cost_one_frame_a_minute() {
    let mut console = many();
    let drawn = changes(&mut console, |console| {
        (0..180).for_each(|_| console.tick(1));
    });
    assert!(drawn <= 4, "{drawn} frames in three idle minutes");
    assert!(drawn >= 3, "the clock is shown in minutes");
}

#[test]
fn heartbeats_and_output_elsewhere_draw_nothing() {
    let mut console = many();
    let drawn = changes(&mut console, |console| {
        for at in 1..120 {
            let id = format!("idle-{at}");
            console.hub(&id, HubToConsole::Pong);
            console.hub(&id, HubToConsole::Live);
            let line = LogLine {
                at: now(),
                text: String::from("x"),
            };
            console.said(&id, Role::Egress, RoleReport::Log { line });
            console.apply(Event::ScreenChanged {
                bottle: bottle(&id),
                scrollback: 1,
            });
        }
    });
    // A hub's first word changes the line from unknown to up.
    let again = changes(&mut console, |console| {
        (1..120).for_each(|at| console.hub(&format!("idle-{at}"), HubToConsole::Live));
    });
    assert!(drawn <= 119, "{drawn}");
    assert_eq!(again, 0);
}

#[test]
fn what_is_shown_draws() {
    let mut console = Console::demo(120, 40);
    let shown = bottle("api-k3x9q");
    let screen = Event::ScreenChanged {
        bottle: shown,
        scrollback: 0,
    };
    assert_eq!(
        changes(&mut console, |console| drop(console.apply(screen))),
        1
    );
    assert!(changes(&mut console, |console| drop(console.press(&["j"]))) > 0);
    let resize = Event::Resize {
        size: TerminalSize {
            columns: 90,
            rows: 30,
        },
    };
    assert_eq!(
        changes(&mut console, |console| drop(console.apply(resize))),
        1
    );
}

#[test]
fn the_same_sighting_twice_draws_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    assert_eq!(
        changes(&mut console, |console| drop(console.see(running("a-2", 1)))),
        0
    );
    assert!(changes(&mut console, |console| drop(console.see(stopped("a-2", 1)))) > 0);
}

#[test]
fn times_within_one_shown_age_draw_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let mut report = session(Activity::Working, 3_700);
    report.last_output = Some(ago(8));
    console.report(
        "a-2",
        RoleReport::Session {
            report: report.clone(),
        },
    );
    report.last_output = Some(ago(1));
    let drawn = changes(&mut console, |console| {
        console.report("a-2", RoleReport::Session { report });
    });
    assert_eq!(drawn, 0, "both are shown as now");
}
