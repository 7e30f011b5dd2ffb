//! Provider `claude`: Claude Code, started so that no dialog ever blocks it.
//!
//! Facts are those of version 2.1.329, tried against a double of its API.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Answer, PROMPT_FILE, Wish, prompt_file};
use crate::manifest::plan::HomeFile;
use crate::manifest::read::{argument_advice, ours};
use crate::manifest::resolve::ResolveError;
use crate::policy::{Provenance, Route, RouteRole, presets};
use crate::spec::{Observe, layout};

/// The preset that leads to where every turn goes.
const MODEL_API: &str = "anthropic";

/// What stands where a credential is expected: enough for the program to start. The
/// real one is never in the agent container.
const PLACEHOLDER: &str = "placeholder";

/// Where the placeholder stands. With it the program asks for what OAuth tokens need.
const OAUTH_VARIABLE: &str = "CLAUDE_CODE_OAUTH_TOKEN";
/// Where it stands for a key: the program sends it without asking for that, and starts
/// without a question, which it would put for `ANTHROPIC_API_KEY`.
const KEY_VARIABLE: &str = "ANTHROPIC_AUTH_TOKEN";

/// Variables that carry a credential; one that the user sets replaces the placeholder.
const CREDENTIALS: [&str; 3] = [
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
];

/// Flags that take every following word up to the next flag.
const GREEDY: [&str; 9] = [
    "--add-dir",
    "--allowedTools",
    "--allowed-tools",
    "--betas",
    "--disallowedTools",
    "--disallowed-tools",
    "--mcp-config",
    "--plugin-dir",
    "--tools",
];

/// Flags that take no word, so that one behind them is the first message.
const ALONE: [&str; 9] = [
    "--bare",
    "--chrome",
    "--ide",
    "--no-chrome",
    "--print",
    "-p",
    "--strict-mcp-config",
    "--verbose",
    "--",
];

pub(super) fn ask(
    args: &[String],
    model: Option<&str>,
    wish: &Wish<'_>,
) -> Result<Answer, ResolveError> {
    if let Some(word) = wish.extra_args.iter().find_map(|argument| ours(argument)) {
        return Err(ResolveError::Argument {
            argument: word.to_owned(),
            advice: argument_advice(word),
        });
    }
    let theirs: Vec<String> = args.iter().chain(wish.extra_args).cloned().collect();
    let id = wish.session_id.to_string();
    let mut home_files = vec![settings_file()?];
    home_files.extend(wish.prompt.map(prompt_file));
    let first = argv("--session-id", &id, model, wish, &theirs);
    let again = argv("--resume", &id, model, wish, without_message(&theirs));
    Ok(Answer {
        argv: first,
        resume_argv: Some(again),
        env: env(wish),
        home_files,
        routes: routes(wish)?,
        observe: Observe::Claude { session_id: id },
        notes: notes(wish),
    })
}

fn argv(
    mode: &str,
    id: &str,
    model: Option<&str>,
    wish: &Wish<'_>,
    theirs: &[String],
) -> Vec<String> {
    let mut argv: Vec<String> = vec![String::from("claude")];
    if wish.remote_control {
        // It may take a name: before another flag it cannot swallow a message.
        argv.push(String::from("--remote-control"));
    }
    argv.extend([mode.to_owned(), id.to_owned()]);
    argv.push(String::from("--dangerously-skip-permissions"));
    if wish.supervise {
        // It takes every following word: before another flag it cannot swallow a message.
        argv.extend(["--mcp-config", layout::MCP_CONFIG].map(str::to_owned));
    }
    // The program writes `.claude/settings.json` itself and stops at a file that is
    // missing: init writes ours anew before each start, outside the home.
    argv.extend(["--settings", layout::HOOK_SETTINGS].map(str::to_owned));
    if wish.prompt.is_some() {
        argv.push(String::from("--append-system-prompt-file"));
        argv.push(format!("{}/{PROMPT_FILE}", layout::HOME));
    }
    if let Some(model) = model {
        argv.extend([String::from("--model"), model.to_owned()]);
    }
    argv.extend_from_slice(theirs);
    argv
}

/// The arguments without a first message, which must not be sent again on resume.
fn without_message(args: &[String]) -> &[String] {
    let Some((last, before)) = args.split_last() else {
        return args;
    };
    if last.starts_with('-') {
        return args;
    }
    let flag = before.iter().rev().find(|word| word.starts_with('-'));
    let directly = before.last().is_some_and(|word| word.starts_with('-'));
    let is_value = match flag.map(String::as_str) {
        None => false,
        Some(flag) if GREEDY.contains(&flag) => true,
        Some(flag) if flag.contains('=') || ALONE.contains(&flag) => false,
        Some(_) => directly,
    };
    if is_value { args } else { before }
}

/// `.claude.json`: onboarding, trust and the bypass dialog answered beforehand.
fn settings_file() -> Result<HomeFile, ResolveError> {
    let settings = json!({
        "bypassPermissionsModeAccepted": true,
        "hasCompletedOnboarding": true,
        "projects": {
            layout::WORKSPACE: {
                "hasCompletedProjectOnboarding": true,
                "hasTrustDialogAccepted": true,
            },
        },
        "theme": "dark",
    });
    Ok(HomeFile {
        path: String::from(".claude.json"),
        mode: 0o600,
        content: serde_json::to_vec_pretty(&settings).map_err(ResolveError::Encode)?,
    })
}

fn env(wish: &Wish<'_>) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = [
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
        ("DISABLE_ERROR_REPORTING", "1"),
        ("DISABLE_TELEMETRY", "1"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if !CREDENTIALS.iter().any(|name| wish.set.contains_key(*name)) {
        let variable = match role(wish) {
            Some(RouteRole::AnthropicApiKey) => KEY_VARIABLE,
            Some(RouteRole::ClaudeCodeOauth) | None => OAUTH_VARIABLE,
        };
        env.insert(variable.to_owned(), PLACEHOLDER.to_owned());
    }
    env
}

/// The credential that egress puts in, if a route of the template has one.
fn role(wish: &Wish<'_>) -> Option<RouteRole> {
    wish.routes.iter().find_map(|route| route.role)
}

/// The model API, unless the user's files send the program elsewhere. What steers the
/// session from elsewhere takes paths that nobody wrote down: then all of its host.
fn routes(wish: &Wish<'_>) -> Result<Vec<Route>, ResolveError> {
    if wish.set.contains_key("ANTHROPIC_BASE_URL") {
        return Ok(Vec::new());
    }
    let preset = presets()
        .map_err(ResolveError::Encode)?
        .remove(MODEL_API)
        .ok_or(ResolveError::Preset)?;
    let mut routes = preset.routes(MODEL_API, "");
    for route in &mut routes {
        route.origin = Provenance::Provider;
    }
    if wish.remote_control
        && let Some(model) = routes.first().cloned()
    {
        let mut whole = Route::to(model.host, model.ports, Provenance::Provider);
        whole.scan = model.scan;
        whole.websocket = true;
        return Ok(vec![whole]);
    }
    Ok(routes)
}

fn notes(wish: &Wish<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if wish.set.contains_key("ANTHROPIC_API_KEY") {
        notes.push(String::from(
            "Claude Code asks once in its session whether to use ANTHROPIC_API_KEY; CLAUDE_CODE_OAUTH_TOKEN and ANTHROPIC_AUTH_TOKEN do not ask",
        ));
    }
    for name in CREDENTIALS {
        if let Some(None) = wish.set.get(name) {
            notes.push(format!("the agent itself will hold the real {name}"));
        }
    }
    let has_own = CREDENTIALS.iter().any(|name| wish.set.contains_key(*name));
    if !has_own && role(wish).is_none() && !wish.set.contains_key("ANTHROPIC_BASE_URL") {
        notes.push(String::from(
            "no route of this bottle carries a credential of the model API: the agent starts with a placeholder and is answered once one does (docs/manifest.md, «Credentials»)",
        ));
    }
    if wish.remote_control {
        notes.push(String::from(
            "with remote control on, your Claude account can steer this session from elsewhere",
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split('|').map(str::to_owned).collect()
    }

    #[test]
    fn the_first_message_is_not_sent_again_on_resume() {
        for (args, kept) in [
            ("fix the bug", ""),
            ("--verbose|fix the bug", "--verbose"),
            ("--model|opus", "--model|opus"),
            ("--model|opus|fix it", "--model|opus"),
            ("--model=opus|fix it", "--model=opus"),
            ("--allowedTools|Bash|Edit", "--allowedTools|Bash|Edit"),
            (
                "--allowedTools|Bash|--verbose|go",
                "--allowedTools|Bash|--verbose",
            ),
            ("--debug", "--debug"),
        ] {
            let kept: Vec<String> = words(kept).into_iter().filter(|w| !w.is_empty()).collect();
            assert_eq!(without_message(&words(args)), kept, "{args}");
        }
    }
}
