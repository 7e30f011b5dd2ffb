//! The plan in rows, as command line and console show it before anything starts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::plan::{AgentSource, Need, Plan, SecretAsk, SecretSource};
use super::visible::visible;
use crate::policy::{BottleBudget, Denials, Effect, Provenance, Route, RouteSet, Tls, Unlisted};
use crate::spec::{Clipboard, ImageSource, Limits, Workspace};

/// How long a route may be to stand beside others in one row.
const SHORT_ROUTE: usize = 48;

/// One row of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SummaryRow {
    /// What the row is about, one or two words.
    pub label: String,
    /// What will be, in words. Safe to print.
    pub value: String,
}

impl Plan {
    /// Sums the plan up. It holds names of variables only, never a value.
    #[must_use]
    pub fn summary(&self) -> Vec<SummaryRow> {
        let mut rows = vec![
            row("agent", &self.agent_row()),
            row("runs", &self.spec.session.argv.join(" ")),
            row("bottle", &self.spec.template),
            row("image", &image_row(&self.spec.image)),
            row("workspace", &workspace_row(&self.spec.workspace)),
        ];
        if matches!(self.spec.image, ImageSource::Dockerfile { .. }) {
            rows.push(row("build", &self.spec.build.words()));
        }
        rows.extend(routes_rows(&self.spec.routes));
        if let Some(hop) = &self.spec.upstream_proxy {
            rows.push(row(
                "through",
                &format!("{}, which resolves the names", hop.words()),
            ));
        }
        if self.spec.upstream_ca.is_some() {
            rows.push(row(
                "trusts",
                "an authority of yours beside the public ones",
            ));
        }
        rows.push(row("environment", &self.environment_row()));
        let is_variable = |ask: &&SecretAsk| matches!(ask.need, Need::Variable(_));
        let (handed, put_in): (Vec<_>, Vec<_>) = self.asks.iter().partition(is_variable);
        for (label, asks) in [("handed over", handed), ("put in", put_in)] {
            if !asks.is_empty() {
                let asks: Vec<_> = asks.into_iter().map(ask_row).collect();
                rows.push(row(label, &asks.join(", ")));
            }
        }
        rows.extend([
            row("skills", &or_none(&self.skills.join(", "))),
            row("prompt", &self.prompt_row()),
            row("limits", &limits_row(&self.spec.limits)),
            row(
                "runtime",
                self.spec.runtime.as_deref().unwrap_or("the engine's own"),
            ),
            row("asks you", self.supervise_row()),
            row("leaves", &self.leaves_row()),
        ]);
        if self.spec.clipboard == Clipboard::Ask {
            rows.push(row("clipboard", "its session may ask to write yours"));
        }
        rows.extend(self.notes.iter().map(|note| row("note", note)));
        rows
    }

    fn agent_row(&self) -> String {
        let file = match self.source {
            AgentSource::Operator => "from your cellar.json",
            AgentSource::Repository => "from this repository's .cellar/agents.json",
        };
        format!("{}, {file}", self.spec.agent)
    }

    fn environment_row(&self) -> String {
        let names: Vec<_> = self.spec.session.env.keys().map(String::as_str).collect();
        or_none(&names.join(", "))
    }

    fn prompt_row(&self) -> String {
        self.prompt.as_ref().map_or_else(
            || String::from("none"),
            |prompt| format!("{} ({} characters)", prompt.first_line, prompt.characters),
        )
    }

    const fn supervise_row(&self) -> &'static str {
        if self.spec.supervise {
            "yes: the agent may ask for what it lacks"
        } else {
            "no"
        }
    }

    fn leaves_row(&self) -> String {
        let allowed = self.spec.routes.routes.iter();
        let hosts: BTreeSet<String> = allowed
            .filter(|route| route.effect == Effect::Allow)
            .map(|route| route.host.to_string())
            .collect();
        let mut hosts = match hosts.len() {
            0 => String::from("nothing: no host is reachable"),
            1 => String::from("what the agent sends to the one host above"),
            count => format!("what the agent sends to the {count} hosts above"),
        };
        if matches!(self.spec.routes.unlisted, Unlisted::Ask { .. }) {
            hosts += ", and to others as you let them through";
        }
        let writes = matches!(
            self.spec.workspace,
            Workspace::Mount {
                read_only: false,
                ..
            }
        );
        if writes {
            format!("{hosts}; its changes to the mounted folder are yours at once")
        } else {
            hosts
        }
    }
}

fn row(label: &str, value: &str) -> SummaryRow {
    SummaryRow {
        label: label.to_owned(),
        value: visible(value),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() {
        String::from("none")
    } else {
        text.to_owned()
    }
}

fn image_row(image: &ImageSource) -> String {
    match image {
        ImageSource::Guest => String::from("cellar's own"),
        ImageSource::Tag { reference } => reference.clone(),
        ImageSource::Dockerfile { text } => {
            let first = text
                .lines()
                .find(|line| line.trim_start().to_ascii_uppercase().starts_with("FROM "))
                .unwrap_or("no FROM line");
            let lines = text.lines().count();
            format!("built from your Dockerfile ({lines} lines, {first})")
        }
    }
}

fn workspace_row(workspace: &Workspace) -> String {
    match workspace {
        Workspace::None => String::from("an empty folder of its own"),
        Workspace::Copy { host } => format!("a copy of {host}; the folder itself stays as it is"),
        Workspace::Mount {
            host,
            read_only,
            masks,
        } => {
            let access = if *read_only {
                "read only"
            } else {
                "read and write"
            };
            let masked: Vec<_> = masks
                .iter()
                .take(5)
                .map(|mask| mask.path.as_str())
                .collect();
            match masks.len() {
                0 => format!("{host}, {access}, nothing masked"),
                count if count > masked.len() => {
                    let more = count - masked.len();
                    format!(
                        "{host}, {access}, masked: {} and {more} more",
                        masked.join(", ")
                    )
                }
                _ => format!("{host}, {access}, masked: {}", masked.join(", ")),
            }
        }
    }
}

/// One row for the hosts, or one for each where they say more than a name.
fn routes_rows(set: &RouteSet) -> Vec<SummaryRow> {
    let shown: Vec<_> = set.routes.iter().map(route_text).collect();
    let mut rows: Vec<SummaryRow> = if shown.iter().all(|text| text.len() <= SHORT_ROUTE) {
        vec![row("routes", &or_none(&shown.join(", ")))]
    } else {
        let labels = std::iter::once("routes").chain(std::iter::repeat(""));
        labels
            .zip(&shown)
            .map(|(label, text)| row(label, text))
            .collect()
    };
    if let Unlisted::Ask { seconds } = set.unlisted {
        let text = format!("held up to {seconds} s while you are asked");
        rows.push(row("other hosts", &text));
    }
    if set.denials == Denials::Request {
        let text = "what is refused becomes a request to you";
        rows.push(row("denials", text));
    }
    if !set.budgets.is_empty() {
        let budgets: Vec<_> = set.budgets.iter().map(BottleBudget::words).collect();
        let text = format!("{}, then it waits for you", budgets.join(", "));
        rows.push(row("budget", &text));
    }
    rows
}

fn route_text(route: &Route) -> String {
    let mut text = route.words();
    if let Some(address) = route.connect_to {
        text = format!("{text} at {address}");
    }
    if route.allow_private {
        text += " (private addresses allowed)";
    }
    if let Some(auth) = &route.auth {
        text = format!("{text} with the secret {}", auth.secret);
    }
    if route.tls == Tls::Splice {
        text += " (not looked into)";
    }
    if let Some(expires) = route.expires {
        text = format!("{text} until {expires}");
    }
    match &route.origin {
        Provenance::Template { .. } => {}
        Provenance::Provider => text += " (the provider's)",
        Provenance::Builtin => text += " (built in)",
        Provenance::Preset { preset, .. } => text = format!("{text} (preset {preset})"),
        Provenance::Operator => text += " (added by you)",
        Provenance::Request { id } => text = format!("{text} (request {id})"),
    }
    text
}

fn ask_row(ask: &SecretAsk) -> String {
    match &ask.source {
        SecretSource::Env { name } if *name == ask.need.to_string() => {
            format!("{name} from your environment")
        }
        SecretSource::Env { name } => format!("{} from your {name}", ask.need),
        SecretSource::File { path } => format!("{} from the file {}", ask.need, path.display()),
        SecretSource::Command { argv } => {
            let program = argv.first().map_or("", String::as_str);
            format!("{} as `{program}` prints it", ask.need)
        }
        SecretSource::Prompt { .. } => format!("{} asked for after your yes", ask.need),
    }
}

fn limits_row(limits: &Limits) -> String {
    format!(
        "{} memory, {} CPUs, {} processes, {} open files, {} /tmp, {} s to stop",
        bytes(limits.memory_bytes),
        cpus(limits.cpu_millis),
        limits.pids,
        limits.open_files,
        bytes(limits.tmp_bytes),
        limits.stop_grace.as_secs()
    )
}

fn cpus(millis: u64) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn bytes(count: u64) -> String {
    [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, shift)| count >= 1 << shift && count.is_multiple_of(1 << shift))
        .map_or_else(
            || format!("{count} B"),
            |(unit, shift)| format!("{} {unit}", count >> shift),
        )
}
