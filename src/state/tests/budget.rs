//! Budgets that are spent, and the operator's answer.

use super::super::fixture::*;
use super::super::*;
use crate::policy::{Measure, Span};
use crate::wire::{HoldEnd, HoldRecord, Pause, RoleReport};

const HOUR: BottleBudget = BottleBudget::new(Measure::Cost, Span::Hour, 5_000_000);

fn budgets(spent: u64, waiting: u32, is_refused: bool) -> RoleReport {
    let since = ago(90);
    RoleReport::Budgets {
        budgets: Budgets {
            budgets: vec![BudgetState {
                budget: HOUR,
                spent,
                room_at: (spent >= HOUR.amount).then(|| ago(-1_380)),
                is_refused,
            }],
            pause: (waiting > 0).then_some(Pause { since, waiting }),
        },
    }
}

fn console(report: RoleReport) -> Console {
    let bottles = vec![running("api-k3x9q", 60), running("docs-p2m4d", 90)];
    let mut console = Console::with(120, 40, bottles);
    console.said("docs-p2m4d", Role::Egress, report);
    console
}

fn docs(console: &Console) -> &Bottle {
    console.state.fleet.get(&bottle("docs-p2m4d")).unwrap()
}

#[test]
fn a_paused_bottle_needs_the_operator_and_says_why() {
    let mut console = console(budgets(5_100_000, 7, false));
    let paused = docs(&console);
    assert_eq!(paused.phase.word(), "paused");
    assert_eq!((paused.since(), paused.source()), (Some(ago(90)), "egress"));
    let needs = console.state.needs();
    assert_eq!(needs.len(), 1);
    assert_eq!((needs[0].word, needs[0].is_trouble), ("paused", false));
    assert_eq!(
        needs[0].words,
        "budget: $5.00 per hour is spent; 7 requests wait; room in 23 min"
    );
    let rows = hits::hits_rows(paused, console.state.now);
    let row = rows.iter().find(|row| row.label == "budgets").unwrap();
    assert_eq!(row.value, "$5.10 of $5.00 per hour, 100 %; room in 23 min");
    // The next report says that it is over.
    console.said("docs-p2m4d", Role::Egress, budgets(5_200_000, 0, false));
    assert_eq!(console.state.needs(), []);
    assert_ne!(docs(&console).phase.word(), "paused");
}

#[test]
fn a_raises_after_one_question_that_names_the_amount() {
    let raises = vec![HOUR.raised_over(5_100_000)];
    let reference = bottle("docs-p2m4d");
    for (key, expected) in [
        (
            "y",
            vec![Effect::RaiseBudgets {
                bottle: reference.clone(),
                raises: raises.clone(),
            }],
        ),
        (
            "n",
            vec![Effect::RefuseBudgets {
                bottle: reference.clone(),
            }],
        ),
        ("esc", vec![]),
    ] {
        let mut console = console(budgets(5_100_000, 7, false));
        assert_eq!(console.press(&["a"]), []);
        assert_eq!(console.state.context(), Context::Raise);
        let modal = Modal::Raise {
            bottle: reference.clone(),
            raises: raises.clone(),
        };
        assert_eq!(console.state.view.modal, Some(modal));
        assert_eq!(console.press(&[key]), expected, "{key}");
        assert_eq!(console.state.context(), Context::List);
    }
}

#[test]
fn a_budget_that_was_not_raised_is_raised_where_its_bottle_is_selected() {
    let mut console = console(budgets(5_100_000, 0, true));
    assert_eq!(console.state.needs(), []);
    console.press(&["a"]);
    assert_eq!(
        console.state.context(),
        Context::List,
        "another is selected"
    );
    console.press(&["j", "a"]);
    assert_eq!(console.state.context(), Context::Raise);
}

/// What waits for a budget holds up the most, so it is asked first.
#[test]
fn a_pause_is_asked_before_a_hold() {
    let mut console = console(budgets(5_100_000, 1, false));
    let hold = HoldRecord {
        id: 3,
        at: ago(5),
        until: ago(-115),
        host: String::from("pkgs.test"),
        port: 443,
        waiting: 1,
        request: None,
    };
    console.said("docs-p2m4d", Role::Egress, RoleReport::Held { hold });
    console.press(&["a"]);
    assert_eq!(console.state.context(), Context::Raise);
    console.press(&["esc"]);
    console.said("docs-p2m4d", Role::Egress, budgets(0, 0, false));
    console.press(&["a"]);
    assert_eq!(console.state.context(), Context::Answer);
    let over = RoleReport::HoldOver {
        id: 3,
        how: HoldEnd::Expired,
    };
    console.said("docs-p2m4d", Role::Egress, over);
}

#[test]
fn most_of_a_budget_is_told_once_and_never_at_a_look_back() {
    let notice = |console: &Console| console.state.view.notice.clone().map(|told| told.text);
    let mut console = console(budgets(4_500_000, 0, false));
    assert_eq!(notice(&console), None, "that was so before we looked");
    console.said("docs-p2m4d", Role::Egress, budgets(3_900_000, 0, false));
    console.said("docs-p2m4d", Role::Egress, budgets(4_100_000, 0, false));
    let words = "docs-p2m4d: 82 % of a budget is spent: $4.10 of $5.00 per hour";
    assert_eq!(notice(&console).as_deref(), Some(words));
    console.press(&["@"]);
    console.said("docs-p2m4d", Role::Egress, budgets(4_200_000, 0, false));
    assert_eq!(notice(&console), None);
}

#[test]
fn amounts_are_drawn_again_where_they_are_shown() {
    let mut console = console(budgets(1, 0, false));
    let before = console.state.revision();
    console.said("docs-p2m4d", Role::Egress, budgets(2, 0, false));
    assert_eq!(console.state.revision(), before, "nobody sees it");
    console.press(&["j", "e"]);
    let before = console.state.revision();
    console.said("docs-p2m4d", Role::Egress, budgets(3, 0, false));
    assert_ne!(console.state.revision(), before);
}
