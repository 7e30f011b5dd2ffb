use proptest::prelude::*;

use super::*;
use crate::policy::{HostName, Methods};
use crate::request::{RouteAsk, Scope, Terms};
use crate::spec::Digest;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn route(host: &str) -> Ask {
    Ask::Route(RouteAsk {
        host: HostName::parse(host).unwrap().into(),
        ports: vec![443],
        methods: Methods::Any,
        paths: Vec::new(),
        websocket: false,
    })
}

fn question() -> Ask {
    Ask::Question {
        text: String::from("which?"),
        choices: Vec::new(),
    }
}

fn verdict(ask: &Ask, answer: Answer) -> Verdict {
    Verdict {
        answer,
        content: ask.digest().unwrap(),
        spec: Digest::of(b"spec"),
        at: at(50),
    }
}

fn yes(ask: &Ask) -> News {
    let answer = Answer::Approve {
        terms: Terms::default(),
        edited: None,
    };
    News::Verdict {
        verdict: verdict(ask, answer),
    }
}

fn no(ask: &Ask) -> News {
    let reason = String::from("no");
    News::Verdict {
        verdict: verdict(ask, Answer::Deny { reason }),
    }
}

fn applied(revision: u32) -> News {
    News::Applied {
        outcome: Outcome {
            revision,
            words: String::from("adds it"),
            at: at(60),
        },
    }
}

/// Files it and gives its number.
fn file(book: &mut Book, ask: Ask, when: i64) -> u64 {
    let filing = book.file(ask, String::new(), Source::Agent, at(when));
    let filing = filing.unwrap();
    book.apply(&filing.entry).unwrap();
    filing.id
}

/// Takes a step; says whether it was news.
fn take(book: &mut Book, id: u64, news: News) -> Result<bool, StepProblem> {
    let entry = book.step(id, at(70), news)?;
    if let Some(entry) = &entry {
        book.apply(entry)?;
    }
    Ok(entry.is_some())
}

fn word(book: &Book, id: u64) -> &'static str {
    book.get(id).unwrap().state.word()
}

#[test]
fn the_same_again_folds_until_it_is_over() {
    let mut book = Book::default();
    let id = file(&mut book, route("a.example"), 1);
    assert_eq!(file(&mut book, route("a.example"), 2), id);
    let record = book.get(id).unwrap();
    assert_eq!((record.times, record.first, record.last), (2, at(1), at(2)));
    take(&mut book, id, no(&route("a.example"))).unwrap();
    assert_ne!(file(&mut book, route("a.example"), 3), id);
}

#[test]
fn a_bottle_can_ask_only_so_much() {
    let agent = Allowance {
        open: 2,
        filed: 3,
        window: Duration::from_secs(10),
        kept: 500,
    };
    let limits = Limits {
        agent,
        ..Limits::default()
    };
    let mut book = Book::new(limits);
    let first = file(&mut book, route("a.example"), 0);
    let second = file(&mut book, route("b.example"), 0);
    let refused = |book: &Book, when| {
        book.file(route("x.example"), String::new(), Source::Agent, at(when))
            .unwrap_err()
    };
    assert_eq!(refused(&book, 0), FileProblem::TooManyOpen { open: 2 });
    take(&mut book, first, News::Withdrawn).unwrap();
    take(&mut book, second, News::Expired).unwrap();
    let third = file(&mut book, route("c.example"), 9);
    take(&mut book, third, News::Withdrawn).unwrap();
    assert!(matches!(refused(&book, 9), FileProblem::TooOften { .. }));
    // A clock that was set back opens nothing.
    assert!(matches!(refused(&book, -99), FileProblem::TooOften { .. }));
    assert_eq!(file(&mut book, route("d.example"), 10), 4);
}

#[test]
fn of_those_that_are_over_the_oldest_is_forgotten_and_no_number_comes_twice() {
    let agent = Allowance {
        kept: 2,
        ..Allowance::AGENT
    };
    let limits = Limits {
        agent,
        ..Limits::default()
    };
    let mut book = Book::new(limits);
    let open = file(&mut book, route("a.example"), 1);
    let over = file(&mut book, route("b.example"), 2);
    take(&mut book, over, News::Withdrawn).unwrap();
    let third = file(&mut book, route("c.example"), 3);
    let kept: Vec<u64> = book.requests().map(|one| one.id).collect();
    assert_eq!(kept, [open, third]);
    let old = Entry {
        id: over,
        at: at(4),
        news: News::Filed {
            ask: route("d.example"),
            reason: String::new(),
            source: Source::Agent,
            told: None,
        },
    };
    assert!(book.apply(&old).is_err());
}

#[test]
fn a_verdict_counts_only_for_what_was_shown() {
    let mut book = Book::default();
    let id = file(&mut book, route("a.example"), 1);
    let other = take(&mut book, id, yes(&route("b.example")));
    assert_eq!(
        other,
        Err(StepProblem::Verdict(VerdictProblem::Changed { id }))
    );
    assert_eq!(word(&book, id), "pending");
    // An edit must stay what it was, and be something that can be granted.
    let edited = |edited| News::Verdict {
        verdict: verdict(
            &route("a.example"),
            Answer::Approve {
                terms: Terms {
                    scope: Scope::Manifest,
                    ..Terms::default()
                },
                edited: Some(edited),
            },
        ),
    };
    let image = Ask::Image {
        dockerfile: String::from("FROM x"),
    };
    assert!(take(&mut book, id, edited(image)).is_err());
    assert!(take(&mut book, id, edited(route("c.example"))).unwrap());
    let (granted, _) = book.get(id).unwrap().granted().unwrap();
    assert_eq!(*granted, route("c.example"));
}

#[test]
fn questions_are_replied_to_and_changes_are_approved() {
    let mut book = Book::default();
    let change = file(&mut book, route("a.example"), 1);
    let asked = file(&mut book, question(), 1);
    let text = String::from("the left one");
    let reply = |ask: &Ask| News::Verdict {
        verdict: verdict(ask, Answer::Reply { text: text.clone() }),
    };
    assert!(take(&mut book, change, reply(&route("a.example"))).is_err());
    assert!(take(&mut book, asked, yes(&question())).is_err());
    assert!(take(&mut book, asked, reply(&question())).unwrap());
    assert_eq!(word(&book, asked), "answered");
}

#[test]
fn what_is_said_twice_happens_once() {
    let mut book = Book::default();
    let id = file(&mut book, route("a.example"), 1);
    for (news, state) in [
        (yes(&route("a.example")), "approved"),
        (News::Applying, "applying"),
        (applied(2), "applied"),
        (News::Delivered, "applied"),
    ] {
        assert!(take(&mut book, id, news.clone()).unwrap(), "{state}");
        assert_eq!(word(&book, id), state);
        assert!(!take(&mut book, id, news).unwrap(), "{state}");
    }
    assert!(take(&mut book, id, applied(3)).is_err());
    // Taking it back is news for the agent again.
    assert!(take(&mut book, id, News::Undone).unwrap());
    assert_eq!(book.get(id).unwrap().delivered, None);
}

/// One thing that somebody says of a request, in any order and as often as they like.
fn anything() -> impl Strategy<Value = (u64, News)> {
    let hosts = ["a.example", "b.example", "c.example"];
    let host = prop::sample::select(hosts.to_vec());
    let news = prop_oneof![
        host.clone().prop_map(|host| yes(&route(host))),
        host.prop_map(|host| no(&route(host))),
        Just(News::Applying),
        (1_u32..4).prop_map(applied),
        Just(News::Failed {
            why: String::from("it broke")
        }),
        Just(News::Undone),
        Just(News::Expired),
        Just(News::Withdrawn),
        Just(News::Delivered),
    ];
    (1_u64..8, news)
}

#[derive(Clone, Debug)]
enum Act {
    File(&'static str),
    Say(u64, Box<News>),
    /// Everything but what was written down is lost, and so is what was being written.
    Crash(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => prop::sample::select(vec!["a.example", "b.example", "c.example"]).prop_map(Act::File),
        6 => anything().prop_map(|(id, news)| Act::Say(id, Box::new(news))),
        1 => any::<bool>().prop_map(Act::Crash),
    ]
}

fn replay(entries: &[Entry]) -> Book {
    let mut book = Book::default();
    for entry in entries {
        book.apply(entry).unwrap();
    }
    book
}

/// Counts what was written of one request.
fn count(entries: &[Entry], id: u64, is: impl Fn(&News) -> bool) -> usize {
    let of = |entry: &&Entry| entry.id == id && is(&entry.news);
    entries.iter().filter(of).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is said in whatever order, again and again, over crashes between writing
    /// down and applying: nothing is applied without a yes to that very content, nothing
    /// twice, nothing is lost, and no time approves anything.
    #[test]
    fn no_order_of_events_breaks_the_rules(acts in prop::collection::vec(act(), 1..80)) {
        let mut written: Vec<Entry> = Vec::new();
        let mut book = Book::default();
        let mut filed = Vec::new();
        for act in acts {
            let entry = match act {
                Act::File(host) => {
                    let filing = book.file(route(host), String::new(), Source::Agent, at(1));
                    filing.ok().map(|filing| {
                        filed.push(filing.id);
                        filing.entry
                    })
                }
                Act::Say(id, news) => book.step(id, at(2), *news).ok().flatten(),
                Act::Crash(was_writing) => {
                    if was_writing {
                        // It was written, and nobody was told.
                        if let Ok(Some(entry)) = book.step(1, at(3), News::Expired) {
                            written.push(entry);
                        }
                    }
                    book = replay(&written);
                    None
                }
            };
            if let Some(entry) = entry {
                written.push(entry.clone());
                book.apply(&entry).unwrap();
            }
        }
        prop_assert_eq!(&replay(&written), &book);
        // The short form says the same.
        let short = replay(&book.entries());
        prop_assert!(short.requests().eq(book.requests()));
        for id in filed {
            let record = book.get(id);
            prop_assert!(record.is_some(), "request {} is lost", id);
            let record = record.unwrap();
            let applications = count(&written, id, |news| matches!(news, News::Applied { .. }));
            let verdicts = count(&written, id, |news| matches!(news, News::Verdict { .. }));
            prop_assert!(applications <= 1 && verdicts <= 1);
            if let Some(verdict) = record.state.verdict() {
                prop_assert_eq!(verdict.content, record.digest);
            }
            let changed = matches!(
                record.state,
                RequestState::Applying { .. } | RequestState::Applied { .. } | RequestState::Undone { .. }
            );
            prop_assert!(!changed || record.granted().is_some());
        }
    }
}

#[test]
fn neither_source_takes_the_place_of_the_other() {
    let small = Allowance {
        open: 2,
        filed: 3,
        window: Duration::from_secs(10),
        kept: 2,
    };
    let limits = Limits {
        agent: small,
        egress: small,
    };
    let mut book = Book::new(limits);
    let told = |seq| Told { seq, at: at(0) };
    let refuse = |book: &mut Book, seq, host: &str| {
        let filing = book.file_refused(route(host), told(seq), at(0))?;
        book.apply(&filing.entry).unwrap();
        Ok::<u64, FileProblem>(filing.id)
    };
    let first = refuse(&mut book, 1, "a.example").unwrap();
    refuse(&mut book, 2, "b.example").unwrap();
    let full = refuse(&mut book, 3, "c.example");
    assert_eq!(full, Err(FileProblem::TooManyOpen { open: 2 }));
    // The agent has room, and what it asks for itself does not fold into the other's.
    let own = file(&mut book, route("a.example"), 0);
    assert_ne!(own, first);
    assert_eq!(file(&mut book, route("a.example"), 0), own);
    assert_eq!(refuse(&mut book, 4, "a.example"), Ok(first));
    take(&mut book, own, News::Withdrawn).unwrap();
    // Nor are its answers forgotten for what egress asks.
    take(&mut book, first, News::Withdrawn).unwrap();
    refuse(&mut book, 5, "d.example").unwrap();
    let kept: Vec<u64> = book.requests().map(|one| one.id).collect();
    assert_eq!(kept, [2, own, own + 1]);
}

#[test]
fn the_newest_refusal_that_counted_is_known_again() {
    let mut book = Book::default();
    let told = |seq, second| Told {
        seq,
        at: at(second),
    };
    for (seq, second) in [(1, 7), (5, 3)] {
        let filing = book.file_refused(route("a.example"), told(seq, second), at(0));
        book.apply(&filing.unwrap().entry).unwrap();
    }
    assert_eq!(book.told(), Some(told(5, 7)));
    file(&mut book, route("b.example"), 1);
    let short = replay(&book.entries());
    assert_eq!(short.told(), book.told());
    assert!(told(5, 7).is_covered_by(told(5, 7)));
    assert!(told(2, 9).is_covered_by(told(5, 9)));
    // A count that began anew, later, and one that goes on.
    assert!(!told(1, 8).is_covered_by(told(5, 7)));
    assert!(!told(6, 1).is_covered_by(told(5, 7)));
}
