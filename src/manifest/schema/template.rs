//! What a template may say.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::build::Build;
use super::route::{Auth, RouteOrPreset};
use super::words::{Period, SecretName, Size, Variable};
use crate::policy::Measure;

/// A template.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Template {
    /// What the agent container starts from.
    image: Image,
    /// The folder the agent works in; an empty one of its own if absent.
    workspace: Option<Workspace>,
    /// Where the secrets come from that routes name. The agent never holds them.
    #[schemars(default)]
    secrets: BTreeMap<SecretName, Secret>,
    /// The only hosts that the bottle reaches. The model API is added for Claude Code.
    #[schemars(default)]
    routes: Vec<RouteOrPreset>,
    /// What becomes of a connection that no route allows; "deny" if absent.
    unlisted: Option<Unlisted>,
    /// What becomes of what is refused and a route could allow; "refuse" if absent.
    denials: Option<Denials>,
    /// How much the whole bottle may use; what wants more waits until you raise it or its
    /// time passes.
    budget: Option<BottleBudget>,
    /// A PEM file with a certificate authority of your own, trusted beside the public ones.
    #[schemars(length(min = 1))]
    upstream_ca: Option<String>,
    /// The HTTP proxy that egress must pass.
    upstream_proxy: Option<UpstreamProxy>,
    /// Environment variables of the agent.
    #[schemars(default)]
    env: BTreeMap<Variable, Env>,
    /// Limits of the agent container.
    limits: Option<Limits>,
    /// What the steps of an image's build may reach and use.
    build: Option<Build>,
    /// A name of the time zone database; the operator's own if absent.
    time_zone: Option<String>,
    /// Whether the agent may ask the operator for what it lacks; true if absent.
    supervise: Option<bool>,
    /// Whether what runs in the session may ask to write your clipboard; "never" if absent.
    clipboard: Option<Clipboard>,
    /// OCI runtime such as "runsc"; the engine's own if absent.
    runtime: Option<String>,
    /// User id of the agent; 1000 if absent.
    #[schemars(range(min = 1, max = 60_000))]
    uid: Option<u32>,
}

/// An image that is there or can be pulled, or one that is built.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Image {
    Tag(FromTag),
    Dockerfile(FromDockerfile),
}

/// An image by reference.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FromTag {
    /// The reference, such as "cellar/claude:latest".
    #[schemars(length(min = 1))]
    from: String,
}

/// An image built from a Dockerfile, without a build context.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct FromDockerfile {
    /// Path from the folder of this file, from ~/ or from /.
    #[schemars(length(min = 1))]
    dockerfile: String,
}

/// The folder the agent works in.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Workspace {
    None(NoWorkspace),
    Copy(CopiedFolder),
    Mount(MountedFolder),
}

/// An empty folder of its own.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum NoWorkspace {
    None,
}

/// A copy of a host folder, made once, `.git` included.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct CopiedFolder {
    /// Absolute, from ~/, or from where cellar is started.
    #[schemars(length(min = 1))]
    copy: String,
}

/// A host folder itself, below a root of mounts.json.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct MountedFolder {
    /// Absolute, from ~/, or from where cellar is started.
    #[schemars(length(min = 1))]
    mount: String,
    /// Whether the agent may only read; true if absent.
    read_only: Option<bool>,
}

/// Where a secret comes from; looked up after the launch was confirmed.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Secret {
    Host(EnvHost),
    File(SecretFile),
    Command(SecretCommand),
    Prompt(EnvPrompt),
}

/// A file that holds the value alone.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SecretFile {
    /// Path from the folder of this file, from ~/ or from /.
    #[schemars(length(min = 1))]
    file: String,
}

/// A program that prints the value, started without a shell.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct SecretCommand {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

/// An HTTP proxy, alone or with what it wants.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum UpstreamProxy {
    Address(ProxyAddress),
    Known(KnownProxy),
}

/// Its address, as `http://host:port`.
#[derive(JsonSchema)]
pub(super) struct ProxyAddress(#[schemars(length(min = 1))] String);

/// A proxy that wants a credential.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct KnownProxy {
    /// Its address.
    address: ProxyAddress,
    /// The credential that egress sends it; "basic" with a user, or "bearer".
    auth: Option<Auth>,
}

/// What becomes of a connection that no route allows.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Unlisted {
    Word(UnlistedWord),
    Ask(UnlistedAsk),
}

/// Refused, or held while the operator is asked.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum UnlistedWord {
    Deny,
    Ask,
}

/// Held while the operator is asked.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct UnlistedAsk {
    /// How long at most, from "5s" to "10m".
    ask: Period,
}

/// Ignored, or put before you each time while you are attached.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum Clipboard {
    Never,
    Ask,
}

/// Told to the agent alone, or put before the operator as a request, too.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub(super) enum Denials {
    Refuse,
    Request,
}

/// Budgets of a bottle, each an amount with `per hour`, `per day` or `in total`, or a
/// list of such.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct BottleBudget {
    /// Tokens of all kinds that answers of models tell, such as "2M per day".
    tokens: Option<Amounts<{ Measure::Tokens as u8 }>>,
    /// What they cost in US dollars by the table of prices, such as "5.00 per hour".
    cost: Option<Amounts<{ Measure::Cost as u8 }>>,
    /// Bytes of bodies and tunnels, both ways, such as "10GiB in total".
    bytes: Option<Amounts<{ Measure::Bytes as u8 }>>,
    /// Requests, and tunnels that are not looked into, such as "1000 per hour".
    requests: Option<Amounts<{ Measure::Requests as u8 }>>,
}

/// One budget of a measure or several.
pub(super) struct Amounts<const MEASURE: u8>;

impl<const MEASURE: u8> JsonSchema for Amounts<MEASURE> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amounts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let amount = match Measure::ALL.get(usize::from(MEASURE)) {
            Some(Measure::Cost) => r"\$?[0-9]+(\.[0-9]{1,6})?",
            Some(Measure::Bytes) => "[0-9]+(B|KiB|MiB|GiB|TiB)",
            Some(Measure::Tokens | Measure::Requests) | None => "[0-9]+[kMG]?",
        };
        let pattern = format!("^{amount} (per hour|per day|in total)$");
        let one = serde_json::json!({ "type": "string", "pattern": pattern });
        let list = serde_json::json!({ "type": "array", "items": one });
        json_schema!({ "anyOf": [one, list] })
    }
}

/// A value, or where it is asked for after the launch was confirmed.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Env {
    Value(EnvValue),
    Host(EnvHost),
    File(SecretFile),
    Command(SecretCommand),
    Prompt(EnvPrompt),
}

/// A literal that is no secret: it is written to the record.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EnvValue {
    /// The value.
    value: String,
}

/// The value of one of the operator's own variables.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EnvHost {
    /// The name of the operator's variable.
    env: Variable,
}

/// A value that the operator types at each start.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct EnvPrompt {
    /// What to ask.
    #[schemars(length(min = 1))]
    prompt: String,
}

/// Limits of the agent container.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Limits {
    /// Memory, swap included; "4GiB" if absent.
    memory: Option<Size>,
    /// CPUs; 2.0 if absent.
    #[schemars(range(min = 0.01, max = 1024.0))]
    cpus: Option<f64>,
    /// Processes and threads; 2048 if absent.
    #[schemars(range(min = 16, max = 4_194_304))]
    pids: Option<u64>,
    /// Open files a process; 16384 if absent.
    #[schemars(range(min = 64, max = 1_048_576))]
    open_files: Option<u64>,
    /// Size of /tmp, which counts against the memory; "1GiB" if absent.
    tmp: Option<Size>,
    /// Lines of scrollback; 2000 if absent.
    #[schemars(range(min = 0, max = 100_000))]
    scrollback_lines: Option<u32>,
    /// How long the session may take to end before it is killed; "10s" if absent.
    stop_grace: Option<Period>,
}
