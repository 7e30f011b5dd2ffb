//! What a request asks of the proxy: where to, and whether as a tunnel or as plain
//! HTTP.

use super::authority::{Authority, Fault, read_plain, read_tunnel, same_place};
use super::head::Head;
use crate::guest::runtime::escaped;

/// The longest host that a record holds.
const MAX_HOST: usize = 253;
/// The longest method that a record holds.
const MAX_METHOD: usize = 16;

/// One request that has one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) authority: Authority,
    pub(super) way: Way,
}

/// How the bytes are to travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Both ways, unread.
    Tunnel,
    /// As HTTP requests, of which this is the first.
    Plain,
}

/// A request as records and replies show it: printable and bounded, whatever was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Ask {
    /// Reads what an inspected head asks for.
    ///
    /// # Errors
    /// [`Fault`] if the target is no place to go, or the Host header names another.
    pub(super) fn read(head: &Head) -> Result<Self, Fault> {
        let (ask, default_port) = if head.method == "CONNECT" {
            let authority = read_tunnel(&head.target)?;
            // Clients leave out the port that they think is the usual one.
            let port = authority.port;
            let way = Way::Tunnel;
            (Self { authority, way }, port)
        } else {
            let target = read_plain(&head.target)?;
            let way = Way::Plain;
            let authority = target.authority;
            (Self { authority, way }, 80)
        };
        match &head.host {
            Some(host) if !same_place(host, &ask.authority, default_port) => Err(Fault::bad(
                "the Host header names another place than the target",
            )),
            Some(_) | None => Ok(ask),
        }
    }
}

impl Shown {
    /// Guesses what a head was for, however broken it is: for people, not for decisions.
    pub(super) fn of(head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut parts = line.split(|byte| *byte == b' ');
        let method = parts.next().unwrap_or_default();
        let target = parts.next().unwrap_or_default();
        let scheme = target.windows(3).position(|three| three == b"://");
        let place = scheme.map_or(target, |at| target.get(at + 3..).unwrap_or_default());
        let place = place
            .split(|byte| b"/?#".contains(byte))
            .next()
            .unwrap_or_default();
        // What stands before an @ may be a password.
        let user = place.iter().rposition(|byte| *byte == b'@');
        let place = user.map_or(place, |at| place.get(at + 1..).unwrap_or_default());
        let colon = place.iter().rposition(|byte| *byte == b':');
        let port = colon
            .and_then(|at| std::str::from_utf8(place.get(at + 1..)?).ok())
            .and_then(|text| text.parse().ok());
        let host = match (colon, port) {
            (Some(at), Some(_)) => place.get(..at).unwrap_or_default(),
            (None | Some(_), _) => place,
        };
        let usual = if scheme.is_some() { 80 } else { 0 };
        Self {
            method: escaped(method, MAX_METHOD),
            host: escaped(host, MAX_HOST),
            port: port.unwrap_or(usual),
        }
    }

    /// Guesses what a head was for that came where only requests for `place` may come.
    pub(super) fn within(place: &Self, head: &[u8]) -> Self {
        let guess = Self::of(head);
        if place.host.is_empty() {
            return guess;
        }
        Self {
            method: guess.method,
            ..place.clone()
        }
    }

    /// Shows a request that was understood.
    pub(super) fn asked(method: &str, authority: &Authority) -> Self {
        Self {
            method: escaped(method.as_bytes(), MAX_METHOD),
            host: authority.host.as_str().to_owned(),
            port: authority.port,
        }
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.port == 0 {
            f.write_str(&self.host)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::guest::egress::head::inspect;
    use crate::policy::Reason;

    fn read(text: &str) -> Result<Ask, Fault> {
        Ask::read(&inspect(text.as_bytes())?)
    }

    #[test]
    fn tunnel_and_plain_asks_are_read() {
        let tunnel = read("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap();
        assert_eq!(tunnel.way, Way::Tunnel);
        assert_eq!(tunnel.authority.port, 443);
        let plain =
            read("GET http://a.example/b?c HTTP/1.1\r\nHost: A.example:80\r\n\r\n").unwrap();
        assert_eq!(plain.way, Way::Plain);
    }

    #[test]
    fn a_host_header_for_another_place_is_refused() {
        for text in [
            "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:22\r\n\r\n",
            "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
            "GET http://a.example:8080/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n",
        ] {
            assert_eq!(read(text).unwrap_err().reason, Reason::BadRequest, "{text}");
        }
    }

    #[test]
    fn a_refused_ask_is_shown_as_it_was_meant() {
        for (line, method, host, port) in [
            (
                "CONNECT 127.0.0.1:443 HTTP/1.1\r\n",
                "CONNECT",
                "127.0.0.1",
                443,
            ),
            (
                "CONNECT a.example:99999 HTTP/1.1",
                "CONNECT",
                "a.example:99999",
                0,
            ),
            ("GET http://[::1]:8080/x HTTP/1.1", "GET", "[::1]", 8080),
            ("GET https://a.example/ HTTP/1.1", "GET", "a.example", 80),
            (
                "CONNECT a\u{202e}\u{1b}]0;x\u{7}:1 HTTP/1.1",
                "CONNECT",
                "a\\xe2\\x80\\xae\\x1b]0;x\\x07",
                1,
            ),
            ("\u{16}\u{3}\u{1}", "\\x16\\x03\\x01", "", 0),
        ] {
            let shown = Shown {
                method: method.to_owned(),
                host: host.to_owned(),
                port,
            };
            assert_eq!(Shown::of(line.as_bytes()), shown, "{line:?}");
        }
    }

    proptest! {
        /// Nothing that a client can send reaches a record unescaped or unbounded.
        #[test]
        fn what_is_shown_is_printable_and_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
            let shown = Shown::of(&bytes);
            prop_assert!(shown.host.len() <= MAX_HOST && shown.method.len() <= MAX_METHOD);
            let printable = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            prop_assert!(printable(&shown.host) && printable(&shown.method));
        }
    }
}
