//! Where the engine listens, and how many of its sockets we may hold.

use std::path::{Path, PathBuf};

use crate::state::EngineId;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EngineAddress {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain HTTP, `host:port`. Whoever reaches that port rules the machine.
    Tcp(String),
}

/// Why there is no address to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The scheme will come with a later release.
    #[error(
        "use DOCKER_HOST `{address}`: {scheme}:// is not supported yet; forward its socket and set DOCKER_HOST to the unix:// path"
    )]
    NotYet {
        /// The address as given.
        address: String,
        /// Its scheme.
        scheme: String,
    },
    /// Not an address.
    #[error("use DOCKER_HOST `{address}`: write unix:///path or tcp://host:port")]
    Malformed {
        /// The address as given.
        address: String,
    },
    /// No socket anywhere.
    #[error("find a Docker or Podman engine: no socket at {}", tried.join(", "))]
    NothingFound {
        /// Where it was looked for.
        tried: Vec<String>,
    },
}

/// Where Docker's own engine listens on a usual machine.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

impl EngineAddress {
    /// Names the engine that listens here, for people and for every bottle on it:
    /// `local` for Docker's usual socket, else the path or the host.
    #[must_use]
    pub fn engine_id(&self) -> EngineId {
        EngineId(match self {
            Self::Unix(path) if path == Path::new(DOCKER_SOCKET) => String::from("local"),
            Self::Unix(path) => path.display().to_string(),
            Self::Tcp(host) => host.clone(),
        })
    }

    /// Finds the engine: `DOCKER_HOST`, Docker's socket, rootless Docker's, Podman's.
    ///
    /// # Errors
    /// [`AddressError`] if `DOCKER_HOST` cannot be used, or no socket is there.
    pub fn discover() -> Result<Self, AddressError> {
        Self::discover_with(|name| std::env::var(name).ok(), Path::exists)
    }

    fn discover_with(
        variable: impl Fn(&str) -> Option<String>,
        is_there: impl Fn(&Path) -> bool,
    ) -> Result<Self, AddressError> {
        if let Some(host) = variable("DOCKER_HOST").filter(|host| !host.is_empty()) {
            return Self::parse(&host);
        }
        let mut places = vec![PathBuf::from(DOCKER_SOCKET)];
        if let Some(runtime) = variable("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()) {
            let runtime = Path::new(&runtime);
            places.push(runtime.join("docker.sock"));
            places.push(runtime.join("podman/podman.sock"));
        }
        places.push(PathBuf::from("/run/podman/podman.sock"));
        match places.iter().find(|place| is_there(place)) {
            Some(place) => Ok(Self::Unix(place.clone())),
            None => Err(AddressError::NothingFound {
                tried: places
                    .iter()
                    .map(|place| place.display().to_string())
                    .collect(),
            }),
        }
    }

    /// Reads an address in the form of `DOCKER_HOST`.
    ///
    /// # Errors
    /// [`AddressError`] if it is none that we can use.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed {
            address: text.to_owned(),
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" | "http" if !rest.trim_end_matches('/').is_empty() => {
                let host = rest.trim_end_matches('/');
                // Docker's registered port for plain HTTP.
                let has_port = host.rsplit_once(':').is_some_and(|(_, port)| {
                    !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
                });
                Ok(Self::Tcp(if has_port {
                    host.to_owned()
                } else {
                    format!("{host}:2375")
                }))
            }
            "ssh" | "https" | "fd" | "npipe" => Err(AddressError::NotYet {
                address: text.to_owned(),
                scheme: scheme.to_owned(),
            }),
            _ => Err(malformed()),
        }
    }
}

impl std::fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// Raises the soft limit of open files to the hard one: each stream to the engine is
/// a socket of its own, and a shell's default of 1,024 is too few for many bottles.
/// Gives the limit that holds afterwards; `None` is no limit.
#[must_use]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wish = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    match setrlimit(Resource::Nofile, wish) {
        Ok(()) => now.maximum,
        Err(_) => now.current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discover(
        variables: &[(&str, &str)],
        sockets: &[&str],
    ) -> Result<EngineAddress, AddressError> {
        EngineAddress::discover_with(
            |name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            },
            |path| sockets.iter().any(|socket| Path::new(socket) == path),
        )
    }

    #[test]
    fn docker_host_beats_every_socket() {
        let found = discover(
            &[("DOCKER_HOST", "unix:///tmp/d.sock")],
            &["/var/run/docker.sock"],
        );
        assert_eq!(found, Ok(EngineAddress::Unix("/tmp/d.sock".into())));
    }

    #[test]
    fn sockets_are_tried_docker_first_then_rootless_then_podman() {
        let run = [("XDG_RUNTIME_DIR", "/run/user/7")];
        let order = [
            "/var/run/docker.sock",
            "/run/user/7/docker.sock",
            "/run/user/7/podman/podman.sock",
            "/run/podman/podman.sock",
        ];
        for (index, first) in order.iter().enumerate() {
            let found = discover(&run, &order[index..]);
            assert_eq!(found, Ok(EngineAddress::Unix(first.into())));
        }
        let nothing = discover(&run, &[]);
        assert_eq!(
            nothing,
            Err(AddressError::NothingFound {
                tried: order.map(String::from).to_vec()
            })
        );
    }

    #[test]
    fn two_addresses_never_name_the_same_engine() {
        let id = |text: &str| EngineAddress::parse(text).map(|found| found.engine_id().0);
        assert_eq!(id("unix:///var/run/docker.sock"), Ok(String::from("local")));
        assert_eq!(id("unix:///tmp/d.sock"), Ok(String::from("/tmp/d.sock")));
        assert_eq!(id("tcp://host"), Ok(String::from("host:2375")));
    }

    #[test]
    fn addresses_of_later_releases_are_named_as_such() {
        for text in ["ssh://user@host", "https://host:2376"] {
            let error = EngineAddress::parse(text).unwrap_err();
            assert!(error.to_string().contains("not supported yet"), "{error}");
        }
    }

    #[test]
    fn tcp_addresses_get_dockers_port_when_they_name_none() {
        let tcp = |text: &str| EngineAddress::parse(text).map(|found| found.to_string());
        assert_eq!(tcp("tcp://host"), Ok(String::from("tcp://host:2375")));
        assert_eq!(tcp("tcp://[::1]:99/"), Ok(String::from("tcp://[::1]:99")));
        assert!(tcp("tcp://").is_err());
        assert!(tcp("unix://relative").is_err());
        assert!(tcp("/var/run/docker.sock").is_err());
    }
}
