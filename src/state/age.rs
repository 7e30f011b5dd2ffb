//! Ages in words, coarse on purpose: a text that changes less often is drawn less
//! often, and nobody acts on the second.

use jiff::Timestamp;

/// How long ago `then` was, at most three characters wide, such as `40s`, `5m`, `3h`,
/// `12d`; `now` below ten seconds, and for a clock that runs ahead of ours.
#[must_use]
pub fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = coarse(now, then);
    match seconds {
        0 => String::from("now"),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400.. => format!("{}d", (seconds / 86_400).min(999)),
        i64::MIN..0 => String::new(),
    }
}

/// The age in seconds, rounded down to what [`age`] shows.
pub(super) fn coarse(now: Timestamp, then: Timestamp) -> i64 {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => seconds / 10 * 10,
        60..3_600 => seconds / 60 * 60,
        3_600..86_400 => seconds / 3_600 * 3_600,
        _ => seconds / 86_400 * 86_400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_coarse() {
        let then = Timestamp::UNIX_EPOCH;
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seconds, words) in [
            (0, "now"),
            (9, "now"),
            (10, "10s"),
            (59, "50s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_400, "1d"),
        ] {
            assert_eq!(age(at(seconds), then), words);
        }
        assert_eq!(age(then, at(5)), "now", "a guest's clock may run ahead");
        assert_eq!(age(Timestamp::MAX, Timestamp::MIN), "999d");
    }
}
