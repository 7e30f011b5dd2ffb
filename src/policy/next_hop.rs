//! An HTTP proxy of the operator's network that egress must pass to reach anything.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Auth, AuthScheme, HostName, HostNameError};

/// Where the proxy is, `http://proxy.example.com:3128`, and what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Written", into = "Written")]
pub struct NextHop {
    /// Its host.
    pub host: HopHost,
    /// Its port.
    pub port: u16,
    /// The credential that it wants, Basic or Bearer.
    auth: Option<Auth>,
}

/// How a hop is written: as its address alone where it wants no credential.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Written {
    Address(String),
    Known { address: String, auth: Auth },
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
    /// A credential that no proxy takes (RFC 9110, 11.7.2).
    #[error("send a proxy a credential that is neither basic nor bearer")]
    Auth,
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
        let auth = None;
        Ok(Self { host, port, auth })
    }

    /// The same proxy, which wants a credential.
    ///
    /// # Errors
    /// [`NextHopError::Auth`].
    pub fn wanting(self, auth: Auth) -> Result<Self, NextHopError> {
        match auth.scheme {
            AuthScheme::Basic { .. } | AuthScheme::Bearer => Ok(Self {
                auth: Some(auth),
                ..self
            }),
            AuthScheme::Token | AuthScheme::Header { .. } => Err(NextHopError::Auth),
        }
    }

    /// The credential that it wants.
    #[must_use]
    pub const fn auth(&self) -> Option<&Auth> {
        self.auth.as_ref()
    }

    /// Its address, and which secret goes to it.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.auth {
            None => self.to_string(),
            Some(auth) => format!("{self} with the secret {}", auth.secret),
        }
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

impl TryFrom<Written> for NextHop {
    type Error = NextHopError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Address(address) => Self::parse(&address),
            Written::Known { address, auth } => Self::parse(&address)?.wanting(auth),
        }
    }
}

impl From<NextHop> for Written {
    fn from(hop: NextHop) -> Self {
        let address = hop.to_string();
        match hop.auth {
            None => Self::Address(address),
            Some(auth) => Self::Known { address, auth },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digests name specs: what was written before must read as before.
    #[test]
    fn a_proxy_is_written_as_its_address_unless_it_wants_a_credential() {
        let plain = r#""http://proxy.example.com:3128""#;
        let hop: NextHop = serde_json::from_str(plain).unwrap();
        assert_eq!(
            (hop.auth(), hop.words().as_str()),
            (None, plain.trim_matches('"'))
        );
        assert_eq!(serde_json::to_string(&hop).unwrap(), plain);
        for scheme in [r#""scheme":"basic","user":"me""#, r#""scheme":"bearer""#] {
            let text =
                format!(r#"{{"address":"http://10.0.0.1:80","auth":{{{scheme},"secret":"key"}}}}"#);
            let hop: NextHop = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&hop).unwrap(), text);
            assert_eq!(hop.words(), "http://10.0.0.1:80 with the secret key");
        }
        let token = r#"{"address":"http://10.0.0.1:80","auth":{"scheme":"token","secret":"key"}}"#;
        assert!(serde_json::from_str::<NextHop>(token).is_err());
    }

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
