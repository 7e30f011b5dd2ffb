//! The operator's word that work is to be given up, and the moment from which it cannot
//! be. Both are one state, so that a late word is never taken for one that counts.

use tokio::sync::watch;

/// What work that was given up says of itself, to the operator and to the agent.
pub(crate) const CANCELLED: &str = "the operator cancelled it";

/// How one piece of work stands. Clones are of the same work.
#[derive(Clone, Debug)]
pub(crate) struct Cancel(watch::Sender<Standing>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    Asked,
    Past,
}

impl Cancel {
    /// Of work that can be given up still.
    pub(crate) fn new() -> Self {
        Self(watch::channel(Standing::Open).0)
    }

    /// Asks for the end; `false` if it is too late.
    pub(crate) fn ask(&self) -> bool {
        self.turn(Standing::Asked)
    }

    /// From here on it goes to its end; `false` if it is to be given up.
    pub(crate) fn pass(&self) -> bool {
        self.turn(Standing::Past)
    }

    fn turn(&self, to: Standing) -> bool {
        self.0.send_if_modified(|standing| {
            let is_open = *standing == Standing::Open;
            if is_open {
                *standing = to;
            }
            is_open
        });
        *self.0.borrow() == to
    }

    /// Of the next piece of work.
    pub(crate) fn renew(&self) {
        self.0.send_replace(Standing::Open);
    }

    /// Whether it can be given up still.
    pub(crate) fn is_open(&self) -> bool {
        *self.0.borrow() == Standing::Open
    }

    /// Whether it is to be given up.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() == Standing::Asked
    }

    /// Waits until the end is asked for. Cancel-safe.
    pub(crate) async fn asked(&self) {
        let mut heard = self.0.subscribe();
        // The sender is ours, so that it cannot be gone.
        drop(
            heard
                .wait_for(|standing| *standing == Standing::Asked)
                .await,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_first_decides() {
        let early = Cancel::new();
        assert!(early.ask() && early.ask());
        assert!(!early.pass() && early.is_asked());
        let late = Cancel::new();
        assert!(late.pass() && late.pass());
        assert!(!late.ask() && !late.is_asked() && !late.is_open());
        late.renew();
        assert!(late.is_open() && late.ask());
    }

    #[tokio::test]
    async fn the_word_is_heard_whenever_it_comes() {
        let cancel = Cancel::new();
        let (heard, ()) = tokio::join!(cancel.asked(), async { assert!(cancel.ask()) });
        assert_eq!(heard, ());
        cancel.asked().await;
    }
}
