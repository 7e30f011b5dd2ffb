//! The page of one bottle's requests, and what leads on from there.

use super::super::fixture::*;
use super::super::*;

fn numbers(console: &Console) -> Vec<u64> {
    let rows = console.state.selected_bottle().unwrap().request_rows();
    rows.iter().map(|one| one.id).collect()
}

fn selected(console: &Console) -> u64 {
    console.state.selected_request().unwrap().id
}

/// Two that wait, and two that nobody answered in time.
fn asking() -> Console {
    let mut console = Console::with(120, 40, vec![running("a-1", 1), running("a-2", 2)]);
    console.ask("a-1", 4, route_ask("crates.io"), 10);
    console.ask("a-1", 3, route_ask("docs.rs"), 90);
    for (id, host, seconds) in [(1, "old.test", 50), (2, "older.test", 70)] {
        let at = ago(seconds);
        console.told(
            "a-1",
            id,
            route_ask(host),
            300,
            RequestState::Expired { at },
        );
    }
    console.select("a-1");
    console
}

#[test]
fn what_waits_longest_is_first_and_the_last_answer_follows() {
    let mut console = asking();
    assert_eq!(numbers(&console), [3, 4, 1, 2]);
    console.press(&["4"]);
    assert_eq!(console.state.context(), Context::List);
    console.press(&["right"]);
    assert_eq!(console.state.context(), Context::Requests);
    assert_eq!(selected(&console), 3);
    console.press(&["j", "j"]);
    assert_eq!(selected(&console), 1);
    // Whatever comes, what is read stays selected.
    console.ask("a-1", 9, route_ask("new.test"), 400);
    assert_eq!(numbers(&console)[0], 9);
    assert_eq!(selected(&console), 1);
    console.press(&["G", "j"]);
    assert_eq!(selected(&console), 2);
    console.press(&["g"]);
    assert_eq!(selected(&console), 9);
}

#[test]
fn enter_opens_it_in_the_inbox_and_back_comes_back() {
    let mut console = asking();
    console.press(&["4", "right", "j"]);
    let effects = console.press(&["enter"]);
    assert_eq!(console.state.view.focus, Focus::Inbox);
    let look = effects.iter().any(|effect| {
        matches!(effect, Effect::LookAtRequests { requests, .. }
            if requests.iter().any(|one| one.name() == "a-1/4"))
    });
    assert!(look, "{effects:?}");
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::Requests);
    // One that is over stands in the other list.
    console.press(&["j", "enter"]);
    assert_eq!(console.state.view.inbox.page, InboxPage::Answered);
    let row = console.state.view.inbox.row().unwrap();
    assert_eq!(row.requests[0].name(), "a-1/1");
    // Who opens the inbox from elsewhere comes back there.
    console.press(&["esc", "left", "i", "esc"]);
    assert_eq!(console.state.view.focus, Focus::List);
}

/// An answer to a common row would be one for the other bottle too.
#[test]
fn one_of_several_that_ask_the_same_stands_for_itself() {
    let mut console = asking();
    console.ask("a-2", 1, route_ask("docs.rs"), 5);
    console.press(&["4", "right", "enter"]);
    let row = console.state.view.inbox.row().unwrap();
    assert!(row.is_member, "{row:?}");
    assert_eq!(row.requests.len(), 1);
    assert_eq!(row.requests[0].name(), "a-1/3");
}

#[test]
fn another_bottle_begins_at_its_first() {
    let mut console = asking();
    console.ask("a-2", 7, route_ask("crates.io"), 5);
    console.ask("a-2", 8, route_ask("pypi.org"), 3);
    console.press(&["4", "right", "G", "left", "j"]);
    assert_eq!(selected(&console), 7);
    console.apply(Event::Pointer {
        pointer: Pointer {
            action: PointerAction::Press,
            target: Target::Request { at: 1 },
        },
    });
    assert_eq!(selected(&console), 8);
    assert_eq!(console.state.context(), Context::Requests);
}

#[test]
fn nothing_asked_is_said() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1)]);
    console.press(&["4", "right"]);
    assert!(!console.state.can(Command::OpenRequest));
    console.press(&["enter"]);
    let notice = console.state.view.notice.unwrap();
    assert_eq!(notice.text, "its agent asked for nothing yet");
}
