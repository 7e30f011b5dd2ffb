//! A theme's file: palettes for dark and light terminals.

use std::sync::Arc;

use jsonc_parser::ast::Value;

use super::shape::{Reader, Shape, suggest};
use super::syntax;
use crate::manifest::problem::{Problem, SourceFile};
use crate::manifest::theme::{Ink, Palette, Theme, Tint};

const FORM: &str = "write it as { \"key\": \"#5fd7ff\", \"good\": \"green\" }";

const THEME_FILE: Shape = Shape {
    what: "a theme",
    form: "write the whole file as { \"dark\": { … }, \"light\": { … } }",
    known: &["$schema", "dark", "light"],
    refused: &[],
};

const PALETTE: Shape = Shape {
    what: "a palette",
    form: FORM,
    known: &[
        "text",
        "background",
        "faint",
        "heading",
        "key",
        "good",
        "busy",
        "wanting",
        "troubled",
        "broken",
        "agent",
        "egress",
        "supervise",
        "selection",
        "selection-text",
    ],
    refused: &[],
};

/// Reads a theme's file.
pub(in crate::manifest) fn read_theme(file: &Arc<SourceFile>) -> (Theme, Vec<Problem>) {
    let mut reader = Reader::new(Arc::clone(file));
    let tree = syntax::parse(&mut reader, &file.text);
    let fields = tree.as_ref().and_then(|root| reader.top(root, &THEME_FILE));
    let Some(fields) = fields else {
        return (Theme::default(), reader.problems);
    };
    let (dark, light) = (fields.get("dark"), fields.get("light"));
    if dark.is_none() && light.is_none() && reader.problems.is_empty() {
        let place = fields.place.clone();
        reader.wrong(&place, "a theme without a palette", THEME_FILE.form);
    }
    let theme = Theme {
        dark: dark.map(|value| reader.palette(value)),
        light: light.map(|value| reader.palette(value)),
    };
    (theme, reader.problems)
}

impl Reader {
    fn palette(&mut self, value: &Value<'_>) -> Palette {
        let mut palette = Palette::new();
        let Some(fields) = self.fields(value, &PALETTE) else {
            return palette;
        };
        for (name, ink) in Ink::NAMES {
            let tint = fields.get(name).and_then(|value| self.tint(value, name));
            palette.extend(tint.map(|tint| (ink, tint)));
        }
        palette
    }

    fn tint(&mut self, value: &Value<'_>, name: &str) -> Option<Tint> {
        let help = "write it as \"#5fd7ff\", as one of the terminal's sixteen such as \"green\" or \"bright-red\", or as \"default\"";
        let text = self.text(value, &format!("`{name}`"), help)?;
        let tint = Tint::parse(&text);
        if tint.is_none() {
            let help = suggest(&text, Tint::ANSI)
                .map_or_else(|| help.to_owned(), |near| format!("did you mean `{near}`?"));
            self.wrong_at(value, &format!("`{text}` is no colour"), help);
        }
        tint
    }
}
