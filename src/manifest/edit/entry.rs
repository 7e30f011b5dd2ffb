//! A route as an entry of `routes`, with no key that says what is usual.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::policy::Route;

/// What a request can ask for, in the order of the manual.
const KEYS: [&str; 4] = ["host", "methods", "paths", "websocket"];

/// The entry; `None` if the route cannot be written at all, which no route's types allow.
pub(super) fn of(route: &Route) -> Option<Value> {
    let Ok(Value::Object(mut said)) = serde_json::to_value(route) else {
        return None;
    };
    let mut entry = Map::new();
    for key in KEYS {
        if let Some(value) = said.remove(key) {
            entry.insert(key.to_owned(), value);
        }
        if key == "host" && route.ports != [443] {
            let ports: BTreeSet<u16> = route.ports.iter().copied().collect();
            let ports = ports.into_iter().map(Value::from).collect();
            entry.insert(String::from("ports"), Value::Array(ports));
        }
    }
    Some(Value::Object(entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};

    #[test]
    fn what_is_usual_is_not_written() {
        let host = HostName::parse("pypi.org").unwrap();
        let mut route = Route::to(host, vec![443], Provenance::Operator);
        let written = |route: &Route| of(route).unwrap().to_string();
        assert_eq!(written(&route), r#"{"host":"pypi.org"}"#);
        route.ports = vec![8443, 443, 443];
        route.websocket = true;
        assert_eq!(
            written(&route),
            r#"{"host":"pypi.org","ports":[443,8443],"websocket":true}"#
        );
    }
}
