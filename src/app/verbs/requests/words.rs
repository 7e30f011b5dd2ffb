//! A request in lines for a terminal.

use jiff::Timestamp;

use super::super::super::beside::Beside;
use super::Listed;
use crate::policy::findings::Severity;
use crate::request::{Answer, Ask, RequestRecord, RequestState, Scope, Source};

/// How long ago, in the one unit that fits.
pub(in super::super) fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How often it was asked, and by whom if that was not the agent.
pub(super) fn times(request: &RequestRecord) -> String {
    match request.source {
        Source::Agent => request.times.to_string(),
        Source::Egress => format!("{} by egress", request.times),
    }
}

/// Everything there is to know before answering. What the agent says stands apart.
pub(super) fn lines(listed: &Listed) -> Vec<String> {
    let request = &listed.request;
    let mut lines = vec![
        format!(
            "{}  {}  {}",
            listed.name(),
            request.ask.kind(),
            request.state.word()
        ),
        format!("  effect   {}", listed.effect),
    ];
    let manifest = listed.manifest.as_ref().map(Beside::mark);
    if let Some(mark) = manifest.filter(|mark| !mark.is_empty()) {
        lines.push(format!("  manifest {mark}"));
    }
    match &request.ask {
        Ask::Route(_) | Ask::Packages { .. } | Ask::McpServer(_) | Ask::ScanPass(_) => {}
        Ask::Image { dockerfile } => {
            lines.push(String::from("  Dockerfile as it would be:"));
            lines.extend(dockerfile.lines().map(|line| format!("    │ {line}")));
        }
        Ask::Question { text, choices } => {
            lines.extend(text.lines().map(|line| format!("    │ {line}")));
            let numbered = choices.iter().zip(1..);
            lines.extend(numbered.map(|(choice, number)| format!("    {number}. {choice}")));
        }
    }
    if let Some(problem) = &listed.unreadable {
        lines.push(format!("  refused  failed to {problem}"));
    }
    if !listed.findings.is_empty() {
        lines.push(String::from("  found:"));
    }
    for finding in &listed.findings {
        let place = finding
            .line
            .map_or_else(String::new, |line| format!("line {line}: "));
        let old = if finding.old { ", as before" } else { "" };
        let severity = match finding.severity {
            Severity::Note => "note",
            Severity::Warn => "warning",
            Severity::NeedsYes => "needs its own yes",
            Severity::Refuse => "refused",
        };
        lines.push(format!("    {severity}{old}: {place}{}", finding.words));
    }
    let asked = match request.times {
        1 => String::from("once"),
        times => format!("{times} times"),
    };
    let who = match request.source {
        Source::Agent => "the agent",
        Source::Egress => "egress, for what it refused",
    };
    lines.push(format!(
        "  asked    {asked} by {who}, first at {:.0}",
        request.first
    ));
    if !request.reason.trim().is_empty() {
        lines.push(String::from("  the agent's own words:"));
        lines.extend(request.reason.lines().map(|line| format!("    │ {line}")));
    }
    lines.extend(answer(&request.state).map(|words| format!("  answer   {words}")));
    if request.delivered.is_some() {
        lines.push(String::from("  the agent has read the answer"));
    }
    lines.push(format!("  digest   {}", request.digest));
    lines
}

fn answer(state: &RequestState) -> Option<String> {
    let verdict = state.verdict()?;
    let mut words = match &verdict.answer {
        Answer::Approve { terms, edited } => {
            let mut parts = vec![String::from("approved")];
            parts.extend(edited.is_some().then(|| String::from("edited")));
            parts.extend(terms.until.map(|until| format!("until {until:.0}")));
            parts.extend(terms.uses.map(|uses| format!("for {uses} requests")));
            let in_manifest = terms.scope == Scope::Manifest;
            parts.extend(in_manifest.then(|| String::from("into the manifest")));
            parts.join(", ")
        }
        Answer::Deny { reason } if reason.is_empty() => String::from("denied"),
        Answer::Deny { reason } => format!("denied: {reason}"),
        Answer::Reply { text } => text.clone(),
    };
    if let RequestState::Failed { why, .. } = state {
        words.push_str("; it failed: ");
        words.push_str(why);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let now = Timestamp::from_second(200_000).unwrap();
        let ages = [200_001, 199_999, 199_000, 190_000, 0].map(|second| {
            let then = Timestamp::from_second(second).unwrap();
            age(now, then)
        });
        assert_eq!(ages, ["0s", "1s", "16m", "2h", "2d"]);
    }
}
