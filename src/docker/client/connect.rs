//! Connecting: which API version is spoken, and how long answers may take.

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::fail::failed;
use super::paced;
use crate::docker::address::EngineAddress;
use crate::docker::error::EngineError;

/// The newest API version that this client was written against.
const NEWEST: ApiVersion = ApiVersion {
    major: 1,
    minor: 51,
};
/// What `DELETE`, `inspect` and the like may take; a busy engine needs seconds.
const CONTROL_LIMIT: Duration = Duration::from_secs(30);
/// What builds, pulls, loads and uploads may take until their headers come.
const BULK_LIMIT: Duration = Duration::from_hours(4);
/// How long the first answer may take.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// What is read of the first answer.
const MAX_HEAD_BYTES: u64 = 8 * 1024;

/// A version of the engine's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once('.')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }
}

impl std::fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The two clones of one client, one that reads in bursts, and what was found out at the first answer.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) control: Docker,
    pub(super) bulk: Docker,
    /// For logs that are followed.
    pub(super) paced: Docker,
    pub(super) version: ApiVersion,
    pub(super) is_podman: bool,
}

impl Connection {
    /// A clone of the client for short answers that asks for this path and query,
    /// whatever the library would ask for.
    pub(super) fn elsewhere(&self, path: &str) -> Docker {
        pin_to(self.control.clone(), self.version, Some(path.to_owned()))
    }
}

pub(super) async fn connect(address: &EngineAddress) -> Result<Connection, EngineError> {
    let operation = "ask for its version";
    let limit = CONTROL_LIMIT.as_secs();
    let client = match address {
        EngineAddress::Unix(path) => {
            Docker::connect_with_unix(&path.display().to_string(), limit, API_DEFAULT_VERSION)
        }
        EngineAddress::Tcp(host) => {
            Docker::connect_with_http(&format!("tcp://{host}"), limit, API_DEFAULT_VERSION)
        }
    }
    .map_err(failed(operation))?;
    let hello = tokio::time::timeout(HELLO_LIMIT, ping(address))
        .await
        .map_err(|_| EngineError::TimedOut { operation })?
        .map_err(|error| EngineError::Unreachable {
            operation,
            why: format!("{address}: {error}"),
        })?;
    let theirs = header(&hello, "api-version")
        .and_then(ApiVersion::parse)
        .ok_or_else(|| EngineError::Garbled {
            operation,
            why: String::from("it names no API version"),
        })?;
    let is_podman = header(&hello, "libpod-api-version").is_some();
    let version = theirs.min(NEWEST);
    let pinned = pin(client, version);
    let paced = paced::client(address, BULK_LIMIT).map_err(failed(operation))?;
    Ok(Connection {
        paced: pin(paced, version),
        bulk: pinned.clone().with_timeout(BULK_LIMIT),
        control: pinned,
        version,
        is_podman,
    })
}

/// Asks for the head of `/_ping`, which names the API version. `/version` does too, but
/// makes the engine ask its own parts: 16 ms on 20.10 where this takes none. The
/// library gives no headers away, so the few bytes are exchanged here.
async fn ping(address: &EngineAddress) -> std::io::Result<String> {
    match address {
        EngineAddress::Unix(path) => head(UnixStream::connect(path).await?).await,
        EngineAddress::Tcp(host) => head(TcpStream::connect(host).await?).await,
    }
}

async fn head(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<String> {
    stream
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    stream.take(MAX_HEAD_BYTES).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok(head.to_owned())
}

/// The value of a header; names are compared without case (RFC 9110, section 5.1).
fn header<'head>(head: &'head str, name: &str) -> Option<&'head str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim())
    })
}

/// Puts the version before every path. Without it an engine takes its newest, whose
/// fields the library may not know; the library's own `negotiate_version` changes
/// nothing on the wire in 0.21.1 (bollard#736).
fn pin(client: Docker, version: ApiVersion) -> Docker {
    pin_to(client, version, None)
}

/// As [`pin`], with the path replaced where one is given.
fn pin_to(client: Docker, version: ApiVersion, elsewhere: Option<String>) -> Docker {
    client.with_request_modifier(move |mut request| {
        let uri = request.uri();
        let own = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = elsewhere.as_deref().unwrap_or(own);
        let scheme = uri.scheme_str().unwrap_or("http");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if let Ok(pinned) = format!("{scheme}://{authority}/v{version}{path}").parse() {
            *request.uri_mut() = pinned;
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_version_is_read_from_the_first_answer() {
        let (ours, mut theirs) = tokio::io::duplex(1_024);
        let engine = async {
            let mut asked = [0; 19];
            theirs.read_exact(&mut asked).await.unwrap();
            assert_eq!(&asked, b"GET /_ping HTTP/1.1");
            let answer = b"HTTP/1.1 200 OK\r\nAPI-version: 1.41\r\nServer: Docker\r\n\r\nOK";
            theirs.write_all(answer).await.unwrap();
            drop(theirs);
        };
        let (head, ()) = tokio::join!(head(ours), engine);
        let head = head.unwrap();
        assert_eq!(header(&head, "api-version"), Some("1.41"));
        assert_eq!(header(&head, "libpod-api-version"), None);
    }

    #[test]
    fn versions_order_by_number_not_by_text() {
        let parse = |text| ApiVersion::parse(text).unwrap();
        assert!(parse("1.9") < parse("1.41"));
        assert_eq!(parse("1.55").min(NEWEST), NEWEST);
        assert_eq!(parse("1.41").min(NEWEST).to_string(), "1.41");
        assert_eq!(ApiVersion::parse("new"), None);
    }
}
