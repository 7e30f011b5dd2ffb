//! From two samples to what is used a second. Counters that went back, because the
//! container started again, and samples without time between them give no rate.

use std::time::Duration;

use crate::docker::model::StatsSample;
use crate::state::ContainerUse;

/// What a container uses by its last sample, and by the one before, which is so old.
pub(super) fn usage(before: Option<&(Duration, StatsSample)>, now: &StatsSample) -> ContainerUse {
    let rate = |of: fn(&StatsSample) -> u64| {
        before.and_then(|(elapsed, before)| a_second(of(before), of(now), *elapsed))
    };
    ContainerUse {
        cpu_millis: before.and_then(|(_, before)| cpu_millis(before, now)),
        memory_bytes: now.memory_bytes,
        memory_limit_bytes: now.memory_limit_bytes,
        pids: now.pids,
        received_bytes: now.received_bytes,
        sent_bytes: now.sent_bytes,
        received_per_second: rate(|sample| sample.received_bytes),
        sent_per_second: rate(|sample| sample.sent_bytes),
    }
}

/// Thousandths of one CPU between two samples, as `docker stats` counts: the share of
/// the machine's time, times its CPUs.
fn cpu_millis(before: &StatsSample, now: &StatsSample) -> Option<u32> {
    let used = now.cpu_nanos.checked_sub(before.cpu_nanos)?;
    let passed = now.system_nanos.checked_sub(before.system_nanos)?;
    let most = u64::from(now.cpus.max(1)) * 1_000;
    let share = u128::from(used) * u128::from(most);
    let share = share.checked_div(u128::from(passed))?;
    // Two clocks that are read one after the other may give a little more than all.
    u32::try_from(share.min(u128::from(most))).ok()
}

fn a_second(before: u64, now: u64, elapsed: Duration) -> Option<u64> {
    let more = u128::from(now.checked_sub(before)?);
    let rate = (more * 1_000_000_000).checked_div(elapsed.as_nanos())?;
    u64::try_from(rate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn sample(cpu_nanos: u64, system_nanos: u64, cpus: u32) -> StatsSample {
        StatsSample {
            cpu_nanos,
            system_nanos,
            cpus,
            memory_bytes: 0,
            memory_limit_bytes: 0,
            pids: 0,
            received_bytes: 0,
            sent_bytes: 0,
        }
    }

    #[test]
    fn the_share_of_the_cpu_follows_from_two_samples() {
        for (name, before, now, expected) in [
            (
                "half of one of one",
                (0, 0, 1),
                (SECOND / 2, SECOND, 1),
                Some(500),
            ),
            (
                "one of two",
                (0, 0, 2),
                (SECOND, 2 * SECOND, 2),
                Some(1_000),
            ),
            (
                "both of two",
                (5, 7, 2),
                (2 * SECOND + 5, 2 * SECOND + 7, 2),
                Some(2_000),
            ),
            ("nothing", (9, 0, 4), (9, 4 * SECOND, 4), Some(0)),
            (
                "a counter that began again",
                (9, 0, 1),
                (8, SECOND, 1),
                None,
            ),
            ("a machine that began again", (0, 9, 1), (1, 8, 1), None),
            ("no time between them", (0, 5, 1), (1, 5, 1), None),
            (
                "an engine that says no CPUs",
                (0, 0, 0),
                (SECOND / 4, SECOND, 0),
                Some(250),
            ),
            (
                "more than all",
                (0, 0, 1),
                (3 * SECOND, SECOND, 1),
                Some(1_000),
            ),
            (
                "the largest numbers",
                (0, 0, u32::MAX),
                (u64::MAX, u64::MAX, u32::MAX),
                None,
            ),
        ] {
            let of = |(cpu, system, cpus)| sample(cpu, system, cpus);
            let found = cpu_millis(&of(before), &of(now));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn bytes_a_second_need_time_and_a_counter_that_grows() {
        let second = Duration::from_secs(1);
        for (before, now, elapsed, expected) in [
            (0, 10, second, Some(10)),
            (0, 10, second * 2, Some(5)),
            (10, 10, second, Some(0)),
            (10, 9, second, None),
            (0, 10, Duration::ZERO, None),
            (0, u64::MAX, second, Some(u64::MAX)),
        ] {
            assert_eq!(a_second(before, now, elapsed), expected, "{before} {now}");
        }
    }

    #[test]
    fn the_first_sample_has_no_rates() {
        let first = usage(None, &sample(5, 5, 1));
        assert_eq!((first.cpu_millis, first.received_per_second), (None, None));
    }
}
