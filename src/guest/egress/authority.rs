//! Which host and port a request is for, read from its target and from nothing else.
//!
//! There is one reader for the decision, the dial and the forwarded request, so that
//! no two parts of the proxy can differ over what was asked. It is stricter than
//! RFC 9112 wherever another reader could see another host.

use crate::policy::{HostName, Reason};

/// A host and port that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: HostName,
    pub(super) port: u16,
}

/// Why a request is refused before any route is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    /// A clause that goes on from «the request was refused: ».
    pub(super) words: &'static str,
}

impl Fault {
    pub(super) const fn bad(words: &'static str) -> Self {
        Self {
            reason: Reason::BadRequest,
            words,
        }
    }

    const fn host(words: &'static str) -> Self {
        Self {
            reason: Reason::InvalidHost,
            words,
        }
    }
}

/// The target of a plain request: where, and the path and query to ask for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlainTarget {
    pub(super) authority: Authority,
    pub(super) path: String,
}

/// Reads the target of a CONNECT: `host:port`.
pub(super) fn read_tunnel(target: &str) -> Result<Authority, Fault> {
    if target.contains(['/', '?', '#', '\\']) {
        return Err(Fault::bad("CONNECT takes host:port and no URL"));
    }
    match split(target)? {
        (host, Some(port)) => Ok(Authority {
            host: read_host(host)?,
            port: read_port(port)?,
        }),
        (_, None) => Err(Fault::bad("CONNECT needs a port, as in host:443")),
    }
}

/// Reads the target of any other method: `http://host[:port]/path?query`.
pub(super) fn read_plain(target: &str) -> Result<PlainTarget, Fault> {
    let scheme = target.get(..7).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("http://") {
        return Err(Fault::bad(wrong_form(target)));
    }
    let rest = target.get(7..).unwrap_or_default();
    if rest.contains(['#', '\\']) {
        return Err(Fault::bad("the URL holds a fragment or a backslash"));
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let (host, port) = split(authority)?;
    let authority = Authority {
        host: read_host(host)?,
        port: port.map_or(Ok(80), read_port)?,
    };
    Ok(PlainTarget { authority, path })
}

/// Whether the value of a Host header names the same place as the target.
///
/// Without a port it means `default_port`.
pub(super) fn same_place(header: &str, authority: &Authority, default_port: u16) -> bool {
    let Ok((host, port)) = split(header) else {
        return false;
    };
    let port = port.map_or(Ok(default_port), read_port);
    read_host(host).as_ref() == Ok(&authority.host) && port == Ok(authority.port)
}

fn wrong_form(target: &str) -> &'static str {
    if target.starts_with('/') {
        "this is a proxy: set HTTP_PROXY and HTTPS_PROXY to it and ask for whole URLs"
    } else if target == "*" {
        "a proxy has no options to tell"
    } else if target.contains("://") {
        "only http:// is forwarded; everything else goes through CONNECT"
    } else {
        "the target is no http:// URL"
    }
}

/// Splits `host[:port]`, refusing what could be read in two ways.
fn split(text: &str) -> Result<(&str, Option<&str>), Fault> {
    if text.contains('@') {
        return Err(Fault::bad("a user name or password stands before the host"));
    }
    if text.starts_with('[') || text.contains(']') {
        return Err(Fault::host("the host is in brackets; use its DNS name"));
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => {
            Err(Fault::host("the host is an IPv6 address; use its DNS name"))
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn read_host(text: &str) -> Result<HostName, Fault> {
    HostName::parse(text)
        .map_err(|_| Fault::host("the host is an address or no valid name; use its DNS name"))
}

/// One to five digits, no leading zero, 1 to 65535.
fn read_port(text: &str) -> Result<u16, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port != 0 && !text.starts_with('0') => Ok(port),
        Ok(_) | Err(_) => Err(Fault::bad("the port is no number from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn authority(host: &str, port: u16) -> Authority {
        Authority {
            host: HostName::parse(host).unwrap(),
            port,
        }
    }

    #[test]
    fn tunnels_name_a_host_and_a_port() {
        assert_eq!(
            read_tunnel("API.Example.com.:443"),
            Ok(authority("api.example.com", 443))
        );
        for (target, reason) in [
            ("api.example.com", Reason::BadRequest),
            ("api.example.com:", Reason::BadRequest),
            ("api.example.com:0", Reason::BadRequest),
            ("api.example.com:00443", Reason::BadRequest),
            ("api.example.com:+443", Reason::BadRequest),
            ("api.example.com:65536", Reason::BadRequest),
            ("api.example.com:99999", Reason::BadRequest),
            ("api.example.com:443x", Reason::BadRequest),
            ("http://api.example.com:443", Reason::BadRequest),
            ("http://api.example.com:443/", Reason::BadRequest),
            ("api.example.com:443/", Reason::BadRequest),
            ("evil@api.example.com:443", Reason::BadRequest),
            ("api.example.com:80@evil:443", Reason::BadRequest),
            ("", Reason::BadRequest),
            (":443", Reason::InvalidHost),
            ("127.0.0.1:443", Reason::InvalidHost),
            ("127.1:443", Reason::InvalidHost),
            ("0x7f.1:443", Reason::InvalidHost),
            ("2130706433:443", Reason::InvalidHost),
            ("0:443", Reason::InvalidHost),
            ("[::1]:443", Reason::InvalidHost),
            ("[fe80::1%25eth0]:443", Reason::InvalidHost),
            ("[api.example.com]:443", Reason::InvalidHost),
            ("::1:443", Reason::InvalidHost),
            ("api.example.com%00.evil:443", Reason::InvalidHost),
            ("api..example.com:443", Reason::InvalidHost),
        ] {
            let fault = read_tunnel(target).unwrap_err();
            assert_eq!(fault.reason, reason, "{target}: {}", fault.words);
        }
    }

    #[test]
    fn plain_targets_are_http_urls() {
        for (target, host, port, path) in [
            ("http://a.example", "a.example", 80, "/"),
            ("HTTP://A.example/", "a.example", 80, "/"),
            ("http://a.example?x=1", "a.example", 80, "/?x=1"),
            (
                "http://a.example:8080/b/../c?d=/e",
                "a.example",
                8080,
                "/b/../c?d=/e",
            ),
            ("http://a.example/x@y:1", "a.example", 80, "/x@y:1"),
        ] {
            let expected = PlainTarget {
                authority: authority(host, port),
                path: path.to_owned(),
            };
            assert_eq!(read_plain(target), Ok(expected), "{target}");
        }
        for (target, reason) in [
            ("/", Reason::BadRequest),
            ("*", Reason::BadRequest),
            ("a.example", Reason::BadRequest),
            ("https://a.example/", Reason::BadRequest),
            ("ftp://a.example/", Reason::BadRequest),
            ("http:/a.example/", Reason::BadRequest),
            ("http://ok.example@evil.example/", Reason::BadRequest),
            ("http://ok.example:80@evil.example/", Reason::BadRequest),
            ("http://ok.example\\@evil.example/", Reason::BadRequest),
            ("http://a.example/#b", Reason::BadRequest),
            ("http://a.example:99999/", Reason::BadRequest),
            ("http://a.example:/", Reason::BadRequest),
            ("http:///path", Reason::InvalidHost),
            ("http://", Reason::InvalidHost),
            ("http://127.0.0.1/", Reason::InvalidHost),
            ("http://[::1]/", Reason::InvalidHost),
            ("http://0x7f.1/", Reason::InvalidHost),
        ] {
            assert_eq!(read_plain(target).unwrap_err().reason, reason, "{target}");
        }
    }

    #[test]
    fn a_host_header_must_name_the_same_place() {
        let place = authority("a.example", 443);
        assert!(same_place("a.example:443", &place, 80));
        assert!(same_place("A.Example", &place, 443));
        for header in [
            "a.example",
            "a.example:80",
            "b.example:443",
            "",
            "x@a.example:443",
        ] {
            assert!(!same_place(header, &place, 80), "{header}");
        }
    }

    proptest! {
        /// What is read can be written again in one way only, and reads the same.
        #[test]
        fn a_tunnel_target_has_one_reading(text in "[a-zA-Z0-9.:@/%\\[\\]_-]{0,40}|\\PC{0,30}") {
            if let Ok(read) = read_tunnel(&text) {
                let canonical = format!("{}:{}", read.host, read.port);
                prop_assert_eq!(text.to_ascii_lowercase().replace(".:", ":"), canonical.clone());
                prop_assert_eq!(read_tunnel(&canonical), Ok(read));
            }
        }

        /// A URL and a tunnel to the same place are one authority.
        #[test]
        fn a_plain_target_agrees_with_a_tunnel(
            text in "[a-z0-9.:@%-]{1,30}",
            path in "(/[!-~&&[^#\\\\]]{0,20})?",
        ) {
            if let Ok(read) = read_plain(&format!("http://{text}{path}")) {
                let place = if text.contains(':') { text.clone() } else { format!("{text}:80") };
                prop_assert_eq!(read_tunnel(&place), Ok(read.authority));
                prop_assert!(read.path.starts_with('/'));
            }
        }
    }
}
