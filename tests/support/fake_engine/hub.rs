//! A hub whose agent is idle and stays so: what a console hears of a quiet bottle.

use cellar::wire::{
    Activity, ConsoleToHub, Frame, HubToConsole, LineReader, Role, RoleReport, SessionReport,
    VERSION,
};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::session::packed;

/// Speaks until the line ends. What comes is raw, what goes is in frames of the engine.
pub(super) async fn speak(
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut reader = LineReader::new(reader);
    while let Ok(Some(Frame::Message(payload))) = reader.next().await {
        let replies = match Frame::parse(&payload) {
            Ok(ConsoleToHub::Hello { .. }) => vec![
                HubToConsole::Hello { version: VERSION },
                HubToConsole::Report {
                    role: Role::Agent,
                    report: RoleReport::Session { report: idle() },
                },
                HubToConsole::Live,
            ],
            Ok(ConsoleToHub::Ping) => vec![HubToConsole::Pong],
            _ => Vec::new(),
        };
        for reply in replies {
            writer
                .write_all(&packed(&Frame::message(&reply).unwrap()))
                .await?;
        }
        writer.flush().await?;
    }
    Ok(())
}

fn idle() -> SessionReport {
    SessionReport {
        activity: Activity::Idle,
        source: String::from("session file"),
        waiting_for: None,
        since: Timestamp::UNIX_EPOCH,
        last_output: None,
        title: None,
    }
}
