//! The console: one loop that takes events, lets the state decide, performs what it
//! wants, and draws at most once a frame.
//!
//! Bytes of sessions do not pass the event queue: the shown session's line is read by
//! the loop itself, within a frame's budget. Nothing that waits for the engine is
//! waited for here; tasks do that and answer with events.

mod ahead;
mod answers;
mod editor;
mod effects;
mod inbox;
mod input;
pub(super) mod lines;
mod operations;
mod progress;
mod secrets;
mod session;
mod tasks;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use self::ahead::Ahead;
use self::editor::Editor;
use self::input::{Input, translate};
use self::progress::Cancels;
use self::secrets::{Asking, LookedUp};
use self::session::{Opened, Shown};
use self::tasks::Tasks;
use super::attach::{AttachEnd, AttachError, window_size};
use super::cellar::Cellar;
use super::exit::{Exit, Failure};
use super::notify::Notifier;
use super::terminal::Terminal;
use crate::manifest::Plan;
use crate::pty::KeyPress;
use crate::state::{BottleRef, Effect, Event, Key, Setup, State};
use crate::ui::{Canvas, Look};

/// Events that may wait; who sends more waits too.
const WAITING_EVENTS: usize = 256;
/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// Opens the console and stays until the operator leaves it. Bottles go on.
pub(super) async fn open(cellar: Cellar) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("open the console", &error)
            .help("run it in a terminal; `cellar list` works without one")
    };
    let size = window_size().map_err(failed)?;
    let terminal = Terminal::take().map_err(failed)?;
    terminal.hear_console().map_err(failed)?;
    let mut console = Console::new(cellar, &terminal, size).map_err(failed)?;
    let ended = console.run().await;
    drop(console);
    drop(terminal);
    ended.map_err(failed).map(|()| Exit::Done)
}

/// A session that has the whole terminal.
type Full<'terminal> = (
    BottleRef,
    LocalBoxFuture<'terminal, Result<AttachEnd, AttachError>>,
);

/// The loop's own things. What is known of the world is in `state`.
struct Console<'terminal> {
    cellar: Cellar,
    terminal: &'terminal Terminal,
    canvas: Canvas,
    state: State,
    tasks: Tasks,
    events: mpsc::Sender<Event>,
    queue: mpsc::Receiver<Event>,
    opened: mpsc::Sender<Opened>,
    opening: mpsc::Receiver<Opened>,
    looked_up: mpsc::Sender<LookedUp>,
    looking_up: mpsc::Receiver<LookedUp>,
    /// `None` while a session has the terminal and reads it itself.
    input: Option<EventStream>,
    shown: Option<Shown>,
    ahead: Ahead,
    full: Option<Full<'terminal>>,
    /// The operator's own editor, while it has the terminal.
    editor: Option<Editor>,
    notifier: Notifier,
    status: watch::Sender<String>,
    plans: BTreeMap<String, Plan>,
    asking: Option<Asking>,
    /// Numbers operations, so that each has a task of its own.
    operations: u64,
    cancels: Cancels,
    drawn: Option<(u64, Instant)>,
    is_stale: bool,
    has_quit: bool,
}

impl<'terminal> Console<'terminal> {
    fn new(
        cellar: Cellar,
        terminal: &'terminal Terminal,
        size: crate::pty::TerminalSize,
    ) -> std::io::Result<Self> {
        let (events, queue) = mpsc::channel(WAITING_EVENTS);
        let (opened, opening) = mpsc::channel(4);
        let (looked_up, looking_up) = mpsc::channel(4);
        let now = Timestamp::now();
        let (prices, bad_prices) = super::planning::prices();
        let setup = Setup {
            engines: vec![cellar.engine.id().clone()],
            size,
            now,
            utc_offset_seconds: jiff::tz::TimeZone::system().to_offset(now).seconds(),
            prices,
        };
        let (config, bad_config) = super::planning::config();
        let bad_prices = bad_prices.map(|failure| failure.line());
        for text in bad_prices.into_iter().chain(bad_config) {
            // The queue is new, so there is room.
            drop(events.try_send(Event::Note { text }));
        }
        Ok(Self {
            cellar,
            terminal,
            canvas: Canvas::new(look())?,
            state: State::new(setup),
            tasks: Tasks::default(),
            events,
            queue,
            opened,
            opening,
            looked_up,
            looking_up,
            input: Some(EventStream::new()),
            shown: None,
            ahead: Ahead::default(),
            full: None,
            editor: None,
            notifier: Notifier::new(config.notifications),
            status: watch::channel(String::new()).0,
            plans: BTreeMap::new(),
            asking: None,
            operations: 0,
            cancels: Cancels::default(),
            drawn: None,
            is_stale: true,
            has_quit: false,
        })
    }

    async fn run(&mut self) -> std::io::Result<()> {
        self.tasks.start(
            String::from("fleet"),
            None,
            lines::fleet(
                std::sync::Arc::clone(&self.cellar.engine),
                self.cellar.store.owner().to_owned(),
                self.events.clone(),
            ),
        );
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ends = Ends::listen()?;
        while !self.has_quit {
            self.draw_if_due()?;
            let frame = self.next_frame();
            tokio::select! {
                biased;
                Some(input) = next_input(&mut self.input) => self.take_input(input?)?,
                end = next_full(&mut self.full) => self.leave_full(&end)?,
                edited = editor::next(&mut self.editor) => self.leave_editor(edited)?,
                Some(opened) = self.opening.recv() => self.take_opened(opened)?,
                Some(found) = self.looking_up.recv() => self.take_looked_up(found)?,
                end = ends.any() => self.take_end(end)?,
                // Before what may never run dry: without it a session that floods would
                // take the console for dead.
                _ = tick.tick() => self.tick()?,
                died = self.tasks.died() => self.take(Event::TaskEnded {
                    name: died.name,
                    bottle: died.bottle,
                    how: died.how,
                })?,
                Some(event) = self.queue.recv() => self.take(event)?,
                news = session::next(&mut self.shown) => self.take_news(news)?,
                () = tokio::time::sleep_until(frame.into()), if self.is_dirty() => {}
            }
        }
        Ok(())
    }

    /// Gives an event to the state and performs what it wants.
    fn take(&mut self, event: Event) -> std::io::Result<()> {
        let effects = self.state.apply(event);
        self.perform_all(effects)?;
        if self.full.is_some() {
            self.tell_status();
        }
        Ok(())
    }

    fn perform_all(&mut self, effects: Vec<Effect>) -> std::io::Result<()> {
        for effect in effects {
            self.perform(effect)?;
        }
        Ok(())
    }

    fn tick(&mut self) -> std::io::Result<()> {
        if let Some(shown) = &mut self.shown
            && let Some(why) = shown.peer.beat()
        {
            self.lose_session(why)?;
        }
        self.take(Event::Tick {
            now: Timestamp::now(),
        })
    }

    fn take_end(&mut self, end: End) -> std::io::Result<()> {
        if end == End::Interrupt && self.editor.is_some() {
            return Ok(());
        }
        self.take(Event::EndAsked)
    }

    fn take_input(
        &mut self,
        input: std::io::Result<crossterm::event::Event>,
    ) -> std::io::Result<()> {
        match translate(input?) {
            Input::Resize(columns, rows) => {
                let size = crate::pty::TerminalSize { columns, rows };
                self.take(Event::Resize { size })?;
                self.fit_session();
                self.is_stale = true;
                Ok(())
            }
            Input::Key(key, press) => self.take_key(key, press),
            Input::Paste(text) => self.take_paste(text),
            Input::Mouse(mouse) => self.take_mouse(mouse),
            Input::Nothing => Ok(()),
        }
    }

    fn take_key(&mut self, key: Key, press: Option<KeyPress>) -> std::io::Result<()> {
        if self.asking.is_some() && self.state.asks_secret() {
            self.take_secret_key(key)
        } else if self.state.has_open_session() {
            self.take_session_key(key, press)
        } else if self.state.attached().is_some() {
            self.type_ahead(key, press)
        } else {
            self.take(Event::Key { key })
        }
    }

    fn is_dirty(&self) -> bool {
        let seen = self.drawn.map(|(revision, _)| revision);
        let is_ours = self.full.is_none() && self.editor.is_none();
        is_ours && (self.is_stale || seen != Some(self.state.revision()))
    }

    fn next_frame(&self) -> Instant {
        self.drawn.map_or_else(Instant::now, |(_, at)| at + FRAME)
    }

    fn draw_if_due(&mut self) -> std::io::Result<()> {
        let is_early = self.drawn.is_some_and(|(_, at)| at.elapsed() < FRAME);
        if !self.is_dirty() || self.has_quit || is_early {
            return Ok(());
        }
        self.note_screen()?;
        let screen = self
            .shown
            .as_ref()
            .map(|shown| (&shown.bottle, shown.peer.screen()));
        self.canvas.draw(&self.state, screen)?;
        self.drawn = Some((self.state.revision(), Instant::now()));
        self.is_stale = false;
        Ok(())
    }
}

/// How the console looks here: colours unless `NO_COLOR` is set (no-color.org), more
/// than ASCII unless the locale says otherwise.
fn look() -> Look {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    Look {
        has_colors: !is_set("NO_COLOR"),
        is_ascii: !locale.is_empty() && !locale.contains("utf"),
    }
}

/// The next thing from the terminal; waits for ever while a session reads it.
async fn next_input(
    input: &mut Option<EventStream>,
) -> Option<std::io::Result<std::io::Result<crossterm::event::Event>>> {
    match input {
        Some(stream) => Some(stream.next().await.ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the terminal is gone")
        })),
        None => std::future::pending().await,
    }
}

async fn next_full(full: &mut Option<Full<'_>>) -> Result<AttachEnd, AttachError> {
    match full {
        Some((_, attach)) => attach.await,
        None => std::future::pending().await,
    }
}

/// How an end was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By somebody who means us.
    Asked,
    /// By a key in the terminal, which may be meant for the program that has it.
    Interrupt,
}

/// The system's ways to ask for an end.
struct Ends {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
}

impl Ends {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn any(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Asked,
            _ = self.hang_up.recv() => End::Asked,
            _ = self.interrupt.recv() => End::Interrupt,
        }
    }
}
