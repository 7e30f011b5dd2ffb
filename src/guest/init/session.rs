//! The session: one program on one PTY, seen and typed into by any number of clients.
//!
//! Everything runs on one thread and every method is synchronous, so a snapshot and
//! the stream that follows it are cut at the same byte without a lock. The stream is forwarded raw, queries included: init answers those itself,
//! and a client must drop what its own terminal would answer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Instant;

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::termios::Winsize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::descriptor;
use super::outgoing::Outgoing;
use crate::pty::Screen;
use crate::wire::{
    AttachMode, Frame, MAX_FRAME_BYTES, SessionExit, SessionToClient, TerminalSize, VERSION,
};

/// Typed bytes that may wait for a program that does not read them.
const TYPED_BYTES: usize = 64 * 1024;

/// The name of one client within the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientId(u64);

/// The session's state, shared by the tasks of one thread.
pub(super) struct Session {
    master: AsyncFd<OwnedFd>,
    state: RefCell<State>,
    scrollback_lines: u32,
    last_output: Cell<Option<Timestamp>>,
    /// The program wrote something, or the session ended.
    pub(super) changed: Notify,
    typed_waits: Notify,
    typed_room: Notify,
}

struct State {
    screen: Screen,
    clients: BTreeMap<ClientId, Client>,
    next: u64,
    /// The client whose size the PTY has: the last to type.
    leader: Option<ClientId>,
    typed: Vec<u8>,
    exit: Option<SessionExit>,
}

struct Client {
    out: Rc<Outgoing>,
    mode: AttachMode,
    size: TerminalSize,
}

impl Session {
    /// Makes a session on the host's end of a PTY.
    pub(super) fn new(
        master: OwnedFd,
        size: TerminalSize,
        scrollback_lines: u32,
    ) -> io::Result<Self> {
        Ok(Self {
            master: descriptor::watch(master, Interest::READABLE | Interest::WRITABLE)?,
            state: RefCell::new(State {
                screen: Screen::new(size, scrollback_lines),
                clients: BTreeMap::new(),
                next: 0,
                leader: None,
                typed: Vec::new(),
                exit: None,
            }),
            scrollback_lines,
            last_output: Cell::new(None),
            changed: Notify::new(),
            typed_waits: Notify::new(),
            typed_room: Notify::new(),
        })
    }

    pub(super) const fn master(&self) -> &AsyncFd<OwnedFd> {
        &self.master
    }

    /// When the program last wrote.
    pub(super) fn last_output(&self) -> Option<Timestamp> {
        self.last_output.get()
    }

    /// The title that the program gave its terminal, cleaned.
    pub(super) fn title(&self) -> Option<String> {
        self.state.borrow().screen.title().map(str::to_owned)
    }

    pub(super) fn sync_deadline(&self) -> Option<Instant> {
        self.state.borrow().screen.sync_deadline()
    }

    pub(super) fn expire_sync(&self) {
        self.state.borrow_mut().screen.expire_sync();
    }

    /// Sends output of the program to every client. The same bytes must go to
    /// [`Session::model`] too, before or after, with nothing awaited in between.
    pub(super) fn show(&self, bytes: &[u8]) {
        for client in self.state.borrow().clients.values() {
            client.out.stream(bytes);
        }
        self.last_output.set(Some(Timestamp::now()));
        self.changed.notify_one();
    }

    /// Lets the screen model read output of the program.
    pub(super) fn model(&self, bytes: &[u8]) {
        let mut state = self.state.borrow_mut();
        let replies = state.screen.feed(bytes);
        if !replies.to_program.is_empty() {
            self.write_typed(&mut state, &replies.to_program);
        }
    }

    /// Shows text of init itself, on every screen as if the program had written it.
    pub(super) fn announce(&self, text: &str) {
        let text = format!("\r\n{}\r\n", text.replace('\n', "\r\n"));
        self.show(text.as_bytes());
        self.model(text.as_bytes());
    }

    /// Lets a client in: it is greeted, gets a snapshot, and the stream from there on.
    pub(super) fn join(&self, out: Rc<Outgoing>, mode: AttachMode, size: TerminalSize) -> ClientId {
        let mut state = self.state.borrow_mut();
        let id = ClientId(state.next);
        state.next += 1;
        if mode == AttachMode::Interactive && state.leader.is_none() {
            state.leader = Some(id);
            self.resize(&mut state, size);
        }
        out.message(&SessionToClient::Hello {
            version: VERSION,
            size: state.screen.size(),
        });
        self.send_snapshot(&mut state, &out);
        if let Some(exit) = state.exit {
            out.message(&SessionToClient::Ended { exit });
        }
        state.clients.insert(id, Client { out, mode, size });
        id
    }

    pub(super) fn leave(&self, id: ClientId) {
        let mut state = self.state.borrow_mut();
        if let Some(client) = state.clients.remove(&id) {
            client.out.close();
        }
        if state.leader == Some(id) {
            state.leader = None;
        }
    }

    /// Types for a client, which leads the size from now on. A watcher's bytes are
    /// dropped. Wait for [`Session::typed_room`] first.
    pub(super) fn typed(&self, id: ClientId, bytes: &[u8]) {
        let mut state = self.state.borrow_mut();
        let Some(client) = state.clients.get(&id) else {
            return;
        };
        if client.mode == AttachMode::Watch || bytes.is_empty() {
            return;
        }
        let size = client.size;
        if state.leader.replace(id) != Some(id) {
            self.resize(&mut state, size);
        }
        self.write_typed(&mut state, bytes);
    }

    /// Waits until the program reads what was typed. Cancel-safe.
    pub(super) async fn typed_room(&self) {
        loop {
            let room = self.typed_room.notified();
            {
                let state = self.state.borrow();
                if state.typed.len() < TYPED_BYTES || state.exit.is_some() {
                    return;
                }
            }
            room.await;
        }
    }

    /// Notes a client's size, and takes it over if the client leads.
    pub(super) fn resized(&self, id: ClientId, size: TerminalSize) {
        let mut state = self.state.borrow_mut();
        let Some(client) = state.clients.get_mut(&id) else {
            return;
        };
        client.size = size;
        if client.mode == AttachMode::Watch {
            return;
        }
        if state.leader.is_none() {
            state.leader = Some(id);
        }
        if state.leader == Some(id) {
            self.resize(&mut state, size);
        }
    }

    /// Sends a client that was behind what it missed.
    pub(super) fn catch_up(&self, id: ClientId) {
        let mut state = self.state.borrow_mut();
        if let Some(out) = state.clients.get(&id).map(|client| Rc::clone(&client.out)) {
            self.send_snapshot(&mut state, &out);
        }
    }

    /// Tells every client that the program ended.
    pub(super) fn ended(&self, exit: SessionExit) {
        let mut state = self.state.borrow_mut();
        state.exit = Some(exit);
        for client in state.clients.values() {
            client.out.message(&SessionToClient::Ended { exit });
        }
        self.typed_room.notify_waiters();
        self.changed.notify_one();
    }

    /// Tells every client why there is no session.
    pub(super) fn refused(&self, why: &str) {
        let why = why.to_owned();
        for client in self.state.borrow().clients.values() {
            client
                .out
                .message(&SessionToClient::Refused { why: why.clone() });
        }
    }

    /// Waits until every client took what waits for it. Cancel-safe.
    pub(super) async fn flushed(&self) {
        let outs: Vec<_> = {
            let state = self.state.borrow();
            state.clients.values().map(|c| Rc::clone(&c.out)).collect()
        };
        for out in outs {
            out.flushed().await;
        }
    }

    /// Writes typed bytes that the PTY did not take at once, for ever.
    pub(super) async fn write_typed_later(&self) {
        loop {
            let waits = self.typed_waits.notified();
            if self.state.borrow().typed.is_empty() {
                self.typed_room.notify_waiters();
                waits.await;
                continue;
            }
            let Ok(mut ready) = self.master.writable().await else {
                return;
            };
            let mut state = self.state.borrow_mut();
            match rustix::io::write(self.master.get_ref(), &state.typed) {
                Ok(count) => {
                    state.typed.drain(..count);
                    self.typed_room.notify_waiters();
                }
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                // The program and its PTY are gone; nobody will read this.
                Err(_) => state.typed.clear(),
            }
        }
    }

    fn write_typed(&self, state: &mut State, bytes: &[u8]) {
        let mut written = 0;
        if state.typed.is_empty() {
            written = rustix::io::write(self.master.get_ref(), bytes).unwrap_or(0);
        }
        let rest = bytes.get(written..).unwrap_or_default();
        // Over the limit only answers to queries come here: who types waits for room.
        if !rest.is_empty() && state.typed.len() + rest.len() <= 2 * TYPED_BYTES {
            state.typed.extend_from_slice(rest);
            self.typed_waits.notify_one();
        }
    }

    fn resize(&self, state: &mut State, size: TerminalSize) {
        let before = state.screen.size();
        state.screen.resize(size);
        let size = state.screen.size();
        if size == before {
            return;
        }
        let window = Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // Fails only for a PTY that is gone, with the program.
        rustix::termios::tcsetwinsize(self.master.get_ref(), window).ok();
        for client in state.clients.values() {
            client.out.message(&SessionToClient::Resized { size });
        }
    }

    fn send_snapshot(&self, state: &mut State, out: &Outgoing) {
        let lines = usize::try_from(self.scrollback_lines).unwrap_or(usize::MAX);
        let mut bytes = state.screen.snapshot(lines);
        bytes.extend(state.screen.pending());
        let frames = bytes.len().div_ceil(MAX_FRAME_BYTES - 1);
        out.message(&SessionToClient::Snapshot {
            size: state.screen.size(),
            frames: u32::try_from(frames).unwrap_or(u32::MAX),
        });
        let mut framed = Vec::with_capacity(bytes.len() + frames * 5);
        Frame::encode_bytes(&bytes, &mut framed);
        out.snapshot(framed);
    }
}
