//! The operator's own editor on the operator's own terminal, while the console goes on
//! hearing from its bottles.

use crossterm::event::EventStream;
use tokio::task::JoinHandle;

use super::Console;
use crate::app::attach::window_size;
use crate::app::edit::edit;
use crate::app::exit::Failure;
use crate::request::Ask;
use crate::state::{Event, RequestRef};

/// An editor that runs, and what it edits.
#[derive(Debug)]
pub(super) struct Editor {
    request: RequestRef,
    before: Ask,
    running: JoinHandle<Result<Ask, Failure>>,
}

/// What an editor left.
pub(super) type Edited = Result<Result<Ask, Failure>, tokio::task::JoinError>;

/// The end of the editor; waits for ever if there is none. Cancel-safe.
pub(super) async fn next(editor: &mut Option<Editor>) -> Edited {
    match editor {
        Some(editor) => (&mut editor.running).await,
        None => std::future::pending().await,
    }
}

impl Console<'_> {
    /// Lends the terminal to the editor.
    pub(super) fn open_editor(&mut self, request: RequestRef, ask: Ask) -> std::io::Result<()> {
        if self.editor.is_some() || self.full.is_some() {
            return Ok(());
        }
        // Its reader must be gone before the editor reads the terminal.
        self.input = None;
        self.terminal.lend()?;
        let (before, name) = (ask.clone(), request.name());
        self.editor = Some(Editor {
            request,
            before,
            running: tokio::task::spawn_blocking(move || edit(&ask, &name)),
        });
        Ok(())
    }

    /// Takes the terminal back, and what the editor left.
    pub(super) fn leave_editor(&mut self, edited: Edited) -> std::io::Result<()> {
        let Some(editor) = self.editor.take() else {
            return Ok(());
        };
        self.terminal.take_back()?;
        self.input = Some(EventStream::new());
        self.canvas.forget()?;
        self.is_stale = true;
        let size = window_size()?;
        self.take(Event::Resize { size })?;
        let result = match edited {
            Ok(Ok(ask)) if ask == editor.before => Ok(None),
            Ok(Ok(ask)) => Ok(Some(Box::new(ask))),
            Ok(Err(failure)) => Err(failure.line()),
            Err(error) => Err(format!("failed to edit: {error}")),
        };
        let request = editor.request;
        self.take(Event::RequestEdited { request, result })
    }
}
