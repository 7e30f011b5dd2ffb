//! Reading back what a session shows: begun, moved in, searched, copied, left.

use crate::state::console::State;
use crate::state::copying::{
    CopyCommand, CopySearch, Copying, ScreenNews, ScreenWish, Spot, StillExtent,
};
use crate::state::effect::Effect;
use crate::state::sighting::BottleRef;
use crate::state::view::{ClipboardAsk, Focus, Modal, Tab};

impl State {
    pub(super) fn on_copy_command(&mut self, command: CopyCommand, effects: &mut Vec<Effect>) {
        self.touch();
        let Some(copying) = &mut self.view.copying else {
            if command == CopyCommand::Begin {
                self.begin_copying(effects);
            }
            return;
        };
        let cursor = copying.cursor;
        match command {
            CopyCommand::Begin | CopyCommand::Leave => self.view.copying = None,
            CopyCommand::Left => copying.go(Spot {
                column: cursor.column.saturating_sub(1),
                ..cursor
            }),
            CopyCommand::Right => copying.go(Spot {
                column: cursor.column.saturating_add(1),
                ..cursor
            }),
            CopyCommand::LineStart => copying.go(Spot {
                column: 0,
                ..cursor
            }),
            CopyCommand::LineEnd => {
                let line = cursor.line;
                self.wish_screen(ScreenWish::LineEnd { line }, effects);
            }
            CopyCommand::NextWord | CopyCommand::PreviousWord => {
                let wish = ScreenWish::Word {
                    from: cursor,
                    is_forward: command == CopyCommand::NextWord,
                };
                self.wish_screen(wish, effects);
            }
            CopyCommand::Find => copying.prompt = Some(String::new()),
            CopyCommand::Next => self.find_in_screen(true, false, effects),
            CopyCommand::Previous => self.find_in_screen(false, false, effects),
            CopyCommand::Characters => copying.select(false),
            CopyCommand::Lines => copying.select(true),
            CopyCommand::Copy => match copying.selected() {
                Some((from, to, by_line)) => {
                    self.wish_screen(ScreenWish::Copy { from, to, by_line }, effects);
                }
                None => self.warn(String::from(
                    "nothing is selected: v selects characters, V lines",
                )),
            },
        }
    }

    /// An attached session wants a text in the clipboard: the frame says so, and nothing
    /// takes the keys until the operator looks.
    pub(super) fn on_clipboard_asked(&mut self, ask: ClipboardAsk) {
        if self.attached() == Some(&ask.bottle) {
            self.view.clipboard = Some(ask);
            self.touch();
        }
    }

    /// The wheel over an attached session whose program did not ask for it: it is read
    /// back as far as the wheel turned.
    pub(super) fn wheel_session(&mut self, step: i64, effects: &mut Vec<Effect>) {
        let back = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
        let back = back.min(self.scrollback);
        if let Some(bottle) = self.attached().filter(|_| step < 0 && back > 0) {
            let bottle = bottle.clone();
            self.view.wheeled_back = Some(back);
            effects.push(Effect::HoldScreen { bottle });
        }
    }

    fn begin_copying(&mut self, effects: &mut Vec<Effect>) {
        self.view.wheeled_back = None;
        if self.has_open_session()
            && let Some(ask) = self.view.clipboard.take()
        {
            return self.open(Modal::Clipboard { ask });
        }
        let is_live = match &self.view.focus {
            Focus::Attached { is_open, .. } => *is_open,
            Focus::List
            | Focus::Detail
            | Focus::Egress
            | Focus::Inbox
            | Focus::Builds
            | Focus::Audit => self.lines.preview.is_some(),
        };
        let bottle = self.shown_bottle().map(|known| known.bottle.clone());
        match bottle.filter(|bottle| is_live && self.is_shown(bottle, Tab::Session)) {
            Some(bottle) => effects.push(Effect::HoldScreen { bottle }),
            None => self.warn(String::from("no session is shown that could be read")),
        }
    }

    /// The app holds a screen still.
    pub(super) fn on_screen_held(&mut self, bottle: BottleRef, extent: StillExtent, cursor: Spot) {
        if self.is_shown(&bottle, Tab::Session) {
            let scrolled = std::mem::take(&mut self.view.session_scroll);
            let wheeled = self.view.wheeled_back.take();
            let back = wheeled.unwrap_or(scrolled);
            self.view.copying = Some(Copying {
                is_by_wheel: wheeled.is_some(),
                ..Copying::begin(bottle, extent, cursor, back)
            });
            self.touch();
        }
    }

    pub(super) fn on_screen_read(&mut self, bottle: &BottleRef, news: ScreenNews) {
        let copying = self.view.copying.as_mut();
        let Some(copying) = copying.filter(|copying| copying.bottle == *bottle) else {
            return;
        };
        match news {
            ScreenNews::At { spot } => copying.go(spot),
            ScreenNews::Found {
                spot,
                number,
                total,
            } => {
                copying.go(spot);
                if let Some(search) = &mut copying.search {
                    search.hit = Some((number, total));
                }
            }
            ScreenNews::NotFound => {
                let search = copying.search.as_mut();
                let text = search.map(|search| {
                    search.hit = None;
                    search.text.clone()
                });
                self.warn(format!("not found: {}", text.unwrap_or_default()));
            }
            ScreenNews::Copied {
                lines,
                bytes,
                is_cut,
            } => {
                copying.selection = None;
                let lines = match lines {
                    1 => String::from("1 line"),
                    lines => format!("{lines} lines"),
                };
                let rest = if is_cut { "; no room for the rest" } else { "" };
                self.tell(format!("copied {lines}, {bytes} bytes{rest}"));
            }
            ScreenNews::Lost => self.view.copying = None,
        }
        self.touch();
    }

    /// Looks for what was typed; nothing typed drops what was looked for.
    pub(super) fn accept_copy_prompt(&mut self, effects: &mut Vec<Effect>) {
        let Some(copying) = &mut self.view.copying else {
            return;
        };
        let text = copying.prompt.take().unwrap_or_default();
        copying.search = (!text.is_empty()).then_some(CopySearch { text, hit: None });
        if copying.search.is_some() {
            // Most is above: what is live is at the end.
            self.find_in_screen(false, true, effects);
        }
    }

    fn find_in_screen(&mut self, is_down: bool, is_here: bool, effects: &mut Vec<Effect>) {
        let copying = self.view.copying.as_ref();
        let Some((from, text)) = copying.and_then(|copying| {
            let search = copying.search.as_ref()?;
            Some((copying.cursor, search.text.clone()))
        }) else {
            self.warn(String::from("nothing is looked for: / looks for words"));
            return;
        };
        let wish = ScreenWish::Find {
            text,
            from,
            is_down,
            is_here,
        };
        self.wish_screen(wish, effects);
    }

    fn wish_screen(&self, wish: ScreenWish, effects: &mut Vec<Effect>) {
        if let Some(copying) = &self.view.copying {
            let bottle = copying.bottle.clone();
            effects.push(Effect::ReadScreen { bottle, wish });
        }
    }

    /// One step back: from what is typed, from what is selected, to what is live. Gives
    /// whether there was anything.
    pub(super) fn back_in_copying(&mut self) -> bool {
        let Some(copying) = &mut self.view.copying else {
            return false;
        };
        if copying.prompt.take().is_none() && copying.selection.take().is_none() {
            self.view.copying = None;
        }
        true
    }

    /// What is read back must be shown, and its line must stand.
    pub(super) fn settle_copying(&mut self) {
        if let Some(copying) = &self.view.copying {
            let bottle = &copying.bottle;
            let has_line = [&self.lines.preview, &self.lines.session]
                .into_iter()
                .any(|line| line.as_ref() == Some(bottle));
            if !has_line || !self.is_shown(bottle, Tab::Session) {
                self.view.copying = None;
                self.touch();
            }
        }
    }
}
