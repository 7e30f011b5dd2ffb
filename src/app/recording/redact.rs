//! Crossing out what the operator types for an agent: a line for a session, an answer, a
//! reason; and what a program wants in the clipboard. How long it was stays, so that a
//! replay goes the same way.

use crate::state::{ClipboardAsk, Event, Key, Modal, State};

/// What stands for a character that was typed.
const CROSS: char = '•';
/// The command whose argument goes to sessions.
const SEND: &str = "send";

/// The event as it is recorded, if that is not as it is. `state` is from before it.
pub(super) fn redacted(state: &State, event: &Event) -> Option<Event> {
    if let Event::ClipboardAsked { ask } = event {
        let begin = crossed(&ask.begin);
        return Some(Event::ClipboardAsked {
            ask: ClipboardAsk {
                begin,
                ..ask.clone()
            },
        });
    }
    let (more, is_paste) = if let Event::Key { key } = event {
        (key.typed()?.to_string(), false)
    } else if let Event::Paste { text } = event {
        (text.clone(), true)
    } else {
        return None;
    };
    let is_crossed = if let Some(Modal::Palette { text, .. }) = &state.view.modal {
        sends(&format!("{text}{more}"))
    } else {
        matches!(state.view.modal, Some(Modal::Line { .. }))
    };
    let text = if is_crossed {
        crossed(&more)
    } else {
        return None;
    };
    Some(if is_paste {
        Event::Paste { text }
    } else {
        Event::Key {
            key: Key::char(CROSS),
        }
    })
}

/// All characters crossed out; lines stay lines.
fn crossed(text: &str) -> String {
    let cross = |character: char| match character {
        '\n' | '\r' => character,
        _ => CROSS,
    };
    text.chars().map(cross).collect()
}

/// Whether a command line has words in it that go to sessions. The command may be given
/// by its begin.
pub(super) fn sends(line: &str) -> bool {
    let line = line.trim_start();
    line.split_once(char::is_whitespace)
        .is_some_and(|(command, words)| {
            command.len() > 1 && SEND.starts_with(command) && !words.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::KeyCode;

    fn text_of(event: Option<Event>) -> Option<String> {
        let event = event?;
        if let Event::Paste { text } = event {
            return Some(text);
        }
        let Event::Key { key } = event else {
            panic!("{event:?}")
        };
        key.typed().map(String::from)
    }

    fn typing(modal: Option<Modal>) -> State {
        let mut state = crate::state::fixture::Console::new(120, 40).state;
        state.view.modal = modal;
        state
    }

    fn palette(text: &str) -> State {
        typing(Some(Modal::Palette {
            text: text.to_owned(),
            chosen: None,
            is_line: true,
            back: None,
        }))
    }

    fn key(character: char) -> Event {
        Event::Key {
            key: Key::char(character),
        }
    }

    #[test]
    fn a_line_for_an_agent_is_crossed_out() {
        let line = typing(Some(Modal::Line {
            purpose: crate::state::LinePurpose::Deny {
                what: String::new(),
            },
            shown: Vec::new(),
            text: String::new(),
        }));
        assert_eq!(text_of(redacted(&line, &key('x'))).as_deref(), Some("•"));
        let paste = Event::Paste {
            text: String::from("a b\nc"),
        };
        assert_eq!(text_of(redacted(&line, &paste)).as_deref(), Some("•••\n•"));
        let enter = Event::Key {
            key: Key::plain(KeyCode::Enter),
        };
        assert_eq!(redacted(&line, &enter), None);
        assert_eq!(redacted(&typing(None), &key('x')), None);
    }

    #[test]
    fn what_a_program_wants_in_the_clipboard_is_crossed_out() {
        let ask = ClipboardAsk {
            bottle: crate::state::fixture::bottle("api-k3x9q"),
            ticket: 1,
            begin: String::from("a word\nof it"),
            bytes: 12,
        };
        let asked = Event::ClipboardAsked { ask: ask.clone() };
        let expected = ClipboardAsk {
            begin: String::from("••••••\n•••••"),
            ..ask
        };
        let told = redacted(&typing(None), &asked);
        assert_eq!(told, Some(Event::ClipboardAsked { ask: expected }));
    }

    #[test]
    fn what_follows_send_is_crossed_out_and_commands_are_not() {
        let key_of = |before: &str, typed| text_of(redacted(&palette(before), &key(typed)));
        assert_eq!(key_of("", 's'), None);
        assert_eq!(key_of("sen", 'd'), None);
        assert_eq!(key_of("send ", 'p').as_deref(), Some("•"));
        assert_eq!(key_of("send p", 'q').as_deref(), Some("•"));
        assert_eq!(key_of("stop ", 'a'), None);
        let paste = Event::Paste {
            text: String::from("send it all"),
        };
        let told = text_of(redacted(&palette(""), &paste)).unwrap();
        assert!(!told.contains("it all"));
    }
}
