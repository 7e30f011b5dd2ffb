//! The command line and the palette: typing, choosing, doing.

use crate::state::command::Command;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::palette::{Action, HISTORY, parse, sort_key};
use crate::state::sighting::BottleRef;
use crate::state::view::{Focus, Modal};

/// The line that is typed.
struct Typed<'a> {
    text: &'a mut String,
    chosen: &'a mut Option<usize>,
    is_line: bool,
    back: &'a mut Option<usize>,
}

impl State {
    pub(super) fn open_palette(&mut self, is_line: bool) {
        self.open(Modal::Palette {
            text: String::new(),
            chosen: None,
            is_line,
            back: None,
        });
    }

    fn typed_line(&mut self) -> Option<Typed<'_>> {
        let Some(Modal::Palette {
            text,
            chosen,
            is_line,
            back,
        }) = &mut self.view.modal
        else {
            return None;
        };
        Some(Typed {
            text,
            chosen,
            is_line: *is_line,
            back,
        })
    }

    /// Another text stands in the line: nothing is chosen any more.
    pub(super) fn palette_typed(&mut self) {
        if let Some(typed) = self.typed_line() {
            *typed.chosen = None;
            *typed.back = None;
        }
    }

    /// Goes through what is offered; in an empty command line, through what was done.
    pub(super) fn palette_move(&mut self, by: i64) {
        let Some((text, is_line)) = self
            .typed_line()
            .map(|typed| (typed.text.clone(), typed.is_line))
        else {
            return;
        };
        let is_remembering = self.typed_line().is_some_and(|typed| typed.back.is_some());
        if is_line && (text.is_empty() || is_remembering) && (by < 0 || is_remembering) {
            self.remember(by);
            return;
        }
        let offers = self.offers(&text, is_line).len();
        if let Some(typed) = self.typed_line()
            && offers > 0
        {
            let last = i64::try_from(offers - 1).unwrap_or(0);
            let at = match *typed.chosen {
                None if by < 0 => last,
                // The first stands out already where nothing need be typed.
                None if is_line => 0,
                None => by.clamp(0, last),
                Some(at) => (i64::try_from(at).unwrap_or(0) + by).clamp(0, last),
            };
            *typed.chosen = usize::try_from(at).ok();
            self.touch();
        }
    }

    /// Puts an earlier or later line there.
    fn remember(&mut self, by: i64) {
        let history = self.view.history.clone();
        let Some(typed) = self.typed_line() else {
            return;
        };
        let last = history.len();
        let at = typed.back.unwrap_or(last);
        let next = if by < 0 { at.saturating_sub(1) } else { at + 1 };
        match history.get(next) {
            Some(line) => {
                typed.text.clone_from(line);
                *typed.back = Some(next);
            }
            None if next >= last => {
                typed.text.clear();
                *typed.back = None;
            }
            None => {}
        }
        *typed.chosen = None;
        self.touch();
    }

    /// Completes what is typed: to what is chosen, or as far as all that is offered agrees.
    pub(super) fn palette_complete(&mut self) {
        let Some((text, chosen, is_line)) = self
            .typed_line()
            .map(|typed| (typed.text.clone(), *typed.chosen, typed.is_line))
        else {
            return;
        };
        let offers = self.offers(&text, is_line);
        let at = chosen.or((offers.len() == 1 || !is_line).then_some(0));
        let completed = if let Some(offer) = at.and_then(|at| offers.get(at)) {
            format!("{} ", offer.line)
        } else {
            let lines: Vec<&str> = offers.iter().map(|offer| offer.line.as_str()).collect();
            common(&lines)
        };
        if completed.chars().count() > text.chars().count()
            && let Some(typed) = self.typed_line()
        {
            *typed.text = completed;
            *typed.chosen = None;
            *typed.back = None;
            self.touch();
        }
    }

    /// Does what the line says, or what is chosen.
    pub(super) fn palette_run(
        &mut self,
        (text, chosen, is_line): (String, Option<usize>, bool),
        effects: &mut Vec<Effect>,
    ) {
        let offers = self.offers(&text, is_line);
        let chosen = chosen.or((!is_line).then_some(0));
        let line = match chosen.and_then(|at| offers.get(at)) {
            Some(offer) if offer.is_open => {
                let text = format!("{} ", offer.line);
                self.view.modal = Some(Modal::Palette {
                    text,
                    chosen: None,
                    is_line,
                    back: None,
                });
                return;
            }
            // Whoever typed an argument in full means that.
            Some(offer) if !text.contains(char::is_whitespace) || chosen.is_some() => {
                offer.line.clone()
            }
            _ => text,
        };
        if line.trim().is_empty() {
            return;
        }
        self.run_line(&line, effects);
    }

    fn run_line(&mut self, line: &str, effects: &mut Vec<Effect>) {
        let line = line.trim();
        let parsed = parse(line);
        // What was typed for an agent is nobody's business but its; what is no command may
        // have been meant for one.
        if parsed
            .as_ref()
            .is_ok_and(|parsed| parsed.action != Action::Send)
        {
            self.view.history.retain(|known| known != line);
            self.view.history.push(line.to_owned());
            let excess = self.view.history.len().saturating_sub(HISTORY);
            self.view.history.drain(..excess);
        }
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return self.warn(why),
        };
        let named = self.named(&parsed.words);
        let bottles = match (&parsed.action, named) {
            (Action::Marked(_) | Action::Mark | Action::Go | Action::Approve, Err(word)) => {
                self.warn(format!(
                    "no bottle is `{word}`: its id, a pattern or a state"
                ));
                return;
            }
            (_, named) => named.unwrap_or_default(),
        };
        match parsed.action {
            Action::Key(command) => self.on_global_command(command, effects),
            Action::Marked(life) => {
                if !bottles.is_empty() {
                    self.view.marked = bottles.into_iter().collect();
                }
                self.on_global_command(Command::Life(life), effects);
            }
            Action::Mark => {
                self.view.marked.extend(bottles);
                let marked = self.view.marked.len();
                self.tell(format!("{marked} marked"));
            }
            Action::Approve => self.approve_named(bottles, effects),
            Action::Unmark => self.view.marked.clear(),
            Action::Go => {
                if let Some(bottle) = bottles.into_iter().next() {
                    self.leave_wide_views();
                    self.view.filter.clear();
                    self.select_bottle(bottle);
                }
            }
            Action::Send => {
                let text = line.split_once(char::is_whitespace).map(|(_, text)| text);
                let bottles = self.that_talk();
                match text {
                    _ if bottles.is_empty() => self.ask_what_to_send(),
                    Some(text) => {
                        let text = text.to_owned();
                        self.send_line(bottles, &text, effects);
                    }
                    None => self.ask_what_to_send(),
                }
            }
            Action::Filter => {
                self.leave_wide_views();
                self.view.filter = parsed.words.join(" ");
            }
            Action::Theme => {
                self.use_theme(parsed.words.first().copied().unwrap_or_default(), effects);
            }
            Action::Sort => {
                let word = parsed.words.first().copied().unwrap_or_default();
                match sort_key(word) {
                    Some(sort) => {
                        let by = crate::state::command::OrderCommand::By(sort);
                        self.on_order_command(by);
                    }
                    None => self.warn(format!("the list is not sorted by `{word}`")),
                }
            }
        }
        self.touch();
    }

    fn approve_named(&mut self, bottles: Vec<BottleRef>, effects: &mut Vec<Effect>) {
        if !bottles.is_empty() {
            self.view.marked = bottles.into_iter().collect();
        }
        if !self.approve_targets(effects) {
            self.tell(String::from("none of these bottles asks for anything"));
        }
    }

    fn use_theme(&mut self, name: &str, effects: &mut Vec<Effect>) {
        if self.themes.iter().any(|known| known == name) {
            let name = name.to_owned();
            effects.push(Effect::UseTheme { name });
        } else {
            let all = self.themes.join(", ");
            self.warn(format!("no theme is called `{name}`: there are {all}"));
        }
    }

    /// Does what a key does on the list, wherever one is.
    fn on_global_command(&mut self, command: Command, effects: &mut Vec<Effect>) {
        let is_of_bottle = matches!(
            command,
            Command::Life(_) | Command::Attach | Command::AttachFull | Command::Read(_)
        );
        if is_of_bottle && !matches!(command, Command::Life(crate::state::command::Life::Panic)) {
            self.leave_wide_views();
        }
        self.on_command(command, effects);
    }

    fn leave_wide_views(&mut self) {
        if self.view.focus.is_wide() {
            self.view.focus = Focus::List;
        }
    }
}

/// How far texts agree.
fn common(texts: &[&str]) -> String {
    let Some((first, rest)) = texts.split_first() else {
        return String::new();
    };
    let agree = |at: usize, character: char| {
        rest.iter()
            .all(|text| text.chars().nth(at) == Some(character))
    };
    first
        .chars()
        .enumerate()
        .take_while(|(at, character)| agree(*at, *character))
        .map(|(_, character)| character)
        .collect()
}
