//! The JSON Schema of what verbs print with `--json`, made from the types that are
//! printed. Tests of the whole product hold what is really printed against it.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Subcommand as _;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{
    audit, beside, brake, budget, builds, cleanup, doctor, egress, files, life, list, logs,
    requests, revisions, start, stats, watch,
};
use crate::app::cli::Verb;
use crate::app::observe::Happening;
use crate::app::view::BottleView;
use crate::manifest::Plan;
use crate::state::KeyRow;
use crate::store::{AuditEntry, Revision};
use crate::wire::DecisionRecord;

/// What is said of the whole.
const ABOUT: &str = "What the verbs of Cellar print with --json: a property for each. Those that \
    say so print one such object a line, the others one document. Readers must expect fields and \
    words that are not here: they come without another version. Texts may come from agents.";

/// Outputs of which one is printed a line, for each bottle, entry or event.
const LINES: [&str; 16] = [
    "audit",
    "cut",
    "egress --follow",
    "events",
    "freeze",
    "logs",
    "reconnect",
    "restart",
    "resume",
    "rm",
    "send",
    "stats --watch",
    "stop",
    "unfreeze",
    "unlock",
    "replay",
];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// All of them, each under the words that it is asked for with.
fn outputs(g: &mut SchemaGenerator) -> BTreeMap<&'static str, Value> {
    let mut outputs = BTreeMap::from([
        ("apply", of::<beside::Applied<'_>>(g)),
        ("audit", of::<AuditEntry>(g)),
        ("audit verify", of::<audit::Verified<'_>>(g)),
        ("builds", of::<builds::Told>(g)),
        ("budget", of::<budget::Shown<'_>>(g)),
        ("check", of::<files::Checked<'_>>(g)),
        ("cleanup", of::<cleanup::Cleaned<'_>>(g)),
        ("diff", of::<revisions::Difference>(g)),
        ("diff --manifest", of::<beside::Compared<'_>>(g)),
        ("doctor", of::<Vec<doctor::Finding>>(g)),
        ("egress", of::<egress::Shown<'_>>(g)),
        ("egress --follow", of::<DecisionRecord>(g)),
        ("egress suggest", of::<Vec<egress::Suggested<'_>>>(g)),
        ("egress test", of::<egress::Answer<'_>>(g)),
        ("events", of::<Happening>(g)),
        ("keys", of::<Vec<KeyRow>>(g)),
        ("list", of::<Vec<BottleView>>(g)),
        ("logs", of::<logs::Line<'_>>(g)),
        ("panic", of::<brake::Panicked<'_>>(g)),
        // The console's whole state: what it holds changes with the console.
        (
            "replay",
            json!({"type": "object", "additionalProperties": true}),
        ),
        ("request show", of::<requests::Listed>(g)),
        ("requests", of::<Vec<requests::Listed>>(g)),
        ("revisions", of::<Vec<Revision>>(g)),
        ("rollback", of::<revisions::RolledBack>(g)),
        ("show", of::<list::Described<'_>>(g)),
        ("start", of::<start::Started<'_>>(g)),
        ("start --dry-run", of::<Plan>(g)),
        ("stats", of::<Vec<stats::BottleStats<'_>>>(g)),
        ("stats --watch", of::<stats::BottleStats<'_>>(g)),
        ("wait", of::<Vec<watch::Waited<'_>>>(g)),
    ]);
    let done = of::<life::Done<'_>>(g);
    let verbs = [
        "cut",
        "freeze",
        "reconnect",
        "restart",
        "resume",
        "rm",
        "send",
        "stop",
        "unfreeze",
        "unlock",
    ];
    outputs.extend(verbs.map(|verb| (verb, done.clone())));
    let routes = of::<egress::Changed<'_>>(g);
    outputs.extend(["egress allow", "egress revoke"].map(|verb| (verb, routes.clone())));
    let budgets = of::<budget::Changed<'_>>(g);
    let verbs = ["budget raise", "budget set", "budget drop"];
    outputs.extend(verbs.map(|verb| (verb, budgets.clone())));
    let told = of::<requests::Told<'_>>(g);
    let verbs = [
        "request approve",
        "request deny",
        "request edit",
        "request reply",
        "request undo",
    ];
    outputs.extend(verbs.map(|verb| (verb, told.clone())));
    let several = of::<Vec<requests::several::Told>>(g);
    outputs.insert("request approve", json!({"anyOf": [told, several]}));
    outputs
}

fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut outputs = outputs(&mut generator);
    for (verb, output) in &mut outputs {
        let words = if LINES.contains(verb) {
            "One object a line."
        } else {
            "One document."
        };
        output["$comment"] = words.into();
    }
    let definitions: Map<String, Value> = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cellar --json",
        "description": ABOUT,
        "type": "object",
        "properties": outputs,
        "$defs": definitions,
    })
}

/// The verbs of the command line that take `--json`, by their words.
fn verbs(command: &clap::Command, words: &str, found: &mut Vec<String>) {
    if command.get_arguments().any(|one| one.get_id() == "json") {
        found.push(words.to_owned());
    }
    for verb in command.get_subcommands() {
        let words = format!("{words} {}", verb.get_name());
        verbs(verb, words.trim(), found);
    }
}

#[test]
fn each_verb_that_prints_json_is_described() {
    let mut found = Vec::new();
    let command = Verb::augment_subcommands(clap::Command::new("cellar"));
    verbs(&command, "", &mut found);
    assert!(found.len() > 30, "{found:?}");
    let schema = schema();
    for verb in found {
        assert!(schema["properties"].get(&verb).is_some(), "{verb}");
    }
}

#[test]
fn each_field_is_described() {
    let schema = schema();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (field, of_field) in definition["properties"].as_object().into_iter().flatten() {
            // What stands for a kind among several is its own description.
            let is_told = of_field.get("description").is_some() || of_field.get("const").is_some();
            assert!(is_told, "{name}.{field}");
        }
    }
}

/// `UPDATE_SCHEMAS=1` writes it.
#[test]
fn the_schema_in_assets_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/output.schema.json");
    let text = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == text,
        "assets/output.schema.json is stale: run this once with UPDATE_SCHEMAS=1"
    );
}
