//! A session as `guest attach` speaks it: a screen that stands still, or one that its
//! program floods as fast as it is read.

use bytes::{BufMut as _, Bytes, BytesMut};
use cellar::wire::{ClientToSession, Frame, LineReader, SessionToClient, TerminalSize, VERSION};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// Rows that one piece of a flood draws.
const ROWS: usize = 200;

/// What the sessions of a fleet do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// There are none: attaching is refused.
    None,
    /// Each has a screen that does not change.
    Still,
    /// Each prints without an end.
    Flooding,
}

/// Speaks until the line ends. What comes is raw, what goes is in frames of the engine.
pub(super) async fn speak(
    what: Sessions,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut reader = LineReader::new(reader);
    let flood = flood();
    let mut piece = Bytes::new();
    let mut floods = false;
    loop {
        let message = tokio::select! {
            // A client that speaks is heard between any two pieces.
            biased;
            frame = reader.next() => match frame {
                Ok(Some(Frame::Message(payload))) => Frame::parse::<ClientToSession>(&payload),
                Ok(Some(Frame::Bytes(_))) => continue,
                Ok(None) | Err(_) => return Ok(()),
            },
            written = writer.write_buf(&mut piece), if floods => {
                written?;
                if piece.is_empty() {
                    piece = flood.clone();
                }
                continue;
            }
        };
        // What is begun is written whole before anything else is.
        writer.write_all_buf(&mut piece).await?;
        match message {
            Ok(ClientToSession::Hello { .. }) => {
                writer.write_all(&opening()).await?;
                floods = what == Sessions::Flooding;
                piece = flood.clone();
            }
            Ok(ClientToSession::Ping) => writer.write_all(&said(&SessionToClient::Pong)).await?,
            _ => {}
        }
        writer.flush().await?;
    }
}

fn opening() -> BytesMut {
    let size = TerminalSize::default();
    let mut bytes = said(&SessionToClient::Hello {
        version: VERSION,
        size,
    });
    bytes.unsplit(said(&SessionToClient::Snapshot { size, frames: 1 }));
    bytes.unsplit(packed(&Frame::Bytes(b"AGENT ready\r\n".to_vec())));
    bytes
}

/// Coloured rows, as compilers and test runners print them.
fn flood() -> Bytes {
    let rows = (0..ROWS).map(|row| {
        let colour = 31 + row % 6;
        format!("\x1b[{colour}mstep {row:>4}\x1b[0m of many, and \x1b[1mmore\x1b[22m of it\r\n")
    });
    packed(&Frame::Bytes(rows.collect::<String>().into_bytes())).freeze()
}

fn said(message: &SessionToClient) -> BytesMut {
    packed(&Frame::message(message).unwrap())
}

/// A frame of ours in one of the engine's.
pub(super) fn packed(frame: &Frame) -> BytesMut {
    let mut payload = Vec::new();
    frame.encode(&mut payload).unwrap();
    let mut bytes = BytesMut::with_capacity(payload.len() + 8);
    bytes.put_slice(&[1, 0, 0, 0]);
    bytes.put_u32(u32::try_from(payload.len()).unwrap());
    bytes.put_slice(&payload);
    bytes
}
