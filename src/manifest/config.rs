//! The operator's `config.json`: how the console behaves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::load::source_file;
use super::paths::ManifestPaths;
use super::problem::Problem;
use super::read::{Kept, read_config};
use super::theme::{load_theme, theme_names};

/// The operator's settings; what the file does not name is as here by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How the console tells that an agent needs an answer.
    pub notifications: Notifications,
    /// Keys by the name of what they do, as they are written.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The name of the theme; `None` for the one that follows the terminal.
    pub theme: Option<String>,
}

/// How the console tells that an agent needs an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// Whether the terminal's bell is rung.
    pub bell: bool,
    /// How the desktop is told.
    pub desktop: Desktop,
    /// A program and its arguments; empty for none.
    pub command: Vec<String>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            bell: true,
            desktop: Desktop::Auto,
            command: Vec::new(),
        }
    }
}

/// How the desktop is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Desktop {
    /// By the terminal if it is known to be able to, else over D-Bus if that is there.
    #[default]
    Auto,
    /// By the terminal, with the sequence of iTerm2.
    Osc9,
    /// By the terminal, with the sequence of rxvt.
    Osc777,
    /// By the terminal, with the sequence of kitty.
    Osc99,
    /// Over D-Bus.
    Dbus,
    /// Not at all.
    Off,
}

impl Desktop {
    /// All words with what they stand for.
    pub(super) const WORDS: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("osc9", Self::Osc9),
        ("osc777", Self::Osc777),
        ("osc99", Self::Osc99),
        ("dbus", Self::Dbus),
        ("off", Self::Off),
    ];
}

/// The settings, and every mistake of their file. What is mistaken counts as absent.
#[must_use]
pub fn load_config(paths: &ManifestPaths) -> (Config, Vec<Problem>) {
    let mut problems = Vec::new();
    let file = source_file(paths, &paths.config(), Kept::Anywhere, &mut problems);
    let Some(file) = file else {
        return (Config::default(), problems);
    };
    let (mut config, mut found) = read_config(&file, &theme_names(paths));
    problems.append(&mut found);
    if let Some(name) = &config.theme {
        let (theme, mut found) = load_theme(paths, name);
        problems.append(&mut found);
        config.theme = theme.and(config.theme);
    }
    (config, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (Config, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let (config, problems) = load_config(&ManifestPaths::in_folder(folder.path()));
        let told = problems.into_iter().map(|problem| {
            let help = problem.help.unwrap_or_default();
            format!("{}: {} ({help})", problem.line, problem.message)
        });
        (config, told.collect())
    }

    #[test]
    fn no_file_is_no_mistake_and_the_bell_rings() {
        let folder = tempfile::tempdir().unwrap();
        let (config, problems) = load_config(&ManifestPaths::in_folder(folder.path()));
        assert_eq!((config, problems), (Config::default(), Vec::new()));
        assert!(Config::default().notifications.bell);
    }

    #[test]
    fn what_is_written_counts() {
        let (config, problems) = load(
            r#"{ // quiet, please
                "notifications": {
                    "bell": false,
                    "desktop": "osc777",
                    "command": ["paplay", "bell.ogg"],
                },
            }"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let notifications = Notifications {
            bell: false,
            desktop: Desktop::Osc777,
            command: vec![String::from("paplay"), String::from("bell.ogg")],
        };
        let keys = BTreeMap::new();
        assert_eq!(
            config,
            Config {
                notifications,
                keys,
                theme: None,
            }
        );
    }

    #[test]
    fn a_key_is_one_or_several_or_none() {
        let (config, problems) =
            load(r#"{"keys": {"stop": "X", "freeze": ["p", "F8"], "panic": []}}"#);
        assert_eq!(problems, Vec::<String>::new());
        let keys = |name: &str| config.keys.get(name).cloned().unwrap();
        assert_eq!(keys("stop"), ["X"]);
        assert_eq!(keys("freeze"), ["p", "F8"]);
        assert_eq!(keys("panic"), Vec::<String>::new());
        let (config, problems) = load(r#"{"keys": {"stop": 1, "quit": [2]}}"#);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(config.keys.get("stop"), None);
    }

    #[test]
    fn what_is_mistaken_is_told_in_its_line_and_counts_as_absent() {
        let (config, problems) = load(
            "{\n\"notifications\": {\n\"bel\": false,\n\"desktop\": \"osc77\",\n\"command\": []\n}, \"themes\": 1, \"theme\": \"drak\"}",
        );
        assert_eq!(config, Config::default());
        assert_eq!(
            problems,
            [
                "6: `themes` is no key of config.json (did you mean `theme`?)",
                "3: `bel` is no key of `notifications` (did you mean `bell`?)",
                "4: `osc77` is no way to tell the desktop (did you mean `osc777`?)",
                "5: `command` is empty (write it as [\"notify-send\", \"cellar\"])",
                "6: no theme is called `drak` (did you mean `dark`?)",
            ]
        );
    }
}
