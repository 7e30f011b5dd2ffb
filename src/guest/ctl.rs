//! Joins the stdio of an exec to the hub: one console's line.
//!
//! It carries bytes and understands none. It ends when either end closes; a console
//! that vanished is noticed by the hub, which hangs up on a silent line.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::spec::layout;

/// How long the hub may take to start.
const PATIENCE: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(20);
const BUFFER_BYTES: usize = 16 * 1024;

/// Plays the role until it ends.
#[must_use]
pub fn run() -> ExitCode {
    let joined = open(rustix::stdio::stdin())
        .and_then(|from| Ok((from, open(rustix::stdio::stdout())?)))
        .and_then(|(from, to)| join(from, to, Path::new(layout::HUB), PATIENCE));
    match joined {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("cellar: failed to reach the hub: {error}\n");
            // With standard error gone there is nobody left to tell.
            drop(std::io::stderr().write_all(text.as_bytes()));
            ExitCode::FAILURE
        }
    }
}

/// The descriptor without the buffer that the standard library puts before it.
fn open(descriptor: impl AsFd) -> std::io::Result<File> {
    Ok(File::from(descriptor.as_fd().try_clone_to_owned()?))
}

/// Copies both ways until either ends. The thread that reads `from` may outlive the
/// call, blocked in a read; the end of the process ends it.
fn join<R, W>(mut from: R, mut to: W, hub: &Path, patience: Duration) -> std::io::Result<()>
where
    R: Read + Send + 'static,
    W: Write,
{
    let mut line = connect(hub, patience)?;
    let mut sending = line.try_clone()?;
    let sender = std::thread::Builder::new().name("to-hub".to_owned());
    let thread = sender.spawn(move || {
        // Whichever way it ends, the line has no more use.
        drop(copy(&mut from, &mut sending));
        drop(sending.shutdown(Shutdown::Both));
    })?;
    let copied = copy(&mut line, &mut to);
    drop(thread);
    copied
}

fn connect(hub: &Path, patience: Duration) -> std::io::Result<UnixStream> {
    let until = Instant::now() + patience;
    loop {
        match UnixStream::connect(hub) {
            Ok(line) => return Ok(line),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => std::thread::sleep(RETRY),
        }
    }
}

fn copy<R: Read, W: Write>(from: &mut R, to: &mut W) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(buffer.get(..count).unwrap_or_default())?;
        to.flush()?;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn place() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sock");
        (folder, path)
    }

    #[test]
    fn bytes_pass_both_ways_until_the_hub_hangs_up() {
        let (_folder, path) = place();
        let hub = UnixListener::bind(&path).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&ours).write_all(b"hello").unwrap();
        let serve = std::thread::spawn(move || {
            let (mut line, _) = hub.accept().unwrap();
            let mut heard = [0; 5];
            line.read_exact(&mut heard).unwrap();
            line.write_all(b"and back").unwrap();
            heard
        });
        let mut got = Vec::new();
        join(theirs, &mut got, &path, LONG).unwrap();
        assert_eq!(
            (&serve.join().unwrap(), got.as_slice()),
            (b"hello", b"and back" as &[u8])
        );
        drop(ours);
    }

    #[test]
    fn the_end_of_the_console_ends_the_line() {
        let (_folder, path) = place();
        let hub = UnixListener::bind(&path).unwrap();
        let serve = std::thread::spawn(move || {
            let (mut line, _) = hub.accept().unwrap();
            let mut heard = Vec::new();
            line.read_to_end(&mut heard).unwrap();
            heard
        });
        let mut got = Vec::new();
        join(&b"last words"[..], &mut got, &path, LONG).unwrap();
        assert_eq!(serve.join().unwrap(), b"last words");
    }

    #[test]
    fn a_hub_that_starts_later_is_waited_for_and_a_missing_one_is_not_for_ever() {
        let (_folder, path) = place();
        assert!(join(&b""[..], Vec::new(), &path, RETRY).is_err());
        let later = path.clone();
        let start = std::thread::spawn(move || {
            let hub = UnixListener::bind(later).unwrap();
            drop(hub.accept().unwrap());
        });
        join(&b""[..], Vec::new(), &path, LONG).unwrap();
        start.join().unwrap();
    }
}
