//! All that waits for the operator, and the answers.

use super::super::fixture::*;
use super::super::*;
use crate::policy::findings::FindingCode;
use crate::request::{Answer, Ask, Outcome, RequestRecord, RequestState, Scope, Terms, Verdict};
use crate::spec::Digest;
use crate::wire::{Activity, HubToConsole, RoleReport};

fn console() -> Console {
    let bottles = vec![running("api-k3x9q", 60), running("docs-p2m4d", 90)];
    let mut console = Console::with(120, 40, bottles);
    for id in ["api-k3x9q", "docs-p2m4d"] {
        console.hub(id, HubToConsole::Live);
    }
    console
}

fn wish(effects: &[Effect]) -> (u64, Vec<String>) {
    let mut looks = effects.iter().filter_map(|effect| {
        let Effect::LookAtRequests {
            ticket, requests, ..
        } = effect
        else {
            return None;
        };
        Some((*ticket, requests.iter().map(RequestRef::name).collect()))
    });
    looks.next_back().expect("a look")
}

/// Presses `i` and lets what is wished for be looked up.
fn opened(console: &mut Console) {
    let effects = console.press(&["i"]);
    console.show(&effects);
}

#[test]
fn what_waits_is_ranked_by_who_is_blocked_and_for_how_long() {
    let mut console = console();
    console.ask("docs-p2m4d", 1, route_ask("old.test"), 900);
    console.ask("api-k3x9q", 1, route_ask("new.test"), 30);
    let waits = session(Activity::Waiting, 20);
    console.report("api-k3x9q", RoleReport::Session { report: waits });
    for (id, until) in [(1, -90), (2, -20)] {
        console.said("docs-p2m4d", Role::Egress, held(id, until));
    }
    console.press(&["i"]);
    let rows = &console.state.view.inbox.rows;
    let told: Vec<String> = rows
        .iter()
        .map(|row| {
            if let InboxName::Hold { hold, .. } = &row.name {
                return format!("hold {hold}");
            }
            row.requests[0].name()
        })
        .collect();
    assert_eq!(told, ["hold 2", "hold 1", "api-k3x9q/1", "docs-p2m4d/1"]);
}

#[test]
fn only_the_selected_one_is_looked_up_and_keys_list_nothing_anew() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("a.test"), 30);
    console.ask("api-k3x9q", 2, route_ask("b.test"), 20);
    let effects = console.press(&["i"]);
    assert_eq!(wish(&effects), (1, vec![String::from("api-k3x9q/1")]));
    let effects = console.press(&["j"]);
    assert_eq!(wish(&effects), (2, vec![String::from("api-k3x9q/2")]));
    assert_eq!(console.press(&["j", "pgdn", "G"]), []);
}

#[test]
fn an_approval_is_two_keys_and_names_what_was_shown() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    opened(&mut console);
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(console.state.context(), Context::Approve);
    let effects = console.press(&["y"]);
    let look = console.state.view.inbox.look().unwrap();
    let shown = ShownRequest {
        request: reference("api-k3x9q", 1),
        content: look.content,
        spec: look.spec,
    };
    let terms = Terms::default();
    let edited = None;
    let answer = Answer::Approve { terms, edited };
    let expected = Effect::AnswerRequests {
        shown: vec![shown],
        answer,
        accepts_findings: false,
    };
    assert_eq!(effects, [expected]);
    // Until it is heard of, no second answer is given.
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(console.state.context(), Context::Inbox);
}

#[test]
fn what_needs_its_own_yes_is_named_and_enter_does_not_accept_it() {
    let mut console = console();
    let image = Ask::Image {
        dockerfile: String::from("FROM debian:12\nUSER root\n"),
    };
    console.ask("api-k3x9q", 1, image, 30);
    opened(&mut console);
    console.press(&["a"]);
    assert_eq!(console.state.context(), Context::ApproveFindings);
    let Some(Modal::Approve { draft, .. }) = &console.state.view.modal else {
        panic!("a question")
    };
    let named: Vec<&str> = draft
        .findings
        .iter()
        .map(|one| one.words.as_str())
        .collect();
    assert!(
        named.iter().any(|words| words.starts_with("line 2: ")),
        "{named:?}"
    );
    assert_eq!(console.press(&["enter"]), []);
    let effects = console.press(&["y"]);
    assert!(
        matches!(
            &effects[..],
            [Effect::AnswerRequests {
                accepts_findings: true,
                ..
            }]
        ),
        "{effects:?}"
    );
}

#[test]
fn what_is_refused_by_a_finding_has_no_yes() {
    let mut console = console();
    let image = Ask::Image {
        dockerfile: String::from("FROM debian:12\nRUN echo \u{202e}x\n"),
    };
    console.ask("api-k3x9q", 1, image, 30);
    opened(&mut console);
    let findings = &console.state.view.inbox.look().unwrap().findings;
    assert_eq!(findings[0].code, FindingCode::HiddenText);
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(console.state.context(), Context::Inbox);
    assert!(console.state.view.notice.as_ref().unwrap().is_error);
}

#[test]
fn a_question_that_is_older_than_the_bottle_is_taken_back() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    opened(&mut console);
    console.press(&["a"]);
    let told = RoleReport::Routes {
        generation: 3,
        routes: crate::policy::RouteSet::NONE,
    };
    let effects = console.apply(Event::Hub {
        bottle: bottle("api-k3x9q"),
        message: HubToConsole::Report {
            role: Role::Egress,
            report: told,
        },
    });
    let mut changed = spec();
    changed.routes = crate::policy::RouteSet::NONE;
    console.show_against(&effects, &changed);
    assert_eq!(console.state.context(), Context::Inbox);
    let notice = &console.state.view.notice.as_ref().unwrap().text;
    assert!(
        notice.starts_with("it changed while it was shown"),
        "{notice}"
    );
}

#[test]
fn terms_are_chosen_before_the_yes() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    opened(&mut console);
    console.press(&["t", "right", "right", "1", "2", "enter"]);
    assert_eq!(console.state.context(), Context::Approve);
    let effects = console.press(&["enter"]);
    let [Effect::AnswerRequests { answer, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let terms = Terms {
        scope: Scope::Bottle,
        until: Some(ago(-3_600)),
        uses: Some(12),
    };
    let edited = None;
    assert_eq!(*answer, Answer::Approve { terms, edited });
}

#[test]
fn bottles_that_ask_the_same_are_one_row_and_one_decision() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    console.ask("docs-p2m4d", 4, route_ask("pypi.org"), 90);
    let effects = console.press(&["i"]);
    let both = ["docs-p2m4d/4", "api-k3x9q/1"].map(String::from).to_vec();
    assert_eq!(wish(&effects).1, both);
    console.show(&effects);
    console.press(&["a"]);
    let effects = console.press(&["y"]);
    let [Effect::AnswerRequests { shown, .. }] = &effects[..] else {
        panic!("{effects:?}")
    };
    let names: Vec<String> = shown.iter().map(|one| one.request.name()).collect();
    assert_eq!(names, both);
    let failed = |id, result: Result<&str, &str>| AnswerResult {
        request: id,
        result: result.map(String::from).map_err(String::from),
    };
    let results = vec![
        failed(reference("docs-p2m4d", 4), Ok("is applied")),
        failed(reference("api-k3x9q", 1), Err("the bottle has changed")),
    ];
    console.apply(Event::RequestsAnswered { results });
    let Some(Modal::Message { text, .. }) = &console.state.view.modal else {
        panic!("a message")
    };
    assert!(
        text.contains("api-k3x9q/1: the bottle has changed"),
        "{text}"
    );
    assert!(!text.contains("docs"), "{text}");
    // Each for itself, one alone can be answered.
    console.press(&["enter", "space"]);
    assert_eq!(console.state.view.inbox.rows.len(), 3);
    let effects = console.press(&["j"]);
    assert_eq!(wish(&effects).1, [String::from("docs-p2m4d/4")]);
    console.press(&["space"]);
    assert_eq!(console.state.view.inbox.rows.len(), 1);
}

#[test]
fn a_no_has_a_reason_and_a_question_an_answer() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    opened(&mut console);
    console.press(&["d", "n", "o", " ", "q"]);
    let effects = console.press(&["enter"]);
    let reason = String::from("no q");
    assert!(
        matches!(&effects[..], [Effect::AnswerRequests { answer: Answer::Deny { reason: said }, .. }] if *said == reason),
        "{effects:?}"
    );
    let question = Ask::Question {
        text: String::from("Which?"),
        choices: vec![String::from("left"), String::from("right")],
    };
    console.ask("docs-p2m4d", 2, question, 10);
    let effects = console.press(&["j"]);
    console.show(&effects);
    // An empty answer is none.
    assert_eq!(console.press(&["r", "enter"]), []);
    assert_eq!(console.state.context(), Context::Line);
    let effects = console.press(&["2", "enter"]);
    assert!(
        matches!(&effects[..], [Effect::AnswerRequests { answer: Answer::Reply { text }, .. }] if text == "right"),
        "{effects:?}"
    );
}

#[test]
fn what_was_applied_can_be_taken_back() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("pypi.org"), 30);
    let ask = route_ask("pypi.org");
    let verdict = Verdict {
        answer: Answer::Approve {
            terms: Terms::default(),
            edited: None,
        },
        content: ask.digest().unwrap(),
        spec: Digest::of(b"x"),
        at: ago(3),
    };
    let outcome = Outcome {
        revision: 2,
        words: String::from("adds pypi.org, no credential"),
        at: ago(2),
    };
    console.told(
        "api-k3x9q",
        1,
        ask,
        30,
        RequestState::Applied { verdict, outcome },
    );
    console.press(&["i"]);
    assert_eq!(console.state.view.inbox.rows, []);
    console.press(&["tab", "u"]);
    assert_eq!(console.state.context(), Context::Confirm);
    let request = reference("api-k3x9q", 1);
    assert_eq!(console.press(&["y"]), [Effect::UndoRequest { request }]);
}

#[test]
fn what_was_edited_is_looked_up_and_approved_as_edited() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("*.b.test"), 30);
    opened(&mut console);
    let effects = console.press(&["e"]);
    let request = reference("api-k3x9q", 1);
    let ask = Box::new(route_ask("*.b.test"));
    let expected = Effect::EditRequest {
        request: request.clone(),
        ask,
    };
    assert_eq!(effects, [expected]);
    let narrower = Box::new(route_ask("a.test"));
    let result = Ok(Some(narrower.clone()));
    let effects = console.apply(Event::RequestEdited { request, result });
    console.show(&effects);
    let effect = &console.state.view.inbox.look().unwrap().effect;
    assert_eq!(effect, "adds a.test, no credential");
    let effects = console.press(&["a", "y"]);
    assert!(
        matches!(&effects[..], [Effect::AnswerRequests { answer: Answer::Approve { edited: Some(edited), .. }, .. }] if *edited == *narrower),
        "{effects:?}"
    );
}

#[test]
fn an_agents_request_is_told_of_once_in_a_while_and_never_in_its_words() {
    let mut console = Console::with(120, 40, vec![running("api-k3x9q", 60)]);
    let told = |effects: Vec<Effect>| effects.contains(&notified());
    let ask = |console: &mut Console, id| {
        let question = Ask::Question {
            text: format!("\u{1b}]0;{id}\u{7}"),
            choices: Vec::new(),
        };
        console.ask("api-k3x9q", id, question, 1)
    };
    // What was there before the console looked is no news.
    assert!(!told(ask(&mut console, 1)));
    console.hub("api-k3x9q", HubToConsole::Live);
    assert!(told(ask(&mut console, 2)));
    console.tick(3);
    assert!(!told(ask(&mut console, 3)), "too early");
    console.tick(30);
    // The same again is none, and neither is what a broken line tells again.
    assert!(!told(ask(&mut console, 3)));
    let version = crate::wire::VERSION;
    console.hub("api-k3x9q", HubToConsole::Hello { version });
    assert!(!told(ask(&mut console, 2)));
    console.press(&["i"]);
    assert!(!told(ask(&mut console, 4)), "it is on the screen");
    console.press(&["esc"]);
    assert!(told(ask(&mut console, 5)));
}

fn notified() -> Effect {
    Effect::Notify {
        bottle: bottle("api-k3x9q"),
        what: String::from("asks: question"),
    }
}

#[test]
fn the_strip_and_the_answer_key_lead_into_the_inbox() {
    let mut console = console();
    console.ask("docs-p2m4d", 1, route_ask("a.test"), 30);
    console.ask("api-k3x9q", 1, route_ask("b.test"), 10);
    console.select("api-k3x9q");
    console.press(&["a"]);
    assert_eq!(console.state.context(), Context::Inbox);
    let row = console.state.view.inbox.row().unwrap();
    assert_eq!(row.requests, [reference("api-k3x9q", 1)]);
    console.press(&["n"]);
    let row = console.state.view.inbox.row().unwrap();
    assert_eq!(row.requests, [reference("docs-p2m4d", 1)]);
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::List);
}

#[test]
fn the_selection_stays_on_what_is_read_whatever_comes() {
    let mut console = console();
    console.ask("docs-p2m4d", 1, route_ask("a.test"), 30);
    console.press(&["i"]);
    console.ask("api-k3x9q", 1, route_ask("b.test"), 300);
    let row = console.state.view.inbox.row().unwrap();
    assert_eq!(row.requests, [reference("docs-p2m4d", 1)]);
    assert_eq!(console.state.view.inbox.at, 1);
    let over = RequestState::Withdrawn { at: now() };
    console.told("docs-p2m4d", 1, route_ask("a.test"), 30, over);
    let row = console.state.view.inbox.row().unwrap();
    assert_eq!(row.requests, [reference("api-k3x9q", 1)]);
}

fn held(id: u64, until: i64) -> RoleReport {
    RoleReport::Held {
        hold: HoldRecord {
            id,
            at: ago(5),
            until: ago(until),
            host: String::from("pkgs.test"),
            port: 443,
            waiting: 1,
            request: None,
        },
    }
}

fn reference(id: &str, number: u64) -> RequestRef {
    RequestRef {
        bottle: bottle(id),
        id: number,
    }
}

#[test]
fn a_look_that_comes_too_late_is_of_no_use() {
    let mut console = console();
    console.ask("api-k3x9q", 1, route_ask("a.test"), 30);
    console.ask("api-k3x9q", 2, route_ask("b.test"), 20);
    let old = console.press(&["i"]);
    console.press(&["j"]);
    console.show(&old);
    assert_eq!(console.state.view.inbox.look(), None);
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(console.state.context(), Context::Inbox);
}

/// Records of all kinds, for the walk over sizes.
#[test]
fn a_record_of_the_fixture_is_one_that_a_book_would_hold() {
    let record: RequestRecord = record(3, route_ask("a.test"), 9, RequestState::Pending);
    assert_eq!(record.digest, record.ask.digest().unwrap());
}
