//! Writing a recording beside a console that never waits for it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use super::redact::redacted;
use super::{Entry, Header, VERSION};
use crate::state::{Event, Setup, State};

/// Events that may wait for the disk. A disk that is slower ends the recording, not the
/// console.
const WAITING_LINES: usize = 4_096;

/// A recording that is being made.
#[derive(Debug)]
pub(crate) struct Recorder {
    lines: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    begun: Instant,
    broken: Option<String>,
}

impl Recorder {
    /// Begins a recording in a new file, which only its owner may read.
    ///
    /// # Errors
    /// If there is such a file, or it cannot be written.
    pub(crate) fn create(
        path: &Path,
        mut setup: Setup,
        keys: BTreeMap<String, Vec<String>>,
    ) -> io::Result<Self> {
        let kept = &mut setup.kept.history;
        kept.retain(|line| !super::redact::sends(line));
        let header = Header {
            recording: VERSION,
            cellar: env!("CARGO_PKG_VERSION").to_owned(),
            setup,
            keys,
        };
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let mut file = BufWriter::new(file);
        file.write_all(&line(&header)?)?;
        file.flush()?;
        let (lines, waiting) = sync_channel(WAITING_LINES);
        let writer = std::thread::Builder::new().name(String::from("recording"));
        Ok(Self {
            lines: Some(lines),
            writer: Some(writer.spawn(move || write(file, &waiting))?),
            begun: Instant::now(),
            broken: None,
        })
    }

    /// Takes what is about to happen to the state. Never waits.
    pub(crate) fn note(&mut self, state: &State, event: &Event) {
        let Some(lines) = &self.lines else {
            return;
        };
        let at = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let event = redacted(state, event).unwrap_or_else(|| event.clone());
        let sent = match line(&Entry { at, event }) {
            Ok(line) => lines.try_send(line),
            Err(error) => return self.give_up(error.to_string()),
        };
        match sent {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.give_up(String::from("the disk did not keep up with what happened"));
            }
            Err(TrySendError::Disconnected(_)) => self.end(None),
        }
    }

    /// Why nothing is recorded any more, told once.
    pub(crate) fn take_broken(&mut self) -> Option<String> {
        self.broken.take()
    }

    /// Ends the recording when all of it is written.
    ///
    /// # Errors
    /// Why not all of it is there.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        let before = self.broken.take();
        self.end(before);
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Records no more. What waits still goes to the disk, and nobody waits for that now.
    fn give_up(&mut self, why: String) {
        self.lines = None;
        self.broken = Some(why);
    }

    fn end(&mut self, why: Option<String>) {
        self.lines = None;
        let wrote = self.writer.take().map(JoinHandle::join);
        let error = match wrote {
            Some(Ok(Err(error))) => Some(error.to_string()),
            Some(Err(_)) => Some(String::from("its writer broke")),
            Some(Ok(Ok(()))) | None => None,
        };
        self.broken = why.or(error);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end(None);
    }
}

fn line<T: serde::Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// Writes lines until there will be no more. What was said is on its way to the disk
/// whenever nothing waits.
fn write(mut file: BufWriter<File>, waiting: &Receiver<Vec<u8>>) -> io::Result<()> {
    loop {
        let line = match waiting.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Disconnected) => return file.flush(),
            Err(TryRecvError::Empty) => {
                file.flush()?;
                match waiting.recv() {
                    Ok(line) => line,
                    Err(_) => return Ok(()),
                }
            }
        };
        file.write_all(&line)?;
    }
}
