//! The clock that budgets go by: seconds that only ever grow, whatever anybody sets the
//! clock on the wall to.
//!
//! Within one boot of the machine, lives of the sidecar and their gaps alike are measured
//! by the kernel's own count since that boot, suspension included. Only over a reboot
//! nothing else than the clock on the wall knows how long the machine was off; one that
//! went back there stands still.

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Where the kernel names the boot; a container sees its machine's.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Reads the time since a boot.
pub(in super::super) struct Clock {
    boot: Option<String>,
    uptime: Box<dyn Fn() -> u64 + Send + Sync>,
}

/// Where the clocks stood when the ledger was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// The ledger's own time.
    pub(super) time: u64,
    /// Which boot it was, if the kernel says.
    boot: Option<String>,
    /// Seconds since that.
    uptime: u64,
    wall: Timestamp,
}

impl Clock {
    /// The kernel's.
    pub(in super::super) fn of_kernel() -> Self {
        let boot = std::fs::read_to_string(BOOT_ID).ok();
        Self {
            boot: boot.map(|text| text.trim().to_owned()),
            uptime: Box::new(|| {
                let time = clock_gettime(ClockId::Boottime);
                u64::try_from(time.tv_sec).unwrap_or(0)
            }),
        }
    }

    /// One that a test turns.
    #[cfg(test)]
    pub(in super::super) fn of_test(
        boot: &str,
        uptime: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            boot: Some(boot.to_owned()),
            uptime: Box::new(uptime),
        }
    }

    /// Seconds since the boot.
    pub(super) fn uptime(&self) -> u64 {
        (self.uptime)()
    }

    /// Where it stands.
    pub(super) fn stamp(&self, time: u64, wall: Timestamp) -> Stamp {
        Stamp {
            time,
            boot: self.boot.clone(),
            uptime: self.uptime(),
            wall,
        }
    }

    /// The ledger's time now, if it was `then`.
    pub(super) fn time_since(&self, then: &Stamp, wall: Timestamp) -> u64 {
        let is_same_boot = self.boot.is_some() && self.boot == then.boot;
        let passed = if is_same_boot {
            self.uptime().saturating_sub(then.uptime)
        } else {
            u64::try_from(wall.duration_since(then.wall).as_secs()).unwrap_or(0)
        };
        then.time.saturating_add(passed)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock")
            .field("boot", &self.boot)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    proptest! {
        /// Within one boot no jump of the clock on the wall counts, either way.
        #[test]
        fn what_is_set_on_the_wall_does_not_count(
            time in 0u64..1_000_000, uptime in 0u64..1_000_000, passed in 0u64..1_000_000,
            before in 0i64..4_000_000_000, after in 0i64..4_000_000_000,
        ) {
            let then = Clock::of_test("one", move || uptime).stamp(time, at(before));
            let now = Clock::of_test("one", move || uptime + passed);
            prop_assert_eq!(now.time_since(&then, at(after)), time + passed);
        }

        /// It never goes back, not even over a reboot with a clock that did.
        #[test]
        fn time_never_goes_back(
            time in 0u64..1_000_000, uptime in 0u64..1_000_000, now in 0u64..1_000_000,
            before in 0i64..4_000_000_000, after in 0i64..4_000_000_000, same in any::<bool>(),
        ) {
            let then = Clock::of_test("one", move || uptime).stamp(time, at(before));
            let clock = Clock::of_test(if same { "one" } else { "two" }, move || now);
            prop_assert!(clock.time_since(&then, at(after)) >= time);
        }
    }

    #[test]
    fn the_kernels_clock_names_its_boot_and_runs() {
        let clock = Clock::of_kernel();
        assert!(clock.boot.as_ref().is_some_and(|boot| boot.len() == 36));
        assert!(clock.uptime() > 0);
    }

    #[test]
    fn over_a_reboot_the_wall_tells() {
        let then = Clock::of_test("one", || 5_000).stamp(100, at(1_000));
        let now = Clock::of_test("two", || 10);
        assert_eq!(now.time_since(&then, at(1_600)), 700);
        assert_eq!(now.time_since(&then, at(900)), 100);
    }
}
