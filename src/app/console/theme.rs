//! Which colours this terminal is drawn on in: what it can show, what its text stands
//! on, which theme the operator wants.

use std::io::Write as _;

use super::Console;
use super::background::{QUESTION, of_variable};
use crate::app::planning;
use crate::manifest::{AUTO_THEME, Theme, load_theme};
use crate::state::{Background, Event};
use crate::ui::{Depth, Inks, Look};

/// What the colours follow from.
#[derive(Clone, Debug)]
pub(super) struct Colors {
    theme: Theme,
    background: Background,
    /// `None` without colours.
    depth: Option<Depth>,
    is_ascii: bool,
    /// Whether the terminal may be asked for its background.
    can_ask: bool,
}

impl Colors {
    /// What the environment says, in the theme of this name.
    pub(super) fn here(name: Option<&str>) -> Self {
        let colors = Self::of(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let theme = name.and_then(|name| load(name).ok());
        Self {
            theme: theme.unwrap_or_else(Theme::following),
            ..colors
        }
    }

    /// Colours unless `NO_COLOR` is set (no-color.org); more than ASCII unless the locale
    /// says otherwise.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(&variable);
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let has_colors = variable("NO_COLOR").is_none() && term != "dumb";
        let depth = depth(&term, variable("COLORTERM").as_deref());
        let said = variable("COLORFGBG").and_then(|value| of_variable(&value));
        Self {
            theme: Theme::following(),
            background: said.unwrap_or_default(),
            depth: has_colors.then_some(depth),
            is_ascii: !locale.is_empty() && !locale.contains("utf"),
            // The Linux console would show the question.
            can_ask: !matches!(term.as_str(), "" | "dumb" | "linux"),
        }
    }

    /// How things look so.
    pub(super) fn look(&self) -> Look {
        let palette = self.theme.on(self.background);
        Look {
            has_colors: self.depth.is_some(),
            is_ascii: self.is_ascii,
            inks: Inks::new(&palette, self.depth.unwrap_or_default()),
        }
    }

    /// Whether an answer could change anything.
    fn wants_background(&self) -> bool {
        let theme = &self.theme;
        self.can_ask
            && self.depth.is_some()
            && theme.on(Background::Dark) != theme.on(Background::Light)
    }
}

/// What `COLORTERM` and `TERM` say.
fn depth(term: &str, colorterm: Option<&str>) -> Depth {
    if matches!(colorterm, Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") {
        Depth::Many
    } else {
        Depth::Sixteen
    }
}

/// Reads a theme by its name; what is wrong with it, for the operator.
fn load(name: &str) -> Result<Theme, String> {
    if name == AUTO_THEME {
        return Ok(Theme::following());
    }
    let Some(paths) = planning::paths() else {
        return Theme::builtin(name).ok_or_else(|| format!("no theme is called `{name}`"));
    };
    let (theme, problems) = load_theme(&paths, name);
    theme.ok_or_else(|| {
        problems.first().map_or_else(
            || format!("no theme is called `{name}`"),
            |problem| format!("{}:{}: {}", problem.file, problem.line, problem.message),
        )
    })
}

impl Console<'_> {
    /// Asks the terminal for its background, if that matters. Nobody waits for the answer.
    pub(super) fn ask_background(&mut self) -> std::io::Result<()> {
        if !self.colors.wants_background() {
            return Ok(());
        }
        let mut out = std::io::stdout();
        out.write_all(QUESTION.as_bytes())?;
        out.flush()?;
        self.answer.expect();
        Ok(())
    }

    /// The terminal said what its text stands on.
    pub(super) fn take_background(&mut self, background: Background) {
        self.colors.background = background;
        self.recolor();
    }

    /// Draws in a theme from now on and tells how it is kept.
    pub(super) fn use_theme(&mut self, name: &str) -> std::io::Result<()> {
        let text = match load(name) {
            Ok(theme) => {
                self.colors.theme = theme;
                self.recolor();
                self.ask_background()?;
                let what = match self.colors.depth {
                    None => "NO_COLOR is set: themes make no difference",
                    Some(_) => "until you leave",
                };
                format!("theme {name}: {what}; to keep it: \"theme\": \"{name}\" in config.json")
            }
            Err(why) => why,
        };
        self.take(Event::Note { text })
    }

    fn recolor(&mut self) {
        self.canvas.set_look(self.colors.look());
        self.is_stale = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colors(variables: &[(&str, &str)]) -> Colors {
        Colors::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_show_as_many_colours_as_they_say() {
        for (term, colorterm, expected) in [
            ("xterm", None, Depth::Sixteen),
            ("linux", None, Depth::Sixteen),
            ("xterm-256color", None, Depth::Many),
            ("tmux-256color", Some("truecolor"), Depth::True),
            ("xterm", Some("24bit"), Depth::True),
            ("xterm-direct", None, Depth::True),
            ("xterm-256color", Some("yes"), Depth::Many),
        ] {
            assert_eq!(depth(term, colorterm), expected, "{term} {colorterm:?}");
        }
    }

    #[test]
    fn without_colours_nothing_is_asked() {
        let plain = colors(&[("TERM", "xterm"), ("NO_COLOR", "1")]);
        assert!(!plain.look().has_colors && !plain.wants_background());
        let dumb = colors(&[("TERM", "dumb")]);
        assert!(!dumb.look().has_colors && !dumb.wants_background());
        assert!(!colors(&[("TERM", "linux")]).wants_background());
        assert!(colors(&[("TERM", "xterm")]).wants_background());
    }

    #[test]
    fn the_variable_counts_until_the_terminal_answers() {
        let of = |value| colors(&[("TERM", "xterm-256color"), ("COLORFGBG", value)]);
        assert_ne!(of("0;15").look(), of("15;0").look());
        assert_eq!(of("15;0").look(), of("nonsense").look());
        assert!(colors(&[("LANG", "C")]).look().is_ascii);
    }
}
