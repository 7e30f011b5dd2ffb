//! What arrived, until it is asked for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How much of one connection is kept word by word.
const TEXT_BYTES: usize = 512 * 1024;

/// Everything that was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Grows with everything that is seen.
    pub(crate) changes: u64,
    next_line: u64,
    /// Attempts to connect, datagrams and pings, each `KIND ADDRESS`.
    packets: Vec<String>,
    /// Bytes in TCP by where they went.
    sent: BTreeMap<String, u64>,
    /// Questions to the name server, each `TYPE NAME`.
    questions: Vec<String>,
    /// Server names of TLS handshakes.
    names: Vec<String>,
    /// By connection: where it arrived and what came.
    lines: BTreeMap<u64, Heard>,
}

#[derive(Default)]
struct Heard {
    on: String,
    text: String,
    bytes: u64,
}

impl Seen {
    pub(crate) fn packet(&mut self, kind: &str, to: &str) {
        self.changes += 1;
        self.packets.push(format!("{kind} {to}"));
    }

    pub(crate) fn sent(&mut self, to: &str, bytes: u64) {
        self.changes += 1;
        *self.sent.entry(to.to_owned()).or_default() += bytes;
    }

    pub(crate) fn question(&mut self, kind: u16, name: &str) {
        self.changes += 1;
        self.questions.push(format!("{kind} {name}"));
    }

    pub(crate) fn name(&mut self, name: &str) {
        self.changes += 1;
        self.names.push(name.to_owned());
    }

    /// A number for a new connection.
    pub(crate) fn line(&mut self) -> u64 {
        self.changes += 1;
        self.next_line += 1;
        self.next_line
    }

    pub(crate) fn heard(&mut self, line: u64, on: &str, bytes: &[u8]) {
        self.changes += 1;
        let heard = self.lines.entry(line).or_default();
        on.clone_into(&mut heard.on);
        heard.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let room = TEXT_BYTES.saturating_sub(heard.text.len());
        // A character a byte, so that nothing is lost.
        heard
            .text
            .extend(bytes.iter().take(room).copied().map(char::from));
    }

    /// Hands everything over and forgets it.
    pub(crate) fn take(&mut self) -> Value {
        let lines = std::mem::take(&mut self.lines).into_values();
        let lines: Vec<Value> = lines
            .map(|heard| json!({"on": heard.on, "text": heard.text, "bytes": heard.bytes}))
            .collect();
        json!({
            "packets": std::mem::take(&mut self.packets),
            "sent": std::mem::take(&mut self.sent),
            "questions": std::mem::take(&mut self.questions),
            "names": std::mem::take(&mut self.names),
            "heard": lines,
        })
    }
}
