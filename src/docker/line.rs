//! Two byte streams to a program that runs inside a container.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite};

/// How much of what a program writes to its standard error is kept.
const ERRORS_BYTES: usize = 4 * 1024;

/// How much a line carries, and so how much memory is set aside for it: a console holds
/// hundreds of quiet ones at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTraffic {
    /// Messages, now and then.
    Quiet,
    /// All that a terminal shows.
    Bulk,
}

/// The standard input and output of a program in a container, without a terminal.
pub struct Line {
    /// What the program writes.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What the program reads.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The last of its standard error.
    pub errors: LineErrors,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

/// The last 4 KiB that a program wrote to its standard error; shared with the
/// reader that fills it.
#[derive(Clone, Debug, Default)]
pub struct LineErrors(Arc<Mutex<Vec<u8>>>);

impl LineErrors {
    /// What was written so far. Control characters are escaped: it may be hostile.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.0.lock().map(|held| held.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        text.trim_end().escape_debug().to_string()
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        if let Ok(mut held) = self.0.lock() {
            held.extend_from_slice(bytes);
            let excess = held.len().saturating_sub(ERRORS_BYTES);
            held.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_of_the_errors_is_kept_and_it_cannot_draw() {
        let errors = LineErrors::default();
        errors.push(&vec![b'x'; ERRORS_BYTES]);
        errors.push(b"\x1b[2Jend\n");
        let text = errors.text();
        assert!(text.ends_with("\\u{1b}[2Jend"), "{text}");
        assert!(text.len() < ERRORS_BYTES + 16);
    }
}
