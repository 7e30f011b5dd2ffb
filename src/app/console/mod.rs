//! The console: one loop that takes events, lets the state decide, performs what it
//! wants, and draws at most once a frame.
//!
//! Bytes of sessions do not pass the event queue: the shown session's line is read by
//! the loop itself, within a frame's budget. Nothing that waits for the engine is
//! waited for here; tasks do that and answer with events.

mod ahead;
mod answers;
mod audit;
pub(super) mod background;
mod brakes;
mod builds;
mod clipboard;
mod copy;
mod copying;
mod editor;
mod effects;
mod ends;
mod full;
mod inbox;
mod input;
mod kept;
pub(super) mod lines;
mod logs;
mod operations;
mod pointer;
mod progress;
mod samples;
mod secrets;
mod session;
mod setup;
mod tasks;
mod theme;
mod tiles;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use self::ahead::Ahead;
use self::background::Answer;
use self::clipboard::Wanted;
use self::editor::Editor;
use self::ends::{End, Ends};
use self::input::{Input, translate};
use self::progress::Cancels;
use self::secrets::{Asking, LookedUp};
use self::session::{Opened, Shown};
use self::setup::Given;
use self::tasks::Tasks;
use self::theme::Colors;
use self::tiles::Tiles;
use super::attach::{AttachEnd, AttachError, Frame, until, window_size};
use super::cellar::Cellar;
use super::exit::{Exit, Failure};
use super::notify::Notifier;
use super::recording::Recorder;
use super::sampler::Sampled;
use super::terminal::Terminal;
use crate::manifest::Plan;
use crate::pty::KeyPress;
use crate::spec::BottleId;
use crate::state::{Background, BottleRef, Effect, Event, Kept, Key, Setup, State};
use crate::ui::{Canvas, Look, Screens};

/// Events that may wait; who sends more waits too.
const WAITING_EVENTS: usize = 256;
/// Operations on bottles at the same time. More of them only wait in the engine, and
/// keep it from answering anything else.
const OPERATIONS_AT_ONCE: usize = 16;
/// The shortest time between two frames.
const FRAME_TIME: Duration = Duration::from_millis(16);

/// Opens the console and stays until the operator leaves it. Bottles go on.
/// What happens is recorded, if that is asked for. It begins at the newest bottle.
pub(super) async fn open(cellar: Cellar, recording: Option<&Path>) -> Result<Exit, Failure> {
    open_at(cellar, recording, None).await
}

/// The same, beginning at a bottle.
pub(super) async fn open_at(
    cellar: Cellar,
    recording: Option<&Path>,
    first: Option<BottleId>,
) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("open the console", &error)
            .help("run it in a terminal; `cellar list` works without one")
    };
    let size = window_size().map_err(failed)?;
    let terminal = Terminal::take().map_err(failed)?;
    terminal.hear_console().map_err(failed)?;
    let mut console = Console::new(cellar, &terminal, size, first).map_err(failed)?;
    console.record(recording)?;
    let ended = console.run().await;
    let recorded = console.recorder.take().map_or(Ok(()), Recorder::finish);
    drop(console);
    drop(terminal);
    ended.map_err(failed)?;
    recorded.map_err(|why| Failure::because("record all that happened", why))?;
    Ok(Exit::Done)
}

/// How things look here in the operator's theme.
pub(super) fn look() -> Look {
    let (config, _) = super::planning::config();
    Colors::here(config.theme.as_deref()).look()
}

/// A session that has the whole terminal.
type Full<'terminal> = (
    BottleRef,
    LocalBoxFuture<'terminal, Result<AttachEnd, AttachError>>,
);

/// What a console begins with, and the operator's own keys as their file has them.
type Begin = Box<(Setup, BTreeMap<String, Vec<String>>)>;

/// The loop's own things. What is known of the world is in `state`.
struct Console<'terminal> {
    cellar: Cellar,
    terminal: &'terminal Terminal,
    canvas: Canvas,
    /// What its colours follow from.
    colors: Colors,
    /// What of the terminal's answer came so far.
    answer: Answer,
    state: State,
    tasks: Tasks,
    events: mpsc::Sender<Event>,
    queue: mpsc::Receiver<Event>,
    opened: mpsc::Sender<Opened>,
    opening: mpsc::Receiver<Opened>,
    looked_up: mpsc::Sender<LookedUp>,
    looking_up: mpsc::Receiver<LookedUp>,
    /// What is to be sampled next.
    sampling: mpsc::Sender<Vec<Sampled>>,
    /// `None` while a session has the terminal and reads it itself.
    input: Option<EventStream>,
    shown: Option<Shown>,
    tiles: Tiles,
    ahead: Ahead,
    full: Option<Full<'terminal>>,
    /// The operator's own editor, while it has the terminal.
    editor: Option<Editor>,
    /// What the terminal says of its background while a session has it.
    background_said: Option<oneshot::Receiver<Background>>,
    /// Whether the wheel began to read the session that had the whole terminal.
    lent_by_wheel: bool,
    /// What a session wants in the clipboard.
    wanted: Option<Wanted>,
    /// The same of the session that has the whole terminal.
    copying: mpsc::Receiver<String>,
    copied: mpsc::Sender<String>,
    notifier: Notifier,
    /// The log that is looked at.
    log_desk: Option<logs::LogDesk>,
    /// What the session that has the whole terminal is told.
    frame: watch::Sender<Frame>,
    /// What was read of the audit.
    audit: audit::AuditDesk,
    plans: BTreeMap<String, Plan>,
    asking: Option<Asking>,
    /// What else is to be asked for after it.
    to_ask: VecDeque<Asking>,
    /// How many operations may run at once; the others wait their turn.
    slots: Arc<Semaphore>,
    /// Numbers operations, so that each has a task of its own.
    operations: u64,
    cancels: Cancels,
    /// What the console began with, until it is known whether that is recorded.
    begin: Option<Begin>,
    recorder: Option<Recorder>,
    drawn: Option<(u64, Instant)>,
    /// What of the view is on disk.
    kept: Kept,
    /// Who writes it there now.
    keeping: Option<tokio::task::JoinHandle<()>>,
    is_stale: bool,
    has_quit: bool,
}

impl<'terminal> Console<'terminal> {
    fn new(
        cellar: Cellar,
        terminal: &'terminal Terminal,
        size: crate::pty::TerminalSize,
        first: Option<BottleId>,
    ) -> std::io::Result<Self> {
        let (events, queue) = mpsc::channel(WAITING_EVENTS);
        let (opened, opening) = mpsc::channel(4);
        let (looked_up, looking_up) = mpsc::channel(4);
        // One that finds no room is lost: nobody pressed anything for it yet.
        let (copied, copying) = mpsc::channel(4);
        let Given {
            setup,
            config,
            notes,
        } = Given::read(&cellar, size, first);
        for text in notes {
            // The queue is new, so there is room.
            drop(events.try_send(Event::Note { text }));
        }
        let last_kept = setup.kept.clone();
        let begin = Some(Box::new((setup.clone(), config.keys)));
        let chords: Vec<Key> = setup.keys.chords().map(|(key, _)| key).collect();
        let colors = Colors::here(config.theme.as_deref());
        Ok(Self {
            cellar,
            terminal,
            canvas: Canvas::new(colors.look())?,
            colors,
            answer: Answer::default(),
            state: State::new(setup),
            tasks: Tasks::default(),
            events,
            queue,
            opened,
            opening,
            looked_up,
            looking_up,
            // Without a task yet nobody reads it.
            sampling: mpsc::channel(1).0,
            input: Some(EventStream::new()),
            shown: None,
            tiles: Tiles::default(),
            ahead: Ahead::new(&chords),
            full: None,
            editor: None,
            wanted: None,
            background_said: None,
            lent_by_wheel: false,
            copying,
            copied,
            notifier: Notifier::new(config.notifications),
            log_desk: None,
            frame: watch::channel(Frame::default()).0,
            audit: audit::AuditDesk::default(),
            plans: BTreeMap::new(),
            asking: None,
            to_ask: VecDeque::new(),
            slots: Arc::new(Semaphore::new(OPERATIONS_AT_ONCE)),
            operations: 0,
            cancels: Cancels::default(),
            begin,
            recorder: None,
            drawn: None,
            kept: last_kept,
            keeping: None,
            is_stale: true,
            has_quit: false,
        })
    }

    /// Begins a recording.
    fn record(&mut self, path: Option<&Path>) -> Result<(), Failure> {
        let (Some(begin), Some(path)) = (self.begin.take(), path) else {
            return Ok(());
        };
        let (setup, keys) = *begin;
        let recorder = Recorder::create(path, setup, keys);
        self.recorder = Some(recorder.map_err(|error| {
            Failure::new(format!("record into {}", path.display()), &error)
                .help("name a file that is not there yet, in a folder that is")
        })?);
        Ok(())
    }

    async fn run(&mut self) -> std::io::Result<()> {
        self.tasks.start(
            String::from("fleet"),
            None,
            lines::fleet(
                Arc::clone(&self.cellar.engine),
                self.cellar.store.owner().to_owned(),
                self.events.clone(),
            ),
        );
        self.start_sampler();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ends = Ends::listen()?;
        // After the first frame, which no answer may delay.
        self.draw_if_due()?;
        self.ask_background()?;
        while !self.has_quit {
            self.draw_if_due()?;
            let frame = self.next_frame();
            let held_back = session::held_back(self.shown.as_ref());
            let held_back = held_back.into_iter().chain(self.tiles.held_back()).min();
            tokio::select! {
                biased;
                Some(input) = next_input(&mut self.input, self.answer.due()) => match input? {
                    Some(input) => self.sift_input(input?)?,
                    None => self.give_back_input()?,
                },
                end = next_full(&mut self.full) => self.leave_full(&end)?,
                edited = editor::next(&mut self.editor) => self.leave_editor(edited)?,
                Some(opened) = self.opening.recv() => self.take_opened(opened)?,
                Some(text) = self.copying.recv() => self.take_copied(text)?,
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
                // In a flood these never run dry: the tasks that keep lines alive get their
                // turn after each, or every bottle would take the console for dead.
                news = session::next(&mut self.shown) => {
                    self.take_news(news)?;
                    tokio::task::yield_now().await;
                }
                news = self.tiles.next() => {
                    self.take_tile_news(news)?;
                    tokio::task::yield_now().await;
                }
                () = tokio::time::sleep_until(frame.into()), if self.is_dirty() => {}
                () = until(held_back) => self.is_stale = true,
            }
        }
        self.keep_last_view();
        Ok(())
    }

    /// Gives an event to the state and performs what it wants.
    fn take(&mut self, event: Event) -> std::io::Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.note(&self.state, &event);
        }
        let effects = self.state.apply(event);
        self.perform_all(effects)?;
        self.settle_still();
        if self.full.is_some() {
            self.tell_frame();
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
        self.beat_tiles()?;
        self.keep_view();
        if let Some(why) = self.recorder.as_mut().and_then(Recorder::take_broken) {
            self.take(Event::Note {
                text: format!("nothing more is recorded: {why}"),
            })?;
        }
        self.look_for_panic()?;
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

    /// Takes the terminal's own answer out of what is typed.
    fn sift_input(&mut self, input: crossterm::event::Event) -> std::io::Result<()> {
        let sifted = self.answer.take(input);
        if let Some(background) = sifted.background {
            self.take_background(background);
        }
        sifted
            .typed
            .into_iter()
            .try_for_each(|input| self.take_input(input))
    }

    /// What looked like the beginning of an answer was typed.
    fn give_back_input(&mut self) -> std::io::Result<()> {
        let typed = self.answer.release();
        typed
            .into_iter()
            .try_for_each(|input| self.take_input(input))
    }

    fn take_input(&mut self, input: crossterm::event::Event) -> std::io::Result<()> {
        match translate(input) {
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
        } else if self.state.view.copying.is_some() || self.state.overtakes_session() {
            // They are not typed ahead: the session must not hear them later.
            self.take(Event::Key { key })
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
        self.drawn
            .map_or_else(Instant::now, |(_, at)| at + FRAME_TIME)
    }

    fn draw_if_due(&mut self) -> std::io::Result<()> {
        let is_early = self.drawn.is_some_and(|(_, at)| at.elapsed() < FRAME_TIME);
        if !self.is_dirty() || self.has_quit || is_early {
            return Ok(());
        }
        self.note_screen()?;
        self.fit_log()?;
        self.tiles.expire_sync();
        let screens = screens(&self.tiles, self.shown.as_ref());
        self.canvas.draw(&self.state, &screens)?;
        self.drawn = Some((self.state.revision(), Instant::now()));
        self.is_stale = false;
        Ok(())
    }
}

/// All screens that can be drawn.
fn screens<'held>(tiles: &'held Tiles, shown: Option<&'held Shown>) -> Screens<'held> {
    let shown = shown.map(|shown| (&shown.bottle, shown.drawn()));
    tiles.screens().chain(shown).collect()
}

/// The next thing from the terminal, or `None` at `due`, if that comes first; waits for
/// ever while a session reads it. Cancel-safe.
async fn next_input(
    input: &mut Option<EventStream>,
    due: Option<Instant>,
) -> Option<std::io::Result<Option<std::io::Result<crossterm::event::Event>>>> {
    let Some(stream) = input else {
        return std::future::pending().await;
    };
    let is_due = async {
        match due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        next = stream.next() => Some(next.map(Some).ok_or_else(|| {
            std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the terminal is gone")
        })),
        () = is_due => Some(Ok(None)),
    }
}

async fn next_full(full: &mut Option<Full<'_>>) -> Result<AttachEnd, AttachError> {
    match full {
        Some((_, attach)) => attach.await,
        None => std::future::pending().await,
    }
}
