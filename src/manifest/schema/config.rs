//! What config.json and the files of themes may say.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// config.json: the operator's settings of the console.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ConfigFile {
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
pub(super) struct ThemeFile {
    /// Where an editor finds this schema.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    /// Colours on a dark background; without them those for a light one are taken.
    dark: Option<PaletteFile>,
    /// Colours on a light background; without them those for a dark one are taken.
    light: Option<PaletteFile>,
}

/// A colour: `#rrggbb`, one of the terminal's sixteen by name, or `default`.
pub(super) struct TintFile;

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
pub(super) struct PaletteFile {
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
pub(super) enum KeysFile {
    One(String),
    Several(Vec<String>),
}

/// How the console tells that an agent needs an answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct NotificationsFile {
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
pub(super) enum DesktopWord {
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
pub(super) struct Root {
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
