//! A double of the origins that agents' programs reach: a site, a git server, a Python
//! index, an npm registry and a cargo registry, for tests of real clients.
//!
//! All that it serves is made in memory when it starts. It knows nothing of Cellar: it
//! is packed alone into an image and listens on loopback in the network namespace that
//! it is put into. It would take a push and a publish, so that a test can tell from its
//! log, one line a request, that none arrived.
//!
//! Usage: `origin-double ADDRESS:PORT`, with `TLS_CERT` and `TLS_KEY` in its environment
//! (see `tls.rs`). Which origin it is says the Host header.

mod archives;
mod git;
#[path = "../tls.rs"]
mod tls;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{SHA256, SHA512, digest};
use rustls::{ServerConnection, StreamOwned};
use serde_json::json;

use self::git::Repository;

/// The longest request body that is read.
const BODY_MAX_BYTES: u64 = 32 * 1024 * 1024;
const VERSION: &str = "1.2.3";

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.ok_or_else(|| std::io::Error::other("say where to listen"))?;
    let config = tls::from_environment()?;
    let config = config.ok_or_else(|| std::io::Error::other("no certificate"))?;
    let origins = Arc::new(Origins::new()?);
    let listener = TcpListener::bind(&address)?;
    say(&format!("listening on {address}"));
    for stream in listener.incoming() {
        let session = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let stream = StreamOwned::new(session, stream?);
        let origins = Arc::clone(&origins);
        std::thread::spawn(move || {
            if let Err(error) = serve(stream, &origins) {
                say(&format!("connection ended: {error}"));
            }
        });
    }
    Ok(())
}

fn say(line: &str) {
    // The log of a container that may be gone already; nobody to tell.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

struct Request {
    method: String,
    target: String,
    host: String,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

struct Answer {
    status: &'static str,
    content_type: &'static str,
    coding: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    fn ok(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            content_type,
            coding: None,
            body: body.into(),
        }
    }
}

fn serve<S: Read + Write>(stream: S, origins: &Origins) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        say(&format!(
            "{} {}{} ({} bytes)",
            request.method,
            request.host,
            request.target,
            request.body.len()
        ));
        let answer = origins.answer(&request);
        let coding = answer.coding.map_or(String::new(), |coding| {
            format!("content-encoding: {coding}\r\n")
        });
        let writer = stream.get_mut();
        write!(
            writer,
            "HTTP/1.1 {}\r\ncontent-type: {}\r\n{coding}content-length: {}\r\n\r\n",
            answer.status,
            answer.content_type,
            answer.body.len()
        )?;
        if request.method != "HEAD" {
            writer.write_all(&answer.body)?;
        }
        writer.flush()?;
    }
    Ok(())
}

fn read_request<S: Read + Write>(stream: &mut BufReader<S>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next(), words.next());
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if headers.contains_key("expect") {
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.get_mut().flush()?;
    }
    let body = if headers.contains_key("transfer-encoding") {
        read_chunks(stream)?
    } else {
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        read_exactly(stream, length)?
    };
    Ok(Some(Request {
        method: method.unwrap_or_default(),
        target: target.unwrap_or_default(),
        host: headers.get("host").cloned().unwrap_or_default(),
        headers,
        body,
    }))
}

fn read_exactly(stream: &mut impl BufRead, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream
        .take(length.min(BODY_MAX_BYTES))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_chunks(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        stream.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).map_err(std::io::Error::other)?;
        body.extend(read_exactly(stream, size)?);
        read_exactly(stream, 2)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

struct Origins {
    /// By host and path.
    files: BTreeMap<String, (&'static str, Vec<u8>)>,
    repository: Repository,
    compressed: Vec<u8>,
}

impl Origins {
    fn new() -> std::io::Result<Self> {
        let mut origins = Self {
            files: BTreeMap::new(),
            repository: Repository::new("README.md", b"a cellar of one file\n")?,
            compressed: archives::gzip(b"this was compressed\n")?,
        };
        origins.put("site.test/", "text/plain", "a small site\n");
        origins.python();
        origins.npm()?;
        origins.cargo()?;
        Ok(origins)
    }

    fn put(&mut self, place: &str, content_type: &'static str, body: impl Into<Vec<u8>>) {
        self.files
            .insert(place.to_owned(), (content_type, body.into()));
    }

    fn python(&mut self) {
        let wheel = archives::wheel("vintage", VERSION);
        let name = format!("vintage-{VERSION}-py3-none-any.whl");
        let hash = HEXLOWER.encode(digest(&SHA256, &wheel).as_ref());
        let page = format!("<a href=\"/files/{name}#sha256={hash}\">{name}</a>\n");
        self.put("python.test/simple/vintage/", "text/html", page);
        self.put(
            &format!("python.test/files/{name}"),
            "application/zip",
            wheel,
        );
    }

    fn npm(&mut self) -> std::io::Result<()> {
        let manifest = json!({"name": "vintage", "version": VERSION, "main": "index.js"});
        let tarball = archives::tar_gz(&[
            ("package/package.json", manifest.to_string().as_bytes()),
            ("package/index.js", b"module.exports = 'a good year';\n"),
        ])?;
        let file = format!("npm.test/vintage/-/vintage-{VERSION}.tgz");
        let hash = BASE64.encode(digest(&SHA512, &tarball).as_ref());
        let version = json!({
            "name": "vintage", "version": VERSION,
            "dist": {
                "tarball": format!("https://{file}"),
                "integrity": format!("sha512-{hash}"),
            },
        });
        let about = json!({
            "name": "vintage", "dist-tags": {"latest": VERSION},
            "versions": {VERSION: version},
        });
        self.put("npm.test/vintage", "application/json", about.to_string());
        self.put(&file, "application/octet-stream", tarball);
        Ok(())
    }

    fn cargo(&mut self) -> std::io::Result<()> {
        let folder = format!("vintage-{VERSION}");
        let manifest =
            format!("[package]\nname = \"vintage\"\nversion = \"{VERSION}\"\nedition = \"2021\"\n");
        let archive = archives::tar_gz(&[
            (&format!("{folder}/Cargo.toml"), manifest.as_bytes()),
            (
                &format!("{folder}/src/lib.rs"),
                b"pub const YEAR: u16 = 1982;\n",
            ),
        ])?;
        let line = json!({
            "name": "vintage", "vers": VERSION, "deps": [], "features": {}, "yanked": false,
            "cksum": HEXLOWER.encode(digest(&SHA256, &archive).as_ref()),
        });
        let config = json!({"dl": "https://crates.test/dl", "api": "https://crates.test"});
        self.put(
            "crates.test/index/config.json",
            "application/json",
            config.to_string(),
        );
        self.put(
            "crates.test/index/vi/nt/vintage",
            "text/plain",
            format!("{line}\n"),
        );
        let download = format!("crates.test/dl/vintage/{VERSION}/download");
        self.put(&download, "application/gzip", archive);
        Ok(())
    }

    fn answer(&self, request: &Request) -> Answer {
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let place = format!("{}{path}", request.host);
        match (place.as_str(), query) {
            ("echo.test/", _) => echo(request),
            ("site.test/compressed", _) => Answer {
                coding: Some("gzip"),
                ..Answer::ok("text/plain", self.compressed.clone())
            },
            ("git.test/wine.git/info/refs", "service=git-upload-pack") => Answer::ok(
                "application/x-git-upload-pack-advertisement",
                self.repository.advertisement("git-upload-pack"),
            ),
            ("git.test/wine.git/info/refs", "service=git-receive-pack") => Answer::ok(
                "application/x-git-receive-pack-advertisement",
                self.repository.advertisement("git-receive-pack"),
            ),
            ("git.test/wine.git/git-upload-pack", "") => Answer::ok(
                "application/x-git-upload-pack-result",
                self.repository.everything(),
            ),
            _ => match self.files.get(&place) {
                Some((content_type, body)) => Answer::ok(content_type, body.clone()),
                None => Answer {
                    status: "404 Not Found",
                    ..Answer::ok("text/plain", "the double does not have this\n")
                },
            },
        }
    }
}

/// What arrived, as JSON.
fn echo(request: &Request) -> Answer {
    let body = json!({
        "method": request.method, "target": request.target,
        "headers": request.headers, "body_bytes": request.body.len(),
    });
    Answer::ok("application/json", format!("{body}\n"))
}
