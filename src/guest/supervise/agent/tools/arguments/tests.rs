use proptest::prelude::*;
use serde_json::json;

use super::super::table::TOOLS;
use super::*;

/// What a field names as its example is taken by the field.
#[test]
fn every_example_is_taken() {
    for tool in TOOLS {
        for field in tool.fields {
            let value: Value = serde_json::from_str(field.example).unwrap();
            assert_eq!(check(field, &value), Ok(()), "{} {}", tool.name, field.name);
        }
        let given = serde_json::from_str(&example(tool)).unwrap();
        Arguments::read(tool, given).unwrap();
    }
}

#[test]
fn what_is_left_out_may_be_written_as_null() {
    let tool = TOOLS
        .iter()
        .find(|tool| tool.name == "request_route")
        .unwrap();
    let given = json!({"host": "a.example", "ports": null, "reason": "x"});
    let mut arguments = Arguments::read(tool, given).unwrap();
    assert_eq!(arguments.ports("ports"), Ok(None));
    let given = json!({"host": null, "reason": "x"});
    let refusal = Arguments::read(tool, given).unwrap_err().to_string();
    assert!(refusal.contains("`host` is missing"), "{refusal}");
}

proptest! {
    #[test]
    fn a_refusal_is_short_and_printable(
        name in "\\PC{0,40}|[\u{0}-\u{20}]{0,9}",
        text in "(?s:.{0,200})",
        number in any::<i64>(),
    ) {
        for tool in TOOLS {
            for value in [json!(text), json!(number), json!([text]), json!({name.clone(): number})] {
                let mut given = Map::new();
                given.insert(name.clone(), value.clone());
                for field in tool.fields {
                    given.insert(field.name.to_owned(), value.clone());
                }
                if let Err(refusal) = Arguments::read(tool, Value::Object(given)) {
                    let refusal = refusal.to_string();
                    prop_assert!(refusal.chars().count() < 900, "{refusal}");
                    prop_assert_eq!(hidden(&refusal), None);
                }
            }
        }
    }
}
