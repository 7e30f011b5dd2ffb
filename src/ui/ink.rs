//! Inks: the colours of a theme as this terminal can show them.
//!
//! Truecolor is shown as it is; with 256 colours the nearest of the cube and the grays
//! stands in; with sixteen, the terminal's own colour of the same hue. Grays are then
//! the terminal's default, because only the operator's own palette knows which of the
//! sixteen can be read on it.

use ratatui::style::Color;

use crate::state::{Ink, Palette, Tint};

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The sixteen of its own palette.
    #[default]
    Sixteen,
    /// Those and the cube of 216 with 24 grays.
    Many,
    /// Every colour.
    True,
}

/// Colours by what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inks {
    pub(super) text: Color,
    pub(super) background: Color,
    pub(super) faint: Color,
    pub(super) heading: Color,
    pub(super) key: Color,
    pub(super) good: Color,
    pub(super) busy: Color,
    pub(super) wanting: Color,
    pub(super) troubled: Color,
    pub(super) broken: Color,
    pub(super) agent: Color,
    pub(super) egress: Color,
    pub(super) supervise: Color,
    pub(super) selection: Color,
    pub(super) selection_text: Color,
}

impl Inks {
    /// The terminal's own colours, without black and white, because one of the two is
    /// the background.
    pub const TERMINAL: Self = Self {
        text: Color::Reset,
        background: Color::Reset,
        faint: Color::Reset,
        heading: Color::Reset,
        key: Color::Cyan,
        good: Color::Green,
        busy: Color::Cyan,
        wanting: Color::Yellow,
        troubled: Color::Magenta,
        broken: Color::Red,
        agent: Color::Green,
        egress: Color::Cyan,
        supervise: Color::Magenta,
        selection: Color::Reset,
        selection_text: Color::Reset,
    };

    /// The inks of a palette; what it does not name is the terminal's own.
    #[must_use]
    pub fn new(palette: &Palette, depth: Depth) -> Self {
        let own = Self::TERMINAL;
        let of = |ink, default| {
            let tint = palette.get(&ink);
            tint.map_or(default, |tint| shown(*tint, depth))
        };
        Self {
            text: of(Ink::Text, own.text),
            background: of(Ink::Background, own.background),
            faint: of(Ink::Faint, own.faint),
            heading: of(Ink::Heading, own.heading),
            key: of(Ink::Key, own.key),
            good: of(Ink::Good, own.good),
            busy: of(Ink::Busy, own.busy),
            wanting: of(Ink::Wanting, own.wanting),
            troubled: of(Ink::Troubled, own.troubled),
            broken: of(Ink::Broken, own.broken),
            agent: of(Ink::Agent, own.agent),
            egress: of(Ink::Egress, own.egress),
            supervise: of(Ink::Supervise, own.supervise),
            selection: of(Ink::Selection, own.selection),
            selection_text: of(Ink::SelectionText, own.selection_text),
        }
    }
}

impl Default for Inks {
    fn default() -> Self {
        Self::TERMINAL
    }
}

/// The sixteen as the library names them, in the order of their numbers.
const SIXTEEN: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

fn shown(tint: Tint, depth: Depth) -> Color {
    match (tint, depth) {
        (Tint::Default, _) => Color::Reset,
        (Tint::Ansi(index), _) => SIXTEEN
            .get(usize::from(index))
            .copied()
            .unwrap_or(Color::Reset),
        (Tint::Rgb(red, green, blue), Depth::True) => Color::Rgb(red, green, blue),
        (Tint::Rgb(red, green, blue), Depth::Many) => Color::Indexed(cube([red, green, blue])),
        (Tint::Rgb(red, green, blue), Depth::Sixteen) => hue([red, green, blue]),
    }
}

/// The steps of each colour in the cube of 256 (xterm's `256colres.h`).
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the cube's colours and the grays.
fn cube(wanted: [u8; 3]) -> u8 {
    let near = wanted.map(|value| {
        let steps = (0_u8..).zip(STEPS);
        let nearest = steps.min_by_key(|(_, step)| step.abs_diff(value));
        nearest.unwrap_or_default()
    });
    let [red, green, blue] = near.map(|(at, _)| at);
    let index = 16 + 36 * red + 6 * green + blue;
    let grays = (0_u8..24).map(|at| (232 + at, [8 + 10 * at; 3]));
    let colors = std::iter::once((index, near.map(|(_, step)| step))).chain(grays);
    let best = colors.min_by_key(|(_, color)| distance(*color, wanted));
    best.map_or(index, |(index, _)| index)
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    let squares = one
        .into_iter()
        .zip(other)
        .map(|(one, other)| u32::from(one.abs_diff(other)).pow(2));
    squares.sum()
}

/// Differences between the largest and the smallest part that make a gray.
const GRAY: u8 = 32;

/// The terminal's own colour of the same hue; black and white only for what is nearly so.
fn hue([red, green, blue]: [u8; 3]) -> Color {
    let least = red.min(green).min(blue);
    let most = red.max(green).max(blue);
    let chroma = most - least;
    if chroma < GRAY {
        return match most {
            0..=24 => Color::Black,
            240.. => Color::White,
            _ => Color::Reset,
        };
    }
    // Degrees around the wheel (Smith 1978), halved so that they fit.
    let part = |high: u8, low: u8| {
        let step = 60 * (i32::from(high) - i32::from(low));
        step / i32::from(chroma)
    };
    let degrees = if most == red {
        part(green, blue).rem_euclid(360)
    } else if most == green {
        part(blue, red) + 120
    } else {
        part(red, green) + 240
    };
    match degrees {
        30..=75 => Color::Yellow,
        76..=150 => Color::Green,
        151..=205 => Color::Cyan,
        206..=255 => Color::Blue,
        256..=335 => Color::Magenta,
        _ => Color::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_cube_are_themselves_and_others_near() {
        assert_eq!(cube([0x5f, 0xd7, 0xff]), 81);
        assert_eq!(cube([0, 0, 0]), 16);
        assert_eq!(cube([255, 255, 255]), 231);
        assert_eq!(cube([0x58, 0x58, 0x58]), 240);
        assert_eq!(cube([0x5e, 0xd8, 0xfe]), 81);
    }

    #[test]
    fn sixteen_keep_the_hue_and_leave_grays_to_the_terminal() {
        for (color, expected) in [
            ([0xd7, 0x00, 0x00], Color::Red),
            ([0xff, 0x87, 0x5f], Color::Red),
            ([0xff, 0xd7, 0x5f], Color::Yellow),
            ([0x00, 0x5f, 0x00], Color::Green),
            ([0x5f, 0xd7, 0xff], Color::Cyan),
            ([0x00, 0x00, 0x5f], Color::Blue),
            ([0xff, 0x87, 0xff], Color::Magenta),
            ([0x87, 0x00, 0x5f], Color::Magenta),
            ([0xaf, 0xaf, 0xaf], Color::Reset),
            ([0, 0, 0], Color::Black),
            ([255, 255, 255], Color::White),
        ] {
            assert_eq!(hue(color), expected, "{color:?}");
        }
    }

    #[test]
    fn what_a_palette_does_not_name_is_the_terminals() {
        let palette = Palette::from([(Ink::Key, Tint::Rgb(1, 2, 3)), (Ink::Good, Tint::Default)]);
        let inks = Inks::new(&palette, Depth::True);
        let expected = Inks {
            key: Color::Rgb(1, 2, 3),
            good: Color::Reset,
            ..Inks::TERMINAL
        };
        assert_eq!(inks, expected);
    }
}
