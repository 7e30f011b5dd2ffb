//! A hub whose agent is idle and stays so: what a console hears of a quiet bottle.

use bytes::{BufMut as _, BytesMut};
use cellar::wire::{
    Activity, ConsoleToHub, Frame, HubToConsole, LineReader, Role, RoleReport, SessionReport,
    VERSION,
};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

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
            writer.write_all(&framed(&reply)).await?;
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

fn framed(message: &HubToConsole) -> BytesMut {
    let mut payload = Vec::new();
    let frame = Frame::message(message).unwrap();
    frame.encode(&mut payload).unwrap();
    let mut bytes = BytesMut::with_capacity(payload.len() + 8);
    bytes.put_slice(&[1, 0, 0, 0]);
    bytes.put_u32(u32::try_from(payload.len()).unwrap());
    bytes.put_slice(&payload);
    bytes
}
