//! Typing one line into a session without attaching to it.

use std::time::Duration;

use super::attach::{News, Peer};
use super::cellar::Cellar;
use super::exit::Failure;
use crate::pty::encode_paste;
use crate::spec::BottleId;
use crate::store::AuditEvent;
use crate::wire::{AttachMode, ClientToSession, TerminalSize};

/// How long a session may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between the text and the Enter after it: programs take an Enter that comes in one read
/// with a paste for a part of it.
const PAUSE: Duration = Duration::from_millis(120);

impl Cellar {
    /// Types a text into a bottle's session as a paste, and then Enter. The size of the
    /// session stays as it is. When this returns, the session's terminal has it; whether
    /// the program read it, only the program knows.
    ///
    /// # Errors
    /// [`Failure`] if there is no session, or it does not answer.
    pub(crate) async fn send_line(&self, id: &BottleId, text: &str) -> Result<(), Failure> {
        let attempt = || format!("send to `{id}`");
        let because = |why: String| Failure::because(attempt(), why);
        self.must_not_be_frozen(&attempt(), id).await?;
        let line = self.session_line(id).await.map_err(|error| {
            Failure::new(attempt(), &error).help(format!("`cellar show {id}` says how it is"))
        })?;
        self.audit_after(id, AuditEvent::Send);
        let mut peer = Peer::greet(line, AttachMode::Interactive, TerminalSize::default());
        let sending = async {
            until(&mut peer, Peer::has_snapshot).await?;
            let size = peer.screen().size();
            peer.say(ClientToSession::Resize { size });
            let bytes = encode_paste(text, &peer.screen().modes());
            peer.type_bytes(bytes);
            tokio::time::sleep(PAUSE).await;
            peer.type_bytes(b"\r".to_vec());
            let heard = peer.pongs();
            peer.say(ClientToSession::Ping);
            until(&mut peer, |peer| peer.pongs() > heard).await
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(sent) => sent.map_err(because),
            Err(_) => Err(because(String::from("its session does not answer"))
                .help("the text may stand in its prompt already: `cellar attach` shows it")),
        }
    }
}

/// Reads on until something is so.
async fn until(peer: &mut Peer, is_so: impl Fn(&Peer) -> bool) -> Result<(), String> {
    while !is_so(peer) {
        match peer.next().await.map_err(|error| error.to_string())? {
            News::Screen => {}
            News::Ended(_) => return Err(String::from("its session has ended")),
            News::Refused(why) => return Err(why),
            News::Closed => return Err(String::from("its session hung up")),
        }
    }
    Ok(())
}
