//! What of logs that go on is taken at once: all that is there, written and shown
//! together. The engine's client hands it on in bursts, a few times a second.

use futures_util::stream::BoxStream;
use futures_util::stream::SelectAll;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::app::follow::Pieces;
use crate::state::Role;

/// Lines that are taken at once.
const MOST_LINES: usize = 2_048;
/// Times that others may run before a log counts as read to its end: the connection
/// hands on one piece each time.
const TURNS: usize = 3;

/// Takes what else is there already, after the first pieces. Never waits for what is to
/// come. Not cancel-safe: what was taken is lost.
pub(super) async fn gather(
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
            None | Some(None) => break,
        }
    }
    pieces
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

    #[tokio::test]
    async fn what_is_there_is_taken_at_once_and_nothing_is_waited_for() {
        let gathered = gather(&mut live(7, 3), Vec::new()).await;
        assert_eq!(gathered.len(), 21);
    }

    #[tokio::test]
    async fn a_log_that_pours_is_taken_in_parts() {
        let gathered = gather(&mut live(100, 256), Vec::new()).await;
        assert_eq!(gathered.len(), MOST_LINES);
    }
}
