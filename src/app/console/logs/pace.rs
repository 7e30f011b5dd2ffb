//! How often a log that goes on is looked at: what comes within one frame of the screen
//! is taken, written and shown together, and a log that pours is read without a rest.
//!
//! A wake-up, a write to the disk and a frame for each line would cost a tenth of a core
//! at a few hundred lines a second.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::stream::SelectAll;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::Instant;

use crate::app::follow::Pieces;
use crate::state::Role;

/// How long nothing is read after all that was there was read.
const REST: Duration = Duration::from_millis(45);
/// Lines that are taken at once; what is behind them is read without a rest.
const MOST_LINES: usize = 2_048;
/// Times that others may run before a log counts as read to its end: the connection
/// hands on one piece each time.
const TURNS: usize = 3;

/// When the log is read again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    until: Option<Instant>,
}

impl Pace {
    /// Whether nothing is read for now.
    pub(super) const fn rests(self) -> bool {
        self.until.is_some()
    }

    /// Waits until the rest is over; at once if there is none. Cancel-safe.
    pub(super) async fn rest(self) {
        if let Some(until) = self.until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// The rest is over.
    pub(super) const fn go_on(&mut self) {
        self.until = None;
    }

    /// Takes what else is there already, after the first pieces, and rests if that was
    /// all. Never waits for what is to come. Not cancel-safe: what was taken is lost.
    pub(super) async fn gather(
        &mut self,
        live: &mut SelectAll<BoxStream<'static, Pieces<Role>>>,
        mut pieces: Pieces<Role>,
    ) -> Pieces<Role> {
        let mut turns = TURNS;
        while pieces.len() < MOST_LINES {
            match live.next().now_or_never() {
                Some(Some(more)) => {
                    pieces.extend(more);
                    turns = TURNS;
                }
                None if turns > 0 => {
                    turns -= 1;
                    tokio::task::yield_now().await;
                }
                None | Some(None) => {
                    self.until = Some(Instant::now() + REST);
                    break;
                }
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::app::follow::Piece;

    fn live(batches: usize, of: usize) -> SelectAll<BoxStream<'static, Pieces<Role>>> {
        // Between two batches it is not ready once, as a connection is.
        let batches = stream::iter(0..batches).then(move |_| async move {
            tokio::task::yield_now().await;
            (0..of).map(|_| Piece::Ended(Role::Agent)).collect()
        });
        [batches.chain(stream::pending()).boxed()]
            .into_iter()
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_is_taken_at_once_and_then_nothing_for_a_frame() {
        let mut pace = Pace::default();
        let gathered = pace.gather(&mut live(7, 3), Vec::new()).await;
        assert_eq!(gathered.len(), 21);
        assert!(pace.rests());
        let begin = Instant::now();
        pace.rest().await;
        assert_eq!(begin.elapsed(), REST);
        pace.go_on();
        assert!(!pace.rests());
    }

    #[tokio::test(start_paused = true)]
    async fn a_log_that_pours_is_read_without_a_rest() {
        let mut pace = Pace::default();
        let mut pouring = live(100, 256);
        let gathered = pace.gather(&mut pouring, Vec::new()).await;
        assert_eq!(gathered.len(), MOST_LINES);
        assert!(!pace.rests());
    }
}
