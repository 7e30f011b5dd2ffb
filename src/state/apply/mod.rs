//! From an event to a new state and what is to be done.
//!
//! Each kind of event has its file. After every event the selection names a row that
//! exists, each bottle's phase follows from what is known of it, and the lines that
//! stand are the lines that are needed.

mod approvals;
mod audit;
mod builds;
mod copying;
mod decided;
mod fleet;
mod hub;
mod inbox;
mod inbox_answer;
mod keys;
mod life;
mod logs;
mod manifest;
mod mass;
mod modal;
mod operation;
mod order;
mod palette;
mod pointer;
mod requests;
mod scroll;
mod session;
mod split;
mod stats;

use jiff::Timestamp;

use super::age::coarse;
use super::console::State;
use super::effect::Effect;
use super::event::Event;
use super::listing::ListRow;
use super::phase::Phase;
use super::sighting::BottleRef;
use super::spec_rows::SpecView;
use super::view::{Notice, Tab};

pub(super) use self::stats::Round;
pub use self::stats::total_words;

/// How many ticks a notice stays.
const NOTICE_TICKS: u8 = 8;

impl State {
    /// Takes an event and says what is to be done about it.
    #[must_use = "effects that are not performed are lost"]
    pub fn apply(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        let before = self.revision;
        self.dispatch(event, &mut effects);
        if self.revision == before {
            // Nothing that anything follows from has changed: with many bottles most
            // events are heartbeats and lines of logs that nobody reads.
            return effects;
        }
        self.settle_phases();
        self.settle_selection();
        self.settle_marks();
        self.settle_attachment();
        self.settle_split();
        self.settle_decided();
        self.settle_inbox(&mut effects);
        self.settle_approvals(&mut effects);
        self.settle_builds(&mut effects);
        self.settle_audit(&mut effects);
        self.settle_lines(&mut effects);
        self.settle_copying();
        effects
    }

    fn dispatch(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Key { key } => self.on_key(key, effects),
            Event::Paste { text } => self.on_paste(&text),
            Event::Pointer { pointer } => self.on_pointer(pointer, effects),
            Event::Resize { size } => {
                self.size = size;
                // Its place is another one now.
                self.view.copying = None;
                self.touch();
            }
            Event::Tick { now } => {
                self.on_tick(now);
                self.sample_due(effects);
                self.carry_on(effects);
                self.builds_due(effects);
                self.audit_due(effects);
            }
            Event::EndAsked => effects.push(Effect::Quit),
            Event::Fleet { fleet } => self.on_fleet(fleet, effects),
            Event::HubUp { bottle } => self.on_hub_up(&bottle),
            Event::Hub { bottle, message } => self.on_hub_said(bottle, message, effects),
            Event::HubDown { bottle, why } => self.on_hub_down(&bottle, why),
            Event::Log { ticket, news } => self.on_log_news(ticket, *news, effects),
            Event::LogArea { area } => self.on_log_area(area),
            Event::Agents { offers, problem } => self.on_agents(offers, problem),
            Event::Plan { agent, result } => self.on_plan(&agent, result),
            Event::SecretAsked { agent, what } => self.on_secret_asked(agent, what),
            Event::SecretTyped { length } => self.on_secret_typed(length),
            Event::SecretDone => self.on_secret_done(),
            Event::Operation { report } => self.on_operation(report, effects),
            Event::SpecLoaded {
                bottle,
                result,
                manifest,
            } => {
                if let Some(known) = self.fleet.get_mut(&bottle) {
                    known.spec = match result {
                        Ok(spec) => SpecView::of(&spec, manifest),
                        Err(why) => SpecView::Unreadable { why },
                    };
                    self.touch();
                }
            }
            Event::AttachAsked { bottle, full } => {
                self.detach();
                self.select_bottle(bottle);
                self.attach(full);
            }
            Event::Attached { bottle } => self.on_attached(&bottle),
            Event::Detached { bottle, why } => self.on_detached(&bottle, why),
            Event::AttachFailed { bottle, why } => self.on_attach_failed(&bottle, &why),
            Event::TileEnded { bottle, .. } => self.on_tile_ended(bottle),
            Event::SessionEnded { bottle, exit } => self.on_session_ended(&bottle, exit),
            Event::PreviewEnded { bottle, why } => self.on_preview_ended(bottle, why),
            Event::ScreenChanged { bottle, scrollback } => {
                self.on_screen_changed(&bottle, scrollback);
            }
            Event::ClipboardAsked { ask } => self.on_clipboard_asked(ask),
            Event::ScreenHeld {
                bottle,
                extent,
                cursor,
            } => self.on_screen_held(bottle, extent, cursor),
            Event::ScreenRead { bottle, news } => self.on_screen_read(&bottle, news),
            Event::RequestsShown { ticket, looked } => self.on_requests_shown(ticket, looked),
            Event::ManyShown { ticket, looked } => self.on_many_shown(ticket, looked),
            Event::RequestsAnswered { results } => self.on_requests_answered(results),
            Event::CarriedOn { bottle, results } => self.on_carried_on(&bottle, results),
            Event::ManifestPlanned { draft, result } => self.on_manifest_planned(*draft, result),
            Event::RequestEdited { request, result } => self.on_request_edited(&request, result),
            Event::PanicStands { standing } => self.on_standing(standing),
            Event::Sampled { samples } => self.on_sampled(samples),
            Event::Templates { templates } => self.on_templates(templates),
            Event::AuditRead { ticket, result } => self.on_audit_read(ticket, result),
            Event::BuildsRead { elsewhere, ended } => self.on_builds_read(elsewhere, ended),
            Event::Note { text } => self.tell(text),
            Event::TaskEnded { name, bottle, how } => self.on_task_ended(&name, bottle, &how),
        }
    }

    /// Tells the operator something in passing.
    pub(super) fn tell(&mut self, text: String) {
        self.notice(text, false);
    }

    /// Tells the operator in passing what went wrong.
    pub(super) fn warn(&mut self, text: String) {
        self.notice(text, true);
    }

    fn notice(&mut self, text: String, is_error: bool) {
        self.view.notice = Some(Notice {
            text,
            is_error,
            ticks: NOTICE_TICKS,
        });
        self.touch();
    }

    fn on_tick(&mut self, now: Timestamp) {
        self.now = now;
        if let Some(notice) = &mut self.view.notice {
            notice.ticks = notice.ticks.saturating_sub(1);
            if notice.ticks == 0 {
                self.view.notice = None;
                self.touch();
            }
        }
        self.sum_up_egress();
        self.rank_now_and_then();
        let ages = self.ages();
        if ages != self.ages {
            self.ages = ages;
            self.touch();
        }
    }

    /// A number that changes when an age or the clock on the screen does. Ages only
    /// grow, so that their sum stands still only if each does.
    fn ages(&self) -> i64 {
        let clock = self.now.as_second().div_euclid(60);
        let bottles = self.fleet.bottles().iter();
        let rows = bottles
            .filter_map(super::bottle::Bottle::since)
            .map(|since| coarse(self.now, since));
        let shown = self.shown_bottle();
        let output = shown
            .and_then(|bottle| bottle.hub.session.as_ref()?.last_output)
            .map(|at| coarse(self.now, at));
        let waiting = self.inbox_ages();
        rows.chain(output)
            .chain([waiting, self.request_ages(), self.build_ages()])
            .fold(clock, i64::wrapping_add)
    }

    fn settle_phases(&mut self) {
        let now = self.now;
        let mut changed = false;
        for bottle in self.fleet.iter_mut() {
            let phase = bottle.derive_phase();
            if phase != bottle.phase {
                let was_ready = matches!(bottle.phase, Phase::Ready { .. });
                bottle.has_unseen_end = was_ready && phase == Phase::Stopped;
                // What was so before we looked began at a time that nobody told us.
                let is_found = bottle.phase == Phase::Planned && bottle.operation.is_none();
                bottle.phase_since = (!is_found || bottle.failed.is_some()).then_some(now);
                bottle.phase = phase;
                changed = true;
            }
        }
        if changed {
            self.touch();
        }
    }

    /// Puts the selection on the row that took the place of the selected one, if that
    /// went.
    fn settle_selection(&mut self) {
        self.begin_at_first();
        self.relist();
        let before = self.view.selected.take();
        let group = self.view.group.take();
        let rows = self.listed();
        let named = |bottle: &BottleRef| {
            let of = |row: &ListRow| row.bottle().is_some_and(|row| row.bottle == *bottle);
            rows.iter().position(of)
        };
        let head = |name: &str| rows.iter().position(|row| row.group() == Some(name));
        let found = match (&before, &group) {
            (Some(selected), _) => rows
                .iter()
                .position(|row| row.bottle() == Some(selected))
                .or_else(|| named(&selected.bottle))
                .or_else(|| {
                    // Its group was folded over it.
                    let known = self.fleet.get(&selected.bottle)?;
                    head(self.view.order.grouping.of(known))
                }),
            (None, Some(group)) => head(group),
            (None, None) => rows.iter().position(|row| row.bottle().is_some()),
        };
        let last = rows.len().saturating_sub(1);
        let at = found.unwrap_or_else(|| self.view.selected_at.min(last));
        let row = rows.get(at);
        let selected = row.and_then(ListRow::bottle).cloned();
        let group = row.and_then(ListRow::group).map(str::to_owned);
        self.view.selected_at = at;
        self.view.selected = selected;
        self.view.group = group;
        let bottle_of =
            |row: &Option<super::view::RowName>| row.as_ref().map(|row| row.bottle.clone());
        if bottle_of(&before) != bottle_of(&self.view.selected) {
            self.rewind();
            self.touch();
        }
        let fleet = &self.fleet;
        self.view
            .expanded
            .retain(|bottle| fleet.get(bottle).is_some());
    }

    /// Selects the bottle that the console was opened for, as soon as it is there.
    fn begin_at_first(&mut self) {
        let is_there = self.first.as_ref().is_some_and(|first| {
            let known = self.fleet.get(first);
            known.is_some()
        });
        if is_there && let Some(bottle) = self.first.take() {
            self.select_bottle(bottle);
        }
    }

    /// The pages show the end of what they show.
    pub(super) fn rewind(&mut self) {
        self.view.logs.place = super::log::LogPlace::Follow;
        self.view.decided.follow();
        self.view.request = None;
        self.view.spec_scroll = 0;
        self.view.session_scroll = 0;
        self.scrollback = 0;
    }

    pub(super) fn is_shown(&self, bottle: &BottleRef, tab: Tab) -> bool {
        let tab_shown = match self.attached() {
            Some(_) => Tab::Session,
            None => self.view.tab,
        };
        tab_shown == tab
            && !self.view.focus.is_wide()
            && self
                .shown_bottle()
                .is_some_and(|shown| shown.bottle == *bottle)
    }
}
