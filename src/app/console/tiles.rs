//! The sessions that are shown side by side: each has a line of its own that only watches.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::select_all;

use super::Console;
use super::session::{Purpose, Shown};
use crate::app::attach::{News, Peer, PeerError};
use crate::docker::Line;
use crate::state::{BottleRef, Event};
use crate::wire::{AttachMode, TerminalSize};

/// The longest that one of them is read before others get their turn.
const BUDGET: Duration = Duration::from_millis(2);

/// The tiles, and whose turn it is to be heard first.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    shown: BTreeMap<BottleRef, Shown>,
    turn: usize,
}

impl Tiles {
    /// News of any of them; waits for ever if there is none. Cancel-safe, as
    /// [`Peer::next`] is.
    pub(super) async fn next(&mut self) -> (BottleRef, Result<News, PeerError>) {
        if self.shown.is_empty() {
            return std::future::pending().await;
        }
        let count = self.shown.len();
        let mut waiting: Vec<_> = self
            .shown
            .iter_mut()
            .map(|(bottle, shown)| {
                Box::pin(async move { (bottle.clone(), shown.peer.next().await) })
            })
            .collect();
        // The first that is ready wins, so that a flood must not stand first for ever.
        waiting.rotate_left(self.turn % count);
        let (news, ..) = select_all(waiting).await;
        self.turn = self.turn.wrapping_add(1);
        news
    }

    /// The screens to be drawn.
    pub(super) fn screens(&self) -> impl Iterator<Item = (&BottleRef, &crate::pty::Screen)> {
        let whole = self.shown.iter().filter(|(_, shown)| shown.has_screen());
        whole.map(|(bottle, shown)| (bottle, shown.peer.screen()))
    }

    /// Until when the first of them may hold its update back.
    pub(super) fn held_back(&self) -> Option<Instant> {
        let deadlines = self.shown.values();
        deadlines
            .filter_map(|shown| shown.peer.screen().sync_deadline())
            .min()
    }

    /// Shows updates that were held back for too long.
    pub(super) fn expire_sync(&mut self) {
        for shown in self.shown.values_mut() {
            shown.peer.expire_sync();
        }
    }
}

impl Console<'_> {
    /// Asks for the line of a tile.
    pub(super) fn open_tile(&mut self, bottle: BottleRef) {
        self.open_session(bottle, Purpose::Tile);
    }

    pub(super) fn close_tile(&mut self, bottle: &BottleRef) {
        self.tasks.end(&task(bottle));
        self.is_stale |= self.tiles.shown.remove(bottle).is_some();
    }

    /// The line of a tile is there, or is not.
    pub(super) fn take_tile(
        &mut self,
        bottle: BottleRef,
        line: Result<Line, String>,
    ) -> std::io::Result<()> {
        if !self.state.lines.tiles.contains(&bottle) {
            return Ok(());
        }
        match line {
            Ok(line) => {
                let peer = Peer::greet(line, AttachMode::Watch, TerminalSize::default());
                let shown = Shown::watching(bottle.clone(), peer);
                self.tiles.shown.insert(bottle, shown);
                Ok(())
            }
            Err(why) => self.take(Event::TileEnded { bottle, why }),
        }
    }

    pub(super) fn take_tile_news(
        &mut self,
        (bottle, first): (BottleRef, Result<News, PeerError>),
    ) -> std::io::Result<()> {
        let until = Instant::now() + BUDGET;
        let mut news = first;
        loop {
            let ended = match news {
                Ok(News::Screen) => None,
                Ok(News::Ended(exit)) => {
                    self.close_tile(&bottle);
                    return self.take(Event::SessionEnded { bottle, exit });
                }
                Ok(News::Refused(why)) => Some(why),
                Ok(News::Closed) => Some(String::from("the line was closed")),
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = ended {
                self.close_tile(&bottle);
                return self.take(Event::TileEnded { bottle, why });
            }
            self.is_stale = true;
            let Some(shown) = self.tiles.shown.get_mut(&bottle) else {
                return Ok(());
            };
            if Instant::now() >= until {
                return Ok(());
            }
            match shown.peer.next().now_or_never() {
                Some(more) => news = more,
                None => return Ok(()),
            }
        }
    }

    /// Keeps the lines alive; call it about once a second.
    pub(super) fn beat_tiles(&mut self) -> std::io::Result<()> {
        let silent: Vec<(BottleRef, String)> = self
            .tiles
            .shown
            .iter_mut()
            .filter_map(|(bottle, shown)| Some((bottle.clone(), shown.peer.beat()?)))
            .collect();
        for (bottle, why) in silent {
            self.close_tile(&bottle);
            self.take(Event::TileEnded { bottle, why })?;
        }
        Ok(())
    }
}

/// The task that opens a tile's line: each has one of its own.
pub(super) fn task(bottle: &BottleRef) -> String {
    format!("tile {}/{}", bottle.engine.0, bottle.id)
}
