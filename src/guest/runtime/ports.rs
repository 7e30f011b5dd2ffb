//! Splices loopback ports of a container to the sidecars' door sockets.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::tunnel;

/// Connections spliced at once through one door; further ones wait to be accepted. More
/// than egress lets wait for the operator: those must not keep the rest from it. One that
/// is silent costs its two sockets and no buffer.
const MAX_CONNECTIONS: usize = 4_096;

/// A port and the door behind it.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    socket: PathBuf,
}

impl Door {
    /// Listens on a loopback port; 0 picks a free one.
    pub(crate) async fn open(port: u16, socket: PathBuf) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self { listener, socket })
    }

    #[cfg(test)]
    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Splices connections for ever. Its connections end with it.
    pub(crate) async fn serve(self) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of descriptors: wait for one instead of spinning.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let socket = self.socket.clone();
            connections.spawn(async move {
                // A door that is not there, or a side that breaks, closes both.
                splice(stream, &socket).await.ok();
                drop(place);
            });
        }
    }
}

async fn splice(mut stream: TcpStream, socket: &std::path::Path) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut door = UnixStream::connect(socket).await?;
    tunnel::splice(&mut stream, &mut door, Vec::new()).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_and_ends_too() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("door.sock");
        let sidecar = UnixListener::bind(&socket).unwrap();
        let door = Door::open(0, socket).await.unwrap();
        let port = door.port();
        let _serving = tokio::spawn(door.serve());
        let mut agent = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let (mut inside, _) = sidecar.accept().await.unwrap();
        agent.write_all(b"ask").await.unwrap();
        agent.shutdown().await.unwrap();
        let mut asked = String::new();
        inside.read_to_string(&mut asked).await.unwrap();
        inside.write_all(b"answer").await.unwrap();
        drop(inside);
        let mut answered = String::new();
        agent.read_to_string(&mut answered).await.unwrap();
        assert_eq!((asked.as_str(), answered.as_str()), ("ask", "answer"));
    }

    #[tokio::test]
    async fn a_missing_door_closes_the_connection() {
        let door = Door::open(0, PathBuf::from("/no/such/door.sock"))
            .await
            .unwrap();
        let port = door.port();
        let _serving = tokio::spawn(door.serve());
        let mut agent = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let mut answered = Vec::new();
        assert_eq!(agent.read_to_end(&mut answered).await.unwrap_or(0), 0);
    }
}
