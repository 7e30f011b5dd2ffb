//! A session that has the whole terminal: given to it, told what it needs to know
//! meanwhile, taken back.

use crossterm::event::EventStream;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::Console;
use super::session::Purpose;
use crate::app::attach::{self, Around, AttachEnd, AttachError, Frame, LateAnswer};
use crate::app::exit::Failure;
use crate::docker::Line;
use crate::pty;
use crate::state::{BottleRef, Command, Event};
use crate::ui::{self, Screens};
use crate::wire::AttachMode;

impl Console<'_> {
    /// Gives the whole terminal to a session.
    pub(super) fn enter_full(&mut self, bottle: BottleRef, line: Line) -> std::io::Result<()> {
        self.shown = None;
        // Nobody knows where the pointer will be behind it.
        self.canvas.point(&self.state, &Screens::new(), None);
        // Its reader must be gone before the session reads the terminal itself.
        self.input = None;
        self.take(Event::Attached {
            bottle: bottle.clone(),
        })?;
        let (frame, shown) = tokio::sync::watch::channel(Frame::default());
        self.frame = frame;
        let terminal = self.terminal;
        // What was typed meanwhile, as a program that asked for nothing reads it.
        let (typed, _) = self.ahead.take(&pty::Modes::default());
        let mode = AttachMode::Interactive;
        let chords = attach::console_chords(&self.state.keys);
        let copies = self
            .may_ask_for_clipboard(&bottle)
            .then(|| self.copied.clone());
        let around = Around {
            frame: shown,
            copies,
            late: self.late_answer(),
        };
        let attach = attach::attach(terminal, line, mode, chords, typed, around);
        self.full = Some((bottle, attach.boxed_local()));
        self.tell_frame();
        Ok(())
    }

    /// What the terminal was asked and has not answered: the session must not hear it.
    fn late_answer(&mut self) -> Option<LateAnswer> {
        let (begun, until) = self.answer.hand_over()?;
        let (asker, said) = oneshot::channel();
        self.background_said = Some(said);
        Some(LateAnswer::new(begun, until, asker))
    }

    /// Takes the terminal back.
    pub(super) fn leave_full(
        &mut self,
        end: &Result<AttachEnd, AttachError>,
    ) -> std::io::Result<()> {
        let Some((bottle, attach)) = self.full.take() else {
            return Ok(());
        };
        drop(attach);
        let said = self.background_said.take();
        if let Some(background) = said.and_then(|mut said| said.try_recv().ok()) {
            self.answer.forget();
            self.take_background(background);
        }
        self.terminal.hear_nothing()?;
        self.terminal.hear_console()?;
        self.input = Some(EventStream::new());
        self.canvas.forget()?;
        self.is_stale = true;
        let size = attach::window_size()?;
        self.take(Event::Resize { size })?;
        match end {
            Ok(AttachEnd::Detached) => self.take(Event::Key {
                key: self.state.keys.detach_key(),
            }),
            Ok(AttachEnd::Next) => self.go_on_from(bottle),
            Ok(how @ (AttachEnd::Copy | AttachEnd::Wheel)) => {
                self.lent_by_wheel = *how == AttachEnd::Wheel;
                self.lend_full(bottle);
                Ok(())
            }
            Ok(AttachEnd::Ended(exit)) => self.take(Event::SessionEnded {
                bottle,
                exit: *exit,
            }),
            Ok(AttachEnd::Refused(why) | AttachEnd::Lost(why)) => self.take(Event::Detached {
                bottle,
                why: Some(why.clone()),
            }),
            Err(error) => self.take(Event::Detached {
                bottle,
                why: Some(Failure::new("go on", error).line()),
            }),
        }
    }

    /// Leaves a session for the next bottle that needs the operator.
    fn go_on_from(&mut self, bottle: BottleRef) -> std::io::Result<()> {
        self.press_chord(Command::NextNeed)?;
        if self.state.attached() == Some(&bottle) {
            // It was answered elsewhere meanwhile, and the operator stays.
            self.open_session(bottle, Purpose::Full);
        }
        Ok(())
    }

    /// Does what a key of an attached session does, that came by another way.
    pub(super) fn press_chord(&mut self, command: Command) -> std::io::Result<()> {
        match self.state.keys.chord(command) {
            Some(key) => self.take(Event::Key { key }),
            None => Ok(()),
        }
    }

    /// Tells the session that has the terminal what needs the operator elsewhere.
    pub(super) fn tell_frame(&self) {
        if self.full.is_none() {
            return;
        }
        let frame = Frame {
            status: ui::status_line(&self.state, self.canvas.look()),
            has_next: self.state.other_needs() > 0,
        };
        self.frame.send_if_modified(|old| {
            let is_new = *old != frame;
            if is_new {
                *old = frame;
            }
            is_new
        });
    }
}
