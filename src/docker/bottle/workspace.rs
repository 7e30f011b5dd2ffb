//! Copying a host folder into a bottle's workspace, once, before the agent starts.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::request::UpCause;
use crate::docker::engine::Engine;
use crate::spec::layout;

/// Pieces of the archive on their way; the copy reads no faster than the engine takes.
const WAITING_PIECES: usize = 8;
const PIECE_BYTES: usize = 256 * 1024;

/// Copies the folder with everything in it, `.git` included. Symbolic links stay
/// links and are never followed; sockets and devices are left out.
///
/// # Errors
/// [`UpCause`] if the folder cannot be read or the engine refuses.
pub(crate) async fn copy(
    engine: &dyn Engine,
    container: &str,
    host: &str,
    uid: u32,
) -> Result<(), UpCause> {
    let (tx, rx) = mpsc::channel(WAITING_PIECES);
    let folder = host.to_owned();
    let packing = tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces {
            to: tx,
            held: Vec::with_capacity(PIECE_BYTES),
        };
        pack(Path::new(&folder), uid, &mut pieces).and_then(|()| pieces.flush())
    });
    let body = futures_util::stream::unfold(rx, |mut rx| async move {
        rx.recv().await.map(|piece| (piece, rx))
    });
    let sent = engine
        .put_archive(container, layout::WORKSPACE, body.boxed())
        .await;
    let packed = packing
        .await
        .unwrap_or_else(|ended| Err(io::Error::other(ended)));
    // Who failed first made the other fail too; a broken pipe is the engine's doing.
    match (packed, sent) {
        (Err(error), _) if error.kind() != io::ErrorKind::BrokenPipe => Err(UpCause::Spec {
            why: format!("read the workspace folder: {error}"),
        }),
        (_, sent) => Ok(sent?),
    }
}

fn pack(folder: &Path, uid: u32, to: &mut Pieces) -> io::Result<()> {
    let mut tar = tar::Builder::new(to);
    tar.follow_symlinks(false);
    add_folder(&mut tar, folder, Path::new(""), uid)?;
    tar.into_inner().map(drop)
}

fn add_folder(
    tar: &mut tar::Builder<&mut Pieces>,
    folder: &Path,
    inside: &Path,
    uid: u32,
) -> io::Result<()> {
    for entry in sorted(folder)? {
        let path = entry.path();
        let name = inside.join(entry.file_name());
        let metadata = path.symlink_metadata()?;
        let kind = metadata.file_type();
        let mut header = tar::Header::new_gnu();
        header.set_metadata(&metadata);
        header.set_uid(u64::from(uid));
        header.set_gid(u64::from(uid));
        if kind.is_dir() {
            header.set_size(0);
            tar.append_data(&mut header, &name, io::empty())?;
            add_folder(tar, &path, &name, uid)?;
        } else if kind.is_symlink() {
            header.set_size(0);
            tar.append_link(&mut header, &name, std::fs::read_link(&path)?)?;
        } else if kind.is_file() {
            // A file that grows meanwhile must not spoil the archive.
            let file = std::fs::File::open(&path)?;
            let length = metadata.len();
            let whole = io::Read::take(io::Read::chain(file, io::repeat(0)), length);
            tar.append_data(&mut header, &name, whole)?;
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> io::Result<Vec<std::fs::DirEntry>> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    Ok(entries)
}

/// A writer whose pieces are read elsewhere.
struct Pieces {
    to: mpsc::Sender<io::Result<Bytes>>,
    held: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE_BYTES));
        self.to
            .blocking_send(Ok(Bytes::from(piece)))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Name, owner, mode, kind and what it holds or points at.
    type Seen = (String, u64, u32, tar::EntryType, String);

    fn packed(folder: &Path) -> Vec<Seen> {
        let (tx, mut rx) = mpsc::channel(1_000);
        let mut pieces = Pieces {
            to: tx,
            held: Vec::new(),
        };
        pack(folder, 1_000, &mut pieces).unwrap();
        pieces.flush().unwrap();
        drop(pieces);
        let mut bytes = Vec::new();
        while let Some(piece) = rx.blocking_recv() {
            bytes.extend_from_slice(&piece.unwrap());
        }
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            io::Read::read_to_string(&mut entry, &mut text).unwrap();
            let link = entry.link_name().unwrap();
            let header = entry.header();
            (
                entry.path().unwrap().display().to_string(),
                header.uid().unwrap(),
                header.mode().unwrap() & 0o777,
                header.entry_type(),
                link.map_or(text, |target| target.display().to_string()),
            )
        });
        entries.collect()
    }

    #[test]
    fn a_copy_holds_what_the_folder_holds_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir(root.join(".git")).unwrap();
        std::fs::write(root.join(".git/HEAD"), "ref").unwrap();
        std::fs::write(root.join("run"), "#!").unwrap();
        std::fs::set_permissions(root.join("run"), PermissionsExt::from_mode(0o755)).unwrap();
        symlink("/etc/shadow", root.join("link")).unwrap();
        let _socket = UnixListener::bind(root.join("socket")).unwrap();
        let deep = "d".repeat(120);
        std::fs::create_dir(root.join(&deep)).unwrap();
        std::fs::write(root.join(&deep).join("f".repeat(90)), "deep").unwrap();

        let seen = packed(root);
        let names: Vec<&str> = seen
            .iter()
            .map(|entry| entry.0.trim_end_matches('/'))
            .collect();
        let deepest = format!("{deep}/{}", "f".repeat(90));
        assert_eq!(names, [".git", ".git/HEAD", &deep, &deepest, "link", "run"]);
        assert!(seen.iter().all(|entry| entry.1 == 1_000));
        let of = |name: &str| seen.iter().find(|entry| entry.0 == name).unwrap();
        assert_eq!(of("link").3, tar::EntryType::Symlink);
        assert_eq!(of("link").4, "/etc/shadow");
        assert_eq!((of("run").2, of("run").4.as_str()), (0o755, "#!"));
        assert_eq!(of(&deepest).4, "deep");
    }
}
