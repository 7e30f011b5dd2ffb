//! What tells two specs apart, in words for the operator.

use std::collections::BTreeMap;

use super::{ImageSource, Session, Spec};
use crate::policy::{BottleBudget, Denials, Route, RouteSet, Unlisted};

/// What changes from one spec to another, one line each. Empty only for equal ones.
#[must_use]
pub fn changes(old: &Spec, new: &Spec) -> Vec<String> {
    let mut lines = routes(&old.routes, &new.routes);
    lines.extend(image(&old.image, &new.image));
    lines.extend(servers(&old.session, &new.session));
    lines.extend(session(&old.session, &new.session));
    let mut named = |what: &str, differs: bool| {
        if differs {
            lines.push(format!("changes {what}"));
        }
    };
    named("the agent", old.agent != new.agent);
    named("the template", old.template != new.template);
    named("the workspace", old.workspace != new.workspace);
    named("the limits", old.limits != new.limits);
    named("the user id", old.uid != new.uid);
    named(
        "the trusted authorities",
        old.upstream_ca != new.upstream_ca,
    );
    named(
        "the upstream proxy",
        old.upstream_proxy != new.upstream_proxy,
    );
    named("whether it may ask", old.supervise != new.supervise);
    named("the runtime", old.runtime != new.runtime);
    named("how images are built", old.build != new.build);
    named(
        "whether it may ask for your clipboard",
        old.clipboard != new.clipboard,
    );
    if lines.is_empty() && old != new {
        lines.push(String::from("changes how the spec is written"));
    }
    lines
}

/// A route by all that can be told of it.
pub(super) fn route_words(route: &Route) -> String {
    let mut parts = vec![route.words()];
    if route.auth.is_none() {
        parts.push(String::from("no credential"));
    }
    parts.extend(route.remarks());
    parts.extend(route.expires.map(|end| format!("until {end:.0}")));
    let budget = &route.budget;
    parts.extend(
        budget
            .requests
            .map(|uses| format!("{uses} requests at most")),
    );
    parts.extend(budget.bytes.map(|bytes| format!("{bytes} bytes at most")));
    parts.join(", ")
}

fn routes(old: &RouteSet, new: &RouteSet) -> Vec<String> {
    let mut lines = Vec::new();
    let mut counts: BTreeMap<String, (isize, &Route)> = BTreeMap::new();
    let key = |route: &Route| format!("{route:?}");
    for route in &new.routes {
        counts.entry(key(route)).or_insert((0, route)).0 += 1;
    }
    for route in &old.routes {
        counts.entry(key(route)).or_insert((0, route)).0 -= 1;
    }
    for (count, route) in counts.values() {
        match count {
            1.. => lines.push(format!("adds {}", route_words(route))),
            ..=-1 => lines.push(format!("removes {}", route_words(route))),
            0 => {}
        }
    }
    // What is added is read first.
    lines.sort();
    if lines.is_empty() && old.routes != new.routes {
        lines.push(String::from("changes the order of the routes"));
    }
    lines.extend(budgets(&old.budgets, &new.budgets));
    if old.unlisted != new.unlisted {
        lines.push(match new.unlisted {
            Unlisted::Deny => String::from("refuses what no route allows"),
            Unlisted::Ask { seconds } => {
                format!("asks you, {seconds} s at most, about what no route allows")
            }
        });
    }
    if old.denials != new.denials {
        lines.push(String::from(match new.denials {
            Denials::Refuse => "asks you for nothing that was refused",
            Denials::Request => "makes a request of what is refused",
        }));
    }
    lines
}

/// Budgets that are taken away, given, or have another amount.
fn budgets(old: &[BottleBudget], new: &[BottleBudget]) -> Vec<String> {
    let alike = |all: &[BottleBudget], one: &BottleBudget| {
        all.iter().find(|known| known.is_alike(one)).copied()
    };
    let gone = old.iter().filter(|budget| alike(new, budget).is_none());
    let mut lines: Vec<String> = gone
        .map(|budget| format!("takes the budget of {} away", budget.words()))
        .collect();
    for budget in new {
        match alike(old, budget) {
            None => lines.push(format!("gives a budget of {}", budget.words())),
            Some(before) if before.amount != budget.amount => lines.push(format!(
                "changes the budget of {} to {}",
                before.words(),
                budget.what.words(budget.amount)
            )),
            Some(_) => {}
        }
    }
    lines
}

fn image(old: &ImageSource, new: &ImageSource) -> Option<String> {
    if old == new {
        return None;
    }
    Some(match (old, new) {
        (ImageSource::Dockerfile { text: old }, ImageSource::Dockerfile { text: new }) => {
            let (more, less) = line_changes(old, new);
            format!("image: +{more} −{less} lines")
        }
        (_, ImageSource::Dockerfile { text }) => {
            format!("image: from a Dockerfile of {} lines", text.lines().count())
        }
        (_, ImageSource::Tag { reference }) => format!("image: {reference}"),
        (_, ImageSource::Guest) => String::from("image: the built-in one"),
    })
}

/// MCP servers that are told of, and that are not any more.
fn servers(old: &Session, new: &Session) -> Vec<String> {
    let (old, new) = (&old.mcp_servers, &new.mcp_servers);
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    let mut lines: Vec<String> = gone
        .map(|name| format!("removes the MCP server {name}"))
        .collect();
    for (name, server) in new {
        let verb = match old.get(name) {
            None => "adds",
            Some(before) if before != server => "changes",
            Some(_) => continue,
        };
        lines.push(format!("{verb} the MCP server {name}: {}", server.words()));
    }
    lines
}

fn session(old: &Session, new: &Session) -> Option<String> {
    let alike = Session {
        mcp_servers: old.mcp_servers.clone(),
        ..new.clone()
    };
    if *old == alike {
        return None;
    }
    let mut parts = Vec::new();
    let mut part = |what, differs: bool| {
        if differs {
            parts.push(what);
        }
    };
    part(
        "command",
        old.argv != new.argv || old.resume_argv != new.resume_argv,
    );
    part(
        "environment",
        old.env != new.env || old.handed_over != new.handed_over,
    );
    part("folder", old.cwd != new.cwd);
    part("files of the home", old.home_files != new.home_files);
    part("watching", old.observe != new.observe);
    Some(format!("changes the session: {}", parts.join(", ")))
}

/// How many lines one text has that the other has not, each way, wherever they stand.
#[must_use]
pub fn line_changes(old: &str, new: &str) -> (usize, usize) {
    let mut counts = BTreeMap::<&str, isize>::new();
    for line in new.lines() {
        *counts.entry(line).or_default() += 1;
    }
    for line in old.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    let sum = |is: fn(isize) -> bool| {
        let counted = counts.values().filter(|count| is(**count));
        counted.map(|count| count.unsigned_abs()).sum()
    };
    (sum(|count| count > 0), sum(|count| count < 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Measure, Provenance, Span};
    use crate::spec::fixture::spec;

    fn route(host: &str) -> Route {
        Route::to(
            HostName::parse(host).unwrap(),
            vec![443],
            Provenance::Operator,
        )
    }

    #[test]
    fn each_change_has_its_words() {
        let mut old = spec();
        old.routes.routes = vec![route("a.example"), route("b.example")];
        let mut new = spec();
        new.routes.routes = vec![route("b.example"), route("c.example")];
        new.routes.unlisted = Unlisted::Ask { seconds: 60 };
        new.routes.denials = Denials::Request;
        let budget = BottleBudget::new;
        old.routes.budgets = vec![
            budget(Measure::Requests, Span::Hour, 10),
            budget(Measure::Cost, Span::Hour, 5_000_000),
        ];
        new.routes.budgets = vec![
            budget(Measure::Cost, Span::Hour, 7_000_000),
            budget(Measure::Tokens, Span::Day, 2_000_000),
        ];
        new.image = ImageSource::Dockerfile {
            text: String::from("FROM a\nRUN c\nRUN d\n"),
        };
        new.session.env.insert(String::from("A"), String::new());
        new.limits.pids = 7;
        assert_eq!(
            changes(&old, &new),
            [
                "adds c.example, no credential",
                "removes a.example, no credential",
                "takes the budget of 10 requests per hour away",
                "changes the budget of $5.00 per hour to $7.00",
                "gives a budget of 2M tokens per day",
                "asks you, 60 s at most, about what no route allows",
                "makes a request of what is refused",
                "image: +2 −1 lines",
                "changes the session: environment",
                "changes the limits",
            ]
        );
        assert_eq!(changes(&old, &old), Vec::<String>::new());
    }

    #[test]
    fn the_order_of_routes_counts() {
        let mut old = spec();
        old.routes.routes = vec![route("a.example"), route("b.example")];
        let mut new = old.clone();
        new.routes.routes.reverse();
        assert_eq!(changes(&old, &new), ["changes the order of the routes"]);
    }
}
