//! The page of the audit: its window, its filter, following and staying.

use super::super::fixture::*;
use super::super::*;

fn row(place: u64) -> AuditRow {
    AuditRow {
        seq: place + 1,
        at: ago(9),
        bottle: String::from(if place.is_multiple_of(2) {
            "a-1"
        } else {
            "gone-1"
        }),
        kind: AuditKind::Life,
        words: String::from("stop"),
        facts: vec![(String::from("what"), String::from("stop"))],
    }
}

/// Answers as the app does, of a file in which so many entries pass.
fn answer(console: &mut Console, effects: &[Effect], passing: u64) -> Vec<Effect> {
    let mut more = Vec::new();
    for effect in effects {
        if let Effect::ReadAudit { ticket, wish } = effect {
            let last = passing.saturating_sub(AUDIT_WINDOW);
            let first = wish.first.map_or(last, |first| first.min(last));
            let look = AuditLook {
                first,
                rows: (first..passing.min(first + AUDIT_WINDOW))
                    .map(row)
                    .collect(),
                passing,
                entries: 5_000,
                fault: None,
                is_plain: false,
            };
            more.extend(console.apply(Event::AuditRead {
                ticket: *ticket,
                result: Ok(Some(Box::new(look))),
            }));
        }
    }
    more
}

fn wishes(effects: &[Effect]) -> Vec<AuditWish> {
    let wishes = effects.iter().filter_map(|effect| {
        let Effect::ReadAudit { wish, .. } = effect else {
            return None;
        };
        Some(wish.clone())
    });
    wishes.collect()
}

fn opened(passing: u64) -> Console {
    let mut console = Console::with(120, 40, vec![running("a-1", 1), running("a-2", 2)]);
    let effects = console.press(&["A"]);
    assert_eq!(wishes(&effects), [AuditWish::default()]);
    assert_eq!(answer(&mut console, &effects, passing), []);
    console
}

fn place(console: &Console) -> u64 {
    console.state.view.audit.place().unwrap()
}

#[test]
fn it_is_of_what_is_marked() {
    let mut console = Console::with(120, 40, vec![running("a-1", 1), running("a-2", 2)]);
    console.press(&["space"]);
    let effects = console.press(&["A"]);
    assert_eq!(wishes(&effects)[0].of, [bottle("a-1")]);
    console.press(&["A"]);
    assert_eq!(console.state.view.focus, Focus::List);
    console.press(&["esc"]);
    let effects = console.press(&["A"]);
    assert_eq!(wishes(&effects)[0].of, []);
}

/// However long the file is, one window of it is held, and every entry is reached.
#[test]
fn every_entry_is_reached_and_one_window_is_held() {
    let mut console = opened(3_000);
    assert_eq!(place(&console), 2_999);
    let mut reads = 0;
    while place(&console) > 0 {
        let effects = console.press(&["pgup"]);
        reads += wishes(&effects).len();
        assert_eq!(answer(&mut console, &effects, 3_000), []);
        let page = &console.state.view.audit;
        assert!(
            page.selected().is_some(),
            "{} is not there",
            place(&console)
        );
        assert!(page.look.as_ref().unwrap().rows.len() as u64 <= AUDIT_WINDOW);
    }
    assert!((5..40).contains(&reads), "{reads} reads");
    let effects = console.press(&["G"]);
    assert_eq!(wishes(&effects)[0].first, None);
    answer(&mut console, &effects, 3_000);
    assert_eq!(console.state.view.audit.selected(), Some(&row(2_999)));
    let effects = console.press(&["g"]);
    answer(&mut console, &effects, 3_000);
    assert_eq!(console.state.view.audit.selected(), Some(&row(0)));
}

#[test]
fn going_up_stays_and_the_end_follows() {
    let mut console = opened(20);
    let added = |console: &mut Console, passing| {
        let now = console.state.now + jiff::SignedDuration::from_secs(1);
        let effects = console.apply(Event::Tick { now });
        assert_eq!(
            wishes(&effects).len(),
            1,
            "it is asked whether there is more"
        );
        answer(console, &effects, passing);
        place(console)
    };
    assert_eq!(added(&mut console, 22), 21, "it follows");
    console.press(&["k", "k"]);
    assert_eq!(added(&mut console, 25), 19, "it stays");
    console.press(&["G"]);
    assert_eq!(added(&mut console, 26), 25);
    console.press(&["f"]);
    assert_eq!(added(&mut console, 27), 25, "f stays where it is");
    console.press(&["f"]);
    assert_eq!(place(&console), 26);
    // What is on its way is waited for.
    let now = console.state.now + jiff::SignedDuration::from_secs(1);
    let effects = console.apply(Event::Tick { now });
    assert_eq!(wishes(&effects).len(), 1);
    let effects = console.apply(Event::Tick { now });
    assert_eq!(wishes(&effects), []);
    // Nothing more: nothing is drawn anew.
    let tickets = console.effects.iter().filter_map(|effect| {
        let Effect::ReadAudit { ticket, .. } = effect else {
            return None;
        };
        Some(*ticket)
    });
    let ticket = tickets.max().unwrap();
    let before = console.state.revision();
    let result = Ok(None);
    console.apply(Event::AuditRead { ticket, result });
    assert_eq!(console.state.revision(), before);
}

#[test]
fn a_filter_counts_once_it_is_typed_whole() {
    let mut console = opened(20);
    let effects = console.press(&["/", "s", "t", "o"]);
    assert_eq!(wishes(&effects), []);
    assert_eq!(console.state.typed_filter(), "sto");
    let effects = console.press(&["enter"]);
    assert_eq!(wishes(&effects)[0].filter, "sto");
    answer(&mut console, &effects, 3);
    assert_eq!(place(&console), 2);
    // What is given up leaves the filter as it was.
    let effects = console.press(&["/", "x", "esc"]);
    assert_eq!(wishes(&effects), []);
    assert_eq!(console.state.view.audit.filter, "sto");
    let effects = console.press(&["esc"]);
    assert_eq!(wishes(&effects)[0].filter, "");
    // An answer to an earlier wish is none.
    let Effect::ReadAudit { ticket, .. } = effects[0].clone() else {
        panic!("it was not asked");
    };
    let result = Err(String::from("no"));
    let ticket = ticket - 1;
    console.apply(Event::AuditRead { ticket, result });
    assert_eq!(console.state.view.audit.problem, None);
}

#[test]
fn an_entry_is_opened_and_leads_to_its_bottle() {
    let mut console = opened(20);
    console.press(&["enter"]);
    let Some(Modal::Message { title, text, .. }) = &console.state.view.modal else {
        panic!("nothing is told");
    };
    assert_eq!(
        (title.as_str(), text.as_str()),
        ("Entry 20", "what      stop")
    );
    // Its bottle is gone, and is looked at alone all the same.
    console.press(&["esc", "b"]);
    let notice = console.state.view.notice.clone().unwrap();
    assert_eq!(notice.text, "its bottle is gone");
    let effects = console.press(&["o"]);
    assert_eq!(wishes(&effects)[0].of, [bottle("gone-1")]);
    answer(&mut console, &effects, 10);
    let effects = console.press(&["esc"]);
    assert_eq!(wishes(&effects)[0].of, []);
    answer(&mut console, &effects, 20);
    console.press(&["k", "b"]);
    assert_eq!(console.selected(), Some("a-1"));
    assert_eq!(console.state.context(), Context::List);
}

#[test]
fn an_empty_file_is_no_trouble() {
    let mut console = opened(0);
    console.press(&["k", "j", "g", "G", "enter", "o", "f", "b"]);
    assert_eq!(console.state.view.audit.place(), None);
    assert!(!console.state.can(Command::Entry(AuditCommand::Open)));
}
