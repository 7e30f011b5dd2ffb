//! What bottles use: which are asked about and when, and what becomes of the answers.

use std::collections::BTreeSet;

use crate::state::bottle::Bottle;
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::order::Grouping;
use crate::state::sighting::BottleRef;
use crate::state::stats::{BottleSample, BottleUse, ContainerUse, cpu_words, memory_words};
use crate::state::view::Tab;
use crate::wire::Role;

/// Ticks between two samples of a row on the screen.
const SIGHT_TICKS: u64 = 2;
/// Bottles out of sight that are sampled a tick: a thousand come round in four minutes.
const OTHERS_AT_ONCE: usize = 4;
/// Seconds between two samples of a bottle out of sight.
const OTHERS_SECONDS: i64 = 15;

/// What is asked next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::state) struct Round {
    ticks: u64,
    /// Where the round of those out of sight goes on.
    next: usize,
}

impl State {
    /// Asks for what is due: the page that is read each tick, rows in sight every
    /// other, the rest one after the other.
    pub(super) fn sample_due(&mut self, effects: &mut Vec<Effect>) {
        self.round.ticks = self.round.ticks.wrapping_add(1);
        let mut due: BTreeSet<BottleRef> = BTreeSet::new();
        if self.view.tab == Tab::Stats
            && let Some(shown) = self.shown_bottle()
        {
            due.insert(shown.bottle.clone());
        }
        let is_due = self.round.ticks % SIGHT_TICKS == 1;
        let in_sight = self.in_sight().filter(|bottle| {
            let known = self.fleet.get(bottle);
            // Two samples make a rate, and nobody should wait long for the first.
            is_due || known.is_some_and(|known| known.stats.history.is_empty())
        });
        due.extend(in_sight.cloned());
        due.extend(self.others_due());
        let is_there = |bottle: &BottleRef| {
            let known = self.fleet.get(bottle);
            known.is_some_and(Bottle::is_sampled) && !self.fleet.is_lost(&bottle.engine)
        };
        let bottles: Vec<BottleRef> = due.into_iter().filter(is_there).collect();
        if !bottles.is_empty() {
            effects.push(Effect::Sample { bottles });
        }
        self.ask_for_templates(effects);
    }

    /// The next ones of all that were not read for long.
    fn others_due(&mut self) -> Vec<BottleRef> {
        let bottles = self.fleet.bottles();
        let begin = self.round.next.min(bottles.len());
        let (before, after) = bottles.split_at(begin);
        let mut others = Vec::new();
        let mut passed = 0;
        for bottle in after.iter().chain(before) {
            if others.len() == OTHERS_AT_ONCE {
                break;
            }
            passed += 1;
            let age = bottle
                .stats
                .read_at
                .map(|at| self.now.as_second().saturating_sub(at.as_second()));
            if bottle.is_sampled() && age.is_none_or(|age| age >= OTHERS_SECONDS) {
                others.push(bottle.bottle.clone());
            }
        }
        self.round.next = (begin + passed).checked_rem(bottles.len()).unwrap_or(0);
        others
    }

    pub(super) fn on_sampled(&mut self, samples: Vec<BottleSample>) {
        let in_sight: BTreeSet<BottleRef> = self.in_sight().cloned().collect();
        let total = self.total_words();
        let prices = std::mem::take(&mut self.prices);
        let now = self.now;
        let mut is_changed = false;
        for sample in samples {
            let is_read = self.is_shown(&sample.bottle, Tab::Stats);
            let is_listed = in_sight.contains(&sample.bottle);
            let Some(known) = self.fleet.get_mut(&sample.bottle) else {
                continue;
            };
            let before = words(known);
            known.take_sample(now, sample.containers, &prices);
            is_changed |= is_read || (is_listed && words(known) != before);
        }
        self.prices = prices;
        if is_changed || self.total_words() != total {
            self.touch();
        }
    }

    /// What all bottles use together; `None` if nothing was read yet.
    #[must_use]
    pub fn usage_total(&self) -> Option<BottleUse> {
        let bottles = self.fleet.bottles().iter();
        bottles.filter_map(Bottle::usage_now).reduce(BottleUse::and)
    }

    /// What all bottles cost together, in hundredths of a dollar; `None` if nothing that
    /// has a price was used.
    #[must_use]
    pub fn cost_total(&self) -> Option<u64> {
        let bottles = self.fleet.bottles().iter();
        let costs = bottles.filter_map(|bottle| bottle.cost(&self.prices));
        costs.map(|cost| cost.cents).reduce(u64::saturating_add)
    }

    fn total_words(&self) -> Option<String> {
        self.usage_total().map(|total| total_words(&total))
    }

    /// What is not known of groups that are shown.
    fn ask_for_templates(&mut self, effects: &mut Vec<Effect>) {
        if self.view.order.grouping != Grouping::Template {
            return;
        }
        let unknown = |bottle: &&mut Bottle| bottle.template.is_none();
        let mut bottles = Vec::new();
        for bottle in self.fleet.iter_mut().filter(unknown) {
            // Asked for once; what is not on record has none.
            bottle.template = Some(String::new());
            bottles.push(bottle.bottle.clone());
        }
        if !bottles.is_empty() {
            effects.push(Effect::LoadTemplates { bottles });
        }
    }

    pub(super) fn on_templates(&mut self, templates: Vec<(BottleRef, String)>) {
        for (bottle, template) in templates {
            if let Some(known) = self.fleet.get_mut(&bottle) {
                known.template = Some(template);
            }
        }
        self.touch();
    }
}

/// What all bottles use, in words: a total that changes less often is drawn less often.
#[must_use]
pub fn total_words(total: &BottleUse) -> String {
    let cpu = total.cpu_millis.map_or_else(String::new, cpu_words);
    format!("cpu {cpu} mem {}", memory_words(total.memory_bytes))
}

/// What rows say of what a bottle uses, in all the words that they may have room for.
fn words(bottle: &Bottle) -> Vec<(Role, String)> {
    let one = |usage: &ContainerUse| {
        let cpu = usage.cpu_millis.map_or_else(String::new, cpu_words);
        format!("{cpu} {}", memory_words(usage.memory_bytes))
    };
    let containers = bottle.running_use();
    let containers = containers.map(|(role, usage)| (role, one(usage)));
    let sum = bottle.usage_now().into_iter();
    let sum = sum.map(|sum| (Role::Agent, total_words(&sum)));
    containers.chain(sum).collect()
}
