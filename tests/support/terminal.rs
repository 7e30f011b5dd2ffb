//! A program in a terminal of our own: keys in, a screen to look at, never a sleep.
//!
//! Waits end when the screen shows what was asked for or at a limit; the failure
//! shows the last screen. Dropping a terminal kills its program.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// What the reader thread has made of the output so far.
struct Seen {
    parser: vt100::Parser<Queries>,
    is_closed: bool,
}

/// Answers the questions that programs ask of a terminal, so that none waits for
/// an answer in vain.
#[derive(Default)]
struct Queries {
    replies: Vec<u8>,
    bells: usize,
    /// What the terminal says that its background is; without it, nothing.
    background: Option<&'static str>,
    clipboard: Option<String>,
}

impl vt100::Callbacks for Queries {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.bells += 1;
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, params: &[&[u8]]) {
        if let (Some(color), [b"11", b"?"]) = (self.background, params) {
            let reply = format!("\x1b]11;rgb:{color}\x1b\\");
            self.replies.extend_from_slice(reply.as_bytes());
        }
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        let text = data_encoding::BASE64.decode(data).unwrap();
        self.clipboard = Some(String::from_utf8(text).unwrap());
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        _second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        if last == 'c' && first.is_none() {
            self.replies.extend_from_slice(b"\x1b[?62;22c");
        } else if last == 'n' && first.is_none() && params.first() == Some(&[6_u16].as_slice()) {
            let (row, column) = screen.cursor_position();
            let reply = format!("\x1b[{};{}R", row + 1, column + 1);
            self.replies.extend_from_slice(reply.as_bytes());
        }
    }
}

/// A program in a terminal.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    /// Starts the program.
    pub(crate) fn open(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        Self::open_on(command, columns, rows, None)
    }

    /// Starts the program in a terminal that tells its background, such as
    /// `ffff/ffff/ffff`, when it is asked.
    pub(crate) fn open_on(
        mut command: CommandBuilder,
        columns: u16,
        rows: u16,
        background: Option<&'static str>,
    ) -> Self {
        command.env("TERM", "xterm-256color");
        let pty = native_pty_system().openpty(size(columns, rows)).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let reader = pty.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(pty.master.take_writer().unwrap()));
        let parser = vt100::Parser::new_with_callbacks(
            at_least_one(rows),
            at_least_one(columns),
            0,
            Queries {
                background,
                ..Queries::default()
            },
        );
        let seen = Arc::new((
            Mutex::new(Seen {
                parser,
                is_closed: false,
            }),
            Condvar::new(),
        ));
        let (for_reader, replies) = (Arc::clone(&seen), Arc::clone(&writer));
        std::thread::spawn(move || read(reader, &for_reader, &replies));
        Self {
            child,
            master: pty.master,
            writer,
            seen,
        }
    }

    /// Types bytes.
    pub(crate) fn send(&self, keys: &str) {
        let mut writer = lock(&self.writer);
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    /// Changes the size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        lock(&self.seen.0)
            .parser
            .set_size(at_least_one(rows), at_least_one(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// The text on the screen now.
    pub(crate) fn text(&self) -> String {
        lock(&self.seen.0).parser.screen().contents()
    }

    /// Where a text begins on the screen: column and row, counted from 1 as programs count
    /// them.
    #[track_caller]
    pub(crate) fn place_of(&self, text: &str) -> (usize, usize) {
        let screen = self.text();
        let mut lines = screen.lines().enumerate();
        let found = lines.find_map(|(row, line)| Some((row, line.split_once(text)?)));
        let (row, (before, _)) = found.unwrap_or_else(|| panic!("no {text:?} in\n{screen}"));
        (before.chars().count() + 1, row + 1)
    }

    /// The colour of the first character of this text on the screen, if it is there.
    pub(crate) fn color_of(&self, text: &str) -> Option<vt100::Color> {
        color_of(lock(&self.seen.0).parser.screen(), text)
    }

    /// Waits until the first character of this text has this colour.
    #[track_caller]
    pub(crate) fn wait_for_color(&self, text: &str, color: vt100::Color, limit: Duration) {
        let start = Instant::now();
        let (seen, news) = &*self.seen;
        let mut guard = lock(seen);
        loop {
            let now = color_of(guard.parser.screen(), text);
            if now == Some(color) {
                return;
            }
            let left = limit.saturating_sub(start.elapsed());
            assert!(
                !left.is_zero() && !guard.is_closed,
                "waited {:.1?} for {text:?} in {color:?}, it is {now:?}",
                start.elapsed()
            );
            guard = news
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// How often the bell rang.
    pub(crate) fn bells(&self) -> usize {
        lock(&self.seen.0).parser.callbacks().bells
    }

    /// What was put into the clipboard last.
    pub(crate) fn clipboard(&self) -> Option<String> {
        lock(&self.seen.0).parser.callbacks().clipboard.clone()
    }

    /// Waits until the screen fulfils the condition; panics with the last screen
    /// at the limit or when the program ended without.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, limit: Duration, condition: impl Fn(&str) -> bool) {
        let start = Instant::now();
        let (seen, news) = &*self.seen;
        let mut guard = lock(seen);
        loop {
            let text = guard.parser.screen().contents();
            if condition(&text) {
                return;
            }
            let left = limit.saturating_sub(start.elapsed());
            assert!(
                !left.is_zero() && !guard.is_closed,
                "waited {:.1?} for {what}{}; the last screen:\n{}",
                start.elapsed(),
                if guard.is_closed {
                    " (the program ended)"
                } else {
                    ""
                },
                framed(&text)
            );
            guard = news
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the text is on the screen.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str, limit: Duration) {
        self.wait_for(&format!("{text:?}"), limit, |screen| screen.contains(text));
    }

    /// Waits for the program's end and gives its exit code.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self, limit: Duration) -> u32 {
        let start = Instant::now();
        let (seen, news) = &*self.seen;
        let mut guard = lock(seen);
        while !guard.is_closed {
            let left = limit.saturating_sub(start.elapsed());
            assert!(
                !left.is_zero(),
                "waited {limit:.1?} for the program's end; the last screen:\n{}",
                framed(&guard.parser.screen().contents())
            );
            guard = news
                .wait_timeout(guard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(guard);
        self.child.wait().unwrap().exit_code()
    }

    /// Kills the program with SIGKILL, so that it can tidy nothing, and reaps it.
    pub(crate) fn kill(&mut self) {
        if let Some(pid) = self.pid() {
            // It may have ended by itself meanwhile.
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
        drop(self.child.wait());
    }

    /// The program's process id.
    pub(crate) fn pid(&self) -> Option<rustix::process::Pid> {
        let pid = i32::try_from(self.child.process_id()?).ok()?;
        rustix::process::Pid::from_raw(pid)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

fn read(
    mut reader: Box<dyn Read + Send>,
    seen: &(Mutex<Seen>, Condvar),
    replies: &Mutex<Box<dyn Write + Send>>,
) {
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        // The end of a PTY is an error on Linux.
        let count = reader.read(&mut buffer).unwrap_or(0);
        let mut guard = lock(&seen.0);
        if count == 0 {
            guard.is_closed = true;
            seen.1.notify_all();
            return;
        }
        guard.parser.process(&buffer[..count]);
        let reply = std::mem::take(&mut guard.parser.callbacks_mut().replies);
        seen.1.notify_all();
        drop(guard);
        if !reply.is_empty() {
            drop(lock(replies).write_all(&reply));
        }
    }
}

fn color_of(screen: &vt100::Screen, text: &str) -> Option<vt100::Color> {
    let (rows, columns) = screen.size();
    let (row, column) = (0..rows.get()).find_map(|row| {
        let line = screen.rows(0, columns.get()).nth(usize::from(row))?;
        let column = line.get(..line.find(text)?)?.chars().count();
        Some((row, u16::try_from(column).ok()?))
    })?;
    screen.cell(row, column).map(vt100::Cell::fgcolor)
}

/// The screen with a border, so that its blank parts can be seen.
fn framed(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("  | {line}")).collect();
    lines.join("\n")
}
