//! Lines of consoles on the engine's own machine, which need not pass the engine.
//!
//! Such a console puts a listening socket into a folder that it shares with this
//! container; here it is seen and connected to. The folder is read-only on this side,
//! so the agent can put nothing into it, and what it could reach through it is what it
//! has already: the eyes and hands of an operator who looks at this very session.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;

use super::client::Clients;
use super::descriptor;
use crate::spec::layout;

const EVENT_BYTES: usize = 4 * 1024;
/// Without descriptors, wait for one instead of spinning.
const RECOVERY: Duration = Duration::from_millis(100);

/// Connects to whoever waits in the folder, for ever. Where there is no such folder, or
/// it cannot be watched, consoles come through the engine.
pub(super) async fn answer(clients: Rc<Clients>, folder: PathBuf) {
    // What was put there before the watch began had its chance through the engine.
    let Ok(watch) = Watch::new(&folder) else {
        return;
    };
    let mut served = JoinSet::new();
    loop {
        while served.try_join_next().is_some() {}
        let Ok(sockets) = watch.next().await else {
            return;
        };
        for socket in sockets {
            let Some(place) = clients.place().await else {
                return;
            };
            let Ok((input, output)) = connect(&socket) else {
                tokio::time::sleep(RECOVERY).await;
                continue;
            };
            let clients = Rc::clone(&clients);
            served.spawn_local(async move {
                // A client that breaks is a client that left.
                clients
                    .serve(input, output, std::future::pending())
                    .await
                    .ok();
                drop(place);
            });
        }
    }
}

/// Connects without waiting: a full queue means that somebody else got in first.
fn connect(socket: &Path) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let input = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&input, &SocketAddrUnix::new(socket)?)?;
    let output = input.try_clone()?;
    Ok((input, output))
}

/// Tells of sockets that appear in a folder.
struct Watch {
    events: AsyncFd<OwnedFd>,
    folder: PathBuf,
}

impl Watch {
    fn new(folder: &Path) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // A socket is given its name only once it listens.
        let flags = WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        inotify::add_watch(&events, folder, flags)?;
        Ok(Self {
            events: descriptor::watch(events, Interest::READABLE)?,
            folder: folder.to_owned(),
        })
    }

    /// Waits for the next sockets. Cancel-safe.
    async fn next(&self) -> io::Result<Vec<PathBuf>> {
        loop {
            let mut ready = self.events.readable().await?;
            let sockets = self.read()?;
            if !sockets.is_empty() {
                return Ok(sockets);
            }
            ready.clear_ready();
        }
    }

    fn read(&self) -> io::Result<Vec<PathBuf>> {
        let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
        let mut reader = inotify::Reader::new(self.events.get_ref(), &mut buffer);
        let mut sockets = Vec::new();
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::IGNORED) => {
                    return Err(io::Error::other("the folder is gone"));
                }
                Ok(event) => {
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    let socket = name.map(|name| self.folder.join(name));
                    sockets.extend(socket.filter(|path| is_line(path)));
                    if reader.is_buffer_empty() {
                        return Ok(sockets);
                    }
                }
                Err(Errno::AGAIN) => return Ok(sockets),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_line(path: &Path) -> bool {
    path.as_os_str()
        .as_bytes()
        .ends_with(layout::LINE_SUFFIX.as_bytes())
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;
    use tokio::task::LocalSet;

    use super::super::client::HandOver;
    use super::super::session::Session;
    use super::super::terminal::Terminal;
    use super::*;
    use crate::wire::{
        AttachMode, ClientToSession, Frame, LineReader, LineWriter, SessionToClient, TerminalSize,
        VERSION,
    };

    fn clients() -> Rc<Clients> {
        let (_terminal, master) = Terminal::open(TerminalSize::default()).unwrap();
        let session = Session::new(master, TerminalSize::default(), 100).unwrap();
        let (taker, _) = tokio::sync::oneshot::channel();
        Rc::new(Clients::new(
            Rc::new(session),
            HandOver::new(Vec::new(), taker),
        ))
    }

    /// A console that offers a line, as `docker::local_line` does.
    async fn offer(folder: &Path, name: &str) -> SessionToClient {
        let listener = UnixListener::bind(folder.join(".new")).unwrap();
        std::fs::rename(folder.join(".new"), folder.join(name)).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        std::fs::remove_file(folder.join(name)).unwrap();
        let (reader, writer) = stream.into_split();
        let hello = ClientToSession::Hello {
            version: VERSION,
            mode: AttachMode::Watch,
            size: TerminalSize::default(),
        };
        LineWriter::new(writer).message(&hello).await.unwrap();
        let Some(Frame::Message(payload)) = LineReader::new(reader).next().await.unwrap() else {
            panic!("a message")
        };
        Frame::parse(&payload).unwrap()
    }

    #[tokio::test]
    async fn each_socket_that_gets_its_name_is_connected_to_and_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let consoles = async {
            std::fs::write(path.join(".x"), "no socket").unwrap();
            std::fs::rename(path.join(".x"), path.join("x.sock")).unwrap();
            std::fs::write(path.join(".y"), "").unwrap();
            std::fs::rename(path.join(".y"), path.join("y.txt")).unwrap();
            [offer(&path, "a.sock").await, offer(&path, "b.sock").await]
        };
        let answered = LocalSet::new()
            .run_until(async {
                tokio::select! {
                    biased;
                    () = answer(clients(), path.clone()) => panic!("the watch ended"),
                    answered = consoles => answered,
                }
            })
            .await;
        for first in answered {
            assert!(
                matches!(
                    first,
                    SessionToClient::Hello {
                        version: VERSION,
                        ..
                    }
                ),
                "{first:?}"
            );
        }
    }

    #[tokio::test]
    async fn without_a_folder_there_is_nothing_to_wait_for() {
        let folder = tempfile::tempdir().unwrap();
        answer(clients(), folder.path().join("none")).await;
    }

    #[tokio::test]
    async fn a_folder_that_goes_ends_the_watch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        std::fs::create_dir(&path).unwrap();
        let watch = Watch::new(&path).unwrap();
        std::fs::remove_dir(&path).unwrap();
        watch.next().await.unwrap_err();
    }
}
