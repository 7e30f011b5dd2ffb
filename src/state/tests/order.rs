//! Sorting, grouping and folding: whatever the order, every bottle has one row.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::fixture::*;
use super::super::*;

fn ids(console: &Console) -> Vec<String> {
    let rows = console.state.rows().into_iter();
    rows.map(|row| row.bottle.id.to_string()).collect()
}

fn three() -> Console {
    let mut console = Console::with(
        120,
        40,
        vec![running("b-2", 1), running("a-2", 2), running("c-2", 3)],
    );
    console.apply(Event::Sampled {
        samples: vec![
            sample("a-2", Some(10), 5 << 20),
            sample("b-2", Some(900), 1 << 20),
            sample("c-2", Some(20), 9 << 20),
        ],
    });
    console
}

#[test]
fn two_keys_sort_the_list() {
    for (keys, expected) in [
        (&["o", "a"][..], ["b-2", "a-2", "c-2"]),
        (&["o", "r", "esc"], ["c-2", "a-2", "b-2"]),
        (&["o", "n"], ["a-2", "b-2", "c-2"]),
        (&["o", "c"], ["b-2", "c-2", "a-2"]),
        (&["o", "m"], ["c-2", "a-2", "b-2"]),
        (&["o", "m", "o", "r", "esc"], ["b-2", "a-2", "c-2"]),
        (&["o", "$"], ["b-2", "a-2", "c-2"]),
    ] {
        let mut console = three();
        console.press(keys);
        assert_eq!(ids(&console), expected, "{keys:?}");
        assert_eq!(
            console.selected(),
            Some("b-2"),
            "{keys:?} moves no selection"
        );
    }
}

#[test]
fn what_needs_the_operator_comes_first_by_state() {
    let mut console = Console::demo(120, 40);
    console.press(&["o", "s"]);
    let order = ids(&console);
    assert_eq!(
        order,
        [
            "api-k3x9q",
            "bench-4fj8w",
            "infra-w5d3t",
            "perf-9xk2a",
            "web-7tk2n",
            "docs-p2m4d",
            "lint-7bq1s",
        ]
    );
}

/// A list whose rows jump each second cannot be read.
#[test]
fn rows_move_only_every_few_seconds() {
    let mut console = three();
    console.press(&["o", "c"]);
    console.apply(Event::Sampled {
        samples: vec![sample("a-2", Some(2_000), 1)],
    });
    assert_eq!(ids(&console), ["b-2", "c-2", "a-2"]);
    console.tick(1);
    console.tick(1);
    assert_eq!(ids(&console), ["b-2", "c-2", "a-2"]);
    console.tick(1);
    assert_eq!(ids(&console), ["a-2", "b-2", "c-2"]);
    assert_eq!(console.selected(), Some("b-2"));
}

#[test]
fn groups_have_heads_and_fold() {
    let mut console = Console::with(
        120,
        40,
        vec![
            running("api-2", 1),
            running("docs-2", 2),
            running("api-3", 3),
        ],
    );
    console.press(&["o", "g", "esc"]);
    let heads: Vec<_> = console.state.listed().iter().map(ListRow::group).collect();
    assert_eq!(heads, [Some("api"), None, None, Some("docs"), None]);
    assert_eq!(console.selected(), Some("api-2"));
    // Folding the group that the selected row is in selects its head.
    console.press(&["-"]);
    assert_eq!(ids(&console), ["docs-2"]);
    assert_eq!(console.state.view.group.as_deref(), Some("api"));
    assert_eq!(console.selected(), None, "no key acts on what is hidden");
    console.effects.clear();
    console.press(&["x", "d", "r", "f"]);
    assert_eq!(console.state.view.modal, None);
    assert_eq!(console.effects, []);
    console.press(&["enter"]);
    assert_eq!(console.state.rows().len(), 3);
    console.press(&["j"]);
    assert_eq!(console.selected(), Some("api-2"));
    console.press(&["Z"]);
    assert_eq!(console.state.rows().len(), 0);
    console.press(&["Z"]);
    assert_eq!(console.state.rows().len(), 3);
}

#[test]
fn a_bottle_that_is_gone_to_is_unfolded() {
    let mut console = Console::demo(120, 40);
    console.press(&["o", "g", "esc", "Z", "w"]);
    assert_eq!(console.selected(), Some("api-k3x9q"));
    assert!(ids(&console).contains(&String::from("api-k3x9q")));
}

#[test]
fn templates_are_asked_for_once() {
    let mut console = three();
    console.press(&["o", "g", "g", "esc"]);
    console.effects.clear();
    console.tick(1);
    let is_asked = |effect: &&Effect| matches!(effect, Effect::LoadTemplates { .. });
    assert_eq!(console.effects.iter().filter(is_asked).count(), 1);
    console.apply(Event::Templates {
        templates: vec![
            (bottle("a-2"), String::from("rust")),
            (bottle("b-2"), String::new()),
        ],
    });
    let groups: Vec<_> = console
        .state
        .listed()
        .iter()
        .filter_map(ListRow::group)
        .collect();
    assert_eq!(groups, ["rust", "unknown"]);
    console.effects.clear();
    console.tick(1);
    assert_eq!(console.effects.iter().filter(is_asked).count(), 0);
}

/// The order is kept between runs.
#[test]
fn the_order_survives_being_written_down() {
    let mut console = three();
    console.press(&["o", "c", "o", "r", "g", "esc", "Z"]);
    let order = &console.state.view.order;
    let text = serde_json::to_string(order).unwrap();
    assert_eq!(&serde_json::from_str::<ListOrder>(&text).unwrap(), order);
    assert_eq!(
        serde_json::from_str::<ListOrder>("{}").unwrap(),
        ListOrder::default()
    );
}

proptest! {
    #[test]
    fn every_bottle_has_one_row_in_any_order(
        used in prop::collection::vec((0_u32..4, 0_u64..4), 1..12),
        sort in prop::sample::select(SortKey::ALL.to_vec()),
        is_reversed in any::<bool>(),
        grouped in 0_usize..4,
    ) {
        let bottles: Vec<_> = (0..used.len())
            .map(|at| running(&format!("{}-{at}", ["api", "docs"][at % 2]), i64::try_from(at).unwrap()))
            .collect();
        let mut console = Console::with(120, 40, bottles.clone());
        let samples = bottles.iter().zip(&used);
        let samples = samples.map(|(known, (cpu, memory))| {
            sample(known.bottle.id.as_str(), Some(*cpu * 100), *memory << 20)
        });
        console.apply(Event::Sampled { samples: samples.collect() });
        let key = ["a", "s", "n", "c", "m", "$"][SortKey::ALL.iter().position(|one| *one == sort).unwrap()];
        console.press(&["o", key]);
        if is_reversed {
            console.press(&["o", "r", "esc"]);
        }
        console.press(&["o"]);
        (0..grouped).for_each(|_| drop(console.press(&["g"])));
        console.press(&["esc"]);
        let ids = ids(&console);
        let all: BTreeSet<_> = ids.iter().cloned().collect();
        prop_assert_eq!(ids.len(), used.len());
        prop_assert_eq!(all.len(), used.len());
        let mut runs: Vec<Vec<u64>> = vec![Vec::new()];
        for row in console.state.listed() {
            let Some(name) = row.bottle() else {
                runs.push(Vec::new());
                continue;
            };
            let known = console.state.fleet.get(&name.bottle).unwrap();
            let usage = known.usage_now().unwrap();
            runs.last_mut().unwrap().push(match sort {
                SortKey::Cpu => u64::from(usage.cpu_millis.unwrap()),
                SortKey::Memory => usage.memory_bytes,
                SortKey::Age | SortKey::State | SortKey::Name | SortKey::Cost => 0,
            });
        }
        for run in runs {
            let rising: Vec<_> = run.iter().rev().copied().collect();
            let is_sorted = if is_reversed { run.is_sorted() } else { rising.is_sorted() };
            prop_assert!(is_sorted);
        }
        let before = console.state.listed().to_vec();
        (0..6).for_each(|_| console.tick(1));
        prop_assert_eq!(console.state.listed(), before, "nothing changed, nothing moves");
    }
}
