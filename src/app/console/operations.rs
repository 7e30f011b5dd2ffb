//! Operations on bottles: each a task that answers with events, from `Began` to
//! `Ended`.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::Console;
use super::secrets::{Asking, Typed, Wish};
use crate::app::cellar::{Cellar, StartRequest};
use crate::app::exit::Failure;
use crate::app::planning;
use crate::docker::{Progress, Step, StepNews};
use crate::secret::Secret;
use crate::spec::{BottleId, BottleName};
use crate::state::{BottleRef, Event, Key, OperationKind, OperationNews, OperationReport};

/// News of steps that may wait; more are dropped by who sends them.
const WAITING_NEWS: usize = 256;

impl Console<'_> {
    pub(super) fn start(&mut self, agent: &str, name: Option<BottleName>) -> std::io::Result<()> {
        let Some(plan) = self.plans.get(agent).cloned() else {
            return self.take(ended(
                OperationKind::Start,
                None,
                agent,
                Err(String::from("it was not planned yet")),
            ));
        };
        let id = name.and_then(|name| BottleId::parse(name.as_str()).ok());
        self.ask(Wish::Start(Box::new(plan), id))
    }

    pub(super) fn resume(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        let record = match self.cellar.store.record(&bottle.id) {
            Ok(record) => record,
            Err(error) => {
                let outcome = Err(error.to_string());
                return self.take(ended(OperationKind::Resume, Some(bottle), "", outcome));
            }
        };
        if record.spec.session.handed_over.is_empty() {
            self.spawn_resume(bottle, record.spec.agent, BTreeMap::new());
            return Ok(());
        }
        match planning::plan(&record.spec.agent, &[], false) {
            Ok(plan) => self.ask(Wish::Resume(bottle, Box::new(plan))),
            Err(failure) => {
                let outcome = Err(failure.line());
                self.take(ended(OperationKind::Resume, Some(bottle), "", outcome))
            }
        }
    }

    /// Looks up what can be looked up, asks for the rest, and goes on.
    fn ask(&mut self, wish: Wish) -> std::io::Result<()> {
        let (kind, bottle) = match &wish {
            Wish::Start(..) => (OperationKind::Start, None),
            Wish::Resume(bottle, _) => (OperationKind::Resume, Some(bottle.clone())),
        };
        let agent = wish.plan().spec.agent.clone();
        match Asking::of(wish) {
            Err(error) => {
                let outcome = Err(Failure::new("gather its secrets", &error).line());
                self.take(ended(kind, bottle, &agent, outcome))
            }
            Ok(asking) => match asking.question() {
                None => {
                    self.go_on(asking);
                    Ok(())
                }
                Some(what) => {
                    self.asking = Some(asking);
                    self.take(Event::SecretAsked { agent, what })
                }
            },
        }
    }

    pub(super) fn take_secret_key(&mut self, key: Key) -> std::io::Result<()> {
        let Some(asking) = &mut self.asking else {
            return Ok(());
        };
        match asking.key(key) {
            Typed::More(length) => self.take(Event::SecretTyped { length }),
            Typed::Next => {
                let agent = asking.wish.plan().spec.agent.clone();
                let what = asking.question().unwrap_or_default();
                self.take(Event::SecretAsked { agent, what })
            }
            Typed::All => {
                self.take(Event::SecretDone)?;
                if let Some(asking) = self.asking.take() {
                    self.go_on(asking);
                }
                Ok(())
            }
            Typed::Refused => {
                self.take(Event::SecretDone)?;
                let Some(asking) = self.asking.take() else {
                    return Ok(());
                };
                let (kind, bottle) = match &asking.wish {
                    Wish::Start(..) => (OperationKind::Start, None),
                    Wish::Resume(bottle, _) => (OperationKind::Resume, Some(bottle.clone())),
                };
                let agent = asking.wish.plan().spec.agent.clone();
                let outcome = Err(String::from("a value was not given; nothing was done"));
                self.take(ended(kind, bottle, &agent, outcome))
            }
        }
    }

    fn go_on(&mut self, asking: Asking) {
        let (wish, secrets) = asking.finish();
        match wish {
            Wish::Start(plan, id) => {
                let agent = plan.spec.agent.clone();
                let request = StartRequest::of_plan(&plan, id, secrets);
                self.spawn(
                    OperationKind::Start,
                    None,
                    agent,
                    |cellar, news| async move {
                        cellar.start(request, news).await.map(|up| Some(up.id))
                    },
                );
            }
            Wish::Resume(bottle, plan) => {
                let wanted: BTreeMap<_, _> = match self.cellar.store.record(&bottle.id) {
                    Ok(record) => secrets
                        .into_iter()
                        .filter(|(name, _)| record.spec.session.handed_over.contains(name))
                        .collect(),
                    Err(_) => secrets,
                };
                self.spawn_resume(bottle, plan.spec.agent.clone(), wanted);
            }
        }
    }

    fn spawn_resume(
        &mut self,
        bottle: BottleRef,
        agent: String,
        secrets: BTreeMap<String, Secret<String>>,
    ) {
        let id = bottle.id.clone();
        self.spawn(
            OperationKind::Resume,
            Some(bottle),
            agent,
            |cellar, news| async move { cellar.resume(&id, secrets, news).await.map(|_| None) },
        );
    }

    pub(super) fn stop(&mut self, bottle: BottleRef) {
        let (id, agent) = (bottle.id.clone(), self.agent_of(&bottle));
        self.spawn(
            OperationKind::Stop,
            Some(bottle),
            agent,
            |cellar, _| async move { cellar.stop(&id).await.map(|()| None) },
        );
    }

    pub(super) fn remove(&mut self, bottle: BottleRef) {
        let (id, agent) = (bottle.id.clone(), self.agent_of(&bottle));
        self.spawn(
            OperationKind::Remove,
            Some(bottle),
            agent,
            |cellar, _| async move { cellar.remove(&id).await.map(|()| None) },
        );
    }

    fn agent_of(&self, bottle: &BottleRef) -> String {
        self.state
            .fleet
            .get(bottle)
            .map(|known| known.agent.clone())
            .unwrap_or_default()
    }

    /// Runs an operation as a task and tells the state how it goes.
    fn spawn<Work, Done>(
        &mut self,
        kind: OperationKind,
        bottle: Option<BottleRef>,
        agent: String,
        work: Work,
    ) where
        Work: FnOnce(Cellar, mpsc::Sender<Progress>) -> Done,
        Done: Future<Output = Result<Option<BottleId>, Failure>> + Send + 'static,
    {
        self.operations += 1;
        let name = format!("operation {} {}", self.operations, kind.verb());
        let (tx, mut rx) = mpsc::channel(WAITING_NEWS);
        let done = work(self.cellar.clone(), tx);
        let events = self.events.clone();
        let engine = self.cellar.engine.id().clone();
        self.tasks.start(name, bottle.clone(), async move {
            let report = |bottle: Option<BottleRef>, news| Event::Operation {
                report: OperationReport {
                    kind,
                    bottle,
                    agent: agent.clone(),
                    news,
                },
            };
            // A console that is gone needs no news.
            drop(
                events
                    .send(report(bottle.clone(), OperationNews::Began))
                    .await,
            );
            let tell = async {
                let mut finished = 0;
                while let Some(progress) = rx.recv().await {
                    let step = step_news(&progress, &mut finished);
                    drop(events.send(report(bottle.clone(), step)).await);
                }
            };
            let (result, ()) = tokio::join!(done, tell);
            let (made, outcome) = match result {
                Ok(made) => (made, Ok(())),
                Err(failure) => (None, Err(failure.line())),
            };
            let bottle = bottle.clone().or(made.map(|id| BottleRef { engine, id }));
            drop(
                events
                    .send(report(bottle, OperationNews::Ended { outcome }))
                    .await,
            );
        });
    }
}

fn step_news(progress: &Progress, finished: &mut u32) -> OperationNews {
    let what = match &progress.news {
        StepNews::Output(text) => crate::pty::one_line(text.trim()),
        StepNews::Began => progress.step.words().to_owned(),
        StepNews::Done { .. } => {
            *finished += 1;
            progress.step.words().to_owned()
        }
    };
    OperationNews::Step {
        what,
        is_build: progress.step == Step::AgentImage,
        done: *finished,
        of: 0,
    }
}

fn ended(
    kind: OperationKind,
    bottle: Option<BottleRef>,
    agent: &str,
    outcome: Result<(), String>,
) -> Event {
    Event::Operation {
        report: OperationReport {
            kind,
            bottle,
            agent: agent.to_owned(),
            news: OperationNews::Ended { outcome },
        },
    }
}
