use super::*;
use crate::guest::supervise::shared::SharedHub;
use crate::policy::{HostName, HostPattern, Method, Methods, Provenance, Reason, Route, ScanRule};
use crate::request::{Answer, PassAsk, RouteAsk, Verdict as Word};
use crate::spec::Digest;
use crate::wire::{HubToConsole, Role, RoleReport, Verdict};

/// What egress wants of a host: to read it.
fn wants(host: &str) -> RouteAsk {
    let methods = ["GET", "HEAD"].map(|name| Method::parse(name).unwrap());
    RouteAsk {
        host: HostPattern::parse(host).unwrap(),
        ports: vec![443],
        methods: Methods::from(std::collections::BTreeSet::from(methods)),
        paths: Vec::new(),
        websocket: false,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A refused connection, as egress tells it.
fn refusal(seq: u64, host: &str) -> DecisionRecord {
    DecisionRecord {
        seq,
        at: at(i64::try_from(seq).unwrap()),
        method: String::from("CONNECT"),
        host: host.to_owned(),
        port: 443,
        verdict: Verdict::Denied {
            reason: Reason::HostNotAllowed,
        },
        request: None,
        wants: Some(Box::new(Wants::Route(wants(host)))),
    }
}

struct Kept {
    folder: tempfile::TempDir,
    hub: SharedHub,
    requests: Requests,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = SharedHub::default();
        let requests = Requests::open(folder.path().join("r.jsonl"), hub.clone());
        Self {
            folder,
            hub,
            requests,
        }
    }

    /// The hub dies and comes back.
    fn again(self) -> Self {
        let hub = SharedHub::default();
        let requests = Requests::open(self.folder.path().join("r.jsonl"), hub.clone());
        Self {
            hub,
            requests,
            ..self
        }
    }

    async fn refuse(&self, seq: u64, host: &str) {
        self.requests.refused(&refusal(seq, host)).await.unwrap();
    }

    /// The time since the last refusal of each is made long.
    async fn wait(&self) {
        let mut inner = self.requests.inner.lock().await;
        let entries = inner.book.entries().into_iter().map(|mut entry| {
            entry.at = at(0);
            entry
        });
        let mut book = crate::request::Book::default();
        for entry in entries {
            book.apply(&entry).unwrap();
        }
        inner.book = book;
    }

    fn tables(&self, routes: Vec<Route>) {
        let report = RoleReport::Routes {
            generation: 2,
            routes: RouteSet::of(routes),
        };
        self.hub.report(Role::Egress, report);
    }

    /// Each request's state, source and count.
    async fn all(&self) -> Vec<(u64, &'static str, Source, u64)> {
        let all = self.requests.all().await;
        all.iter()
            .map(|one| (one.id, one.state.word(), one.source, one.times))
            .collect()
    }

    fn lines(&self) -> Vec<String> {
        let messages = self.hub.listen().take().into_iter();
        let lines = messages.filter_map(|message| {
            if let HubToConsole::Report {
                report: RoleReport::Log { line },
                ..
            } = message
            {
                return Some(line.text);
            }
            None
        });
        lines.collect()
    }
}

#[tokio::test]
async fn what_is_refused_becomes_one_request_with_a_count() {
    let kept = Kept::new();
    kept.refuse(1, "a.example").await;
    kept.refuse(3, "b.example").await;
    kept.wait().await;
    kept.refuse(4, "a.example").await;
    assert_eq!(
        kept.all().await,
        [
            (1, "pending", Source::Egress, 2),
            (2, "pending", Source::Egress, 1)
        ]
    );
    let record = kept.requests.get(1).await.unwrap();
    assert_eq!(record.ask, Ask::Route(wants("a.example")));
    assert_eq!(record.reason, "");
    // What asks for nothing is none.
    let mut nothing = refusal(5, "c.example");
    nothing.wants = None;
    kept.requests.refused(&nothing).await.unwrap();
    assert_eq!(kept.all().await.len(), 2);
}

#[tokio::test]
async fn a_refusal_that_is_told_again_counts_once_over_any_crash() {
    let mut kept = Kept::new();
    for _ in 0..3 {
        for seq in 1..=4 {
            kept.refuse(seq, if seq == 2 { "b.example" } else { "a.example" })
                .await;
            kept.wait().await;
        }
        assert_eq!(
            kept.all().await,
            [
                (1, "pending", Source::Egress, 3),
                (2, "pending", Source::Egress, 1)
            ]
        );
        kept = kept.again();
    }
    // A log of decisions that was lost begins anew, and later.
    kept.wait().await;
    let mut anew = refusal(1, "a.example");
    anew.at = at(9);
    kept.requests.refused(&anew).await.unwrap();
    assert_eq!(kept.requests.get(1).await.unwrap().times, 4);
}

#[tokio::test]
async fn ten_thousand_hosts_are_a_few_requests_and_take_no_place_from_the_agent() {
    let kept = Kept::new();
    for seq in 1..=10_000 {
        kept.refuse(seq, &format!("h{seq}.example")).await;
    }
    let most = crate::request::Allowance::EGRESS.open;
    assert_eq!(kept.all().await.len(), most);
    let said = kept.lines();
    let overfull = said
        .iter()
        .filter(|line| line.contains("more than is asked for"));
    assert_eq!(overfull.count(), 1);
    let ask = Ask::Question {
        text: String::from("which?"),
        choices: Vec::new(),
    };
    let own = kept.requests.file(ask, String::new(), Source::Agent).await;
    assert_eq!(own.unwrap().id, most as u64 + 1);
    let written = std::fs::metadata(kept.folder.path().join("r.jsonl"));
    assert!(written.unwrap().len() < 16 * 1024);
}

#[tokio::test]
async fn what_the_operator_denied_is_not_asked_again_for_egress() {
    let kept = Kept::new();
    kept.refuse(1, "a.example").await;
    let record = kept.requests.get(1).await.unwrap();
    let verdict = Word {
        answer: Answer::Deny {
            reason: String::new(),
        },
        content: record.digest,
        spec: Digest::of(b""),
        at: at(1),
    };
    let news = News::Verdict { verdict };
    kept.requests.hear(1, news).await.unwrap();
    kept.refuse(2, "a.example").await;
    assert_eq!(kept.all().await, [(1, "denied", Source::Egress, 1)]);
    // The agent may say why it is needed.
    let ask = Ask::Route(wants("a.example"));
    let reason = String::from("the wheels are there");
    let own = kept.requests.file(ask, reason, Source::Agent).await;
    assert_eq!(own.unwrap().id, 2);
}

#[tokio::test]
async fn what_the_agent_asks_for_itself_is_not_asked_for_egress() {
    let kept = Kept::new();
    kept.refuse(1, "a.example").await;
    // In its own words, it stands for both.
    let ask = Ask::Route(wants("a.example"));
    let reason = || String::from("the wheels are there");
    let own = kept.requests.file(ask, reason(), Source::Agent).await;
    let own = own.unwrap();
    assert!(!own.is_again);
    let both = [
        (1, "withdrawn", Source::Egress, 1),
        (2, "pending", Source::Agent, 1),
    ];
    assert_eq!(kept.all().await, both);
    kept.refuse(2, "a.example").await;
    assert_eq!(kept.all().await, both);
    // And what asks for more stands for less.
    let wide = RouteAsk {
        methods: Methods::Any,
        ..wants("b.example")
    };
    let filed = kept
        .requests
        .file(Ask::Route(wide), reason(), Source::Agent);
    filed.await.unwrap();
    kept.refuse(3, "b.example").await;
    assert_eq!(kept.all().await.len(), 3);
}

#[tokio::test]
async fn what_a_route_lets_out_by_now_is_taken_back() {
    let kept = Kept::new();
    kept.refuse(1, "a.example").await;
    kept.refuse(2, "b.example").await;
    let host = HostName::parse("a.example").unwrap();
    kept.tables(vec![Route::to(host, vec![443], Provenance::Operator)]);
    kept.requests.tidy().await.unwrap();
    let left = [
        (1, "withdrawn", Source::Egress, 1),
        (2, "pending", Source::Egress, 1),
    ];
    assert_eq!(kept.all().await, left);
    // An old refusal that comes late asks for nothing.
    kept.refuse(3, "a.example").await;
    assert_eq!(kept.all().await, left);
}

#[tokio::test]
async fn nothing_is_asked_for_that_could_not_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    std::fs::write(&path, "{\"spoilt\"}\n").unwrap();
    let requests = Requests::open(path, SharedHub::default());
    let refused = requests.refused(&refusal(1, "a.example")).await;
    assert!(matches!(refused, Err(RequestError::Unkept)), "{refused:?}");
    assert_eq!(requests.all().await, []);
}

/// What looks like a secret there is to pass, by this rule.
fn pass(rule: &str) -> PassAsk {
    PassAsk {
        host: HostName::parse("a.example").unwrap(),
        port: 443,
        method: Method::parse("POST").unwrap(),
        path: crate::policy::PathPattern::parse("/notes").unwrap(),
        websocket: false,
        rules: [ScanRule::parse(rule).unwrap()].into(),
    }
}

#[tokio::test]
async fn what_the_scanner_stopped_is_one_request_until_a_route_lets_it_pass() {
    let kept = Kept::new();
    for (seq, rule) in [(1, "github-pat"), (2, "gitlab-pat"), (3, "gitlab-pat")] {
        let mut stopped = refusal(seq, "a.example");
        stopped.wants = Some(Box::new(Wants::Pass(pass(rule))));
        kept.requests.refused(&stopped).await.unwrap();
        kept.wait().await;
    }
    let two = [
        (1, "pending", Source::Egress, 1),
        (2, "pending", Source::Egress, 2),
    ];
    assert_eq!(kept.all().await, two);
    let mut route = Route::to(
        HostName::parse("a.example").unwrap(),
        vec![443],
        Provenance::Builtin,
    );
    route.scan_pass = pass("gitlab-pat").rules;
    kept.tables(vec![route]);
    kept.requests.tidy().await.unwrap();
    let one = [
        (1, "pending", Source::Egress, 1),
        (2, "withdrawn", Source::Egress, 2),
    ];
    assert_eq!(kept.all().await, one);
}

#[tokio::test]
async fn no_agent_asks_that_a_secret_may_leave() {
    let kept = Kept::new();
    let ask = Ask::ScanPass(pass("github-pat"));
    let filed = kept.requests.file(ask, String::new(), Source::Agent).await;
    assert!(filed.is_err());
    assert!(kept.all().await.is_empty());
}
