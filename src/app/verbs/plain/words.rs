//! What happens, in words to be read aloud: what it is, then what to type.

use std::collections::BTreeMap;

use super::super::super::observe::{Happening, Standing, What};
use crate::request::RequestState;
use crate::spec::BottleId;
use crate::state::Need;
use crate::wire::HoldEnd;

/// Tells each thing once.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// How each bottle was said to be.
    said: BTreeMap<BottleId, String>,
}

impl Teller {
    /// What is to be said of a happening, if anything.
    pub(super) fn told(&mut self, one: &Happening) -> Option<String> {
        let line = told(one)?;
        match one.what {
            // A need that has a line of its own changes nothing here.
            What::State(_) => {
                let before = self.said.insert(one.bottle.clone(), line.clone());
                (before.as_ref() != Some(&line)).then_some(line)
            }
            What::Gone => {
                self.said.remove(&one.bottle);
                Some(line)
            }
            What::Request { .. }
            | What::Held { .. }
            | What::HoldOver { .. }
            | What::Decision { .. } => Some(line),
        }
    }
}

/// One happening, if it is worth a line: what leaves a bottle is looked up instead.
fn told(one: &Happening) -> Option<String> {
    let bottle = &one.bottle;
    match &one.what {
        What::State(standing) => Some(state(bottle.as_str(), standing)),
        What::Gone => Some(format!("{bottle} was removed.")),
        What::Request { request } => {
            let (id, asks) = (request.id, request.ask.words());
            Some(if matches!(request.state, RequestState::Pending) {
                format!(
                    "{bottle} asks for {asks}. Type request {bottle}/{id} to read it, then approve {bottle}/{id}, or deny {bottle}/{id} and a reason."
                )
            } else {
                format!(
                    "Request {bottle}/{id}, {asks}, is {}.",
                    request.state.word()
                )
            })
        }
        What::Held { hold } => Some(format!(
            "{bottle} waits to connect to {}. Type accept {bottle} {id}, or refuse {bottle} {id}.",
            hold.words(),
            id = hold.id
        )),
        What::HoldOver { id, end } => {
            let how = match end {
                HoldEnd::Allowed => "was let through",
                HoldEnd::Denied => "was refused",
                HoldEnd::Expired => "was refused, because nobody answered",
                HoldEnd::Withdrawn => "is over, because who waited went away",
            };
            Some(format!("Connection {id} of {bottle} {how}."))
        }
        What::Decision { .. } => None,
    }
}

fn state(bottle: &str, standing: &Standing) -> String {
    let mut text = format!("{bottle} is {}", standing.state);
    if !standing.detail.is_empty() && standing.detail != standing.state {
        text = format!("{text}: {}", standing.detail);
    }
    // Requests and connections have lines of their own.
    let own = ["asks", "held"];
    let advice = standing.needs.iter().find(|word| !own.contains(word));
    match advice {
        Some(word) => format!("{text}. {}", advised(word, bottle)),
        None => format!("{text}."),
    }
}

/// All that needs the operator of one bottle.
pub(super) fn need(need: &Need) -> String {
    let bottle = need.bottle.id.as_str();
    format!(
        "{bottle}, {}: {}. {}",
        need.word,
        need.words,
        advised(need.word, bottle)
    )
}

/// What to type about it.
fn advised(word: &str, bottle: &str) -> String {
    match word {
        "asks" => format!("Type requests {bottle}."),
        "held" => format!("Type egress {bottle}, then accept or refuse."),
        "locked" => format!("Type unlock {bottle}."),
        "paused" => format!("Type budget {bottle}."),
        "waiting" => {
            format!("Type session {bottle} to read its screen, send {bottle} and a text to answer.")
        }
        _ => format!("Type show {bottle}, or logs {bottle} --tail 20."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture::Console;

    fn standing(state: &'static str, detail: &str, needs: &[&'static str]) -> Standing {
        Standing {
            state,
            detail: detail.to_owned(),
            source: String::new(),
            since: None,
            needs: needs.to_vec(),
        }
    }

    #[test]
    fn a_state_is_a_sentence_with_what_to_type() {
        for (standing, expected) in [
            (standing("working", "working", &[]), "a is working."),
            (
                standing("waiting", "Allow Bash?", &["waiting"]),
                "a is waiting: Allow Bash?. Type session a to read its screen, send a and a text to answer.",
            ),
            (standing("idle", "", &["asks"]), "a is idle."),
            (
                standing("failed", "no image", &["failed"]),
                "a is failed: no image. Type show a, or logs a --tail 20.",
            ),
        ] {
            assert_eq!(state("a", &standing), expected);
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        let mut teller = Teller::default();
        let mut say = |what| {
            teller.told(&Happening {
                version: 1,
                at: jiff::Timestamp::UNIX_EPOCH,
                bottle: BottleId::parse("api-k3x9q").unwrap(),
                agent: String::new(),
                what,
            })
        };
        let idle = |needs: &[&'static str]| What::State(standing("idle", "", needs));
        assert_eq!(say(idle(&[])), Some(String::from("api-k3x9q is idle.")));
        assert_eq!(say(idle(&["asks"])), None);
        assert!(say(idle(&["asks", "locked"])).is_some());
        assert!(say(idle(&[])).is_some());
        assert!(say(What::Gone).is_some() && say(idle(&[])).is_some());
    }

    #[test]
    fn every_need_of_the_demo_says_what_to_type() {
        let console = Console::demo(80, 24);
        let needs = console.state.needs();
        assert!(!needs.is_empty());
        for one in needs {
            let line = need(&one);
            assert!(line.contains(". Type "), "{line}");
        }
    }
}
