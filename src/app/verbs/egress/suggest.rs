//! `egress suggest`: the narrowest routes that would have allowed what was refused.

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::super::cellar::Cellar;
use super::super::super::exit::{Exit, Failure};
use super::super::super::hub::Talk;
use super::super::super::output::Output;
use super::super::printing;
use crate::policy::{
    Method, PathPattern, Refused, Route, Suggestion, presets, suggest as suggestions,
};
use crate::spec::BottleId;
use crate::state::refused;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::app::verbs) struct Suggested<'a> {
    /// How often it was refused.
    times: usize,
    /// Whether what was refused said what for; else the route is all of the host.
    exact: bool,
    /// As a template's `routes` take it.
    route: Value,
    /// A preset that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'a str>,
}

pub(super) async fn suggest(
    out: &mut Output,
    cellar: &Cellar,
    id: &BottleId,
    is_json: bool,
) -> Result<Exit, Failure> {
    let attempt = || format!("hear what `{id}` refused");
    let talk = Talk::open(&*cellar.engine, id).await.map_err(|error| {
        Failure::new(attempt(), &error).help("it tells while the bottle runs: `cellar resume` it")
    })?;
    let refused: Vec<Refused> = talk.view.decisions.iter().filter_map(refused).collect();
    let presets = presets().map_err(|error| Failure::new(attempt(), &error))?;
    let found = suggestions(&refused, &presets);
    if is_json {
        let suggested: Vec<Suggested<'_>> = found
            .iter()
            .map(|suggestion| Suggested {
                times: suggestion.times,
                exact: suggestion.is_exact,
                route: entry(&suggestion.route),
                preset: suggestion.preset.as_deref(),
            })
            .collect();
        return out.json(&suggested).map_err(printing).map(|()| Exit::Done);
    }
    for suggestion in &found {
        print(out, id, suggestion).map_err(printing)?;
    }
    if found.is_empty() {
        out.note("nothing was refused that a route could allow")
            .map_err(printing)?;
    }
    Ok(Exit::Done)
}

/// The route as a manifest has it.
fn entry(route: &Route) -> Value {
    let mut entry = Map::new();
    entry.insert(String::from("host"), route.host.to_string().into());
    if route.ports != [443] {
        entry.insert(String::from("ports"), route.ports.clone().into());
    }
    if let crate::policy::Methods::Only(methods) = &route.methods {
        let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
        entry.insert(String::from("methods"), methods.into());
    }
    if !route.paths.is_empty() {
        let paths: Vec<&str> = route.paths.iter().map(PathPattern::as_str).collect();
        entry.insert(String::from("paths"), paths.into());
    }
    if route.websocket {
        entry.insert(String::from("websocket"), true.into());
    }
    Value::Object(entry)
}

fn print(out: &mut Output, id: &BottleId, suggestion: &Suggestion) -> std::io::Result<()> {
    let route = &suggestion.route;
    let times = match suggestion.times {
        1 => String::from("refused once"),
        times => format!("refused {times} times"),
    };
    out.line(&format!("{}  ({times})", route.words()))?;
    if !suggestion.is_exact {
        out.line("  refused before it said what for: this is all of the host")?;
    }
    out.line(&format!("  in the template  {}", entry(route)))?;
    if let Some(preset) = &suggestion.preset {
        let preset = serde_json::json!({ "preset": preset });
        out.line(&format!("  or               {preset}"))?;
    }
    for command in commands(id, route) {
        out.line(&format!("  now              {command}"))?;
    }
    Ok(())
}

/// The commands that add it while the bottle runs: one for each path.
fn commands(id: &BottleId, route: &Route) -> Vec<String> {
    let port = match route.ports.first() {
        Some(443) | None => String::new(),
        Some(port) => format!(":{port}"),
    };
    let mut options = if route.methods.is_any() {
        String::new()
    } else {
        format!(" -X {}", route.methods)
    };
    if route.websocket {
        options += " --websocket";
    }
    let paths: Vec<&str> = if route.paths.is_empty() {
        vec![""]
    } else {
        route.paths.iter().map(PathPattern::as_str).collect()
    };
    let command = |path: &&str| {
        // The path is the agent's own word, and this is for a shell.
        let place = format!("{}{port}{path}", route.host).replace('\'', r"'\''");
        format!("cellar egress allow {id} '{place}'{options}")
    };
    paths.iter().map(command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Methods, Provenance};

    fn route() -> Route {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host, vec![8443], Provenance::Operator);
        let get = Method::parse("GET").unwrap();
        route.methods = Methods::from(std::collections::BTreeSet::from([get]));
        route.paths = vec![
            PathPattern::parse("/one").unwrap(),
            PathPattern::parse("/it's/*").unwrap(),
        ];
        route
    }

    #[test]
    fn a_suggestion_is_what_a_manifest_and_a_shell_take() {
        assert_eq!(
            entry(&route()).to_string(),
            r#"{"host":"a.example","ports":[8443],"methods":["GET"],"paths":["/one","/it's/*"]}"#
        );
        let id = BottleId::parse("api-k3x9q").unwrap();
        assert_eq!(
            commands(&id, &route()),
            [
                "cellar egress allow api-k3x9q 'a.example:8443/one' -X GET",
                r"cellar egress allow api-k3x9q 'a.example:8443/it'\''s/*' -X GET",
            ]
        );
    }
}
