//! The operator's terminal as a source of raw bytes, while a session has it.
//!
//! Standard input is read only when it has something, so it need not be made
//! non-blocking: that flag would be shared with standard output and with whoever
//! owns the terminal after us.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How much is read at once: a large paste in a few pieces.
const READ_BYTES: usize = 16 * 1024;

/// Raw bytes from the terminal.
#[derive(Debug)]
pub(crate) struct Keyboard {
    input: AsyncFd<OwnedFd>,
    buffer: Vec<u8>,
}

impl Keyboard {
    /// Listens to standard input. Must be called within the runtime.
    ///
    /// # Errors
    /// If standard input cannot be waited for, as a plain file cannot.
    pub(crate) fn listen() -> io::Result<Self> {
        let own = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(Self {
            input: watch(own)?,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Gives the next bytes; none at the terminal's end. Cancel-safe.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) async fn read(&mut self) -> io::Result<&[u8]> {
        loop {
            let mut guard = self.input.readable().await?;
            // The readiness may be stale; asking again keeps the read from blocking.
            if !is_readable(self.input.get_ref())? {
                guard.clear_ready();
                continue;
            }
            let count = rustix::io::read(self.input.get_ref(), &mut self.buffer)?;
            guard.clear_ready();
            return Ok(self.buffer.get(..count).unwrap_or_default());
        }
    }
}

#[expect(
    deprecated,
    reason = "the replacement is unsafe for types that may give their descriptor away; this one owns it"
)]
fn watch(input: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(input, Interest::READABLE)
}

fn is_readable(input: &OwnedFd) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(input, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(poll(&mut fds, Some(&now))? > 0)
}
