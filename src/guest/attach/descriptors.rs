//! File descriptors over a Unix socket (`SCM_RIGHTS`, unix(7)).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Travels with the descriptors, since ancillary data alone is not sent; says what
/// they are.
const GREETING: u8 = 1;

/// Sends a client's input and output.
pub(in crate::guest) fn send(
    socket: impl AsFd,
    input: BorrowedFd<'_>,
    output: BorrowedFd<'_>,
) -> io::Result<()> {
    let streams = [input, output];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&streams));
    let greeting = [IoSlice::new(&[GREETING])];
    sendmsg(socket, &greeting, &mut control, SendFlags::empty())?;
    Ok(())
}

/// Receives a client's input and output; `None` if something else came.
pub(in crate::guest) fn receive(socket: impl AsFd) -> io::Result<Option<(OwnedFd, OwnedFd)>> {
    let mut greeting = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut greeting)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut streams = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            streams.extend(descriptors);
        }
    }
    let mut streams = streams.into_iter();
    Ok(
        match (received.bytes, greeting, streams.next(), streams.next()) {
            (1, [GREETING], Some(input), Some(output)) => Some((input, output)),
            _ => None,
        },
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn streams_arrive_usable_and_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (read_end, write_end) = io::pipe().unwrap();
        send(&ours, read_end.as_fd(), write_end.as_fd()).unwrap();
        let (input, output) = receive(&theirs).unwrap().unwrap();
        std::fs::File::from(output).write_all(b"x").unwrap();
        drop(write_end);
        let mut byte = [0];
        std::fs::File::from(input).read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"x");
    }

    #[test]
    fn a_greeting_without_streams_is_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[GREETING]).unwrap();
        assert!(receive(&theirs).unwrap().is_none());
    }
}
