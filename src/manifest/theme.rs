//! Themes: the colours of the console's inks, from files.
//!
//! A theme has a palette for dark terminals, one for light ones, or both. What a palette
//! does not name stays as the terminal itself has it. Which colours a terminal can show,
//! and what an ink is used for, is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::load::source_file;
use super::paths::ManifestPaths;
use super::problem::{Problem, SourceFile};
use super::read::{Kept, read_theme};

/// The word for the theme that follows the terminal's background.
pub const AUTO_THEME: &str = "auto";

/// The themes that come with us, by name.
const BUILTIN: [(&str, &str); 4] = [
    ("dark", include_str!("../../assets/themes/dark.json")),
    ("light", include_str!("../../assets/themes/light.json")),
    (
        "high-contrast",
        include_str!("../../assets/themes/high-contrast.json"),
    ),
    (
        "colour-blind",
        include_str!("../../assets/themes/colour-blind.json"),
    ),
];
/// The most files of the operator's own that are looked at for names.
const OWN_LIMIT: usize = 64;

/// What something is drawn with, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ink {
    /// What one reads.
    Text,
    /// What everything stands on.
    Background,
    /// What one may skip.
    Faint,
    /// Names of columns and parts.
    Heading,
    /// Keys to press.
    Key,
    /// Something goes well.
    Good,
    /// Something is under way.
    Busy,
    /// Something wants the operator.
    Wanting,
    /// Something is not as it should be.
    Troubled,
    /// Something cannot go on.
    Broken,
    /// The agent's container, where containers are told apart.
    Agent,
    /// The egress sidecar.
    Egress,
    /// The hub.
    Supervise,
    /// What the selected row stands on; with the terminal's own colours it is inverted.
    Selection,
    /// The text of the selected row.
    SelectionText,
}

impl Ink {
    /// All inks with the names that files have for them.
    pub const NAMES: [(&'static str, Self); 15] = [
        ("text", Self::Text),
        ("background", Self::Background),
        ("faint", Self::Faint),
        ("heading", Self::Heading),
        ("key", Self::Key),
        ("good", Self::Good),
        ("busy", Self::Busy),
        ("wanting", Self::Wanting),
        ("troubled", Self::Troubled),
        ("broken", Self::Broken),
        ("agent", Self::Agent),
        ("egress", Self::Egress),
        ("supervise", Self::Supervise),
        ("selection", Self::Selection),
        ("selection-text", Self::SelectionText),
    ];
}

/// A colour as a theme names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tint {
    /// The terminal's own.
    Default,
    /// One of the sixteen that the operator's terminal has a palette for.
    Ansi(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

impl Tint {
    /// The names of the sixteen, in their order.
    pub(super) const ANSI: [&'static str; 16] = [
        "black",
        "red",
        "green",
        "yellow",
        "blue",
        "magenta",
        "cyan",
        "white",
        "bright-black",
        "bright-red",
        "bright-green",
        "bright-yellow",
        "bright-blue",
        "bright-magenta",
        "bright-cyan",
        "bright-white",
    ];

    /// Reads `#rrggbb`, one of the sixteen names, or `default`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(hex) = text.strip_prefix('#') {
            if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return None;
            }
            let [_, red, green, blue] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
            return Some(Self::Rgb(red, green, blue));
        }
        let at = Self::ANSI.iter().position(|name| *name == text)?;
        u8::try_from(at).ok().map(Self::Ansi)
    }
}

/// What the terminal's text stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    /// Something dark.
    #[default]
    Dark,
    /// Something light.
    Light,
}

/// Colours by ink; an ink that is not there is the terminal's own.
pub type Palette = BTreeMap<Ink, Tint>;

/// The palettes of a theme; at least one is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    /// For terminals with a dark background.
    pub dark: Option<Palette>,
    /// For terminals with a light background.
    pub light: Option<Palette>,
}

impl Theme {
    /// The palette for a background, or the only one that there is.
    #[must_use]
    pub fn on(&self, background: Background) -> Palette {
        let (first, second) = match background {
            Background::Dark => (&self.dark, &self.light),
            Background::Light => (&self.light, &self.dark),
        };
        first
            .as_ref()
            .or(second.as_ref())
            .cloned()
            .unwrap_or_default()
    }

    /// The theme that follows the background: ours for dark, ours for light.
    #[must_use]
    pub fn following() -> Self {
        let of = |name| Self::builtin(name).unwrap_or_default();
        Self {
            dark: of("dark").dark,
            light: of("light").light,
        }
    }

    /// A theme that comes with us.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let (_, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        let file = Arc::new(SourceFile {
            name: format!("themes/{name}.json"),
            text: Arc::from(*text),
        });
        let (theme, problems) = read_theme(&file);
        problems.is_empty().then_some(theme)
    }
}

/// The names of the themes that need no file: `auto`, then ours.
pub fn builtin_theme_names() -> impl Iterator<Item = &'static str> {
    std::iter::once(AUTO_THEME).chain(BUILTIN.iter().map(|(name, _)| *name))
}

/// The names of all themes: `auto`, ours, then the operator's own.
#[must_use]
pub fn theme_names(paths: &ManifestPaths) -> Vec<String> {
    let mut names: Vec<String> = builtin_theme_names().map(str::to_owned).collect();
    let entries = std::fs::read_dir(paths.themes()).into_iter().flatten();
    let mut own: Vec<String> = entries
        .take(OWN_LIMIT)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".json").map(str::to_owned))
        .filter(|name| is_name(name) && !names.contains(name))
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

/// Reads a theme by its name: the operator's own file, ours, or the one that follows the
/// terminal. `None` if there is none or it cannot be used; the problems say why.
#[must_use]
pub fn load_theme(paths: &ManifestPaths, name: &str) -> (Option<Theme>, Vec<Problem>) {
    let mut problems = Vec::new();
    if name == AUTO_THEME {
        return (Some(Theme::following()), problems);
    }
    if let Some(theme) = Theme::builtin(name) {
        return (Some(theme), problems);
    }
    if !is_name(name) {
        return (None, problems);
    }
    let path = paths.themes().join(format!("{name}.json"));
    let Some(file) = source_file(paths, &path, Kept::Anywhere, &mut problems) else {
        return (None, problems);
    };
    let (theme, mut found) = read_theme(&file);
    let is_whole = found.is_empty();
    problems.append(&mut found);
    (is_whole.then_some(theme), problems)
}

/// A name must not lead out of the folder of themes.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_can_be_read_and_name_their_inks() {
        for (name, _) in BUILTIN {
            let theme = Theme::builtin(name).unwrap();
            let palettes = [theme.dark, theme.light];
            assert!(palettes.iter().flatten().next().is_some(), "{name}");
            for palette in palettes.iter().flatten() {
                assert!(palette.contains_key(&Ink::Wanting), "{name}");
            }
        }
        let following = Theme::following();
        assert_eq!(
            Some(following.on(Background::Light)),
            Theme::builtin("light").unwrap().light
        );
    }

    #[test]
    fn a_theme_with_one_palette_has_it_everywhere() {
        let theme = Theme::builtin("light").unwrap();
        assert_eq!(theme.on(Background::Dark), theme.on(Background::Light));
    }

    #[test]
    fn names_of_inks_are_those_that_they_are_written_with() {
        for (name, ink) in Ink::NAMES {
            assert_eq!(serde_json::to_value(ink).unwrap(), name);
        }
    }

    #[test]
    fn colours_are_read_or_refused() {
        for (text, tint) in [
            ("#5fd7FF", Some(Tint::Rgb(0x5f, 0xd7, 0xff))),
            ("default", Some(Tint::Default)),
            ("black", Some(Tint::Ansi(0))),
            ("bright-white", Some(Tint::Ansi(15))),
            ("#12345", None),
            ("#+12345", None),
            ("#ééé", None),
            ("teal", None),
            ("", None),
        ] {
            assert_eq!(Tint::parse(text), tint, "{text}");
        }
    }

    #[test]
    fn own_themes_are_listed_and_read_and_their_mistakes_have_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ManifestPaths::in_folder(folder.path());
        std::fs::create_dir(paths.themes()).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(paths.themes().join(name), text).unwrap();
        };
        write(
            "sea.json",
            r##"{ "dark": { "key": "#0088ff", "good": "green" } }"##,
        );
        write(
            "bad.json",
            "{\n\"dark\": {\n\"keys\": \"#0088ff\",\n\"good\": \"gren\" } }",
        );
        write("empty.json", "{}");
        write("notes.txt", "");
        let names = theme_names(&paths);
        assert_eq!(
            names,
            [
                "auto",
                "dark",
                "light",
                "high-contrast",
                "colour-blind",
                "bad",
                "empty",
                "sea"
            ]
        );
        let (sea, problems) = load_theme(&paths, "sea");
        assert_eq!(problems, Vec::new());
        let palette = sea.unwrap().on(Background::Light);
        assert_eq!(palette.get(&Ink::Key), Some(&Tint::Rgb(0, 0x88, 0xff)));
        assert_eq!(palette.get(&Ink::Good), Some(&Tint::Ansi(2)));
        let (bad, problems) = load_theme(&paths, "bad");
        let told: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect();
        assert_eq!(bad, None);
        assert_eq!(
            told,
            ["3: `keys` is no key of a palette", "4: `gren` is no colour"]
        );
        assert_eq!(load_theme(&paths, "empty").1.len(), 1);
        assert_eq!(load_theme(&paths, "../sea"), (None, Vec::new()));
        assert_eq!(load_theme(&paths, "none"), (None, Vec::new()));
    }
}
