//! What all bottles together let out and were refused, by host.
//!
//! It is summed up when the view is opened and then once a second at most while it is
//! shown: egress tells no more often, and a frame sums up nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bottle::Bottle;
use super::cost::Cost;
use super::decided::DecisionFilter;
use crate::policy::Prices;
use crate::wire::{Passed, Usage};

/// What bottles did to one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRow {
    /// The host; hostile text. Empty for the hosts that are not told each for itself.
    pub host: String,
    /// What was let out.
    pub passed: Passed,
    /// How often something was refused.
    pub refused: u64,
    /// Why, by code, in the order of the first bottle that says so.
    pub reasons: Vec<String>,
    /// The ids of the bottles that used it or tried to.
    pub bottles: Vec<String>,
}

/// All bottles together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllEgress {
    /// By host: those with the most requests first, then those refused most often; the
    /// other way round while only what was refused is shown.
    pub hosts: Vec<HostRow>,
    /// How many bottles tell what they let out.
    pub counting: usize,
    /// What they used, if any of them says so.
    pub usage: Option<Usage>,
    /// What of it costs how much.
    pub cost: Option<Cost>,
    /// Whether a bottle said more since.
    pub(super) is_stale: bool,
}

impl AllEgress {
    /// Sums up what bottles say.
    pub(super) fn of(bottles: &[Bottle], filter: &DecisionFilter, prices: &Prices) -> Self {
        let mut hosts: BTreeMap<&str, HostRow> = BTreeMap::new();
        let mut counting = 0;
        for bottle in bottles {
            let Some(hits) = &bottle.hub.hits else {
                continue;
            };
            counting += 1;
            let mut at = |host, change: &dyn Fn(&mut HostRow)| {
                let row = hosts.entry(host).or_default();
                let id = bottle.bottle.id.as_str();
                if row.bottles.last().is_none_or(|last| last != id) {
                    row.bottles.push(id.to_owned());
                }
                change(row);
            };
            for known in &hits.hosts {
                at(known.host.as_str(), &|row| row.passed.add(&known.passed));
            }
            for known in &hits.refused {
                at(known.host.as_str(), &|row| {
                    row.refuse(known.times, known.reason.code());
                });
            }
            if hits.more_hosts.requests > 0 || hits.more_refused > 0 {
                at("", &|row| {
                    row.passed.add(&hits.more_hosts);
                    row.refused = row.refused.saturating_add(hits.more_refused);
                });
            }
        }
        let hosts = hosts.into_iter().map(|(host, row)| HostRow {
            host: host.to_owned(),
            ..row
        });
        let mut hosts: Vec<HostRow> = hosts.filter(|row| row.passes(filter)).collect();
        // What is said of no host in particular comes last.
        hosts.sort_by_key(|row| {
            let counts = (row.passed.requests, row.refused);
            let (first, second) = if filter.is_refused_only {
                (counts.1, counts.0)
            } else {
                counts
            };
            (row.host.is_empty(), std::cmp::Reverse((first, second)))
        });
        let usage = summed(
            bottles
                .iter()
                .filter_map(|bottle| bottle.hub.usage.as_ref()),
        );
        Self {
            hosts,
            counting,
            cost: usage.as_ref().map(|usage| Cost::of(usage, prices)),
            usage,
            is_stale: false,
        }
    }
}

impl HostRow {
    fn refuse(&mut self, times: u64, code: &str) {
        self.refused = self.refused.saturating_add(times);
        if !self.reasons.iter().any(|known| known == code) {
            self.reasons.push(code.to_owned());
        }
    }

    /// Whether it is shown: its host, its bottles and its reasons are looked at.
    fn passes(&self, filter: &DecisionFilter) -> bool {
        if filter.is_refused_only && self.refused == 0 {
            return false;
        }
        if filter.text.is_empty() {
            return true;
        }
        let text = format!(
            "{} {} {} {} {}",
            self.host,
            self.bottles.join(" "),
            self.reasons.join(" "),
            if self.passed.requests > 0 {
                "allowed"
            } else {
                ""
            },
            if self.refused > 0 {
                "refused denied"
            } else {
                ""
            },
        );
        filter.finds(&text.to_lowercase())
    }
}

/// All use together, since the first began.
fn summed<'a>(usages: impl Iterator<Item = &'a Usage>) -> Option<Usage> {
    let mut sum: Option<Usage> = None;
    for usage in usages {
        let sum = sum.get_or_insert_with(|| Usage::since(usage.since));
        sum.since = sum.since.min(usage.since);
        sum.requests = sum.requests.saturating_add(usage.requests);
        sum.sent_bytes = sum.sent_bytes.saturating_add(usage.sent_bytes);
        sum.received_bytes = sum.received_bytes.saturating_add(usage.received_bytes);
        for (name, model) in &usage.models {
            let all = sum.models.entry(name.clone()).or_default();
            all.answers = all.answers.saturating_add(model.answers);
            all.tokens.add(&model.tokens);
            all.long_prompts.add(&model.long_prompts);
        }
    }
    sum
}
