//! Questions about several bottles, or about all.

use super::super::clock;
use super::super::look::Look;
use super::Content;
use super::lines::question;
use crate::state::{BottleRef, OperationKind, Standing, State};

/// Whether something is to be done to these bottles.
pub(super) fn all(
    state: &State,
    look: Look,
    widest: u16,
    kind: OperationKind,
    (bottles, left_out): (&[BottleRef], usize),
) -> Content {
    let text = all_text(state, kind, bottles, left_out);
    question(state, look, widest, title_of(kind), &text)
}

/// Whether everything is to be held still.
pub(super) fn panic(state: &State, look: Look, widest: u16, running: usize) -> Content {
    question(
        state,
        look,
        widest,
        "Hold everything still",
        &panic_text(running),
    )
}

/// Whether it is to be let go.
pub(super) fn lift(state: &State, look: Look, widest: u16, standing: &Standing) -> Content {
    question(state, look, widest, "Let go", &lift_text(state, standing))
}

const fn title_of(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Start => "Start",
        OperationKind::Stop => "Stop",
        OperationKind::Resume => "Resume",
        OperationKind::Remove => "Remove",
        OperationKind::Change => "Change",
        OperationKind::Restart => "Restart",
        OperationKind::Freeze => "Freeze",
        OperationKind::Unfreeze => "Unfreeze",
        OperationKind::Cut => "Cut",
        OperationKind::Reconnect => "Reconnect",
    }
}

/// What becomes of several bottles, and which they are.
fn all_text(state: &State, kind: OperationKind, bottles: &[BottleRef], left_out: usize) -> String {
    let whom = match bottles {
        [one] => one.id.to_string(),
        several => format!("these {} bottles", several.len()),
    };
    let effect = match kind {
        OperationKind::Stop => {
            "Their sessions are asked to end. Files and conversations are kept: r resumes them."
        }
        OperationKind::Remove => {
            "Those that run are stopped first. Containers and volumes are deleted, and with them \
             conversations and copied workspaces. Mounted folders stay. This cannot be undone."
        }
        OperationKind::Restart => {
            "The session is asked to end and started again with its files and its conversation. \
             Programs that it runs are not kept."
        }
        OperationKind::Freeze => {
            "Everything inside stands still where it is and keeps its memory. Connections may \
             time out at their other ends. p lets it go on."
        }
        OperationKind::Cut => {
            "Egress loses its network: nothing leaves, and what is on its way ends. The agent \
             goes on and sees failures. It stays so over a stop and a resume, until C connects \
             it again."
        }
        OperationKind::Unfreeze => "What was frozen goes on where it stood still.",
        OperationKind::Reconnect => "What the routes allow may leave again.",
        OperationKind::Resume => "Files and conversations are as they were.",
        OperationKind::Start | OperationKind::Change => "",
    };
    let names = match bottles {
        [_] => String::new(),
        several => format!("\n\n{}", named(several)),
    };
    let rest = match left_out {
        0 => String::new(),
        1 => format!(
            "\n\n1 more is marked, for which there is nothing to {}.",
            kind.verb()
        ),
        more => format!(
            "\n\n{more} more are marked, for which there is nothing to {}.",
            kind.verb()
        ),
    };
    let title = title_of(kind);
    let held =
        if state.panic.is_some() && !matches!(kind, OperationKind::Freeze | OperationKind::Cut) {
            "\n\nEverything is held still: ! lets go first."
        } else {
            ""
        };
    format!("{title} {whom}?\n\n{effect}{names}{rest}{held}")
}

/// The first names of many.
pub(super) fn named(bottles: &[BottleRef]) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = bottles
        .iter()
        .take(SHOWN)
        .map(|bottle| bottle.id.as_str())
        .collect();
    match bottles.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn panic_text(running: usize) -> String {
    format!(
        "Hold everything still?\n\nEvery agent is frozen where it is ({running} run), every egress \
         loses its network, builds end, and nothing starts. Nothing is lost: ! lets them go again, \
         and what was frozen or cut before stays so."
    )
}

fn lift_text(state: &State, standing: &Standing) -> String {
    format!(
        "Let everything go?\n\nSince {}, {} are held frozen and {} cut. They go on where they \
         stood, and what their routes allow may leave again.",
        clock::minutes(state, standing.since),
        standing.frozen,
        standing.cut
    )
}
