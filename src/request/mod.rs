//! What an agent asks for, what the operator answers, and what became of it.
//!
//! A request is a durable record that moves through these states and no others:
//!
//! ```text
//! pending ─┬─ approved ── applying ─┬─ applied ── undone
//!          │                        └─ failed
//!          ├─ answered   (a question)
//!          ├─ denied
//!          ├─ expired
//!          └─ withdrawn
//! ```
//!
//! From any state at the right or the bottom it is delivered once the agent has read it.
//! A [`Book`] plans each step as an [`Entry`]; who keeps the book writes the entry down
//! durably and applies it then, so that replaying the entries gives the same book. Nothing
//! here has a clock or does I/O, and only the operator's side may make a [`Verdict`].

mod ask;
mod book;
mod denial;
mod packages;
mod pass;
mod record;
mod server;
#[cfg(feature = "findings")]
mod step;

pub use ask::{
    Ask, AskProblem, MAX_CHOICE_CHARS, MAX_CHOICES, MAX_DOCKERFILE_BYTES, MAX_QUESTION_CHARS,
    RouteAsk,
};
pub use book::{
    Allowance, Book, Entry, FileProblem, Filing, Limits, MAX_REASON_CHARS, News, StepProblem,
};
pub use denial::{Refused, Wants};
pub use packages::MAX_PACKAGES;
pub use pass::PassAsk;
pub use record::{
    Answer, Outcome, RequestRecord, RequestState, Scope, Source, Terms, Told, Verdict,
    VerdictProblem,
};
pub use server::ServerAsk;
#[cfg(feature = "findings")]
pub use step::{Step, StepError, next_spec, without, without_image};
