//! The demo's agents that need nobody: one that is busy, one that is quiet.

use std::io::Write;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::command::Command;
use super::reach::tunnel;
use super::stage::{Stage, Tone, tame};
use super::{Heard, Listener};
use crate::spec::layout::ports;

const STEPS: usize = 24;
const BAR: usize = 24;
/// Every so many steps the worker wants something from outside.
const FETCH: usize = 8;
const WANTED: [&str; 3] = ["pkgs.test:443", "pkg.test:443", "registry.test:443"];

/// Prints a line of progress each second, for ever.
pub(super) async fn work<W: Write>(
    stage: &mut Stage<W>,
    ears: &mut Listener,
    bottle: &str,
) -> std::io::Result<()> {
    stage.line(
        Tone::Strong,
        &format!("  Worker in the bottle {bottle}. /exit ends me."),
    )?;
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut step = 0;
    loop {
        let heard = tokio::select! {
            _ = tick.tick() => None,
            heard = ears.hear() => Some(heard),
        };
        match heard {
            None => {
                progress(stage, step).await?;
                step += 1;
            }
            Some(Heard::Line(line)) if Command::read(&line) == Command::Exit => return Ok(()),
            Some(Heard::Line(line)) => {
                stage.marked(Tone::Lead, "·", &format!("noted: {}", tame(line.trim())))?;
            }
            Some(Heard::Interrupt) => stage.line(Tone::Faint, "  (/exit ends me)")?,
            Some(Heard::End) => return Ok(()),
        }
    }
}

async fn progress<W: Write>(stage: &mut Stage<W>, step: usize) -> std::io::Result<()> {
    const PARTS: [&str; 6] = ["parser", "lexer", "planner", "storage", "network", "screen"];
    let part = PARTS.get(step % PARTS.len()).unwrap_or(&"");
    let done = step % STEPS + 1;
    let filled = done * BAR / STEPS;
    let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled));
    let round = step / STEPS + 1;
    stage.title(&format!("round {round} · {done}/{STEPS}"))?;
    stage.raw(&format!(
        "  \x1b[2mround {round}\x1b[0m \x1b[36m{bar}\x1b[0m {done:>2}/{STEPS}  checked {part}\n"
    ))?;
    if step % FETCH != FETCH - 1 {
        return Ok(());
    }
    let wanted = WANTED.get(step / FETCH % WANTED.len()).unwrap_or(&"");
    match tunnel(ports::EGRESS, wanted).await {
        Ok(reply) if reply.status == 200 => stage.marked(Tone::Good, "✓", wanted),
        Ok(reply) => stage.marked(Tone::Bad, "✗", &reply.body),
        Err(error) => stage.marked(Tone::Bad, "✗", &error.to_string()),
    }
}

/// Says one thing and waits.
pub(super) async fn rest<W: Write>(
    stage: &mut Stage<W>,
    ears: &mut Listener,
    bottle: &str,
) -> std::io::Result<()> {
    stage.title(&format!("resting · {bottle}"))?;
    stage.line(
        Tone::Faint,
        "  I rest here until someone types. /exit ends me.",
    )?;
    loop {
        match ears.hear().await {
            Heard::Line(line) => match Command::read(&line) {
                Command::Exit => return Ok(()),
                Command::Nothing => {}
                Command::Help
                | Command::Try(_)
                | Command::Look
                | Command::Flood(_)
                | Command::Colors
                | Command::Ask
                | Command::Say(_) => stage.line(Tone::Faint, "  Mm.")?,
            },
            Heard::Interrupt => stage.line(Tone::Faint, "  (/exit ends me)")?,
            Heard::End => return Ok(()),
        }
    }
}
