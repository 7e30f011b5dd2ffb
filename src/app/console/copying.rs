//! What a shown session shows, held still to be read and copied. Its text goes from the
//! screen to the clipboard here and is no event.

use super::Console;
use super::session::{Purpose, Shown};
use crate::pty::Screen;
use crate::state::{
    BottleRef, Command, CopyCommand, Event, MOST_COPIED, Pointer, PointerAction, ScreenNews,
    ScreenWish, Spot, StillExtent, Target,
};
use crate::ui;

impl Console<'_> {
    /// Holds the shown screen still.
    pub(super) fn hold_screen(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        let place = ui::session_area(&self.state);
        let shown = self.shown.as_mut();
        let shown = shown.filter(|shown| shown.bottle == bottle && shown.has_screen());
        let (Some(shown), Some(place)) = (shown, place) else {
            if self.state.view.wheeled_back.is_some() {
                // Nobody asked for more than the wheel's next notch will do.
                return Ok(());
            }
            let text = String::from("there is no screen yet that could be read");
            return self.take(Event::Note { text });
        };
        let still = shown.peer.screen_mut().still();
        let cursor = still.cursor();
        let above = still.lines().saturating_sub(usize::from(still.size().rows));
        let extent = StillExtent {
            lines: still.lines(),
            columns: still.size().columns,
            rows: place.size.rows,
        };
        let cursor = Spot {
            line: above.saturating_add(usize::from(cursor.row)),
            column: cursor.column,
        };
        shown.still = Some(Box::new(still));
        self.take(Event::ScreenHeld {
            bottle,
            extent,
            cursor,
        })
    }

    /// Reads in what is held still.
    pub(super) fn read_screen(
        &mut self,
        bottle: BottleRef,
        wish: &ScreenWish,
    ) -> std::io::Result<()> {
        let shown = self.shown.as_ref();
        let shown = shown.filter(|shown| shown.bottle == bottle);
        let news = match shown.and_then(|shown| shown.still.as_deref()) {
            None => ScreenNews::Lost,
            Some(still) => match wish {
                ScreenWish::Copy { from, to, by_line } => {
                    let (text, news) = selected(still, *from, *to, *by_line);
                    self.copy(text)?;
                    news
                }
                ScreenWish::Find { .. } | ScreenWish::Word { .. } | ScreenWish::LineEnd { .. } => {
                    read(still, wish)
                }
            },
        };
        self.take(Event::ScreenRead { bottle, news })
    }

    /// Lets go what is not read any more. Whoever came from the whole terminal goes back
    /// there.
    pub(super) fn settle_still(&mut self) {
        if self.state.view.copying.is_some() || self.state.overtakes_session() {
            return;
        }
        let Some(shown) = self.shown.as_mut() else {
            return;
        };
        self.is_stale |= shown.still.take().is_some();
        if shown.is_lent && shown.is_read && self.state.attached() == Some(&shown.bottle) {
            let bottle = shown.bottle.clone();
            self.shown = None;
            self.open_session(bottle, Purpose::Full);
        }
    }

    /// A session that has the whole terminal is to be read: it is drawn by the console
    /// for as long as that takes.
    pub(super) fn lend_full(&mut self, bottle: BottleRef) {
        self.open_session(bottle, Purpose::Lent);
    }

    /// Begins to read a lent session as soon as there is something.
    pub(super) fn read_lent(&mut self) -> std::io::Result<()> {
        let has_keys = self.state.has_open_session();
        let shown = self.shown.as_mut();
        let is_due = |shown: &&mut Shown| shown.is_lent && !shown.is_read && shown.has_screen();
        match shown.filter(is_due).filter(|_| has_keys) {
            Some(_) if self.lent_by_wheel => {
                self.lent_by_wheel = false;
                // How much there is to scroll must be known before the wheel turns.
                self.note_screen()?;
                if let Some(shown) = &mut self.shown {
                    shown.is_read = true;
                }
                let pointer = Pointer {
                    action: PointerAction::WheelUp,
                    target: Target::Detail,
                };
                self.take(Event::Pointer { pointer })
            }
            Some(shown) => {
                shown.is_read = true;
                self.press_chord(Command::Copy(CopyCommand::Begin))
            }
            None => Ok(()),
        }
    }
}

impl Shown {
    /// The screen that is drawn: the live one, unless it is read.
    pub(super) fn drawn(&self) -> &Screen {
        self.still.as_deref().unwrap_or_else(|| self.peer.screen())
    }
}

fn read(still: &Screen, wish: &ScreenWish) -> ScreenNews {
    let spot = |(line, column)| ScreenNews::At {
        spot: Spot { line, column },
    };
    match wish {
        ScreenWish::Find {
            text,
            from,
            is_down,
            is_here,
        } => match still.find(text, (from.line, from.column), *is_down, *is_here) {
            Some(found) => ScreenNews::Found {
                spot: Spot {
                    line: found.line,
                    column: found.column,
                },
                number: found.number,
                total: found.total,
            },
            None => ScreenNews::NotFound,
        },
        ScreenWish::Word { from, is_forward } => {
            spot(still.word((from.line, from.column), *is_forward))
        }
        ScreenWish::LineEnd { line } => spot((*line, still.line_end(*line))),
        ScreenWish::Copy { from, .. } => ScreenNews::At { spot: *from },
    }
}

/// The selected text as far as a clipboard takes it, and the news of it.
fn selected(still: &Screen, from: Spot, to: Spot, by_line: bool) -> (String, ScreenNews) {
    let mut text = still.text_between((from.line, from.column), (to.line, to.column), by_line);
    let is_cut = text.len() > MOST_COPIED;
    if is_cut {
        text.truncate(text.floor_char_boundary(MOST_COPIED));
    }
    let news = ScreenNews::Copied {
        lines: text.lines().count(),
        bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        is_cut,
    };
    (text, news)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TerminalSize;

    #[test]
    fn more_than_a_clipboard_takes_is_cut_and_told() {
        let size = TerminalSize {
            columns: 100,
            rows: 10,
        };
        let mut screen = Screen::new(size, 5_000);
        drop(screen.feed("äöü".repeat(33).repeat(2_000).as_bytes()));
        let last = Spot {
            line: screen.lines(),
            column: 0,
        };
        let (text, news) = selected(&screen, Spot::default(), last, true);
        assert!(text.len() <= MOST_COPIED && text.len() > MOST_COPIED - 4);
        let ScreenNews::Copied { is_cut, bytes, .. } = news else {
            panic!("copied")
        };
        assert!(is_cut);
        assert_eq!(usize::try_from(bytes).unwrap(), text.len());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut screen = Screen::new(TerminalSize::default(), 10);
        drop(screen.feed(b"alpha"));
        let wish = |text: &str| ScreenWish::Find {
            text: text.to_owned(),
            from: Spot::default(),
            is_down: true,
            is_here: true,
        };
        assert_eq!(read(&screen, &wish("beta")), ScreenNews::NotFound);
        let found = ScreenNews::Found {
            spot: Spot::default(),
            number: 1,
            total: 1,
        };
        assert_eq!(read(&screen, &wish("alp")), found);
    }
}
