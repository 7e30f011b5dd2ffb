//! Values that only the operator can give, typed in the console. Neither they nor
//! their keys become events; the state learns how much was typed.

use std::collections::{BTreeMap, VecDeque};

use zeroize::Zeroizing;

use super::super::planning;
use crate::manifest::{AskSource, GatherError, Plan, SecretAsk};
use crate::secret::Secret;
use crate::state::{Key, KeyCode};

/// What is done once every value is there.
#[derive(Debug)]
pub(super) enum Wish {
    /// Start the planned agent, under a name of the operator's choice.
    Start(Box<Plan>, Option<crate::spec::BottleId>),
    /// Resume a bottle.
    Resume(crate::state::BottleRef, Box<Plan>),
}

impl Wish {
    /// The plan whose values are asked for.
    pub(super) fn plan(&self) -> &Plan {
        match self {
            Self::Start(plan, _) | Self::Resume(_, plan) => plan,
        }
    }
}

/// Values being asked for.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) wish: Wish,
    left: VecDeque<SecretAsk>,
    given: BTreeMap<String, Secret<String>>,
    typed: Zeroizing<String>,
}

/// How a key changed the asking.
#[derive(Debug)]
pub(super) enum Typed {
    /// So many characters are typed now.
    More(usize),
    /// The next value is asked for.
    Next,
    /// All values are there.
    All,
    /// The operator does not want to.
    Refused,
}

impl Asking {
    /// What must be typed for this wish; everything else is looked up here.
    ///
    /// # Errors
    /// [`GatherError`] if a variable of the operator's environment is missing.
    pub(super) fn of(wish: Wish) -> Result<Self, GatherError> {
        let plan = wish.plan();
        let is_prompt = |ask: &&SecretAsk| matches!(ask.source, AskSource::Prompt { .. });
        let left = plan.asks.iter().filter(is_prompt).cloned().collect();
        let mut looked_up = plan.clone();
        looked_up
            .asks
            .retain(|ask| !matches!(ask.source, AskSource::Prompt { .. }));
        let given = looked_up.gather(planning::host_variable, |_, _| {
            Err(std::io::Error::other("nothing is left to ask"))
        })?;
        Ok(Self {
            wish,
            left,
            given,
            typed: Zeroizing::new(String::new()),
        })
    }

    /// What is asked for now, in the manifest's words.
    pub(super) fn question(&self) -> Option<String> {
        self.left.front().map(|ask| match &ask.source {
            AskSource::Prompt { text } => format!("{text} ({})", ask.variable),
            AskSource::FromHostEnv { name } => name.clone(),
        })
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: Key) -> Typed {
        match key.code {
            KeyCode::Enter => {
                if let Some(ask) = self.left.pop_front() {
                    let value = std::mem::take(&mut *self.typed);
                    self.given.insert(ask.variable, Secret::new(value));
                }
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

    /// The wish and all its values.
    pub(super) fn finish(self) -> (Wish, BTreeMap<String, Secret<String>>) {
        (self.wish, self.given)
    }
}
