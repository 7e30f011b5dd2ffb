//! The scripted agent of the demo: what runs in a bottle where no model can.
//!
//! It is an ordinary program on an ordinary terminal and knows of its cage only what
//! any program could find out. `CELLAR_DEMO` chooses one of three natures, so that
//! several demo bottles differ.

mod command;
mod look;
mod reach;
mod stage;
mod talk;
mod work;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::runtime::on_one_thread;
use stage::{Stage, Tone, tame};

/// Variable that chooses the nature: `worker`, `quiet`, or anything else to talk.
const NATURE_ENV: &str = "CELLAR_DEMO";
/// Variable that names the bottle.
const BOTTLE_ENV: &str = "CELLAR_BOTTLE";
/// The longest line that is taken in.
const MAX_LINE_BYTES: u64 = 4096;

/// Plays the role until it ends.
#[must_use]
pub fn run() -> ExitCode {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let bottle = match tame(&variable(BOTTLE_ENV)) {
        name if name.is_empty() => "without a name".to_owned(),
        name => name,
    };
    let nature = variable(NATURE_ENV);
    match play(&nature, &bottle) {
        Ok(()) => ExitCode::SUCCESS,
        // The terminal went away; so do we.
        Err(_) => ExitCode::FAILURE,
    }
}

fn play(nature: &str, bottle: &str) -> std::io::Result<()> {
    let stdin = File::from(rustix::stdio::stdin().as_fd().try_clone_to_owned()?);
    let stdout = File::from(rustix::stdio::stdout().as_fd().try_clone_to_owned()?);
    let mut stage = Stage::new(stdout);
    on_one_thread(async {
        let mut ears = Listener::new(stdin)?;
        match nature {
            "worker" => work::work(&mut stage, &mut ears, bottle).await?,
            "quiet" => work::rest(&mut stage, &mut ears, bottle).await?,
            _ => talk::talk(&mut stage, &mut ears, bottle).await?,
        }
        farewell(&mut stage)
    })?
}

fn farewell<W: Write>(stage: &mut Stage<W>) -> std::io::Result<()> {
    stage.raw("\r\x1b[0m")?;
    stage.title("")?;
    stage.line(Tone::Faint, "  Goodbye.")
}

/// What comes from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    /// A typed line.
    Line(String),
    /// ctrl-c.
    Interrupt,
    /// The terminal was closed, or the session is asked to end.
    End,
}

/// Everything that the agent listens to.
#[derive(Debug)]
struct Listener {
    lines: mpsc::Receiver<String>,
    stops: mpsc::Receiver<Heard>,
    _signals: JoinSet<()>,
}

impl Listener {
    /// Listens to `from` and to signals.
    fn new(from: File) -> std::io::Result<Self> {
        let (tx, stops) = mpsc::channel(4);
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut signals = JoinSet::new();
        signals.spawn(async move {
            loop {
                let heard = tokio::select! {
                    _ = interrupt.recv() => Heard::Interrupt,
                    _ = terminate.recv() => Heard::End,
                    _ = hangup.recv() => Heard::End,
                };
                if tx.send(heard).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            lines: typed(from)?,
            stops,
            _signals: signals,
        })
    }

    /// Waits for the next thing. Cancel-safe.
    async fn hear(&mut self) -> Heard {
        tokio::select! {
            biased;
            heard = self.stops.recv() => heard.unwrap_or(Heard::End),
            line = self.lines.recv() => line.map_or(Heard::End, Heard::Line),
        }
    }

    /// Waits for what cuts off the work of the moment; typed lines wait. Cancel-safe.
    async fn stopped(&mut self) -> Heard {
        self.stops.recv().await.unwrap_or(Heard::End)
    }
}

/// Reads lines on a thread of its own, which ends with the process: a read of a
/// terminal cannot be called back. A full queue leaves lines unread.
fn typed(from: impl Read + Send + 'static) -> std::io::Result<mpsc::Receiver<String>> {
    let (tx, lines) = mpsc::channel(16);
    let reader = std::thread::Builder::new().name("typed".to_owned());
    let thread = reader.spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut line = Vec::new();
            let read = from
                .by_ref()
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line);
            if !matches!(read, Ok(count) if count > 0) {
                return;
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            if tx.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    drop(thread);
    Ok(lines)
}

#[cfg(test)]
mod tests;
