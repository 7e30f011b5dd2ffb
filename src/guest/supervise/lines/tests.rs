use jiff::Timestamp;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time::Instant;

use super::*;
use crate::request::{self, Answer, Ask, News, Source};
use crate::wire::{HEARTBEAT, HoldEnd, HoldRecord, LogLine, RoleState, ToEgress};

/// The other end of a line that the hub serves.
struct End {
    from: LineReader<ReadHalf<DuplexStream>>,
    to: LineWriter<WriteHalf<DuplexStream>>,
    _line: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl End {
    fn of(hub: &SharedHub) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let requests = Requests::open(folder.path().join("requests.jsonl"), hub.clone());
        Self::with(hub, requests, folder)
    }

    fn with(hub: &SharedHub, requests: Requests, folder: tempfile::TempDir) -> Self {
        let (ours, theirs) = duplex(1 << 16);
        let hub = hub.clone();
        let mut served = JoinSet::new();
        served.spawn(async move { drop(line(theirs, &hub, &requests).await) });
        let (from, to) = split(ours);
        Self {
            from: LineReader::new(from),
            to: LineWriter::new(to),
            _line: served,
            _folder: folder,
        }
    }

    async fn hear(&mut self) -> Option<HubToConsole> {
        match self.from.next().await {
            Ok(Some(Frame::Message(payload))) => Some(Frame::parse(&payload).unwrap()),
            Ok(Some(Frame::Bytes(_)) | None) | Err(_) => None,
        }
    }

    async fn hear_until_live(&mut self) -> Vec<HubToConsole> {
        let mut heard = Vec::new();
        while heard.last() != Some(&HubToConsole::Live) {
            heard.push(self.hear().await.expect("a message before the end"));
        }
        heard
    }
}

const CONSOLE: ConsoleToHub = ConsoleToHub::Hello { version: VERSION };

const fn role(role: Role) -> RoleReport {
    RoleReport::Hello {
        version: VERSION,
        role,
    }
}

fn log(text: &str) -> RoleReport {
    let line = LogLine {
        at: Timestamp::UNIX_EPOCH,
        text: text.to_owned(),
    };
    RoleReport::Log { line }
}

fn report(role: Role, report: RoleReport) -> HubToConsole {
    HubToConsole::Report { role, report }
}

/// The two hellos differ in one field; neither must be taken for the other.
#[test]
fn a_role_and_a_console_cannot_be_confused() {
    let payload = serde_json::to_vec(&CONSOLE).unwrap();
    assert!(Frame::parse::<RoleReport>(&payload).is_err());
    let payload = serde_json::to_vec(&role(Role::Egress)).unwrap();
    assert_eq!(
        Frame::parse::<RoleReport>(&payload).unwrap(),
        role(Role::Egress)
    );
}

#[tokio::test]
async fn two_consoles_hear_the_replay_and_then_the_same() {
    let hub = SharedHub::default();
    hub.state(RoleState::Ready);
    let mut consoles = [End::of(&hub), End::of(&hub)];
    for console in &mut consoles {
        console.to.message(&CONSOLE).await.unwrap();
        let heard = console.hear_until_live().await;
        let ready = RoleReport::State {
            state: RoleState::Ready,
        };
        assert_eq!(
            heard.first(),
            Some(&HubToConsole::Hello { version: VERSION })
        );
        assert_eq!(heard.get(1), Some(&report(Role::Supervise, ready)));
    }
    let mut egress = End::of(&hub);
    egress.to.message(&role(Role::Egress)).await.unwrap();
    egress.to.message(&log("hello")).await.unwrap();
    for console in &mut consoles {
        let heard = console.hear().await.unwrap();
        assert_eq!(heard, report(Role::Egress, log("hello")));
    }
    drop(egress);
    for console in &mut consoles {
        let gone = RoleReport::State {
            state: RoleState::Gone,
        };
        assert_eq!(console.hear().await.unwrap(), report(Role::Egress, gone));
    }
}

#[tokio::test]
async fn another_version_is_told_ours_and_left() {
    let hub = SharedHub::default();
    let mut console = End::of(&hub);
    let hello = ConsoleToHub::Hello {
        version: VERSION + 1,
    };
    console.to.message(&hello).await.unwrap();
    assert_eq!(
        console.hear().await,
        Some(HubToConsole::Hello { version: VERSION })
    );
    assert_eq!(console.hear().await, None);
    let held = hub.listen().take();
    let said = |message: &HubToConsole| format!("{message:?}").contains("speaks version 2");
    assert!(held.iter().any(said), "{held:?}");
}

#[tokio::test]
async fn the_agent_is_not_believed_on_the_sidecars_socket() {
    let hub = SharedHub::default();
    let mut stranger = End::of(&hub);
    stranger.to.message(&role(Role::Agent)).await.unwrap();
    assert_eq!(stranger.hear().await, None);
    assert_eq!(hub.listen().take().len(), 2, "a tally and the mark");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_and_silence_ends_the_line() {
    let hub = SharedHub::default();
    let mut console = End::of(&hub);
    console.to.message(&CONSOLE).await.unwrap();
    console.hear_until_live().await;
    for _ in 0..10 {
        sleep(HEARTBEAT).await;
        console.to.message(&ConsoleToHub::Ping).await.unwrap();
        assert_eq!(console.hear().await, Some(HubToConsole::Pong));
    }
    let silent = Instant::now();
    assert_eq!(console.hear().await, None);
    assert_eq!(silent.elapsed(), SILENCE_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_silent_role_is_gone() {
    let hub = SharedHub::default();
    let mut console = End::of(&hub);
    console.to.message(&CONSOLE).await.unwrap();
    console.hear_until_live().await;
    let mut egress = End::of(&hub);
    egress.to.message(&role(Role::Egress)).await.unwrap();
    egress.to.message(&log("alive")).await.unwrap();
    let heard = console.hear().await.unwrap();
    assert_eq!(heard, report(Role::Egress, log("alive")));
    let keep = async {
        loop {
            sleep(HEARTBEAT).await;
            console.to.message(&ConsoleToHub::Ping).await.unwrap();
            match console.hear().await {
                Some(HubToConsole::Pong) => {}
                other => return other,
            }
        }
    };
    let gone = RoleReport::State {
        state: RoleState::Gone,
    };
    assert_eq!(keep.await, Some(report(Role::Egress, gone)));
}

#[tokio::test]
async fn nonsense_ends_the_line_and_nothing_else() {
    let hub = SharedHub::default();
    let mut stranger = End::of(&hub);
    stranger.to.message(&"what?").await.unwrap();
    assert_eq!(stranger.hear().await, None);
    let mut console = End::of(&hub);
    console.to.message(&CONSOLE).await.unwrap();
    console.hear_until_live().await;
}

fn hold(id: u64) -> RoleReport {
    RoleReport::Held {
        hold: HoldRecord {
            id,
            at: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            host: "a.example".to_owned(),
            port: 443,
            waiting: 1,
        },
    }
}

#[tokio::test]
async fn what_a_console_has_for_egress_reaches_it_and_its_answer_every_console() {
    let hub = SharedHub::default();
    let mut egress = End::of(&hub);
    egress.to.message(&role(Role::Egress)).await.unwrap();
    egress.to.message(&hold(7)).await.unwrap();
    let mut console = End::of(&hub);
    console.to.message(&CONSOLE).await.unwrap();
    let held = report(Role::Egress, hold(7));
    let mut heard = console.hear_until_live().await;
    if !heard.contains(&held) {
        heard.push(console.hear().await.unwrap());
    }
    assert!(heard.contains(&held), "{heard:?}");
    let answer = ToEgress::Refuse { hold: 7 };
    let message = ConsoleToHub::Egress {
        message: answer.clone(),
    };
    console.to.message(&message).await.unwrap();
    let Ok(Some(Frame::Message(payload))) = egress.from.next().await else {
        panic!("a message")
    };
    assert_eq!(Frame::parse::<ToEgress>(&payload).unwrap(), answer);
    // Who waited at an egress that is gone waits no more.
    drop(egress);
    let over = RoleReport::HoldOver {
        id: 7,
        how: HoldEnd::Withdrawn,
    };
    assert_eq!(console.hear().await, Some(report(Role::Egress, over)));
}

#[tokio::test]
async fn without_egress_what_it_is_told_is_dropped_and_said() {
    let hub = SharedHub::default();
    let mut console = End::of(&hub);
    console.to.message(&CONSOLE).await.unwrap();
    console.hear_until_live().await;
    let message = ToEgress::Secrets {
        values: std::collections::BTreeMap::from([("token".to_owned(), "hunter2".to_owned())]),
    };
    let told = ConsoleToHub::Egress { message };
    console.to.message(&told).await.unwrap();
    let heard = format!("{:?}", console.hear().await);
    assert!(heard.contains("egress is not there"), "{heard}");
    assert!(!heard.contains("hunter2"), "{heard}");
}

#[tokio::test]
async fn a_verdict_is_acknowledged_once_it_is_kept_or_refused_with_the_reason() {
    let hub = SharedHub::default();
    let folder = tempfile::tempdir().unwrap();
    let requests = Requests::open(folder.path().join("requests.jsonl"), hub.clone());
    let ask = Ask::Question {
        text: String::from("which?"),
        choices: Vec::new(),
    };
    let content = ask.digest().unwrap();
    let filed = requests.file(ask, String::new(), Source::Agent);
    let id = filed.await.unwrap().id;
    let mut console = End::with(&hub, requests.clone(), folder);
    console.to.message(&CONSOLE).await.unwrap();
    let heard = console.hear_until_live().await;
    let pending = requests.get(id).await.map(Box::new).unwrap();
    let told = |request| report(Role::Supervise, RoleReport::Request { request });
    assert!(heard.contains(&told(pending)), "{heard:?}");
    let say = |id, content| ConsoleToHub::Request {
        id,
        news: Box::new(News::Verdict {
            verdict: request::Verdict {
                answer: Answer::Reply {
                    text: String::from("the left one"),
                },
                content,
                spec: content,
                at: Timestamp::UNIX_EPOCH,
            },
        }),
    };
    console.to.message(&say(id + 1, content)).await.unwrap();
    let mut refusals = Vec::new();
    while refusals.is_empty() {
        let message = console.hear().await.unwrap();
        refusals.extend(
            matches!(&message, HubToConsole::Report {
            report: RoleReport::RequestRefused { id: there, .. },
            ..
        } if *there == id + 1)
            .then_some(message),
        );
    }
    // Said twice, by one who did not hear the answer: acknowledged twice, taken once.
    for _ in 0..2 {
        console.to.message(&say(id, content)).await.unwrap();
        loop {
            let message = console.hear().await.unwrap();
            if let HubToConsole::Report {
                report: RoleReport::Request { request },
                ..
            } = message
            {
                assert_eq!(request.state.word(), "answered");
                break;
            }
        }
    }
}
