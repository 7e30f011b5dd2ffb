//! The commands in a shell's text, as far as they can be told without running it.
//!
//! Words lose their quotes, so that `cu''rl` is curl; variables stay as they are written,
//! so what hides behind one is not found. That is the limit of reading.

use std::collections::BTreeSet;

/// How deep substitutions and `sh -c` are followed.
const MAX_DEPTH: u8 = 6;
/// The most commands of one text; the rest is not looked at and told of.
const MAX_COMMANDS: usize = 2048;

/// One command with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its words, also where it writes to.
    pub(super) words: Vec<String>,
    /// The files that it writes.
    pub(super) writes: Vec<String>,
    /// Where in the text it begins.
    pub(super) at: usize,
    /// Commands that feed each other have one number.
    pub(super) pipeline: usize,
    /// The command in one of whose words it is substituted.
    pub(super) parent: Option<usize>,
}

/// Words before the program proper: each runs what follows.
const WRAPPERS: [&str; 17] = [
    "sudo", "doas", "env", "exec", "command", "builtin", "nohup", "nice", "time", "timeout",
    "busybox", "xargs", "stdbuf", "setsid", "then", "do", "else",
];
/// Words of the shell's own grammar that a command may follow.
const GRAMMAR: [&str; 6] = ["if", "while", "until", "!", "{", "("];

impl Simple {
    /// The words from the program on, without assignments and what only starts it.
    pub(super) fn program(&self) -> &[String] {
        let mut left = self.words.as_slice();
        let mut is_wrapped = false;
        while let Some((word, rest)) = left.split_first() {
            let is_wrapper = WRAPPERS.contains(&base(word)) || GRAMMAR.contains(&word.as_str());
            let is_its_own = is_wrapped
                && (word.starts_with('-') || word.starts_with(|c: char| c.is_ascii_digit()));
            if !is_wrapper && !is_its_own && assignment(word).is_none() {
                break;
            }
            is_wrapped |= is_wrapper;
            left = rest;
        }
        left
    }

    /// The program's name without its folder; empty if there is none.
    pub(super) fn name(&self) -> &str {
        self.program().first().map_or("", |word| base(word))
    }

    /// What stands behind the program.
    pub(super) fn arguments(&self) -> &[String] {
        self.program().split_first().map_or(&[], |(_, rest)| rest)
    }

    /// Whether an argument is this word.
    pub(super) fn has(&self, word: &str) -> bool {
        self.arguments().iter().any(|found| found == word)
    }
}

/// The last part of a path.
pub(super) fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// `NAME=value`.
pub(super) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then_some((name, value))
}

/// Programs that run what they are given.
pub(super) fn is_interpreter(name: &str) -> bool {
    const SHELLS: [&str; 24] = [
        "sh", "bash", "dash", "zsh", "ash", "ksh", "mksh", "fish", "csh", "tcsh", "pwsh", "perl",
        "ruby", "node", "nodejs", "deno", "bun", "php", "lua", "tclsh", "source", ".", "eval",
        "rbash",
    ];
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let plain = if plain.is_empty() { name } else { plain };
    SHELLS.contains(&plain) || matches!(plain, "python" | "pypy" | "awk" | "gawk")
}

fn takes_text(name: &str) -> bool {
    is_interpreter(name) || name == "su" || name == "script"
}

/// All commands of a text, those inside substitutions and `sh -c` too.
pub(super) fn commands(text: &str) -> Vec<Simple> {
    let mut reader = Reader {
        left: text,
        length: text.len(),
        found: Vec::new(),
        pipelines: 0,
        depth: 0,
        is_in_backticks: false,
    };
    reader.list(None, None);
    let mut found = reader.found;
    follow(&mut found, 0);
    found
}

/// The commands of an exec form.
pub(super) fn exec(words: Vec<String>) -> Vec<Simple> {
    let mut found = vec![Simple {
        words,
        ..Simple::default()
    }];
    follow(&mut found, 0);
    found
}

/// Reads what shells are given as text.
fn follow(found: &mut Vec<Simple>, depth: u8) {
    let mut inner = Vec::new();
    for (at, command) in found.iter().enumerate() {
        if !takes_text(command.name()) || depth >= MAX_DEPTH {
            continue;
        }
        let mut texts = BTreeSet::new();
        let arguments = command.arguments();
        if command.name() == "eval" {
            texts.insert(arguments.join(" "));
        }
        let flags = arguments.iter().zip(arguments.iter().skip(1));
        let given = flags.filter(|(flag, _)| {
            let letters = flag.strip_prefix('-').unwrap_or_default();
            !letters.starts_with('-') && (letters.ends_with('c') || letters == "e")
        });
        texts.extend(given.map(|(_, text)| text.clone()));
        for text in texts {
            inner.push((at, command.at, text));
        }
    }
    for (parent, place, text) in inner {
        if found.len() >= MAX_COMMANDS {
            return;
        }
        let first = found.len();
        let pipelines = found.iter().map(|one| one.pipeline).max().unwrap_or(0) + 1;
        let mut reader = Reader {
            left: &text,
            length: text.len(),
            found: Vec::new(),
            pipelines,
            depth: depth + 1,
            is_in_backticks: false,
        };
        reader.list(None, None);
        let mut inside = reader.found;
        follow(&mut inside, depth + 1);
        found.extend(inside.into_iter().map(|mut one| {
            one.at = place;
            one.parent = one.parent.map_or(Some(parent), |inner| Some(inner + first));
            one
        }));
    }
}

struct Reader<'a> {
    left: &'a str,
    length: usize,
    found: Vec<Simple>,
    pipelines: usize,
    depth: u8,
    /// Whether a backtick ends what is read.
    is_in_backticks: bool,
}

impl Reader<'_> {
    fn at(&self) -> usize {
        self.length - self.left.len()
    }

    fn peek(&self) -> Option<char> {
        self.left.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.left = self.left.get(c.len_utf8()..).unwrap_or_default();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let rest = self.left.strip_prefix(text);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    /// Reads commands up to the character that ends them.
    fn list(&mut self, end: Option<char>, parent: Option<usize>) {
        self.pipelines += 1;
        let mut pipeline = self.pipelines;
        let mut current = None;
        loop {
            let Some(c) = self.peek() else { return };
            if Some(c) == end {
                self.take();
                return;
            }
            match c {
                ' ' | '\t' | '\r' => {
                    self.take();
                }
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                }
                '|' if !self.left.starts_with("||") => {
                    self.take();
                    self.eat("&");
                    // A pipeline goes on in the next line.
                    self.left = self.left.trim_start();
                    current = None;
                }
                '\n' | ';' | '&' | '|' | '(' | ')' if !self.left.starts_with("&>") => {
                    self.take();
                    current = None;
                    self.pipelines += 1;
                    pipeline = self.pipelines;
                }
                _ => {
                    if self.found.len() >= MAX_COMMANDS {
                        return;
                    }
                    let index = *current.get_or_insert_with(|| {
                        self.found.push(Simple {
                            at: self.length - self.left.len(),
                            pipeline,
                            parent,
                            ..Simple::default()
                        });
                        self.found.len() - 1
                    });
                    self.part(index);
                }
            }
        }
    }

    /// Reads one word or redirection of a command.
    fn part(&mut self, index: usize) {
        let is_substitution = self.left.starts_with("<(") || self.left.starts_with(">(");
        let digits = self.left.trim_start_matches(|c: char| c.is_ascii_digit());
        let redirects = digits.starts_with(['<', '>']) || self.left.starts_with("&>");
        if !redirects || is_substitution {
            let word = self.word(index);
            self.put(index, |command| command.words.push(word));
            return;
        }
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.take();
        }
        let is_write = self.eat("&>") || self.left.starts_with('>');
        while self.peek().is_some_and(|c| "<>|&-".contains(c)) && !self.left.starts_with("<(") {
            self.take();
        }
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.take();
        }
        let target = self.word(index);
        self.put(index, |command| {
            if is_write {
                command.writes.push(target);
            } else {
                command.words.push(target);
            }
        });
    }

    fn put(&mut self, index: usize, change: impl FnOnce(&mut Simple)) {
        if let Some(command) = self.found.get_mut(index) {
            change(command);
        }
    }

    fn word(&mut self, index: usize) -> String {
        let mut word = String::new();
        let start = self.at();
        while let Some(c) = self.peek() {
            let opens = self.left.starts_with("<(") || self.left.starts_with(">(");
            if opens && word.is_empty() {
                self.take();
                self.take();
                self.inside(Some(')'), index);
                word.push_str("<()");
                continue;
            }
            if c.is_whitespace() || ";&|()<>".contains(c) || (c == '`' && self.is_in_backticks) {
                break;
            }
            self.letter(index, &mut word);
        }
        if self.at() == start {
            self.take();
        }
        word
    }

    /// One letter of a word, or what stands for some.
    fn letter(&mut self, index: usize, word: &mut String) {
        if self.substitution(index, word) {
            return;
        }
        match self.take() {
            Some('\'') => {
                while let Some(c) = self.take().filter(|c| *c != '\'') {
                    word.push(c);
                }
            }
            Some('"') => {
                while let Some(c) = self.peek().filter(|c| *c != '"') {
                    if !self.substitution(index, word) {
                        self.take();
                        word.extend(if c == '\\' { self.take() } else { Some(c) });
                    }
                }
                self.take();
            }
            Some('\\') => word.extend(self.take().filter(|c| *c != '\n')),
            Some(c) => word.push(c),
            None => {}
        }
    }

    /// Reads `$(…)`, a pair of backticks or `${…}`, if one stands here.
    fn substitution(&mut self, index: usize, word: &mut String) -> bool {
        if self.left.starts_with("$((") {
            return false;
        }
        if self.eat("$(") {
            self.inside(Some(')'), index);
            word.push_str("$()");
        } else if !self.is_in_backticks && self.eat("`") {
            self.inside(Some('`'), index);
            word.push_str("$()");
        } else if self.eat("${") {
            word.push_str("${");
            while let Some(c) = self.peek().filter(|c| *c != '}') {
                if !self.substitution(index, word) {
                    self.take();
                    word.push(c);
                }
            }
        } else {
            return false;
        }
        true
    }

    fn inside(&mut self, end: Option<char>, index: usize) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let outer = std::mem::replace(&mut self.is_in_backticks, end == Some('`'));
        self.list(end, Some(index));
        self.is_in_backticks = outer;
        self.depth -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tell = |one: &Simple| {
            let parent = one.parent.map(|at| format!("{at}<")).unwrap_or_default();
            let mut writes = one.writes.join(" >");
            if !writes.is_empty() {
                writes.insert_str(0, " >");
            }
            format!("{parent}{}:{}{writes}", one.pipeline, one.words.join(" "))
        };
        commands(text).iter().map(tell).collect()
    }

    #[test]
    fn commands_are_told_apart_and_pipelines_kept_together() {
        assert_eq!(
            told("a 'b c' | d && e\"f\"g; h # i\nj > k 2>&1"),
            ["1:a b c", "1:d", "2:efg", "4:h", "5:j >k >1"].map(|text| text.replace("2:", "3:"))
        );
    }

    #[test]
    fn substitutions_and_texts_for_shells_are_followed() {
        assert_eq!(
            told("sh -c \"$(a b)\" c"),
            ["1:sh -c $() c", "0<2:a b", "0<4:$()"]
        );
        assert_eq!(told("bash <(a)"), ["1:bash <()", "0<2:a"]);
        assert_eq!(told("x `a | b`"), ["1:x $()", "0<2:a", "0<2:b"]);
        assert_eq!(told("sh -ec 'a | b'"), ["1:sh -ec a | b", "0<3:a", "0<3:b"]);
    }

    #[test]
    fn the_program_is_behind_what_starts_it() {
        for (text, name) in [
            ("A=1 sudo -E env B=2 /usr/bin/curl x", "curl"),
            ("timeout 5 bash", "bash"),
            ("cu''r\\l x", "curl"),
            ("if ! wget x", "wget"),
            ("A=1", ""),
        ] {
            assert_eq!(commands(text)[0].name(), name, "{text}");
        }
        assert!(is_interpreter("python3.11") && is_interpreter("bash") && !is_interpreter("tar"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-c '\"`$(){}<>|&;#\\\\\n-]{0,80}|\\PC{0,80}") {
            let found = commands(&text);
            proptest::prop_assert!(found.iter().all(|one| one.at <= text.len()));
            for (at, one) in found.iter().enumerate() {
                proptest::prop_assert!(one.parent.is_none_or(|parent| parent < at));
            }
        }
    }
}
