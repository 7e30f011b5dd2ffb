//! What is told of a log: which lines there are, and the rows that are wanted.

use tokio::time::Instant;

use super::desk::{Desk, blocking};
use super::found::Job;
use super::rows::{self, Shape};
use crate::state::{LogExtent, LogHistory, LogNews, LogWindowWish};

impl Desk {
    pub(super) fn extent(&self) -> impl Future<Output = Result<LogExtent, String>> + Send + use<> {
        let view = self.view.clone();
        let kept = self.spill.extent();
        let history = match &self.history {
            Some(history) => LogHistory::Reading {
                lines: history.spill.extent().end,
            },
            None if kept.first > 0 => LogHistory::LeftOut { lines: kept.first },
            None => self.before.clone(),
        };
        let filtering = self.filtering.as_ref().map(Job::percent);
        async move {
            let (first, end) = blocking(move || view.range()).await?;
            Ok(LogExtent {
                first,
                end,
                lines: kept.end,
                history,
                filtering,
            })
        }
    }

    /// Tells the rows that are wanted, or how many lines there are.
    pub(super) async fn show(&mut self) -> Result<(), String> {
        let extent = self.extent().await?;
        let era = self.era;
        let numbers = match self.wish.window {
            LogWindowWish::End { lines } => {
                let first = extent.end.saturating_sub(u64::from(lines));
                Some(first.max(extent.first)..extent.end)
            }
            LogWindowWish::At {
                era: asked, first, ..
            } if asked != era || first > extent.end => None,
            LogWindowWish::At { first, lines, .. } => {
                let end = first.saturating_add(u64::from(lines));
                // New lines are elsewhere.
                let is_wanted = self.is_stale || end > self.told_end;
                is_wanted.then_some(first..end)
            }
        };
        self.is_stale = false;
        self.has_grown = false;
        self.told = Some(Instant::now());
        self.told_end = extent.end;
        let news = match numbers {
            None => LogNews::Grew { era, extent },
            Some(numbers) => {
                let view = self.view.clone();
                let shape = Shape {
                    is_json: self.wish.is_json,
                    pattern: self.search.as_ref().map(|search| search.pattern.clone()),
                };
                let (first, rows) = blocking(move || {
                    let lines = view.lines(numbers.clone())?;
                    let first = numbers.start.max(view.range()?.0);
                    Ok((first, rows::rows(view.spill(), &lines, &shape)?))
                })
                .await?;
                LogNews::Lines {
                    era,
                    first,
                    rows,
                    extent,
                }
            }
        };
        self.tell(news).await;
        Ok(())
    }
}
