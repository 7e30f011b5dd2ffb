//! What stands on the screen of a session, as lines.

use std::time::Duration;

use super::super::super::attach::{News, Peer};
use super::super::super::cellar::Cellar;
use super::super::super::exit::Failure;
use super::super::super::output::Output;
use super::super::printing;
use crate::wire::{AttachMode, TerminalSize};

/// How long a session may take to tell its screen.
const LIMIT: Duration = Duration::from_secs(5);

/// Prints the screen of a bottle's session, without its blank lines.
pub(super) async fn print(out: &mut Output, cellar: &Cellar, bottle: &str) -> Result<(), Failure> {
    let id = cellar.find(bottle)?;
    let attempt = || format!("read the session of `{id}`");
    let line = cellar
        .session_line(&id)
        .await
        .map_err(|error| Failure::new(attempt(), &error))?;
    let mut peer = Peer::greet(line, AttachMode::Watch, TerminalSize::default());
    let told = async {
        while !peer.has_snapshot() {
            match peer.next().await {
                Ok(News::Screen) => {}
                Ok(News::Ended(_)) => return Err(Failure::because(attempt(), "it has ended")),
                Ok(News::Refused(why)) => return Err(Failure::because(attempt(), why)),
                Ok(News::Closed) => {
                    return Err(Failure::because(attempt(), "its line was closed"));
                }
                Err(error) => return Err(Failure::new(attempt(), &error)),
            }
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, told)
        .await
        .map_err(|_| Failure::because(attempt(), "it does not answer"))??;
    let text = peer.screen().text();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut is_empty = true;
    for line in lines.map(spoken).filter(|line| !line.is_empty()) {
        is_empty = false;
        out.line(&line).map_err(printing)?;
    }
    if is_empty {
        out.line("Its screen is empty.").map_err(printing)?;
    }
    Ok(())
}

/// A line without frames: screen readers name each piece of one.
fn spoken(line: &str) -> String {
    let is_frame = |c: char| matches!(c, '\u{2500}'..='\u{259f}');
    let text: String = line.chars().filter(|c| !is_frame(*c)).collect();
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_left_out() {
        assert_eq!(spoken("╭──╮"), "");
        assert_eq!(spoken("│ > hello │"), " > hello");
    }
}
