//! Themes: whole views in each of them, and what the eye can tell of their colours.

use super::*;
use crate::state::{Background, Ink, Palette, Theme, Tint};

const NAMES: [&str; 4] = ["dark", "light", "high-contrast", "colour-blind"];

/// Backgrounds that terminals come with, or that many people choose.
const DARK: [[u8; 3]; 6] = [
    [0x00, 0x00, 0x00],
    [0x1e, 0x1e, 0x1e],
    [0x28, 0x2a, 0x36],
    [0x2e, 0x34, 0x40],
    [0x00, 0x2b, 0x36],
    [0x30, 0x0a, 0x24],
];
const LIGHT: [[u8; 3]; 5] = [
    [0xff, 0xff, 0xff],
    [0xfa, 0xfa, 0xfa],
    [0xfd, 0xf6, 0xe3],
    [0xef, 0xf1, 0xf5],
    [0xf9, 0xf5, 0xd7],
];

/// What is told apart by colour, beside its word and its shape.
const STATES: [Ink; 5] = [
    Ink::Good,
    Ink::Busy,
    Ink::Wanting,
    Ink::Troubled,
    Ink::Broken,
];

fn palettes(name: &str) -> Vec<(Background, Palette)> {
    let theme = Theme::builtin(name).unwrap();
    let dark = theme.dark.map(|palette| (Background::Dark, palette));
    let light = theme.light.map(|palette| (Background::Light, palette));
    dark.into_iter().chain(light).collect()
}

/// What a terminal of 256 colours shows of the cube and the grays.
fn of_256(index: u8) -> [u8; 3] {
    let step = |at: u8| if at == 0 { 0 } else { 55 + 40 * at };
    match index {
        16..=231 => {
            let at = index - 16;
            [step(at / 36), step(at / 6 % 6), step(at % 6)]
        }
        232.. => [8 + 10 * (index - 232); 3],
        0..16 => panic!("{index} is the terminal's own"),
    }
}

/// A colour as it is on the screen, if that is ours to say.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others are the terminal's own"
)]
fn shown(palette: &Palette, ink: Ink, depth: Depth) -> Option<[u8; 3]> {
    let inks = Inks::new(palette, depth);
    let color = match ink {
        Ink::Text => inks.text,
        Ink::Background => inks.background,
        Ink::Faint => inks.faint,
        Ink::Heading => inks.heading,
        Ink::Key => inks.key,
        Ink::Good => inks.good,
        Ink::Busy => inks.busy,
        Ink::Wanting => inks.wanting,
        Ink::Troubled => inks.troubled,
        Ink::Broken => inks.broken,
        Ink::Agent => inks.agent,
        Ink::Egress => inks.egress,
        Ink::Supervise => inks.supervise,
        Ink::Selection => inks.selection,
        Ink::SelectionText => inks.selection_text,
    };
    match color {
        Color::Rgb(red, green, blue) => Some([red, green, blue]),
        Color::Indexed(index) => Some(of_256(index)),
        _ => None,
    }
}

/// A part of a colour without its gamma (IEC 61966-2-1).
fn linear(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.040_45 {
        part / 12.92
    } else {
        ((part + 0.055) / 1.055).powf(2.4)
    }
}

/// The ratio of contrast (WCAG 2.2, definition of «contrast ratio»).
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |color: [u8; 3]| {
        let [red, green, blue] = color.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn contrast_is_as_the_standard_computes_it() {
    let close = |one: f64, other: f64| (one - other).abs() < 0.01;
    assert!(close(contrast([0; 3], [255; 3]), 21.0));
    assert!(close(contrast([0x77; 3], [255; 3]), 4.48));
    assert!(close(contrast([0x80; 3], [0x80; 3]), 1.0));
}

#[test]
fn text_can_be_read_on_the_backgrounds_that_people_have() {
    for name in NAMES {
        for (background, palette) in palettes(name) {
            for depth in [Depth::True, Depth::Many] {
                let own = shown(&palette, Ink::Background, depth);
                let behind: Vec<[u8; 3]> = match (own, background) {
                    (Some(own), _) => vec![own],
                    (None, Background::Dark) => DARK.to_vec(),
                    (None, Background::Light) => LIGHT.to_vec(),
                };
                let least = if name == "high-contrast" { 7.0 } else { 4.5 };
                for (word, ink) in Ink::NAMES {
                    let is_ground = matches!(ink, Ink::Background | Ink::Selection);
                    let Some(color) = shown(&palette, ink, depth).filter(|_| !is_ground) else {
                        continue;
                    };
                    let grounds = if ink == Ink::SelectionText {
                        vec![shown(&palette, Ink::Selection, depth).unwrap()]
                    } else {
                        behind.clone()
                    };
                    for ground in grounds {
                        let ratio = contrast(color, ground);
                        assert!(
                            ratio >= least,
                            "{name} {background:?} {depth:?} {word}: {ratio:.2} on {ground:?}"
                        );
                    }
                }
            }
        }
    }
}

/// How eyes see that lack one kind of cones: linear red, green and blue of each part
/// (Machado, Oliveira and Fernandes 2009, severity 1.0).
const EYES: [(&str, [[f64; 3]; 3]); 4] = [
    (
        "most eyes",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// A colour as eyes see it, where distances are as large as they look (CIELAB, D65).
fn seen(color: [u8; 3], eye: &[[f64; 3]; 3]) -> [f64; 3] {
    let color = color.map(linear);
    let dot = |row: &[f64; 3]| -> f64 { row.iter().zip(color).map(|(a, b)| a * b).sum() };
    let [red, green, blue] =
        [dot(&eye[0]), dot(&eye[1]), dot(&eye[2])].map(|part| part.clamp(0.0, 1.0));
    let bend = |part: f64| {
        if part > 0.008_856 {
            part.cbrt()
        } else {
            7.787 * part + 16.0 / 116.0
        }
    };
    let x = bend((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47);
    let y = bend(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let z = bend((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn apart(one: [u8; 3], other: [u8; 3], eye: &[[f64; 3]; 3]) -> f64 {
    let (one, other) = (seen(one, eye), seen(other, eye));
    let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The least distance of two states' colours for eyes, in a palette.
fn least_apart(palette: &Palette, depth: Depth, eye: &[[f64; 3]; 3]) -> f64 {
    let colors: Vec<[u8; 3]> = STATES
        .iter()
        .map(|ink| shown(palette, *ink, depth).unwrap())
        .collect();
    let mut least = f64::INFINITY;
    for (at, one) in colors.iter().enumerate() {
        for other in colors.iter().skip(at + 1) {
            least = least.min(apart(*one, *other, eye));
        }
    }
    least
}

#[test]
fn states_stay_apart_for_every_eye() {
    for (background, palette) in palettes("colour-blind") {
        for depth in [Depth::True, Depth::Many] {
            for (name, eye) in &EYES {
                let least = least_apart(&palette, depth, eye);
                assert!(least >= 30.0, "{background:?} {depth:?} {name}: {least:.1}");
            }
        }
    }
    // The measure can fail: the ordinary theme is worse for somebody.
    let (_, dark) = palettes("dark").remove(0);
    let worst = EYES
        .iter()
        .map(|(_, eye)| least_apart(&dark, Depth::True, eye));
    assert!(worst.fold(f64::INFINITY, f64::min) < 30.0);
}

#[test]
fn with_sixteen_colours_states_differ_too() {
    for name in NAMES {
        for (background, palette) in palettes(name) {
            let inks = Inks::new(&palette, Depth::Sixteen);
            let mut colors = vec![inks.good, inks.busy, inks.wanting, inks.broken];
            colors.sort_by_key(ToString::to_string);
            colors.dedup();
            assert_eq!(colors.len(), 4, "{name} {background:?}: {colors:?}");
        }
    }
}

#[test]
fn every_theme_draws_its_views() {
    for name in NAMES {
        for (background, palette) in palettes(name) {
            for (word, depth) in [
                ("true", Depth::True),
                ("256", Depth::Many),
                ("16", Depth::Sixteen),
            ] {
                let look = Look {
                    inks: Inks::new(&palette, depth),
                    ..COLORS
                };
                let mut console = Console::demo(80, 24);
                let list = shot(&console, look, &Screens::new());
                console.press(&["x"]);
                let modal = shot(&console, look, &Screens::new());
                let ground = format!("{background:?}").to_lowercase();
                insta::assert_snapshot!(
                    format!("theme_{name}_{ground}_{word}"),
                    format!("{list}=== with a question\n{modal}")
                );
            }
        }
    }
}

#[test]
fn a_background_of_ones_own_lies_under_everything_but_sessions() {
    let palette = Palette::from([
        (Ink::Background, Tint::Rgb(1, 2, 3)),
        (Ink::Text, Tint::Rgb(200, 200, 200)),
    ]);
    let look = Look {
        inks: Inks::new(&palette, Depth::True),
        ..COLORS
    };
    let mut console = Console::demo(80, 24);
    console.press(&["?"]);
    let (buffer, _) = rendered(&console, look, &Screens::new());
    for (at, cell) in buffer.content.iter().enumerate() {
        assert_eq!(cell.bg, Color::Rgb(1, 2, 3), "cell {at}");
        assert_ne!(cell.fg, Color::Reset, "cell {at}");
    }
    let console = Console::demo(120, 40);
    let (reference, screen) = (bottle("api-k3x9q"), drawn(&console));
    let (buffer, _) = rendered(&console, look, &Screens::from([(&reference, &screen)]));
    assert!(buffer.content.iter().any(|cell| cell.bg == Color::Reset));
}
