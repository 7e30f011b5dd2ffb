//! Looking at a recording: what happened goes into a state as it did then, at any speed or
//! one thing at a time, and the console draws it. What the state wants done is not done.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crossterm::event::{Event as Input, EventStream, KeyCode, KeyEventKind, KeyModifiers};
use futures_util::StreamExt as _;

use super::attach::window_size;
use super::console;
use super::recording::{Entry, Reader, RecordingError};
use super::terminal::Terminal;
use crate::state::{Event, Keys, Setup, State};
use crate::ui::Canvas;
use crate::wire::TerminalSize;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);
/// A pause in the recording lasts no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Events that go by before the keys are looked at again.
const AT_ONCE: usize = 256;
/// How fast it can be: powers of two, such as 2⁻³.
const SLOWEST: i32 = -3;
const FASTEST: i32 = 8;

/// Why a recording could not be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// The file.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The terminal.
    #[error("use the terminal")]
    Terminal(#[from] io::Error),
}

/// What is known at the end of a recording.
///
/// # Errors
/// [`RecordingError`].
pub(crate) fn last_state(path: &Path) -> Result<State, RecordingError> {
    let mut reader = Reader::open(path)?;
    let mut state = begin(&reader, None);
    while let Some(entry) = reader.next()? {
        drop(state.apply(entry.event));
    }
    Ok(state)
}

/// The state in which a recording begins, on a terminal of this size.
fn begin(reader: &Reader, size: Option<TerminalSize>) -> State {
    let header = reader.header();
    // Keys that a later version does not know are as if nobody had set them.
    let (keys, _) = Keys::read(&header.keys);
    let setup = header.setup.clone();
    State::new(Setup {
        size: size.unwrap_or(setup.size),
        keys,
        ..setup
    })
}

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Paused,
    Ended,
}

/// What a key wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Quit,
    Pause,
    Step,
    Faster,
    Slower,
    Again,
    End,
    Nothing,
}

/// A recording on the terminal.
struct Replay<'path> {
    path: &'path Path,
    reader: Reader,
    state: State,
    size: TerminalSize,
    /// What comes next.
    next: Option<Entry>,
    /// Where in the recording it stands, in its own time.
    at: Duration,
    /// When the event before was applied.
    since: Instant,
    going: Going,
    /// As a power of two.
    speed: i32,
    steps: u64,
}

/// Shows a recording until the operator leaves it.
///
/// # Errors
/// [`ReplayError`].
pub(crate) async fn replay(path: &Path, speed: i32, is_paused: bool) -> Result<(), ReplayError> {
    let size = window_size()?;
    let mut replay = Replay::open(path, size, speed)?;
    if is_paused {
        replay.going = Going::Paused;
    }
    let terminal = Terminal::take()?;
    let ended = replay.show().await;
    drop(terminal);
    ended
}

impl<'path> Replay<'path> {
    fn open(path: &'path Path, size: TerminalSize, speed: i32) -> Result<Self, RecordingError> {
        let mut reader = Reader::open(path)?;
        let mut state = begin(&reader, Some(size));
        state.is_replayed = true;
        let next = reader.next()?;
        Ok(Self {
            path,
            reader,
            state,
            size,
            going: if next.is_some() {
                Going::On
            } else {
                Going::Ended
            },
            next,
            at: Duration::ZERO,
            since: Instant::now(),
            speed: speed.clamp(SLOWEST, FASTEST),
            steps: 0,
        })
    }

    async fn show(&mut self) -> Result<(), ReplayError> {
        let mut canvas = Canvas::new(console::look())?;
        let mut input = EventStream::new();
        let mut drawn = Instant::now();
        self.draw(&mut canvas)?;
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                key = input.next() => {
                    let Some(key) = key else { return Ok(()) };
                    let key = key?;
                    if let Input::Resize(columns, rows) = key {
                        self.resize(TerminalSize { columns: columns.max(1), rows: rows.max(1) });
                    }
                    if self.take(wish(&key))? {
                        return Ok(());
                    }
                    self.draw(&mut canvas)?;
                }
                () = tokio::time::sleep_until(due.into()), if self.going == Going::On => {
                    self.go_on()?;
                    if drawn.elapsed() >= FRAME || self.going != Going::On {
                        self.draw(&mut canvas)?;
                        drawn = Instant::now();
                    }
                }
            }
        }
    }

    fn draw(&self, canvas: &mut Canvas) -> io::Result<()> {
        canvas.draw_with_last_row(&self.state, &self.status())
    }

    /// The last row: where it stands, and what the keys do.
    fn status(&self) -> String {
        let seconds = self.at.as_secs();
        let speed = match self.speed {
            0 => String::from("1×"),
            faster @ 1.. => format!("{}×", 1 << faster),
            slower => format!("1/{}×", 1 << -slower),
        };
        let going = match self.going {
            Going::On => speed,
            Going::Paused => format!("paused, {speed}"),
            Going::Ended => String::from("the end"),
        };
        format!(
            " REPLAY {:02}:{:02} · {going} · {} events · space {} · . one event · + - speed · g again · G end · q leave",
            seconds / 60,
            seconds % 60,
            self.steps,
            if self.going == Going::Paused {
                "goes on"
            } else {
                "pauses"
            },
        )
    }

    /// When the next event is due.
    fn due(&self) -> Instant {
        let Some(next) = &self.next else {
            return self.since;
        };
        let pause = Duration::from_millis(next.at).saturating_sub(self.at);
        let pause = pause.min(LONGEST_PAUSE);
        let factor = 1_u32 << self.speed.unsigned_abs();
        self.since
            + if self.speed < 0 {
                pause * factor
            } else {
                pause / factor
            }
    }

    /// Applies what is due by now.
    fn go_on(&mut self) -> Result<(), RecordingError> {
        for _ in 0..AT_ONCE {
            let due = self.due();
            if self.next.is_none() || due > Instant::now() {
                break;
            }
            self.step()?;
            // Being late does not add up to being slow.
            self.since = due;
        }
        Ok(())
    }

    /// Applies the next event.
    fn step(&mut self) -> Result<(), RecordingError> {
        let Some(entry) = self.next.take() else {
            self.going = Going::Ended;
            return Ok(());
        };
        self.at = Duration::from_millis(entry.at);
        self.since = Instant::now();
        self.steps += 1;
        // The terminal is this one, not that of then.
        if !matches!(entry.event, Event::Resize { .. }) {
            drop(self.state.apply(entry.event));
        }
        self.next = self.reader.next()?;
        if self.next.is_none() {
            self.going = Going::Ended;
        }
        Ok(())
    }

    fn resize(&mut self, size: TerminalSize) {
        self.size = size;
        drop(self.state.apply(Event::Resize { size }));
    }

    /// Does what a key wants; says whether to leave.
    fn take(&mut self, wish: Wish) -> Result<bool, RecordingError> {
        match wish {
            Wish::Quit => return Ok(true),
            Wish::Pause => {
                self.going = match self.going {
                    Going::On => Going::Paused,
                    Going::Paused => Going::On,
                    Going::Ended => Going::Ended,
                };
                self.since = Instant::now();
            }
            Wish::Step => {
                self.going = Going::Paused;
                self.step()?;
            }
            Wish::Faster => self.speed = (self.speed + 1).min(FASTEST),
            Wish::Slower => self.speed = (self.speed - 1).max(SLOWEST),
            Wish::Again => {
                let again = Self::open(self.path, self.size, self.speed)?;
                let going = self.going;
                *self = again;
                // From the end one looks for a place, and is not carried away from it.
                if going != Going::On {
                    self.going = Going::Paused;
                }
            }
            Wish::End => {
                while self.next.is_some() {
                    self.step()?;
                }
            }
            Wish::Nothing => {}
        }
        Ok(false)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other keys and events mean nothing here"
)]
fn wish(input: &Input) -> Wish {
    let Input::Key(key) = input else {
        return Wish::Nothing;
    };
    if key.kind == KeyEventKind::Release {
        return Wish::Nothing;
    }
    let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'q') if is_ctrl => Wish::Quit,
        _ if is_ctrl => Wish::Nothing,
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Char(' ') => Wish::Pause,
        KeyCode::Char('.' | 'l' | 'j') | KeyCode::Right | KeyCode::Down => Wish::Step,
        KeyCode::Char('+' | '=') => Wish::Faster,
        KeyCode::Char('-') => Wish::Slower,
        KeyCode::Char('g') | KeyCode::Home => Wish::Again,
        KeyCode::Char('G') | KeyCode::End => Wish::End,
        _ => Wish::Nothing,
    }
}
