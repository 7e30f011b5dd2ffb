//! What the operator's text stands on, as the terminal itself says (`OSC 11`).
//!
//! The question goes out with the first frame and nothing waits for the answer: until it
//! comes, `COLORFGBG` counts, else the background is taken for dark. The answer comes
//! among the keys, and the terminal library does not know it: to it, it is Alt and `]`,
//! then characters. So keys are looked at here: those that can still become an answer
//! are held back, for a moment at most, and given back as soon as they cannot.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::state::Background;

/// The question.
pub(super) const QUESTION: &str = "\x1b]11;?\x1b\\";
/// What every answer begins with, after the escape.
const BEGIN: &str = "]11;rgb";
/// The longest answer: `rgba:` with four parts of four digits.
pub(in crate::app) const MOST: usize = 40;
/// How long keys are held that may be the beginning of an answer. A terminal writes its
/// answer at once; a person cannot type `Alt-]`, then `1` in so short a time.
const HOLD: Duration = Duration::from_millis(30);
/// How long after the question an answer may come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Picks the answer out of what is typed.
#[derive(Debug, Default)]
pub(super) struct Answer {
    held: Vec<Event>,
    text: String,
    since: Option<Instant>,
    asked: Option<Instant>,
}

/// What is to be done with an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sifted {
    /// What was typed, in its order.
    pub(super) typed: Vec<Event>,
    /// What the terminal said.
    pub(super) background: Option<Background>,
}

impl Answer {
    /// The question was asked.
    pub(super) fn expect(&mut self) {
        self.asked = Some(Instant::now());
    }

    /// Takes an event. Where no answer is to come, it is typed as it is.
    pub(super) fn take(&mut self, event: Event) -> Sifted {
        if self.asked.is_none_or(|asked| asked.elapsed() > PATIENCE) {
            let mut typed = self.release();
            typed.push(event);
            return Sifted {
                typed,
                background: None,
            };
        }
        let Some(next) = character(&event, self.text.is_empty()) else {
            let mut typed = self.release();
            typed.push(event);
            return Sifted {
                typed,
                background: None,
            };
        };
        if next.is_end {
            return self.end(event);
        }
        let mut text = self.text.clone();
        text.push(next.character);
        if !can_become(&text) {
            let mut typed = self.release();
            if typed.is_empty() {
                typed.push(event);
                return Sifted {
                    typed,
                    background: None,
                };
            }
            // It may begin another.
            let mut rest = self.take(event);
            typed.append(&mut rest.typed);
            return Sifted { typed, ..rest };
        }
        self.text = text;
        self.held.push(event);
        self.since.get_or_insert_with(Instant::now);
        Sifted::default()
    }

    /// A session gets the terminal: until when an answer may come, and what came of it
    /// already, if one is waited for. The keys that it was taken for are kept no longer.
    pub(super) fn hand_over(&mut self) -> Option<(Vec<u8>, Instant)> {
        let text = std::mem::take(&mut self.text);
        drop(self.release());
        let until = self.asked? + PATIENCE;
        let is_begun = !text.is_empty() && !text.starts_with('\x1b');
        let escape = if is_begun { "\x1b" } else { "" };
        (until >= Instant::now()).then(|| (format!("{escape}{text}").into_bytes(), until))
    }

    /// The answer came by another way.
    pub(super) const fn forget(&mut self) {
        self.asked = None;
    }

    fn end(&mut self, event: Event) -> Sifted {
        let background = background(&self.text);
        let mut typed = self.release();
        match background {
            Some(_) => {
                typed.clear();
                self.asked = None;
            }
            None => typed.push(event),
        }
        Sifted { typed, background }
    }

    /// When what is held is to be given back, unless more comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + HOLD)
    }

    /// Gives back what is held.
    pub(super) fn release(&mut self) -> Vec<Event> {
        self.text.clear();
        self.since = None;
        std::mem::take(&mut self.held)
    }
}

/// What a text is of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Heard {
    /// Its begin.
    More,
    /// The whole of it.
    Background(Background),
    /// No part of one.
    Nothing,
}

/// What a text is of an answer, without its escape and its end.
pub(in crate::app) fn heard(text: &str, is_ended: bool) -> Heard {
    match background(text) {
        Some(background) if is_ended => Heard::Background(background),
        _ if !is_ended && can_become(text) => Heard::More,
        _ => Heard::Nothing,
    }
}

/// A key as a piece of an answer.
#[derive(Clone, Copy)]
struct Piece {
    character: char,
    is_end: bool,
}

/// What a key would be in an answer; `None` if it can be in none.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other key is a piece of an answer"
)]
fn character(event: &Event, is_first: bool) -> Option<Piece> {
    let Event::Key(KeyEvent {
        code, modifiers, ..
    }) = event
    else {
        return None;
    };
    let piece = |character| {
        Some(Piece {
            character,
            is_end: false,
        })
    };
    let end = Some(Piece {
        character: '\\',
        is_end: true,
    });
    let plain = modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match code {
        // The escape may come alone where the answer was cut behind it.
        KeyCode::Esc if plain && is_first => piece('\x1b'),
        KeyCode::Char(']') if *modifiers == KeyModifiers::ALT && is_first => piece(']'),
        KeyCode::Char('\\') if *modifiers == KeyModifiers::ALT && !is_first => end,
        KeyCode::Char('g') if *modifiers == KeyModifiers::CONTROL && !is_first => end,
        KeyCode::Char(character) if plain && !is_first => piece(*character),
        _ => None,
    }
}

fn can_become(text: &str) -> bool {
    let text = text.strip_prefix('\x1b').unwrap_or(text);
    let is_value = |rest: &str| {
        rest.chars()
            .all(|character| character.is_ascii_hexdigit() || matches!(character, ':' | '/' | 'a'))
    };
    BEGIN.starts_with(text)
        || (text.len() <= MOST && text.strip_prefix(BEGIN).is_some_and(is_value))
}

/// Reads an answer without its escape and its end: `]11;rgb:1e1e/1e1e/1e1e`.
fn background(text: &str) -> Option<Background> {
    let text = text.strip_prefix('\x1b').unwrap_or(text);
    let (_, value) = text.strip_prefix(BEGIN)?.split_once(':')?;
    let mut parts = value.split('/').map(|part| {
        let digits = u32::try_from(part.len()).ok().filter(|len| *len <= 4)?;
        let most = 16_u32.checked_pow(digits)?.checked_sub(1)?;
        let value = u32::from_str_radix(part, 16).ok()?;
        (value * 1_000).checked_div(most)
    });
    let [red, green, blue] = [parts.next()??, parts.next()??, parts.next()??];
    Some(of_luma(red, green, blue))
}

/// By weight of what the eye sees (ITU-R BT.601), each part of a thousand.
const fn of_luma(red: u32, green: u32, blue: u32) -> Background {
    if red * 299 + green * 587 + blue * 114 > 500_000 {
        Background::Light
    } else {
        Background::Dark
    }
}

/// What `COLORFGBG` says, as rxvt and Konsole set it: the last number is the background's
/// among the sixteen.
pub(super) fn of_variable(value: &str) -> Option<Background> {
    match value.rsplit(';').next()?.parse::<u8>().ok()? {
        7 | 9..=15 => Some(Background::Light),
        0..=6 | 8 => Some(Background::Dark),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn plain(text: &str) -> Vec<Event> {
        let shifted = |character: char| {
            if character.is_uppercase() {
                KeyModifiers::SHIFT
            } else {
                KeyModifiers::NONE
            }
        };
        text.chars()
            .map(|character| key(KeyCode::Char(character), shifted(character)))
            .collect()
    }

    fn answer(value: &str, end: Event) -> Vec<Event> {
        let mut events = vec![key(KeyCode::Char(']'), KeyModifiers::ALT)];
        events.extend(plain(&format!("11;rgb:{value}")));
        events.push(end);
        events
    }

    fn bell() -> Event {
        key(KeyCode::Char('g'), KeyModifiers::CONTROL)
    }

    fn terminator() -> Event {
        key(KeyCode::Char('\\'), KeyModifiers::ALT)
    }

    fn expecting() -> Answer {
        let mut answer = Answer::default();
        answer.expect();
        answer
    }

    #[test]
    fn where_nothing_was_asked_no_key_is_held() {
        let escape = key(KeyCode::Esc, KeyModifiers::NONE);
        let typed = vec![escape.clone()];
        let sifted = Answer::default().take(escape);
        assert_eq!((sifted.typed, sifted.background), (typed, None));
    }

    fn run(events: Vec<Event>) -> (Vec<Event>, Vec<Background>) {
        let mut sieve = expecting();
        let (mut typed, mut said) = (Vec::new(), Vec::new());
        for event in events {
            let sifted = sieve.take(event);
            typed.extend(sifted.typed);
            said.extend(sifted.background);
        }
        typed.extend(sieve.release());
        (typed, said)
    }

    #[test]
    fn answers_are_heard_and_no_key_of_them_is_typed() {
        for (value, background) in [
            ("1e1e/1e1e/1e1e", Background::Dark),
            ("ffff/FFFF/ffff", Background::Light),
            ("fdf6/e3e3/d5d5", Background::Light),
            ("ff/ff/ff", Background::Light),
            ("0/0/0", Background::Dark),
            ("0000/0000/ffff", Background::Dark),
        ] {
            for end in [bell(), terminator()] {
                let heard = run(answer(value, end));
                assert_eq!(heard, (Vec::new(), vec![background]), "{value}");
            }
        }
        let mut cut = answer("ffff/ffff/ffff", bell());
        cut.splice(
            0..1,
            [
                key(KeyCode::Esc, KeyModifiers::NONE),
                key(KeyCode::Char(']'), KeyModifiers::NONE),
            ],
        );
        assert_eq!(run(cut), (Vec::new(), vec![Background::Light]));
    }

    #[test]
    fn keys_around_an_answer_are_typed_in_their_order() {
        let mut events = plain("jq");
        events.extend(answer("0000/0000/0000", terminator()));
        events.extend(plain("kG"));
        let expected: Vec<Event> = plain("jqkG");
        assert_eq!(run(events), (expected, vec![Background::Dark]));
    }

    #[test]
    fn a_key_that_only_begins_like_an_answer_is_held_for_a_moment() {
        let mut sieve = expecting();
        let escape = key(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(sieve.take(escape.clone()), Sifted::default());
        assert!(sieve.due().is_some());
        assert_eq!(sieve.release(), [escape]);
        assert_eq!(sieve.due(), None);
    }

    #[test]
    fn what_came_of_an_answer_is_handed_over_to_who_gets_the_terminal() {
        assert_eq!(Answer::default().hand_over(), None);
        let mut sieve = expecting();
        assert_eq!(sieve.hand_over().map(|(begun, _)| begun), Some(Vec::new()));
        let mut cut = answer("ffff/ffff/ffff", bell());
        cut.truncate(5);
        for event in cut {
            assert_eq!(sieve.take(event), Sifted::default());
        }
        let begun = sieve.hand_over().map(|(begun, _)| begun);
        assert_eq!(begun.as_deref(), Some(&b"\x1b]11;r"[..]));
        assert_eq!((sieve.due(), sieve.release()), (None, Vec::new()));
        sieve.forget();
        assert_eq!(sieve.hand_over(), None);
    }

    #[test]
    fn what_is_no_colour_is_typed() {
        let events = answer("what", bell());
        assert_eq!(run(events.clone()), (events, Vec::new()));
        let events = answer("ffff/ffff", bell());
        assert_eq!(run(events.clone()), (events, Vec::new()));
    }

    #[test]
    fn the_variable_names_one_of_sixteen() {
        for (value, background) in [
            ("15;0", Some(Background::Dark)),
            ("0;15", Some(Background::Light)),
            ("0;default;15", Some(Background::Light)),
            ("12;8", Some(Background::Dark)),
            ("0;7", Some(Background::Light)),
            ("15;default", None),
            ("", None),
            ("0;77", None),
        ] {
            assert_eq!(of_variable(value), background, "{value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_key_is_lost(
            picks in proptest::collection::vec(0_usize..14, 0..60),
        ) {
            let all = "]11;rgb:/fg\\".chars().map(|character| key(KeyCode::Char(character), KeyModifiers::NONE));
            let mut keys: Vec<Event> = all.collect();
            keys.extend([
                key(KeyCode::Esc, KeyModifiers::NONE),
                key(KeyCode::Char(']'), KeyModifiers::ALT),
            ]);
            let events: Vec<Event> = picks.iter().filter_map(|at| keys.get(*at).cloned()).collect();
            // Without the end of an answer there is none.
            prop_assert_eq!(run(events.clone()), (events, Vec::new()));
        }
    }
}
