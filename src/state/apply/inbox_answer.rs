//! The operator's answers in the inbox: nothing is said by one key alone.

use crate::request::{Answer, Ask, RequestState};
use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::event::AnswerResult;
use crate::state::inbox::{Draft, InboxName, InboxPage, RequestRef, ShownRequest, TermsLine};
use crate::state::sighting::BottleRef;
use crate::state::view::{LinePurpose, Modal};

/// How the names of tasks begin that carry answers.
pub(super) const ANSWER_TASK: &str = "answer requests";

impl State {
    /// Asks whether what is selected is to be approved.
    pub(super) fn approve_ask(&mut self, effects: &mut Vec<Effect>) {
        if !self.view.inbox.marked.is_empty() {
            let marked = self.view.inbox.marked.iter().cloned().collect();
            self.approve_these(marked, effects);
            return;
        }
        if self.answer_egress(effects) {
            return;
        }
        let asks = self.selected_ask();
        if asks.is_some_and(|ask| !ask.changes_the_bottle()) {
            self.reply_ask();
        } else if let Some(draft) = self.draft() {
            self.open(Modal::Approve {
                draft: Box::new(draft),
                scroll: 0,
            });
        }
    }

    /// Asks on which terms it is to be approved.
    pub(super) fn choose_terms(&mut self) {
        let draft = match self.view.modal.take() {
            Some(Modal::Approve { draft, .. }) => Some(*draft),
            _ => self.draft(),
        };
        if let Some(draft) = draft {
            let line = TermsLine::of(draft.is_route).first().copied();
            let draft = Draft {
                manifest: None,
                ..draft
            };
            self.open(Modal::Terms {
                draft: Box::new(draft),
                line: line.unwrap_or_default(),
            });
        }
    }

    /// Opens the question of what egress asks for itself, if that is selected.
    fn answer_egress(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(row) = self.view.inbox.row() else {
            self.tell(String::from("nothing needs you"));
            return true;
        };
        match row.name.clone() {
            InboxName::Hold { bottle, hold } => {
                let known = self.fleet.get(&bottle);
                let hold = known.and_then(|known| known.hub.holds.get(&hold)).cloned();
                if let Some(hold) = hold {
                    self.open(Modal::Answer { bottle, hold });
                }
            }
            InboxName::Paused { bottle } => {
                let raises = self.fleet.get(&bottle).map(Bottle::raises);
                if let Some(raises) = raises {
                    self.open(Modal::Raise { bottle, raises });
                }
            }
            InboxName::Locked { bottle } => {
                self.tell(format!("looking up what {} needs", bottle.id));
                effects.push(Effect::Unlock { bottle });
            }
            InboxName::Same { .. } | InboxName::Request { .. } => return false,
        }
        true
    }

    /// What the selected row asks for, as the agent or the operator wrote it.
    fn selected_ask(&self) -> Option<&Ask> {
        if let Some(edited) = &self.view.inbox.edited {
            return Some(edited);
        }
        let row = self.view.inbox.row()?;
        Some(&self.request(row.requests.first()?)?.ask)
    }

    /// The yes to what is selected; tells why there can be none.
    fn draft(&mut self) -> Option<Draft> {
        if !self.is_answerable() {
            return None;
        }
        let ask = self.selected_ask()?;
        if !ask.changes_the_bottle() {
            self.warn(String::from("it is a question: r replies, d denies"));
            return None;
        }
        let is_route = matches!(ask, Ask::Route(_));
        let is_of_routes = is_route || matches!(ask, Ask::ScanPass(_));
        let inbox = &self.view.inbox;
        // Routes can be changed meanwhile; a second image cannot.
        let mut asking = inbox.looked.iter().map(|looked| &looked.request.bottle);
        let busy = asking.find_map(|bottle| {
            let operation = self.fleet.get(bottle)?.operation.as_ref()?;
            Some(format!(
                "{}: wait for the {} to end",
                bottle.id,
                operation.kind.verb()
            ))
        });
        if let Some(why) = busy.filter(|_| !is_of_routes) {
            self.warn(why);
            return None;
        }
        match Draft::of(&inbox.looked, inbox.edited.clone(), is_route) {
            Ok(draft) => Some(draft),
            Err(why) => {
                self.warn(format!("{why}; e edits it, d denies it"));
                None
            }
        }
    }

    /// Whether the selected row can be answered now; tells why not.
    fn is_answerable(&mut self) -> bool {
        let inbox = &self.view.inbox;
        let Some(row) = inbox.row() else {
            self.tell(String::from("nothing needs you"));
            return false;
        };
        let looked = inbox.looked.iter().map(|looked| &looked.request);
        let why = if inbox.page == InboxPage::Answered {
            "it is answered already: u takes back what it was given"
        } else if row.requests.iter().any(|one| inbox.busy.contains(one)) {
            "its answer is on its way"
        } else if !looked.eq(row.requests.iter()) {
            "it is being looked up: press the key again"
        } else {
            return true;
        };
        self.tell(why.to_owned());
        false
    }

    /// What was shown of the selected row; tells why nothing was.
    fn shown(&mut self) -> Option<Vec<ShownRequest>> {
        if !self.is_answerable() {
            return None;
        }
        let looked = self.view.inbox.looked.iter();
        let shown = looked.map(|looked| {
            let look = looked.result.as_deref()?;
            Ok(ShownRequest {
                request: looked.request.clone(),
                content: look.content,
                spec: look.spec,
            })
        });
        match shown.collect::<Result<Vec<_>, &String>>() {
            Ok(shown) => Some(shown),
            Err(why) => {
                let why = why.clone();
                self.warn(why);
                None
            }
        }
    }

    pub(super) fn deny_ask(&mut self, effects: &mut Vec<Effect>) {
        if self.answer_egress(effects) {
            return;
        }
        if let Some(shown) = self.shown() {
            let what = self.selected_ask().map(Ask::words).unwrap_or_default();
            self.open(Modal::Line {
                purpose: LinePurpose::Deny { what },
                shown,
                text: String::new(),
            });
        }
    }

    pub(super) fn reply_ask(&mut self) {
        let Some(Ask::Question { text, choices }) = self.selected_ask().cloned() else {
            self.warn(String::from("it asks for a change: a approves, d denies"));
            return;
        };
        if let Some(shown) = self.shown() {
            self.open(Modal::Line {
                purpose: LinePurpose::Reply {
                    question: text,
                    choices,
                },
                shown,
                text: String::new(),
            });
        }
    }

    pub(super) fn edit_ask(&mut self, effects: &mut Vec<Effect>) {
        if !self.is_answerable() {
            return;
        }
        let ask = self.selected_ask().cloned();
        let row = self.view.inbox.row();
        let request = row.and_then(|row| row.requests.first().cloned());
        match (ask, request) {
            (Some(ask), Some(request)) if ask.changes_the_bottle() => {
                let ask = Box::new(ask);
                effects.push(Effect::EditRequest { request, ask });
            }
            _ => self.warn(String::from("only what changes a bottle can be edited")),
        }
    }

    pub(super) fn on_request_edited(
        &mut self,
        request: &RequestRef,
        result: Result<Option<Box<Ask>>, String>,
    ) {
        let row = self.view.inbox.row();
        let is_selected = row.is_some_and(|row| row.requests.first() == Some(request));
        match result {
            Ok(_) if !is_selected => {
                let name = request.name();
                self.warn(format!(
                    "{name} went while it was edited; nothing was approved"
                ));
            }
            Ok(None) => self.tell(String::from("left as it was")),
            Ok(Some(ask)) => {
                let inbox = &mut self.view.inbox;
                inbox.edited = Some(ask);
                inbox.is_unlooked = true;
                inbox.scroll = 0;
                self.tell(String::from("shown as you edited it; a approves that"));
            }
            Err(why) => self.warn(why),
        }
    }

    pub(super) fn undo_ask(&mut self) {
        let row = self.view.inbox.row();
        let Some(request) = row.and_then(|row| row.requests.first()).cloned() else {
            return;
        };
        match self.request(&request).map(|record| &record.state) {
            Some(RequestState::Applied { outcome, .. }) => {
                let words = outcome.words.clone();
                self.open(Modal::ConfirmUndo { request, words });
            }
            Some(state) => {
                let word = state.word();
                self.warn(format!("{} is {word}: nothing was given", request.name()));
            }
            None => {}
        }
    }

    /// Says yes to a draft.
    pub(super) fn say_yes(&mut self, draft: Draft, effects: &mut Vec<Effect>) {
        let accepts_findings = draft.accepts_findings();
        let answer = Answer::Approve {
            terms: draft.terms.terms(self.now),
            edited: draft.edited.clone().map(|ask| *ask),
        };
        if draft.manifest.is_some() {
            return self.say_into_manifest(draft, answer, effects);
        }
        self.say(draft.shown, answer, accepts_findings, effects);
    }

    /// Says what was typed.
    pub(super) fn say_line(
        &mut self,
        purpose: LinePurpose,
        shown: Vec<ShownRequest>,
        text: String,
        effects: &mut Vec<Effect>,
    ) {
        let answer = match &purpose {
            LinePurpose::Send { bottles } => {
                return self.send_line(bottles.clone(), &text, effects);
            }
            LinePurpose::Deny { .. } => Answer::Deny {
                reason: text.trim().to_owned(),
            },
            LinePurpose::Reply { choices, .. } => {
                let Some(text) = chosen(choices, &text) else {
                    self.view.modal = Some(Modal::Line {
                        purpose,
                        shown,
                        text,
                    });
                    return;
                };
                Answer::Reply { text }
            }
        };
        self.say(shown, answer, false, effects);
    }

    fn say(
        &mut self,
        shown: Vec<ShownRequest>,
        answer: Answer,
        accepts_findings: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.answering(&shown, &answer);
        effects.push(Effect::AnswerRequests {
            shown,
            answer,
            accepts_findings,
        });
    }

    /// The answers are on their way.
    pub(super) fn answering(&mut self, shown: &[ShownRequest], answer: &Answer) {
        let inbox = &mut self.view.inbox;
        for one in shown {
            inbox.busy.insert(one.request.clone());
            inbox.notes.remove(&one.request);
        }
        let verb = match answer {
            Answer::Approve { .. } => "approving",
            Answer::Deny { .. } => "denying",
            Answer::Reply { .. } => "answering",
        };
        let what = match shown {
            [one] => one.request.name(),
            many => format!("{} requests", many.len()),
        };
        self.tell(format!("{verb} {what}"));
    }

    pub(super) fn take_back(&mut self, request: RequestRef, effects: &mut Vec<Effect>) {
        self.tell(format!("taking back what {} was given", request.name()));
        self.view.inbox.busy.insert(request.clone());
        effects.push(Effect::UndoRequest { request });
    }

    pub(super) fn on_requests_answered(&mut self, results: Vec<AnswerResult>) {
        let is_none = results.is_empty();
        let results = self.count_approved(results);
        if results.is_empty() && !is_none {
            return;
        }
        let inbox = &mut self.view.inbox;
        // Whatever it came to, it is looked at anew.
        inbox.is_stale = true;
        inbox.wish = None;
        let count = results.len();
        let mut failed = Vec::new();
        let mut done = Vec::new();
        for AnswerResult { request, result } in results {
            inbox.busy.remove(&request);
            let name = request.name();
            match result {
                Ok(words) => done.push(format!("{name} {words}")),
                Err(why) => {
                    failed.push(format!("{name}: {why}"));
                    inbox.notes.insert(request, why);
                }
            }
        }
        match (failed.as_slice(), done.as_slice()) {
            ([], [one]) => self.tell(one.clone()),
            ([], _) => self.tell(format!("{count} requests are answered")),
            ([one], []) => self.warn(one.clone()),
            (failures, _) => {
                let text = format!(
                    "{} of {count} answers do not count:\n\n{}",
                    failures.len(),
                    failures.join("\n")
                );
                if self.view.modal.is_none() {
                    self.open(Modal::Message {
                        title: String::from("Not answered"),
                        text,
                        scroll: 0,
                    });
                } else {
                    self.warn(failures.join("; "));
                }
            }
        }
    }

    /// Takes what came of what was left half done.
    pub(super) fn on_carried_on(&mut self, bottle: &BottleRef, results: Vec<AnswerResult>) {
        self.carried_on(bottle);
        if !results.is_empty() {
            self.on_requests_answered(results);
        }
    }

    /// Forgets answers that were on their way when their task died.
    pub(super) fn give_up_answers(&mut self) {
        self.view.inbox.busy.clear();
        self.approving = None;
        self.view.inbox.is_stale = true;
    }

    pub(super) fn turn_terms(&mut self, step: i64) {
        if let Some(Modal::Terms { draft, line }) = &mut self.view.modal {
            draft.terms.turn(*line, step);
            self.touch();
        }
    }

    pub(super) fn type_uses(&mut self, text: &str) {
        if let Some(Modal::Terms { draft, line }) = &mut self.view.modal
            && draft.is_route
            && let Some(digit) = text.chars().next().and_then(|first| first.to_digit(10))
        {
            *line = TermsLine::Uses;
            draft.terms.type_digit(digit);
            self.touch();
        }
    }

    pub(super) fn erase_uses(&mut self) {
        if let Some(Modal::Terms { draft, .. }) = &mut self.view.modal {
            draft.terms.rub_out();
            self.touch();
        }
    }
}

/// The answer that a text stands for: with choices the one of that number, or the text
/// itself where it is no number; nothing if there is none.
fn chosen(choices: &[String], text: &str) -> Option<String> {
    let text = text.trim();
    let number = text.parse::<usize>().ok();
    match number.and_then(|number| choices.get(number.checked_sub(1)?)) {
        Some(choice) => Some(choice.clone()),
        None => (!text.is_empty()).then(|| text.to_owned()),
    }
}
