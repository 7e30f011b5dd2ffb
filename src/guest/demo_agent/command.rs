//! What is typed at the demo's agent.

/// The most megabytes that one flood prints.
const MAX_FLOOD: u32 = 1_000;

/// One typed line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Nothing,
    Help,
    Try(String),
    Look,
    Flood(u32),
    Colors,
    Ask,
    Exit,
    Say(String),
}

impl Command {
    /// The commands as the help lists them.
    pub(super) const HELP: [(&'static str, &'static str); 7] = [
        ("try HOST[:PORT]", "ask the proxy for a way out"),
        ("look", "look at my own cage"),
        ("ask", "let me ask you something, and wait"),
        (
            "flood N",
            "print N megabytes as fast as the terminal takes them",
        ),
        ("colors", "show what this terminal can paint"),
        ("help", "show this"),
        ("/exit", "end the session"),
    ];

    /// Reads a line.
    pub(super) fn read(line: &str) -> Self {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match (word.to_ascii_lowercase().as_str(), rest) {
            ("", _) => Self::Nothing,
            ("help" | "?" | "/help", "") => Self::Help,
            ("try", "") => Self::Try("example.com".to_owned()),
            ("try", place) => Self::Try(place.to_owned()),
            ("look", "") => Self::Look,
            ("ask", "") => Self::Ask,
            ("colors" | "colours", "") => Self::Colors,
            ("/exit" | "/quit" | "exit" | "quit", "") => Self::Exit,
            ("flood", count) => Self::Flood(count.parse().unwrap_or(1).min(MAX_FLOOD)),
            _ => Self::Say(line.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_meant() {
        for (line, command) in [
            ("", Command::Nothing),
            ("  HELP ", Command::Help),
            ("try  pkg.test:443", Command::Try("pkg.test:443".to_owned())),
            ("try", Command::Try("example.com".to_owned())),
            ("flood 5", Command::Flood(5)),
            ("flood", Command::Flood(1)),
            ("flood 99999999", Command::Flood(MAX_FLOOD)),
            ("flood x", Command::Flood(1)),
            ("/exit", Command::Exit),
            ("help me", Command::Say("help me".to_owned())),
            ("look at this", Command::Say("look at this".to_owned())),
        ] {
            assert_eq!(Command::read(line), command, "{line:?}");
        }
    }
}
