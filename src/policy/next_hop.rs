//! An HTTP proxy of the operator's network that egress must pass to reach anything.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{HostName, HostNameError};

/// Where the proxy is: `http://proxy.example.com:3128`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NextHop {
    /// Its host.
    pub host: HopHost,
    /// Its port.
    pub port: u16,
}

/// A proxy's host: unlike a route's it may be an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HopHost {
    /// A name, to be resolved.
    Name(HostName),
    /// An address.
    Address(IpAddr),
}

/// Why a text names no proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NextHopError {
    /// Another scheme than plain HTTP.
    #[error("accept a proxy that does not begin with http://")]
    Scheme,
    /// Something beside host and port: a user, a path.
    #[error("accept a proxy with more than a host and a port")]
    More,
    /// No port from 1 to 65535.
    #[error("accept a proxy without a port")]
    Port,
    /// The host.
    #[error(transparent)]
    Host(#[from] HostNameError),
}

impl NextHop {
    /// Parses `http://host:port`, with one `/` behind it or none.
    ///
    /// # Errors
    /// [`NextHopError`].
    pub fn parse(text: &str) -> Result<Self, NextHopError> {
        let rest = text.strip_prefix("http://").ok_or(NextHopError::Scheme)?;
        let place = rest.strip_suffix('/').unwrap_or(rest);
        if place.contains(['/', '?', '#', '@']) {
            return Err(NextHopError::More);
        }
        let (host, port) = place.rsplit_once(':').ok_or(NextHopError::Port)?;
        let is_plain = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_plain && *port > 0);
        let port = port.ok_or(NextHopError::Port)?;
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .map_or_else(
                || host.parse().ok().filter(IpAddr::is_ipv4),
                |v6| v6.parse().ok(),
            );
        let host = match address {
            Some(address) => HopHost::Address(address),
            None => HopHost::Name(HostName::parse(host)?),
        };
        Ok(Self { host, port })
    }
}

impl std::fmt::Display for NextHop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let port = self.port;
        match &self.host {
            HopHost::Name(name) => write!(f, "http://{name}:{port}"),
            HopHost::Address(IpAddr::V4(address)) => write!(f, "http://{address}:{port}"),
            HopHost::Address(IpAddr::V6(address)) => write!(f, "http://[{address}]:{port}"),
        }
    }
}

impl TryFrom<String> for NextHop {
    type Error = NextHopError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<NextHop> for String {
    fn from(hop: NextHop) -> Self {
        hop.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port_and_nothing_else() {
        for text in [
            "http://proxy.example.com:3128",
            "http://10.0.0.1:8080",
            "http://[fd00::1]:8080",
        ] {
            assert_eq!(NextHop::parse(text).unwrap().to_string(), text);
        }
        let slashed = NextHop::parse("http://Proxy.Example.com:3128/").unwrap();
        assert_eq!(slashed.to_string(), "http://proxy.example.com:3128");
        for text in [
            "proxy.example.com:3128",
            "https://proxy.example.com:3128",
            "socks5://proxy.example.com:1080",
            "http://proxy.example.com",
            "http://proxy.example.com:0",
            "http://proxy.example.com:+80",
            "http://user:word@proxy.example.com:3128",
            "http://proxy.example.com:3128/path",
            "http://fd00::1:8080",
            "http://[10.0.0.1:80",
            "http://:80",
            "",
        ] {
            assert!(NextHop::parse(text).is_err(), "{text}");
        }
    }
}
