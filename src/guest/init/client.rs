//! One client of the session, from its hand-over to its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinSet;
use zeroize::Zeroize as _;

use super::descriptor;
use super::outgoing::{Drain, Outgoing};
use super::session::{ClientId, Session};
use crate::guest::attach::descriptors;
use crate::wire::{
    AttachMode, ClientToSession, Decoder, Frame, SILENCE_LIMIT, SessionToClient, VERSION,
};

/// Clients served at once; a further one waits until another leaves.
const MAX_CLIENTS: usize = 32;
/// How long a client may take to hand its streams over.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 16 * 1024;

/// Where values that the program needs are awaited.
pub(super) struct HandOver {
    names: Vec<String>,
    taker: RefCell<Option<oneshot::Sender<BTreeMap<String, String>>>>,
}

impl HandOver {
    /// Awaits a value for each name.
    pub(super) fn new(
        names: Vec<String>,
        taker: oneshot::Sender<BTreeMap<String, String>>,
    ) -> Self {
        Self {
            names,
            taker: RefCell::new(Some(taker)),
        }
    }

    /// Takes the values. The answer says what is wrong, never a value.
    fn take(&self, mut values: BTreeMap<String, String>) -> SessionToClient {
        let missing: Vec<&str> = self
            .names
            .iter()
            .filter(|name| !values.contains_key(*name))
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let why = format!("no value was handed over for {}", missing.join(", "));
            for value in values.values_mut() {
                value.zeroize();
            }
            return SessionToClient::Refused { why };
        }
        values.retain(|name, _| self.names.contains(name));
        match self
            .taker
            .borrow_mut()
            .take()
            .map(|taker| taker.send(values))
        {
            Some(Ok(())) => SessionToClient::HandOverTaken,
            Some(Err(_)) | None => SessionToClient::Refused {
                why: "the session took its values already".to_owned(),
            },
        }
    }
}

/// What every client of one session shares.
pub(super) struct Clients {
    session: Rc<Session>,
    hand_over: HandOver,
    places: Arc<Semaphore>,
}

impl Clients {
    pub(super) fn new(session: Rc<Session>, hand_over: HandOver) -> Self {
        Self {
            session,
            hand_over,
            places: Arc::new(Semaphore::new(MAX_CLIENTS)),
        }
    }

    /// Waits until one more client can be served. Cancel-safe.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Serves clients that hand their streams over, for ever. Not cancel-safe beyond
    /// ending: its clients end with it.
    pub(super) async fn accept(self: Rc<Self>, listener: UnixListener) {
        let mut clients = JoinSet::new();
        loop {
            while clients.try_join_next().is_some() {}
            let Some(place) = self.place().await else {
                return;
            };
            let Ok((connection, _)) = listener.accept().await else {
                // Out of descriptors: wait for one instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let all = Rc::clone(&self);
            clients.spawn_local(async move {
                // A client that breaks is a client that left.
                all.serve_handed(connection).await.ok();
                drop(place);
            });
        }
    }

    async fn serve_handed(&self, connection: UnixStream) -> Result<(), ClientError> {
        let received = tokio::time::timeout(HAND_OVER_LIMIT, receive(&connection)).await??;
        let Some((input, output)) = received else {
            return Err(ClientError::Refused);
        };
        self.serve(input, output, closed(&connection)).await
    }

    /// Serves the client at the other end of these streams until it or `gone` ends.
    pub(super) async fn serve(
        &self,
        input: OwnedFd,
        output: OwnedFd,
        gone: impl Future<Output = ()>,
    ) -> Result<(), ClientError> {
        rustix::io::ioctl_fionbio(&input, true).map_err(io::Error::from)?;
        rustix::io::ioctl_fionbio(&output, true).map_err(io::Error::from)?;
        let mut client = Client {
            // A regular file cannot be waited for, and is refused here.
            input: descriptor::watch(input, Interest::READABLE)?,
            decoder: Decoder::default(),
            buffer: vec![0; READ_BYTES],
            out: Rc::new(Outgoing::new(output)?),
        };
        let out = Rc::clone(&client.out);
        let outcome = tokio::select! {
            outcome = client.greet(&self.session, &self.hand_over) => outcome,
            () = gone => Ok(()),
        };
        if let Err(ClientError::Refused) = outcome {
            let told = async {
                tokio::select! {
                    () = out.flushed() => {}
                    _ = out.drain() => {}
                }
            };
            tokio::time::timeout(HAND_OVER_LIMIT, told).await?;
        }
        outcome
    }
}

/// Why a client was let go.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("use the client's streams")]
    Io(#[from] io::Error),
    #[error("understand the client")]
    Frame(#[from] crate::wire::FrameError),
    #[error("hear from the client in time")]
    Silence(#[from] tokio::time::error::Elapsed),
    #[error("serve the client")]
    Refused,
}

async fn receive(connection: &UnixStream) -> io::Result<Option<(OwnedFd, OwnedFd)>> {
    connection
        .async_io(Interest::READABLE, || descriptors::receive(connection))
        .await
}

/// Waits until the attach process is gone. Cancel-safe.
async fn closed(connection: &UnixStream) {
    let mut byte = [0];
    loop {
        if connection.readable().await.is_err() {
            return;
        }
        match connection.try_read(&mut byte) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

struct Client {
    input: AsyncFd<OwnedFd>,
    decoder: Decoder,
    buffer: Vec<u8>,
    out: Rc<Outgoing>,
}

/// Takes the client out of the session however its serving ends.
struct Member<'session> {
    session: &'session Session,
    id: ClientId,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.session.leave(self.id);
    }
}

impl Client {
    async fn greet(&mut self, session: &Session, hand_over: &HandOver) -> Result<(), ClientError> {
        let Some(Frame::Message(payload)) = self.next().await? else {
            return Err(self.refuse("the first frame is not a greeting"));
        };
        let Ok(ClientToSession::Hello {
            version,
            mode,
            size,
        }) = Frame::parse(&payload)
        else {
            return Err(self.refuse("the first message is not a greeting"));
        };
        if version != VERSION {
            return Err(self.refuse(&format!(
                "this bottle speaks version {VERSION} of the session line, not {version}"
            )));
        }
        let out = Rc::clone(&self.out);
        let id = session.join(Rc::clone(&out), mode, size);
        let _member = Member { session, id };
        tokio::select! {
            outcome = self.listen(session, hand_over, id, mode) => outcome,
            () = write(&out, session, id) => Ok(()),
        }
    }

    async fn listen(
        &mut self,
        session: &Session,
        hand_over: &HandOver,
        id: ClientId,
        mode: AttachMode,
    ) -> Result<(), ClientError> {
        while let Some(frame) = self.next().await? {
            match frame {
                Frame::Bytes(bytes) => {
                    if mode == AttachMode::Interactive {
                        session.typed_room().await;
                    }
                    session.typed(id, &bytes);
                }
                Frame::Message(mut payload) => {
                    let message = Frame::parse(&payload);
                    payload.zeroize();
                    match message? {
                        ClientToSession::Resize { size } => session.resized(id, size),
                        ClientToSession::HandOver { env } => {
                            self.out.message(&hand_over.take(env));
                        }
                        ClientToSession::Ping => self.out.message(&SessionToClient::Pong),
                        ClientToSession::Hello { .. } => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the next frame; `None` at the end of the client's input. Cancel-safe.
    async fn next(&mut self) -> Result<Option<Frame>, ClientError> {
        loop {
            if let Some(frame) = self.decoder.next()? {
                return Ok(Some(frame));
            }
            let reading = read(&self.input, &mut self.buffer);
            let count = tokio::time::timeout(SILENCE_LIMIT, reading).await??;
            if count == 0 {
                return Ok(None);
            }
            self.decoder
                .feed(self.buffer.get(..count).unwrap_or_default());
        }
    }

    fn refuse(&self, why: &str) -> ClientError {
        self.out.message(&SessionToClient::Refused {
            why: why.to_owned(),
        });
        ClientError::Refused
    }
}

/// Reads what is there. Cancel-safe.
async fn read(from: &AsyncFd<OwnedFd>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let mut ready = from.readable().await?;
        match rustix::io::read(from.get_ref(), &mut *buffer) {
            Ok(count) => return Ok(count),
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes what waits for a client until it breaks.
async fn write(out: &Outgoing, session: &Session, id: ClientId) {
    loop {
        match out.drain().await {
            Drain::Snapshot => session.catch_up(id),
            Drain::Done => {}
            Drain::Broken => return,
        }
    }
}
