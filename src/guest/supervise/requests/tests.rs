use super::*;
use crate::request::{Terms, Verdict};
use crate::spec::Digest;
use crate::wire::HubToConsole;

fn question(text: &str) -> Ask {
    Ask::Question {
        text: text.to_owned(),
        choices: Vec::new(),
    }
}

fn reply(text: &str) -> News {
    let ask = question(text);
    News::Verdict {
        verdict: Verdict {
            answer: Answer::Reply {
                text: String::from("the left one"),
            },
            content: ask.digest().unwrap(),
            spec: Digest::of(b""),
            at: Timestamp::UNIX_EPOCH,
        },
    }
}

async fn file(requests: &Requests, text: &str) -> u64 {
    let filed = requests.file(question(text), String::new(), Source::Agent);
    filed.await.unwrap().id
}

fn told(hub: &SharedHub) -> Vec<RequestRecord> {
    let messages = hub.listen().take().into_iter();
    let requests = messages.filter_map(|message| {
        if let HubToConsole::Report {
            role: Role::Supervise,
            report: RoleReport::Request { request },
        } = message
        {
            return Some(*request);
        }
        None
    });
    requests.collect()
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.jsonl");
    let first = Requests::open(path.clone(), SharedHub::default());
    let id = file(&first, "which?").await;
    first.hear(id, reply("which?")).await.unwrap();
    let other = file(&first, "and then?").await;
    drop(first);
    // A line that was being written when the machine died.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(br#"{"id":3,"at":"#);
    std::fs::write(&path, bytes).unwrap();
    let hub = SharedHub::default();
    let second = Requests::open(path, hub.clone());
    let states: Vec<_> = told(&hub)
        .iter()
        .map(|one| (one.id, one.state.word()))
        .collect();
    assert_eq!(states, [(id, "answered"), (other, "pending")]);
    assert_eq!(file(&second, "third?").await, other + 1);
}

#[tokio::test]
async fn a_spoilt_file_takes_no_request_and_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("requests.jsonl");
    std::fs::write(&path, "{\"spoilt\"}\n").unwrap();
    let hub = SharedHub::default();
    let requests = Requests::open(path.clone(), hub.clone());
    let refused = requests.file(question("which?"), String::new(), Source::Agent);
    assert!(matches!(refused.await, Err(RequestError::Unkept)));
    assert_eq!(std::fs::read(&path).unwrap(), b"{\"spoilt\"}\n");
    let degraded = hub.listen().take().into_iter().any(|message| {
        matches!(
            message,
            HubToConsole::Report {
                report: RoleReport::State {
                    state: RoleState::Degraded { .. }
                },
                ..
            }
        )
    });
    assert!(degraded);
}

#[tokio::test]
async fn only_what_is_the_operators_is_taken_from_a_console() {
    let folder = tempfile::tempdir().unwrap();
    let requests = Requests::open(folder.path().join("r.jsonl"), SharedHub::default());
    let id = file(&requests, "which?").await;
    for news in [News::Delivered, News::Withdrawn, News::Expired] {
        let refused = requests.hear(id, news).await;
        assert!(matches!(refused, Err(RequestError::NotTheirs)));
    }
    let yes = News::Verdict {
        verdict: Verdict {
            answer: Answer::Approve {
                terms: Terms::default(),
                edited: None,
            },
            content: Digest::of(b"another"),
            spec: Digest::of(b""),
            at: Timestamp::UNIX_EPOCH,
        },
    };
    assert!(matches!(
        requests.hear(id, yes).await,
        Err(RequestError::Step(_))
    ));
    assert_eq!(requests.get(id).await.unwrap().state.word(), "pending");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_answer_or_with_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let requests = Requests::open(folder.path().join("r.jsonl"), SharedHub::default());
    let id = file(&requests, "which?").await;
    let limit = Duration::from_secs(30);
    let waited = requests.wait(id, limit).await.unwrap();
    assert_eq!(waited.state.word(), "pending");
    let (waited, heard) = tokio::join!(
        requests.wait(id, Duration::from_hours(24)),
        requests.hear(id, reply("which?"))
    );
    heard.unwrap();
    assert_eq!(waited.unwrap().state.word(), "answered");
    assert_eq!(requests.wait(99, limit).await, None);
    requests.delivered(id).await.unwrap();
    assert!(requests.get(id).await.unwrap().delivered.is_some());
}

#[tokio::test]
async fn a_file_that_is_mostly_of_the_past_is_made_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    let requests = Requests::open(path.clone(), SharedHub::default());
    let id = file(&requests, "which?").await;
    let entry = |times| Entry {
        id,
        at: Timestamp::UNIX_EPOCH,
        news: News::AskedAgain { times, told: None },
    };
    {
        let mut inner = requests.inner.lock().await;
        for times in 2..50 {
            requests.take(&mut inner, entry(times)).await.unwrap();
        }
    }
    let before = requests.get(id).await;
    drop(requests);
    let again = Requests::open(path.clone(), SharedHub::default());
    assert_eq!(again.get(id).await, before);
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!(lines, 2);
    again.withdraw(id).await.unwrap();
    assert_eq!(again.all().await.len(), 1);
}
