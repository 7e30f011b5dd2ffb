//! The two places where a file descriptor's owner cannot be told to the compiler.
#![expect(
    unsafe_code,
    reason = "portable-pty gives its descriptor only as a number, and tokio asks for a promise that an owned descriptor keeps by itself"
)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use portable_pty::MasterPty;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Copies the descriptor of a PTY's host side and makes it non-blocking.
pub(super) fn of_master(master: &dyn MasterPty) -> io::Result<OwnedFd> {
    let number = master
        .as_raw_fd()
        .ok_or_else(|| io::Error::other("the PTY has no descriptor"))?;
    // SAFETY: `master` owns the descriptor, keeps it open while it lives, and is
    // borrowed for longer than this.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    let copy = borrowed.try_clone_to_owned()?;
    rustix::io::ioctl_fionbio(&copy, true)?;
    Ok(copy)
}

/// Lets the runtime wait for a non-blocking descriptor. One that cannot be waited for,
/// such as a regular file's, is refused.
pub(super) fn watch(descriptor: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is open, keeps its number, and is closed only when dropped,
    // which `AsyncFd` does after its registration.
    unsafe { AsyncFd::register_with_interest(descriptor, interest) }.map_err(io::Error::from)
}
