//! Paths as policy compares them: one spelling for each, and patterns over them.
//!
//! Servers read the same path in different ways: some decode `%2f` and `%2e`, some
//! collapse `//`, some cut `;…` off a segment. A path that two of them could read as
//! two places is refused, or must match under every reading; the spelling that was
//! decided on is the one that is sent.

mod pattern;
mod reading;

pub use pattern::{PathPattern, PathPatternError};

use self::reading::{Reading, decode, is_plain};

/// The longest path, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// A path in its canonical spelling (RFC 3986, 6.2.2): begins with `/`, escapes in
/// capitals, nothing escaped that need not be, everything escaped that must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanonicalPath(String);

/// Why a path has more than one reading, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// It does not begin with `/`.
    #[error("accept a path that does not begin with a slash")]
    NotAbsolute,
    /// Longer than 8 KiB.
    #[error("accept a path longer than 8 KiB")]
    TooLong,
    /// A byte that no path holds: white space, a control character, `\`, `?`, `#`, or
    /// anything beyond ASCII that is not escaped.
    #[error("accept a path with the byte {byte:#04x}")]
    Byte {
        /// The byte.
        byte: u8,
    },
    /// A `%` without two hexadecimal digits.
    #[error("accept a path with a broken percent escape")]
    Escape,
    /// A control character or a backslash in escaped form.
    #[error("accept a path that hides the byte {byte:#04x}")]
    Hidden {
        /// The byte.
        byte: u8,
    },
    /// `.` or `..` as a segment, in any spelling.
    #[error("accept a path with a dot segment")]
    Dots,
    /// Two slashes in a row, in any spelling.
    #[error("accept a path with an empty segment")]
    EmptySegment,
    /// A percent escape that is escaped itself.
    #[error("accept a path that is escaped twice")]
    Twice,
    /// Escapes that are no UTF-8, such as `%c0%ae`, or spell a control character.
    #[error("accept a path whose escapes spell no text")]
    NotText,
}

impl CanonicalPath {
    /// Reads a path without its query.
    ///
    /// # Errors
    /// [`PathFault`] names the first rule that it breaks.
    pub fn parse(path: &str) -> Result<Self, PathFault> {
        if path.len() > MAX_BYTES {
            return Err(PathFault::TooLong);
        }
        if !path.starts_with('/') {
            return Err(PathFault::NotAbsolute);
        }
        let mut canonical = String::with_capacity(path.len());
        let mut bytes = path.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'%' {
                let (high, low) = (bytes.next().and_then(digit), bytes.next().and_then(digit));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(PathFault::Escape);
                };
                take_escaped(high * 16 + low, &mut canonical)?;
            } else {
                take_plain(byte, &mut canonical)?;
            }
        }
        if is_escaped_twice(&canonical) {
            return Err(PathFault::Twice);
        }
        check_segments(&canonical)?;
        if !is_plain(&canonical) {
            let text = decode(&canonical).ok_or(PathFault::NotText)?;
            if text.contains(char::is_control) {
                return Err(PathFault::NotText);
            }
            for reading in Reading::ALL {
                check_segments(&reading.of(&canonical))?;
            }
        }
        Ok(Self(canonical))
    }

    /// Gives the canonical spelling, which is also what may be sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether any server could read it so that this is true of it.
    pub(super) fn could_be(&self, is: impl Fn(&str) -> bool) -> bool {
        Reading::ALL.iter().any(|reading| is(&reading.of(&self.0)))
    }
}

impl std::fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Characters that stand in a path as they are (RFC 3986, 3.3).
const fn is_path(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'/' | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
        )
}

fn take_plain(byte: u8, to: &mut String) -> Result<(), PathFault> {
    match byte {
        b'\\' | b'?' | b'#' | 0x7f.. | ..=b' ' => Err(PathFault::Byte { byte }),
        byte if is_path(byte) => {
            to.push(char::from(byte));
            Ok(())
        }
        // Sloppy clients leave these as they are.
        byte => {
            escape(byte, to);
            Ok(())
        }
    }
}

fn take_escaped(byte: u8, to: &mut String) -> Result<(), PathFault> {
    match byte {
        ..b' ' | 0x7f | b'\\' => return Err(PathFault::Hidden { byte }),
        byte if is_unreserved(byte) => to.push(char::from(byte)),
        byte => escape(byte, to),
    }
    Ok(())
}

fn escape(byte: u8, to: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    to.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
}

/// Whether an escaped `%` begins what a second decoding would read as an escape.
fn is_escaped_twice(canonical: &str) -> bool {
    canonical.match_indices("%25").any(|(at, _)| {
        let mut after = canonical.bytes().skip(at + 3);
        let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit(after.next()) && is_digit(after.next())
    })
}

fn check_segments(path: &str) -> Result<(), PathFault> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        // Some file systems cut blanks off the end of a name.
        let name = segment.split(';').next().unwrap_or_default();
        if matches!(name.trim_matches(' '), "." | "..") {
            return Err(PathFault::Dots);
        }
        if segment.is_empty() && segments.peek().is_some() {
            return Err(PathFault::EmptySegment);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
