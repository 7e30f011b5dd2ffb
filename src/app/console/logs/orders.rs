//! What is done once, when a key asks for it: the next hit, a file, the clipboard, a line
//! whole.

use std::io;

use super::desk::{Desk, blocking};
use super::found::Found;
use super::view::View;
use super::{rows, saved, source};
use crate::state::{LogNews, LogOrder};

impl Desk {
    pub(super) async fn take_order(&mut self, order: LogOrder) -> Result<(), String> {
        match order {
            LogOrder::Seek { era, .. } if era != self.era => Ok(()),
            LogOrder::Seek { from, is_down, .. } => {
                let search = self.search.as_ref();
                let Some(found) = search.and_then(|search| search.found.clone()) else {
                    // When all is looked through.
                    self.seek = search.map(|_| order);
                    return Ok(());
                };
                let (view, era) = (self.view.clone(), self.era);
                let (at, is_round) = blocking(move || seek(&view, &found.1, from, is_down)).await?;
                self.tell(LogNews::Sought { era, at, is_round }).await;
                Ok(())
            }
            LogOrder::Save => {
                let (view, looked) = (self.view.clone(), self.looked.clone());
                let id = looked.bottle.id;
                let result = blocking(move || saved::save(&looked.saved, id.as_str(), &view)).await;
                self.tell(LogNews::Saved { result }).await;
                Ok(())
            }
            LogOrder::CopyFound => {
                let found = self.search.as_ref().and_then(|search| search.found.clone());
                let Some((spill, found)) = found else {
                    return Ok(());
                };
                let copied = blocking(move || saved::found(&spill, &found)).await?;
                let (text, lines, left_out) = copied;
                self.tell(LogNews::Copied {
                    text,
                    lines,
                    left_out,
                })
                .await;
                Ok(())
            }
            LogOrder::Entry { era, number } if era == self.era => {
                let view = self.view.clone();
                let entry = blocking(move || rows::entry(view.spill(), view.line(number)?)).await?;
                if let Some((title, text)) = entry {
                    self.tell(LogNews::Entry { title, text }).await;
                }
                Ok(())
            }
            LogOrder::Entry { .. } => Ok(()),
            LogOrder::Resume { role } => {
                let source = self.subject.sources.iter().find(|one| one.role == role);
                if let Some(source) = source {
                    let last = self.last.get(&role).copied();
                    self.live
                        .push(source::follow_one(&self.engine, source, last));
                }
                Ok(())
            }
        }
    }
}

/// The next line that was found, down from a number or up: its number, which of all it
/// is, and whether it was looked for from the other end again.
fn seek(
    view: &View,
    found: &Found,
    from: u64,
    is_down: bool,
) -> io::Result<(Option<(u64, u64)>, bool)> {
    let (first, end) = (found.first(view.spill())?, found.list.len());
    if first >= end {
        return Ok((None, false));
    }
    let place = found.list.place_of(view.line(from)?)?.clamp(first, end);
    let (place, is_round) = match (is_down, place) {
        (true, place) if place < end => (place, false),
        (true, _) => (first, true),
        (false, place) if place > first => (place - 1, false),
        (false, _) => (end - 1, true),
    };
    let line = found.list.get(place..place + 1)?.first().copied();
    let number = line.map(|line| view.number(line)).transpose()?;
    Ok((number.map(|number| (number, place - first + 1)), is_round))
}
