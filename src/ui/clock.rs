//! Times of day on the operator's clock.

use crate::state::State;

/// A time of day to the minute.
pub(super) fn minutes(state: &State, at: jiff::Timestamp) -> String {
    let (hours, minutes, _) = of_day(state, at);
    format!("{hours:02}:{minutes:02}")
}

/// A time of day to the second.
pub(super) fn seconds(state: &State, at: jiff::Timestamp) -> String {
    let (hours, minutes, seconds) = of_day(state, at);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

fn of_day(state: &State, at: jiff::Timestamp) -> (u64, u64, u64) {
    const DAY: i64 = 24 * 60 * 60;
    let local = at
        .as_second()
        .saturating_add(i64::from(state.utc_offset_seconds));
    let second = u64::try_from(local.rem_euclid(DAY)).unwrap_or(0);
    (second / 3_600, second / 60 % 60, second % 60)
}
