//! How often one agent may call: a bucket that fills with time.

use std::time::Duration;

use tokio::time::Instant;

/// Calls that may come at once.
const BURST: u32 = 60;
/// How long one call takes to come back.
const PACE: Duration = Duration::from_millis(250);

/// The calls of one bottle.
#[derive(Debug)]
pub(super) struct Flood {
    /// When the bucket is full again.
    full_at: Instant,
}

impl Flood {
    /// A full bucket.
    pub(super) const fn new(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Takes one call; if there is none, says after which time there is.
    pub(super) fn take(&mut self, now: Instant) -> Option<Duration> {
        let owed = self.full_at.saturating_duration_since(now);
        let most = PACE * (BURST - 1);
        if owed > most {
            return Some(owed.saturating_sub(most));
        }
        self.full_at = now + owed + PACE;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_a_steady_pace() {
        let start = Instant::now();
        let mut flood = Flood::new(start);
        for _ in 0..BURST {
            assert_eq!(flood.take(start), None);
        }
        assert_eq!(flood.take(start), Some(PACE));
        assert_eq!(flood.take(start + PACE), None);
        assert_eq!(flood.take(start + PACE), Some(PACE));
        let later = start + PACE * BURST * 3;
        for _ in 0..BURST {
            assert_eq!(flood.take(later), None);
        }
        assert!(flood.take(later).is_some(), "it is never more than full");
    }
}
