//! What a grant makes of a bottle: from one spec to the next.

use super::ask::{Ask, RouteAsk};
use super::pass::PassAsk;
use super::record::{RequestRecord, Terms};
use super::server::ServerAsk;
use crate::policy::packages::{ImageUser, Package, PackageError, Packages, with_packages};
use crate::policy::{
    HostName, Method, Methods, PackageManager, PathPattern, PathPatternError, Provenance, Route,
    ScanRule,
};
use crate::spec::{ImageSource, McpServer, Spec, line_changes};

/// One step from a spec to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The spec after it.
    pub spec: Spec,
    /// What it changes, in one line.
    pub words: String,
}

/// Why a grant makes no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// It is answered, and changes nothing.
    #[error("change a bottle by the answer to a question")]
    Question,
    /// There is nothing to install into.
    #[error(
        "install packages into the built-in image: it holds one program and no system; give the template an `image` or a `dockerfile`"
    )]
    BuiltIn,
    /// The packages cannot be written into the image's Dockerfile.
    #[error(transparent)]
    Packages(#[from] PackageError),
    /// An exemption has no end of its own.
    #[error(
        "let what looks like a secret pass for a time or so often: it passes on its route until it is taken back by `cellar request undo`"
    )]
    PassTerms,
    /// No route lets it out.
    #[error("let it pass on the route that let it out: none lets out {what} any more")]
    NoRoute {
        /// The request.
        what: String,
    },
    /// The server's address makes no route.
    #[error("make a route of the address {url}")]
    Address {
        /// The address. Hostile text.
        url: String,
        /// What is wrong with its path.
        #[source]
        source: Option<PathPatternError>,
    },
}

/// What granting this to a request makes of a spec.
/// Whether the result holds together is for [`crate::policy::RouteSet::problems`] to say.
///
/// # Errors
/// [`StepError`] for what changes no bottle, or cannot change this one.
pub fn next_spec(spec: &Spec, request: u64, ask: &Ask, terms: Terms) -> Result<Step, StepError> {
    let mut next = spec.clone();
    let words = match ask {
        Ask::Question { .. } => return Err(StepError::Question),
        Ask::Route(asked) => add_route(&mut next, request, asked.route(request), terms),
        Ask::Packages { manager, packages } => install(&mut next, *manager, packages)?,
        Ask::McpServer(asked) => add_server(&mut next, request, asked, terms)?,
        Ask::ScanPass(asked) => let_pass(&mut next, asked, terms)?,
        Ask::Image { dockerfile } => {
            let (more, less) = replace_image(&mut next, dockerfile.clone());
            format!("image: +{more} −{less} lines")
        }
    };
    Ok(Step { spec: next, words })
}

fn add_route(next: &mut Spec, request: u64, mut route: Route, terms: Terms) -> String {
    route.expires = terms.until;
    route.budget.requests = terms.uses;
    let words = format!("adds {}, no credential", route.words());
    // The same request again replaces what it gave before.
    let origin = Provenance::Request { id: request };
    next.routes.routes.retain(|there| there.origin != origin);
    next.routes.routes.push(route);
    words
}

/// Lets what rules find pass on the routes that let the request out. The exemption is the
/// route's, however much more it covers.
fn let_pass(next: &mut Spec, asked: &PassAsk, terms: Terms) -> Result<String, StepError> {
    if terms.until.is_some() || terms.uses.is_some() {
        return Err(StepError::PassTerms);
    }
    let mut words = Vec::new();
    for at in asked.places_in(&next.routes) {
        if let Some(route) = next.routes.routes.get_mut(at) {
            route.scan_pass.extend(asked.rules.iter().cloned());
            words.push(format!("{} (from {})", route.words(), route.origin.words()));
        }
    }
    if words.is_empty() {
        let what = asked.place();
        return Err(StepError::NoRoute { what });
    }
    Ok(format!(
        "lets what looks like {} pass with all that the route {} covers",
        ScanRule::words(&asked.rules),
        words.join(" and the route ")
    ))
}

/// Takes the rules out again; gives the routes that had some of them.
fn stop_passing(next: &mut Spec, asked: &PassAsk) -> Vec<String> {
    let mut gone = Vec::new();
    for at in asked.places_in(&next.routes) {
        let Some(route) = next.routes.routes.get_mut(at) else {
            continue;
        };
        let before = route.scan_pass.len();
        route.scan_pass.retain(|rule| !asked.rules.contains(rule));
        if route.scan_pass.len() < before {
            gone.push(format!(
                "what lets {} pass on the route {}",
                ScanRule::words(&asked.rules),
                route.words()
            ));
        }
    }
    gone
}

/// Puts a Dockerfile in the place of the image, and counts the lines that differ.
fn replace_image(next: &mut Spec, text: String) -> (usize, usize) {
    let before = match &next.image {
        ImageSource::Dockerfile { text } => text.as_str(),
        ImageSource::Guest | ImageSource::Tag { .. } => "",
    };
    let counts = line_changes(before, &text);
    next.image = ImageSource::Dockerfile { text };
    counts
}

fn install(
    next: &mut Spec,
    manager: PackageManager,
    packages: &[String],
) -> Result<String, StepError> {
    let base = match &next.image {
        ImageSource::Guest => return Err(StepError::BuiltIn),
        ImageSource::Tag { reference } => format!("FROM {reference}\n"),
        ImageSource::Dockerfile { text } => text.clone(),
    };
    let mut wanted = Packages::default();
    for package in packages {
        wanted.add(Package::parse(manager, package)?)?;
    }
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let user = ImageUser::parse(&next.uid.to_string())?;
    let (more, less) = replace_image(next, with_packages(&base, &wanted, &user)?);
    let manager = manager.as_str();
    Ok(format!(
        "image: +{more} −{less} lines, {manager} {}",
        names.join(" ")
    ))
}

/// A server on the network is of no use without its route; one inside the bottle is
/// only told of.
fn add_server(
    next: &mut Spec,
    request: u64,
    asked: &ServerAsk,
    terms: Terms,
) -> Result<String, StepError> {
    let name = asked.name.clone();
    let mut words = format!("adds the MCP server {name}: {}", asked.way.words());
    if let McpServer::Http { url } = &asked.way {
        let route = route_to(url)?.route(request);
        words.push_str("; ");
        words.push_str(&add_route(next, request, route, terms));
    }
    next.session.mcp_servers.insert(name, asked.way.clone());
    Ok(words)
}

impl ServerAsk {
    /// The route that it needs, if it is on the network and its address makes one.
    #[must_use]
    pub fn route(&self) -> Option<RouteAsk> {
        match &self.way {
            McpServer::Http { url } => route_to(url).ok(),
            McpServer::Stdio { .. } => None,
        }
    }
}

/// The route that a server's address needs: its host, port and path, and the methods of
/// MCP's streamable HTTP (specification of 2025-06-18, «Transports»).
fn route_to(url: &str) -> Result<RouteAsk, StepError> {
    let wrong = |source| StepError::Address {
        url: url.to_owned(),
        source,
    };
    let (rest, port) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, 443),
        (None, Some(rest)) => (rest, 80),
        (None, None) => return Err(wrong(None)),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, written)) => (host, written.parse().map_err(|_| wrong(None))?),
        None => (authority, port),
    };
    let path = path.split('?').next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    // What stands for more than itself must not come out of an address.
    if path.contains('*') {
        return Err(wrong(None));
    }
    let path = PathPattern::parse(path).map_err(|error| wrong(Some(error)))?;
    let methods = ["GET", "POST", "DELETE"].into_iter();
    Ok(RouteAsk {
        host: HostName::parse(host).map_err(|_| wrong(None))?.into(),
        ports: vec![port],
        methods: Methods::Only(
            methods
                .filter_map(|name| Method::parse(name).ok())
                .collect(),
        ),
        paths: vec![path],
        websocket: false,
    })
}

/// What taking back a granted route, server or exemption makes of a spec; `None` if it cannot be
/// told apart any more, or changed the image.
#[must_use]
pub fn without(spec: &Spec, record: &RequestRecord) -> Option<Step> {
    let (ask, _) = record.granted()?;
    let mut next = spec.clone();
    let mut gone = Vec::new();
    if let Ask::McpServer(asked) = ask
        && next.session.mcp_servers.get(&asked.name) == Some(&asked.way)
    {
        next.session.mcp_servers.remove(&asked.name);
        gone.push(format!("the MCP server {}", asked.name));
    }
    if let Ask::ScanPass(asked) = ask {
        gone.extend(stop_passing(&mut next, asked));
    }
    let origin = Provenance::Request { id: record.id };
    let routes = next
        .routes
        .routes
        .extract_if(.., |route| route.origin == origin);
    gone.extend(routes.map(|route| route.words()));
    if gone.is_empty() {
        return None;
    }
    let words = format!("removes {}", gone.join(", "));
    Some(Step { spec: next, words })
}

/// What taking back a change of the image makes of a spec, given the specs around that
/// change; `None` if the image has changed since.
#[must_use]
pub fn without_image(spec: &Spec, before: &Spec, after: &Spec) -> Option<Step> {
    if spec.image != after.image || before.image == after.image {
        return None;
    }
    let mut next = spec.clone();
    next.image = before.image.clone();
    let words = match (&before.image, &after.image) {
        (ImageSource::Dockerfile { text: old }, ImageSource::Dockerfile { text: new }) => {
            let (more, less) = line_changes(new, old);
            format!("image: +{more} −{less} lines")
        }
        (ImageSource::Tag { reference }, _) => format!("image: {reference} again"),
        _ => String::from("image: as before"),
    };
    Some(Step { spec: next, words })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::request::{Answer, RequestState, RouteAsk, Source, Verdict};
    use crate::spec::fixture;

    fn spec() -> Spec {
        Spec {
            image: ImageSource::Guest,
            ..fixture::spec()
        }
    }

    /// A request that was granted against a spec.
    fn granted(id: u64, ask: Ask, shown: &Spec) -> RequestRecord {
        let digest = ask.digest().unwrap();
        let verdict = Verdict {
            answer: Answer::Approve {
                terms: Terms::default(),
                edited: None,
            },
            content: digest,
            spec: shown.digest().unwrap(),
            at: Timestamp::UNIX_EPOCH,
        };
        RequestRecord {
            id,
            ask,
            digest,
            reason: String::new(),
            source: Source::Agent,
            first: Timestamp::UNIX_EPOCH,
            last: Timestamp::UNIX_EPOCH,
            times: 1,
            state: RequestState::Approved { verdict },
            delivered: None,
        }
    }

    fn route() -> Ask {
        Ask::Route(RouteAsk {
            host: HostName::parse("pypi.org").unwrap().into(),
            ports: vec![443],
            methods: Methods::Any,
            paths: Vec::new(),
            websocket: false,
        })
    }

    #[test]
    fn a_route_is_added_on_the_terms_of_the_grant_and_only_once() {
        let old = spec();
        let terms = Terms {
            until: Some(Timestamp::UNIX_EPOCH),
            uses: Some(3),
            ..Terms::default()
        };
        let step = next_spec(&old, 4, &route(), terms).unwrap();
        assert_eq!(step.words, "adds pypi.org, no credential");
        let added = step.spec.routes.routes.last().unwrap();
        assert_eq!(added.expires, terms.until);
        assert_eq!(added.budget.requests, Some(3));
        let again = next_spec(&step.spec, 4, &route(), terms).unwrap();
        assert_eq!(again.spec, step.spec);
    }

    #[test]
    fn what_was_added_can_be_taken_back_alone() {
        let old = spec();
        let step = next_spec(&old, 4, &route(), Terms::default()).unwrap();
        let record = granted(4, route(), &old);
        let back = without(&step.spec, &record).unwrap();
        assert_eq!(back.spec, old);
        assert_eq!(without(&old, &record), None);
    }

    fn pass() -> Ask {
        Ask::ScanPass(PassAsk {
            host: HostName::parse("a.example").unwrap(),
            port: 443,
            method: Method::parse("POST").unwrap(),
            path: PathPattern::parse("/v1/notes").unwrap(),
            websocket: false,
            rules: [ScanRule::parse("github-pat").unwrap()].into(),
        })
    }

    #[test]
    fn what_looks_like_a_secret_passes_on_the_very_route_until_that_is_taken_back() {
        let mut old = spec();
        let host = HostName::parse("a.example").unwrap();
        let route = |method| Route {
            methods: Methods::Only([Method::parse(method).unwrap()].into()),
            ..Route::to(host.clone(), vec![443], Provenance::Builtin)
        };
        old.routes.routes = vec![route("GET"), route("POST")];
        let step = next_spec(&old, 4, &pass(), Terms::default()).unwrap();
        assert_eq!(
            step.words,
            "lets what looks like `github-pat` pass with all that the route POST a.example (from built in) covers"
        );
        let rules: Vec<usize> = step
            .spec
            .routes
            .routes
            .iter()
            .map(|route| route.scan_pass.len())
            .collect();
        assert_eq!(rules, [0, 1]);
        let again = next_spec(&step.spec, 4, &pass(), Terms::default()).unwrap();
        assert_eq!(again.spec, step.spec);
        let record = granted(4, pass(), &old);
        let back = without(&step.spec, &record).unwrap();
        assert_eq!(back.spec, old);
        assert_eq!(
            back.words,
            "removes what lets `github-pat` pass on the route POST a.example"
        );
        assert_eq!(without(&old, &record), None);
        let digest = |spec: &Spec| spec.digest().unwrap();
        assert_ne!(digest(&step.spec), digest(&old));
    }

    #[test]
    fn an_exemption_needs_a_route_and_has_no_end() {
        let mut old = spec();
        old.routes.routes.clear();
        let what = String::from("POST a.example/v1/notes");
        let nowhere = next_spec(&old, 4, &pass(), Terms::default());
        assert_eq!(nowhere, Err(StepError::NoRoute { what }));
        let for_a_time = Terms {
            until: Some(Timestamp::UNIX_EPOCH),
            ..Terms::default()
        };
        let so_often = Terms {
            uses: Some(3),
            ..Terms::default()
        };
        for terms in [for_a_time, so_often] {
            assert_eq!(
                next_spec(&old, 4, &pass(), terms),
                Err(StepError::PassTerms)
            );
        }
    }

    fn packages(list: &[&str]) -> Ask {
        Ask::Packages {
            manager: PackageManager::Apt,
            packages: list.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn packages_are_added_to_the_image_there_is() {
        let mut old = spec();
        let ask = packages(&["ripgrep", "jq"]);
        assert_eq!(
            next_spec(&old, 1, &ask, Terms::default()),
            Err(StepError::BuiltIn)
        );
        old.image = ImageSource::Tag {
            reference: String::from("cellar/claude:1"),
        };
        let step = next_spec(&old, 1, &ask, Terms::default()).unwrap();
        let ImageSource::Dockerfile { text } = &step.spec.image else {
            panic!("{:?}", step.spec.image)
        };
        assert!(text.starts_with("FROM cellar/claude:1\n"), "{text}");
        assert!(
            text.trim_end()
                .ends_with("USER 1000\n# cellar:packages end"),
            "{text}"
        );
        assert!(
            step.words.ends_with("lines, apt jq ripgrep"),
            "{}",
            step.words
        );
        // More of them go into the same lines.
        let more = next_spec(&step.spec, 2, &packages(&["tree"]), Terms::default()).unwrap();
        let ImageSource::Dockerfile { text } = &more.spec.image else {
            panic!("{:?}", more.spec.image)
        };
        assert_eq!(text.matches("apt-get install").count(), 1, "{text}");
        let back = without_image(&more.spec, &step.spec, &more.spec).unwrap();
        assert_eq!(back.spec, step.spec);
        assert_eq!(without_image(&old, &step.spec, &more.spec), None);
        let evil = packages(&["jq; rm -rf /"]);
        assert!(next_spec(&old, 1, &evil, Terms::default()).is_err());
    }

    #[test]
    fn a_server_on_the_network_comes_with_its_route_and_goes_with_it() {
        let old = spec();
        let ask = |url: &str| {
            Ask::McpServer(ServerAsk {
                name: String::from("docs"),
                way: McpServer::Http {
                    url: url.to_owned(),
                },
            })
        };
        let asked = ask("https://mcp.example.com:8443/mcp?x=1");
        let step = next_spec(&old, 7, &asked, Terms::default()).unwrap();
        let route = step.spec.routes.routes.last().unwrap();
        assert_eq!(route.ports, [8443]);
        assert!(route.methods.matches("DELETE") && !route.methods.matches("PUT"));
        assert_eq!(step.spec.session.mcp_servers.len(), 1);
        let record = granted(7, asked, &old);
        assert_eq!(without(&step.spec, &record).unwrap().spec, old);
        let star = ask("https://mcp.example.com/*");
        assert!(next_spec(&old, 7, &star, Terms::default()).is_err());
    }
}
