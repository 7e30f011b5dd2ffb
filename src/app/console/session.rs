//! The session that the console shows: a line opened by a task, read by the loop.

use std::time::{Duration, Instant};

use crossterm::event::{EventStream, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use futures_util::FutureExt as _;

use super::Console;
use super::ahead::{Fate, Typed};
use crate::app::attach::{self, AttachEnd, AttachError, Frame, News, Peer, PeerError};
use crate::app::exit::Failure;
use crate::docker::Line;
use crate::pty::{self, Screen};
use crate::state::{BottleRef, Event, Key, Pointer, PointerAction, Target};
use crate::store::AuditEvent;
use crate::ui;
use crate::wire::{AttachMode, ClientToSession};

/// How long the selection must rest before a session is previewed.
const PREVIEW_DELAY: Duration = Duration::from_millis(120);
/// The longest that a flood is read before other things get their turn.
const BUDGET: Duration = Duration::from_millis(8);

/// What a line to a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its screen is looked at.
    Preview,
    /// It takes keys in its pane.
    Pane,
    /// It gets the whole terminal.
    Full,
    /// Its screen is looked at beside others.
    Tile,
    /// It has the whole terminal and is read there, which the console draws.
    Lent,
}

/// A line that was asked for.
#[derive(Debug)]
pub(super) struct Opened {
    bottle: BottleRef,
    purpose: Purpose,
    line: Result<Line, String>,
}

/// The session in the pane.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) bottle: BottleRef,
    pub(super) peer: Peer,
    mode: AttachMode,
    /// The screen as it was when the operator began to read it.
    pub(super) still: Option<Box<Screen>>,
    /// Whether it gets the whole terminal again after that.
    pub(super) is_lent: bool,
    /// Whether that was begun.
    pub(super) is_read: bool,
    /// Whether its program may ask for the operator's clipboard.
    pub(super) may_copy: bool,
    /// The generation of the screen that was drawn last, and its scrollback.
    noted: Option<(u64, usize)>,
}

/// News of the shown session; waits for ever if there is none.
pub(super) async fn next(shown: &mut Option<Shown>) -> Result<News, PeerError> {
    match shown {
        Some(shown) => shown.peer.next().await,
        None => std::future::pending().await,
    }
}

/// Until when the shown session's program may hold its update back.
pub(super) fn held_back(shown: Option<&Shown>) -> Option<Instant> {
    shown.and_then(|shown| shown.peer.screen().sync_deadline())
}

fn task(purpose: Purpose, bottle: &BottleRef) -> String {
    match purpose {
        Purpose::Tile => super::tiles::task(bottle),
        Purpose::Preview => String::from("preview"),
        Purpose::Pane | Purpose::Full | Purpose::Lent => String::from("attach"),
    }
}

impl Console<'_> {
    /// Asks for a line; [`Console::take_opened`] gets it.
    pub(super) fn open_session(&mut self, bottle: BottleRef, purpose: Purpose) {
        let cellar = self.cellar.clone();
        let answer = self.opened.clone();
        let subject = Some(bottle.clone());
        self.tasks
            .start(task(purpose, &bottle), subject, async move {
                if purpose == Purpose::Preview {
                    tokio::time::sleep(PREVIEW_DELAY).await;
                }
                let line = cellar
                    .session_line(&bottle.id)
                    .await
                    .map_err(|error| error.to_string());
                if !matches!(purpose, Purpose::Preview | Purpose::Tile) && line.is_ok() {
                    // The disk must not keep the operator from the session.
                    let (cellar, id) = (cellar.clone(), bottle.id.clone());
                    let event = AuditEvent::Attach { typed: true };
                    tokio::task::spawn_blocking(move || cellar.audit_after(&id, event));
                }
                // A console that is gone needs no line.
                drop(
                    answer
                        .send(Opened {
                            bottle,
                            purpose,
                            line,
                        })
                        .await,
                );
            });
    }

    /// Lets the shown or coming session go.
    pub(super) fn close_session(&mut self, bottle: &BottleRef, purpose: Purpose) {
        self.tasks.end(&task(purpose, bottle));
        if purpose != Purpose::Preview {
            self.ahead.clear();
        }
        let is_it = |shown: &Shown| {
            shown.bottle == *bottle
                && (shown.mode == AttachMode::Watch) == (purpose == Purpose::Preview)
        };
        if self.shown.as_ref().is_some_and(is_it) {
            self.shown = None;
            self.is_stale = true;
        }
    }

    pub(super) fn take_opened(&mut self, opened: Opened) -> std::io::Result<()> {
        let Opened {
            bottle,
            purpose,
            line,
        } = opened;
        if purpose == Purpose::Tile {
            return self.take_tile(bottle, line);
        }
        let is_wanted = match purpose {
            Purpose::Preview => self.state.lines.preview.as_ref() == Some(&bottle),
            Purpose::Pane | Purpose::Full | Purpose::Lent | Purpose::Tile => {
                self.state.attached() == Some(&bottle)
            }
        };
        if !is_wanted {
            return Ok(());
        }
        let line = match (line, purpose) {
            (Ok(line), _) => line,
            (Err(why), Purpose::Preview) => return self.take(Event::PreviewEnded { bottle, why }),
            (Err(why), _) => return self.take(Event::AttachFailed { bottle, why }),
        };
        // Who leaves at once needs no whole terminal for it.
        if purpose == Purpose::Full && !self.ahead.has_chord() {
            return self.enter_full(bottle, line);
        }
        let (mode, size) = if purpose == Purpose::Preview {
            (AttachMode::Watch, pty::TerminalSize::default())
        } else {
            (AttachMode::Interactive, self.pane_size())
        };
        self.shown = Some(Shown {
            bottle: bottle.clone(),
            peer: Peer::greet(line, mode, size),
            mode,
            still: None,
            is_lent: purpose == Purpose::Lent,
            is_read: false,
            may_copy: mode == AttachMode::Interactive && self.may_ask_for_clipboard(&bottle),
            noted: None,
        });
        if purpose != Purpose::Preview {
            self.take(Event::Attached { bottle })?;
            self.fit_session();
        }
        Ok(())
    }

    /// Gives the whole terminal to a session.
    fn enter_full(&mut self, bottle: BottleRef, line: Line) -> std::io::Result<()> {
        self.shown = None;
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
        let chords = pty::Chords::console(&self.state.keys.detach_letters());
        let copies = self
            .may_ask_for_clipboard(&bottle)
            .then(|| self.copied.clone());
        let attach = attach::attach(terminal, line, mode, chords, typed, (shown, copies));
        self.full = Some((bottle, attach.boxed_local()));
        self.tell_frame();
        Ok(())
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
            Ok(AttachEnd::Copy) => {
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
        self.take(Event::Key {
            key: Key::NEXT_NEED,
        })?;
        if self.state.attached() == Some(&bottle) {
            // It was answered elsewhere meanwhile, and the operator stays.
            self.open_session(bottle, Purpose::Full);
        }
        Ok(())
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

    pub(super) fn take_news(&mut self, first: Result<News, PeerError>) -> std::io::Result<()> {
        let until = Instant::now() + BUDGET;
        let mut news = first;
        loop {
            match news {
                Ok(News::Screen) => {}
                Ok(News::Ended(exit)) => {
                    let Some(shown) = self.shown.take() else {
                        return Ok(());
                    };
                    self.is_stale = true;
                    return self.take(Event::SessionEnded {
                        bottle: shown.bottle,
                        exit,
                    });
                }
                Ok(News::Refused(why)) => return self.lose_session(why),
                Ok(News::Closed) => {
                    return self.lose_session(String::from("the line was closed"));
                }
                Err(error) => return self.lose_session(error.to_string()),
            }
            let Some(shown) = &mut self.shown else {
                return Ok(());
            };
            if Instant::now() >= until {
                break;
            }
            match shown.peer.next().now_or_never() {
                Some(more) => news = more,
                None => break,
            }
        }
        self.is_stale |= self.shown.as_ref().is_some_and(Shown::is_new);
        self.look_for_copied()?;
        self.read_lent()?;
        self.send_ahead()
    }

    /// Keeps a key for a session that is being attached.
    pub(super) fn type_ahead(
        &mut self,
        key: Key,
        press: Option<pty::KeyPress>,
    ) -> std::io::Result<()> {
        match self.ahead.key(key, press) {
            Fate::Waits => Ok(()),
            Fate::Ours => self.take(Event::Key { key }),
        }
    }

    /// Types what was kept, once the session's modes are known; what was typed behind
    /// a chord goes where it would have gone.
    fn send_ahead(&mut self) -> std::io::Result<()> {
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        if !shown.takes_keys() || self.ahead.is_empty() {
            return Ok(());
        }
        let (bytes, behind) = self.ahead.take(&shown.peer.screen().modes());
        if !bytes.is_empty() {
            shown.peer.type_bytes(bytes);
        }
        let Some((key, behind)) = behind else {
            return Ok(());
        };
        self.take(Event::Key { key })?;
        for typed in behind {
            match typed {
                Typed::Key(key, press) => self.take_key(key, press)?,
                Typed::Paste(text) => self.take_paste(text)?,
            }
        }
        Ok(())
    }

    /// Tells the state of a new screen, right before it is drawn.
    pub(super) fn note_screen(&mut self) -> std::io::Result<()> {
        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        shown.peer.expire_sync();
        if !shown.is_new() || shown.still.is_some() {
            return Ok(());
        }
        let scrollback = shown.peer.screen().scrollback_len();
        shown.noted = Some((shown.peer.screen().generation(), scrollback));
        let bottle = shown.bottle.clone();
        self.take(Event::ScreenChanged { bottle, scrollback })
    }

    pub(super) fn lose_session(&mut self, why: String) -> std::io::Result<()> {
        let Some(shown) = self.shown.take() else {
            return Ok(());
        };
        self.is_stale = true;
        let bottle = shown.bottle;
        match shown.mode {
            AttachMode::Watch => self.take(Event::PreviewEnded { bottle, why }),
            AttachMode::Interactive => self.take(Event::Detached {
                bottle,
                why: Some(why),
            }),
        }
    }

    /// The size that a session in the pane should have.
    fn pane_size(&self) -> pty::TerminalSize {
        ui::session_area(&self.state).map_or_else(pty::TerminalSize::default, |area| area.size)
    }

    /// Tells an attached session how large its pane is.
    pub(super) fn fit_session(&self) {
        if let Some(shown) = &self.shown
            && shown.mode == AttachMode::Interactive
        {
            let size = self.pane_size();
            shown.peer.say(ClientToSession::Resize { size });
        }
    }

    pub(super) fn take_session_key(
        &mut self,
        key: Key,
        press: Option<pty::KeyPress>,
    ) -> std::io::Result<()> {
        if self.state.keys.is_chord(key) && self.ahead.is_empty() {
            return self.take(Event::Key { key });
        }
        match (&mut self.shown, press) {
            // Never before what was typed ahead.
            (Some(shown), Some(press)) if shown.takes_keys() && self.ahead.is_empty() => {
                let bytes = press.encode(&shown.peer.screen().modes());
                shown.peer.type_bytes(bytes);
            }
            _ => self.type_ahead(key, press)?,
        }
        self.typed()
    }

    /// A session that was scrolled back comes to its end when something is typed.
    fn typed(&mut self) -> std::io::Result<()> {
        if self.state.view.session_scroll > 0 {
            self.take(Event::SessionTyped)?;
        }
        Ok(())
    }

    pub(super) fn take_paste(&mut self, text: String) -> std::io::Result<()> {
        if let Some(asking) = self.asking.as_mut().filter(|_| self.state.asks_secret()) {
            let length = asking.paste(&text);
            return self.take(Event::SecretTyped { length });
        }
        let is_ours = self.state.view.copying.is_some() || self.state.overtakes_session();
        if self.state.attached().is_none() || is_ours {
            return self.take(Event::Paste { text });
        }
        match &mut self.shown {
            Some(shown) if shown.takes_keys() && self.ahead.is_empty() => {
                let bytes = pty::encode_paste(&text, &shown.peer.screen().modes());
                shown.peer.type_bytes(bytes);
            }
            _ => self.ahead.paste(text),
        }
        self.typed()
    }

    pub(super) fn take_mouse(&mut self, mouse: MouseEvent) -> std::io::Result<()> {
        if self.send_mouse(mouse) {
            return Ok(());
        }
        let view = &self.state.view;
        let (holds_rule, holds) = (view.holds_rule, view.holds_wall || view.holds_rule);
        let action = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => PointerAction::Press,
            // A wall or a rule is held, and only once it was pressed.
            MouseEventKind::Drag(MouseButton::Left) if holds => PointerAction::Drag,
            MouseEventKind::Up(MouseButton::Left) if holds => PointerAction::Release,
            MouseEventKind::ScrollUp => PointerAction::WheelUp,
            MouseEventKind::ScrollDown => PointerAction::WheelDown,
            MouseEventKind::Down(_)
            | MouseEventKind::Up(_)
            | MouseEventKind::Drag(_)
            | MouseEventKind::Moved
            | MouseEventKind::ScrollLeft
            | MouseEventKind::ScrollRight => return Ok(()),
        };
        let target = if matches!(action, PointerAction::Drag | PointerAction::Release) {
            if holds_rule {
                Target::Line { at: mouse.row }
            } else {
                Target::Column { at: mouse.column }
            }
        } else {
            ui::hit(&self.state, self.canvas.look(), mouse.column, mouse.row)
        };
        self.take(Event::Pointer {
            pointer: Pointer { action, target },
        })
    }

    /// Passes the pointer on to an attached program that asked for it; says whether
    /// it did.
    fn send_mouse(&mut self, mouse: MouseEvent) -> bool {
        let Some(area) = ui::session_area(&self.state) else {
            return false;
        };
        let has_keys = self.state.has_open_session();
        let Some(shown) = self.shown.as_mut().filter(|_| has_keys) else {
            return false;
        };
        let size = shown.peer.screen().size();
        let (Some(column), Some(row)) = (
            mouse.column.checked_sub(area.column),
            mouse.row.checked_sub(area.row),
        ) else {
            return false;
        };
        if column >= size.columns || row >= size.rows {
            return false;
        }
        let modes = shown.peer.screen().modes();
        if modes.mouse == pty::MouseMode::Off && !modes.alternate_screen {
            return false;
        }
        let event = pty::MouseEvent {
            action: action(mouse.kind),
            column,
            row,
            modifiers: modifiers(mouse.modifiers),
        };
        let bytes = event.encode(&modes);
        let is_sent = !bytes.is_empty();
        if is_sent {
            shown.peer.type_bytes(bytes);
        }
        is_sent
    }
}

impl Shown {
    /// One that only watches.
    pub(super) const fn watching(bottle: BottleRef, peer: Peer) -> Self {
        Self {
            bottle,
            peer,
            mode: AttachMode::Watch,
            still: None,
            is_lent: false,
            is_read: false,
            may_copy: false,
            noted: None,
        }
    }

    /// Whether its modes are known, so that keys can be encoded for it.
    fn takes_keys(&self) -> bool {
        self.mode == AttachMode::Interactive && self.has_screen()
    }

    /// Whether its screen is what the session's is.
    pub(super) fn has_screen(&self) -> bool {
        !self.peer.is_mid_snapshot() && self.peer.screen().generation() > 0
    }

    fn is_new(&self) -> bool {
        let screen = self.peer.screen();
        !self.peer.is_mid_snapshot()
            && self.noted != Some((screen.generation(), screen.scrollback_len()))
    }
}

fn button(button: MouseButton) -> pty::MouseButton {
    match button {
        MouseButton::Left => pty::MouseButton::Left,
        MouseButton::Right => pty::MouseButton::Right,
        MouseButton::Middle => pty::MouseButton::Middle,
    }
}

fn action(kind: MouseEventKind) -> pty::MouseAction {
    match kind {
        MouseEventKind::Down(which) => pty::MouseAction::Press(button(which)),
        MouseEventKind::Up(which) => pty::MouseAction::Release(button(which)),
        MouseEventKind::Drag(which) => pty::MouseAction::Drag(button(which)),
        MouseEventKind::Moved => pty::MouseAction::Move,
        MouseEventKind::ScrollUp => pty::MouseAction::ScrollUp,
        MouseEventKind::ScrollDown => pty::MouseAction::ScrollDown,
        MouseEventKind::ScrollLeft => pty::MouseAction::ScrollLeft,
        MouseEventKind::ScrollRight => pty::MouseAction::ScrollRight,
    }
}

fn modifiers(held: KeyModifiers) -> pty::Modifiers {
    [
        (KeyModifiers::SHIFT, pty::Modifiers::SHIFT),
        (KeyModifiers::ALT, pty::Modifiers::ALT),
        (KeyModifiers::CONTROL, pty::Modifiers::CONTROL),
    ]
    .into_iter()
    .filter(|(theirs, _)| held.contains(*theirs))
    .fold(pty::Modifiers::NONE, |all, (_, ours)| all.and(ours))
}
