//! Holds JSON against a JSON Schema, strictly: a field that is not described is an error.
//! The library's own tests include this file too.

use serde_json::{Value, json};

/// Whether a value is as a schema says, and every field of it is named there: what is
/// printed must be described. As much of JSON Schema as the generator uses.
pub(crate) fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let mut named = Vec::new();
    is_valid(root, schema, value, &mut named)?;
    // Such as `true`: anything may stand there, as in a manifest.
    let is_anything = !["$ref", "oneOf", "anyOf", "properties", "type"]
        .iter()
        .any(|key| schema.get(key).is_some());
    if is_anything {
        return Ok(());
    }
    if let Some(object) = value.as_object() {
        for key in object.keys() {
            let is_open = schema
                .get("additionalProperties")
                .is_some_and(|more| *more != json!(false));
            if !named.contains(key) && !is_open {
                return Err(format!("`{key}` is not described"));
            }
        }
    }
    Ok(())
}

fn is_valid(
    root: &Value,
    schema: &Value,
    value: &Value,
    named: &mut Vec<String>,
) -> Result<(), String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        is_valid(root, &root["$defs"][name], value, named)?;
    }
    for key in ["oneOf", "anyOf"] {
        let Some(choices) = schema.get(key).and_then(Value::as_array) else {
            continue;
        };
        let mut fitting = Vec::new();
        let mut why = Vec::new();
        for choice in choices {
            let mut of_choice = Vec::new();
            match is_valid(root, choice, value, &mut of_choice) {
                Ok(()) => fitting.push(of_choice),
                Err(error) => why.push(error),
            }
        }
        if fitting.is_empty() || (key == "oneOf" && fitting.len() > 1) {
            return Err(format!(
                "{} of {key} fit: {why:?} for {value}",
                fitting.len()
            ));
        }
        named.extend(fitting.into_iter().flatten());
    }
    if let Some(only) = schema.get("const")
        && only != value
    {
        return Err(format!("{value} is not {only}"));
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array)
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    is_of_type(schema, value)?;
    let Some(object) = value.as_object() else {
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            return values
                .iter()
                .try_for_each(|value| check(root, items, value));
        }
        return Ok(());
    };
    for key in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if !object.contains_key(key.as_str().unwrap()) {
            return Err(format!("{key} is missing in {value}"));
        }
    }
    for (key, of_key) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        named.push(key.clone());
        if let Some(value) = object.get(key) {
            check(root, of_key, value).map_err(|why| format!("{key}: {why}"))?;
        }
    }
    Ok(())
}

fn is_of_type(schema: &Value, value: &Value) -> Result<(), String> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => return Ok(()),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if types.contains(&is) || (is == "integer" && types.contains(&"number")) {
        Ok(())
    } else {
        Err(format!("{value} is no {types:?}"))
    }
}
