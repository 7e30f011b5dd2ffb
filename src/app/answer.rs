//! The route that lets through what waits for the operator.

use jiff::Timestamp;

use crate::policy::{CanonicalPath, HostName, Provenance, RequestAsk, Route, RouteSet, Scheme};
use crate::wire::HoldRecord;

/// The narrowest route that lets through what is held.
///
/// # Errors
/// Why there is none: what waits is none that a route can name, or the routes changed.
pub(super) fn answer(held: &HoldRecord, routes: &RouteSet) -> Result<Route, String> {
    let host = HostName::parse(&held.host).map_err(|error| format!("failed to {error}"))?;
    let Some(request) = &held.request else {
        return Ok(Route::to(host, vec![held.port], Provenance::Operator));
    };
    let path = CanonicalPath::parse(&request.path).map_err(|error| format!("failed to {error}"))?;
    let ask = RequestAsk {
        // Of the two the one in which no credential is in the way: egress, which knows,
        // asks for nothing that stays refused.
        scheme: Scheme::Https,
        method: &request.method,
        path: &path,
        query: None,
        is_websocket: false,
    };
    routes
        .extension(&host, held.port, &ask, Timestamp::now())
        .ok_or_else(|| {
            "the routes have changed, and none of them can be made to allow it".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::HeldRequest;

    fn held(request: Option<(&str, &str)>) -> HoldRecord {
        HoldRecord {
            id: 1,
            at: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            host: String::from("api.example"),
            port: 8080,
            waiting: 1,
            request: request.map(|(method, path)| HeldRequest {
                method: method.to_owned(),
                path: path.to_owned(),
            }),
        }
    }

    fn routes() -> RouteSet {
        let text = r#"[{"host":"api.example","ports":[8080],"methods":["GET"],
            "allow_private":true,"origin":{"kind":"builtin"}}]"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_place_becomes_a_route_to_it_and_a_request_one_for_itself() {
        let whole = answer(&held(None), &routes()).unwrap();
        assert_eq!(
            (whole.words().as_str(), whole.allow_private),
            ("api.example:8080", false)
        );
        let narrow = answer(&held(Some(("POST", "/graphql"))), &routes()).unwrap();
        assert_eq!(narrow.words(), "POST api.example:8080/graphql");
        assert_eq!(
            (narrow.allow_private, narrow.origin),
            (true, Provenance::Operator)
        );
    }

    #[test]
    fn what_no_route_can_name_or_allow_gets_none() {
        for request in [
            ("POST", "no path"),
            ("post", "/"),
            ("GET", "/"),
            ("POST", "/*"),
        ] {
            assert!(
                answer(&held(Some(request)), &routes()).is_err(),
                "{request:?}"
            );
        }
        assert!(answer(&held(Some(("POST", "/"))), &RouteSet::NONE).is_err());
    }
}
