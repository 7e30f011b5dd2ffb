//! Asking for one yes to several requests, and what came of each.

use std::collections::BTreeSet;

use super::scroll::{moved, wrapped};
use crate::request::{Ask, RequestState};
use crate::state::approvals::{Approvals, Approving, Stamp};
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::AnswerResult;
use crate::state::inbox::{Looked, RequestRef};
use crate::state::sighting::BottleRef;
use crate::state::view::Modal;

/// Rows around the lines of the question.
const FRAME: usize = 4;

impl State {
    /// Asks for a yes to all that the bottles that a command is about ask for. Whether
    /// there is anything.
    pub(super) fn approve_targets(&mut self, effects: &mut Vec<Effect>) -> bool {
        let asked = |bottle: &BottleRef| {
            let known = self.fleet.get(bottle)?;
            let mut asked: Vec<u64> = known.pending().map(|one| one.id).collect();
            asked.sort_unstable();
            Some((bottle.clone(), asked))
        };
        let targets = self.targets();
        let asked = targets.iter().filter_map(asked);
        let requests = asked.flat_map(|(bottle, asked)| {
            asked.into_iter().map(move |id| RequestRef {
                bottle: bottle.clone(),
                id,
            })
        });
        let requests: Vec<RequestRef> = requests.collect();
        self.approve_these(requests, effects)
    }

    /// Asks for a yes to these. Whether there is any.
    pub(super) fn approve_these(
        &mut self,
        requests: Vec<RequestRef>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if requests.is_empty() {
            return false;
        }
        let mut approvals = Approvals::default();
        for request in requests {
            let Some(record) = self.request(&request) else {
                continue;
            };
            let (ask, what) = (&record.ask, record.ask.words());
            if !ask.changes_the_bottle() {
                approvals.questions += 1;
            } else if self.view.inbox.busy.contains(&request) {
                approvals.set_apart(request, what, String::from("its answer is on its way"));
            } else if let Some(why) = self.is_busy_for(&request.bottle, ask) {
                approvals.set_apart(request, what, why);
            } else {
                approvals.wanted.push((request, None));
            }
        }
        self.look_at_all(&mut approvals, effects);
        self.open(Modal::ApproveAll {
            approvals: Box::new(approvals),
            scroll: 0,
        });
        true
    }

    /// Routes can be changed while something is done to a bottle; a second image cannot.
    fn is_busy_for(&self, bottle: &BottleRef, ask: &Ask) -> Option<String> {
        let operation = self.fleet.get(bottle)?.operation.as_ref()?;
        let is_of_routes = matches!(ask, Ask::Route(_) | Ask::ScanPass(_));
        (!is_of_routes).then(|| format!("wait for the {} to end", operation.kind.verb()))
    }

    /// Has all of it looked up, as it stands now.
    fn look_at_all(&mut self, approvals: &mut Approvals, effects: &mut Vec<Effect>) {
        let wanted = std::mem::take(&mut approvals.wanted);
        for (request, _) in wanted {
            match self.request(&request).map(|record| &record.state) {
                Some(RequestState::Pending) => {
                    let stamp = self.stamp_of(&request);
                    approvals.wanted.push((request, stamp));
                }
                Some(state) => {
                    let why = format!("it is {} meanwhile", state.word());
                    let what = self.request(&request).map(|record| record.ask.words());
                    approvals.set_apart(request, what.unwrap_or_default(), why);
                }
                None => approvals.set_apart(request, String::new(), String::from("it is gone")),
            }
        }
        let left = &approvals.wanted;
        approvals
            .entries
            .retain(|entry| left.iter().any(|(one, _)| *one == entry.shown.request));
        approvals.is_looking = !approvals.wanted.is_empty();
        if !approvals.is_looking {
            return;
        }
        self.approval_tickets += 1;
        approvals.ticket = self.approval_tickets;
        let requests = approvals.wanted.iter().map(|(one, _)| one.clone());
        effects.push(Effect::LookAtMany {
            ticket: approvals.ticket,
            requests: requests.collect(),
        });
    }

    fn stamp_of(&self, request: &RequestRef) -> Stamp {
        let known = self.fleet.get(&request.bottle)?;
        let record = known.hub.requests.get(&request.id)?;
        let is_pending = matches!(record.state, RequestState::Pending);
        let routes = known.hub.routes.as_ref();
        let table = routes.map_or(0, |there| there.generation);
        Some((record.digest, is_pending, table))
    }

    /// Looks again at what changed while the question is open.
    pub(super) fn settle_approvals(&mut self, effects: &mut Vec<Effect>) {
        let Some(Modal::ApproveAll { approvals, .. }) = &self.view.modal else {
            return;
        };
        let is_old = approvals
            .wanted
            .iter()
            .any(|(request, stamp)| self.stamp_of(request) != *stamp);
        if !is_old {
            return;
        }
        if let Some(Modal::ApproveAll {
            mut approvals,
            scroll,
        }) = self.view.modal.take()
        {
            self.look_at_all(&mut approvals, effects);
            self.open(Modal::ApproveAll { approvals, scroll });
        }
    }

    pub(super) fn on_many_shown(&mut self, ticket: u64, looked: Vec<Looked>) {
        let with_ask = |looked: Looked| {
            let ask = self.request(&looked.request)?.ask.clone();
            Some((looked, ask))
        };
        let looked: Vec<_> = looked.into_iter().filter_map(with_ask).collect();
        if let Some(Modal::ApproveAll { approvals, .. }) = &mut self.view.modal
            && approvals.ticket == ticket
        {
            approvals.take(looked);
            self.touch();
        }
    }

    /// Says yes to all that is shown, unless some of it was not in sight yet.
    pub(super) fn say_yes_to_all(
        &mut self,
        approvals: Box<Approvals>,
        scroll: usize,
        effects: &mut Vec<Effect>,
    ) {
        let total = self.approval_lines(&approvals);
        let sight = usize::from(self.size.rows).saturating_sub(FRAME).max(1);
        let why = if approvals.is_looking {
            Some("it is being looked up: press the key again")
        } else if approvals.entries.is_empty() {
            Some("nothing of it can be approved together: answer each in the inbox")
        } else if scroll + sight < total {
            Some("there is more below: read it first, then the same key")
        } else {
            None
        };
        if let Some(why) = why {
            let by = i64::try_from(sight).unwrap_or(1);
            let is_read_on = !approvals.is_looking && scroll + sight < total;
            let scroll = if is_read_on {
                moved(scroll, by, total)
            } else {
                scroll
            };
            self.view.modal = Some(Modal::ApproveAll { approvals, scroll });
            return self.tell(why.to_owned());
        }
        let shown = approvals.shown();
        let inbox = &mut self.view.inbox;
        for one in &shown {
            inbox.busy.insert(one.request.clone());
            inbox.notes.remove(&one.request);
            inbox.marked.remove(&one.request);
        }
        let waiting: BTreeSet<RequestRef> = shown.iter().map(|one| one.request.clone()).collect();
        let total = waiting.len();
        self.approving = Some(Approving {
            waiting,
            total,
            failed: Vec::new(),
        });
        self.tell(match total {
            1 => String::from("approving 1 request"),
            many => format!("approving {many} requests"),
        });
        effects.push(Effect::ApproveAll { shown });
    }

    /// About how many lines the question has; rather too many.
    pub(super) fn approval_lines(&self, approvals: &Approvals) -> usize {
        let columns = usize::from(self.size.columns).clamp(30, 92) - 8;
        let lines = approvals.lines();
        let lines = lines.iter().map(|(_, text)| wrapped(text, columns).max(1));
        lines.sum::<usize>() + 1
    }

    /// Counts answers that are some of several, and leaves those that are not.
    pub(super) fn count_approved(&mut self, results: Vec<AnswerResult>) -> Vec<AnswerResult> {
        let Some(approving) = &mut self.approving else {
            return results;
        };
        let (ours, others): (Vec<_>, Vec<_>) = results
            .into_iter()
            .partition(|one| approving.waiting.contains(&one.request));
        if ours.is_empty() {
            return others;
        }
        let inbox = &mut self.view.inbox;
        inbox.is_stale = true;
        inbox.wish = None;
        for AnswerResult { request, result } in ours {
            approving.waiting.remove(&request);
            inbox.busy.remove(&request);
            if let Err(why) = result {
                approving.failed.push(format!("{}: {why}", request.name()));
                inbox.notes.insert(request, why);
            }
        }
        let (words, is_over) = (approving.words(), approving.waiting.is_empty());
        let failed = approving.failed.clone();
        if is_over {
            self.approving = None;
        }
        if failed.is_empty() {
            self.tell(words);
        } else if is_over && self.view.modal.is_none() && self.attached().is_none() {
            self.open(Modal::Message {
                title: words,
                text: failed.join("\n"),
                scroll: 0,
            });
        } else {
            self.warn(format!("{words}: {}", failed.join("; ")));
        }
        others
    }

    /// Marks the selected row of the inbox or takes its mark away, and goes on.
    pub(super) fn mark_ask(&mut self) {
        let inbox = &mut self.view.inbox;
        let Some(row) = inbox.row() else {
            return;
        };
        let requests = row.requests.clone();
        if requests.is_empty() {
            let why = "what egress asks for is answered by itself: a";
            return self.tell(String::from(why));
        }
        let is_marked = requests.iter().all(|one| inbox.marked.contains(one));
        for request in requests {
            if is_marked {
                inbox.marked.remove(&request);
            } else {
                inbox.marked.insert(request);
            }
        }
        self.scroll_inbox(1);
        self.touch();
    }

    /// Marks all that waits in the inbox; if it is marked already, nothing.
    pub(super) fn mark_all_asks(&mut self) {
        let inbox = &mut self.view.inbox;
        let rows = inbox.rows.iter();
        let all: BTreeSet<RequestRef> = rows.flat_map(|row| row.requests.clone()).collect();
        inbox.marked = if all.is_subset(&inbox.marked) {
            BTreeSet::new()
        } else {
            all
        };
        self.touch();
    }
}
