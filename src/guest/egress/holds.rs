//! Connections and requests that wait for the operator.
//!
//! Those that one answer would serve wait together and are asked for once. Everything is
//! bounded: what finds no room is refused at once. Nothing is let through here: a wait
//! ends well only when the table in force allows what waited.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::authority::Authority;
use super::secrets::Held;
use crate::guest::runtime::Reporter;
use crate::policy::HostName;
use crate::wire::{HeldRequest, HoldEnd, HoldRecord, RoleReport};

/// Connections and requests that wait at once, of some 4 KiB each.
pub(super) const WAITING: usize = 2_560;
/// Those of them that wait for one answer, so that there is room for others.
pub(super) const WAITING_EACH: u32 = 2_000;
/// Questions that are open at once.
pub(super) const ASKED: usize = 256;
/// How long a refusal by the operator is kept, so that a client that tries again and
/// again asks nobody again.
pub(super) const REFUSED_FOR: Duration = Duration::from_mins(10);
/// Refusals that are kept.
const REFUSED: usize = 1_024;
/// What a client may send before its tunnel stands.
pub(super) const MAX_EARLY: usize = 16 * 1024;

/// What the operator is asked: may anything reach this place, or may this request?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    host: HostName,
    port: u16,
    request: Option<HeldRequest>,
}

impl Question {
    /// Asks for a host and port.
    pub(super) fn place(place: &Authority) -> Self {
        Self {
            host: place.host.clone(),
            port: place.port,
            request: None,
        }
    }

    /// Asks for one method and path there.
    pub(super) fn request(place: &Authority, request: HeldRequest) -> Self {
        Self {
            request: Some(request),
            ..Self::place(place)
        }
    }

    /// Whether it holds a secret, which must be shown to nobody.
    pub(super) fn is_secret(&self, held: &Held) -> bool {
        let path = self.request.as_ref().map(|request| &request.path);
        held.redacted_host(self.host.as_str()).is_some()
            || path.is_some_and(|path| held.redacted(path).is_some())
    }
}

/// Everything that waits.
#[derive(Debug)]
pub(super) struct Holds {
    state: Mutex<State>,
    reporter: Reporter,
}

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<Question, Hold>,
    refused: BTreeMap<Question, Instant>,
    waiting: usize,
    last: u64,
}

#[derive(Debug)]
struct Hold {
    record: HoldRecord,
    deadline: Instant,
    refused: watch::Sender<bool>,
}

/// One connection's place; giving it back tells whether it was the hold's last.
struct Place<'holds> {
    holds: &'holds Holds,
    question: Question,
    end: HoldEnd,
}

impl Holds {
    /// Holds nothing yet.
    pub(super) const fn new(reporter: Reporter) -> Self {
        Self {
            state: Mutex::new(State {
                open: BTreeMap::new(),
                refused: BTreeMap::new(),
                waiting: 0,
                last: 0,
            }),
            reporter,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `allowed`, until the operator refuses, until the time is over or until
    /// the client has `left`. The first to ask a question sets its time.
    ///
    /// [`HoldEnd::Withdrawn`] for a client that left and for one that found no room.
    pub(super) async fn wait(
        &self,
        question: &Question,
        patience: Duration,
        allowed: impl Future<Output = ()>,
        left: impl Future<Output = ()>,
    ) -> HoldEnd {
        let (deadline, mut refused) = match self.enter(question, patience) {
            Ok(entered) => entered,
            Err(end) => return end,
        };
        let mut waits = Place {
            holds: self,
            question: question.clone(),
            end: HoldEnd::Withdrawn,
        };
        waits.end = tokio::select! {
            biased;
            () = allowed => HoldEnd::Allowed,
            _ = refused.wait_for(|refused| *refused) => HoldEnd::Denied,
            () = sleep_until(deadline) => HoldEnd::Expired,
            () = left => HoldEnd::Withdrawn,
        };
        waits.end
    }

    fn enter(
        &self,
        question: &Question,
        patience: Duration,
    ) -> Result<(Instant, watch::Receiver<bool>), HoldEnd> {
        let now = Instant::now();
        let mut state = self.state();
        state.refused.retain(|_, until| *until > now);
        if state.refused.contains_key(question) {
            return Err(HoldEnd::Denied);
        }
        let waiting = state.open.get(question).map(|hold| hold.record.waiting);
        let is_new = waiting.is_none();
        let has_room = match waiting {
            Some(waiting) => waiting < WAITING_EACH,
            None => state.open.len() < ASKED,
        };
        if state.waiting >= WAITING || !has_room {
            return Err(HoldEnd::Withdrawn);
        }
        state.waiting += 1;
        state.last += u64::from(is_new);
        let id = state.last;
        let hold = state.open.entry(question.clone()).or_insert_with(|| {
            let at = Timestamp::now();
            let wait = SignedDuration::try_from(patience).unwrap_or(SignedDuration::ZERO);
            Hold {
                record: HoldRecord {
                    id,
                    at,
                    until: at.checked_add(wait).unwrap_or(Timestamp::MAX),
                    host: question.host.to_string(),
                    port: question.port,
                    waiting: 0,
                    request: question.request.clone(),
                },
                deadline: now + patience,
                refused: watch::Sender::new(false),
            }
        });
        hold.record.waiting = hold.record.waiting.saturating_add(1);
        let entered = (hold.deadline, hold.refused.subscribe());
        let hold = hold.record.clone();
        drop(state);
        self.reporter.tell(RoleReport::Held { hold });
        Ok(entered)
    }

    /// Refuses what waits under this number, and the same again for a while.
    pub(super) fn refuse(&self, id: u64) {
        let mut state = self.state();
        let Some(question) = state
            .open
            .iter()
            .find(|(_, hold)| hold.record.id == id)
            .map(|(question, hold)| {
                hold.refused.send_replace(true);
                question.clone()
            })
        else {
            return;
        };
        if state.refused.len() >= REFUSED {
            state.refused.pop_first();
        }
        state.refused.insert(question, Instant::now() + REFUSED_FOR);
    }

    /// Whether nothing waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.state().open.is_empty()
    }

    /// What is asked now.
    #[cfg(test)]
    pub(super) fn open(&self) -> Vec<HoldRecord> {
        let state = self.state();
        let open = state.open.values().map(|hold| hold.record.clone());
        open.collect()
    }

    /// Forgets refusals: a new table of routes is a new word of the operator's.
    pub(super) fn forget_refusals(&self) {
        self.state().refused.clear();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.holds.state();
        state.waiting = state.waiting.saturating_sub(1);
        let Some(hold) = state.open.get_mut(&self.question) else {
            return;
        };
        hold.record.waiting = hold.record.waiting.saturating_sub(1);
        let report = if hold.record.waiting == 0 {
            let id = hold.record.id;
            state.open.remove(&self.question);
            RoleReport::HoldOver { id, how: self.end }
        } else {
            let hold = hold.record.clone();
            RoleReport::Held { hold }
        };
        drop(state);
        self.holds.reporter.tell(report);
    }
}

/// Ends when the client goes away; what it sends meanwhile is kept in `early`.
pub(super) async fn left<S: AsyncRead + Unpin>(client: &mut S, early: &mut Vec<u8>) {
    while early.len() < MAX_EARLY {
        if !matches!(client.read_buf(early).await, Ok(1..)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(2);

    fn place(port: u16) -> Question {
        Question {
            host: HostName::parse("a.example").unwrap(),
            port,
            request: None,
        }
    }

    fn request(path: &str) -> Question {
        let request = HeldRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
        };
        Question {
            request: Some(request),
            ..place(443)
        }
    }

    fn held(holds: &Holds) -> Vec<(u64, u32)> {
        let state = holds.state();
        let records = state.open.values().map(|hold| &hold.record);
        records.map(|record| (record.id, record.waiting)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_answers_is_refused_when_its_time_is_over() {
        let holds = Holds::new(Reporter::default());
        let begun = Instant::now();
        let end = holds
            .wait(&place(443), PATIENCE, pending(), pending())
            .await;
        assert_eq!((end, begun.elapsed()), (HoldEnd::Expired, PATIENCE));
        assert_eq!(held(&holds), []);
    }

    /// Who comes later waits for the same answer, and no longer than the first.
    #[tokio::test(start_paused = true)]
    async fn connections_to_one_place_wait_together() {
        let holds = Holds::new(Reporter::default());
        let (here, begun) = (place(443), Instant::now());
        let later = async {
            tokio::time::sleep(Duration::from_secs(100)).await;
            holds.wait(&here, PATIENCE, pending(), pending()).await
        };
        let look = async {
            tokio::time::sleep(Duration::from_secs(110)).await;
            held(&holds)
        };
        let first = holds.wait(&here, PATIENCE, pending(), pending());
        let (first, later, seen) = tokio::join!(first, later, look);
        assert_eq!((first, later), (HoldEnd::Expired, HoldEnd::Expired));
        assert_eq!(seen, [(1, 2)]);
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_counts_for_those_who_try_again_until_it_is_forgotten() {
        let holds = Holds::new(Reporter::default());
        let (here, other) = (place(443), place(80));
        let refuse = async {
            tokio::task::yield_now().await;
            holds.refuse(1);
        };
        let first = holds.wait(&here, PATIENCE, pending(), pending());
        let (end, ()) = tokio::join!(first, refuse);
        assert_eq!(end, HoldEnd::Denied);
        let begun = Instant::now();
        let again = || holds.wait(&here, PATIENCE, pending(), pending());
        assert_eq!(again().await, HoldEnd::Denied);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let end = holds.wait(&other, PATIENCE, pending(), pending()).await;
        assert_eq!(end, HoldEnd::Expired, "another port is another question");
        holds.forget_refusals();
        assert_eq!(again().await, HoldEnd::Expired);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_ends_by_itself() {
        let holds = Holds::new(Reporter::default());
        let here = place(443);
        let refuse = async {
            tokio::task::yield_now().await;
            holds.refuse(1);
        };
        tokio::join!(holds.wait(&here, PATIENCE, pending(), pending()), refuse);
        tokio::time::sleep(REFUSED_FOR).await;
        let end = holds.wait(&here, PATIENCE, pending(), pending()).await;
        assert_eq!(end, HoldEnd::Expired);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_or_is_allowed_waits_no_more_and_a_cut_off_wait_leaves_nothing() {
        let holds = Holds::new(Reporter::default());
        let here = place(443);
        let now = std::future::ready(());
        let end = holds.wait(&here, PATIENCE, pending(), now).await;
        assert_eq!(end, HoldEnd::Withdrawn);
        let now = std::future::ready(());
        let end = holds.wait(&here, PATIENCE, now, pending()).await;
        assert_eq!(end, HoldEnd::Allowed);
        let cut = holds.wait(&here, PATIENCE, pending(), pending());
        assert!(
            tokio::time::timeout(Duration::from_secs(1), cut)
                .await
                .is_err()
        );
        assert_eq!(held(&holds), []);
        assert_eq!(holds.state().waiting, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_refused_at_once() {
        let holds = Holds::new(Reporter::default());
        for port in 0..u16::try_from(ASKED).unwrap() {
            let entered = holds.enter(&place(port), PATIENCE);
            assert!(entered.is_ok());
        }
        let end = holds
            .wait(&place(60_000), PATIENCE, pending(), pending())
            .await;
        assert_eq!(end, HoldEnd::Withdrawn);
        assert!(
            holds.enter(&place(3), PATIENCE).is_ok(),
            "one more waits along"
        );
        let mut waiting = ASKED + 1;
        for port in [3, 4] {
            let same = || holds.enter(&place(port), PATIENCE).is_ok();
            waiting += std::iter::repeat_with(same)
                .take_while(|took| *took)
                .count();
            assert!(waiting < WAITING || port == 4, "others have room");
        }
        assert_eq!(waiting, WAITING);
    }

    #[tokio::test(start_paused = true)]
    async fn another_request_is_another_question() {
        let holds = Holds::new(Reporter::default());
        let (place, one, other) = (place(443), request("/one"), request("/other"));
        let ask = |question| holds.wait(question, PATIENCE, pending(), pending());
        let answer = async {
            tokio::task::yield_now().await;
            assert_eq!(held(&holds), [(1, 1), (2, 2), (3, 1)]);
            holds.refuse(2);
        };
        let ends = tokio::join!(ask(&place), ask(&one), ask(&one), ask(&other), answer);
        let ends = [ends.0, ends.1, ends.2, ends.3];
        let (denied, expired) = (HoldEnd::Denied, HoldEnd::Expired);
        assert_eq!(ends, [expired, denied, denied, expired]);
        assert_eq!(ask(&one).await, denied);
    }

    #[tokio::test]
    async fn what_a_client_sends_early_is_kept() {
        let (mut client, mut end) = tokio::io::duplex(64);
        let mut early = Vec::new();
        tokio::io::AsyncWriteExt::write_all(&mut client, b"hello")
            .await
            .unwrap();
        drop(client);
        left(&mut end, &mut early).await;
        assert_eq!(early, b"hello");
    }
}
