//! The only place that spawns for the console: named tasks, each ended by name, none
//! detached. One that dies by itself becomes an event.

use std::collections::HashMap;

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::state::BottleRef;

/// A task that panicked.
#[derive(Debug)]
pub(super) struct Died {
    pub(super) name: String,
    /// The bottle it worked for.
    pub(super) bottle: Option<BottleRef>,
    pub(super) how: String,
}

/// Running tasks.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    running: JoinSet<()>,
    subjects: HashMap<Id, (String, Option<BottleRef>)>,
    handles: HashMap<String, AbortHandle>,
}

impl Tasks {
    /// Starts a task. One of the same name is ended first.
    pub(super) fn start(
        &mut self,
        name: String,
        bottle: Option<BottleRef>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.end(&name);
        let handle = self.running.spawn(work);
        self.subjects.insert(handle.id(), (name.clone(), bottle));
        self.handles.insert(name, handle);
    }

    /// Ends a task, if there is one of that name.
    pub(super) fn end(&mut self, name: &str) {
        if let Some(handle) = self.handles.remove(name) {
            self.subjects.remove(&handle.id());
            handle.abort();
        }
    }

    /// Waits for a task that panicked. Cancel-safe; waits for
    /// ever when no task runs.
    pub(super) async fn died(&mut self) -> Died {
        loop {
            let Some(ended) = self.running.join_next_with_id().await else {
                return std::future::pending().await;
            };
            let (id, panic) = match ended {
                Ok((id, ())) => (id, None),
                Err(error) => (error.id(), error.is_panic().then(|| error.to_string())),
            };
            let Some((name, bottle)) = self.subjects.remove(&id) else {
                continue;
            };
            if self
                .handles
                .get(&name)
                .is_some_and(|handle| handle.id() == id)
            {
                self.handles.remove(&name);
            }
            if let Some(how) = panic {
                return Died { name, bottle, how };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_named_and_others_are_not() {
        let mut tasks = Tasks::default();
        tasks.start(String::from("fine"), None, async {});
        tasks.start(String::from("ended"), None, std::future::pending());
        tasks.end("ended");
        tasks.start(String::from("bad"), None, async { panic!("on purpose") });
        assert_eq!(tasks.died().await.name, "bad");
    }
}
