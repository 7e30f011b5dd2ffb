//! Places on the network as an operator types them: `https://host:port/path?query`.

use crate::policy::{
    CanonicalPath, HostName, HostNameError, HostPattern, HostPatternError, PathFault, PathPattern,
    PathPatternError, Scheme,
};

/// Why a text names no place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// Another scheme than the proxy carries.
    #[error("use `{scheme}://`: only https:// and http:// leave a bottle")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A user or password before the host.
    #[error("accept a user or password in the address")]
    User,
    /// No port from 1 to 65535.
    #[error("accept `{text}` as a port: write a number from 1 to 65535")]
    Port {
        /// The text.
        text: String,
    },
    /// The host.
    #[error(transparent)]
    Host(#[from] HostNameError),
    /// The pattern of hosts.
    #[error(transparent)]
    HostPattern(#[from] HostPatternError),
    /// The path.
    #[error(transparent)]
    Path(#[from] PathFault),
    /// The pattern of paths.
    #[error(transparent)]
    PathPattern(#[from] PathPatternError),
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    pub(crate) host: HostName,
    pub(crate) port: u16,
    pub(crate) path: CanonicalPath,
    pub(crate) query: Option<String>,
}

/// Hosts and paths, as a route has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) host: HostPattern,
    pub(crate) port: u16,
    pub(crate) path: Option<PathPattern>,
}

/// The parts of an address, none of them judged but the port.
struct Parts<'a> {
    scheme: Scheme,
    host: &'a str,
    port: u16,
    /// With its slash; empty if there is none.
    path: &'a str,
}

fn split(text: &str) -> Result<Parts<'_>, PlaceError> {
    let (scheme, rest) = match text.split_once("://") {
        None => (Scheme::Https, text),
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        Some((scheme, _)) => {
            let scheme = scheme.escape_debug().to_string();
            return Err(PlaceError::Scheme { scheme });
        }
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(PlaceError::User);
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let usual = match scheme {
        Scheme::Https => 443,
        Scheme::Http => 80,
    };
    let port = match port {
        None => usual,
        Some(port) => {
            port.parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| PlaceError::Port {
                    text: port.escape_debug().to_string(),
                })?
        }
    };
    Ok(Parts {
        scheme,
        host,
        port,
        path,
    })
}

impl Place {
    /// Reads an address; https where no scheme stands.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub(crate) fn parse(text: &str) -> Result<Self, PlaceError> {
        let parts = split(text)?;
        let (path, query) = match parts.path.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (parts.path, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            scheme: parts.scheme,
            host: HostName::parse(parts.host)?,
            port: parts.port,
            path: CanonicalPath::parse(path)?,
            query,
        })
    }
}

impl Places {
    /// Reads an address in which host and path may be patterns.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub(crate) fn parse(text: &str) -> Result<Self, PlaceError> {
        let parts = split(text)?;
        let path = match parts.path {
            "" => None,
            path => Some(PathPattern::parse(path)?),
        };
        Ok(Self {
            host: HostPattern::parse(parts.host)?,
            port: parts.port,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_its_usual_port_and_path() {
        for (text, scheme, port, path, query) in [
            ("api.example.com", Scheme::Https, 443, "/", None),
            ("http://api.example.com", Scheme::Http, 80, "/", None),
            (
                "https://API.example.com:8443/a?b=c",
                Scheme::Https,
                8443,
                "/a",
                Some("b=c"),
            ),
            ("api.example.com?x", Scheme::Https, 443, "/", Some("x")),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!(place.host.as_str(), "api.example.com", "{text}");
            assert_eq!((place.scheme, place.port), (scheme, port), "{text}");
            assert_eq!(place.path.as_str(), path, "{text}");
            assert_eq!(place.query.as_deref(), query, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for text in [
            "ftp://a.example.com/",
            "https://u:p@a.example.com/",
            "https://a.example.com:0/",
            "https://a.example.com:x/",
            "https://a.example.com:99999/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://a.example.com/../b",
            "",
        ] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_are_read_where_routes_have_them() {
        let places = Places::parse("https://*.example.com:8443/v1/*").unwrap();
        assert_eq!(places.host.to_string(), "*.example.com");
        assert_eq!(places.port, 8443);
        assert_eq!(places.path.unwrap().as_str(), "/v1/*");
        assert_eq!(Places::parse("api.example.com").unwrap().path, None);
        assert!(Places::parse("https://*/x").is_err());
    }
}
