//! Recorded runs: one event a line, and the state that they end in as a snapshot.

use super::super::fixture::*;
use super::super::*;

fn replay(recording: &str) -> (State, Vec<Effect>) {
    let mut state = Console::new(120, 40).state;
    let mut effects = Vec::new();
    for (at, line) in recording.lines().enumerate() {
        let event: Event =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", at + 1));
        effects.extend(state.apply(event));
    }
    (state, effects)
}

/// A start from the picker, an attach, a detach and a stop, as recorded.
#[test]
fn a_bottles_life_ends_in_the_same_state() {
    let (state, effects) = replay(include_str!("replays/life.jsonl"));
    let effects: Vec<String> = effects
        .iter()
        .map(|effect| serde_json::to_string(effect).unwrap())
        .collect();
    insta::assert_snapshot!("life_effects", effects.join("\n"));
    insta::assert_snapshot!("life_state", serde_json::to_string_pretty(&state).unwrap());
}
