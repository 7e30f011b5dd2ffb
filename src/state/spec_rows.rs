//! A bottle's spec in rows that a person reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::age::age;
use super::hits::{budget_words, route_words};
use crate::policy::Route;
use crate::spec::{ImageSource, Observe, Spec, Workspace};
use crate::wire::Hits;

/// What is known of a bottle's spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "spec", rename_all = "snake_case")]
pub enum SpecView {
    /// It was not asked for.
    #[default]
    Unknown,
    /// It was asked for.
    Asked,
    /// It cannot be read.
    Unreadable {
        /// Why.
        why: String,
    },
    /// It is here.
    Known {
        /// The spec in rows.
        rows: Vec<SpecRow>,
        /// The routes, in one line each.
        routes: Vec<RouteRow>,
    },
}

/// One row of a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecRow {
    /// What it is about; empty where a row goes on.
    pub label: String,
    /// What it says.
    pub value: String,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRow {
    /// Host and ports.
    pub target: String,
    /// What it let out, as far as egress says so.
    #[serde(default)]
    pub hits: String,
    /// Its budget and what is spent of it; mostly empty.
    #[serde(default)]
    pub budget: String,
    /// What is special about it; mostly empty.
    pub remark: String,
    /// Who put it there.
    pub origin: String,
}

impl SpecView {
    /// A spec in rows, with how it stands beside the manifest of today.
    #[must_use]
    pub fn of(spec: &Spec, manifest: Option<String>) -> Self {
        Self::Known {
            rows: rows(spec, manifest),
            routes: spec.routes.routes.iter().map(route).collect(),
        }
    }
}

fn rows(spec: &Spec, manifest: Option<String>) -> Vec<SpecRow> {
    let session = &spec.session;
    let mut rows = Vec::new();
    let mut put = |label: &str, value: String| {
        rows.push(SpecRow {
            label: label.to_owned(),
            value,
        });
    };
    put("agent", spec.agent.clone());
    put("template", spec.template.clone());
    if let Some(words) = manifest {
        put("manifest", words);
    }
    put(
        "digest",
        spec.digest()
            .map_or_else(|_| String::new(), |digest| digest.to_string()),
    );
    put("image", image(&spec.image));
    if matches!(spec.image, ImageSource::Dockerfile { .. }) || !spec.build.is_default() {
        put("builds", spec.build.words());
    }
    if let Some(runtime) = &spec.runtime {
        put("runtime", runtime.clone());
    }
    put("runs", session.argv.join(" "));
    if let Some(argv) = &session.resume_argv {
        put("resumes", argv.join(" "));
    }
    put("in", session.cwd.clone());
    put("observed", observed(&session.observe));
    let workspace = workspace(&spec.workspace);
    list("workspace", workspace, &mut put);
    let env = session.env.iter();
    list(
        "environment",
        env.map(|(name, value)| format!("{name}={value}")),
        &mut put,
    );
    list("handed over", session.handed_over.clone(), &mut put);
    let files = session.home_files.iter();
    list("home files", files.map(|file| file.path.clone()), &mut put);
    list(
        "routes",
        spec.routes.routes.iter().map(|entry| route(entry).target),
        &mut put,
    );
    if let Some(hop) = &spec.upstream_proxy {
        put("through", hop.words());
    }
    if spec.upstream_ca.is_some() {
        put("trusts", String::from("an authority of yours, too"));
    }
    put(
        "asks",
        if spec.supervise {
            "the agent may ask for more"
        } else {
            "no"
        }
        .to_owned(),
    );
    if spec.clipboard == crate::spec::Clipboard::Ask {
        put(
            "clipboard",
            String::from("its session may ask to write yours"),
        );
    }
    put("user", format!("uid {0}, gid {0}", spec.uid));
    limits(spec, &mut put);
    rows
}

/// Puts several values under one label.
fn list(label: &str, values: impl IntoIterator<Item = String>, put: &mut impl FnMut(&str, String)) {
    for (at, value) in values.into_iter().enumerate() {
        put(if at == 0 { label } else { "" }, value);
    }
}

fn limits(spec: &Spec, put: &mut impl FnMut(&str, String)) {
    let limits = &spec.limits;
    put("memory", bytes(limits.memory_bytes));
    let cpu = limits.cpu_millis;
    put("cpu", format!("{}.{:02}", cpu / 1_000, cpu % 1_000 / 10));
    put("processes", limits.pids.to_string());
    put("open files", limits.open_files.to_string());
    put("/tmp", bytes(limits.tmp_bytes));
    put("scrollback", format!("{} lines", limits.scrollback_lines));
    put("stop grace", format!("{} s", limits.stop_grace.as_secs()));
}

fn bytes(bytes: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    const GIB: u64 = 1024 * MIB;
    if bytes >= GIB && bytes.is_multiple_of(GIB) {
        format!("{} GiB", bytes / GIB)
    } else {
        format!("{} MiB", bytes / MIB)
    }
}

fn image(image: &ImageSource) -> String {
    match image {
        ImageSource::Guest => String::from("cellar's own"),
        ImageSource::Tag { reference } => reference.clone(),
        ImageSource::Dockerfile { text } => {
            format!("built from a Dockerfile of {} lines", text.lines().count())
        }
    }
}

fn observed(observe: &Observe) -> String {
    match observe {
        Observe::Output => String::from("by its output"),
        Observe::Claude { session_id } => format!("by Claude Code's files, session {session_id}"),
    }
}

fn workspace(workspace: &Workspace) -> Vec<String> {
    match workspace {
        Workspace::None => vec![String::from("an empty volume")],
        Workspace::Copy { host } => vec![format!("a copy of {host}")],
        Workspace::Mount {
            host,
            read_only,
            masks,
        } => {
            let access = if *read_only {
                "read only"
            } else {
                "the agent writes to it"
            };
            let mut lines = vec![format!("{host} itself, {access}")];
            lines.extend(masks.iter().map(|mask| format!("hidden: {}", mask.path)));
            lines
        }
    }
}

impl RouteRow {
    /// A route that is in force, in a row: what is left of its time at `now`, and what it
    /// let out.
    #[must_use]
    pub fn at(entry: &Route, hits: Option<&Hits>, now: Timestamp) -> Self {
        let end = entry.expires.map(|end| {
            if entry.is_current(now) {
                format!("{} left", age(end, now))
            } else {
                String::from("over")
            }
        });
        let (hits, budget) = route_words(entry, hits, now);
        Self {
            hits,
            budget,
            ..Self::new(entry, end)
        }
    }

    fn new(entry: &Route, end: Option<String>) -> Self {
        let mut remarks = entry.remarks();
        remarks.extend(end);
        Self {
            target: entry.words(),
            hits: String::new(),
            budget: budget_words(&entry.budget, None),
            remark: remarks.join(", "),
            origin: entry.origin.words(),
        }
    }
}

fn route(route: &Route) -> RouteRow {
    let end = route.expires.map(|end| format!("until {end:.0}"));
    RouteRow::new(route, end)
}
