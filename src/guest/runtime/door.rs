//! Listening on a Unix socket that others find by its path.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::net::UnixListener;

use super::RoleError;

/// Listens at `path` with these permission bits, in place of whatever an earlier life
/// left there.
///
/// The socket appears under its name only once it listens and has its permissions:
/// who finds it can connect.
///
/// # Errors
/// [`RoleError::Listen`] with the path.
pub(crate) fn bind_door(path: &Path, mode: u32) -> Result<UnixListener, RoleError> {
    bind(path, mode).map_err(|source| RoleError::Listen {
        path: path.display().to_string(),
        source,
    })
}

fn bind(path: &Path, mode: u32) -> std::io::Result<UnixListener> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, Permissions::from_mode(mode))?;
    std::fs::rename(&fresh, path)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(bind_door(&path, 0o666).unwrap());
        assert!(path.exists(), "the stale one is left");
        let listener = bind_door(&path, 0o600).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (ours, theirs) =
            tokio::join!(tokio::net::UnixStream::connect(&path), listener.accept());
        assert!(ours.is_ok() && theirs.is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
