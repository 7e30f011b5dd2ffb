//! What was approved, while it is done: its progress, its cancelling, and going on with
//! what was left half done; and a yes that goes into the manifest.

use super::super::fixture::*;
use super::super::*;
use crate::policy::LineDiff;
use crate::request::{Answer, Ask, RequestState, Terms, Verdict};
use crate::spec::Digest;
use crate::wire::{Activity, HubToConsole, RoleReport};

const ID: &str = "api-k3x9q";

fn console() -> Console {
    let bottles = vec![running(ID, 60), running("docs-p2m4d", 90)];
    let mut console = Console::with(120, 40, bottles);
    for id in [ID, "docs-p2m4d"] {
        console.apply(Event::HubUp { bottle: bottle(id) });
        console.hub(id, HubToConsole::Live);
    }
    console.select(ID);
    console
}

fn image() -> Ask {
    Ask::Image {
        dockerfile: String::from("FROM debian:12\nUSER agent\n"),
    }
}

fn reference(number: u64) -> RequestRef {
    RequestRef {
        bottle: bottle(ID),
        id: number,
    }
}

fn approved() -> RequestState {
    let ask = image();
    let verdict = Verdict {
        answer: Answer::Approve {
            terms: Terms::default(),
            edited: None,
        },
        content: ask.digest().unwrap(),
        spec: Digest::of(b"x"),
        at: ago(3),
    };
    RequestState::Approved { verdict }
}

fn step(what: &str, is_build: bool, can_cancel: bool) -> OperationNews {
    OperationNews::Step {
        what: what.to_owned(),
        is_output: is_build,
        is_build,
        done: 2,
        of: if is_build { 5 } else { 0 },
        can_cancel,
    }
}

fn change(console: &mut Console, news: OperationNews) -> Vec<Effect> {
    console.apply(operation(OperationKind::Change, ID, news))
}

/// A change that builds.
fn building(console: &mut Console) {
    change(console, OperationNews::Began);
    change(console, step("RUN make", true, true));
}

#[test]
fn a_change_builds_then_changes_and_then_the_bottle_is_what_it_is() {
    let mut console = console();
    change(&mut console, OperationNews::Began);
    assert_eq!(*console.phase(ID), Phase::Changing);
    change(&mut console, step("RUN make", true, true));
    assert_eq!(*console.phase(ID), Phase::Building);
    let known = console.state.fleet.get(&bottle(ID)).unwrap();
    assert_eq!(known.operation.as_ref().unwrap().count(), "2/5");
    assert_eq!(known.output.newest().unwrap(), "RUN make");
    change(&mut console, step("stop the session", false, false));
    assert_eq!(*console.phase(ID), Phase::Changing);
    let outcome = Ok(());
    let effects = change(&mut console, OperationNews::Ended { outcome });
    assert!(effects.contains(&Effect::RefreshFleet));
    assert_eq!(console.phase(ID).word(), "running");
    let known = console.state.fleet.get(&bottle(ID)).unwrap();
    assert!(known.output.is_empty());
}

#[test]
fn what_a_build_says_is_bounded_in_lines_and_columns() {
    let mut console = console();
    let flood = "x".repeat(9_000);
    for _ in 0..900 {
        change(&mut console, step(&flood, true, true));
    }
    let known = console.state.fleet.get(&bottle(ID)).unwrap();
    assert_eq!(known.output.len(), 200);
    assert_eq!(known.output.newest().unwrap().len(), 500);
}

#[test]
fn an_agent_that_waits_is_needed_while_its_image_is_built() {
    let mut console = console();
    let waits = session(Activity::Waiting, 20);
    console.report(ID, RoleReport::Session { report: waits });
    building(&mut console);
    let words: Vec<&str> = console.state.needs().iter().map(|need| need.word).collect();
    assert_eq!(words, ["waiting"]);
    change(&mut console, step("stop the session", false, false));
    assert_eq!(console.state.needs(), []);
}

#[test]
fn one_bottle_is_changed_while_others_are_answered_and_stopped() {
    let mut console = console();
    building(&mut console);
    // Nothing else is done to this one, and the words say what helps.
    assert_eq!(console.press(&["x"]), []);
    let told = console.state.view.notice.clone().unwrap().text;
    let words = "api-k3x9q: wait for the change to end, or cancel it with c";
    assert_eq!(told, words);
    console.ask(ID, 1, image(), 60);
    console.ask("docs-p2m4d", 1, route_ask("pypi.org"), 30);
    let effects = console.press(&["i"]);
    console.show(&effects);
    assert_eq!(console.press(&["a"]), []);
    assert_eq!(
        console.state.context(),
        Context::Inbox,
        "no second image at once"
    );
    let effects = console.press(&["j"]);
    console.show(&effects);
    let effects = console.press(&["a", "y"]);
    assert!(
        matches!(&effects[..], [Effect::AnswerRequests { .. }]),
        "{effects:?}"
    );
    console.press(&["esc"]);
    console.select("docs-p2m4d");
    assert!(console.press(&["x", "y"]).contains(&Effect::Stop {
        bottle: bottle("docs-p2m4d")
    }));
}

#[test]
fn cancelling_asks_first_and_leaves_the_bottle_as_it_was() {
    let mut console = console();
    assert_eq!(console.press(&["c"]), [], "nothing is done");
    building(&mut console);
    assert!(console.state.can(Command::CancelOperation));
    assert_eq!(console.press(&["c", "n"]), []);
    let cancel = Effect::CancelOperation { bottle: bottle(ID) };
    assert_eq!(console.press(&["c", "y"]), [cancel]);
    change(&mut console, OperationNews::Cancelled);
    assert_eq!(console.phase(ID).word(), "running", "no failure either");
    assert_eq!(console.state.needs(), []);
}

#[test]
fn what_is_on_record_is_not_cancelled_and_says_so() {
    let mut console = console();
    building(&mut console);
    console.press(&["c"]);
    change(&mut console, step("stop the session", false, false));
    // The question was open: who carries it out finds that it is too late.
    assert_eq!(
        console.press(&["y"]),
        [Effect::CancelOperation { bottle: bottle(ID) }]
    );
    assert!(!console.state.can(Command::CancelOperation));
    assert_eq!(console.press(&["c"]), []);
    let told = console.state.view.notice.clone().unwrap().text;
    assert!(told.starts_with("it is on record already"), "{told}");
}

#[test]
fn a_question_to_cancel_what_is_over_does_nothing() {
    let mut console = console();
    building(&mut console);
    console.press(&["c"]);
    let outcome = Ok(());
    change(&mut console, OperationNews::Ended { outcome });
    assert_eq!(console.press(&["y"]), []);
}

#[test]
fn a_start_that_is_cancelled_leaves_no_row() {
    let mut console = console();
    console.apply(operation(OperationKind::Start, "b-2", OperationNews::Began));
    let build = step("RUN make", true, true);
    console.apply(operation(OperationKind::Start, "b-2", build));
    assert_eq!(console.selected(), Some("b-2"));
    let cancel = Effect::CancelOperation {
        bottle: bottle("b-2"),
    };
    assert_eq!(console.press(&["c", "y"]), [cancel]);
    console.apply(operation(
        OperationKind::Start,
        "b-2",
        OperationNews::Cancelled,
    ));
    assert_eq!(console.state.fleet.get(&bottle("b-2")), None);
}

#[test]
fn a_failed_change_is_read_and_put_away() {
    let mut console = console();
    building(&mut console);
    let outcome = Err(String::from("make failed"));
    change(&mut console, OperationNews::Ended { outcome });
    assert_eq!(console.phase(ID).word(), "running", "it is as it was");
    let needs = console.state.needs();
    assert_eq!(needs[0].words, "failed to change it: make failed");
    let known = console.state.fleet.get(&bottle(ID)).unwrap();
    assert_eq!(known.output.len(), 1, "its last lines can be read");
    console.press(&["esc"]);
    assert_eq!(console.state.needs(), []);
}

/// What a tick asks to be gone on with.
fn carried(console: &mut Console, seconds: i64) -> Vec<Effect> {
    let now = console.state.now + jiff::SignedDuration::from_secs(seconds);
    let mut effects = console.apply(Event::Tick { now });
    effects.retain(|effect| !matches!(effect, Effect::Sample { .. }));
    effects
}

#[test]
fn what_was_left_is_gone_on_with_once_and_again_only_after_a_while() {
    let mut console = console();
    assert_eq!(carried(&mut console, 1), []);
    console.told(ID, 1, image(), 30, approved());
    let carry = Effect::CarryOn { bottle: bottle(ID) };
    assert_eq!(carried(&mut console, 1), std::slice::from_ref(&carry));
    assert_eq!(carried(&mut console, 600), [], "it is under way");
    let done = |results| Event::CarriedOn {
        bottle: bottle(ID),
        results,
    };
    console.apply(done(Vec::new()));
    assert_eq!(carried(&mut console, 1), [], "not in a tight loop");
    assert_eq!(carried(&mut console, 5), std::slice::from_ref(&carry));
    console.apply(done(Vec::new()));
    assert_eq!(carried(&mut console, 5), [], "and less and less often");
    assert_eq!(carried(&mut console, 6), [carry]);
    console.apply(done(Vec::new()));
    let over = RequestState::Withdrawn { at: now() };
    console.told(ID, 1, image(), 30, over);
    assert_eq!(carried(&mut console, 600), []);
}

#[test]
fn what_this_console_does_itself_or_cannot_hear_is_not_gone_on_with() {
    // Its own answer.
    let mut console = console();
    console.ask(ID, 1, image(), 30);
    let effects = console.press(&["i"]);
    console.show(&effects);
    console.press(&["a", "y"]);
    console.told(ID, 1, image(), 30, approved());
    assert_eq!(carried(&mut console, 9), []);
    // Its own operation.
    building(&mut console);
    let results = vec![AnswerResult {
        request: reference(1),
        result: Ok(String::from("is applied")),
    }];
    console.apply(Event::RequestsAnswered { results });
    assert_eq!(carried(&mut console, 9), []);
    // A hub that does not answer.
    change(&mut console, OperationNews::Cancelled);
    let why = String::from("broke");
    console.apply(Event::HubDown {
        bottle: bottle(ID),
        why,
    });
    assert_eq!(carried(&mut console, 9), []);
    console.apply(Event::HubUp { bottle: bottle(ID) });
    let carry = Effect::CarryOn { bottle: bottle(ID) };
    assert_eq!(carried(&mut console, 9), [carry]);
}

/// The terms of the one request, with the manifest chosen.
fn into_manifest(console: &mut Console) -> Draft {
    console.ask(ID, 1, route_ask("pypi.org"), 30);
    let effects = console.press(&["i"]);
    console.show(&effects);
    let effects = console.press(&["t", "G", "right", "enter"]);
    let [Effect::PlanManifest { draft }] = &effects[..] else {
        panic!("{effects:?}")
    };
    (**draft).clone()
}

fn look(after: &str) -> ManifestLook {
    let diff = LineDiff::of("{\n}\n", after);
    ManifestLook {
        digest: Digest::of(after.as_bytes()),
        change: Some((String::from("~/.config/cellar/cellar.json"), diff)),
    }
}

#[test]
fn a_yes_into_the_manifest_is_for_the_change_that_was_shown() {
    let mut console = console();
    let draft = into_manifest(&mut console);
    assert_eq!(
        console.state.context(),
        Context::Terms,
        "nothing to say yes to yet"
    );
    let planned = |draft: &Draft, after: &str| Event::ManifestPlanned {
        draft: Box::new(draft.clone()),
        result: Ok(Box::new(look(after))),
    };
    console.apply(planned(&draft, "{\n1\n}\n"));
    assert_eq!(console.state.context(), Context::Approve);
    let effects = console.press(&["y"]);
    let [Effect::ApproveIntoManifest { draft, answer }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(draft.manifest.as_deref(), Some(&look("{\n1\n}\n")));
    assert!(
        matches!(answer, Answer::Approve { terms, .. } if terms.scope == crate::request::Scope::Manifest)
    );
    assert_eq!(console.press(&["a"]), [], "its answer is on its way");
    // The file was changed meanwhile: it is shown again, and nothing was said.
    console.apply(planned(draft, "{\n2\n}\n"));
    let Some(Modal::Approve { draft, .. }) = &console.state.view.modal else {
        panic!("shown again")
    };
    assert_eq!(draft.manifest.as_deref(), Some(&look("{\n2\n}\n")));
    assert!(console.state.view.notice.as_ref().unwrap().is_error);
    // Other terms are another yes.
    console.press(&["t"]);
    let Some(Modal::Terms { draft, .. }) = &console.state.view.modal else {
        panic!("terms")
    };
    assert_eq!(draft.manifest, None);
}

#[test]
fn a_plan_that_is_not_waited_for_any_more_opens_nothing() {
    let mut console = console();
    let draft = into_manifest(&mut console);
    console.press(&["esc"]);
    let result = Ok(Box::new(look("{\n1\n}\n")));
    let draft = Box::new(draft);
    console.apply(Event::ManifestPlanned { draft, result });
    assert_eq!(console.state.context(), Context::Inbox);
}

#[test]
fn what_has_no_place_in_the_manifest_is_refused_in_words() {
    let mut console = console();
    let draft = into_manifest(&mut console);
    let why = String::from("a manifest has no place for MCP servers");
    console.apply(Event::ManifestPlanned {
        draft: Box::new(draft),
        result: Err(why.clone()),
    });
    assert_eq!(console.state.view.notice.as_ref().unwrap().text, why);
    assert_eq!(console.state.context(), Context::Terms);
    // What ends.
    assert_eq!(console.press(&["g", "right", "enter"]), []);
    let told = &console.state.view.notice.as_ref().unwrap().text;
    assert!(told.starts_with("what ends"), "{told}");
    // Several bottles at once.
    console.press(&["esc"]);
    let effects = console.ask("docs-p2m4d", 4, route_ask("pypi.org"), 90);
    console.show(&effects);
    assert_eq!(console.press(&["t", "G", "right", "enter"]), []);
    let told = &console.state.view.notice.as_ref().unwrap().text;
    assert!(
        told.starts_with("the manifest is changed for one"),
        "{told}"
    );
}
