//! A line to a session that does not pass the engine, for an engine on this machine.
//!
//! The agent container sees one folder of ours, read-only. A socket that we put there
//! is connected to by `guest init`, and each key then takes one hop instead of four.
//! Nothing depends on it: where nobody connects in time (a remote engine, a machine
//! between, a policy that forbids it), the caller takes the engine's way.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::line::{Line, LineErrors};
use crate::spec::layout;

/// How long a session may take to connect: some fifty times what it takes.
const PATIENCE: Duration = Duration::from_millis(50);
/// A socket of a console that was killed is swept after this.
const STALE: Duration = Duration::from_mins(1);

/// Makes the folder that a bottle's agent container is given to see.
///
/// # Errors
/// If it cannot be made.
pub fn make_line_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // The agent's user, who is another one, must be able to watch it; what is above
        // the folder is closed to the other users of this machine.
        Ok(()) | Err(_) => fs::set_permissions(folder, Permissions::from_mode(0o755)),
    }
}

/// Opens a line to the session that sees the folder; `None` if it has no such folder
/// or does not come.
pub async fn local_line(folder: &Path) -> Option<Line> {
    sweep(folder);
    let offer = Offer::new(folder).ok()?;
    let (stream, _) = timeout(PATIENCE, offer.listener.accept())
        .await
        .ok()?
        .ok()?;
    Some(line(stream))
}

fn line(stream: UnixStream) -> Line {
    let (reader, writer) = stream.into_split();
    Line {
        reader: Box::new(reader),
        writer: Box::new(writer),
        errors: LineErrors::default(),
    }
}

/// A socket that waits for one session, and is gone with this value.
struct Offer {
    listener: UnixListener,
    path: PathBuf,
}

impl Offer {
    fn new(folder: &Path) -> io::Result<Self> {
        // Through a descriptor, because a socket's path may have 107 bytes at most
        // (unix(7)) and the state folder may lie deep.
        let opened = File::open(folder)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()));
        let name = uuid::Uuid::new_v4().simple().to_string();
        let hidden = format!(".{name}");
        let listener = UnixListener::bind(short.join(&hidden))?;
        let mut offer = Self {
            listener,
            path: folder.join(&hidden),
        };
        fs::set_permissions(&offer.path, Permissions::from_mode(0o666))?;
        // Seen only once it listens and may be connected to.
        let path = folder.join(format!("{name}{}", layout::LINE_SUFFIX));
        fs::rename(&offer.path, &path)?;
        offer.path = path;
        Ok(offer)
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        // One that stays is swept by the next.
        drop(fs::remove_file(&self.path));
    }
}

/// Removes what killed consoles left.
fn sweep(folder: &Path) {
    let is_stale = |entry: &fs::DirEntry| {
        let made = entry.metadata().and_then(|metadata| metadata.modified());
        made.is_ok_and(|made| {
            SystemTime::now()
                .duration_since(made)
                .is_ok_and(|age| age > STALE)
        })
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(is_stale) {
        drop(fs::remove_file(entry.path()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[tokio::test]
    async fn who_connects_to_the_socket_has_the_line_and_the_socket_is_gone() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let folder = deep.join("line");
        make_line_folder(&folder).unwrap();
        let session = async {
            let socket = loop {
                match sockets(&folder).as_slice() {
                    [one] if one.extension().is_some_and(|end| end == "sock") => break one.clone(),
                    _ => tokio::task::yield_now().await,
                }
            };
            let opened = File::open(&folder).unwrap();
            let short = format!("/proc/self/fd/{}", opened.as_raw_fd());
            let path = Path::new(&short).join(socket.file_name().unwrap());
            let mut stream = UnixStream::connect(path).await.unwrap();
            stream.write_all(b"x").await.unwrap();
            stream
        };
        let (line, _session) = tokio::join!(local_line(&folder), session);
        let mut byte = [0];
        line.unwrap().reader.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"x");
        assert_eq!(sockets(&folder), Vec::<PathBuf>::new());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_comes_is_no_line_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("line");
        assert!(local_line(&folder).await.is_none());
        make_line_folder(&folder).unwrap();
        assert!(local_line(&folder).await.is_none());
        assert_eq!(sockets(&folder), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_agents_user_may_watch_but_not_write() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("line");
        make_line_folder(&folder).unwrap();
        make_line_folder(&folder).unwrap();
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}
