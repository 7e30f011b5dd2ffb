//! What the benchmarks share: an operator with bottles, and a raw terminal whose
//! bytes are timed as they come, without a thread in between.

#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

#[path = "../../tests/support/mod.rs"]
pub(crate) mod support;

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long a benchmark waits for anything before it gives up.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Prints a line of the table.
pub(crate) fn print(line: &str) {
    let mut table = std::io::stdout();
    writeln!(table, "{line}").unwrap();
}

/// A folder that goes when it is dropped.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Nothing to do without an engine: says so and gives none.
pub(crate) fn engine() -> Option<support::engine::Engine> {
    support::engine::engine_or_skip("benchmark")
}

/// The value below which this part of the sorted samples lies.
pub(crate) fn percentile(samples: &mut [Duration], part: f64) -> Duration {
    samples.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into thousands of samples"
    )]
    let index = ((samples.len() - 1) as f64 * part).round() as usize;
    samples[index]
}

/// A program in a terminal of 120×40.
pub(crate) struct RawTerminal {
    child: Child,
    master: OwnedFd,
    text: Text,
    buffer: Vec<u8>,
}

impl RawTerminal {
    /// Starts the program. `setsid --ctty` of util-linux gives it the terminal.
    pub(crate) fn open(program: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args())
            .env("TERM", "xterm-256color")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave);
        for (key, value) in program.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        Self {
            child: command.spawn().unwrap(),
            master,
            text: Text::default(),
            buffer: vec![0; 256 * 1024],
        }
    }

    /// Types bytes.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let mut sent = 0;
        while sent < bytes.len() {
            sent += rustix::io::write(&self.master, &bytes[sent..]).unwrap();
        }
    }

    /// Reads once; gives what was text and not part of an escape sequence.
    fn read(&mut self, limit: Duration) -> Vec<u8> {
        let limit = Timespec::try_from(limit).unwrap();
        let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
        let ready = poll(&mut fds, Some(&limit)).unwrap();
        assert!(ready > 0, "nothing came within the limit");
        let count = rustix::io::read(&self.master, &mut self.buffer).unwrap_or(0);
        assert!(count > 0, "the program ended");
        self.text.filter(&self.buffer[..count])
    }

    /// Waits until the key comes back as text.
    pub(crate) fn wait_for_key(&mut self, key: u8) {
        let begin = Instant::now();
        while !self.read(LIMIT).contains(&key) {
            assert!(begin.elapsed() < LIMIT, "waited for {:?}", char::from(key));
        }
    }

    /// Waits until the word comes as text.
    pub(crate) fn wait_for(&mut self, word: &str) {
        let begin = Instant::now();
        let mut tail = Vec::new();
        loop {
            tail.extend(self.read(LIMIT));
            if tail.windows(word.len()).any(|part| part == word.as_bytes()) {
                return;
            }
            let kept = tail.len().saturating_sub(word.len());
            tail.drain(..kept);
            assert!(begin.elapsed() < LIMIT, "waited for {word:?}");
        }
    }

    /// Reads and throws away until nothing came for this long.
    pub(crate) fn settle(&mut self, quiet: Duration) {
        let quiet = Timespec::try_from(quiet).unwrap();
        loop {
            let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
            if poll(&mut fds, Some(&quiet)).unwrap() == 0 {
                return;
            }
            self.read(LIMIT);
        }
    }

    /// Reads and throws away for this long.
    pub(crate) fn settle_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
            let left = Timespec::try_from(left).unwrap();
            if poll(&mut fds, Some(&left)).unwrap() == 0 {
                return;
            }
            self.read(LIMIT);
        }
    }

    /// The process that was started (`setsid` replaced itself with it).
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Keeps text and drops escape sequences, across reads.
#[derive(Default)]
struct Text {
    state: TextState,
}

#[derive(Clone, Copy, Default)]
enum TextState {
    #[default]
    Ground,
    Escape,
    Control,
    String,
    StringEscape,
}

impl Text {
    fn filter(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.state = match (self.state, byte) {
                (TextState::Ground, 0x1b) | (TextState::Escape, 0x20..=0x2f) => TextState::Escape,
                (TextState::Ground, byte) => {
                    text.push(byte);
                    TextState::Ground
                }
                (TextState::Escape, b'[') => TextState::Control,
                (TextState::Escape, b']' | b'P' | b'_' | b'^' | b'X') => TextState::String,
                (TextState::Control, 0x40..=0x7e)
                | (TextState::String, 0x07)
                | (TextState::StringEscape | TextState::Escape, _) => TextState::Ground,
                (TextState::Control, _) => TextState::Control,
                (TextState::String, 0x1b) => TextState::StringEscape,
                (TextState::String, _) => TextState::String,
            };
        }
        text
    }
}

/// A field of `/proc/<pid>/status` in KiB, such as `VmRSS`.
pub(crate) fn memory_kib(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| value.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Processor time that a process used so far (fields 14 and 15 of its `stat`; the
/// kernel counts in hundredths of a second).
pub(crate) fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}
