//! One yes to several requests: only to what was shown, as it was shown.

use super::super::fixture::*;
use super::super::*;
use crate::wire::RoleReport;

fn two() -> Console {
    Console::with(120, 40, vec![running("a-1", 1), running("a-2", 2)])
}

/// Two bottles that ask for three routes, a Dockerfile and an answer; all are marked.
fn asking() -> Console {
    let mut console = two();
    console.ask("a-1", 1, route_ask("crates.io"), 50);
    console.ask("a-1", 2, route_ask("docs.rs"), 40);
    console.ask("a-2", 1, route_ask("pypi.org"), 30);
    let image = Ask::Image {
        dockerfile: String::from("FROM debian:12\nUSER agent\n"),
    };
    console.ask("a-2", 2, image, 20);
    let question = Ask::Question {
        text: String::from("Which?"),
        choices: Vec::new(),
    };
    console.ask("a-2", 3, question, 10);
    console.press(&["*"]);
    console
}

fn asked(console: &Console) -> &Approvals {
    match &console.state.view.modal {
        Some(Modal::ApproveAll { approvals, .. }) => approvals,
        other => panic!("it asked {other:?}"),
    }
}

fn names(console: &Console) -> Vec<String> {
    let entries = asked(console).entries.iter();
    entries.map(|entry| entry.shown.request.name()).collect()
}

fn notice(console: &Console) -> String {
    let notice = console.state.view.notice.clone();
    notice.map(|notice| notice.text).unwrap_or_default()
}

fn approved(effects: &[Effect]) -> Vec<ShownRequest> {
    let shown = effects.iter().find_map(|effect| {
        let Effect::ApproveAll { shown } = effect else {
            return None;
        };
        Some(shown.clone())
    });
    shown.unwrap_or_default()
}

fn answered(console: &mut Console, id: &str, number: u64, result: Result<&str, &str>) {
    let result = AnswerResult {
        request: RequestRef {
            bottle: bottle(id),
            id: number,
        },
        result: result.map(str::to_owned).map_err(str::to_owned),
    };
    let results = vec![result];
    console.apply(Event::RequestsAnswered { results });
}

#[test]
fn what_marked_bottles_ask_for_is_listed_and_one_key_says_yes() {
    let mut console = asking();
    let effects = console.press(&["a"]);
    assert!(asked(&console).is_looking);
    console.press(&["y"]);
    assert!(
        notice(&console).contains("being looked up"),
        "not yet shown"
    );
    console.show_many(&effects, &spec());
    assert_eq!(names(&console), ["a-1/1", "a-1/2", "a-2/1"]);
    let all: Vec<String> = asked(&console)
        .lines()
        .into_iter()
        .map(|one| one.1)
        .collect();
    let all = all.join("\n");
    assert!(
        all.contains("a-1/1  adds crates.io, no credential"),
        "{all}"
    );
    assert!(all.contains("a-2/2  image: "), "{all}");
    assert!(
        all.contains("needs a yes of its own: the engine itself fetches"),
        "{all}"
    );
    assert!(all.contains("a question"), "{all}");
    // No other key says yes.
    assert_eq!(approved(&console.press(&["enter", "t", "a"])), []);
    let effects = console.press(&["y"]);
    let shown = approved(&effects);
    assert_eq!(shown.len(), 3);
    for one in &shown {
        let record = console.state.request(&one.request).unwrap();
        assert_eq!(one.content, record.digest);
        assert_eq!(one.spec, spec().digest().unwrap());
        assert!(console.state.view.inbox.busy.contains(&one.request));
    }
    assert_eq!(console.state.view.modal, None);
}

#[test]
fn what_needs_a_yes_of_its_own_is_left_out() {
    let mut console = two();
    console.ask("a-1", 1, pass_ask(), 50);
    console.ask("a-1", 2, route_ask("docs.rs"), 40);
    console.press(&["*"]);
    let effects = console.press(&["a"]);
    console.show_many(&effects, &pass_spec());
    assert_eq!(names(&console), ["a-1/2"]);
    let apart = &asked(&console).apart;
    assert_eq!(apart.len(), 1);
    assert!(
        apart[0].why.starts_with("it needs a yes of its own: "),
        "{apart:?}"
    );
    // With nothing else there is no yes at all.
    let mut console = two();
    console.ask("a-1", 1, pass_ask(), 50);
    console.press(&["*"]);
    let effects = console.press(&["a"]);
    console.show_many(&effects, &pass_spec());
    assert_eq!(approved(&console.press(&["y"])), []);
    assert!(matches!(
        console.state.view.modal,
        Some(Modal::ApproveAll { .. })
    ));
}

#[test]
fn what_changes_while_it_is_asked_is_looked_up_again_and_marked() {
    let mut console = asking();
    let effects = console.press(&["a"]);
    console.show_many(&effects, &spec());
    let routes = RoleReport::Routes {
        generation: 9,
        routes: crate::policy::RouteSet::default(),
    };
    let effects = console.apply(Event::Hub {
        bottle: bottle("a-1"),
        message: crate::wire::HubToConsole::Report {
            role: Role::Egress,
            report: routes,
        },
    });
    assert!(asked(&console).is_looking);
    assert_eq!(
        approved(&console.press(&["y"])),
        [],
        "it is not what was shown"
    );
    console.show_many(&effects, &pass_spec());
    let entries = &asked(&console).entries;
    assert!(
        entries.iter().all(|entry| entry.has_changed),
        "the spec is another"
    );
    let shown = approved(&console.press(&["y"]));
    let now = pass_spec().digest().unwrap();
    assert!(shown.len() == 3 && shown.iter().all(|one| one.spec == now));
}

#[test]
fn what_somebody_else_answers_meanwhile_goes() {
    let mut console = asking();
    let effects = console.press(&["a"]);
    console.show_many(&effects, &spec());
    let at = ago(1);
    let over = RequestState::Withdrawn { at };
    let effects = console.told("a-1", 1, route_ask("crates.io"), 50, over);
    console.show_many(&effects, &spec());
    assert_eq!(names(&console), ["a-1/2", "a-2/1"]);
    let mut apart = asked(&console).apart.iter();
    assert!(apart.any(|one| one.why == "it is withdrawn meanwhile"));
    // What is new was not shown, and is not meant.
    console.ask("a-1", 7, route_ask("new.test"), 1);
    assert_eq!(approved(&console.press(&["y"])).len(), 2);
}

#[test]
fn each_is_counted_and_what_failed_is_named() {
    let mut console = asking();
    let effects = console.press(&["a"]);
    console.show_many(&effects, &spec());
    console.press(&["y"]);
    assert_eq!(notice(&console), "approving 3 requests");
    answered(&mut console, "a-2", 1, Ok("is applied"));
    assert_eq!(notice(&console), "approved: 1 of 3");
    answered(&mut console, "a-1", 1, Err("the bottle has changed"));
    assert!(notice(&console).starts_with("approved: 1 of 3, 1 not: a-1/1"));
    answered(&mut console, "a-1", 2, Ok("is applied"));
    let Some(Modal::Message { title, text, .. }) = console.state.view.modal.clone() else {
        panic!("nothing was told");
    };
    assert_eq!(title, "2 approved, 1 not");
    assert_eq!(text, "a-1/1: the bottle has changed");
    assert!(console.state.view.inbox.busy.is_empty());
    // What comes later speaks for itself again.
    console.press(&["esc"]);
    answered(&mut console, "a-2", 9, Ok("is denied"));
    assert_eq!(notice(&console), "a-2/9 is denied");
}

/// A yes to what was never in sight would be one to anything.
#[test]
fn what_is_below_the_edge_is_read_first() {
    let mut console = Console::with(40, 12, vec![running("a-1", 1)]);
    for number in 1..=9 {
        let host = format!("h{number}.example.com");
        console.ask("a-1", number, route_ask(&host), 50);
    }
    console.press(&["*"]);
    let effects = console.press(&["a"]);
    console.show_many(&effects, &spec());
    let mut presses = 1;
    while approved(&console.press(&["y"])).is_empty() {
        assert!(
            notice(&console).contains("there is more below"),
            "{}",
            notice(&console)
        );
        presses += 1;
        assert!(presses < 20);
    }
    assert!(presses > 2, "{presses}");
}

#[test]
fn without_a_request_the_marks_change_nothing() {
    let mut console = two();
    console.press(&["*", "a"]);
    assert_eq!(notice(&console), "nothing waits to leave a bottle");
    console.ask("a-1", 1, route_ask("crates.io"), 50);
    // What is not marked is opened in the inbox, as ever.
    console.press(&["*", "a"]);
    assert_eq!(console.state.view.focus, Focus::Inbox);
}

#[test]
fn rows_of_the_inbox_are_marked_and_approved() {
    let mut console = asking();
    console.press(&["esc", "i", "m", "m"]);
    assert_eq!(console.state.view.inbox.marked.len(), 2);
    assert_eq!(console.state.view.inbox.at, 2, "it goes on to the next");
    let effects = console.press(&["a"]);
    console.show_many(&effects, &spec());
    assert_eq!(names(&console).len(), 2);
    console.press(&["n", "esc"]);
    assert!(console.state.view.inbox.marked.is_empty());
    assert_eq!(
        console.state.view.focus,
        Focus::Inbox,
        "the marks went first"
    );
    console.press(&["*"]);
    assert_eq!(console.state.view.inbox.marked.len(), 5);
    // A mark goes with its request.
    let over = RequestState::Withdrawn { at: ago(1) };
    console.told("a-1", 1, route_ask("crates.io"), 50, over);
    assert_eq!(console.state.view.inbox.marked.len(), 4);
    console.press(&["*"]);
    assert_eq!(console.state.view.inbox.marked.len(), 0);
}

#[test]
fn the_command_line_names_bottles() {
    let mut console = asking();
    console.press(&["esc", ":"]);
    console.apply(Event::Paste {
        text: String::from("approve a-1"),
    });
    let effects = console.press(&["enter"]);
    console.show_many(&effects, &spec());
    assert_eq!(names(&console), ["a-1/1", "a-1/2"]);
}
