//! A container's log as lines: the engine's pieces of 16 KiB rejoined, its
//! timestamps taken off.
//!
//! The engine cuts a long line into pieces without a line end, gives each piece the
//! timestamp of the first, and, asked for timestamps, writes it before each piece
//! (docker/cli#4941). So a piece goes on with the one before if that had no line end.

use bollard::container::LogOutput;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use crate::docker::model::{LogChunk, LogSource};

/// Longer lines are cut here, so that a hostile log cannot fill the memory.
const LINE_BYTES: usize = 64 * 1024;

/// Joins pieces of one log.
#[derive(Debug, Default)]
pub(super) struct Rejoin {
    out: Pending,
    err: Pending,
}

#[derive(Debug, Default)]
struct Pending {
    at: Option<Timestamp>,
    bytes: BytesMut,
    is_open: bool,
}

impl Rejoin {
    /// Takes a piece and gives the line it completes.
    pub(super) fn piece(&mut self, piece: LogOutput) -> Option<LogChunk> {
        let (source, message) = match piece {
            LogOutput::StdErr { message } => (LogSource::Err, message),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => (LogSource::Out, message),
        };
        let pending = match source {
            LogSource::Out => &mut self.out,
            LogSource::Err => &mut self.err,
        };
        let (at, content) = split_timestamp(&message);
        if !pending.is_open {
            pending.at = at;
        }
        pending.is_open = true;
        pending.bytes.extend_from_slice(content);
        let is_whole = pending.bytes.ends_with(b"\n");
        (is_whole || pending.bytes.len() >= LINE_BYTES).then(|| pending.take(source, !is_whole))
    }

    /// Gives what never got its line end.
    pub(super) fn end(mut self) -> impl Iterator<Item = LogChunk> {
        let out = self
            .out
            .is_open
            .then(|| self.out.take(LogSource::Out, false));
        let err = self
            .err
            .is_open
            .then(|| self.err.take(LogSource::Err, false));
        out.into_iter().chain(err)
    }
}

impl Pending {
    fn take(&mut self, source: LogSource, is_cut: bool) -> LogChunk {
        let mut bytes: Bytes = self.bytes.split().freeze();
        if bytes.ends_with(b"\n") {
            bytes.truncate(bytes.len() - 1);
        }
        if bytes.ends_with(b"\r") {
            bytes.truncate(bytes.len() - 1);
        }
        self.is_open = false;
        LogChunk {
            source,
            at: self.at.take(),
            bytes,
            is_cut,
        }
    }
}

/// Cuts the engine's timestamp off a piece; a piece without one stays whole.
fn split_timestamp(piece: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let parsed = piece
        .iter()
        .take(40)
        .position(|byte| *byte == b' ')
        .and_then(|space| piece.split_at_checked(space))
        .and_then(|(stamp, rest)| {
            let at: Timestamp = std::str::from_utf8(stamp).ok()?.parse().ok()?;
            Some((at, rest.get(1..).unwrap_or_default()))
        });
    match parsed {
        Some((at, rest)) => (Some(at), rest),
        None => (None, piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut {
            message: Bytes::from(text.to_owned()),
        }
    }

    #[test]
    fn pieces_of_a_long_line_are_one_line() {
        let mut rejoin = Rejoin::default();
        let at = "2026-01-02T03:04:05.000000006Z";
        assert_eq!(rejoin.piece(out(&format!("{at} {{\"a\":"))), None);
        let line = rejoin.piece(out(&format!("{at} 1}}\n")));
        assert_eq!(
            line,
            Some(LogChunk {
                source: LogSource::Out,
                at: Some(at.parse().unwrap()),
                bytes: Bytes::from_static(b"{\"a\":1}"),
                is_cut: false,
            })
        );
        assert_eq!(rejoin.end().count(), 0);
    }

    #[test]
    fn the_two_sources_do_not_mix() {
        let mut rejoin = Rejoin::default();
        assert_eq!(rejoin.piece(out("half")), None);
        let error = LogOutput::StdErr {
            message: Bytes::from_static(b"oops\n"),
        };
        assert_eq!(rejoin.piece(error).unwrap().bytes, "oops");
        let rest: Vec<_> = rejoin.end().map(|line| line.bytes).collect();
        assert_eq!(rest, ["half"]);
    }

    #[test]
    fn a_line_without_end_is_cut_at_the_limit() {
        let mut rejoin = Rejoin::default();
        let piece = "x".repeat(16 * 1024);
        let lines = (0..130).filter_map(|_| rejoin.piece(out(&piece)));
        let lengths: Vec<_> = lines.map(|line| (line.bytes.len(), line.is_cut)).collect();
        let whole = 130 * 16 * 1024 / LINE_BYTES;
        assert_eq!(lengths, vec![(LINE_BYTES, true); whole]);
    }

    #[test]
    fn a_line_that_only_looks_stamped_stays_whole() {
        assert_eq!(
            split_timestamp(b"hello world\n"),
            (None, &b"hello world\n"[..])
        );
        assert_eq!(split_timestamp(b""), (None, &b""[..]));
    }
}
