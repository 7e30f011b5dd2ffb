//! Whole runs of the session with real programs, in a folder of their own.

use std::collections::BTreeMap;
use std::future::Future;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet};

use super::host::{Host, NOT_STARTED_EXIT, Places, SEAL_BROKEN_EXIT};
use super::process::{Scope, Told};
use crate::guest::attach::descriptors;
use crate::pty::Screen;
use crate::spec::{BottleId, Observe};
use crate::wire::{
    Activity, AttachMode, ClientToSession, Frame, InitConfig, LineReader, LineWriter, RoleReport,
    SILENCE_LIMIT, SealCheck, SealReport, SessionExit, SessionToClient, TerminalSize, VERSION,
};

/// Every wait of a test ends by then.
const LIMIT: Duration = Duration::from_mins(1);
const SIZE: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};

/// A session being run.
struct Stage {
    folder: TempDir,
    tell: mpsc::Sender<Told>,
    run: JoinHandle<std::io::Result<u8>>,
}

/// How a session is run.
struct Script {
    command: String,
    handed_over: Vec<String>,
    stop_grace_seconds: u64,
    seal_holds: bool,
}

impl Script {
    fn new(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            handed_over: Vec::new(),
            stop_grace_seconds: 10,
            seal_holds: true,
        }
    }

    /// Starts only when a client says so, which makes the first moments observable.
    fn gated(command: &str) -> Self {
        Self {
            handed_over: vec!["GATE".to_owned()],
            ..Self::new(command)
        }
    }

    fn play(self) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        std::fs::create_dir(&work).unwrap();
        std::fs::create_dir(folder.path().join("lines")).unwrap();
        let config = InitConfig {
            bottle: "api-k3x9q".parse::<BottleId>().unwrap(),
            argv: ["sh", "-c", &self.command].map(str::to_owned).to_vec(),
            fresh_argv: None,
            mcp_servers: BTreeMap::new(),
            env: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            handed_over: self.handed_over,
            cwd: work.display().to_string(),
            scrollback_lines: 500,
            doors: BTreeMap::new(),
            observe: Observe::Output,
            stop_grace_seconds: self.stop_grace_seconds,
        };
        let holds = self.seal_holds;
        let host = Host {
            config,
            places: Places {
                attach_socket: folder.path().join("attach.sock"),
                report_door: folder.path().join("report.sock"),
                lines: folder.path().join("lines"),
                hook_settings: folder.path().join("hooks.json"),
                mcp_config: folder.path().join("mcp.json"),
                hook_word: folder.path().join("hook-word.json"),
                awaited: Vec::new(),
                trust: super::Trust {
                    ca: folder.path().join("ca.pem"),
                    bundle: folder.path().join("ca-bundle.pem"),
                },
            },
            environment: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            scope: Scope::Program,
            probe: Box::new(move || SealReport {
                at: Timestamp::now(),
                checks: vec![SealCheck {
                    name: "interfaces".to_owned(),
                    seen: "lo, eth0".to_owned(),
                    holds,
                }],
            }),
        };
        let (tell, told) = mpsc::channel(4);
        let run = tokio::task::spawn_local(host.run(told));
        Stage { folder, tell, run }
    }
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn attach(&self, mode: AttachMode, size: TerminalSize) -> Box<Client> {
        let mut client = Client::connect(&self.path("attach.sock")).await;
        let version = VERSION;
        client
            .say(&ClientToSession::Hello {
                version,
                mode,
                size,
            })
            .await;
        client
    }

    async fn exit(self) -> u8 {
        self.run.await.unwrap().unwrap()
    }
}

/// A client as a console is one: it feeds a screen and never answers for it.
struct Client {
    connection: UnixStream,
    reader: LineReader<UnixStream>,
    writer: LineWriter<UnixStream>,
    screen: Screen,
    snapshots: usize,
    received: usize,
    heard: Vec<SessionToClient>,
}

impl Client {
    async fn connect(socket: &Path) -> Box<Self> {
        let connection = loop {
            match UnixStream::connect(socket).await {
                Ok(connection) => break connection,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let (input, their_input) = UnixStream::pair().unwrap();
        let (output, their_output) = UnixStream::pair().unwrap();
        descriptors::send(&connection, their_input.as_fd(), their_output.as_fd()).unwrap();
        Box::new(Self {
            connection,
            reader: LineReader::new(output),
            writer: LineWriter::new(input),
            screen: Screen::new(SIZE, 500),
            snapshots: 0,
            received: 0,
            heard: Vec::new(),
        })
    }

    async fn say(&mut self, message: &ClientToSession) {
        self.writer.message(message).await.unwrap();
    }

    async fn type_in(&mut self, text: &str) {
        self.writer.bytes(text.as_bytes()).await.unwrap();
    }

    async fn open_gate(&mut self) {
        let env = BTreeMap::from([("GATE".to_owned(), "open".to_owned())]);
        self.say(&ClientToSession::HandOver { env }).await;
    }

    /// Takes one frame; false at the end of the line.
    async fn step(&mut self) -> bool {
        match self.reader.next().await.unwrap() {
            None => return false,
            Some(Frame::Bytes(bytes)) => {
                self.received += bytes.len();
                self.screen.feed(&bytes);
            }
            Some(Frame::Message(payload)) => {
                let message: SessionToClient = Frame::parse(&payload).unwrap();
                match &message {
                    SessionToClient::Snapshot { size, .. } => {
                        self.snapshots += 1;
                        self.screen = Screen::new(*size, 500);
                    }
                    SessionToClient::Resized { size } => self.screen.resize(*size),
                    SessionToClient::Hello { .. }
                    | SessionToClient::HandOverTaken
                    | SessionToClient::Ended { .. }
                    | SessionToClient::Refused { .. }
                    | SessionToClient::Pong => {}
                }
                self.heard.push(message);
            }
        }
        true
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            assert!(
                self.step().await,
                "the line ended before {what}; heard {:?}, screen:\n{}",
                self.heard,
                self.screen.text()
            );
        }
    }

    async fn sees(&mut self, text: &str) {
        self.until(text, |client| client.screen.text().contains(text))
            .await;
    }

    async fn hears(&mut self, message: &SessionToClient) {
        self.until(&format!("{message:?}"), |client| {
            client.heard.contains(message)
        })
        .await;
    }
}

async fn staged(scenario: impl Future<Output = ()>) {
    LocalSet::new()
        .run_until(async {
            tokio::time::timeout(LIMIT, scenario)
                .await
                .expect("the scenario ends in time");
        })
        .await;
}

#[tokio::test]
async fn what_is_typed_reaches_the_program_and_comes_back() {
    staged(async {
        let stage = Script::new("echo $GREETING $TERM; exec cat").play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.sees("hello xterm-256color").await;
        client.type_in("one\r").await;
        client.sees("one\none").await;
        client.type_in("\x04").await;
        let exit = SessionExit::Code { code: 0 };
        client.hears(&SessionToClient::Ended { exit }).await;
        assert_eq!(stage.exit().await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_last_to_type_leads_the_size() {
    staged(async {
        let stage = Script::new("while read line; do echo $line $(stty size); done").play();
        let (wide, small) = (
            TerminalSize {
                columns: 100,
                rows: 30,
            },
            TerminalSize {
                columns: 60,
                rows: 20,
            },
        );
        let mut first = stage.attach(AttachMode::Interactive, wide).await;
        first.type_in("a\r").await;
        first.sees("a 30 100").await;
        let mut second = stage.attach(AttachMode::Interactive, small).await;
        second.sees("a 30 100").await;
        second.type_in("b\r").await;
        second.sees("b 20 60").await;
        first.hears(&SessionToClient::Resized { size: small }).await;
        first.sees("b 20 60").await;
        assert_eq!(first.screen.text(), second.screen.text());
        let mut watcher = stage.attach(AttachMode::Watch, SIZE).await;
        watcher.type_in("never\r").await;
        watcher.say(&ClientToSession::Resize { size: wide }).await;
        watcher.say(&ClientToSession::Ping).await;
        watcher.hears(&SessionToClient::Pong).await;
        first.type_in("c\r").await;
        first.sees("c 30 100").await;
        watcher.sees("c 30 100").await;
        assert!(!first.screen.text().contains("never"));
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

#[tokio::test]
async fn the_exit_code_is_the_programs() {
    staged(async {
        for (command, code, exit) in [
            ("exit 7", 7, SessionExit::Code { code: 7 }),
            ("kill -9 $$", 137, SessionExit::Signal { signal: 9 }),
        ] {
            let stage = Script::gated(&format!("echo last words; {command}")).play();
            let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
            client.open_gate().await;
            client.hears(&SessionToClient::Ended { exit }).await;
            assert!(client.screen.text().contains("last words"));
            assert_eq!(stage.exit().await, code);
        }
    })
    .await;
}

#[tokio::test]
async fn a_program_that_cannot_start_is_told_to_clients_and_hub() {
    staged(async {
        let stage = Script::gated("").play();
        let listener = UnixListener::bind(stage.path("report.sock")).unwrap();
        let hub = tokio::task::spawn_local(reports(listener));
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.hears_hello().await;
        std::fs::remove_dir(stage.path("work")).unwrap();
        client.open_gate().await;
        let exit = SessionExit::NotStarted;
        client.hears(&SessionToClient::Ended { exit }).await;
        client.sees("which is not a folder").await;
        assert_eq!(stage.exit().await, NOT_STARTED_EXIT);
        assert!(hub.await.unwrap().contains(&RoleReport::Ended { exit }));
    })
    .await;
}

/// Collects what one connection of init reports, until it ends.
async fn reports(listener: UnixListener) -> Vec<RoleReport> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut reader = LineReader::new(stream);
    let mut reports = Vec::new();
    while let Ok(Some(Frame::Message(payload))) = reader.next().await {
        reports.push(Frame::parse(&payload).unwrap());
    }
    reports
}

impl Client {
    async fn hears_hello(&mut self) {
        self.until("a greeting", |client| {
            matches!(client.heard.first(), Some(SessionToClient::Hello { .. }))
        })
        .await;
    }
}

#[tokio::test]
async fn a_broken_seal_starts_nothing() {
    staged(async {
        let script = Script {
            seal_holds: false,
            ..Script::new("touch started")
        };
        let stage = script.play();
        let (door, started) = (stage.path("report.sock"), stage.path("work/started"));
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.sees("interfaces: lo, eth0").await;
        let exit = SessionExit::NotStarted;
        client.hears(&SessionToClient::Ended { exit }).await;
        assert!(!started.exists());
        // Init stays until a hub that comes late has heard why.
        let hub = tokio::task::spawn_local(reports(UnixListener::bind(door).unwrap()));
        assert_eq!(stage.exit().await, SEAL_BROKEN_EXIT);
        let reports = hub.await.unwrap();
        assert!(
            reports
                .iter()
                .any(|report| matches!(report, RoleReport::Seal { report } if !report.holds()))
        );
        assert!(reports.contains(&RoleReport::Ended { exit }));
    })
    .await;
}

#[tokio::test]
async fn the_hub_hears_of_the_whole_life() {
    staged(async {
        let stage = Script::gated("printf '\\033]0;a title\\007'; read line; exit 3").play();
        let listener = UnixListener::bind(stage.path("report.sock")).unwrap();
        let hub = tokio::task::spawn_local(reports(listener));
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.open_gate().await;
        client
            .until("a title", |client| client.screen.title() == Some("a title"))
            .await;
        client.type_in("\r").await;
        assert_eq!(stage.exit().await, 3);
        let reports = hub.await.unwrap();
        assert!(matches!(reports.first(), Some(RoleReport::Hello { .. })));
        assert!(reports.iter().any(|report| matches!(
            report,
            RoleReport::Session { report } if report.activity == Activity::Starting
        )));
        assert!(reports.iter().any(|report| matches!(
            report,
            RoleReport::Session { report } if report.activity == Activity::Unknown
        )));
        let exit = SessionExit::Code { code: 3 };
        assert!(reports.contains(&RoleReport::Ended { exit }));
    })
    .await;
}

#[tokio::test]
async fn values_are_handed_over_once_and_never_shown() {
    staged(async {
        let script = Script {
            handed_over: vec!["TOKEN".to_owned(), "OTHER".to_owned()],
            ..Script::new("echo length ${#TOKEN} extra ${#EXTRA}; read line")
        };
        let stage = script.play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let env = BTreeMap::from([value("TOKEN", "not-enough")]);
        client.say(&ClientToSession::HandOver { env }).await;
        let why = "no value was handed over for OTHER".to_owned();
        client.hears(&SessionToClient::Refused { why }).await;
        let env = BTreeMap::from([
            value("TOKEN", "sesame"),
            value("OTHER", "x"),
            value("EXTRA", "smuggled"),
        ]);
        client
            .say(&ClientToSession::HandOver { env: env.clone() })
            .await;
        client.hears(&SessionToClient::HandOverTaken).await;
        client.sees("length 6 extra 0").await;
        client.say(&ClientToSession::HandOver { env }).await;
        let why = "the session took its values already".to_owned();
        client.hears(&SessionToClient::Refused { why }).await;
        assert!(!client.screen.text().contains("sesame"));
        client.type_in("\r").await;
        assert_eq!(stage.exit().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_program_asked_to_end_may_end_its_own_way() {
    staged(async {
        let stage =
            Script::new("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.05; done")
                .play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.sees("ready").await;
        stage.tell.send(Told::End).await.unwrap();
        client.sees("bye").await;
        assert_eq!(stage.exit().await, 9);
    })
    .await;
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed() {
    staged(async {
        let script = Script {
            stop_grace_seconds: 1,
            ..Script::new("trap '' TERM HUP INT; echo ready; while :; do sleep 0.05; done")
        };
        let stage = script.play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.sees("ready").await;
        stage.tell.send(Told::End).await.unwrap();
        assert_eq!(stage.exit().await, 137);
    })
    .await;
}

#[tokio::test]
async fn signals_are_passed_on() {
    staged(async {
        let stage = Script::new(
            "trap 'echo got one; exit 0' USR1; echo ready; while :; do sleep 0.05; done",
        )
        .play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.sees("ready").await;
        let signal = rustix::process::Signal::USR1;
        stage.tell.send(Told::PassOn(signal)).await.unwrap();
        client.sees("got one").await;
        assert_eq!(stage.exit().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_bottle_stopped_before_its_start_ends() {
    staged(async {
        let stage = Script::gated("echo never").play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.hears_hello().await;
        stage.tell.send(Told::End).await.unwrap();
        assert_eq!(stage.exit().await, 143);
    })
    .await;
}

#[tokio::test]
async fn queries_are_answered_without_any_client() {
    staged(async {
        let command = "stty raw -echo; printf '\\033[c'; head -c 5 | od -An -c > answer; echo done; read line";
        let stage = Script::new(command).play();
        let mut client = stage.attach(AttachMode::Watch, SIZE).await;
        client.sees("done").await;
        let answer = std::fs::read_to_string(stage.path("work/answer")).unwrap();
        assert_eq!(answer.split_whitespace().collect::<Vec<_>>(), ["033", "[", "?", "6", "c"]);
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

/// Output with everything that a cut could tear.
fn flood(lines: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in 0..lines {
        let color = line % 256;
        let text = format!(
            "\x1b[38;5;{color}mline {line} 日本語 e\u{301} \x1b[1mbold\x1b[0m \x1b]8;;http://a/{color}\x1b\\link\x1b]8;;\x1b\\\r\n"
        );
        bytes.extend_from_slice(text.as_bytes());
        if line % 10 == 0 {
            bytes.extend_from_slice("\x1b[?2026h\x1b[3A\x1b[2K╭──╮\x1b[3B\r\x1b[?2026l".as_bytes());
        }
    }
    bytes
}

fn write_flood(stage: &Stage, lines: usize) -> Screen {
    let bytes = flood(lines);
    std::fs::write(stage.path("work/flood"), &bytes).unwrap();
    let mut direct = Screen::new(SIZE, 500);
    direct.feed(b"ready");
    direct.feed(&bytes);
    direct.feed(b"END");
    direct
}

const FLOOD: &str = "stty raw -echo; printf ready; head -c 1 >/dev/null; cat flood; printf END; head -c 1 >/dev/null";

fn whole(screen: &Screen) -> String {
    let mut text = String::new();
    for scroll in (0..=screen.scrollback_len()).rev() {
        for cell in screen.row(0, scroll) {
            cell.push_text(&mut text);
        }
        text.push('\n');
    }
    text + &screen.text()
}

#[tokio::test]
async fn clients_that_join_a_flood_see_what_it_left() {
    staged(async {
        let stage = Script::new(FLOOD).play();
        let direct = write_flood(&stage, 20_000);
        let mut first = stage.attach(AttachMode::Interactive, SIZE).await;
        first.sees("ready").await;
        first.type_in("g").await;
        let mut clients = Vec::new();
        for joined in 1..=6_usize {
            let so_far = joined * 150_000;
            first
                .until("more", |client| {
                    client.received > so_far || client.screen.text().contains("END")
                })
                .await;
            clients.push(stage.attach(AttachMode::Watch, SIZE).await);
        }
        clients.push(first);
        for mut client in clients {
            client.sees("END").await;
            assert_eq!(whole(&client.screen), whole(&direct));
            assert_eq!(client.screen.modes(), direct.modes());
            assert_eq!(client.screen.cursor(), direct.cursor());
        }
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_read_gets_a_snapshot_and_delays_nobody() {
    staged(async {
        let stage = Script::new(FLOOD).play();
        let direct = write_flood(&stage, 100_000);
        let total = std::fs::metadata(stage.path("work/flood")).unwrap().len();
        let mut slow = stage.attach(AttachMode::Watch, SIZE).await;
        slow.sees("ready").await;
        let mut quick = stage.attach(AttachMode::Interactive, SIZE).await;
        quick.sees("ready").await;
        quick.type_in("g").await;
        quick.sees("END").await;
        slow.sees("END").await;
        assert!(slow.snapshots > 1, "{} snapshots", slow.snapshots);
        assert!(
            (slow.received as u64) < total / 2,
            "{} of {total} bytes",
            slow.received
        );
        assert_eq!(whole(&slow.screen), whole(&direct));
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_client_is_let_go() {
    staged(async {
        let stage = Script::new("cat").play();
        let mut client = stage.attach(AttachMode::Interactive, SIZE).await;
        client.hears_hello().await;
        tokio::time::pause();
        tokio::time::advance(SILENCE_LIMIT + Duration::from_secs(1)).await;
        tokio::time::resume();
        let mut byte = [0];
        assert_eq!(client.connection.read(&mut byte).await.unwrap(), 0);
        let mut next = stage.attach(AttachMode::Interactive, SIZE).await;
        next.type_in("still here\r").await;
        next.sees("still here").await;
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_speaks_nonsense_is_let_go() {
    staged(async {
        let stage = Script::new("cat").play();
        for nonsense in [vec![0xff; 64], b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
            let mut client = Client::connect(&stage.path("attach.sock")).await;
            client.raw(&nonsense).await;
            let mut byte = [0];
            assert_eq!(client.connection.read(&mut byte).await.unwrap(), 0);
        }
        let mut client = Client::connect(&stage.path("attach.sock")).await;
        let version = VERSION + 1;
        let mode = AttachMode::Watch;
        client
            .say(&ClientToSession::Hello {
                version,
                mode,
                size: SIZE,
            })
            .await;
        client
            .until("a refusal", |client| {
                matches!(client.heard.last(), Some(SessionToClient::Refused { .. }))
            })
            .await;
        let mut next = stage.attach(AttachMode::Interactive, SIZE).await;
        next.type_in("fine\r").await;
        next.sees("fine").await;
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}

impl Client {
    async fn raw(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt as _;
        let (mut input, their_input) = UnixStream::pair().unwrap();
        let (_output, their_output) = UnixStream::pair().unwrap();
        self.connection =
            UnixStream::connect(self.connection.peer_addr().unwrap().as_pathname().unwrap())
                .await
                .unwrap();
        descriptors::send(&self.connection, their_input.as_fd(), their_output.as_fd()).unwrap();
        input.write_all(bytes).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_waited_for_is_refused() {
    staged(async {
        let stage = Script::new("cat").play();
        let mut client = Client::connect(&stage.path("attach.sock")).await;
        let file = std::fs::File::create(stage.path("file")).unwrap();
        client.connection = UnixStream::connect(stage.path("attach.sock"))
            .await
            .unwrap();
        descriptors::send(&client.connection, file.as_fd(), file.as_fd()).unwrap();
        let mut byte = [0];
        assert_eq!(client.connection.read(&mut byte).await.unwrap(), 0);
        stage.tell.send(Told::End).await.unwrap();
        stage.exit().await;
    })
    .await;
}
