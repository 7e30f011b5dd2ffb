//! The page of logs: what is looked at, where, and what is asked for; and a spec that is
//! read once.

use proptest::prelude::*;

use super::super::fixture::*;
use super::super::*;
use crate::wire::{HubToConsole, RoleReport};

fn reading() -> Console {
    let mut console = Console::with(120, 40, vec![running("a-2", 1), running("b-2", 2)]);
    console.effects.clear();
    console.press(&["l"]);
    console.apply(Event::LogArea {
        area: TerminalSize {
            columns: 60,
            rows: 20,
        },
    });
    console
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("line {at}")).collect()
}

fn log(console: &mut Console, count: usize) {
    let lines = numbered(count);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    console.log(Role::Agent, &lines);
}

fn page(console: &Console) -> &LogPage {
    &console.state.view.logs
}

fn followed(effects: &[Effect]) -> Vec<&LogSubject> {
    let followed = effects.iter().filter_map(|effect| {
        if let Effect::FollowLog { subject, .. } = effect {
            Some(subject)
        } else {
            None
        }
    });
    followed.collect()
}

fn orders(effects: &[Effect]) -> Vec<&LogOrder> {
    let orders = effects.iter().filter_map(|effect| {
        if let Effect::OrderLog { order, .. } = effect {
            Some(order)
        } else {
            None
        }
    });
    orders.collect()
}

fn wishes(effects: &[Effect]) -> Vec<&LogWish> {
    let wishes = effects.iter().filter_map(|effect| {
        if let Effect::WishLog { wish, .. } = effect {
            Some(wish)
        } else {
            None
        }
    });
    wishes.collect()
}

const fn top(top: u64) -> LogPlace {
    LogPlace::At { top, row: 0 }
}

#[test]
fn all_containers_are_looked_at_while_the_page_is_shown() {
    let mut console = reading();
    let subjects = followed(&console.effects);
    assert_eq!(subjects.len(), 1);
    assert_eq!(subjects[0].bottle, bottle("a-2"));
    let roles: Vec<Role> = subjects[0].sources.iter().map(|one| one.role).collect();
    assert_eq!(roles, Role::ALL);
    let effects = console.press(&["1"]);
    assert_eq!(effects[0], Effect::StopLog { ticket: 1 });
    let effects = console.press(&["l"]);
    assert_eq!(followed(&effects).len(), 1);
    let effects = console.press(&["left", "j"]);
    assert!(
        effects.contains(&Effect::StopLog { ticket: 3 }),
        "{effects:?}"
    );
    assert_eq!(followed(&effects)[0].bottle, bottle("b-2"));
}

#[test]
fn a_sidecars_row_looks_at_its_log_alone() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    console.press(&["2"]);
    console.effects.clear();
    console.press(&["z", "j"]);
    let subjects = followed(&console.effects);
    assert_eq!(subjects.len(), 1);
    assert_eq!(subjects[0].sources.len(), 1);
    assert_eq!(subjects[0].sources[0].role, Role::Egress);
}

#[test]
fn lines_that_a_hub_tells_are_left_to_the_engines_log() {
    let mut console = reading();
    let before = console.state.clone();
    let line = LogLine {
        at: now(),
        text: String::from("listening"),
    };
    console.said("b-2", Role::Egress, RoleReport::Log { line });
    console.hub("b-2", HubToConsole::Pong);
    assert_eq!(console.state.fleet, before.fleet);
    assert_eq!(console.state.revision(), before.revision());
}

#[test]
fn going_up_pauses_and_the_end_follows_again() {
    let mut console = reading();
    log(&mut console, 100);
    assert_eq!(page(&console).place, LogPlace::Follow);
    assert_eq!(page(&console).begin(), (80, 0));
    console.press(&["k"]);
    assert_eq!(page(&console).place, top(79));
    log(&mut console, 3);
    assert_eq!(page(&console).place, top(79), "it stays where it is");
    assert_eq!(page(&console).new_lines(), 3);
    assert_eq!(page(&console).sight_end(), 99);
    console.press(&["pgup"]);
    assert_eq!(page(&console).place, top(60), "a row of the page stays");
    console.press(&["g", "k"]);
    assert_eq!(page(&console).place, top(0));
    console.press(&["pgdn", "pgdn"]);
    assert_eq!(page(&console).place, top(38));
    console.press(&["G"]);
    assert_eq!(page(&console).place, LogPlace::Follow);
    console.press(&["k", "down"]);
    assert_eq!(page(&console).place, LogPlace::Follow, "so does going down");
}

#[test]
fn a_short_log_has_nothing_to_pause_for() {
    let mut console = reading();
    log(&mut console, 5);
    console.press(&["k", "pgup", "g"]);
    assert_eq!(page(&console).place, LogPlace::Follow);
    assert_eq!(page(&console).begin(), (0, 0));
}

#[test]
fn rows_of_a_wrapped_line_are_gone_through_one_by_one() {
    let mut console = reading();
    log(&mut console, 30);
    // Forty columns are left for the text.
    assert_eq!(page(&console).text_columns(), 40);
    console.log(Role::Egress, &["x".repeat(90).as_str()]);
    console.press(&["W"]);
    assert_eq!(page(&console).begin(), (13, 0), "17 lines and 3 rows");
    console.press(&["k"]);
    assert_eq!(page(&console).place, top(12));
    assert_eq!(page(&console).sight_end(), 31, "a row of it is in sight");
    console.press(&["j"]);
    assert_eq!(page(&console).place, LogPlace::Follow);
    console.log(Role::Egress, &["y".repeat(40 * 50).as_str()]);
    assert_eq!(
        page(&console).begin(),
        (31, 30),
        "it is higher than the page"
    );
    console.press(&["pgup"]);
    assert_eq!(page(&console).place, LogPlace::At { top: 31, row: 11 });
}

#[test]
fn a_mark_takes_a_row_and_stays_at_its_line() {
    let mut console = reading();
    log(&mut console, 30);
    console.press(&["m"]);
    assert_eq!(page(&console).begin(), (11, 0));
    log(&mut console, 2);
    assert_eq!(page(&console).marks_after(29).count(), 1);
    assert_eq!(page(&console).marks_after(31).count(), 0);
    console.log_news(LogNews::Moved {
        era: 1,
        from: 0,
        to: 1_000,
        added: 1_000,
        extent: LogExtent {
            end: 1_032,
            lines: 1_032,
            ..LogExtent::default()
        },
    });
    assert_eq!(page(&console).marks_after(1_029).count(), 1);
}

#[test]
fn what_comes_in_before_moves_nothing_that_is_in_sight() {
    let mut console = reading();
    log(&mut console, 100);
    console.press(&["pgup"]);
    let text = |console: &Console| {
        let (top, _) = page(console).begin();
        page(console).row(top).map(|row| row.text.clone())
    };
    let before = text(&console);
    let effects = console.log_news(LogNews::Moved {
        era: 1,
        from: 0,
        to: 5_000,
        added: 5_000,
        extent: LogExtent {
            end: 5_100,
            lines: 5_100,
            ..LogExtent::default()
        },
    });
    assert_eq!(text(&console), before);
    assert_eq!(page(&console).place, top(5_061));
    let wish = wishes(&effects);
    let LogWindowWish::At { era, first, .. } = wish[0].window else {
        panic!("{wish:?}");
    };
    assert_eq!((era, first), (1, 5_001));
    let old = LogNews::Grew {
        era: 0,
        extent: LogExtent::default(),
    };
    console.log_news(old);
    assert_eq!(page(&console).extent.end, 5_100, "of an era that is over");
}

#[test]
fn a_filter_is_typed_and_dropped() {
    let mut console = reading();
    let effects = console.press(&["&", "e", "r", "enter", "-", "x", "enter"]);
    let wish = wishes(&effects).last().copied().cloned().unwrap();
    assert_eq!(
        (wish.filter.with.as_str(), wish.filter.without.as_str()),
        ("er", "x")
    );
    let effects = console.press(&["v"]);
    assert_eq!(wishes(&effects)[0].filter.roles, LogRoles::Agent);
    console.press(&["&", "y", "esc"]);
    assert_eq!(
        page(&console).filter.with,
        "er",
        "what was typed is given up"
    );
    console.press(&["esc"]);
    assert!(page(&console).filter.is_empty());
    assert_eq!(console.state.view.focus, Focus::Detail);
    console.press(&["esc"]);
    assert_eq!(console.state.view.focus, Focus::List);
}

#[test]
fn a_search_goes_to_the_last_hit_and_on_from_there() {
    let mut console = reading();
    log(&mut console, 100);
    let effects = console.press(&["/", "7", "enter"]);
    assert_eq!(wishes(&effects)[0].search, "7");
    let seek = |from, is_down| LogOrder::Seek {
        era: 0,
        from,
        is_down,
    };
    assert_eq!(orders(&effects), [&seek(100, false)]);
    console.log_news(LogNews::Sought {
        era: 0,
        at: Some((97, 19)),
        is_round: false,
    });
    assert_eq!(
        page(&console).place,
        top(80),
        "it is in sight; the page stays"
    );
    // Each key counts from where the one before led, however late the answers are.
    let effects = console.press(&["n", "N", "N"]);
    assert_eq!(orders(&effects), [&seek(98, true)]);
    for (at, next) in [((98, 20), seek(98, false)), ((97, 19), seek(97, false))] {
        let effects = console.log_news(LogNews::Sought {
            era: 0,
            at: Some(at),
            is_round: false,
        });
        assert_eq!(orders(&effects), [&next]);
    }
    let effects = console.log_news(LogNews::Sought {
        era: 0,
        at: Some((47, 9)),
        is_round: false,
    });
    assert_eq!(orders(&effects), [] as [&LogOrder; 0]);
    assert_eq!(
        page(&console).place,
        top(41),
        "a third of the page above it"
    );
    assert_eq!(
        page(&console).search.as_ref().unwrap().current,
        Some((47, 9))
    );
    console.press(&["enter"]);
    let entry = LogOrder::Entry { era: 0, number: 47 };
    assert!(orders(&console.effects).contains(&&entry));
    let effects = console.press(&["esc", "n"]);
    assert_eq!(wishes(&effects)[0].search, "");
    assert_eq!(
        orders(&effects),
        [&LogOrder::Save; 0],
        "nothing is looked for"
    );
}

#[test]
fn how_far_back_is_chosen_by_digit_and_what_is_set_stays() {
    let mut console = reading();
    log(&mut console, 100);
    console.press(&["&", "x", "enter", "t", "k"]);
    let effects = console.press(&["7"]);
    assert_eq!(effects[0], Effect::StopLog { ticket: 1 });
    let Effect::FollowLog {
        ticket,
        reach,
        wish,
        ..
    } = &effects[1]
    else {
        panic!("{effects:?}");
    };
    assert_eq!((*ticket, *reach), (2, LogReach::FiveMinutes));
    assert_eq!(wish.filter.with, "x");
    assert!(!page(&console).options.has_times);
    assert_eq!(page(&console).place, LogPlace::Follow);
    console.apply(Event::Log {
        ticket: 1,
        news: Box::new(LogNews::Broken {
            why: String::from("old"),
        }),
    });
    assert_eq!(page(&console).broken, None, "news of what was let go");
}

#[test]
fn what_is_in_sight_is_copied_within_bounds() {
    let mut console = reading();
    log(&mut console, 3);
    let text = String::from("line 0\nline 1\nline 2\n");
    assert_eq!(console.press(&["y"]), [Effect::Copy { text }]);
    let long = "x".repeat(40_000);
    console.log(Role::Agent, &[&long, &long]);
    let effects = console.press(&["y"]);
    let Some(Effect::Copy { text }) = effects.first() else {
        panic!("{effects:?}");
    };
    assert!(text.len() < MOST_COPIED, "{}", text.len());
    let notice = console.state.view.notice.as_ref().unwrap();
    assert_eq!(notice.text, "copied 4 lines; no room for 1 more");
}

#[test]
fn long_lines_go_to_the_side_and_back_to_the_list() {
    let mut console = reading();
    console.press(&["right", "right", "left"]);
    assert_eq!(page(&console).options.column, 16);
    console.press(&["left"]);
    assert_eq!(console.state.view.focus, Focus::Detail);
    console.press(&["left"]);
    assert_eq!(console.state.view.focus, Focus::List);
}

#[test]
fn a_log_that_ended_goes_on_when_its_container_runs_again() {
    let mut console = reading();
    let ended = |role| LogNews::Ended { role, why: None };
    for role in Role::ALL {
        console.log_news(ended(role));
    }
    console.effects.clear();
    console.tick(1);
    console.see(running("a-2", 1));
    assert_eq!(orders(&console.effects), [&LogOrder::Save; 0]);
    console.see(stopped("a-2", 1));
    console.see(running("a-2", 1));
    let resumed = Role::ALL.map(|role| LogOrder::Resume { role });
    assert_eq!(orders(&console.effects), Vec::from_iter(&resumed));
}

#[test]
fn a_message_shows_a_line_whole() {
    let mut console = reading();
    console.log_news(LogNews::Entry {
        title: String::from("agent stdout"),
        text: String::from("{}"),
    });
    assert_eq!(console.state.context(), Context::Message);
    console.press(&["esc"]);
    assert_eq!(console.state.context(), Context::Logs);
}

#[test]
fn a_spec_is_read_once() {
    let mut console = Console::with(120, 40, vec![running("a-2", 1)]);
    let effects = console.press(&["5", "3", "5"]);
    let loads = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::LoadSpec { .. }));
    assert_eq!(loads.count(), 1);
    console.load_spec("a-2");
    assert!(matches!(
        console.state.fleet.bottles()[0].spec,
        SpecView::Known { .. }
    ));
    let mut changed = running("a-2", 1);
    changed.spec = Digest::of(b"another");
    assert_eq!(
        console.see(changed),
        [Effect::LoadSpec {
            bottle: bottle("a-2")
        }]
    );
}

/// The app in small: answers every wish with the lines of one log.
fn serve(console: &mut Console, lines: &[u32], effects: &[Effect]) {
    let mut waiting: Vec<Effect> = effects.to_vec();
    while let Some(effect) = waiting.pop() {
        let Effect::WishLog { wish, .. } = effect else {
            continue;
        };
        let end = lines.len() as u64;
        let (first, count) = match wish.window {
            LogWindowWish::End { lines } => (end.saturating_sub(u64::from(lines)), lines),
            LogWindowWish::At { first, lines, .. } => (first, lines),
        };
        let rows = (first..end).take(count as usize).map(|line| LogRow {
            line,
            at: now(),
            role: Role::Agent,
            is_error: false,
            text: "x".repeat(lines[usize::try_from(line).unwrap()] as usize),
            paint: Vec::new(),
        });
        let news = LogNews::Lines {
            era: 0,
            first,
            rows: rows.collect(),
            extent: LogExtent {
                end,
                lines: end,
                ..LogExtent::default()
            },
        };
        let ticket = console.state.view.logs.ticket;
        let news = Box::new(news);
        waiting = console.apply(Event::Log { ticket, news });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    /// Against rows that are all in memory: whatever is pressed, the page begins where it
    /// would, and what is in sight is in memory.
    #[test]
    fn a_window_shows_what_the_whole_log_would(
        lines in prop::collection::vec(0_u32..130, 0..700),
        keys in prop::collection::vec(
            prop::sample::select(vec!["k", "j", "pgup", "pgdn", "k", "pgup"]), 0..40),
        wraps in any::<bool>(),
        goes_to_the_top in any::<bool>(),
    ) {
        let mut console = reading();
        let first = console.state.view.logs.wish.clone().unwrap();
        serve(&mut console, &lines, &[Effect::WishLog { ticket: 1, wish: first }]);
        if wraps {
            console.press(&["W"]);
        }
        if goes_to_the_top {
            let effects = console.press(&["g"]);
            serve(&mut console, &lines, &effects);
        }
        // A row of the whole log each, by line.
        let width = page(&console).text_columns();
        let rows: Vec<u64> = (0..).zip(&lines).flat_map(|(line, length)| {
            let rows = if wraps { (*length as usize).div_ceil(width).max(1) } else { 1 };
            std::iter::repeat_n(line, rows)
        }).collect();
        let last = rows.len().saturating_sub(20);
        let mut at = if goes_to_the_top { 0 } else { last };
        for key in keys {
            let effects = console.press(&[key]);
            serve(&mut console, &lines, &effects);
            at = match key {
                "k" => at.saturating_sub(1),
                "j" => at + 1,
                "pgup" => at.saturating_sub(19),
                _ => at + 19,
            }.min(last);
            let (top, row) = page(&console).begin();
            let begins = rows.iter().position(|line| *line == top).map_or(0, |first| first + row);
            prop_assert_eq!(begins, at, "{} of {}", key, rows.len());
            prop_assert_eq!(page(&console).place == LogPlace::Follow, at == last);
            for line in top..page(&console).sight_end() {
                prop_assert!(page(&console).row(line).is_some(), "{} is not there", line);
            }
        }
    }
}
