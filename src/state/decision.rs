//! A decision of egress in words, for the console and the command line alike.

use crate::wire::DecisionRecord;

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
