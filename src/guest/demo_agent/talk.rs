//! The demo's agent that talks: it greets, tries what it may not, and answers.

use std::io::Write;

use super::command::Command;
use super::look::look;
use super::reach::{news, page, place, request, tunnel};
use super::stage::{Stage, Tone, tame};
use super::{Heard, Listener};
use crate::spec::layout::ports;

/// A host that no demo allows, until the operator does.
const FORBIDDEN: &str = "example.com";
const FLOOD_LINE: usize = 100;

/// Talks until told to stop.
pub(super) async fn talk<W: Write>(
    stage: &mut Stage<W>,
    ears: &mut Listener,
    bottle: &str,
) -> std::io::Result<()> {
    stage.title(&format!("demo agent · {bottle}"))?;
    let heard = tokio::select! {
        greeted = greet(stage, bottle) => { greeted?; None }
        heard = ears.stopped() => Some(heard),
    };
    if heard == Some(Heard::End) {
        return Ok(());
    }
    converse(stage, ears, Some(ports::SUPERVISE)).await
}

/// Answers line by line, and tells what comes from the operator's door in between.
pub(super) async fn converse<W: Write>(
    stage: &mut Stage<W>,
    ears: &mut Listener,
    door: Option<u16>,
) -> std::io::Result<()> {
    let mut turns = 0;
    loop {
        stage.raw("\n\x1b[1;36m›\x1b[0m ")?;
        let heard = tokio::select! {
            biased;
            heard = ears.hear() => heard,
            answer = told(door) => {
                stage.raw("\n")?;
                for line in answer.lines() {
                    stage.line(Tone::Good, &format!("  {line}"))?;
                }
                stage.line(Tone::Plain, &format!("  So I try again: {FORBIDDEN}"))?;
                attempt(stage, &format!("{FORBIDDEN}:443")).await?;
                continue;
            }
        };
        let line = match heard {
            Heard::Line(line) => line,
            Heard::Interrupt => {
                stage.line(Tone::Faint, "\n  (type /exit to end the session)")?;
                continue;
            }
            Heard::End => return Ok(()),
        };
        match Command::read(&line) {
            Command::Nothing => {}
            Command::Exit => return Ok(()),
            Command::Ask => ask(stage, ears).await?,
            command @ (Command::Help
            | Command::Try(_)
            | Command::Look
            | Command::Flood(_)
            | Command::Colors
            | Command::Say(_)) => {
                turns += 1;
                // Whatever goes on, ctrl-c and the end of the session cut it off.
                tokio::select! {
                    done = perform(stage, command, turns) => done?,
                    heard = ears.stopped() => {
                        stage.line(Tone::Faint, "\x1b[0m\n  (stopped)")?;
                        if heard == Heard::End {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }
}

async fn told(door: Option<u16>) -> String {
    match door {
        Some(port) => news(port).await,
        None => std::future::pending().await,
    }
}

async fn greet<W: Write>(stage: &mut Stage<W>, bottle: &str) -> std::io::Result<()> {
    stage.rule()?;
    stage.line(
        Tone::Strong,
        &format!("  Hello from inside the bottle {bottle}."),
    )?;
    stage.line(
        Tone::Faint,
        "  I am a script, not a model; everything around me is the real thing.",
    )?;
    stage.rule()?;
    stage.think("reading what I may reach", 8).await?;
    allowed(stage).await?;
    stage.raw("\n")?;
    stage.line(
        Tone::Plain,
        &format!("  Let me try one that nobody allowed: {FORBIDDEN}"),
    )?;
    stage.think("asking the proxy", 8).await?;
    attempt(stage, &format!("{FORBIDDEN}:443")).await?;
    stage.raw("\n")?;
    stage.line(Tone::Plain, "  So I ask you for it, as any agent can:")?;
    stage.think("asking the operator", 8).await?;
    match request(
        ports::SUPERVISE,
        FORBIDDEN,
        "to show you how it is answered",
    )
    .await
    {
        Ok(said) => {
            let first = said.split(" and waits").next().unwrap_or(&said);
            stage.marked(Tone::Lead, "?", first)?;
            stage.line(
                Tone::Plain,
                "  Press i in the console to see it, and a to approve it; I will hear of it.",
            )?;
        }
        Err(error) => stage.marked(Tone::Bad, "✗", &error.to_string())?,
    }
    stage.raw("\n")?;
    stage.line(
        Tone::Faint,
        "  Type help for what I can do, or just talk to me.",
    )
}

async fn allowed<W: Write>(stage: &mut Stage<W>) -> std::io::Result<()> {
    let answer = match page(ports::SUPERVISE).await {
        Ok(reply) => reply.body,
        Err(error) => return stage.marked(Tone::Bad, "✗", &error.to_string()),
    };
    let page: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let routes = page.get("allowed").and_then(|allowed| allowed.as_array());
    match routes {
        None => stage.marked(
            Tone::Bad,
            "✗",
            "the page on 127.0.0.1:9100 says nothing of routes",
        ),
        Some(routes) if routes.is_empty() => {
            stage.line(Tone::Plain, "  I may reach nothing at all.")
        }
        Some(routes) => {
            stage.line(Tone::Plain, "  I may reach, through the proxy:")?;
            for route in routes {
                let host = route.get("host").and_then(|host| host.as_str());
                let host = tame(host.unwrap_or("?"));
                let ports = route.get("ports").and_then(|ports| ports.as_array());
                for port in ports.into_iter().flatten() {
                    stage.marked(Tone::Good, "✓", &format!("{host}:{port}"))?;
                }
            }
            Ok(())
        }
    }
}

async fn attempt<W: Write>(stage: &mut Stage<W>, place: &str) -> std::io::Result<()> {
    match tunnel(ports::EGRESS, place).await {
        Ok(reply) if reply.status == 200 => {
            stage.marked(Tone::Good, "✓", &format!("{place} is open to me"))
        }
        Ok(reply) => {
            let status = reply.status;
            stage.marked(Tone::Bad, "✗", &format!("{status}: {}", reply.body))
        }
        Err(error) => stage.marked(Tone::Bad, "✗", &error.to_string()),
    }
}

async fn ask<W: Write>(stage: &mut Stage<W>, ears: &mut Listener) -> std::io::Result<()> {
    stage.think("preparing a question", 6).await?;
    stage.line(Tone::Strong, "  May I rewrite the cellar door in Rust?")?;
    stage.raw("  \x1b[1m[y/n]\x1b[0m ")?;
    let answer = match ears.hear().await {
        Heard::Line(line) => line,
        Heard::Interrupt | Heard::End => return stage.raw("\n"),
    };
    let words = if answer.trim().to_ascii_lowercase().starts_with('y') {
        "Thank you. I will not, but it is good to be trusted."
    } else {
        "Understood. The door stays as it is."
    };
    stage.line(Tone::Plain, &format!("  {words}"))
}

async fn perform<W: Write>(
    stage: &mut Stage<W>,
    command: Command,
    turns: usize,
) -> std::io::Result<()> {
    match command {
        Command::Help => help(stage),
        Command::Try(text) => match place(&text) {
            Some(place) => {
                stage.think(&format!("trying {place}"), 6).await?;
                attempt(stage, &place).await
            }
            None => stage.marked(Tone::Bad, "✗", "that is no host and port"),
        },
        Command::Look => {
            stage.think("looking around", 6).await?;
            for (what, seen) in look() {
                stage.marked(Tone::Lead, "·", &format!("{what:<18}{seen}"))?;
            }
            Ok(())
        }
        Command::Flood(megabytes) => flood(stage, megabytes).await,
        Command::Colors => colors(stage),
        Command::Say(text) => answer(stage, &text, turns).await,
        Command::Nothing | Command::Ask | Command::Exit => Ok(()),
    }
}

fn help<W: Write>(stage: &mut Stage<W>) -> std::io::Result<()> {
    for (command, what) in Command::HELP {
        stage.raw(&format!("  \x1b[36m{command:<18}\x1b[0m{what}\n"))?;
    }
    Ok(())
}

async fn answer<W: Write>(stage: &mut Stage<W>, text: &str, turns: usize) -> std::io::Result<()> {
    const ANSWERS: [&str; 4] = [
        "I would do that at once, if I were a model.",
        "A good thought. In a real bottle, an agent would now start to work on it.",
        "I have written it on the wall of the cellar.",
        "I can only follow my script, but I follow it gladly.",
    ];
    stage.think("thinking", 10).await?;
    let words = ANSWERS.get(turns % ANSWERS.len()).unwrap_or(&"");
    stage.line(Tone::Plain, &format!("  You said «{}».", tame(text)))?;
    stage.line(Tone::Plain, &format!("  {words}"))
}

fn colors<W: Write>(stage: &mut Stage<W>) -> std::io::Result<()> {
    for first in [0, 8] {
        stage.raw("  ")?;
        for color in first..first + 8 {
            stage.raw(&format!("\x1b[48;5;{color}m    "))?;
        }
        stage.raw("\x1b[0m\n")?;
    }
    stage.raw("  ")?;
    for step in 0..64u8 {
        let (red, blue) = (step * 4, 255 - step * 4);
        stage.raw(&format!("\x1b[48;2;{red};90;{blue}m "))?;
    }
    stage.raw("\x1b[0m\n")?;
    stage.raw("  \x1b[1mbold\x1b[0m \x1b[2mfaint\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m \x1b[7mreversed\x1b[0m \x1b[9mstruck\x1b[0m\n")
}

/// Prints in pieces, and lets others run between them.
async fn flood<W: Write>(stage: &mut Stage<W>, megabytes: u32) -> std::io::Result<()> {
    let mut piece = String::new();
    for line in 0..655 {
        let text = format!("{line:>6} {}", "the cask is never empty ".repeat(5));
        piece.push_str(text.get(..FLOOD_LINE - 1).unwrap_or(&text));
        piece.push('\n');
    }
    let total = u64::from(megabytes) * 1_000_000;
    let mut printed = 0;
    while printed < total {
        stage.raw(&piece)?;
        printed += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        tokio::task::yield_now().await;
    }
    stage.line(Tone::Good, &format!("  {megabytes} MB printed"))
}
