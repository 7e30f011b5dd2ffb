//! Holds what the product prints with `--json` against `assets/output.schema.json`.

use serde_json::{Deserializer, Value};

use super::json_schema;

/// Panics unless what was printed is as the schema says of what was asked for.
#[track_caller]
pub(crate) fn assert_described(arguments: &[&str], printed: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/output.schema.json");
    let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = of(&root, arguments);
    let is_lines = schema["$comment"] == "One object a line.";
    let values: Vec<Value> = Deserializer::from_str(printed)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(is_lines || values.len() == 1, "{arguments:?}:\n{printed}");
    for value in values {
        if let Err(why) = json_schema::check(&root, schema, &value) {
            panic!("{arguments:?}: {why}\n{value:#}");
        }
    }
}

/// The description of these arguments: of both first words before one, with a flag that
/// changes what is printed before without.
#[track_caller]
fn of<'a>(root: &'a Value, arguments: &[&str]) -> &'a Value {
    let one = arguments[0].to_owned();
    let two = arguments[..arguments.len().min(2)].join(" ");
    let flags = arguments.iter().filter(|word| word.starts_with("--"));
    let flags: Vec<&&str> = flags.collect();
    let flagged = |words: &str| flags.iter().map(|flag| format!("{words} {flag}")).collect();
    let all: [Vec<String>; 4] = [
        flagged(&two),
        vec![two.clone()],
        flagged(&one),
        vec![one.clone()],
    ];
    let found = all
        .iter()
        .flatten()
        .find_map(|words| root["properties"].get(words));
    found.unwrap_or_else(|| panic!("{arguments:?} are described nowhere"))
}
