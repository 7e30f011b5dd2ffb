//! The reference: a grid as the emulator's authors wrote it down.

use cellar::pty::{Cell, CellStyle, Color, Screen, Underline};
use serde::Deserialize;

/// A grid.
#[derive(Deserialize)]
pub(crate) struct Grid<'text> {
    #[serde(borrow)]
    raw: Storage<'text>,
}

/// Its rows, the lowest first; those above the history that there is are blank.
#[derive(Deserialize)]
struct Storage<'text> {
    #[serde(borrow)]
    inner: Vec<Row<'text>>,
    zero: usize,
}

#[derive(Deserialize)]
struct Row<'text> {
    #[serde(borrow)]
    inner: Vec<Written<'text>>,
}

/// A cell as it was written down.
#[derive(Deserialize)]
struct Written<'text> {
    c: char,
    #[serde(borrow)]
    fg: Shade<'text>,
    #[serde(borrow)]
    bg: Shade<'text>,
    flags: &'text str,
    #[serde(borrow)]
    extra: Option<Extra<'text>>,
}

#[derive(Deserialize)]
struct Extra<'text> {
    zerowidth: Vec<char>,
    #[serde(borrow)]
    underline_color: Option<Shade<'text>>,
    hyperlink: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    inner: Target,
}

#[derive(Deserialize)]
struct Target {
    id: String,
    uri: String,
}

#[derive(Clone, Copy, Deserialize)]
enum Shade<'text> {
    Named(&'text str),
    Indexed(u8),
    Spec { r: u8, g: u8, b: u8 },
}

/// The first eight of the palette, in its order.
const NAMES: [&str; 8] = [
    "Black", "Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White",
];

impl Shade<'_> {
    fn color(self) -> Color {
        let name = match self {
            Self::Named("Foreground" | "Background") => return Color::Default,
            Self::Indexed(index) => return Color::Indexed(index),
            Self::Spec { r, g, b } => return Color::Rgb(r, g, b),
            Self::Named(name) => name,
        };
        let (plain, first) = match name.strip_prefix("Bright") {
            Some(plain) => (plain, 8),
            None => (name, 0),
        };
        let at = NAMES.iter().position(|known| *known == plain);
        let at = at.unwrap_or_else(|| panic!("a colour called {name}"));
        Color::Indexed(u8::try_from(first + at).unwrap())
    }
}

impl Written<'_> {
    fn has(&self, flag: &str) -> bool {
        self.flags.split(" | ").any(|known| known == flag)
    }

    fn style(&self) -> CellStyle {
        let mut style = CellStyle {
            foreground: self.fg.color(),
            background: self.bg.color(),
            ..CellStyle::default()
        };
        if let Some(shade) = self.extra.as_ref().and_then(|extra| extra.underline_color) {
            style.underline_color = shade.color();
        }
        for flag in self.flags.split(" | ").filter(|flag| !flag.is_empty()) {
            match flag {
                "INVERSE" => style.inverse = true,
                "BOLD" => style.bold = true,
                "ITALIC" => style.italic = true,
                "DIM" => style.dim = true,
                "HIDDEN" => style.hidden = true,
                "STRIKEOUT" => style.strikeout = true,
                "UNDERLINE" => style.underline = Underline::Single,
                "DOUBLE_UNDERLINE" => style.underline = Underline::Double,
                "UNDERCURL" => style.underline = Underline::Curly,
                "DOTTED_UNDERLINE" => style.underline = Underline::Dotted,
                "DASHED_UNDERLINE" => style.underline = Underline::Dashed,
                "WRAPLINE" | "WIDE_CHAR" | "WIDE_CHAR_SPACER" | "LEADING_WIDE_CHAR_SPACER" => {}
                other => panic!("a flag called {other}"),
            }
        }
        style
    }

    fn width(&self) -> u8 {
        if self.has("WIDE_CHAR") {
            2
        } else {
            u8::from(!self.has("WIDE_CHAR_SPACER"))
        }
    }

    /// Whether ours has the same text. Links that the program gave no name get a number,
    /// which counts all links of a process.
    fn reads(&self, ours: &Cell<'_>) -> bool {
        let marks = self.extra.as_ref().map(|extra| extra.zerowidth.as_slice());
        let link = self
            .extra
            .as_ref()
            .and_then(|extra| extra.hyperlink.as_ref());
        let link = link.map(|link| &link.inner);
        let is_link = match (link, &ours.hyperlink) {
            (None, None) => true,
            (Some(link), Some(own)) => {
                let is_numbered = link.id.ends_with("_alacritty");
                link.uri == own.uri() && (is_numbered || link.id == own.id())
            }
            _ => false,
        };
        // A tab stands in its cell for the blanks that it makes; ours holds no controls.
        let character = if self.c.is_control() { ' ' } else { self.c };
        is_link
            && ours.character == character
            && ours.combining == marks.unwrap_or_default()
            && ours.width == self.width()
    }

    fn words(&self) -> String {
        format!("{:?} {} {:?}", self.c, self.flags, self.style())
    }
}

/// What is looked at of each cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Its text, its link, and whether its line wraps.
    Text,
    /// How it is drawn.
    Styles,
}

impl Compared {
    fn is_same(self, ours: &Cell<'_>, theirs: &Written<'_>) -> bool {
        match self {
            Self::Text => theirs.reads(ours),
            Self::Styles => theirs.style() == ours.style,
        }
    }
}

/// How ours differs from the reference, in some words; nothing if it does not.
pub(crate) fn beside_grid(screen: &Screen, grid: &Grid<'_>, what: Compared) -> Vec<String> {
    assert_eq!(grid.raw.zero, 0);
    let lines = screen.lines();
    let mut told = Vec::new();
    for (up, row) in grid.raw.inner.iter().enumerate() {
        let Some(line) = lines.checked_sub(up + 1) else {
            let blank = Cell {
                character: ' ',
                combining: &[],
                width: 1,
                style: CellStyle::default(),
                hyperlink: None,
            };
            if let Some(other) = row.inner.iter().find(|cell| !what.is_same(&blank, cell)) {
                told.push(format!("{up} up: ours ends, {}", other.words()));
            }
            continue;
        };
        let cells: Vec<Cell<'_>> = screen.line(line).collect();
        if cells.len() != row.inner.len() {
            told.push(format!("{up} up: {} cells", cells.len()));
        }
        for (column, (ours, theirs)) in cells.iter().zip(&row.inner).enumerate() {
            if !what.is_same(ours, theirs) {
                told.push(format!(
                    "{up} up, {column}: {ours:?} for {}",
                    theirs.words()
                ));
            }
        }
        let wraps = row.inner.last().is_some_and(|cell| cell.has("WRAPLINE"));
        if wraps != screen.is_wrapped(line) {
            told.push(format!("{up} up: wraps: {}", !wraps));
        }
    }
    if lines > grid.raw.inner.len() {
        told.push(format!("{lines} lines"));
    }
    told
}
