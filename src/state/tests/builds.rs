//! The page of builds: what is made here, what waits, what others make, what ended.

use super::super::fixture::*;
use super::super::*;

fn step(what: &str, done: u32, of: u32) -> OperationNews {
    OperationNews::Step {
        what: what.to_owned(),
        is_output: true,
        is_build: true,
        done,
        of,
        can_cancel: true,
    }
}

fn ended(id: &str, seconds: i64, result: BuildResult) -> BuildEnd {
    BuildEnd {
        bottle: bottle(id),
        began: ago(seconds + 80),
        ended: ago(seconds),
        result,
    }
}

/// One that is at its third step, one that waits, one of another process, two that ended.
fn building() -> Console {
    let mut console = Console::with(
        120,
        40,
        vec![running("a-1", 1), running("a-2", 2), running("a-3", 3)],
    );
    console.apply(Event::Tick { now: now() });
    let waits = step("waits: 2 other images are being built", 0, 0);
    console.apply(operation(OperationKind::Change, "a-1", waits));
    console.tick(5);
    let third = step("RUN make", 3, 5);
    console.apply(operation(OperationKind::Change, "a-2", third));
    let effects = console.press(&["B"]);
    assert!(effects.contains(&Effect::LoadBuilds), "{effects:?}");
    let why = String::from("the command returned 1");
    console.apply(Event::BuildsRead {
        elsewhere: ["a-2", "a-3"]
            .map(|id| BuildElsewhere {
                bottle: bottle(id),
                began: ago(20),
            })
            .to_vec(),
        ended: vec![
            ended("gone-1", 900, BuildResult::Failed { why }),
            ended("a-1", 60, BuildResult::Done),
        ],
    });
    console
}

fn rows(console: &Console) -> Vec<(String, &'static str)> {
    let builds = &console.state.view.builds;
    let rows = builds.rows(console.state.fleet.bottles()).into_iter();
    rows.map(|row| {
        let sort = match row {
            BuildRow::Here(known) if known.waits_to_build() => "waits",
            BuildRow::Here(_) => "here",
            BuildRow::Elsewhere(_) => "elsewhere",
            BuildRow::Ended(_) => "ended",
        };
        (row.bottle().id.to_string(), sort)
    })
    .collect()
}

fn place(console: &Console) -> usize {
    let builds = &console.state.view.builds;
    builds.place(&builds.rows(console.state.fleet.bottles()))
}

#[test]
fn what_goes_on_stands_above_what_ended() {
    let console = building();
    let expected = [
        ("a-2", "here"),
        ("a-1", "waits"),
        ("a-3", "elsewhere"),
        ("a-1", "ended"),
        ("gone-1", "ended"),
    ];
    let expected = expected.map(|(id, sort)| (id.to_owned(), sort));
    assert_eq!(rows(&console), expected);
    let since = console.state.fleet.get(&bottle("a-1")).unwrap();
    let since = since.operation.as_ref().unwrap().build_since;
    assert_eq!(since, Some(now()), "it counts from when it began to wait");
}

#[test]
fn the_selection_stays_on_what_is_read() {
    let mut console = building();
    console.press(&["G", "k"]);
    assert_eq!(place(&console), 3);
    // One more ends, and stands above it.
    let mut builds = console.state.view.builds.ended.clone();
    builds.push(ended("a-3", 2, BuildResult::Cancelled));
    console.apply(Event::BuildsRead {
        elsewhere: Vec::new(),
        ended: builds,
    });
    assert_eq!(rows(&console)[place(&console)].0, "a-1");
    console.press(&["g"]);
    assert_eq!(place(&console), 0);
}

#[test]
fn enter_shows_what_it_says_and_cancel_cancels_it() {
    let mut console = building();
    assert!(console.state.can(Command::CancelOperation));
    console.press(&["c"]);
    let asked = Modal::ConfirmCancel {
        bottle: bottle("a-2"),
    };
    assert_eq!(console.state.view.modal, Some(asked));
    console.press(&["n", "enter"]);
    assert_eq!(console.selected(), Some("a-2"));
    assert_eq!(console.state.context(), Context::Logs);
    // Of one that is gone there is its reason.
    console.press(&["B", "G", "enter"]);
    let Some(Modal::Message { title, text, .. }) = &console.state.view.modal else {
        panic!("nothing was told");
    };
    assert_eq!(title, "gone-1: the build failed");
    assert_eq!(text, "the command returned 1");
    console.press(&["esc", "b"]);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "its bottle is gone");
    console.press(&["k", "b"]);
    assert_eq!(console.selected(), Some("a-1"));
    assert_eq!(console.state.context(), Context::List);
}

/// A build's own words are many; the record is read when one begins or ends, and now and
/// then for those of others.
#[test]
fn the_record_is_read_when_something_in_it_may_be_another() {
    let mut console = building();
    let fourth = step("RUN make install", 4, 5);
    let effects = console.apply(operation(OperationKind::Change, "a-2", fourth));
    assert!(!effects.contains(&Effect::LoadBuilds), "{effects:?}");
    let outcome = Ok(());
    let over = OperationNews::Ended { outcome };
    let effects = console.apply(operation(OperationKind::Change, "a-2", over));
    assert!(effects.contains(&Effect::LoadBuilds), "{effects:?}");
    let mut looks = 0;
    for _ in 0..6 {
        let now = console.state.now + jiff::SignedDuration::from_secs(1);
        let effects = console.apply(Event::Tick { now });
        looks += usize::from(effects.contains(&Effect::LoadBuilds));
    }
    assert_eq!(looks, 2);
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::List);
}
