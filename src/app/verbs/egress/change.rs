//! `egress allow` and `revoke`: routes that change while the bottle runs.

use jiff::{SignedDuration, Span, Timestamp};
use serde::Serialize;

use super::super::super::cellar::{Cellar, Reach, RoutesChange};
use super::super::super::exit::{Exit, Failure};
use super::super::super::output::Output;
use super::super::super::place::Places;
use super::super::printing;
use crate::policy::{Method, Methods, Provenance, Route};
use crate::spec::BottleId;

/// The longest that a route may be given: about ten years.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3_653);

/// Reads the route that was typed.
///
/// # Errors
/// [`Failure`] with [`Exit::Usage`].
pub(super) fn route(
    place: &str,
    methods: &[String],
    websocket: bool,
    time: Option<&str>,
) -> Result<Route, Failure> {
    let usage = |attempt: &str, error: &dyn std::error::Error| {
        Failure::new(attempt, error).exit(Exit::Usage)
    };
    let places = Places::parse(place).map_err(|error| usage("read the address", &error))?;
    let mut route = Route::to(places.host, vec![places.port], Provenance::Operator);
    route.paths.extend(places.path);
    let methods: Result<std::collections::BTreeSet<Method>, _> =
        methods.iter().map(|method| Method::parse(method)).collect();
    route.methods = Methods::from(methods.map_err(|error| usage("read the method", &error))?);
    route.websocket = websocket;
    route.expires = time.map(end).transpose()?;
    Ok(route)
}

/// When a time that begins now is over.
///
/// # Errors
/// [`Failure`] with [`Exit::Usage`].
pub(in super::super) fn end(time: &str) -> Result<Timestamp, Failure> {
    let attempt = || format!("read `{time}` as a time");
    let help = "write it as 45s, 30m, 2h or 7d";
    let span: Span = time.parse().map_err(|error: jiff::Error| {
        Failure::new(attempt(), &error).help(help).exit(Exit::Usage)
    })?;
    let wrong = |why: &str| {
        Failure::because(attempt(), why)
            .help(help)
            .exit(Exit::Usage)
    };
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|error| Failure::new(attempt(), &error).help(help).exit(Exit::Usage))?;
    if duration <= SignedDuration::ZERO || duration > LONGEST {
        return Err(wrong("it is over already, or very long"));
    }
    Timestamp::now()
        .checked_add(duration)
        .map_err(|error| Failure::new(attempt(), &error).exit(Exit::Usage))
}

pub(super) async fn allow(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    route: Route,
    is_json: bool,
) -> Result<Exit, Failure> {
    let words = route.words();
    let change = cellar
        .change_routes(id, |routes| {
            routes.routes.push(route);
            Ok(())
        })
        .await?;
    tell(out, &change, &format!("added {words}"), is_json)
}

pub(super) async fn revoke(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    number: usize,
    is_json: bool,
) -> Result<Exit, Failure> {
    let mut words = String::new();
    let change = cellar
        .change_routes(id, |routes| {
            let at = number.checked_sub(1);
            match at.filter(|at| *at < routes.routes.len()) {
                Some(at) => {
                    words = routes.routes.remove(at).words();
                    Ok(())
                }
                None => Err(Failure::because(
                    format!("take route {number} of `{id}` away"),
                    format!("it has {} routes", routes.routes.len()),
                )
                .help(format!("`cellar egress {id}` numbers them"))
                .exit(Exit::Usage)),
            }
        })
        .await?;
    tell(out, &change, &format!("took {words} away"), is_json)
}

/// What a change of routes prints with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RoutesChanged"))]
pub(in crate::app::verbs) struct Changed<'a> {
    /// The table of routes that holds it.
    generation: u64,
    /// Whether it holds now, and not only from the bottle's next start.
    in_force: bool,
    /// All of them, as they are now.
    routes: &'a crate::policy::RouteSet,
}

pub(super) fn tell(
    out: &mut Output,
    change: &RoutesChange,
    what: &str,
    is_json: bool,
) -> Result<Exit, Failure> {
    let in_force = change.reach == Reach::Now;
    if is_json {
        let changed = Changed {
            generation: change.generation,
            in_force,
            routes: &change.routes,
        };
        out.json(&changed).map_err(printing)?;
    } else {
        let since = if in_force {
            "in force now"
        } else {
            "in force when the bottle runs again: it does not answer"
        };
        out.line(&format!("{what}; {since}")).map_err(printing)?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_as_it_is_typed() {
        let methods = [String::from("GET"), String::from("HEAD")];
        let route = route(
            "https://*.example.com:8443/v1/*",
            &methods,
            true,
            Some("30m"),
        );
        let route = route.ok().unwrap();
        assert_eq!(route.words(), "GET,HEAD *.example.com:8443/v1/*");
        assert!(route.websocket);
        let left = route.expires.unwrap().duration_since(Timestamp::now());
        assert!(left > SignedDuration::from_mins(29) && left <= SignedDuration::from_mins(30));
    }

    #[test]
    fn a_time_is_bounded_and_ahead() {
        for text in ["0s", "-5m", "soon", "", "90000d"] {
            assert!(end(text).is_err(), "{text}");
        }
        assert!(end("7d").is_ok());
    }
}
