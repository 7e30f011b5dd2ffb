//! What stays true whatever happens, in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::fixture::*;
use super::super::*;
use crate::request::RequestState;
use crate::wire::{Activity, HubToConsole, RoleReport};

const IDS: [&str; 3] = ["a-2", "b-2", "c-2"];

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&IDS[..])
}

fn container() -> impl Strategy<Value = ContainerState> {
    prop_oneof![
        4 => Just(ContainerState::Running),
        1 => Just(ContainerState::Created),
        1 => Just(ContainerState::Paused),
        1 => Just(ContainerState::Dead),
        2 => Just(ContainerState::Exited { code: Some(0) }),
        1 => Just(ContainerState::Exited { code: Some(1) }),
    ]
}

fn keys() -> impl Strategy<Value = Event> {
    let names = vec![
        "j", "k", "g", "G", "enter", "esc", "f", "tab", "1", "2", "3", "4", "l", "e", "s", "x",
        "y", "n", "r", "d", "/", "space", "?", "w", "z", "V", "*", "p", "C", "R", "!", "q",
        "ctrl-q", "ctrl-]", "|", "tab", "ctrl-\\", "v", "y", "right", "pgup", "a", "E", "o", "+",
        "h", "i", "I", "t", "u", "b", "left", "c", "5", "-", "Z", "m", "$", "N", "&", "v", "W",
        "Y", "ctrl-s", "0", "6", "M", "A", "B", "K", "J", "pgdn", ":", "ctrl-k", "S",
    ];
    prop::sample::select(names).prop_map(|name| Event::Key { key: key(name) })
}

fn fleet() -> impl Strategy<Value = Event> {
    let sightings = prop::collection::btree_map(id(), container(), 0..3).prop_map(|bottles| {
        FleetEvent::Sightings {
            engine: engine(),
            bottles: bottles
                .into_iter()
                .map(|(id, state)| sighting(id, 9, state))
                .collect(),
        }
    });
    let changed = (id(), container()).prop_map(|(id, state)| FleetEvent::Changed {
        sighting: sighting(id, 9, state),
    });
    let gone = id().prop_map(|id| FleetEvent::Gone { bottle: bottle(id) });
    let lost = Just(FleetEvent::EngineLost {
        engine: engine(),
        why: String::from("refused"),
    });
    let back = Just(FleetEvent::EngineBack { engine: engine() });
    prop_oneof![2 => sightings, 4 => changed, 2 => gone, 1 => lost, 1 => back]
        .prop_map(|fleet| Event::Fleet { fleet })
}

fn asked_for() -> impl Strategy<Value = Event> {
    (id(), 1_u64..4, 0..3).prop_map(|(id, number, how)| {
        let state = if how == 0 {
            RequestState::Withdrawn { at: now() }
        } else {
            RequestState::Pending
        };
        let host = if how == 1 { "a.test" } else { "b.test" };
        let request = Box::new(record(number, route_ask(host), 9, state));
        Event::Hub {
            bottle: bottle(id),
            message: HubToConsole::Report {
                role: Role::Supervise,
                report: RoleReport::Request { request },
            },
        }
    })
}

fn hub() -> impl Strategy<Value = Event> {
    let activity = prop::sample::select(vec![
        Activity::Starting,
        Activity::Working,
        Activity::Waiting,
        Activity::Idle,
    ]);
    let said = |message: HubToConsole| {
        move |id: &'static str| Event::Hub {
            bottle: bottle(id),
            message: message.clone(),
        }
    };
    let report = (id(), activity).prop_map(|(id, activity)| Event::Hub {
        bottle: bottle(id),
        message: HubToConsole::Report {
            role: Role::Agent,
            report: RoleReport::Session {
                report: session(activity, 4),
            },
        },
    });
    let broken = id().prop_map(|id| Event::Hub {
        bottle: bottle(id),
        message: HubToConsole::Report {
            role: Role::Agent,
            report: seal(false),
        },
    });
    let down = id().prop_map(|id| Event::HubDown {
        bottle: bottle(id),
        why: String::from("broke"),
    });
    let decided = (id(), 1_u64..40, any::<bool>()).prop_map(|(id, seq, is_refused)| {
        let refused = is_refused.then_some(crate::policy::Reason::PathNotAllowed);
        let decision = DecisionRecord {
            seq,
            at: ago(i64::try_from(seq % 7).unwrap_or(0)),
            ..asked("GET", "a.test", "/x", refused)
        };
        Event::Hub {
            bottle: bottle(id),
            message: HubToConsole::Report {
                role: Role::Egress,
                report: RoleReport::Decision { decision },
            },
        }
    });
    let counted = id().prop_map(|id| Event::Hub {
        bottle: bottle(id),
        message: HubToConsole::Report {
            role: Role::Egress,
            report: RoleReport::Hits {
                hits: Box::new(hits(&routes_in_force())),
            },
        },
    });
    prop_oneof![
        3 => asked_for(),
        4 => report,
        3 => decided,
        1 => counted,
        1 => broken,
        1 => down,
        1 => id().prop_map(said(HubToConsole::Hello { version: 1 })),
        1 => id().prop_map(said(HubToConsole::Live)),
        1 => id().prop_map(said(HubToConsole::Tally { allowed: 3, denied: 1 })),
    ]
}

fn sessions() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => id().prop_map(|id| Event::Attached { bottle: bottle(id) }),
        1 => id().prop_map(|id| Event::Detached { bottle: bottle(id), why: None }),
        1 => id().prop_map(|id| Event::Detached {
            bottle: bottle(id),
            why: Some(String::from("broke")),
        }),
        1 => id().prop_map(|id| Event::AttachFailed { bottle: bottle(id), why: String::new() }),
        1 => id().prop_map(|id| Event::SessionEnded {
            bottle: bottle(id),
            exit: SessionExit::Code { code: 0 },
        }),
        1 => id().prop_map(|id| Event::PreviewEnded { bottle: bottle(id), why: String::new() }),
        1 => id().prop_map(|id| Event::ScreenChanged { bottle: bottle(id), scrollback: 7 }),
        1 => id().prop_map(|id| Event::AttachAsked { bottle: bottle(id), full: true }),
    ]
}

fn operations() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(vec![
        OperationKind::Start,
        OperationKind::Stop,
        OperationKind::Resume,
        OperationKind::Remove,
        OperationKind::Change,
        OperationKind::Restart,
        OperationKind::Freeze,
        OperationKind::Unfreeze,
        OperationKind::Cut,
        OperationKind::Reconnect,
    ]);
    let news = prop_oneof![
        Just(OperationNews::Began),
        Just(OperationNews::Step {
            what: String::from("step"),
            is_build: true,
            done: 1,
            of: 2,
            is_output: true,
            can_cancel: true,
        }),
        Just(OperationNews::Cancelled),
        Just(OperationNews::Ended { outcome: Ok(()) }),
        Just(OperationNews::Ended {
            outcome: Err(String::from("no"))
        }),
    ];
    (kind, id(), news).prop_map(|(kind, id, news)| operation(kind, id, news))
}

/// What is read of bottles.
fn read() -> impl Strategy<Value = Event> {
    let sampled = (id(), 0..9_000_u32, any::<u64>()).prop_map(|(id, cpu, memory)| Event::Sampled {
        samples: vec![sample(id, Some(cpu), memory)],
    });
    let templates = prop::sample::select(vec!["rust", "go", ""]);
    let templates = (id(), templates).prop_map(|(id, template)| Event::Templates {
        templates: vec![(bottle(id), template.to_owned())],
    });
    prop_oneof![sampled, templates]
}

fn log_news() -> impl Strategy<Value = LogNews> {
    let extent =
        (0_u64..40, 0_u64..40, any::<bool>()).prop_map(|(first, count, reads)| LogExtent {
            first,
            end: first + count,
            lines: first + count,
            history: if reads {
                LogHistory::Reading { lines: 7 }
            } else {
                LogHistory::LeftOut { lines: first }
            },
            filtering: reads.then_some(40),
        });
    let lines = (0_u64..3, 0_u64..60, 0_usize..30, extent.clone()).prop_map(
        |(era, first, count, extent)| LogNews::Lines {
            era,
            first,
            rows: (first..).take(count).map(hostile_row).collect(),
            extent,
        },
    );
    let moved =
        (0_u64..3, 0_u64..60, 0_u64..60, extent.clone()).prop_map(|(era, from, to, extent)| {
            LogNews::Moved {
                era,
                from,
                to,
                added: to,
                extent,
            }
        });
    let sought =
        (0_u64..3, prop::option::of((0_u64..90, 1_u64..9))).prop_map(|(era, at)| LogNews::Sought {
            era,
            at,
            is_round: true,
        });
    let ended = any::<bool>().prop_map(|breaks| LogNews::Ended {
        role: Role::Agent,
        why: breaks.then(|| String::from("broke")),
    });
    let copied = Just(LogNews::Copied {
        text: String::from("x\n"),
        lines: 1,
        left_out: 2,
    });
    let hits = Just(LogNews::Hits {
        hits: LogHits {
            total: 9,
            percent: Some(3),
            is_plain: true,
        },
    });
    let grew = (0_u64..3, extent).prop_map(|(era, extent)| LogNews::Grew { era, extent });
    prop_oneof![4 => lines, 2 => moved, 2 => sought, 1 => ended, 1 => copied, 1 => hits, 2 => grew]
}

fn hostile_row(line: u64) -> LogRow {
    LogRow {
        line,
        at: now(),
        role: Role::Agent,
        is_error: true,
        text: "\u{1b}[31m\u{202e}x".repeat(usize::try_from(line).unwrap()),
        paint: vec![Paint {
            from: 3,
            to: 9,
            kind: PaintKind::Hit,
        }],
    }
}

fn others() -> impl Strategy<Value = Event> {
    let log = (0_u64..6, log_news()).prop_map(|(ticket, news)| {
        let news = Box::new(news);
        Event::Log { ticket, news }
    });
    let agents = Just(Event::Agents {
        offers: vec![offer("api", None), offer("old", Some("broken"))],
        problem: Some(String::from("a file is broken")),
    });
    let plan = Just(Event::Plan {
        agent: String::from("api"),
        result: Ok(PlanSummary { rows: Vec::new() }),
    });
    let spec = id().prop_map(|id| Event::SpecLoaded {
        bottle: bottle(id),
        result: Ok(Box::new(spec())),
        manifest: Some(String::from("differs: +1 route (you)")),
    });
    let tick = (0_i64..100).prop_map(|seconds| Event::Tick { now: ago(-seconds) });
    let resize = (0_u16..220, 0_u16..60).prop_map(|(columns, rows)| Event::Resize {
        size: TerminalSize { columns, rows },
    });
    let secret = prop::sample::select(vec![
        Event::SecretAsked {
            agent: String::from("api"),
            what: String::from("token"),
        },
        Event::SecretTyped { length: 3 },
        Event::SecretDone,
    ]);
    let row = RowName {
        bottle: bottle("a-2"),
        sidecar: Some(Role::Egress),
    };
    let pointer = prop::sample::select(vec![
        Target::Row { row },
        Target::List,
        Target::Detail,
        Target::Tab { tab: Tab::Logs },
        Target::Need {
            bottle: bottle("b-2"),
            is_request: false,
        },
        Target::Need {
            bottle: bottle("a-2"),
            is_request: true,
        },
        Target::Inbox { at: 1 },
        Target::Offer { at: 1 },
        Target::Decision { at: 2 },
        Target::Modal,
    ]);
    let action = prop::sample::select(vec![
        PointerAction::Press,
        PointerAction::WheelUp,
        PointerAction::WheelDown,
    ]);
    let pointer = (action, pointer).prop_map(|(action, target)| Event::Pointer {
        pointer: Pointer { action, target },
    });
    prop_oneof![log, agents, plan, spec, tick, resize, secret, pointer]
}

/// Anything that can happen to a console of three bottles.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![10 => keys(), 4 => fleet(), 3 => hub(), 3 => sessions(), 3 => operations(), 3 => others(), 1 => read()]
}

/// Lines that stand, counted from the effects alone.
#[derive(Default)]
struct Standing(BTreeMap<String, bool>);

impl Standing {
    /// Opens or closes a line; each must be what it was not.
    fn turn(&mut self, name: &str, on: bool) -> Result<(), TestCaseError> {
        let was = self.0.insert(name.to_owned(), on).unwrap_or(false);
        prop_assert!(
            was != on,
            "{} was {} already",
            name,
            if on { "open" } else { "closed" }
        );
        Ok(())
    }

    /// The app's word that a line is gone.
    fn gone(&mut self, name: &str) {
        self.0.insert(name.to_owned(), false);
    }
}

/// The app answers a line's end itself, so that it may be asked for again.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the few that matter here, whatever is added"
)]
fn note_ends(standing: &mut Standing, state: &State, event: &Event) {
    match event {
        Event::PreviewEnded { bottle, .. } => standing.gone(&format!("preview {}", bottle.id)),
        Event::SessionEnded { bottle, .. } => {
            standing.gone(&format!("preview {}", bottle.id));
            if state.attached() == Some(bottle) {
                standing.gone(&format!("session {}", bottle.id));
            }
        }
        Event::AttachFailed { bottle, .. } if state.attached() == Some(bottle) => {
            standing.gone(&format!("session {}", bottle.id));
        }
        Event::Detached { bottle, why }
            if state.attached() == Some(bottle) && (why.is_some() || state.has_open_session()) =>
        {
            standing.gone(&format!("session {}", bottle.id));
        }
        _ => {}
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the few that matter here, whatever is added"
)]
fn check_effect(
    standing: &mut Standing,
    before: &State,
    after: &State,
    effect: &Effect,
) -> Result<(), TestCaseError> {
    match effect {
        Effect::WatchHub { bottle } => standing.turn(&format!("hub {}", bottle.id), true)?,
        Effect::UnwatchHub { bottle } => standing.turn(&format!("hub {}", bottle.id), false)?,
        Effect::Preview { bottle } => standing.turn(&format!("preview {}", bottle.id), true)?,
        Effect::ClosePreview { bottle } => {
            standing.turn(&format!("preview {}", bottle.id), false)?;
        }
        Effect::Attach { bottle, .. } => {
            standing.turn(&format!("session {}", bottle.id), true)?;
            let known = after.fleet.get(bottle);
            prop_assert!(
                known.is_some_and(Bottle::has_session),
                "attached to no session"
            );
        }
        Effect::Sample { bottles } => {
            for bottle in bottles {
                let known = before.fleet.get(bottle);
                prop_assert!(known.is_some_and(Bottle::is_sampled), "nothing of it runs");
            }
        }
        Effect::Detach { bottle } => standing.turn(&format!("session {}", bottle.id), false)?,
        Effect::Stop { bottle } | Effect::Resume { bottle } | Effect::Remove { bottle } => {
            let busy = before
                .fleet
                .get(bottle)
                .is_some_and(|known| known.operation.is_some());
            prop_assert!(!busy, "two operations on one bottle");
        }
        _ => {}
    }
    Ok(())
}

fn check_state(state: &State) -> Result<(), TestCaseError> {
    let rows = state.listed();
    let chosen = rows.get(state.view.selected_at);
    let (selected, group) = (&state.view.selected, state.view.group.as_deref());
    prop_assert_eq!(selected.as_ref(), chosen.and_then(ListRow::bottle));
    prop_assert_eq!(group, chosen.and_then(ListRow::group));
    prop_assert_eq!(selected.is_none() && group.is_none(), rows.is_empty());
    for bottle in state.fleet.bottles() {
        prop_assert_eq!(&bottle.derive_phase(), &bottle.phase);
    }
    let decided = &state.view.decided;
    for height in [1, 10] {
        let first = decided.first_in_sight(height);
        if let Some(selected) = decided.selected_at() {
            prop_assert!(selected < decided.rows().len());
            prop_assert!(first <= selected, "the selected is above what is in sight");
            prop_assert!(selected < first + height, "it is below");
        }
    }
    let ats: Vec<_> = decided.rows().iter().map(|row| row.decision.at).collect();
    prop_assert!(ats.is_sorted(), "decisions are listed by time");
    if let Some(attached) = state.attached() {
        prop_assert!(state.fleet.get(attached).is_some(), "attached to nothing");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(events in prop::collection::vec(event(), 0..80)) {
        let mut state = Console::new(120, 40).state;
        let mut standing = Standing::default();
        for event in events {
            let before = state.clone();
            note_ends(&mut standing, &before, &event);
            let effects = state.apply(event.clone());
            for effect in &effects {
                check_effect(&mut standing, &before, &state, effect)?;
            }
            check_state(&state)?;
            prop_assert!(state.revision() >= before.revision());
        }
    }

    #[test]
    fn the_same_events_give_the_same_state(events in prop::collection::vec(event(), 0..40)) {
        let text = serde_json::to_string(&events).unwrap();
        let told: Vec<Event> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&told, &events);
        let run = |events: Vec<Event>| {
            let mut state = Console::new(80, 24).state;
            let effects: Vec<Effect> = events.into_iter().flat_map(|event| state.apply(event)).collect();
            (serde_json::to_string(&state).unwrap(), effects)
        };
        prop_assert_eq!(run(told), run(events));
    }
}
