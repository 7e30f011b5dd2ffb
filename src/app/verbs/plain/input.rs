//! Lines that are typed. The terminal is left as it is, so that its own editing works and
//! a screen reader hears what is typed.

use std::io;

use super::super::super::attach::Keyboard;

/// The longest line that is taken; what is longer is cut there.
const MOST: usize = 16 * 1024;

/// Lines from standard input.
pub(super) struct Lines {
    keyboard: Keyboard,
    /// What was read and not given yet.
    rest: Vec<u8>,
    has_ended: bool,
}

impl Lines {
    /// Listens to standard input. Must be called within the runtime.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            keyboard: Keyboard::listen()?,
            rest: Vec::new(),
            has_ended: false,
        })
    }

    /// Gives the next line without its end; `None` at the end of the input. Cancel-safe.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(line) = take_line(&mut self.rest) {
                return Ok(Some(line));
            }
            if self.has_ended {
                let last = std::mem::take(&mut self.rest);
                return Ok((!last.is_empty()).then(|| text(&last)));
            }
            let bytes = self.keyboard.read().await?;
            self.has_ended = bytes.is_empty();
            self.rest.extend_from_slice(bytes);
            if self.rest.len() > MOST && !self.rest.contains(&b'\n') {
                self.rest.truncate(MOST);
                self.rest.push(b'\n');
            }
        }
    }
}

fn take_line(rest: &mut Vec<u8>) -> Option<String> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = rest.drain(..=end).collect();
    Some(text(&line))
}

fn text(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.trim_end_matches(['\r', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_their_ends_and_the_rest_waits() {
        let mut rest = b"list\r\nshow a\n\nqui".to_vec();
        let mut lines = Vec::new();
        while let Some(line) = take_line(&mut rest) {
            lines.push(line);
        }
        assert_eq!(lines, ["list", "show a", ""]);
        assert_eq!(rest, b"qui");
        assert_eq!(text(b"\xff"), "\u{fffd}");
    }
}
