//! A decision of egress in words, for the console and the command line alike.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::age::age;
use super::bottle::Bottle;
use super::cost::short;
use super::sighting::BottleRef;
use super::spec_rows::SpecRow;
use crate::policy::{CanonicalPath, HostName, Method, Refused, Suggestion, presets, suggest};
use crate::wire::{DecisionRecord, RequestFacts, Verdict};

/// The port that needs no word.
const HTTPS: u16 = 443;

/// What it was about: the host, its port where it is not 443, and the path where the
/// proxy read one. Hostile text: the caller makes it safe to show.
#[must_use]
pub fn decided_place(decision: &DecisionRecord) -> String {
    let DecisionRecord { host, port, .. } = decision;
    match &decision.request {
        None => format!("{host}:{port}"),
        Some(request) if *port == HTTPS => format!("{host}{}", request.path),
        Some(request) => format!("{host}:{port}{}", request.path),
    }
}

/// How it went on: the status, bytes of the bodies, the time it took, what a scan found.
/// Empty where the proxy did not look inside.
#[must_use]
pub fn decided_facts(decision: &DecisionRecord) -> String {
    let Some(request) = &decision.request else {
        return String::new();
    };
    let mut facts = Vec::new();
    facts.extend(request.status.map(|status| status.to_string()));
    if request.sent_bytes > 0 {
        facts.push(format!("{} out", bytes(request.sent_bytes)));
    }
    if request.received_bytes > 0 {
        facts.push(format!("{} in", bytes(request.received_bytes)));
    }
    if request.status.is_some() {
        facts.push(time(request.millis));
    }
    if !request.findings.is_empty() {
        facts.push(format!("found {}", request.findings.join(", ")));
    }
    facts.join(" · ")
}

/// What a decision refused, where it names a host. All of it is the bottle's word: what
/// does not parse is left out.
#[must_use]
pub fn refused(decision: &DecisionRecord) -> Option<Refused> {
    let Verdict::Denied { reason } = decision.verdict else {
        return None;
    };
    let request = decision.request.as_ref().and_then(|request| {
        let path = request.path.strip_suffix("?…").unwrap_or(&request.path);
        let path = CanonicalPath::parse(path).ok()?;
        Some((Method::parse(&decision.method).ok()?, path))
    });
    Some(Refused {
        host: HostName::parse(&decision.host).ok()?,
        port: decision.port,
        reason,
        request,
    })
}

/// The narrowest route that would have allowed it; nothing if none can.
pub(super) fn suggested(decision: &DecisionRecord) -> Option<Suggestion> {
    let refused = refused(decision)?;
    // Without presets the route itself is as good.
    let presets = presets().unwrap_or_default();
    suggest(&[refused], &presets).into_iter().next()
}

/// All that a decision says, in rows that a person reads. Hostile text: the caller makes
/// it safe to show.
pub(super) fn decision_rows(
    bottle: &BottleRef,
    known: Option<&Bottle>,
    decision: &DecisionRecord,
    now: Timestamp,
    utc_offset_seconds: i32,
) -> Vec<SpecRow> {
    let mut rows = Vec::new();
    let mut put = |label: &str, value: String| {
        rows.push(SpecRow {
            label: label.to_owned(),
            value,
        });
    };
    put("bottle", bottle.id.to_string());
    put("decision", format!("number {}", decision.seq));
    put("at", at_words(decision.at, now, utc_offset_seconds));
    put(
        "verdict",
        match decision.verdict {
            Verdict::Allowed => String::from("let out"),
            Verdict::Denied { reason } => {
                format!("refused, {}: {}", reason.code(), reason.meaning())
            }
        },
    );
    put("method", decision.method.clone());
    put("host", decision.host.clone());
    put("port", decision.port.to_string());
    match &decision.request {
        Some(request) => request_rows(known, request, &mut put),
        None => put("request", String::from("none was read: a connection alone")),
    }
    if matches!(decision.verdict, Verdict::Denied { .. }) {
        put(
            "would need",
            suggested(decision).map_or_else(
                || String::from("no route can allow it"),
                |found| format!("the route {} (+ adds it)", found.route.words()),
            ),
        );
    }
    rows
}

fn request_rows(
    known: Option<&Bottle>,
    request: &RequestFacts,
    put: &mut impl FnMut(&str, String),
) {
    match request.path.strip_suffix("?…") {
        Some(path) => put("path", format!("{path}, with a query, which is not kept")),
        None => put("path", request.path.clone()),
    }
    if let Some(route) = request.route {
        let there = known.and_then(|known| known.hub.routes.as_ref());
        let there = there.filter(|there| there.generation == request.generation);
        let words = there
            .and_then(|there| there.routes.routes.get(route))
            .map(|route| format!(": {}, from {}", route.words(), route.origin.words()));
        put(
            "route",
            format!("{}{}", route + 1, words.unwrap_or_default()),
        );
    }
    put(
        "table",
        format!("number {} of the routes", request.generation),
    );
    match request.status {
        Some(status) => put("answered", status.to_string()),
        None => put("answered", String::from("nothing")),
    }
    put("went out", bytes(request.sent_bytes));
    put("came in", bytes(request.received_bytes));
    put("took", time(request.millis));
    if !request.findings.is_empty() {
        put("found", request.findings.join(", "));
    }
    if let Some(usage) = &request.usage {
        let tokens = &usage.tokens;
        let model = match usage.model.as_str() {
            "" => "a model without a name",
            name => name,
        };
        let written = tokens.cache_write.saturating_add(tokens.cache_write_hour);
        put(
            "model",
            format!(
                "{model}: {} tokens in, {} from its cache, {} into it, {} out",
                short(tokens.input),
                short(tokens.cache_read),
                short(written),
                short(tokens.output)
            ),
        );
    }
}

/// A time by the operator's clock, and how long ago it was.
fn at_words(at: Timestamp, now: Timestamp, utc_offset_seconds: i32) -> String {
    let offset = Offset::from_seconds(utc_offset_seconds).unwrap_or(Offset::UTC);
    let local = offset.to_datetime(at).strftime("%F %T").to_string();
    match age(now, at).as_str() {
        "now" => format!("{local}, just now"),
        age => format!("{local}, {age} ago"),
    }
}

/// A number of bytes in three digits at most.
fn bytes(count: u64) -> String {
    let mut count = count;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if count < 1_000 {
            return format!("{count} {unit}");
        }
        count = count.div_ceil(1_024);
    }
    format!("{count} TiB")
}

fn time(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{millis} ms"),
        _ => format!("{} s", millis / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::wire::{RequestFacts, Verdict};

    fn decision(request: Option<RequestFacts>) -> DecisionRecord {
        DecisionRecord {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            method: String::from("POST"),
            host: String::from("api.example.com"),
            port: 443,
            verdict: Verdict::Allowed,
            request,
            wants: None,
        }
    }

    #[test]
    fn a_tunnel_is_named_by_host_and_port_and_a_request_by_its_path() {
        let tunnel = decision(None);
        assert_eq!(decided_place(&tunnel), "api.example.com:443");
        assert_eq!(decided_facts(&tunnel), "");
        let mut request = decision(Some(RequestFacts {
            path: String::from("/v1/messages?…"),
            status: Some(200),
            sent_bytes: 49_000,
            received_bytes: 999,
            millis: 812,
            findings: vec![String::from("model")],
            ..RequestFacts::default()
        }));
        assert_eq!(decided_place(&request), "api.example.com/v1/messages?…");
        assert_eq!(
            decided_facts(&request),
            "200 · 48 KiB out · 999 B in · 812 ms · found model"
        );
        request.port = 8443;
        assert_eq!(
            decided_place(&request),
            "api.example.com:8443/v1/messages?…"
        );
    }

    #[test]
    fn bytes_have_three_digits_at_most() {
        for (count, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 KiB"),
            (1_025, "2 KiB"),
            (1_023_999, "1 MiB"),
            (1_100_000, "2 MiB"),
            (64 << 20, "64 MiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(bytes(count), words);
        }
    }
}
