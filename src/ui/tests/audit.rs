//! The page of the audit at every size.

use super::*;
use crate::state::fixture::ago;
use crate::state::{AUDIT_WINDOW, AuditKind, AuditLook, AuditRow, Effect};

fn rows() -> Vec<AuditRow> {
    let told = [
        ("api-k3x9q", AuditKind::Life, "start 3f2a9c1b, ready"),
        ("api-k3x9q", AuditKind::Life, "seal holds"),
        ("api-k3x9q", AuditKind::Yes, "request 1 (route) approved"),
        (
            "api-k3x9q",
            AuditKind::Change,
            "revision 2 by request 1: adds GET pypi.org",
        ),
        (
            "docs-p2m4d",
            AuditKind::No,
            "request 3 (route) denied: use\u{1b}[2J the \u{202e}mirror",
        ),
        (
            "gone-2x4kq",
            AuditKind::Trouble,
            "start 77aa01cd, failed: the build returned 2",
        ),
        ("docs-p2m4d", AuditKind::Access, "attach"),
    ];
    (1..)
        .zip(told)
        .map(|(seq, (bottle, kind, words))| AuditRow {
            seq,
            at: ago(i64::try_from(90 * (9 - seq)).unwrap()),
            bottle: bottle.to_owned(),
            kind,
            words: words.to_owned(),
            facts: vec![
                (String::from("what"), words.to_owned()),
                (String::from("when"), String::from("2026-11-21T14:00:00Z")),
                (
                    String::from("previous"),
                    format!("sha256:{}", "0".repeat(64)),
                ),
            ],
        })
        .collect()
}

fn read(console: &mut Console, effects: &[Effect], look: &AuditLook) {
    for effect in effects {
        if let Effect::ReadAudit { ticket, .. } = effect {
            let (ticket, result) = (*ticket, Ok(Some(Box::new(look.clone()))));
            console.apply(Event::AuditRead { ticket, result });
        }
    }
}

fn look() -> AuditLook {
    AuditLook {
        first: 0,
        rows: rows(),
        passing: 7,
        entries: 7,
        fault: None,
        is_plain: false,
    }
}

fn opened(columns: u16, rows: u16, look: &AuditLook) -> Console {
    let mut console = Console::demo(columns, rows);
    let effects = console.press(&["A"]);
    read(&mut console, &effects, look);
    console
}

#[test]
fn entries_are_rows_and_the_last_is_followed() {
    at_every_size("audit_list", |columns, rows| {
        plain(&opened(columns, rows, &look()))
    });
    let console = opened(120, 40, &look());
    for (name, look) in COLOURLESS {
        insta::assert_snapshot!(
            format!("list_{name}"),
            shot(&console, look, &Screens::new())
        );
    }
}

#[test]
fn a_file_that_is_not_whole_is_said_first() {
    let fault = "line 4 does not follow the one before: lines were changed, added or removed there";
    let look = AuditLook {
        fault: Some(fault.to_owned()),
        ..look()
    };
    at_every_size("audit_fault", |columns, rows| {
        plain(&opened(columns, rows, &look))
    });
}

#[test]
fn a_filter_and_where_one_is_stand_in_the_head() {
    at_every_size("audit_filter", |columns, rows| {
        let mut console = opened(columns, rows, &look());
        console.press(&["/", "r", "e", "q", "["]);
        let effects = console.press(&["enter"]);
        let some = AuditLook {
            passing: 7,
            entries: 1_234,
            is_plain: true,
            ..look()
        };
        read(&mut console, &effects, &some);
        console.press(&["k", "k", "k"]);
        plain(&console)
    });
    insta::assert_snapshot!("typed", {
        let mut console = opened(80, 24, &look());
        console.press(&["/", "s", "e", "a", "l"]);
        plain(&console)
    });
}

#[test]
fn an_entry_is_told_whole() {
    at_every_size("audit_entry", |columns, rows| {
        let mut console = opened(columns, rows, &look());
        console.press(&["enter"]);
        plain(&console)
    });
}

#[test]
fn what_is_not_there_yet_is_an_ellipsis() {
    let mut console = Console::demo(80, 24);
    let effects = console.press(&["A"]);
    insta::assert_snapshot!("reading", plain(&console));
    let far = AuditLook {
        first: 5_000 - AUDIT_WINDOW,
        rows: rows().into_iter().cycle().take(400).collect(),
        passing: 5_000,
        entries: 5_000,
        ..look()
    };
    read(&mut console, &effects, &far);
    console.press(&["g"]);
    insta::assert_snapshot!("far", plain(&console));
}

#[test]
fn an_entry_is_where_it_is_drawn() {
    for (columns, rows) in SIZES {
        let console = opened(columns, rows, &look());
        let (buffer, _) = rendered(&console, COLORS, &Screens::new());
        let mut places = Vec::new();
        for row in 0..rows {
            if let Target::Entry { at } = hit(&console.state, COLORS, 2, row) {
                let text: String = (0..columns).map(|x| buffer[(x, row)].symbol()).collect();
                let bottle = ["api-k3x9q", "docs-p2m4d", "gone-2x4kq"];
                assert!(bottle.iter().any(|id| text.contains(id)), "{text}");
                places.push(at);
            }
        }
        assert!(places.len() > 1 && places.is_sorted(), "{places:?}");
    }
}
