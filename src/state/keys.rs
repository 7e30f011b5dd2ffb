//! The operator's own keys: rows of the key table by name, with other keys than ours.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::command::{Command, Context};
use super::key::{Held, Key, KeyCode};
use super::keymap::{Binding, KEYMAP, bindings};

/// Rows that can have other keys, each with its name: what stands in the help. A name is
/// the command's, and where two rows have one command, the place before it.
static ROWS: LazyLock<Vec<(String, &'static Binding)>> = LazyLock::new(|| {
    let rows: Vec<&'static Binding> = KEYMAP.iter().filter(|row| can_change(row)).collect();
    rows.iter()
        .map(|row| {
            let name = command_name(row.command);
            let same = rows.iter().filter(|other| other.command == row.command);
            let name = match row.contexts.first() {
                Some(context) if same.count() > 1 => format!("{}.{name}", word_of(*context)),
                _ => name,
            };
            (name, *row)
        })
        .collect()
});

/// Of the keys of an attached session, which are read from its bytes, the one that leaves
/// it can be another; and leaving the console at once must work whatever a file says.
fn can_change(row: &Binding) -> bool {
    let is_chord = row.contexts.contains(&Context::Attached) && row.command != Command::Detach;
    !row.help.is_empty() && !is_chord && row.command != Command::QuitNow
}

/// The row of the key that detaches.
const DETACH: &str = "detach";

/// A command as files name it.
fn command_name(command: Command) -> String {
    let words = serde_json::to_value(command).unwrap_or_default();
    let text = |key: &str| words.get(key).and_then(serde_json::Value::as_str);
    let kind = text("command").unwrap_or_default();
    let of = words.get("of");
    let of = of.and_then(|of| match of {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Object(map) => {
            let words = map.values().filter_map(serde_json::Value::as_str);
            Some(words.collect::<Vec<_>>().join("_"))
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_) => None,
    });
    let name = match of {
        // What is done to bottles is known by its verb alone.
        Some(of) if kind == "life" => of,
        Some(of) => format!("{kind}_{of}"),
        None => kind.to_owned(),
    };
    name.replace('_', "-")
}

fn word_of(context: Context) -> String {
    let word = serde_json::to_value(context).unwrap_or_default();
    word.as_str().unwrap_or_default().replace('_', "-")
}

/// Which keys do what: the table's, but for rows that the operator gave others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    own: BTreeMap<String, Vec<Key>>,
    /// What gives up attaching, where the key that detaches is another.
    attaching: Vec<Key>,
}

impl Keys {
    /// Reads names and keys as a file has them. Where two keys clash, all are as if the
    /// file had said nothing; the words say why, each for the operator.
    #[must_use]
    pub fn read(wanted: &BTreeMap<String, Vec<String>>) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut own = BTreeMap::new();
        for (name, keys) in wanted {
            if !ROWS.iter().any(|(known, _)| known == name) {
                problems.push(unknown(name));
                continue;
            }
            let mut read = Vec::new();
            for text in keys {
                match Key::parse(text) {
                    Some(key) if name == DETACH && key.letter().is_none() => {
                        problems.push(not_a_chord(text));
                    }
                    Some(key) => read.push(key),
                    None => problems.push(format!(
                        "`{text}` is no key for `{name}` (write it as x, X, ctrl-x, alt-x, F5, enter, esc, tab, space, up, home, pgdn)"
                    )),
                }
            }
            if name == DETACH && read.is_empty() {
                if keys.is_empty() {
                    problems.push(String::from(
                        "`detach` without a key would leave no way out of a session, so it keeps its own",
                    ));
                }
                continue;
            }
            own.insert(name.clone(), read);
        }
        let escape = Key::plain(KeyCode::Escape);
        let mut attaching = own.get(DETACH).cloned().unwrap_or_default();
        if !attaching.is_empty() {
            attaching.push(escape);
        }
        let keys = Self { own, attaching };
        let clashes = keys.clashes();
        if clashes.is_empty() {
            return (keys, problems);
        }
        problems.extend(clashes);
        problems.push(String::from(
            "so all keys are as they usually are (`cellar keys` lists them)",
        ));
        (Self::default(), problems)
    }

    /// The keys of a row.
    #[must_use]
    pub fn of(&self, binding: &'static Binding) -> &[Key] {
        if self.own.is_empty() {
            return binding.keys;
        }
        let is_attaching = binding.contexts.contains(&Context::Attaching);
        if is_attaching && binding.command == Command::Detach && !self.attaching.is_empty() {
            return &self.attaching;
        }
        let is_it = |row: &Binding| {
            row.command == binding.command
                && row.contexts == binding.contexts
                && row.help == binding.help
        };
        let named = ROWS.iter().find(|(_, row)| is_it(row));
        named
            .and_then(|(name, _)| self.own.get(name))
            .map_or(binding.keys, Vec::as_slice)
    }

    /// What a key means in a context.
    #[must_use]
    pub fn command(&self, context: Context, key: Key) -> Option<Command> {
        let key = key.normal();
        bindings(context)
            .find(|binding| self.of(binding).contains(&key))
            .map(|binding| binding.command)
    }

    /// The first of the keys that detach.
    #[must_use]
    pub fn detach_key(&self) -> Key {
        self.chord(Command::Detach).unwrap_or(Key::DETACH)
    }

    /// The keys that an attached session does not get, with what they do; the first of a
    /// command is the one that is named. There is no other list of them.
    pub fn chords(&self) -> impl Iterator<Item = (Key, Command)> {
        let rows = bindings(Context::Attached);
        rows.flat_map(|row| self.of(row).iter().map(|key| (*key, row.command)))
    }

    /// The first key of an attached session that does this.
    #[must_use]
    pub fn chord(&self, command: Command) -> Option<Key> {
        let mut chords = self.chords();
        chords
            .find(|(_, does)| *does == command)
            .map(|(key, _)| key)
    }

    /// How frames name it; nothing if there is none.
    #[must_use]
    pub fn chord_name(&self, command: Command) -> String {
        self.chord(command).map(Key::name).unwrap_or_default()
    }

    /// Whether an attached session does not get this key.
    #[must_use]
    pub fn is_chord(&self, key: Key) -> bool {
        let key = key.normal();
        self.chords().any(|(own, _)| own == key)
    }

    /// The letters that are chords with control, for who reads them from bytes.
    pub fn chord_letters(&self) -> impl Iterator<Item = (char, Command)> {
        self.chords()
            .filter_map(|(key, command)| Some((key.letter()?, command)))
    }

    /// All rows that can have other keys: name, keys, where, what.
    pub fn rows(&self) -> impl Iterator<Item = KeyRow> {
        ROWS.iter().map(|(name, row)| KeyRow {
            name: name.clone(),
            keys: self.of(row).iter().map(|key| key.name()).collect(),
            contexts: row
                .contexts
                .iter()
                .map(|context| word_of(*context))
                .collect(),
            help: row.help,
        })
    }

    fn clashes(&self) -> Vec<String> {
        let mut told = Vec::new();
        for context in Context::ALL {
            let mut seen: Vec<(Key, &'static Binding)> = Vec::new();
            for binding in bindings(*context) {
                for key in self.of(binding) {
                    match seen.iter().find(|(other, _)| other == key) {
                        Some((_, other)) => {
                            let text = format!(
                                "`{}` would mean both `{}` and `{}`",
                                key.name(),
                                name_of(other),
                                name_of(binding)
                            );
                            if !told.contains(&text) {
                                told.push(text);
                            }
                        }
                        None => seen.push((*key, binding)),
                    }
                }
            }
        }
        told
    }
}

/// A row of the table, for a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeyRow {
    /// Its name in a file.
    pub name: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// Where they are read.
    pub contexts: Vec<String>,
    /// What they do.
    pub help: &'static str,
}

fn name_of(binding: &Binding) -> String {
    let row = ROWS
        .iter()
        .find(|(_, row)| row.command == binding.command && row.contexts == binding.contexts);
    row.map_or_else(|| command_name(binding.command), |(name, _)| name.clone())
}

fn not_a_chord(text: &str) -> String {
    format!(
        "`{text}` cannot detach, because a session would get it too: take ctrl and a letter other than i, j, m, or ctrl and one of \\ ] ^ _"
    )
}

fn unknown(name: &str) -> String {
    let near = ROWS
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, name), known))
        .min();
    match near {
        Some((distance, near)) if distance <= 3 && distance * 2 <= name.len() => {
            format!("`{name}` is no name of a key (did you mean `{near}`?)")
        }
        _ => format!("`{name}` is no name of a key (`cellar keys` lists them)"),
    }
}

impl Key {
    /// The letter of a chord that is one control character and no key of its own, such as
    /// Tab: only those are found in what a terminal sends, whatever its protocol.
    const fn letter(self) -> Option<char> {
        match self {
            Self {
                code: KeyCode::Char(letter @ ('a'..='z' | '\\' | ']' | '^' | '_')),
                held:
                    Held {
                        ctrl: true,
                        alt: false,
                        ..
                    },
            } if !matches!(letter, 'i' | 'j' | 'm') => Some(letter),
            _ => None,
        }
    }

    /// The key that [`Key::name`] names so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut held = Held::default();
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                held.ctrl = true;
                rest = after;
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty())
            {
                held.alt = true;
                rest = after;
            } else {
                break;
            }
        }
        let code = match rest {
            "space" => KeyCode::Char(' '),
            "enter" => KeyCode::Enter,
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "backspace" => KeyCode::Backspace,
            "del" => KeyCode::Delete,
            "ins" => KeyCode::Insert,
            "esc" => KeyCode::Escape,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            _ => {
                let mut characters = rest.chars();
                match (characters.next()?, characters.as_str()) {
                    ('F', number) if !number.is_empty() => {
                        let number = number
                            .parse()
                            .ok()
                            .filter(|number| (1..=24).contains(number));
                        KeyCode::Function(number?)
                    }
                    (character, "") if !character.is_control() => KeyCode::Char(character),
                    _ => return None,
                }
            }
        };
        Some(Self { code, held }.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Life;

    fn read(entries: &[(&str, &[&str])]) -> (Keys, Vec<String>) {
        let wanted = entries.iter().map(|(name, keys)| {
            let keys = keys.iter().map(ToString::to_string).collect();
            ((*name).to_owned(), keys)
        });
        Keys::read(&wanted.collect())
    }

    fn leaving(keys: &Keys) -> Vec<char> {
        let chords = keys.chord_letters();
        let leaving = chords.filter(|(_, command)| *command == Command::Detach);
        leaving.map(|(letter, _)| letter).collect()
    }

    /// Each chord must be found in bytes, and each of the table must be one.
    #[test]
    fn what_no_session_gets_has_a_letter_and_a_name() {
        for keys in [Keys::default(), read(&[("detach", &["ctrl-g"])]).0] {
            assert_eq!(keys.chord_letters().count(), keys.chords().count());
            for (key, command) in keys.chords() {
                assert!(keys.is_chord(key), "{key:?}");
                assert_eq!(keys.command(Context::Attached, key), Some(command));
            }
            for command in [
                Command::Detach,
                Command::NextNeed,
                Command::Copy(crate::state::CopyCommand::Begin),
            ] {
                assert!(keys.chord_name(command).starts_with("ctrl-"), "{command:?}");
            }
        }
    }

    #[test]
    fn each_row_has_a_name_of_its_own_and_ours_do_not_clash() {
        let mut names: Vec<&String> = ROWS.iter().map(|(name, _)| name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(Keys::default().clashes(), Vec::<String>::new());
        for name in [
            "stop",
            "freeze",
            "log-find",
            "order-choose",
            "read-logs",
            "log-reach-all",
            "quit",
            "approve",
        ] {
            assert!(
                names.iter().any(|known| *known == name),
                "no {name}: {names:?}"
            );
        }
    }

    #[test]
    fn every_key_of_the_table_is_read_from_its_name() {
        for binding in KEYMAP {
            for key in binding.keys {
                assert_eq!(Key::parse(&key.name()), Some(*key), "{}", key.name());
            }
        }
        for text in ["", "ctrl-", "F0", "F25", "Fx", "xy", "enter-x", "\u{7}"] {
            let parsed = Key::parse(text);
            // A lone modifier is no key; its last character is not one either.
            assert_eq!(parsed, None, "{text}");
        }
    }

    #[test]
    fn another_key_takes_the_place_of_ours_and_none_takes_it_away() {
        let (keys, problems) = read(&[("stop", &["X", "ctrl-x"]), ("freeze", &[])]);
        assert_eq!(problems, Vec::<String>::new());
        let at = |key| keys.command(Context::List, key);
        assert_eq!(at(Key::char('X')), Some(Command::Life(Life::Stop)));
        assert_eq!(at(Key::ctrl('x')), Some(Command::Life(Life::Stop)));
        assert_eq!(at(Key::char('x')), None);
        assert_eq!(at(Key::char('p')), None);
        assert_eq!(at(Key::char('q')), Some(Command::Quit));
    }

    #[test]
    fn a_clash_is_told_and_leaves_all_as_it_was() {
        let (keys, problems) = read(&[("stop", &["r"]), ("freeze", &["F8"])]);
        assert_eq!(keys, Keys::default());
        assert_eq!(
            problems,
            [
                "`r` would mean both `stop` and `resume`",
                "so all keys are as they usually are (`cellar keys` lists them)",
            ]
        );
    }

    #[test]
    fn the_key_that_detaches_is_a_chord_or_stays() {
        let (keys, problems) = read(&[("detach", &["ctrl-^", "ctrl-t"])]);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(leaving(&keys), ['^', 't']);
        for context in [Context::Attached, Context::Attaching] {
            assert_eq!(keys.command(context, Key::ctrl('^')), Some(Command::Detach));
            // As terminals without a protocol of their own send it.
            assert_eq!(keys.command(context, Key::ctrl('6')), Some(Command::Detach));
            assert_eq!(keys.command(context, Key::ctrl('q')), None);
        }
        let escape = Key::plain(KeyCode::Escape);
        assert_eq!(
            keys.command(Context::Attaching, escape),
            Some(Command::Detach)
        );
        for bad in ["q", "ctrl-i", "ctrl-alt-q", "F5", "ctrl-6", "esc"] {
            let (keys, problems) = read(&[("detach", &[bad])]);
            assert_eq!(leaving(&keys).len(), 1, "{bad}");
            assert_eq!(problems.is_empty(), bad == "ctrl-6", "{bad}: {problems:?}");
        }
        assert_eq!(read(&[("detach", &[])]).0.detach_key(), Key::ctrl('q'));
        assert_eq!(leaving(&Keys::default()), ['q']);
    }

    #[test]
    fn what_is_no_name_or_no_key_is_told() {
        let (keys, problems) = read(&[("stpo", &["X"]), ("quit", &["control-q", "Q"])]);
        assert_eq!(
            keys.command(Context::List, Key::char('Q')),
            Some(Command::Quit)
        );
        assert_eq!(problems.len(), 2);
        assert!(
            problems[0].starts_with("`control-q` is no key for `quit`"),
            "{problems:?}"
        );
        assert!(problems[1].contains("did you mean `stop`?"), "{problems:?}");
    }
}
