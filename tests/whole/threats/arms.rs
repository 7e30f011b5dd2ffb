//! The arms of the table inside a container: connections that a program there opens.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use crate::support::operator::PATIENCE;

const OPEN: u8 = 0;
const DATA: u8 = 1;
const END: u8 = 2;
const FAILED: u8 = 3;
const OPENED: u8 = 4;
const CLOSE: u8 = 5;
const PIECE_BYTES: usize = 32 * 1024;

/// What the program told of one connection.
type News = (u8, Vec<u8>);
type Routes = Arc<Mutex<HashMap<u32, Sender<News>>>>;

/// A running `threat-agent probe`.
pub(super) struct Arms {
    child: Child,
    out: Arc<Mutex<ChildStdin>>,
    routes: Routes,
    next: std::cell::Cell<u32>,
}

/// One connection that the program holds.
pub(super) struct Line {
    id: u32,
    out: Arc<Mutex<ChildStdin>>,
    news: Receiver<News>,
    rest: Vec<u8>,
    at: usize,
    has_ended: bool,
}

impl Arms {
    /// Runs the program by this command of the engine.
    pub(super) fn run(arguments: &[&str]) -> Self {
        let mut child = Command::new("docker")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let routes = Routes::default();
        let mut stdout = child.stdout.take().unwrap();
        let heard = Arc::clone(&routes);
        std::thread::spawn(move || {
            while let Ok((id, news)) = read_frame(&mut stdout) {
                if let Some(line) = heard.lock().unwrap().get(&id) {
                    // Nobody waits for it any more.
                    drop(line.send(news));
                }
            }
            heard.lock().unwrap().clear();
        });
        Self {
            out: Arc::new(Mutex::new(child.stdin.take().unwrap())),
            child,
            routes,
            next: std::cell::Cell::new(0),
        }
    }

    /// Opens what the order says; why it failed, if it did.
    pub(super) fn open(&self, order: &str) -> Result<Line, String> {
        let id = self.next.replace(self.next.get() + 1);
        let (tx, news) = channel();
        self.routes.lock().unwrap().insert(id, tx);
        send(&self.out, id, OPEN, order.as_bytes()).unwrap();
        let line = Line {
            id,
            out: Arc::clone(&self.out),
            news,
            rest: Vec::new(),
            at: 0,
            has_ended: false,
        };
        match line.news.recv_timeout(PATIENCE) {
            Ok((OPENED, _)) => Ok(line),
            Ok((_, why)) => Err(String::from_utf8_lossy(&why).into_owned()),
            Err(error) => panic!("{order}: no answer from the arms: {error}"),
        }
    }

    /// Does what the order says and gives what came of it.
    pub(super) fn act(&self, order: &str) -> Result<String, String> {
        let mut text = String::new();
        let mut line = self.open(order)?;
        line.read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
        Ok(text)
    }
}

impl Drop for Arms {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Line {
    /// Ends the own direction and leaves the other open.
    pub(super) fn finish(&mut self) {
        // A connection that is over needs no end.
        drop(send(&self.out, self.id, END, &[]));
    }

    fn next_piece(&mut self) -> std::io::Result<()> {
        match self.news.recv_timeout(PATIENCE) {
            Ok((DATA, bytes)) => (self.rest, self.at) = (bytes, 0),
            Ok((END | FAILED, _)) => self.has_ended = true,
            Ok(_) => {}
            Err(error) => return Err(Error::new(ErrorKind::TimedOut, error)),
        }
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The container may be gone.
        drop(send(&self.out, self.id, CLOSE, &[]));
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.rest.len() && !self.has_ended {
            self.next_piece()?;
        }
        let count = buffer.len().min(self.rest.len() - self.at);
        buffer[..count].copy_from_slice(&self.rest[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE_BYTES)];
        send(&self.out, self.id, DATA, piece)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn send(out: &Mutex<ChildStdin>, id: u32, kind: u8, bytes: &[u8]) -> std::io::Result<()> {
    let mut frame = id.to_be_bytes().to_vec();
    frame.push(kind);
    frame.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    frame.extend(bytes);
    let mut out = out.lock().unwrap();
    out.write_all(&frame)?;
    out.flush()
}

fn read_frame(stream: &mut impl Read) -> std::io::Result<(u32, News)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head)?;
    let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
    let mut bytes = vec![0; usize::try_from(number(5)).unwrap()];
    stream.read_exact(&mut bytes)?;
    Ok((number(0), (head[4], bytes)))
}
