//! The JSON Schemas that editors read. The types here mirror what the readers take;
//! nothing is read through them, and tests hold the two against each other.

#![expect(
    dead_code,
    reason = "the types exist for their schemas; the readers walk the syntax tree"
)]

mod build;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};

use crate::policy::{Measure, presets};

/// The schema of `cellar.json`.
#[must_use]
pub fn manifest_schema() -> serde_json::Value {
    schema_of::<OperatorFile>()
}

/// The schema of a repository's `.cellar/agents.json`.
#[must_use]
pub fn agents_schema() -> serde_json::Value {
    schema_of::<RepositoryFile>()
}

/// The schema of `mounts.json`.
#[must_use]
pub fn mounts_schema() -> serde_json::Value {
    schema_of::<MountsFile>()
}

/// The schema of `config.json`.
#[must_use]
pub fn config_schema() -> serde_json::Value {
    schema_of::<ConfigFile>()
}

/// The schema of a theme's file.
#[must_use]
pub fn theme_schema() -> serde_json::Value {
    schema_of::<ThemeFile>()
}

fn schema_of<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// cellar.json: the operator's own manifest.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct OperatorFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Templates: what a bottle is made of and what may leave it.
    #[schemars(default)]
    bottles: BTreeMap<Name, Template>,
    /// Agents: what runs, in a bottle of which template.
    #[schemars(default)]
    agents: BTreeMap<Name, Agent>,
}

/// .cellar/agents.json: agents that come with a repository. They may use the
/// operator's templates and open nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RepositoryFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Agents: what runs, in a bottle of which of the operator's templates.
    #[schemars(default)]
    agents: BTreeMap<Name, RepositoryAgent>,
}

/// mounts.json: the only host folders that may ever be mounted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MountsFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Folders under which folders may be mounted.
    #[schemars(default)]
    roots: Vec<Root>,
}

/// A lower-case letter, then lower-case letters, digits and hyphens.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name;

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" })
    }
}

/// A template.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Template {
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
    build: Option<build::Build>,
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
enum Image {
    Tag(FromTag),
    Dockerfile(FromDockerfile),
}

/// An image by reference.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FromTag {
    /// The reference, such as "cellar/claude:latest".
    #[schemars(length(min = 1))]
    from: String,
}

/// An image built from a Dockerfile, without a build context.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FromDockerfile {
    /// Path from the folder of this file, from ~/ or from /.
    #[schemars(length(min = 1))]
    dockerfile: String,
}

/// The folder the agent works in.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Workspace {
    None(NoWorkspace),
    Copy(CopiedFolder),
    Mount(MountedFolder),
}

/// An empty folder of its own.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum NoWorkspace {
    None,
}

/// A copy of a host folder, made once, `.git` included.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CopiedFolder {
    /// Absolute, from ~/, or from where cellar is started.
    #[schemars(length(min = 1))]
    copy: String,
}

/// A host folder itself, below a root of mounts.json.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MountedFolder {
    /// Absolute, from ~/, or from where cellar is started.
    #[schemars(length(min = 1))]
    mount: String,
    /// Whether the agent may only read; true if absent.
    read_only: Option<bool>,
}

/// A letter, then letters, digits, hyphens and underscores.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SecretName;

impl JsonSchema for SecretName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$" })
    }
}

/// Where a secret comes from; looked up after the launch was confirmed.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Secret {
    Host(EnvHost),
    File(SecretFile),
    Command(SecretCommand),
    Prompt(EnvPrompt),
}

/// A file that holds the value alone.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SecretFile {
    /// Path from the folder of this file, from ~/ or from /.
    #[schemars(length(min = 1))]
    file: String,
}

/// A program that prints the value, started without a shell.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SecretCommand {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

/// An HTTP proxy, alone or with what it wants.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum UpstreamProxy {
    Address(ProxyAddress),
    Known(KnownProxy),
}

/// Its address, as `http://host:port`.
#[derive(JsonSchema)]
struct ProxyAddress(#[schemars(length(min = 1))] String);

/// A proxy that wants a credential.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct KnownProxy {
    /// Its address.
    address: ProxyAddress,
    /// The credential that egress sends it; "basic" with a user, or "bearer".
    auth: Option<Auth>,
}

/// What becomes of a connection that no route allows.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Unlisted {
    Word(UnlistedWord),
    Ask(UnlistedAsk),
}

/// Refused, or held while the operator is asked.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum UnlistedWord {
    Deny,
    Ask,
}

/// Held while the operator is asked.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct UnlistedAsk {
    /// How long at most, from "5s" to "10m".
    ask: Period,
}

/// Ignored, or put before you each time while you are attached.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Clipboard {
    Never,
    Ask,
}

/// Told to the agent alone, or put before the operator as a request, too.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Denials {
    Refuse,
    Request,
}

/// A route, or a set of them by name.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum RouteOrPreset {
    Route(Box<Route>),
    Preset(Preset),
}

/// A set of narrow routes for a common need.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Preset {
    /// Its name.
    #[schemars(rename = "preset")]
    name: PresetName,
    /// The credential that egress puts in; for "anthropic" alone.
    auth: Option<Auth>,
    /// How that credential is used.
    role: Option<Role>,
}

/// The name of a preset.
struct PresetName;

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
enum Role {
    ClaudeCodeOauth,
    AnthropicApiKey,
}

/// A credential that egress puts into requests, in place of what the agent sends.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Auth {
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
enum Scheme {
    Bearer,
    Token,
    Basic,
    Header,
}

/// What is looked at for secrets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Scan {
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
enum ScanMode {
    Block,
    Redact,
    Warn,
    Off,
}

/// What becomes of the TLS of a connection.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum Tls {
    Intercept,
    Splice,
}

/// How much may pass in one life of egress.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Budget {
    /// Bytes of bodies, both ways.
    bytes: Option<Size>,
    /// Requests.
    #[schemars(range(min = 1))]
    requests: Option<u64>,
}

/// Hosts, and on what terms the bottle reaches them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Route {
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

/// Budgets of a bottle, each an amount with `per hour`, `per day` or `in total`, or a
/// list of such.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct BottleBudget {
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
struct Amounts<const MEASURE: u8>;

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

/// Ports.
struct Ports;

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

/// The name of an environment variable.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Variable;

impl JsonSchema for Variable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Variable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
    }
}

/// A value, or where it is asked for after the launch was confirmed.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Env {
    Value(EnvValue),
    Host(EnvHost),
    File(SecretFile),
    Command(SecretCommand),
    Prompt(EnvPrompt),
}

/// A literal that is no secret: it is written to the record.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EnvValue {
    /// The value.
    value: String,
}

/// The value of one of the operator's own variables.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EnvHost {
    /// The name of the operator's variable.
    env: Variable,
}

/// A value that the operator types at each start.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct EnvPrompt {
    /// What to ask.
    #[schemars(length(min = 1))]
    prompt: String,
}

/// Limits of the agent container.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Limits {
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

/// A size such as "4GiB".
struct Size;

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB|TiB)$" })
    }
}

/// A duration such as "10s".
struct Period;

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ *[smh]$" })
    }
}

/// An agent of the operator's.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Agent {
    /// The template it uses.
    bottle: Name,
    /// What runs; Claude Code if absent.
    provider: Option<Provider>,
    /// What it is told, as an addition to its system prompt.
    prompt: Option<Prompt>,
    /// Folders with a SKILL.md, copied to ~/.claude/skills/.
    #[schemars(default)]
    skills: Vec<String>,
    /// Environment variables beside the template's.
    #[schemars(default)]
    env: BTreeMap<Variable, Env>,
    /// Another workspace than the template's.
    workspace: Option<Workspace>,
}

/// An agent that comes with a repository.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct RepositoryAgent {
    /// The operator's template it uses.
    bottle: Name,
    /// What runs; Claude Code if absent.
    provider: Option<Provider>,
    /// What it is told, as an addition to its system prompt.
    prompt: Option<Prompt>,
    /// Folders of the repository with a SKILL.md, copied to ~/.claude/skills/.
    #[schemars(default)]
    skills: Vec<String>,
}

/// What runs in the bottle.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Provider {
    Word(ProviderWord),
    Claude(ClaudeProvider),
    Command(CommandProvider),
}

/// A provider without settings.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum ProviderWord {
    Claude,
}

/// Claude Code with settings.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ClaudeProvider {
    /// The settings.
    claude: ClaudeSettings,
}

/// Settings of Claude Code.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ClaudeSettings {
    /// Arguments beside those that cellar gives.
    #[schemars(default)]
    args: Vec<String>,
    /// The model.
    model: Option<String>,
}

/// Any program.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CommandProvider {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

/// The text itself, or a file that holds it.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Prompt {
    Inline(String),
    File(PromptFile),
}

/// A file with the prompt.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PromptFile {
    /// Path from the folder of this file; in a repository from its root.
    #[schemars(length(min = 1))]
    file: String,
}

/// config.json: the operator's settings of the console.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ConfigFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// How the console tells that an agent needs an answer.
    notifications: Option<NotificationsFile>,
    /// Keys of the console by the names that `cellar keys` lists, such as `{"stop": "X"}`; an
    /// empty list takes a key away.
    keys: Option<BTreeMap<String, KeysFile>>,
    /// The theme: "auto" (the default, which follows the terminal's background), "dark",
    /// "light", "high-contrast", "colour-blind", or NAME of your own themes/NAME.json.
    theme: Option<String>,
}

/// themes/NAME.json: a theme of the operator's own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ThemeFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Colours on a dark background; without them those for a light one are taken.
    dark: Option<PaletteFile>,
    /// Colours on a light background; without them those for a dark one are taken.
    light: Option<PaletteFile>,
}

/// A colour: `#rrggbb`, one of the terminal's sixteen by name, or `default`.
struct TintFile;

impl JsonSchema for TintFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tint".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(#[0-9A-Fa-f]{6}|default|(bright-)?(black|red|green|yellow|blue|magenta|cyan|white))$"
        })
    }
}

/// Colours by what they mean; what is not there is the terminal's own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct PaletteFile {
    /// What one reads.
    text: Option<TintFile>,
    /// What everything stands on.
    background: Option<TintFile>,
    /// What one may skip.
    faint: Option<TintFile>,
    /// Names of columns and parts.
    heading: Option<TintFile>,
    /// Keys to press.
    key: Option<TintFile>,
    /// Something goes well.
    good: Option<TintFile>,
    /// Something is under way.
    busy: Option<TintFile>,
    /// Something wants the operator.
    wanting: Option<TintFile>,
    /// Something is not as it should be.
    troubled: Option<TintFile>,
    /// Something cannot go on.
    broken: Option<TintFile>,
    /// The agent's container, where containers are told apart.
    agent: Option<TintFile>,
    /// The egress sidecar.
    egress: Option<TintFile>,
    /// The hub.
    supervise: Option<TintFile>,
    /// What the selected row stands on; without it the row is inverted.
    selection: Option<TintFile>,
    /// The text of the selected row.
    selection_text: Option<TintFile>,
}

/// One key or several, such as `x`, `ctrl-x` or `F5`.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its shape counts")]
enum KeysFile {
    One(String),
    Several(Vec<String>),
}

/// How the console tells that an agent needs an answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NotificationsFile {
    /// Whether the terminal's bell is rung; true if absent.
    bell: Option<bool>,
    /// How the desktop is told; "auto" if absent: by the terminal if it is known to have
    /// a sequence for it, else over D-Bus if there is a session of it on this machine.
    desktop: Option<DesktopWord>,
    /// A program that is run with its arguments, `CELLAR_BOTTLE` and `CELLAR_WHAT` in its
    /// environment.
    #[schemars(length(min = 1))]
    command: Option<Vec<String>>,
}

/// How the desktop is told.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum DesktopWord {
    Auto,
    Osc9,
    Osc777,
    Osc99,
    Dbus,
    Off,
}

/// One folder under which folders may be mounted.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Root {
    /// An absolute folder, or one from ~/.
    #[schemars(length(min = 1))]
    path: String,
    /// Whether folders below may be mounted for writing; false if absent.
    read_write: Option<bool>,
    /// Patterns that are masked beside the ones always masked, such as .env and keys.
    #[schemars(default)]
    masks: Vec<String>,
    /// Patterns that are not masked, such as ".env.example".
    #[schemars(default)]
    unmasked: Vec<String>,
}
