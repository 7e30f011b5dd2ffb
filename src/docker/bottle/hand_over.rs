//! Handing over the values that the session waits for, to init's memory and nowhere else.

use std::collections::BTreeMap;
use std::time::Duration;

use super::request::UpCause;
use crate::docker::line::Line;
use crate::secret::Secret;
use crate::wire::{
    AttachMode, ClientToSession, Frame, LineReader, LineWriter, SessionToClient, TerminalSize,
    VERSION,
};

/// How long init may take to take them.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends the values and waits until they were taken.
///
/// # Errors
/// [`UpCause::Roles`] if init refuses or says nothing. No value is in any error.
pub(crate) async fn hand_over(
    line: Line,
    secrets: &BTreeMap<String, Secret<String>>,
) -> Result<(), UpCause> {
    let failed = |why: String| UpCause::Roles {
        why,
        logs: Vec::new(),
    };
    tokio::time::timeout(LIMIT, talk(line, secrets))
        .await
        .unwrap_or_else(|_| Err(String::from("hear that the secrets were taken")))
        .map_err(failed)
}

async fn talk(line: Line, secrets: &BTreeMap<String, Secret<String>>) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| format!("use the session line: {error}");
    let mut writer = LineWriter::new(line.writer);
    let mut reader = LineReader::new(line.reader);
    let hello = ClientToSession::Hello {
        version: VERSION,
        mode: AttachMode::Watch,
        size: TerminalSize::default(),
    };
    let env = secrets
        .iter()
        .map(|(name, value)| (name.clone(), value.expose().clone()))
        .collect();
    writer
        .message(&hello)
        .await
        .map_err(|error| words(&error))?;
    writer
        .message(&ClientToSession::HandOver { env })
        .await
        .map_err(|error| words(&error))?;
    loop {
        let frame = reader.next().await.map_err(|error| words(&error))?;
        match frame {
            None => return Err(String::from("keep the session line: init closed it")),
            Some(Frame::Bytes(_)) => {}
            Some(Frame::Message(payload)) => {
                match Frame::parse::<SessionToClient>(&payload).map_err(|error| words(&error))? {
                    SessionToClient::HandOverTaken => return Ok(()),
                    SessionToClient::Refused { why } => {
                        return Err(format!("hand over: init says {}", why.escape_debug()));
                    }
                    SessionToClient::Ended { .. } => {
                        return Err(String::from("hand over: the session ended first"));
                    }
                    SessionToClient::Hello { .. }
                    | SessionToClient::Snapshot { .. }
                    | SessionToClient::Resized { .. }
                    | SessionToClient::Pong => {}
                }
            }
        }
    }
}
