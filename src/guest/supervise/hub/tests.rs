use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::policy::Reason;
use crate::wire::Activity;

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

fn decision(seq: u64, verdict: Verdict) -> RoleReport {
    RoleReport::Decision {
        decision: DecisionRecord {
            seq,
            at: at(i64::try_from(seq).unwrap()),
            method: "CONNECT".to_owned(),
            host: "a.example".to_owned(),
            port: 443,
            verdict,
            request: None,
            wants: None,
        },
    }
}

fn log(text: &str) -> RoleReport {
    RoleReport::Log {
        line: LogLine {
            at: at(0),
            text: text.to_owned(),
        },
    }
}

fn state(state: RoleState) -> RoleReport {
    RoleReport::State { state }
}

fn report(role: Role, report: RoleReport) -> HubToConsole {
    HubToConsole::Report { role, report }
}

const DENIED: Verdict = Verdict::Denied {
    reason: Reason::HostNotAllowed,
};

#[test]
fn a_console_hears_what_is_held_and_then_what_happens() {
    let mut hub = Hub::default();
    hub.hear(Role::Egress, state(RoleState::Ready));
    hub.hear(Role::Egress, decision(1, Verdict::Allowed));
    let (id, _) = hub.listen();
    hub.hear(Role::Egress, decision(2, DENIED));
    let tally = |allowed, denied| HubToConsole::Tally { allowed, denied };
    assert_eq!(
        hub.take(id),
        [
            report(Role::Egress, state(RoleState::Ready)),
            report(Role::Egress, decision(1, Verdict::Allowed)),
            report(Role::Egress, decision(2, DENIED)),
            tally(1, 1),
            HubToConsole::Live,
        ]
    );
    hub.hear(Role::Egress, decision(3, DENIED));
    assert_eq!(
        hub.take(id),
        [report(Role::Egress, decision(3, DENIED)), tally(1, 2)]
    );
    assert_eq!(hub.take(id), []);
}

#[test]
fn a_slow_console_is_told_how_much_it_missed_and_hears_all_again() {
    let mut hub = Hub::default();
    let (slow, _) = hub.listen();
    hub.take(slow);
    let flood = QUEUE + 10;
    for number in 0..flood {
        hub.hear(Role::Agent, log(&number.to_string()));
    }
    let heard = hub.take(slow);
    let count = u64::try_from(flood).unwrap();
    assert_eq!(heard.first(), Some(&HubToConsole::Missed { count }));
    assert_eq!(heard.last(), Some(&HubToConsole::Live));
    assert_eq!(heard.len(), 1 + LINES + 2);
    let newest = report(Role::Agent, log(&(flood - 1).to_string()));
    assert!(heard.contains(&newest));
    hub.hear(Role::Agent, log("after"));
    assert_eq!(hub.take(slow), [report(Role::Agent, log("after"))]);
}

#[test]
fn consoles_do_not_wait_for_each_other() {
    let mut hub = Hub::default();
    let (slow, _) = hub.listen();
    let (quick, _) = hub.listen();
    hub.take(slow);
    hub.take(quick);
    for _ in 0..QUEUE * 2 {
        hub.hear(Role::Agent, log("x"));
        assert_eq!(hub.take(quick).len(), 1);
    }
    hub.leave(quick);
    assert_eq!(hub.take(quick), []);
}

#[test]
fn a_role_is_gone_only_when_its_newest_line_ends() {
    let mut hub = Hub::default();
    let first = hub.line_began(Role::Agent);
    hub.hear(Role::Agent, state(RoleState::Ready));
    let second = hub.line_began(Role::Agent);
    hub.line_ended(Role::Agent, first);
    let (id, _) = hub.listen();
    assert!(
        hub.take(id)
            .contains(&report(Role::Agent, state(RoleState::Ready)))
    );
    hub.line_ended(Role::Agent, second);
    assert_eq!(hub.take(id), [report(Role::Agent, state(RoleState::Gone))]);
}

#[test]
fn decisions_told_again_are_counted_once() {
    let mut hub = Hub::default();
    for _ in 0..3 {
        hub.hear(Role::Egress, decision(1, Verdict::Allowed));
        hub.hear(Role::Egress, decision(2, DENIED));
    }
    assert_eq!((hub.allowed, hub.denied), (1, 1));
    // A log that was lost counts from 1 again, but later.
    let mut fresh = decision(1, DENIED);
    if let RoleReport::Decision { decision } = &mut fresh {
        decision.at = at(100);
    }
    hub.hear(Role::Egress, fresh);
    assert_eq!((hub.allowed, hub.denied), (1, 2));
}

#[test]
fn a_new_session_takes_back_the_end_of_the_old() {
    let mut hub = Hub::default();
    let ended = RoleReport::Ended {
        exit: SessionExit::Code { code: 0 },
    };
    hub.hear(Role::Agent, ended.clone());
    let (id, _) = hub.listen();
    assert!(hub.take(id).contains(&report(Role::Agent, ended)));
    let session = RoleReport::Session {
        report: SessionReport {
            activity: Activity::Idle,
            source: "output".to_owned(),
            waiting_for: None,
            since: at(0),
            last_output: None,
            title: None,
        },
    };
    hub.hear(Role::Agent, session);
    assert_eq!(hub.ended, None);
}

#[test]
fn an_unchanged_state_is_no_news() {
    let mut hub = Hub::default();
    hub.hear(Role::Egress, state(RoleState::Ready));
    let (id, _) = hub.listen();
    hub.take(id);
    hub.hear(Role::Egress, state(RoleState::Ready));
    assert_eq!(hub.take(id), []);
}

#[test]
fn the_newest_usage_is_passed_on_once_and_replayed() {
    let mut hub = Hub::default();
    let used = |requests| RoleReport::Usage {
        usage: Usage {
            requests,
            ..Usage::since(Timestamp::UNIX_EPOCH)
        },
    };
    let said = |messages: Vec<HubToConsole>| {
        let of = |message| {
            let HubToConsole::Report { role, report } = message else {
                return None;
            };
            Some((role, report))
        };
        messages.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    let (early, _) = hub.listen();
    assert_eq!(said(hub.take(early)), []);
    hub.hear(Role::Egress, used(1));
    hub.hear(Role::Egress, used(2));
    hub.hear(Role::Egress, used(2));
    hub.hear(Role::Agent, used(9));
    let heard = [(Role::Egress, used(1)), (Role::Egress, used(2))];
    assert_eq!(said(hub.take(early)), heard);
    let (late, _) = hub.listen();
    assert_eq!(said(hub.take(late)), [(Role::Egress, used(2))]);
}

#[derive(Clone, Debug)]
enum Step {
    Hear(Role, Box<RoleReport>),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop_oneof![Just(Role::Agent), Just(Role::Egress), Just(Role::Supervise)];
    let said = prop_oneof![
        "[a-z]{0,5}".prop_map(|text| log(&text)),
        (0u64..50).prop_map(|seq| decision(seq, DENIED)),
        Just(state(RoleState::Ready)),
        Just(RoleReport::Ping),
    ];
    prop_oneof![
        8 => (role, said).prop_map(|(role, said)| Step::Hear(role, Box::new(said))),
        1 => Just(Step::Take),
    ]
}

proptest! {
    /// Who listened from the start knows as much as who comes later.
    #[test]
    fn early_and_late_consoles_agree_on_the_last_of_everything(
        steps in proptest::collection::vec(step(), 0..120)
    ) {
        let mut hub = Hub::default();
        let (early, _) = hub.listen();
        let mut heard = Vec::new();
        for step in steps {
            match step {
                Step::Hear(role, report) => hub.hear(role, *report),
                Step::Take => heard.extend(hub.take(early)),
            }
        }
        heard.extend(hub.take(early));
        let (late, _) = hub.listen();
        let replay = hub.take(late);
        let tally = |messages: &[HubToConsole]| messages.iter().rev()
            .find(|message| matches!(message, HubToConsole::Tally { .. })).cloned();
        prop_assert_eq!(tally(&heard), tally(&replay));
        for message in replay {
            let live = matches!(message, HubToConsole::Live | HubToConsole::Tally { .. });
            prop_assert!(live || heard.contains(&message), "{:?}", message);
        }
    }
}

#[test]
fn the_newest_hits_are_passed_on_once_and_replayed() {
    let mut hub = Hub::default();
    let counted = |more_refused| RoleReport::Hits {
        hits: Box::new(Hits {
            more_refused,
            ..Hits::since(Timestamp::UNIX_EPOCH)
        }),
    };
    let heard = |hub: &mut Hub, console| {
        let messages = hub.take(console).into_iter();
        let of = |message| {
            let HubToConsole::Report { report, .. } = message else {
                return None;
            };
            Some(report)
        };
        messages.filter_map(of).collect::<Vec<_>>()
    };
    let (early, _) = hub.listen();
    assert_eq!(heard(&mut hub, early), []);
    hub.hear(Role::Egress, counted(1));
    hub.hear(Role::Egress, counted(1));
    hub.hear(Role::Agent, counted(9));
    assert_eq!(heard(&mut hub, early), [counted(1)]);
    let (late, _) = hub.listen();
    assert_eq!(heard(&mut hub, late), [counted(1)]);
}
