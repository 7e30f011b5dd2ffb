//! The world around one egress sidecar, and what arrived in it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::engine::{Engine, example};

/// The double `threat-world` in the network namespace of a container.
pub(crate) struct World {
    child: Child,
    /// Until the end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What arrived at the sinks since they were asked last.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Seen {
    /// `syn`, `udp` or `ping`, and where to.
    pub(super) packets: Vec<String>,
    /// Bytes in TCP by where to.
    pub(super) sent: BTreeMap<String, u64>,
    /// Questions to the name server, with the number of their type.
    pub(super) questions: Vec<String>,
    /// Server names in TLS handshakes.
    pub(super) names: Vec<String>,
    pub(super) heard: Vec<Heard>,
}

/// What came on one connection.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    /// `tls NAME` or `tcp PORT`.
    pub(super) on: String,
    /// A character a byte.
    pub(super) text: String,
    pub(super) bytes: u64,
}

impl World {
    /// Starts it and waits until nothing can leave the namespace any more.
    pub(crate) fn around(engine: Engine, container: &str, certificates: &Value) -> Self {
        let image = engine.one_file_image("threat-world", &example("threat-world"));
        let network = format!("container:{container}");
        let certificates = format!("THREAT_CERTS={certificates}");
        let mut child = Command::new("docker")
            .args(["run", "-i", "--rm", "--label", "cellar.test=threat-world"])
            .args(["--network", &network, "--env", &certificates])
            .args(["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"])
            // It turns IPv6 on in this namespace.
            .args(["--security-opt", "systempaths=unconfined"])
            .args([&image, "/program"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut world = Self {
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        world.answer();
        world
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the world ended: {line:?}"))
    }

    fn tell(&mut self, order: &Value) -> Value {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        self.answer()
    }

    /// Lets a name lead to these lists of addresses, one after the other.
    pub(super) fn zone(&mut self, name: &str, answers: &[&[&str]]) {
        self.tell(&json!({"zone": {name: answers}}));
    }

    /// Lets a path be answered with these pieces, whatever host is asked, and the
    /// connection be closed after it.
    pub(crate) fn reply(&mut self, path: &str, pieces: &[&[u8]]) {
        self.replies(path, pieces, 1, true);
    }

    /// The same with the last piece so many times, and the connection left open or not.
    pub(super) fn replies(&mut self, path: &str, pieces: &[&[u8]], times: u64, closes: bool) {
        let pieces: Vec<String> = pieces.iter().map(|piece| BASE64.encode(piece)).collect();
        self.tell(&json!({"path": path, "pieces": pieces, "times": times, "closes": closes}));
    }

    /// What arrived since the last time.
    pub(crate) fn seen(&mut self) -> Seen {
        serde_json::from_value(self.tell(&json!({"drain": true}))).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The end of its input ends it, and the engine removes it.
        drop(self.orders.take());
        drop(self.child.wait());
    }
}

impl Seen {
    /// Whether nothing at all arrived: no packet, no question, no byte.
    pub(super) fn is_nothing(&self) -> bool {
        self.packets.is_empty() && self.questions.is_empty() && self.is_silent()
    }

    /// Whether nobody was told anything, though a connection may have been made.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.is_empty()
    }

    /// Whether these bytes arrived at a server.
    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.heard.iter().any(|heard| heard.text.contains(text))
    }

    /// How often these bytes arrived at servers.
    pub(super) fn times(&self, text: &str) -> usize {
        let heard = self.heard.iter();
        heard.map(|heard| heard.text.matches(text).count()).sum()
    }

    /// Whether somebody tried to connect to this address, at any port.
    pub(super) fn has_met(&self, address: &str) -> bool {
        let (v4, v6) = (format!("syn {address}:"), format!("syn [{address}]:"));
        self.packets
            .iter()
            .any(|packet| packet.starts_with(&v4) || packet.starts_with(&v6))
    }

    /// Whether the name server was asked for a name that holds this.
    pub(super) fn has_asked(&self, part: &str) -> bool {
        self.questions
            .iter()
            .any(|question| question.contains(part))
    }

    /// In few words, for a row that failed.
    pub(super) fn told(&self) -> String {
        let mut lines = vec![format!(
            "packets {:?}, bytes {:?}, questions {:?}, names {:?}",
            self.packets, self.sent, self.questions, self.names
        )];
        lines.extend(self.heard.iter().map(|heard| {
            let words: String = heard.text.chars().take(400).collect();
            format!("on {} ({} bytes): {words:?}", heard.on, heard.bytes)
        }));
        lines.join("\n        ")
    }
}
