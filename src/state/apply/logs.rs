//! The page of logs: which log is looked at, what its keys do, and what the app tells.

use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::log::{
    LogCommand, LogContainer, LogEra, LogFilter, LogMark, LogNews, LogOrder, LogPlace, LogPrompt,
    LogPromptKind, LogReach, LogSearch, LogSubject, MOST_COPIED,
};
use crate::state::view::{Focus, Modal, Tab};
use crate::wire::{Role, TerminalSize};

/// Columns that long lines go to the side at once.
const SIDE: u32 = 16;
/// The furthest that they go.
const FURTHEST: u32 = 8 * 1024;
/// Marks that are kept.
const MARKS: usize = 64;

impl State {
    /// Whether the page of logs is there to be read.
    pub(in crate::state) fn shows_logs(&self) -> bool {
        self.view.tab == Tab::Logs && self.attached().is_none() && !self.view.focus.is_wide()
    }

    /// Whether the keys are those of the page of logs.
    #[must_use]
    pub fn reads_logs(&self) -> bool {
        self.shows_logs() && self.view.focus == Focus::Detail
    }

    /// Looks at the log that is shown, lets others go, and says what is wanted of it.
    pub(in crate::state) fn settle_logs(&mut self, effects: &mut Vec<Effect>) {
        let wanted = self.wanted_log();
        let page = &mut self.view.logs;
        if page.subject != wanted {
            if page.subject.is_some() {
                let ticket = page.ticket;
                effects.push(Effect::StopLog { ticket });
            }
            page.renew(wanted);
            self.follow_log(effects);
        }
        self.resume_logs(effects);
        let page = &mut self.view.logs;
        if page.subject.is_none() {
            return;
        }
        let wish = page.wishes();
        let differs = page.wish.as_ref().is_none_or(|asked| {
            // What is kept in sight matters only beside something else that changes.
            asked.filter != wish.filter
                || asked.search != wish.search
                || asked.is_json != wish.is_json
                || asked.window != wish.window
        });
        if differs {
            page.wish = Some(wish.clone());
            let ticket = page.ticket;
            effects.push(Effect::WishLog { ticket, wish });
        }
    }

    fn follow_log(&mut self, effects: &mut Vec<Effect>) {
        let size = self.size;
        let page = &mut self.view.logs;
        if page.area == TerminalSize::default() {
            page.area = size;
        }
        let Some(subject) = page.subject.clone() else {
            return;
        };
        let wish = page.wishes();
        page.wish = Some(wish.clone());
        effects.push(Effect::FollowLog {
            ticket: page.ticket,
            subject,
            reach: page.reach,
            wish,
        });
    }

    fn wanted_log(&self) -> Option<LogSubject> {
        if !self.shows_logs() {
            return None;
        }
        let selected = self.view.selected.as_ref()?;
        let known = self.fleet.get(&selected.bottle)?;
        let mut sources: Vec<LogContainer> = known
            .sighting
            .as_ref()?
            .containers
            .iter()
            .filter(|container| selected.sidecar.is_none_or(|role| role == container.role))
            .map(|container| LogContainer {
                role: container.role,
                container: container.container.clone(),
            })
            .collect();
        sources.sort_by_key(|source| source.role);
        (!sources.is_empty()).then(|| LogSubject {
            bottle: selected.bottle.clone(),
            sources,
        })
    }

    /// Goes on with logs that ended once their containers run again.
    fn resume_logs(&mut self, effects: &mut Vec<Effect>) {
        let page = &mut self.view.logs;
        let Some(subject) = &page.subject else {
            return;
        };
        let known = self.fleet.get(&subject.bottle);
        let runs = |role: Role| known.is_some_and(|known| known.runs(role));
        let ticket = page.ticket;
        page.ended.retain(|role, was_down| {
            let is_up = runs(*role);
            if is_up && *was_down {
                let order = LogOrder::Resume { role: *role };
                effects.push(Effect::OrderLog { ticket, order });
                return false;
            }
            *was_down |= !is_up;
            true
        });
    }

    /// The view told how large the page is.
    pub(super) fn on_log_area(&mut self, area: TerminalSize) {
        if self.view.logs.area != area {
            self.view.logs.area = area;
            self.touch();
        }
    }

    pub(super) fn on_log_news(&mut self, ticket: u64, news: LogNews, effects: &mut Vec<Effect>) {
        let page = &mut self.view.logs;
        // What was let go may still be on its way.
        if page.ticket != ticket || page.subject.is_none() {
            return;
        }
        match news {
            LogNews::Lines {
                era,
                first,
                rows,
                extent,
            } => {
                if era != page.era {
                    return;
                }
                page.is_loaded = true;
                page.first = first;
                page.rows = rows;
                page.extent = extent;
            }
            LogNews::Grew { era, extent } => {
                if era != page.era {
                    return;
                }
                page.is_loaded = true;
                page.extent = extent;
            }
            LogNews::Moved {
                era,
                from,
                to,
                added,
                extent,
            } => {
                let asked = page.take_move((era, from, to), added, extent);
                if let Some((from, is_down)) = asked {
                    self.seek(from, is_down, effects);
                }
            }
            LogNews::Hits { hits } => {
                if let Some(search) = &mut page.search {
                    search.hits = hits;
                }
            }
            LogNews::Sought { era, at, is_round } => {
                self.on_log_sought((era, at, is_round), effects);
            }
            LogNews::Entry { title, text } => self.open(Modal::Message {
                title,
                text,
                scroll: 0,
            }),
            LogNews::Copied {
                text,
                lines,
                left_out,
            } => self.copy_log(text, lines, left_out, effects),
            LogNews::Saved { result } => match result {
                Ok(saved) => self.tell(format!("saved {} lines in {}", saved.lines, saved.path)),
                Err(why) => self.warn(format!("the log was not saved: {why}")),
            },
            LogNews::Ended { role, why } => {
                if let Some(why) = why {
                    page.broken = Some(format!("{}: {why}", role.as_str()));
                }
                page.ended.insert(role, false);
            }
            LogNews::Broken { why } => page.broken = Some(why),
        }
        self.touch();
    }

    fn on_log_sought(
        &mut self,
        (era, at, is_round): (LogEra, Option<(u64, u64)>, bool),
        effects: &mut Vec<Effect>,
    ) {
        let page = &mut self.view.logs;
        let Some(search) = page.search.as_mut().filter(|_| era == page.era) else {
            return;
        };
        search.seeking = None;
        search.current = at;
        let steps = search.steps;
        search.steps = steps - steps.signum();
        let Some((number, _)) = at else {
            search.steps = 0;
            let text = search.text.clone();
            self.tell(format!("not found: {text}"));
            return;
        };
        page.show_line(number);
        if is_round {
            self.tell(String::from("searched on from the other end"));
        }
        if steps != 0 {
            self.seek_log(steps > 0, effects);
        }
    }

    pub(super) fn on_log_command(&mut self, command: LogCommand, effects: &mut Vec<Effect>) {
        self.touch();
        let page = &mut self.view.logs;
        match command {
            LogCommand::Find => self.type_log(LogPromptKind::Find),
            LogCommand::With => self.type_log(LogPromptKind::With),
            LogCommand::Without => self.type_log(LogPromptKind::Without),
            LogCommand::Next => self.seek_log(true, effects),
            LogCommand::Previous => self.seek_log(false, effects),
            LogCommand::Reach(reach) => self.read_log_again(reach, effects),
            LogCommand::Roles => {
                page.filter.roles = page.filter.roles.next();
                page.place = LogPlace::Follow;
            }
            LogCommand::Times => page.options.has_times = !page.options.has_times,
            LogCommand::Wrap => {
                page.options.wraps = !page.options.wraps;
                page.options.column = 0;
                if let LogPlace::At { row, .. } = &mut page.place {
                    *row = 0;
                }
            }
            LogCommand::Json => page.options.is_json = !page.options.is_json,
            LogCommand::Left if page.options.column == 0 => self.focus(Focus::List),
            LogCommand::Left => page.options.column = page.options.column.saturating_sub(SIDE),
            LogCommand::Right if page.options.wraps => {}
            LogCommand::Right => {
                page.options.column = page.options.column.saturating_add(SIDE).min(FURTHEST);
            }
            LogCommand::Mark => self.mark_log(),
            LogCommand::Copy => {
                let (text, lines, left_out) = self.log_in_sight();
                self.copy_log(text, lines, left_out, effects);
            }
            LogCommand::CopyFound if page.search.is_none() => {
                self.warn(String::from("nothing is looked for: / looks for words"));
            }
            LogCommand::CopyFound => self.order_log(LogOrder::CopyFound, effects),
            LogCommand::Save => {
                self.order_log(LogOrder::Save, effects);
                self.tell(String::from("saving the log"));
            }
            LogCommand::Entry => self.read_log_entry(effects),
        }
    }

    fn order_log(&mut self, order: LogOrder, effects: &mut Vec<Effect>) {
        let page = &self.view.logs;
        if page.subject.is_some() {
            let ticket = page.ticket;
            effects.push(Effect::OrderLog { ticket, order });
        } else {
            self.warn(String::from("there is no log here"));
        }
    }

    fn type_log(&mut self, kind: LogPromptKind) {
        self.view.is_filtering = true;
        self.view.logs.prompt = Some(LogPrompt {
            kind,
            text: String::new(),
        });
    }

    /// Takes what was typed.
    pub(super) fn accept_log_prompt(&mut self, effects: &mut Vec<Effect>) {
        let page = &mut self.view.logs;
        let Some(LogPrompt { kind, text }) = page.prompt.take() else {
            return;
        };
        match kind {
            LogPromptKind::With => page.filter.with = text,
            LogPromptKind::Without => page.filter.without = text,
            LogPromptKind::Find if text.is_empty() => page.search = None,
            LogPromptKind::Find => {
                page.search = Some(LogSearch::of(text));
                if page.subject.is_some() {
                    // The app must know what is looked for before it is asked where.
                    let wish = page.wishes();
                    page.wish = Some(wish.clone());
                    let ticket = page.ticket;
                    effects.push(Effect::WishLog { ticket, wish });
                }
                self.seek_from_sight(effects);
            }
        }
    }

    /// From what is in sight: the first hit there or below, or at the end the last one.
    fn seek_from_sight(&mut self, effects: &mut Vec<Effect>) {
        let page = &self.view.logs;
        let (from, is_down) = match page.place {
            LogPlace::Follow => (page.extent.end, false),
            LogPlace::At { top, .. } => (top, true),
        };
        self.seek(from, is_down, effects);
    }

    fn seek_log(&mut self, is_down: bool, effects: &mut Vec<Effect>) {
        let Some(search) = &self.view.logs.search else {
            self.warn(String::from("nothing is looked for: / looks for words"));
            return;
        };
        if search.seeking.is_some() {
            let step = if is_down { 1 } else { -1 };
            if let Some(search) = &mut self.view.logs.search {
                search.steps = search.steps.saturating_add(step);
            }
            return;
        }
        match search.current {
            Some((number, _)) if is_down => self.seek(number + 1, true, effects),
            Some((number, _)) => self.seek(number, false, effects),
            None => self.seek_from_sight(effects),
        }
    }

    fn seek(&mut self, from: u64, is_down: bool, effects: &mut Vec<Effect>) {
        let page = &mut self.view.logs;
        let era = page.era;
        if let Some(search) = &mut page.search {
            search.seeking = Some((from, is_down));
            self.order_log(LogOrder::Seek { era, from, is_down }, effects);
        }
    }

    /// Reads the log anew, from further back or less far.
    fn read_log_again(&mut self, reach: LogReach, effects: &mut Vec<Effect>) {
        let page = &mut self.view.logs;
        let (filter, search) = (page.filter.clone(), page.search.take());
        page.reach = reach;
        if page.subject.is_none() {
            return;
        }
        let ticket = page.ticket;
        effects.push(Effect::StopLog { ticket });
        let subject = page.subject.clone();
        page.renew(subject);
        page.filter = filter;
        page.search = search.map(|search| LogSearch::of(search.text));
        self.follow_log(effects);
    }

    fn mark_log(&mut self) {
        let at = self.now;
        let page = &mut self.view.logs;
        let Some(after) = page.extent.lines.checked_sub(1) else {
            return;
        };
        if page.marks.len() == MARKS {
            page.marks.remove(0);
        }
        page.marks.push(LogMark { after, at });
    }

    fn read_log_entry(&mut self, effects: &mut Vec<Effect>) {
        let page = &self.view.logs;
        let era = page.era;
        let found = page.search.as_ref().and_then(|search| search.current);
        let in_sight = page.at().top..page.sight_end();
        let found = found.map(|(number, _)| number);
        let number = found
            .filter(|number| in_sight.contains(number))
            .or_else(|| in_sight.end.checked_sub(1))
            .filter(|_| !in_sight.is_empty());
        if let Some(number) = number {
            self.order_log(LogOrder::Entry { era, number }, effects);
        }
    }

    /// The lines in sight as text, how many they are, and how many there is no room for.
    fn log_in_sight(&self) -> (String, u64, u64) {
        let page = &self.view.logs;
        let rows = (page.at().top..page.sight_end()).filter_map(|number| page.row(number));
        let mut text = String::new();
        let (mut lines, mut left_out) = (0, 0);
        for row in rows {
            if left_out > 0 || text.len() + row.text.len() >= MOST_COPIED {
                left_out += 1;
                continue;
            }
            text.push_str(&row.text);
            text.push('\n');
            lines += 1;
        }
        (text, lines, left_out)
    }

    fn copy_log(&mut self, text: String, lines: u64, left_out: u64, effects: &mut Vec<Effect>) {
        if lines == 0 {
            self.warn(String::from("there is no line to copy"));
            return;
        }
        let rest = match left_out {
            0 => String::new(),
            left_out => format!("; no room for {left_out} more"),
        };
        self.tell(format!("copied {lines} lines{rest}"));
        effects.push(Effect::Copy { text });
    }

    /// Takes back what the page was told last: what is looked for, then what is filtered.
    /// Gives whether there was anything.
    pub(super) fn back_in_logs(&mut self) -> bool {
        if !self.reads_logs() {
            return false;
        }
        let page = &mut self.view.logs;
        if page.search.take().is_some() {
            return true;
        }
        let was_filtered = !page.filter.is_empty();
        page.filter = LogFilter::default();
        was_filtered
    }
}
