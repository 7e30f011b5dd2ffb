use super::*;
use crate::policy::{Auth, AuthScheme, Method, Provenance, RouteRole, SecretName};

fn route(host: &str) -> Route {
    let host = HostPattern::parse(host).unwrap();
    let mut route = Route::to(host, vec![443], Provenance::Operator);
    route.methods = methods(&["GET"]);
    route.paths = vec![PathPattern::parse("/v1/*").unwrap()];
    route
}

fn methods(names: &[&str]) -> Methods {
    let parse = |name: &&str| Method::parse(name).unwrap();
    Methods::from(names.iter().map(parse).collect::<BTreeSet<_>>())
}

fn auth() -> Auth {
    let secret = SecretName::parse("token").unwrap();
    Auth {
        scheme: AuthScheme::Bearer,
        secret,
    }
}

fn codes(asked: &Route, existing: &[Route]) -> Vec<FindingCode> {
    let found = route_findings(asked, &RouteSet::of(existing.to_vec()));
    assert!(
        found
            .iter()
            .all(|one| one.words.is_ascii() && one.line.is_none())
    );
    found.iter().map(|one| one.code).collect()
}

/// The findings of a change to a narrow route beside itself.
fn changed(change: impl Fn(&mut Route)) -> Vec<FindingCode> {
    let here = route("api.example.com");
    let mut asked = here.clone();
    change(&mut asked);
    codes(&asked, &[here])
}

use FindingCode as C;

#[test]
fn a_narrow_route_to_a_host_that_is_there_has_none() {
    assert_eq!(changed(|_| {}), []);
}

#[test]
fn newness_is_told_of_the_domain_or_of_the_host() {
    let asked = route("api.example.com");
    assert_eq!(codes(&asked, &[]), [C::NewDomain]);
    assert_eq!(codes(&asked, &[route("www.example.com")]), [C::NewHost]);
    assert_eq!(codes(&asked, &[route("*.example.com")]), [C::ShadowsRoutes]);
    let mut deny = route("www.example.com");
    deny.effect = Effect::Deny;
    assert_eq!(
        codes(&asked, &[deny]),
        [C::NewDomain],
        "a refusal opens nothing"
    );
}

#[test]
fn what_refuses_has_no_findings_and_is_told_of() {
    let mut deny = route("api.example.com");
    deny.effect = Effect::Deny;
    assert_eq!(codes(&deny, &[]), []);
    let here = [route("api.example.com"), deny];
    assert_eq!(codes(&route("api.example.com"), &here), [C::AlreadyRefused]);
}

#[test]
fn each_way_to_be_wide_is_found() {
    assert_eq!(
        changed(|asked| asked.methods = methods(&["GET", "HEAD", "OPTIONS"])),
        []
    );
    assert_eq!(
        changed(|asked| asked.methods = methods(&["GET", "POST"])),
        [C::WriteMethods]
    );
    assert_eq!(
        changed(|asked| asked.methods = methods(&["PROPFIND"])),
        [C::WriteMethods]
    );
    assert_eq!(
        changed(|asked| asked.methods = Methods::Any),
        [C::AnyMethod]
    );
    assert_eq!(changed(|asked| asked.paths.clear()), [C::AnyPath]);
    assert_eq!(
        changed(|asked| asked.paths = vec![PathPattern::parse("/**").unwrap()]),
        [C::AnyPath]
    );
    let wide = route("*.example.com");
    assert_eq!(codes(&wide, &[route("*.example.com")]), [C::WildcardHost]);
}

#[test]
fn a_credential_is_in_reach_of_its_route_its_host_and_below_its_wildcard() {
    assert_eq!(
        changed(|asked| asked.auth = Some(auth())),
        [C::CredentialInReach]
    );
    assert_eq!(
        changed(|asked| asked.role = Some(RouteRole::AnthropicApiKey)),
        [C::CredentialInReach]
    );
    let with_auth = |host| Route {
        auth: Some(auth()),
        ..route(host)
    };
    let asked = route("api.example.com");
    assert_eq!(
        codes(&asked, &[with_auth("api.example.com")]),
        [C::CredentialInReach]
    );
    assert_eq!(
        codes(&asked, &[with_auth("*.example.com")]),
        [C::CredentialInReach, C::ShadowsRoutes]
    );
    assert_eq!(
        codes(&route("*.example.com"), &[with_auth("api.example.com")]),
        [C::WildcardHost, C::CredentialInReach, C::NewHost]
    );
    let mut elsewhere = with_auth("api.example.com");
    elsewhere.ports = vec![8443];
    assert_eq!(codes(&asked, &[elsewhere]), []);
}

#[test]
fn sites_where_anybody_leaves_or_fetches_things_are_known() {
    for (host, code) in [
        ("pastebin.com", C::PasteSite),
        ("gist.github.com", C::PasteSite),
        ("x.transfer.sh", C::FileDrop),
        ("webhook.site", C::WebhookCatcher),
        ("abc.ngrok.io", C::Tunnel),
        ("bit.ly", C::UrlShortener),
        ("b.s3.eu-west-1.amazonaws.com", C::ObjectStorage),
        ("storage.googleapis.com", C::ObjectStorage),
        ("*.r2.cloudflarestorage.com", C::ObjectStorage),
        ("*.cloudflarestorage.com", C::ObjectStorage),
        ("hooks.slack.com", C::Messaging),
        ("dns.google", C::NameResolver),
        ("10.0.0.1.nip.io", C::AddressName),
    ] {
        let here = route(host);
        assert!(
            codes(&here, std::slice::from_ref(&here)).contains(&code),
            "{host}"
        );
    }
    assert_eq!(
        codes(&route("api.github.com"), &[route("github.com")]),
        [C::NewHost]
    );
}

#[test]
fn names_that_deceive_are_found() {
    let found = |host: &str| codes(&route(host), &[route("api.example.com")]);
    assert_eq!(
        found("github.com.evil.test"),
        [C::LookalikeHost, C::NewDomain]
    );
    assert_eq!(found("examp1e.com"), [C::LookalikeHost, C::NewDomain]);
    assert_eq!(found("example.org"), [C::SimilarHost, C::NewDomain]);
    assert_eq!(found("xn--bcher-kva.test"), [C::PunycodeHost, C::NewDomain]);
}

#[test]
fn addresses_and_ports_are_found() {
    let dials = |text: &str| changed(|asked| asked.connect_to = Some(text.parse().unwrap()));
    assert_eq!(dials("8.8.8.8"), [C::FixedAddress]);
    assert_eq!(dials("10.1.2.3"), [C::PrivateAddress]);
    assert_eq!(dials("fe80::1"), [C::PrivateAddress]);
    assert_eq!(dials("169.254.169.254"), [C::MetadataAddress]);
    assert_eq!(
        changed(|asked| asked.allow_private = true),
        [C::PrivateAddress]
    );
    assert_eq!(
        changed(|asked| asked.ports = vec![80, 443, 8080]),
        [C::OddPort, C::PlainText]
    );
    for (host, code) in [
        ("nas.local", C::PrivateAddress),
        ("host.docker.internal", C::PrivateAddress),
        ("localhost", C::PrivateAddress),
        ("intranet", C::PrivateAddress),
        ("metadata.google.internal", C::MetadataAddress),
        ("169.254.169.254.nip.io", C::MetadataAddress),
    ] {
        let here = route(host);
        let found = codes(&here, std::slice::from_ref(&here));
        assert!(found.contains(&code), "{host} {found:?}");
    }
}

#[test]
fn weaker_terms_are_found_and_an_end_is_none() {
    assert_eq!(changed(|asked| asked.tls = Tls::Splice), [C::NotLookedInto]);
    assert_eq!(
        changed(|asked| asked.scan.request = ScanMode::Warn),
        [C::ScanWeakened]
    );
    assert_eq!(
        changed(|asked| asked.scan.request = ScanMode::Off),
        [C::ScanWeakened]
    );
    assert_eq!(changed(|asked| asked.scan.request = ScanMode::Redact), []);
    let rule = || ScanRule::parse("github-pat").unwrap();
    assert_eq!(
        changed(|asked| asked.scan_pass = [rule()].into()),
        [C::ScanExempted]
    );
    let there = route("*.example.com");
    let found = scan_pass_findings([&there, &there], &[rule()].into());
    let words: Vec<&str> = found.iter().map(|found| found.words.as_str()).collect();
    assert_eq!(
        words,
        ["what looks like a secret of the kind `github-pat` leaves to `*.example.com` from now on"]
    );
    assert_eq!(
        found[0].severity,
        crate::policy::findings::Severity::NeedsYes
    );
    assert_eq!(changed(|asked| asked.websocket = true), [C::Websocket]);
    assert_eq!(
        changed(|asked| asked.expires = Some(jiff::Timestamp::UNIX_EPOCH)),
        []
    );
}

#[test]
fn the_path_of_a_push_is_refused_in_every_spelling() {
    for path in [
        "/o/r.git/git-receive-pack",
        "/o/r.git/GIT-receive-pack",
        "/o/r.git/git-receive-pack/*",
        "/*/*/git-receive-pack",
        "/o/r.git/git-*-pack",
        "/o/r.git/*-pack",
        "/o/r.git/git%2Dreceive-pack",
    ] {
        let path = PathPattern::parse(path).unwrap();
        let found = changed(|asked| asked.paths = vec![path.clone()]);
        assert_eq!(found, [C::GitPush], "{}", path.as_str());
    }
    for path in ["/o/r.git/git-upload-pack", "/o/*.git/info/refs", "/o/*/x"] {
        let path = PathPattern::parse(path).unwrap();
        assert_eq!(changed(|asked| asked.paths = vec![path.clone()]), []);
    }
}
