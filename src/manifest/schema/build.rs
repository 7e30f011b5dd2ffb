//! `build` of a template.

use schemars::JsonSchema;

use super::route::{Ports, PresetName};
use super::words::{Period, Size};

/// What the RUN steps of a Dockerfile may reach and use.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Build {
    /// The only hosts that the steps reach; none if absent. TLS passes unread.
    #[schemars(default)]
    routes: Vec<BuildRouteOrPreset>,
    /// Memory of a step, swap included; "4GiB" if absent.
    memory: Option<Size>,
    /// CPUs of a step; 2.0 if absent.
    #[schemars(range(min = 0.01, max = 1024.0))]
    cpus: Option<f64>,
    /// How long the whole build may take, up to "1h"; "30m" if absent.
    timeout: Option<Period>,
}

/// A route of a build, or a set of them by name.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum BuildRouteOrPreset {
    Route(BuildRoute),
    Preset(BuildPreset),
}

/// A set of routes for a common need. Over TLS its hosts are reached whole.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BuildPreset {
    /// Its name.
    #[schemars(rename = "preset")]
    name: PresetName,
}

/// Hosts that the steps of a build reach.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BuildRoute {
    /// The exact host name, or "*.example.com" for every name below it.
    #[schemars(length(min = 1))]
    host: String,
    /// The exact ports; [443] if absent.
    ports: Option<Ports>,
    /// The methods, with "ports": [80] alone; every one if absent.
    #[schemars(length(min = 1))]
    methods: Option<Vec<String>>,
    /// The paths, with "ports": [80] alone; every one if absent.
    #[schemars(length(min = 1))]
    paths: Option<Vec<String>>,
    /// An IP address to dial in place of looking the name up.
    connect_to: Option<String>,
    /// Whether a private address may be dialled; false if absent.
    allow_private: Option<bool>,
    /// Whether it refuses what it matches, whatever others allow; false if absent.
    deny: Option<bool>,
    /// When it ends to count, such as "2027-01-31T18:00:00Z".
    #[schemars(length(min = 1))]
    expires: Option<String>,
}
