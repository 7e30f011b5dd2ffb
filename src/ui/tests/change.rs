//! What was approved, while it is done, at every size: in the list, on the bottle's page,
//! among its logs and in the inbox; and a yes that shows what it writes.

use super::*;
use crate::state::fixture::{Digest, RequestVerdict, Terms, ago, record, route_ask, spec};
use crate::state::{Answer, Ask, Effect, LineDiff, ManifestLook, RequestState};

const ID: &str = "api-k3x9q";

/// A console whose selected bottle gets another image.
fn changing(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    let ask = Ask::Image {
        dockerfile: String::from("FROM debian:12\nRUN make\nUSER agent\n"),
    };
    let verdict = RequestVerdict {
        answer: Answer::Approve {
            terms: Terms::default(),
            edited: None,
        },
        content: Digest::of(b"content"),
        spec: Digest::of(b"spec"),
        at: ago(75),
    };
    let state = RequestState::Applying { verdict };
    console.tells(ID, record(4, ask, 300, state));
    console.apply(operation(OperationKind::Change, ID, OperationNews::Began));
    for what in [
        "RUN make",
        "cc -O2 -c main.c",
        "evil \u{1b}[31m\u{202e}line\u{7}",
        "cc -O2 -o tool main.o util.o a-very-long-name-of-an-object-file-that-goes-on-and-on.o",
    ] {
        let news = OperationNews::Step {
            what: what.to_owned(),
            is_output: true,
            is_build: true,
            done: 3,
            of: 5,
            can_cancel: true,
        };
        console.apply(operation(OperationKind::Change, ID, news));
    }
    console
}

#[test]
fn a_change_is_seen_beside_the_session_that_goes_on() {
    at_every_size("changing", |columns, rows| {
        with_screen(&changing(columns, rows), ID)
    });
    at_every_size("changing_logs", |columns, rows| {
        let mut console = changing(columns, rows);
        console.press(&["l"]);
        console.log(Role::Agent, &["one line", "another"]);
        fit_log(&mut console);
        plain(&console)
    });
    insta::assert_snapshot!("changing_failed", {
        let mut console = changing(120, 40);
        console.press(&["l"]);
        let outcome = Err(String::from(
            "get the agent's image: build the image: step 3/5",
        ));
        let news = OperationNews::Ended { outcome };
        console.apply(operation(OperationKind::Change, ID, news));
        plain(&console)
    });
}

#[test]
fn a_change_is_seen_in_the_inbox_and_cancelled_there() {
    at_every_size("changing_inbox", |columns, rows| {
        let mut console = changing(columns, rows);
        let effects = console.press(&["i"]);
        console.show(&effects);
        let effects = console.press(&["tab"]);
        console.show(&effects);
        plain(&console)
    });
    at_every_size("confirm_cancel", |columns, rows| {
        let mut console = changing(columns, rows);
        console.press(&["c"]);
        plain(&console)
    });
}

#[test]
fn a_start_shows_the_last_of_what_it_builds() {
    insta::assert_snapshot!("starting", {
        let mut console = Console::demo(80, 24);
        console.select("perf-9xk2a");
        for what in ["   Compiling grep v0.3", "   Compiling ripgrep v14"] {
            let news = OperationNews::Step {
                what: what.to_owned(),
                is_output: true,
                is_build: true,
                done: 3,
                of: 8,
                can_cancel: true,
            };
            console.apply(operation(OperationKind::Start, "perf-9xk2a", news));
        }
        plain(&console)
    });
}

#[test]
fn a_yes_into_the_manifest_shows_what_it_writes() {
    at_every_size("approve_manifest", |columns, rows| {
        let mut console = Console::demo(columns, rows);
        console.ask(ID, 1, route_ask("pypi.org"), 30);
        let effects = console.press(&["i"]);
        console.show_against(&effects, &spec());
        let effects = console.press(&["t", "G", "right", "enter"]);
        let [Effect::PlanManifest { draft }] = &effects[..] else {
            panic!("{effects:?}")
        };
        let before = "{\n  \"bottles\": {\n    \"rust\": {\n      \"routes\": [\n        // ours\n      ],\n";
        let after = before.replace(
            "// ours\n",
            "// ours\n        { \"host\": \"pypi.org\" },\n",
        );
        let diff = LineDiff::of(before, &after);
        let look = ManifestLook {
            digest: Digest::of(after.as_bytes()),
            change: Some((String::from("~/.config/cellar/cellar.json"), diff)),
        };
        console.apply(Event::ManifestPlanned {
            draft: draft.clone(),
            result: Ok(Box::new(look)),
        });
        plain(&console)
    });
}
