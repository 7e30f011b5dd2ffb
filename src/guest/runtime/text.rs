//! Keeping a stranger's text within bounds, and a role's own log.

use std::io::Write as _;
use std::os::fd::AsFd;

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};

/// What a pipe takes whole or not at all (`PIPE_BUF`).
const PIECE_BYTES: usize = 4096;

/// Writes a line to the container's own log (standard error), which the engine keeps
/// when nobody listens to the hub. It never fails a role: a log that is full or gone
/// loses the line.
pub(crate) fn note(text: &str) {
    notes([text]);
}

/// Writes lines in few pieces: standard error has no buffer, and each piece is a write.
pub(crate) fn notes<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) {
    let mut piece = String::new();
    for line in lines {
        let before = piece.len();
        push_escaped(&mut piece, line.as_ref());
        piece.push('\n');
        if piece.len() > PIECE_BYTES && before > 0 {
            let line = piece.split_off(before);
            write_out(&std::mem::replace(&mut piece, line));
        }
    }
    write_out(&piece);
}

fn push_escaped(to: &mut String, text: &str) {
    if text.bytes().all(is_plain) {
        to.push_str(text);
    } else {
        to.extend(text.escape_debug());
    }
}

/// Whether a byte stands for itself however it is escaped.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'\'' | b'"')
}

fn write_out(piece: &str) {
    if !piece.is_empty() {
        drop(std::io::stderr().write_all(piece.as_bytes()));
    }
}

/// Lets a log that nobody reads lose lines instead of holding whoever writes them: an
/// engine that hangs leaves the pipe full. Only a pipe, which is this process's own; a
/// terminal is shared with others.
pub(crate) fn never_wait_for(log: impl AsFd) {
    let is_pipe =
        fstat(&log).is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::Fifo);
    if is_pipe && let Ok(flags) = fcntl_getfl(&log) {
        // Where it is refused, the role waits as every other program does.
        fcntl_setfl(&log, flags | OFlags::NONBLOCK).ok();
    }
}

/// Cuts a text to at most `limit` bytes, at the border of a character.
pub(crate) fn bounded(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Makes printable ASCII of any bytes, `limit` characters at most: what is neither is
/// escaped, so that the text can be shown and searched as it stands.
pub(crate) fn escaped(bytes: &[u8], limit: usize) -> String {
    let shown = bytes.get(..limit).unwrap_or(bytes);
    if shown.iter().copied().all(is_plain) {
        return String::from_utf8_lossy(shown).into_owned();
    }
    let text = shown.escape_ascii().to_string();
    bounded(&text, limit).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_pipe_loses_what_is_written_and_holds_nobody() {
        let (_reader, writer) = std::io::pipe().unwrap();
        never_wait_for(&writer);
        let mut log = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
        let block = [b'x'; 4096];
        let written = (0..100_000).take_while(|_| log.write_all(&block).is_ok());
        assert!(written.count() < 100_000, "it ended to take more");
    }

    #[test]
    fn what_stands_for_itself_is_what_escaping_leaves_alone() {
        for byte in 0..=u8::MAX {
            let text = char::from(byte).to_string();
            let escaped = [byte].escape_ascii().to_string();
            assert_eq!(is_plain(byte), escaped == text, "{byte}");
            assert!(!is_plain(byte) || text.escape_debug().eq(text.chars()));
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_beginning(text in "\\PC{0,50}", limit in 0usize..60) {
            let cut = bounded(&text, limit);
            prop_assert!(cut.len() <= limit);
            prop_assert!(text.starts_with(cut));
        }

        #[test]
        fn escaped_bytes_are_printable_and_bounded(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            limit in 0usize..300,
        ) {
            let text = escaped(&bytes, limit);
            prop_assert!(text.len() <= limit);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
