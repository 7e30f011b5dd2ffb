//! What was asked of the fake engine, and what it is to do wrong.

use std::collections::BTreeMap;

use crate::docker::error::EngineError;

/// A call: the method, and what it was about, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) what: &'static str,
    pub(crate) on: String,
}

impl Call {
    pub(crate) fn new(what: &'static str, on: &str) -> Self {
        Self {
            what,
            on: on.to_owned(),
        }
    }
}

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens, and the engine says so.
    Fail(EngineError),
    /// Nothing happens, and no answer comes.
    Hang,
    /// It happens, but the answer is this error.
    LoseAnswer(EngineError),
    /// It happens, but no answer comes.
    HangAfterwards,
}

impl Fault {
    /// The engine is away, before it did anything.
    pub(crate) fn away() -> Self {
        Self::Fail(Self::unreachable())
    }

    /// The engine goes away when it did what was asked.
    pub(crate) fn away_afterwards() -> Self {
        Self::LoseAnswer(Self::unreachable())
    }

    fn unreachable() -> EngineError {
        EngineError::Unreachable {
            operation: "follow the script",
            why: String::from("connection reset"),
        }
    }
}

/// When a line of the journal was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Asked,
    Answered,
}

/// What is to go wrong and what was asked so far.
#[derive(Debug, Default)]
pub(super) struct Script {
    by_index: BTreeMap<usize, Fault>,
    by_call: Vec<(Call, Fault)>,
    journal: Vec<(Moment, Call)>,
    faults: Vec<Call>,
}

impl Script {
    pub(super) fn at(&mut self, index: usize, fault: Fault) {
        self.by_index.insert(index, fault);
    }

    pub(super) fn next(&mut self, call: Call, fault: Fault) {
        self.by_call.push((call, fault));
    }

    /// Writes a call down; says how it is to go wrong.
    pub(super) fn ask(&mut self, call: &Call) -> Option<Fault> {
        let index = self.calls().len();
        self.journal.push((Moment::Asked, call.clone()));
        let named = self.by_call.iter().position(|(of, _)| of == call);
        let fault = match (self.by_index.remove(&index), named) {
            (Some(fault), _) => fault,
            (None, Some(at)) => self.by_call.remove(at).1,
            (None, None) => return None,
        };
        self.faults.push(call.clone());
        Some(fault)
    }

    pub(super) fn answered(&mut self, call: Call) {
        self.journal.push((Moment::Answered, call));
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let asked = self.journal.iter();
        asked
            .filter(|(moment, _)| *moment == Moment::Asked)
            .map(|(_, call)| call.clone())
            .collect()
    }

    pub(super) fn journal(&self) -> Vec<(Moment, Call)> {
        self.journal.clone()
    }

    pub(super) fn faults(&self) -> Vec<Call> {
        self.faults.clone()
    }
}
