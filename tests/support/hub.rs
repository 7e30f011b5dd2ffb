//! A console's line to a bottle's hub, spoken by hand: what a test says there does not
//! pass through the console under test.

use std::process::Stdio;
use std::time::Duration;

use cellar::request::RequestRecord;
use cellar::wire::{
    ConsoleToHub, Frame, HubToConsole, LineReader, LineWriter, RoleReport, VERSION,
};
use serde_json::{Value, json};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Runtime;

use super::engine::Engine;
use super::operator::PATIENCE;

/// A line that is open.
pub(crate) struct HubLine {
    runtime: Runtime,
    reader: LineReader<ChildStdout>,
    writer: LineWriter<ChildStdin>,
    _program: Child,
}

impl HubLine {
    /// Opens a line through the supervise sidecar.
    pub(crate) fn open(engine: Engine, supervise: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut program = runtime.block_on(async {
            Command::new(engine.program())
                .args(["exec", "-i", supervise])
                .args(["/cellar/cellar", "guest", "ctl"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
        });
        let reader = LineReader::new(program.stdout.take().unwrap());
        let writer = LineWriter::new(program.stdin.take().unwrap());
        let mut line = Self {
            runtime,
            reader,
            writer,
            _program: program,
        };
        line.say(&ConsoleToHub::Hello { version: VERSION });
        line
    }

    /// Waits until a request is told that is as wished.
    #[track_caller]
    pub(crate) fn request(&mut self, is_so: impl Fn(&RequestRecord) -> bool) -> RequestRecord {
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let heard = async {
            loop {
                let next = tokio::time::timeout(Duration::from_secs(2), reader.next());
                let Ok(frame) = next.await else {
                    // The hub takes a silent console for a dead one.
                    writer.message(&ConsoleToHub::Ping).await.unwrap();
                    continue;
                };
                let frame = frame.unwrap().unwrap();
                let Frame::Message(payload) = frame else {
                    continue;
                };
                if let HubToConsole::Report {
                    report: RoleReport::Request { request },
                    ..
                } = Frame::parse(&payload).unwrap()
                    && is_so(&request)
                {
                    return *request;
                }
            }
        };
        let heard = async { tokio::time::timeout(PATIENCE, heard).await };
        self.runtime.block_on(heard).unwrap()
    }

    /// Says a step of a request.
    pub(crate) fn step(&mut self, id: u64, news: &Value) {
        self.say(&json!({"type": "request", "id": id, "news": news}));
    }

    fn say<T: serde::Serialize>(&mut self, message: &T) {
        self.runtime.block_on(self.writer.message(message)).unwrap();
    }
}
