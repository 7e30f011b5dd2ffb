//! Writes styles and links as escape sequences, only where they change.

use super::cell::{CellStyle, Color, Hyperlink, Underline};

/// Bytes, and the style in which the next character would be drawn.
#[derive(Default)]
pub(super) struct Pen {
    pub(super) bytes: Vec<u8>,
    style: CellStyle,
    link: Option<Hyperlink>,
}

impl Pen {
    /// Makes what follows be drawn in `style` and belong to `link`.
    pub(super) fn restyle(&mut self, style: CellStyle, link: Option<Hyperlink>) {
        if self.style != style {
            self.bytes.extend_from_slice(sgr(&style).as_bytes());
            self.style = style;
        }
        if self.link != link {
            let text = link.as_ref().map_or_else(
                || "\x1b]8;;\x1b\\".to_owned(),
                |link| format!("\x1b]8;id={};{}\x1b\\", link.id(), link.uri()),
            );
            self.bytes.extend_from_slice(text.as_bytes());
            self.link = link;
        }
    }
}

/// The sequence that sets exactly this style, whatever was set before.
fn sgr(style: &CellStyle) -> String {
    let mut text = String::from("\x1b[0");
    for (set, code) in [
        (style.bold, ";1"),
        (style.dim, ";2"),
        (style.italic, ";3"),
        (style.inverse, ";7"),
        (style.hidden, ";8"),
        (style.strikeout, ";9"),
    ] {
        if set {
            text.push_str(code);
        }
    }
    text.push_str(match style.underline {
        Underline::None => "",
        Underline::Single => ";4",
        Underline::Double => ";4:2",
        Underline::Curly => ";4:3",
        Underline::Dotted => ";4:4",
        Underline::Dashed => ";4:5",
    });
    text.push_str(&ground(style.foreground, 30));
    text.push_str(&ground(style.background, 40));
    let line = match style.underline_color {
        Color::Default => String::new(),
        Color::Indexed(index) => format!(";58:5:{index}"),
        Color::Rgb(red, green, blue) => format!(";58:2::{red}:{green}:{blue}"),
    };
    text.push_str(&line);
    text.push('m');
    text
}

/// A foreground (`base` 30) or background (`base` 40) colour.
fn ground(color: Color, base: u8) -> String {
    match color {
        Color::Default => String::new(),
        Color::Indexed(index @ 0..8) => format!(";{}", base + index),
        Color::Indexed(index @ 8..16) => format!(";{}", base + 52 + index),
        Color::Indexed(index) => format!(";{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!(";{};2;{red};{green};{blue}", base + 8),
    }
}
