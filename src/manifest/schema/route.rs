//! What a route may say.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::words::{SecretName, Size};
use crate::policy::presets;

/// A route, or a set of them by name.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum RouteOrPreset {
    Route(Box<Route>),
    Preset(Preset),
}

/// A set of narrow routes for a common need.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Preset {
    /// Its name.
    #[schemars(rename = "preset")]
    name: PresetName,
    /// The credential that egress puts in; for "anthropic" alone.
    auth: Option<Auth>,
    /// How that credential is used.
    role: Option<Role>,
}

/// The name of a preset.
pub(super) struct PresetName;

impl JsonSchema for PresetName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PresetName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = presets().unwrap_or_default().into_keys().collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// What a route is for, where egress must know.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum Role {
    ClaudeCodeOauth,
    AnthropicApiKey,
}

/// A credential that egress puts into requests, in place of what the agent sends.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Auth {
    /// How it is sent; a role says it by itself, "bearer" if absent.
    scheme: Option<Scheme>,
    /// A name of this bottle's `secrets`.
    secret: SecretName,
    /// The user of the scheme "basic".
    #[schemars(length(min = 1))]
    user: Option<String>,
    /// The header of the scheme "header".
    #[schemars(length(min = 1))]
    header: Option<String>,
}

/// How a credential is sent.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum Scheme {
    Bearer,
    Token,
    Basic,
    Header,
}

/// What is looked at for secrets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Scan {
    /// What leaves; "block" if absent, "warn" on a route to a model.
    request: Option<ScanMode>,
    /// What comes in; "off" if absent.
    response: Option<ScanMode>,
    /// Rules of the scanner whose findings leave, told of all the same, such as
    /// "github-pat"; a secret of the bottle never does.
    pass: Option<Vec<String>>,
}

/// What becomes of a message in which a secret is found.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum ScanMode {
    Block,
    Redact,
    Warn,
    Off,
}

/// What becomes of the TLS of a connection.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum Tls {
    Intercept,
    Splice,
}

/// How much may pass in one life of egress.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Budget {
    /// Bytes of bodies, both ways.
    bytes: Option<Size>,
    /// Requests.
    #[schemars(range(min = 1))]
    requests: Option<u64>,
}

/// Hosts, and on what terms the bottle reaches them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Route {
    /// The exact host name, or "*.example.com" for every name below it.
    #[schemars(length(min = 1))]
    host: String,
    /// The exact ports; [443] if absent.
    ports: Option<Ports>,
    /// The methods; every one if absent.
    #[schemars(length(min = 1))]
    methods: Option<Vec<String>>,
    /// The paths, with `*` for one part and a last `*` for the rest; every one if absent.
    #[schemars(length(min = 1))]
    paths: Option<Vec<String>>,
    /// The credential that egress puts in.
    auth: Option<Auth>,
    /// What it is for, where egress must know.
    role: Option<Role>,
    /// Whether egress looks into the TLS; "intercept" if absent.
    tls: Option<Tls>,
    /// What is looked at for secrets.
    scan: Option<Scan>,
    /// Whether a request may go on as a WebSocket; false if absent.
    websocket: Option<bool>,
    /// How much may pass.
    budget: Option<Budget>,
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

/// Ports.
pub(super) struct Ports;

impl JsonSchema for Ports {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "uniqueItems": true,
            "items": { "type": "integer", "minimum": 1, "maximum": 65_535 },
        })
    }
}
