//! The head of a request, read and inspected byte by byte before anything else sees it.
//!
//! hyper drops what it tolerates (a Content-Length beside a Transfer-Encoding, a
//! second equal Content-Length) before a service could refuse it, so the raw head is
//! judged here. What passes has one reading, and says where its body ends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use super::authority::Fault;

/// The longest head, as long as common servers take.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most header lines.
pub(super) const MAX_HEADERS: usize = 100;

/// What the proxy needs to know of a head that has one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    /// The value of the Host header; only HTTP/1.0 may lack it.
    pub(super) host: Option<String>,
    /// 1 in HTTP/1.1, 0 in HTTP/1.0.
    pub(super) minor: u8,
    /// How the body's end is told.
    pub(super) body: BodyEnd,
    /// Whether it asks to go on as a WebSocket, which is the one protocol to ask for.
    pub(super) websocket: bool,
    /// Where the request line ends, its CR LF included.
    pub(super) line_length: usize,
    /// Where the head ends.
    pub(super) length: usize,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// After this many bytes; 0 where there is no body.
    Length(u64),
    /// By the last chunk.
    Chunked,
}

/// How reading a head ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadHead {
    /// A whole head, or as much as shows that it can be none.
    Whole,
    /// The client left before it sent a whole head.
    Left,
    /// The head was not whole in time, or grew too long.
    Refused(Fault),
}

/// Reads into `buffer` until it holds a whole head; bytes after the head may follow it.
pub(super) async fn read_head<S: AsyncRead + Unpin>(
    from: &mut S,
    buffer: &mut Vec<u8>,
    limit: Duration,
) -> ReadHead {
    let whole = async {
        loop {
            let seen = buffer.len().saturating_sub(3);
            match from.read_buf(buffer).await {
                Ok(0) | Err(_) => return ReadHead::Left,
                Ok(_) => {}
            }
            let opens = buffer.first().is_some_and(u8::is_ascii_uppercase);
            if !opens || head_length(buffer, seen).is_some() {
                return ReadHead::Whole;
            }
            if buffer.len() >= MAX_HEAD_BYTES {
                return ReadHead::Refused(Fault::bad("the head is longer than 64 KiB"));
            }
        }
    };
    timeout(limit, whole)
        .await
        .unwrap_or(ReadHead::Refused(Fault::bad(
            "the head did not arrive in time",
        )))
}

/// Where the first empty line ends, however its lines are ended, looking from `seen`.
pub(super) fn head_length(bytes: &[u8], seen: usize) -> Option<usize> {
    let rest = bytes.get(seen..)?;
    rest.iter().enumerate().find_map(|(at, byte)| {
        let after = rest.get(at + 1..)?;
        let skip = match (byte, after) {
            (b'\n', [b'\n', ..]) => 1,
            (b'\n', [b'\r', b'\n', ..]) => 2,
            _ => return None,
        };
        Some(seen + at + 1 + skip)
    })
}

/// Judges the head at the front of `bytes`.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn inspect(bytes: &[u8]) -> Result<Head, Fault> {
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return Err(Fault::bad("the method is not in capital letters"));
    }
    let length = head_length(bytes, 0).ok_or(Fault::bad("the head is not whole"))?;
    if length > MAX_HEAD_BYTES {
        return Err(Fault::bad("the head is longer than 64 KiB"));
    }
    let text = bytes.get(..length).unwrap_or_default();
    check_line_ends(text)?;
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = lines.next().unwrap_or_default();
    let (method, target, minor) = request_line(line)?;
    let mut framing = Framing::default();
    for (count, line) in lines.take_while(|line| !line.is_empty()).enumerate() {
        if count >= MAX_HEADERS {
            return Err(Fault::bad("there are more than 100 header lines"));
        }
        let (name, value) = header_line(line)?;
        framing.take(name, value)?;
    }
    framing.check(method, minor)?;
    Ok(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        minor,
        body: framing.body(),
        websocket: framing.upgrade,
        host: framing.host,
        line_length: line.len() + 2,
        length,
    })
}

fn check_line_ends(text: &[u8]) -> Result<(), Fault> {
    let mut before = 0;
    for byte in text {
        let broken = (*byte == b'\n') != (before == b'\r');
        if broken {
            return Err(Fault::bad("a line does not end in CR LF"));
        }
        before = *byte;
    }
    Ok(())
}

fn request_line(line: &[u8]) -> Result<(&str, &str, u8), Fault> {
    let line = std::str::from_utf8(line)
        .ok()
        .filter(|line| line.bytes().all(|byte| (0x20..0x7f).contains(&byte)))
        .ok_or(Fault::bad(
            "the request line holds more than printable ASCII",
        ))?;
    let mut parts = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::bad(
            "the request line is not three parts with single spaces",
        ));
    };
    if !method
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        return Err(Fault::bad("the method is not in capital letters"));
    }
    if target.is_empty() {
        return Err(Fault::bad("the target is empty"));
    }
    match version {
        "HTTP/1.1" => Ok((method, target, 1)),
        "HTTP/1.0" => Ok((method, target, 0)),
        _ => Err(Fault::bad("the version is neither HTTP/1.1 nor HTTP/1.0")),
    }
}

/// Splits a header line. A line that starts with white space is a folded one of old
/// (RFC 9112, 5.2), and has no name.
fn header_line(line: &[u8]) -> Result<(&str, &[u8]), Fault> {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(0);
    let (name, value) = line.split_at_checked(colon).unwrap_or_default();
    let name = std::str::from_utf8(name).unwrap_or_default();
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Fault::bad("a header line has no valid name"));
    }
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
    if value
        .iter()
        .any(|byte| byte.is_ascii_control() && *byte != b'\t')
    {
        return Err(Fault::bad("a header holds a control character"));
    }
    Ok((name, value))
}

/// The headers that decide where a message ends and whom it is for.
#[derive(Debug, Default)]
struct Framing {
    host: Option<String>,
    length: Option<u64>,
    chunked: bool,
    /// Whether there is an Upgrade header, for a WebSocket then.
    upgrade: bool,
    /// Whether Connection names it, as it must.
    upgrade_named: bool,
}

impl Framing {
    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Fault> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("host") {
            let value =
                std::str::from_utf8(value).map_err(|_| Fault::bad("the Host header is no text"))?;
            if self.host.replace(value.to_owned()).is_some() {
                return Err(Fault::bad("there are two Host headers"));
            }
        } else if is("content-length") {
            let length = length(value).ok_or(Fault::bad("the Content-Length is no number"))?;
            if self.length.replace(length).is_some() {
                return Err(Fault::bad("there are two Content-Length headers"));
            }
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::bad("the Transfer-Encoding is not just chunked"));
            }
            if std::mem::replace(&mut self.chunked, true) {
                return Err(Fault::bad("there are two Transfer-Encoding headers"));
            }
        } else if is("upgrade") {
            let twice = std::mem::replace(&mut self.upgrade, true);
            if twice || !value.eq_ignore_ascii_case(b"websocket") {
                return Err(Fault::bad("no protocol but WebSocket is switched to"));
            }
        } else if is("http2-settings") {
            return Err(Fault::bad("no protocol but WebSocket is switched to"));
        } else if is("connection") {
            let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.upgrade_named |= names.any(|name| name.eq_ignore_ascii_case(b"upgrade"));
        }
        Ok(())
    }

    fn check(&self, method: &str, minor: u8) -> Result<(), Fault> {
        let length = self.length.unwrap_or(0);
        if self.chunked && self.length.is_some() {
            return Err(Fault::bad(
                "Content-Length and Transfer-Encoding stand together",
            ));
        }
        if self.chunked && minor == 0 {
            return Err(Fault::bad("HTTP/1.0 has no Transfer-Encoding"));
        }
        if method == "CONNECT" && (self.chunked || length > 0) {
            return Err(Fault::bad("CONNECT has no body"));
        }
        let plain_get = method == "GET" && minor == 1 && !self.chunked && length == 0;
        if self.upgrade && !(plain_get && self.upgrade_named) {
            return Err(Fault::bad(
                "a WebSocket begins with a GET without a body that names Upgrade in Connection",
            ));
        }
        if self.host.is_none() && minor == 1 {
            return Err(Fault::bad("there is no Host header"));
        }
        Ok(())
    }
}

impl Framing {
    fn body(&self) -> BodyEnd {
        if self.chunked {
            BodyEnd::Chunked
        } else {
            BodyEnd::Length(self.length.unwrap_or(0))
        }
    }
}

fn length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).ok().filter(|_| digits)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests;
