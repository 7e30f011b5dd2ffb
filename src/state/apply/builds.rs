//! The page of builds: moving through it, reading the record, and on to what a build says.

use super::scroll::moved;
use crate::state::age::coarse;
use crate::state::builds::{BuildElsewhere, BuildEnd, BuildResult, BuildRow};
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::sighting::BottleRef;
use crate::state::view::{Focus, Modal, Tab};

/// Seconds between two looks at the record while the page is shown.
const PACE: i64 = 3;

impl State {
    pub(super) fn turn_builds(&mut self) {
        if self.view.focus == Focus::Builds {
            return self.focus(Focus::List);
        }
        self.view.builds.is_stale = true;
        self.focus(Focus::Builds);
    }

    /// Has the record read, if the page is shown and something in it may be another.
    pub(super) fn settle_builds(&mut self, effects: &mut Vec<Effect>) {
        if self.view.focus == Focus::Builds && std::mem::take(&mut self.view.builds.is_stale) {
            effects.push(Effect::LoadBuilds);
        }
    }

    /// Others build without a word to this console.
    pub(super) fn builds_due(&mut self, effects: &mut Vec<Effect>) {
        if self.view.focus == Focus::Builds && self.now.as_second() % PACE == 0 {
            effects.push(Effect::LoadBuilds);
        }
    }

    pub(super) fn on_builds_read(
        &mut self,
        elsewhere: Vec<BuildElsewhere>,
        mut ended: Vec<BuildEnd>,
    ) {
        ended.sort_by_key(|end| std::cmp::Reverse((end.ended, end.began)));
        let builds = &mut self.view.builds;
        if builds.is_read && builds.elsewhere == elsewhere && builds.ended == ended {
            return;
        }
        builds.elsewhere = elsewhere;
        builds.ended = ended;
        builds.is_read = true;
        self.touch();
    }

    /// Moves through the builds.
    pub(super) fn step_build(&mut self, step: i64) {
        let rows = self.view.builds.rows(self.fleet.bottles());
        let at = moved(self.view.builds.place(&rows), step, rows.len());
        self.select_build(at);
    }

    pub(super) fn select_build(&mut self, at: usize) {
        let rows = self.view.builds.rows(self.fleet.bottles());
        let Some(name) = rows.get(at).map(BuildRow::name) else {
            return;
        };
        self.view.builds.selected = Some(name);
        self.view.builds.at = at;
        self.touch();
    }

    /// The bottle of the selected build.
    pub(in crate::state) fn build_bottle(&self) -> Option<&BottleRef> {
        let rows = self.view.builds.rows(self.fleet.bottles());
        let bottle = rows.get(self.view.builds.place(&rows))?.bottle().clone();
        Some(&self.fleet.get(&bottle)?.bottle)
    }

    /// Shows what a build says, where its bottle's page shows it; of one that failed and is
    /// not there any more, why.
    pub(super) fn open_build(&mut self) {
        let rows = self.view.builds.rows(self.fleet.bottles());
        let Some(row) = rows.get(self.view.builds.place(&rows)) else {
            return self.tell(String::from("no image is being made"));
        };
        let bottle = row.bottle().clone();
        let is_here = matches!(row, BuildRow::Here(_));
        let why = match row {
            BuildRow::Ended(end) => match &end.result {
                BuildResult::Failed { why } => Some(why.clone()),
                BuildResult::Done | BuildResult::Cancelled => None,
            },
            BuildRow::Here(_) | BuildRow::Elsewhere(_) => None,
        };
        let known = self.fleet.get(&bottle);
        let has_output = known.is_some_and(|known| !known.output.is_empty());
        if is_here || has_output {
            self.view.tab = Tab::Logs;
            self.view.focus = Focus::Detail;
            self.select_bottle(bottle);
            self.touch();
        } else if let Some(text) = why {
            self.open(Modal::Message {
                title: format!("{}: the build failed", bottle.id),
                text,
                scroll: 0,
            });
        } else {
            let id = &bottle.id;
            self.tell(format!(
                "what the build of {id} said is not kept: it ended, or another cellar made it"
            ));
        }
    }

    /// To the bottle of the selected build.
    pub(super) fn visit_build(&mut self) {
        match self.build_bottle().cloned() {
            Some(bottle) => {
                self.view.focus = Focus::List;
                self.select_bottle(bottle);
                self.touch();
            }
            None => self.tell(String::from("its bottle is gone")),
        }
    }

    /// A number that changes when an age on the page does.
    pub(super) fn build_ages(&self) -> i64 {
        if self.view.focus != Focus::Builds {
            return 0;
        }
        let builds = &self.view.builds;
        let rows = builds.rows(self.fleet.bottles()).into_iter();
        rows.map(|row| match row {
            // The age of what goes on is shown to the second.
            BuildRow::Here(_) | BuildRow::Elsewhere(_) => self.now.as_second(),
            BuildRow::Ended(end) => coarse(self.now, end.ended),
        })
        .fold(0, i64::wrapping_add)
    }
}
