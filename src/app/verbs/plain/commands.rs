//! The commands of the plain console: the palette's names, and what each is on the
//! command line.

use crate::state::State;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing: it is empty.
    Nothing,
    /// To leave.
    Quit,
    /// The commands.
    Help,
    /// All that waits for the operator.
    Needs,
    /// What stands on a session's screen.
    Session(String),
    /// A verb of the command line, with its arguments.
    Verb(Vec<String>),
}

/// What follows a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// Bottles by id, the beginning of one, a pattern, a state, or `all`.
    Bottles,
    /// What the verb takes, word by word.
    Words,
    /// One word, then a text to the line's end, for the flag.
    Text(&'static str),
}

/// A row of the table: names, what follows, the verb's own words, what it does.
struct Row {
    names: &'static [&'static str],
    takes: Takes,
    verb: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
}

const fn row(
    names: &'static [&'static str],
    takes: Takes,
    verb: &'static [&'static str],
    usage: &'static str,
    help: &'static str,
) -> Row {
    Row {
        names,
        takes,
        verb,
        usage,
        help,
    }
}

use Takes::{Bottles, Text, Words};

const ROWS: &[Row] = &[
    row(
        &["list", "refresh"],
        Words,
        &["list"],
        "",
        "all bottles and how they are",
    ),
    row(
        &["show", "go", "spec"],
        Words,
        &["show"],
        "BOTTLE",
        "one bottle: how it is, its routes, its last decisions",
    ),
    row(
        &["requests", "inbox", "answer"],
        Words,
        &["requests"],
        "",
        "what agents ask for",
    ),
    row(
        &["request"],
        Words,
        &["request", "show"],
        "BOTTLE/NUMBER",
        "one request, and what a yes would change",
    ),
    row(
        &["approve"],
        Words,
        &["request", "approve"],
        "BOTTLE/NUMBER",
        "say yes to a request, to several, or to all of a BOTTLE; asks once more",
    ),
    row(
        &["deny"],
        Text("--reason"),
        &["request", "deny"],
        "BOTTLE/NUMBER REASON",
        "say no to a request; the agent reads why",
    ),
    row(
        &["reply"],
        Text(""),
        &["request", "reply"],
        "BOTTLE/NUMBER ANSWER",
        "answer a question",
    ),
    row(
        &["undo"],
        Words,
        &["request", "undo"],
        "BOTTLE/NUMBER",
        "take back what a request was given",
    ),
    row(
        &["accept"],
        Words,
        &["egress", "accept"],
        "BOTTLE NUMBER",
        "let a held connection through",
    ),
    row(
        &["refuse"],
        Words,
        &["egress", "refuse"],
        "BOTTLE NUMBER",
        "refuse a held connection",
    ),
    row(
        &["send"],
        Text(""),
        &["send"],
        "BOTTLE TEXT",
        "type a line into a session",
    ),
    row(
        &["attach", "full"],
        Words,
        &["attach"],
        "BOTTLE",
        "attach to a session, which draws on the whole terminal",
    ),
    row(
        &["logs"],
        Words,
        &["logs"],
        "BOTTLE",
        "the logs of a bottle; --tail 20 for the last lines",
    ),
    row(
        &["egress", "hits", "all-egress"],
        Words,
        &["egress"],
        "BOTTLE",
        "what left a bottle, or tried to",
    ),
    row(
        &["builds"],
        Words,
        &["builds"],
        "",
        "the images that are being made, and those that were made lately",
    ),
    row(
        &["audit"],
        Words,
        &["audit"],
        "",
        "what was decided and done; --bottle BOTTLE for one, --grep WORDS",
    ),
    row(
        &["allow"],
        Words,
        &["egress", "allow"],
        "BOTTLE PLACE",
        "add a route",
    ),
    row(&["stats"], Words, &["stats"], "", "what bottles use"),
    row(
        &["start"],
        Words,
        &["start"],
        "AGENT",
        "start an agent in a new bottle",
    ),
    row(
        &["stop"],
        Bottles,
        &["stop"],
        "BOTTLE",
        "stop bottles; their work is kept",
    ),
    row(
        &["resume"],
        Bottles,
        &["resume"],
        "BOTTLE",
        "start stopped bottles again",
    ),
    row(
        &["restart"],
        Bottles,
        &["restart"],
        "BOTTLE",
        "stop bottles and start them again",
    ),
    row(
        &["freeze"],
        Bottles,
        &["freeze"],
        "BOTTLE",
        "freeze bottles where they are",
    ),
    row(
        &["unfreeze"],
        Bottles,
        &["unfreeze"],
        "BOTTLE",
        "let frozen bottles go on",
    ),
    row(
        &["cut"],
        Bottles,
        &["cut"],
        "BOTTLE",
        "cut bottles from the network",
    ),
    row(
        &["reconnect"],
        Bottles,
        &["reconnect"],
        "BOTTLE",
        "give them their network back",
    ),
    row(
        &["remove"],
        Bottles,
        &["rm"],
        "BOTTLE",
        "remove bottles with all they hold; asks once more",
    ),
    row(
        &["panic"],
        Words,
        &["panic"],
        "",
        "freeze and cut everything; panic --undo lets it go",
    ),
];

/// Commands of the palette that change what is drawn, and so are none here.
const DRAWN: [&str; 9] = [
    "mark", "unmark", "filter", "sort", "reverse", "group", "fold", "theme", "cancel",
];

/// Our own, which are no verbs.
const OWN: [(&str, &str, &str); 4] = [
    ("next", "", "all that needs you"),
    (
        "session",
        "BOTTLE",
        "what stands on the screen of a session",
    ),
    (
        "help",
        "",
        "these commands; the verbs of the command line work too",
    ),
    ("quit", "", "leave; bottles go on"),
];

/// The commands, a line each.
pub(super) fn help() -> Vec<String> {
    let rows = ROWS.iter().map(|row| {
        let name = row.names.first().copied().unwrap_or_default();
        (name, row.usage, row.help)
    });
    rows.chain(OWN)
        .map(|(name, usage, help)| match usage {
            "" => format!("{name}: {help}."),
            usage => format!("{name} {usage}: {help}."),
        })
        .collect()
}

/// Reads a line.
///
/// # Errors
/// What is wrong with it, for the operator.
pub(super) fn read(line: &str, state: &State) -> Result<Asked, String> {
    let line = line.trim().trim_start_matches(':').trim_start();
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let words: Vec<&str> = rest.split_whitespace().collect();
    match (name, words.as_slice()) {
        ("", _) => return Ok(Asked::Nothing),
        ("quit" | "exit", []) => return Ok(Asked::Quit),
        ("help" | "?", []) => return Ok(Asked::Help),
        ("next", []) => return Ok(Asked::Needs),
        ("session", [bottle]) => return Ok(Asked::Session((*bottle).to_owned())),
        ("session", _) => return Err(String::from("session wants one bottle")),
        _ => {}
    }
    if DRAWN.contains(&name) {
        return Err(format!(
            "`{name}` changes what is drawn, and nothing is drawn here"
        ));
    }
    let Some(row) = ROWS.iter().find(|row| row.names.contains(&name)) else {
        // A verb of the command line, or a mistake that it explains better.
        let words = line.split_whitespace().map(str::to_owned);
        return Ok(Asked::Verb(words.collect()));
    };
    let mut verb: Vec<String> = row.verb.iter().map(|word| (*word).to_owned()).collect();
    match row.takes {
        Words => verb.extend(words.iter().map(|word| (*word).to_owned())),
        Bottles => verb.extend(bottles(row, &words, state)?),
        Text(flag) => {
            let (first, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if first.is_empty() {
                return Err(format!("{name} wants {}", row.usage));
            }
            verb.push(first.to_owned());
            let text = text.trim();
            if !text.is_empty() {
                verb.extend((!flag.is_empty()).then(|| flag.to_owned()));
                verb.push(text.to_owned());
            }
        }
    }
    Ok(Asked::Verb(verb))
}

/// Bottles as the palette names them; flags stay flags.
fn bottles(row: &Row, words: &[&str], state: &State) -> Result<Vec<String>, String> {
    let (flags, names): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| word.starts_with('-'));
    let named = state
        .named(&names)
        .map_err(|word| format!("no bottle is `{word}`: its id, a pattern, a state or all"))?;
    if named.is_empty() && flags.is_empty() {
        return Err(format!(
            "{} wants a bottle: its id, a pattern, a state or all",
            row.names.first().copied().unwrap_or_default()
        ));
    }
    let ids = named.into_iter().map(|bottle| bottle.id.to_string());
    Ok(flags.into_iter().map(str::to_owned).chain(ids).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture::Console;

    #[expect(clippy::unnecessary_wraps, reason = "rows of a table of results")]
    fn verb(words: &[&str]) -> Result<Asked, String> {
        Ok(Asked::Verb(
            words.iter().map(|word| (*word).to_owned()).collect(),
        ))
    }

    #[test]
    fn every_command_of_the_palette_is_here_or_draws() {
        for name in crate::state::command_names() {
            let is_own = OWN.iter().any(|(own, _, _)| *own == name);
            let is_row = ROWS.iter().any(|row| row.names.contains(&name));
            assert!(
                is_own || is_row || DRAWN.contains(&name),
                "`{name}` of the palette is unknown to the plain console"
            );
        }
    }

    #[test]
    fn lines_become_verbs() {
        let console = Console::demo(80, 24);
        let state = &console.state;
        for (line, expected) in [
            ("", Ok(Asked::Nothing)),
            (" : ", Ok(Asked::Nothing)),
            ("quit", Ok(Asked::Quit)),
            (":help", Ok(Asked::Help)),
            ("next", Ok(Asked::Needs)),
            ("session api", Ok(Asked::Session(String::from("api")))),
            ("list", verb(&["list"])),
            ("go api", verb(&["show", "api"])),
            ("stop stopped", verb(&["stop", "lint-7bq1s"])),
            ("remove -y api-*", verb(&["rm", "-y", "api-k3x9q"])),
            (
                "approve api/1 --for 30m",
                verb(&["request", "approve", "api/1", "--for", "30m"]),
            ),
            (
                "deny api/1 not  today",
                verb(&["request", "deny", "api/1", "--reason", "not  today"]),
            ),
            ("deny api/1", verb(&["request", "deny", "api/1"])),
            (
                "send api go on, please",
                verb(&["send", "api", "go on, please"]),
            ),
            ("audit verify", verb(&["audit", "verify"])),
        ] {
            assert_eq!(read(line, state), expected, "{line}");
        }
        for (line, why) in [
            (
                "stop",
                "stop wants a bottle: its id, a pattern, a state or all",
            ),
            (
                "stop nosuch",
                "no bottle is `nosuch`: its id, a pattern, a state or all",
            ),
            ("session", "session wants one bottle"),
            ("send", "send wants BOTTLE TEXT"),
            (
                "sort cpu",
                "`sort` changes what is drawn, and nothing is drawn here",
            ),
        ] {
            assert_eq!(read(line, state), Err(why.to_owned()), "{line}");
        }
    }

    #[test]
    fn each_row_is_a_verb_of_the_command_line() {
        use clap::Subcommand as _;
        let cellar = crate::app::Verb::augment_subcommands(clap::Command::new("cellar"));
        for row in ROWS {
            let mut command = &cellar;
            for word in row.verb {
                command = command.find_subcommand(word).unwrap();
            }
        }
    }
}
