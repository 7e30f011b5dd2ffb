//! Cells as plain data, and how the emulator's cells become them.

use alacritty_terminal::term::cell::{Cell as Grid, Flags, Hyperlink as Link};
use alacritty_terminal::term::color::Colors;
use alacritty_terminal::vte::ansi::{Color as Ansi, NamedColor};

/// A colour as the program asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Color {
    /// The operator's own foreground or background.
    #[default]
    Default,
    /// An entry of the 256-colour palette; the first 16 belong to the operator's theme.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The line under a cell's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Underline {
    /// None.
    #[default]
    None,
    /// One straight line.
    Single,
    /// Two straight lines.
    Double,
    /// A wave.
    Curly,
    /// Dots.
    Dotted,
    /// Dashes.
    Dashed,
}

/// How a cell is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent attribute of ECMA-48"
)]
pub struct CellStyle {
    /// Colour of the text.
    pub foreground: Color,
    /// Colour behind the text.
    pub background: Color,
    /// Colour of the underline; the text's own when default.
    pub underline_color: Color,
    /// The underline.
    pub underline: Underline,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Foreground and background swapped.
    pub inverse: bool,
    /// Concealed: drawn as blank.
    pub hidden: bool,
    /// Crossed out.
    pub strikeout: bool,
}

/// The target of a link that a program attached to its text. Hostile text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hyperlink(Link);

impl From<Link> for Hyperlink {
    fn from(link: Link) -> Self {
        Self(link)
    }
}

impl Hyperlink {
    /// The address, at most 1 KiB long.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.0.uri()
    }

    /// The id by which cells belong to one link.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id()
    }
}

/// One cell of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'screen> {
    /// The character, never a control character; a space in an empty cell.
    pub character: char,
    /// Marks that combine with it; no bidirectional or invisible mark is among them.
    pub combining: &'screen [char],
    /// Columns taken: 1, 2, or 0 in the second half of a wide character.
    pub width: u8,
    /// How it is drawn.
    pub style: CellStyle,
    /// The link it belongs to.
    pub hyperlink: Option<Hyperlink>,
}

impl Cell<'_> {
    /// Appends the cell's text; nothing in the second half of a wide character.
    pub fn push_text(&self, out: &mut String) {
        if self.width > 0 {
            out.push(self.character);
            out.extend(self.combining);
        }
    }
}

/// Reads the cells of one row of `columns` cells.
pub(super) fn cells<'screen>(
    row: &'screen [Grid],
    colors: &'screen Colors,
) -> impl Iterator<Item = Cell<'screen>> {
    row.iter().enumerate().map(move |(column, cell)| {
        let width = width(row, column);
        let blank = width == 0 || cell.flags.contains(Flags::WIDE_CHAR) && width == 1;
        Cell {
            character: if blank || cell.c.is_control() {
                ' '
            } else {
                cell.c
            },
            combining: if blank {
                &[]
            } else {
                cell.zerowidth().unwrap_or_default()
            },
            width,
            style: style(cell, Some(colors)),
            hyperlink: cell.hyperlink().map(Hyperlink::from),
        }
    })
}

/// The columns that a cell takes. Halves of a wide character that lost their other
/// half (overwritten, shifted) count as blank cells of one column.
pub(super) fn width(row: &[Grid], column: usize) -> u8 {
    let has = |at: Option<usize>, flag| {
        at.and_then(|at| row.get(at))
            .is_some_and(|cell| cell.flags.contains(flag))
    };
    if has(Some(column), Flags::WIDE_CHAR) && has(Some(column + 1), Flags::WIDE_CHAR_SPACER) {
        return 2;
    }
    let is_half =
        has(Some(column), Flags::WIDE_CHAR_SPACER) && has(column.checked_sub(1), Flags::WIDE_CHAR);
    u8::from(!is_half)
}

/// The style of a cell; palette entries that the program redefined become their
/// colour if `colors` is given.
pub(super) fn style(cell: &Grid, colors: Option<&Colors>) -> CellStyle {
    let has = |flag| cell.flags.contains(flag);
    CellStyle {
        foreground: color(cell.fg, colors),
        background: color(cell.bg, colors),
        underline_color: cell
            .underline_color()
            .map_or(Color::Default, |shade| color(shade, colors)),
        underline: underline(cell.flags),
        bold: has(Flags::BOLD),
        dim: has(Flags::DIM),
        italic: has(Flags::ITALIC),
        inverse: has(Flags::INVERSE),
        hidden: has(Flags::HIDDEN),
        strikeout: has(Flags::STRIKEOUT),
    }
}

fn underline(flags: Flags) -> Underline {
    [
        (Flags::DOUBLE_UNDERLINE, Underline::Double),
        (Flags::UNDERCURL, Underline::Curly),
        (Flags::DOTTED_UNDERLINE, Underline::Dotted),
        (Flags::DASHED_UNDERLINE, Underline::Dashed),
        (Flags::UNDERLINE, Underline::Single),
    ]
    .into_iter()
    .find_map(|(flag, underline)| flags.contains(flag).then_some(underline))
    .unwrap_or_default()
}

fn color(color: Ansi, colors: Option<&Colors>) -> Color {
    let index = match color {
        Ansi::Spec(rgb) => return Color::Rgb(rgb.r, rgb.g, rgb.b),
        Ansi::Indexed(index) => index,
        Ansi::Named(name) => match u8::try_from(name as usize) {
            Ok(index) if name != NamedColor::Foreground => index,
            _ => return Color::Default,
        },
    };
    colors
        .and_then(|colors| colors[usize::from(index)])
        .map_or(Color::Indexed(index), |rgb| Color::Rgb(rgb.r, rgb.g, rgb.b))
}
