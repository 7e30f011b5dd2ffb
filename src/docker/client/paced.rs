//! Connections for what goes on for hours: read in bursts, a few times a second.
//!
//! An engine sends each line of a log by itself. A socket that an event loop watches
//! wakes it for each of them, whether or not anybody wants to read yet: at 500 lines a
//! second that alone costs more than drawing what came. Here one thread reads all such
//! sockets, and looks at none of them for a moment after it was read empty. One that
//! pours is read without a rest.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc as threads};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bollard::{BollardRequest, Docker};
use bytes::{Buf as _, Bytes};
use hyper::body::Incoming;
use hyper::{Response, Version, header};
use hyper_util::rt::TokioIo;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use crate::docker::address::EngineAddress;

/// Sockets are read at multiples of this, so that several cost one wake-up.
const BEAT: Duration = Duration::from_millis(50);
/// What comes faster than this in two beats is read without a rest.
const POURING_BYTES: usize = 64 * 1024;
/// What is read at once.
const READ_BYTES: usize = 64 * 1024;
/// Pieces that wait to be taken; a socket with more is left alone.
const WAITING: usize = 16;
/// How soon a socket is looked at again that was left alone.
const FULL_WAIT: Duration = Duration::from_millis(2);

/// A client whose connections are read in bursts.
///
/// # Errors
/// As the library has them, if the address makes no sense to it.
pub(super) fn client(
    address: &EngineAddress,
    limit: Duration,
) -> Result<Docker, bollard::errors::Error> {
    let address = address.clone();
    let transport = move |request| ask(address.clone(), request);
    Docker::connect_with_custom_transport(
        transport,
        Some("http://engine"),
        limit.as_secs(),
        bollard::API_DEFAULT_VERSION,
    )
}

/// One request on a connection of its own.
async fn ask(
    address: EngineAddress,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, bollard::errors::Error> {
    // An engine that does not answer a knock must not hold the others up.
    let opened = tokio::task::spawn_blocking(move || Socket::open(&address));
    let socket = opened.await.map_err(io::Error::other)??;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(Paced::new(socket)?)).await?;
    // It ends with its body, or when nobody reads that any more.
    tokio::spawn(connection);
    let path = request.uri().path_and_query().cloned();
    if let Some(path) = path {
        *request.uri_mut() = path.into();
    }
    // An engine sends each line as a chunk of its own, which the library hands on one by
    // one, from task to task. HTTP/1.0 knows no chunks (RFC 9112, 7.1): what was read at
    // once is handed on at once, and the end of the connection is the end of the log.
    *request.version_mut() = Version::HTTP_10;
    let host = header::HeaderValue::from_static("engine");
    request.headers_mut().insert(header::HOST, host);
    Ok(sender.send_request(request).await?)
}

/// A connected socket of either kind.
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn open(address: &EngineAddress) -> io::Result<Self> {
        Ok(match address {
            EngineAddress::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_nonblocking(true)?;
                Self::Unix(socket)
            }
            EngineAddress::Tcp(host) => {
                let socket = TcpStream::connect(host)?;
                socket.set_nonblocking(true)?;
                Self::Tcp(socket)
            }
        })
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => (&*socket).read(buffer),
            Self::Tcp(socket) => (&*socket).read(buffer),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => (&*socket).write(bytes),
            Self::Tcp(socket) => (&*socket).write(bytes),
        }
    }

    fn shut(&self) {
        // One that is closed already is shut.
        drop(match self {
            Self::Unix(socket) => socket.shutdown(std::net::Shutdown::Both),
            Self::Tcp(socket) => socket.shutdown(std::net::Shutdown::Both),
        });
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Unix(socket) => socket.as_fd(),
            Self::Tcp(socket) => socket.as_fd(),
        }
    }
}

/// A connection that the thread reads. Dropping it closes the socket.
struct Paced {
    socket: Arc<Socket>,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Paced {
    fn new(socket: Socket) -> io::Result<Self> {
        let socket = Arc::new(socket);
        let (to, pieces) = mpsc::channel(WAITING);
        reader()?.watch(Watched::new(Arc::clone(&socket), to))?;
        Ok(Self {
            socket,
            pieces,
            current: Bytes::new(),
        })
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        // The thread sees the end of it.
        self.socket.shut();
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.current.is_empty() {
            match ready!(self.pieces.poll_recv(context)) {
                Some(piece) => self.current = piece?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.current.len().min(buffer.remaining());
        buffer.put_slice(self.current.get(..count).unwrap_or_default());
        self.current.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.socket.write(bytes) {
            // A request is some hundred bytes on an empty socket: this is rare.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.shut();
        Poll::Ready(Ok(()))
    }
}

/// The thread that reads, as others see it.
struct Reader {
    news: threads::Sender<Watched>,
    wake: OwnedFd,
}

impl Reader {
    fn watch(&self, watched: Watched) -> io::Result<()> {
        let gone = |_| io::Error::other("the thread that reads logs ended");
        self.news.send(watched).map_err(gone)?;
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes())?;
        Ok(())
    }
}

/// Gives the thread, started if nobody needed it before.
fn reader() -> io::Result<Arc<Reader>> {
    static READER: Mutex<Option<Arc<Reader>>> = Mutex::new(None);
    let mut place = READER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reader) = &*place {
        return Ok(Arc::clone(reader));
    }
    let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let (news, new) = threads::channel();
    let heard = wake.try_clone()?;
    std::thread::Builder::new()
        .name(String::from("logs"))
        .spawn(move || Rounds::new(new, heard).run())?;
    let reader = Arc::new(Reader { news, wake });
    *place = Some(Arc::clone(&reader));
    Ok(reader)
}

/// A socket that is read.
struct Watched {
    socket: Arc<Socket>,
    to: mpsc::Sender<io::Result<Bytes>>,
    /// Not read before this.
    rests_until: Option<Instant>,
    /// What came in this beat, and in the one before.
    beat: u128,
    came: [usize; 2],
}

/// What a look at a socket found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing more for now.
    Nothing,
    /// It ended, or nobody wants it.
    End,
}

impl Watched {
    const fn new(socket: Arc<Socket>, to: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self {
            socket,
            to,
            rests_until: None,
            beat: 0,
            came: [0; 2],
        }
    }

    fn waits(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| until > now)
    }

    fn is_full(&self) -> bool {
        self.to.capacity() == 0
    }

    /// Reads what is there, as far as there is room for it.
    fn read(&mut self, buffer: &mut [u8]) -> Found {
        loop {
            let Ok(room) = self.to.try_reserve() else {
                return if self.to.is_closed() {
                    Found::End
                } else {
                    Found::Nothing
                };
            };
            match self.socket.read(buffer) {
                Ok(0) => return Found::End,
                Ok(count) => {
                    let piece = buffer.get(..count).unwrap_or_default();
                    room.send(Ok(Bytes::copy_from_slice(piece)));
                    self.came[0] = self.came[0].saturating_add(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Found::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    room.send(Err(error));
                    return Found::End;
                }
            }
        }
    }

    /// Rests until the next beat, unless it pours.
    fn rest(&mut self, begun: Instant, now: Instant) {
        let beat = now.duration_since(begun).as_nanos() / BEAT.as_nanos();
        if beat != self.beat {
            let before = if beat == self.beat + 1 {
                self.came[0]
            } else {
                0
            };
            self.came = [0, before];
            self.beat = beat;
        }
        let pours = self.came.iter().sum::<usize>() >= POURING_BYTES;
        let next = BEAT * u32::try_from(beat + 1).unwrap_or(u32::MAX);
        self.rests_until = (!pours).then(|| begun + next);
    }
}

/// The thread itself.
struct Rounds {
    new: threads::Receiver<Watched>,
    wake: OwnedFd,
    watched: Vec<Watched>,
    begun: Instant,
    buffer: Vec<u8>,
}

impl Rounds {
    fn new(new: threads::Receiver<Watched>, wake: OwnedFd) -> Self {
        Self {
            new,
            wake,
            watched: Vec::new(),
            begun: Instant::now(),
            buffer: vec![0; READ_BYTES],
        }
    }

    /// Reads for as long as the process lives.
    fn run(mut self) {
        loop {
            self.watched.extend(self.new.try_iter());
            let readable = self.wait();
            let (now, begun) = (Instant::now(), self.begun);
            let mut at = 0;
            self.watched.retain_mut(|one| {
                let is_readable = readable.contains(&at);
                at += 1;
                if !is_readable {
                    return !one.to.is_closed();
                }
                let found = one.read(&mut self.buffer);
                one.rest(begun, now);
                found != Found::End
            });
        }
    }

    /// Waits for something to read, of those that do not rest, or for the end of a rest.
    /// Gives the places of those that can be read.
    fn wait(&self) -> Vec<usize> {
        let now = Instant::now();
        let awake = |one: &&(usize, &Watched)| !one.1.waits(now) && !one.1.is_full();
        let all: Vec<(usize, &Watched)> = self.watched.iter().enumerate().collect();
        let asked: Vec<&(usize, &Watched)> = all.iter().filter(awake).collect();
        let mut polled = vec![PollFd::new(&self.wake, PollFlags::IN)];
        let sockets = asked.iter().map(|(_, one)| &*one.socket);
        polled.extend(sockets.map(|socket| PollFd::new(socket, PollFlags::IN)));
        let rest = |one: &Watched| one.rests_until?.checked_duration_since(now);
        let rests = self.watched.iter().filter_map(rest);
        let is_full = self.watched.iter().any(Watched::is_full);
        let longest = rests.chain(is_full.then_some(FULL_WAIT)).min();
        let longest = longest.and_then(|time| Timespec::try_from(time).ok());
        if poll(&mut polled, longest.as_ref()).is_err() {
            // A signal: the next round looks again.
            return Vec::new();
        }
        let mut found = polled.iter().map(|one| !one.revents().is_empty());
        if found.next() == Some(true) {
            // Its count says nothing beyond that, and another round may have taken it.
            rustix::io::read(&self.wake, &mut [0; 8]).ok();
        }
        asked
            .iter()
            .zip(found)
            .filter(|(_, is_readable)| *is_readable)
            .map(|((at, _), _)| *at)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// One that is read in bursts, and its other end.
    fn pair() -> (Paced, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Paced::new(Socket::Unix(ours)).unwrap(), theirs)
    }

    #[tokio::test]
    async fn what_is_sent_comes_whole_and_in_order_then_the_end() {
        const PIECE: usize = 7_919;
        let sent: Vec<u8> = (0..4_000_000_u32)
            .map(|n| n.to_le_bytes()[0] ^ 0x5a)
            .collect();
        let (mut paced, mut theirs) = pair();
        let sending = sent.clone();
        let sender = std::thread::spawn(move || {
            for piece in sending.chunks(PIECE) {
                theirs.write_all(piece).unwrap();
            }
        });
        let mut read = Vec::new();
        paced.read_to_end(&mut read).await.unwrap();
        sender.join().unwrap();
        assert!(read == sent, "{} of {}", read.len(), sent.len());
    }

    #[tokio::test]
    async fn a_question_is_heard_and_one_that_is_dropped_is_closed() {
        let (mut paced, mut theirs) = pair();
        paced.write_all(b"GET /").await.unwrap();
        let mut asked = [0; 5];
        theirs.read_exact(&mut asked).unwrap();
        assert_eq!(&asked, b"GET /");
        theirs.write_all(b"one").unwrap();
        let mut answer = [0; 3];
        paced.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"one");
        drop(paced);
        assert_eq!(theirs.read(&mut asked).unwrap(), 0);
    }

    #[tokio::test]
    async fn many_are_read_beside_one_that_nobody_takes_from() {
        let (left, mut full) = pair();
        full.set_nonblocking(true).unwrap();
        while full.write(&vec![0; READ_BYTES]).is_ok() {}
        let mut all: Vec<_> = (0..20).map(|_| pair()).collect();
        for round in 0_u8..5 {
            for (_, theirs) in &mut all {
                theirs.write_all(&[round]).unwrap();
            }
            for (paced, _) in &mut all {
                assert_eq!(paced.read_u8().await.unwrap(), round);
            }
        }
        drop(left);
    }

    #[test]
    fn one_rests_until_the_next_beat_unless_it_pours() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (to, _pieces) = mpsc::channel(WAITING);
        let mut one = Watched::new(Arc::new(Socket::Unix(ours)), to);
        let begun = Instant::now();
        one.came[0] = 3_000;
        one.rest(begun, begun + BEAT / 4);
        assert_eq!(one.rests_until, Some(begun + BEAT));
        one.came[0] = POURING_BYTES;
        one.rest(begun, begun + BEAT + BEAT / 4);
        assert_eq!(one.rests_until, None);
        // What poured a beat ago may pour on.
        one.rest(begun, begun + BEAT * 3 / 2);
        assert_eq!(one.rests_until, None);
        one.rest(begun, begun + BEAT * 5);
        assert_eq!(one.rests_until, Some(begun + BEAT * 6));
    }
}
