//! How an operation goes, told to the state, and how it is cancelled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use crate::app::cancel::Cancel;
use crate::docker::{Progress, Step, StepNews};
use crate::state::{BottleRef, Event, OperationKind, OperationNews, OperationReport};

/// News of steps that may wait; more are dropped by who sends them.
pub(super) const WAITING_NEWS: usize = 256;

/// How to cancel what is being done to bottles.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancels(Arc<Mutex<BTreeMap<BottleRef, Cancel>>>);

impl Cancels {
    fn set(&self, bottle: &BottleRef, cancel: &Cancel) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(bottle.clone(), cancel.clone());
        }
    }

    fn end(&self, bottle: &BottleRef) {
        if let Ok(mut all) = self.0.lock() {
            all.remove(bottle);
        }
    }

    /// Cancels what is being done to a bottle; `false` if it is too late, or nothing is.
    pub(super) fn ask(&self, bottle: &BottleRef) -> bool {
        let all = self.0.lock().ok();
        all.is_some_and(|all| all.get(bottle).is_some_and(Cancel::ask))
    }
}

/// Tells of one operation.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) kind: OperationKind,
    /// A start has none until its id is reserved.
    pub(super) bottle: Option<BottleRef>,
    pub(super) agent: String,
    pub(super) events: mpsc::Sender<Event>,
    /// How it is cancelled, if it can be.
    pub(super) cancel: Option<Cancel>,
    pub(super) cancels: Cancels,
    pub(super) reached: Reached,
}

impl Teller {
    /// Says that it begins, now that its bottle is known.
    pub(super) async fn begin(&mut self) {
        if let (Some(bottle), Some(cancel)) = (&self.bottle, &self.cancel) {
            self.cancels.set(bottle, cancel);
        }
        self.reached.has_begun = true;
        self.say(OperationNews::Began).await;
    }

    /// Passes on what a step says. What began unannounced begins with it.
    pub(super) async fn pass_on(&mut self, progress: &Progress) {
        if !self.reached.has_begun {
            self.begin().await;
        }
        let can_cancel = self.cancel.as_ref().is_some_and(Cancel::is_open);
        let news = self.reached.news(progress, can_cancel);
        self.say(news).await;
    }

    /// Says how it ended, if it ever began.
    pub(super) async fn end(&self, news: OperationNews) {
        if let Some(bottle) = &self.bottle {
            self.cancels.end(bottle);
        }
        if self.reached.has_begun {
            self.say(news).await;
        }
    }

    async fn say(&self, news: OperationNews) {
        let report = OperationReport {
            kind: self.kind,
            bottle: self.bottle.clone(),
            agent: self.agent.clone(),
            news,
        };
        // A console that is gone needs no news.
        drop(self.events.send(Event::Operation { report }).await);
    }
}

/// How far an operation is.
#[derive(Debug, Default)]
pub(super) struct Reached {
    has_begun: bool,
    finished: u32,
    /// The build's own step and how many it has, while there is a build.
    build: Option<(u32, u32)>,
}

impl Reached {
    fn news(&mut self, progress: &Progress, can_cancel: bool) -> OperationNews {
        let what = match &progress.news {
            StepNews::Output(text) => crate::pty::one_line(text.trim()),
            StepNews::BuildStep {
                number,
                of,
                instruction,
            } => {
                self.build = Some((*number, *of));
                crate::pty::one_line(instruction)
            }
            StepNews::Began => progress.step.words().to_owned(),
            StepNews::Done { .. } => {
                self.finished += 1;
                if progress.step == Step::AgentImage {
                    self.build = None;
                }
                progress.step.words().to_owned()
            }
        };
        let is_build = progress.step == Step::AgentImage;
        let build = self.build.filter(|_| is_build);
        let (done, of) = build.unwrap_or((self.finished, 0));
        OperationNews::Step {
            what,
            is_output: match &progress.news {
                StepNews::Output(_) | StepNews::BuildStep { .. } => true,
                StepNews::Began | StepNews::Done { .. } => false,
            },
            is_build,
            done,
            of,
            can_cancel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builds_steps_are_counted_and_its_words_cannot_move_a_terminal() {
        let mut reached = Reached::default();
        let mut tell = |step, news| reached.news(&Progress { step, news }, true);
        let step = StepNews::BuildStep {
            number: 2,
            of: 5,
            instruction: String::from("RUN x\u{1b}[2J"),
        };
        let expected = |what: &str, is_output| OperationNews::Step {
            what: what.to_owned(),
            is_output,
            is_build: true,
            done: 2,
            of: 5,
            can_cancel: true,
        };
        assert_eq!(tell(Step::AgentImage, step), expected("RUN x␛[2J", true));
        let said = StepNews::Output(String::from("a\u{7}\n"));
        assert_eq!(tell(Step::AgentImage, said), expected("a␇", true));
        let next = tell(Step::Candidate, StepNews::Began);
        assert!(
            matches!(
                next,
                OperationNews::Step {
                    is_build: false,
                    of: 0,
                    ..
                }
            ),
            "{next:?}"
        );
    }
}
