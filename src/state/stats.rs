//! What bottles use of their machine, as it was last read, and over the last minutes.
//!
//! Numbers are of the engine, tokens and cost of the bottle's own egress. What does not
//! run, or is frozen, uses nothing and is not asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::cost::{Cost, short};
use super::ring::Ring;
use super::sighting::BottleRef;
use crate::policy::Prices;
use crate::wire::Role;

/// Points kept of one bottle.
const POINTS: usize = 60;

/// What one container uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerUse {
    /// Thousandths of one CPU; unknown at the first sample.
    pub cpu_millis: Option<u32>,
    /// Memory without the page cache that could be dropped.
    pub memory_bytes: u64,
    /// How much it may be; 0 is no limit that is known.
    pub memory_limit_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Bytes that came in since its start.
    pub received_bytes: u64,
    /// Bytes that went out since its start.
    pub sent_bytes: u64,
    /// Bytes that came in a second; unknown at the first sample.
    pub received_per_second: Option<u64>,
    /// Bytes that went out a second; unknown at the first sample.
    pub sent_per_second: Option<u64>,
}

/// What the containers of one bottle use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottleSample {
    /// The bottle.
    pub bottle: BottleRef,
    /// Its containers, those that could be read.
    pub containers: BTreeMap<Role, ContainerUse>,
}

/// What a bottle used at one moment. Rates and sums that do not fit are the most that
/// does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsPoint {
    /// When, in seconds since 1970.
    pub second: i64,
    /// Thousandths of one CPU.
    pub cpu_millis: u32,
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Bytes that came in a second.
    pub received: u32,
    /// Bytes that went out a second.
    pub sent: u32,
    /// All that was spent up to then, in hundredths of a dollar.
    pub cents: u32,
    /// All tokens up to then.
    pub tokens: u64,
}

/// What a bottle uses and used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Its containers, as they were last read.
    pub containers: BTreeMap<Role, ContainerUse>,
    /// When that was.
    pub read_at: Option<Timestamp>,
    /// The last minutes.
    pub history: Ring<StatsPoint>,
}

impl Stats {
    /// Whether nothing was read yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.read_at.is_none()
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            containers: BTreeMap::new(),
            read_at: None,
            history: Ring::new(POINTS),
        }
    }
}

/// What a bottle uses now, all its containers together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottleUse {
    /// Thousandths of one CPU; unknown until two samples were taken.
    pub cpu_millis: Option<u32>,
    /// Memory.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Bytes that came in a second, by its egress.
    pub received_per_second: Option<u64>,
    /// Bytes that went out a second, by its egress.
    pub sent_per_second: Option<u64>,
}

impl BottleUse {
    /// All of several together.
    #[must_use]
    pub fn of<'a>(containers: impl Iterator<Item = &'a ContainerUse>) -> Self {
        containers.map(Self::from).fold(Self::default(), Self::and)
    }

    /// Adds what others use.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cpu_millis: added(self.cpu_millis, other.cpu_millis, u32::saturating_add),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
            pids: self.pids.saturating_add(other.pids),
            received_per_second: added(
                self.received_per_second,
                other.received_per_second,
                u64::saturating_add,
            ),
            sent_per_second: added(
                self.sent_per_second,
                other.sent_per_second,
                u64::saturating_add,
            ),
        }
    }

    /// The CPU in words; empty while it is unknown.
    #[must_use]
    pub fn cpu_words(&self) -> String {
        self.cpu_millis.map_or_else(String::new, cpu_words)
    }
}

impl From<&ContainerUse> for BottleUse {
    fn from(one: &ContainerUse) -> Self {
        Self {
            cpu_millis: one.cpu_millis,
            memory_bytes: one.memory_bytes,
            pids: one.pids,
            received_per_second: one.received_per_second,
            sent_per_second: one.sent_per_second,
        }
    }
}

/// A sum of which a part may be unknown.
fn added<T>(one: Option<T>, other: Option<T>, add: fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(add(one, other)),
        (one, other) => one.or(other),
    }
}

/// Thousandths of a CPU as per cent of one, in at most five characters.
#[must_use]
pub fn cpu_words(millis: u32) -> String {
    if millis < 100 {
        return format!("{}.{}%", millis / 10, millis % 10);
    }
    let percent = u64::from(millis) / 10;
    if percent < 10_000 {
        format!("{percent}%")
    } else {
        format!("{}%", short(percent))
    }
}

/// Bytes in binary units, in at most five characters such as `1.2G`, as engines and the
/// kernel count memory.
#[must_use]
pub fn memory_words(bytes: u64) -> String {
    const LETTERS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1_024 {
        return format!("{bytes}B");
    }
    let mut scale: u64 = 1_024;
    let mut letters = LETTERS.iter();
    let mut letter = letters.next();
    while bytes / scale >= 1_000
        && let Some(next) = letters.next()
    {
        scale = scale.saturating_mul(1_024);
        letter = Some(next);
    }
    let letter = letter.copied().unwrap_or_default();
    let tenths = u128::from(bytes) * 10 / u128::from(scale);
    if tenths < 100 {
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    } else {
        format!("{}{letter}", tenths / 10)
    }
}

/// Bytes a second in words, such as `12kB/s`; empty while it is unknown.
#[must_use]
pub fn rate_words(rate: Option<u64>) -> String {
    rate.map_or_else(String::new, |rate| format!("{}B/s", short(rate)))
}

impl Bottle {
    /// What it uses now; `None` if none of its containers runs, or none was read yet.
    #[must_use]
    pub fn usage_now(&self) -> Option<BottleUse> {
        let mut containers = self.running_use().peekable();
        containers.peek()?;
        Some(BottleUse::of(containers.map(|(_, one)| one)))
    }

    /// What its containers use that run.
    pub fn running_use(&self) -> impl Iterator<Item = (Role, &ContainerUse)> {
        let containers = self.stats.containers.iter();
        containers
            .filter(|(role, _)| self.runs(**role))
            .map(|(role, one)| (*role, one))
    }

    /// Whether there is anything to sample: stopped and frozen containers use nothing.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        Role::ALL.into_iter().any(|role| self.runs(role))
    }

    /// What it cost by these prices; `None` if no model said anything.
    #[must_use]
    pub fn cost(&self, prices: &Prices) -> Option<Cost> {
        let usage = self.hub.usage.as_ref()?;
        (!usage.models.is_empty()).then(|| Cost::of(usage, prices))
    }

    /// Takes a sample.
    pub(super) fn take_sample(
        &mut self,
        now: Timestamp,
        containers: BTreeMap<Role, ContainerUse>,
        prices: &Prices,
    ) {
        let sum = BottleUse::of(containers.values());
        let cents = self.cost(prices).map_or(0, |cost| cost.cents);
        let tokens = self.hub.usage.as_ref();
        let tokens = tokens.map_or(0, |usage| usage.tokens().total());
        let rate = |rate: Option<u64>| at_most(rate.unwrap_or(0));
        // Without a rate there is nothing to draw.
        if let Some(cpu_millis) = sum.cpu_millis {
            self.stats.history.push(StatsPoint {
                second: now.as_second(),
                cpu_millis,
                memory_kib: at_most(sum.memory_bytes / 1_024),
                received: rate(sum.received_per_second),
                sent: rate(sum.sent_per_second),
                cents: at_most(cents),
                tokens,
            });
        }
        self.stats.containers = containers;
        self.stats.read_at = Some(now);
    }
}

fn at_most(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1_024 * 1_024;

    #[test]
    fn words_fit_their_columns() {
        let cpu = [0, 7, 99, 100, 999, 12_345, u32::MAX].map(cpu_words);
        assert_eq!(
            cpu,
            ["0.0%", "0.7%", "9.9%", "10%", "99%", "1234%", "429M%"]
        );
        let memory = [0, 1_023, 1_024, 84 * MIB, 999 * MIB, 1_000 * MIB, u64::MAX];
        assert_eq!(
            memory.map(memory_words),
            ["0B", "1023B", "1.0K", "84M", "999M", "0.9G", "15E"]
        );
        assert_eq!(rate_words(Some(1_234)), "1.2kB/s");
        assert_eq!(rate_words(None), "");
    }

    #[test]
    fn a_sum_is_known_as_far_as_its_parts_are() {
        let known = ContainerUse {
            cpu_millis: Some(5),
            memory_bytes: 7,
            pids: 1,
            ..ContainerUse::default()
        };
        let first = ContainerUse {
            memory_bytes: u64::MAX,
            ..ContainerUse::default()
        };
        let sum = BottleUse::of([known, first].iter());
        assert_eq!((sum.cpu_millis, sum.memory_bytes), (Some(5), u64::MAX));
        assert_eq!(BottleUse::of([].iter()).cpu_millis, None);
    }
}
