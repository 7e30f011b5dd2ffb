use crate::policy::Reason;
use crate::wire::{Hits, HoldEnd, HoldRecord, Usage, Verdict};

use super::*;

fn decision(seq: u64) -> DecisionRecord {
    DecisionRecord {
        seq,
        at: Timestamp::UNIX_EPOCH,
        method: "CONNECT".to_owned(),
        host: "a.example".to_owned(),
        port: 443,
        verdict: Verdict::Denied {
            reason: Reason::HostNotAllowed,
        },
        request: None,
        wants: None,
    }
}

fn all(outbox: &mut Outbox) -> Vec<RoleReport> {
    std::iter::from_fn(|| outbox.take()).collect()
}

#[test]
fn what_overflows_is_counted_and_the_newest_is_kept() {
    let mut outbox = Outbox::default();
    for seq in 0..DECISIONS as u64 + 3 {
        outbox.decide(decision(seq));
    }
    let reports = all(&mut outbox);
    assert_eq!(reports.len(), DECISIONS + 1);
    assert_eq!(
        reports.first(),
        Some(&RoleReport::Decision {
            decision: decision(3)
        })
    );
    assert!(
        matches!(reports.last(), Some(RoleReport::Log { line }) if line.text.starts_with("3 reports")),
        "{:?}",
        reports.last()
    );
}

#[test]
fn a_new_line_begins_with_all_that_is_held() {
    let mut outbox = Outbox {
        state: Some(RoleState::Ready),
        ..Outbox::default()
    };
    outbox.decide(decision(1));
    let told = vec![
        RoleReport::State {
            state: RoleState::Ready,
        },
        RoleReport::Decision {
            decision: decision(1),
        },
    ];
    outbox.begin();
    assert_eq!(all(&mut outbox), told);
    assert_eq!(all(&mut outbox), []);
    outbox.begin();
    assert_eq!(all(&mut outbox), told);
}

async fn next(reader: &mut LineReader<UnixStream>) -> RoleReport {
    let Some(Frame::Message(payload)) = reader.next().await.unwrap() else {
        panic!("a message")
    };
    Frame::parse(&payload).unwrap()
}

#[tokio::test]
async fn a_hub_that_restarts_is_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let (reporter, line, _orders) = hub_line(Role::Egress, path.clone());
    let pump = tokio::spawn(line.run());
    reporter.state(RoleState::Ready);
    reporter.decisions(vec![decision(7)]);
    for _ in 0..2 {
        let hub = super::super::bind_door(&path, 0o600).unwrap();
        let (stream, _) = hub.accept().await.unwrap();
        let mut reader = LineReader::new(stream);
        assert_eq!(
            next(&mut reader).await,
            RoleReport::Hello {
                version: VERSION,
                role: Role::Egress
            }
        );
        assert_eq!(
            next(&mut reader).await,
            RoleReport::State {
                state: RoleState::Ready
            }
        );
        assert_eq!(
            next(&mut reader).await,
            RoleReport::Decision {
                decision: decision(7)
            }
        );
    }
    pump.abort();
}

fn hold(id: u64, waiting: u32) -> RoleReport {
    RoleReport::Held {
        hold: HoldRecord {
            id,
            at: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            host: "a.example".to_owned(),
            port: 443,
            waiting,
            request: None,
        },
    }
}

#[test]
fn what_is_still_true_is_told_again_and_what_is_over_is_not() {
    let mut outbox = Outbox::default();
    let over = RoleReport::HoldOver {
        id: 1,
        how: HoldEnd::Expired,
    };
    let told = [hold(1, 1), hold(2, 1), hold(2, 2), over];
    for report in told.clone() {
        outbox.tell(report);
    }
    assert_eq!(all(&mut outbox), told);
    outbox.begin();
    assert_eq!(all(&mut outbox), [hold(2, 2)]);
}

#[tokio::test]
async fn the_role_hears_what_the_hub_passes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.sock");
    let hub = super::super::bind_door(&path, 0o600).unwrap();
    let (_reporter, line, mut orders) = hub_line(Role::Egress, path);
    let pump = tokio::spawn(line.run());
    let (stream, _) = hub.accept().await.unwrap();
    let order = ToEgress::Routes {
        generation: 2,
        routes: crate::policy::RouteSet::NONE,
        prices: None,
    };
    let mut hub = LineWriter::new(stream);
    hub.message(&order).await.unwrap();
    assert_eq!(orders.recv().await, Some(order));
    pump.abort();
}

#[test]
fn of_what_was_used_only_the_newest_waits_and_it_is_told_to_a_new_hub() {
    let mut outbox = Outbox::default();
    let used = |requests| RoleReport::Usage {
        usage: Usage {
            requests,
            ..Usage::since(Timestamp::UNIX_EPOCH)
        },
    };
    outbox.tell(used(1));
    outbox.tell(used(2));
    assert_eq!(all(&mut outbox), [used(2)]);
    outbox.begin();
    assert_eq!(all(&mut outbox), [used(2)]);
}

#[test]
fn of_what_was_let_out_only_the_newest_waits_and_it_is_told_to_a_new_hub() {
    let mut outbox = Outbox::default();
    let counted = |more_refused| RoleReport::Hits {
        hits: Box::new(Hits {
            more_refused,
            ..Hits::since(Timestamp::UNIX_EPOCH)
        }),
    };
    outbox.tell(counted(1));
    outbox.tell(counted(2));
    assert_eq!(all(&mut outbox), [counted(2)]);
    outbox.begin();
    assert_eq!(all(&mut outbox), [counted(2)]);
}
