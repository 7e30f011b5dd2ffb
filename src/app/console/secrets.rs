//! Values that only the operator can give, typed in the console. Neither they nor
//! their keys become events; the state learns how much was typed.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::app::exit::Failure;
use crate::app::gather::{GatherError, Values};
use crate::manifest::{Plan, SecretAsk, SecretSource};
use crate::secret::Secret;
use crate::state::{BottleRef, Key, KeyCode};

/// What is done once every value is there.
#[derive(Debug)]
pub(super) enum Wish {
    /// Start the planned agent, under a name of the operator's choice.
    Start(Box<Plan>, Option<crate::spec::BottleId>),
    /// Resume a bottle.
    Resume(BottleRef),
    /// Stop a bottle and resume it.
    Restart(BottleRef),
    /// Hand a bottle's egress what its routes name.
    Unlock(BottleRef),
}

/// A wish, and what was looked up for it.
pub(super) struct LookedUp {
    pub(super) wish: Wish,
    pub(super) agent: String,
    pub(super) found: Result<(Values, Vec<SecretAsk>), Failure>,
}

/// Values being asked for.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) wish: Wish,
    pub(super) agent: String,
    left: VecDeque<SecretAsk>,
    given: Values,
    typed: Zeroizing<String>,
}

/// How a key changed the asking.
#[derive(Debug)]
pub(super) enum Typed {
    /// So many characters are typed now.
    More(usize),
    /// The next value is asked for.
    Next,
    /// What was typed is no value.
    Bad(GatherError),
    /// All values are there.
    All,
    /// The operator does not want to.
    Refused,
}

impl Asking {
    /// Begins to ask for what could not be looked up.
    pub(super) fn of(wish: Wish, agent: String, given: Values, left: Vec<SecretAsk>) -> Self {
        Self {
            wish,
            agent,
            left: left.into(),
            given,
            typed: Zeroizing::new(String::new()),
        }
    }

    /// What is asked for now, in the manifest's words.
    pub(super) fn question(&self) -> Option<String> {
        let ask = self.left.front()?;
        Some(match &ask.source {
            SecretSource::Prompt { text } => format!("{text} ({})", ask.need),
            SecretSource::Env { .. } | SecretSource::File { .. } | SecretSource::Command { .. } => {
                ask.need.to_string()
            }
        })
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: Key) -> Typed {
        match key.code {
            KeyCode::Enter => {
                let value = Secret::new(std::mem::take(&mut *self.typed));
                if let Some(ask) = self.left.front()
                    && let Err(error) = self.given.put(&ask.need, value)
                {
                    return Typed::Bad(error);
                }
                self.left.pop_front();
                if self.left.is_empty() {
                    Typed::All
                } else {
                    Typed::Next
                }
            }
            KeyCode::Escape => Typed::Refused,
            KeyCode::Char(_) if key == Key::ctrl('c') || key == Key::ctrl('q') => Typed::Refused,
            KeyCode::Backspace => {
                self.typed.pop();
                Typed::More(self.typed.chars().count())
            }
            KeyCode::Char(_)
            | KeyCode::Tab
            | KeyCode::BackTab
            | KeyCode::Delete
            | KeyCode::Insert
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Left
            | KeyCode::Right
            | KeyCode::Home
            | KeyCode::End
            | KeyCode::PageUp
            | KeyCode::PageDown
            | KeyCode::Function(_) => {
                self.typed.extend(key.typed());
                Typed::More(self.typed.chars().count())
            }
        }
    }

    /// Takes a paste; its line breaks are left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        self.typed.extend(text.chars().filter(|c| !c.is_control()));
        self.typed.chars().count()
    }

    /// The wish, whose agent it is, and all its values.
    pub(super) fn finish(self) -> (Wish, String, Values) {
        (self.wish, self.agent, self.given)
    }
}
