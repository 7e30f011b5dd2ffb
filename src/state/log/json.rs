//! A line that is a JSON object, as words: `key=value`, in the order of its keys.

use serde_json::{Map, Value};

use super::model::{Paint, PaintKind, Severity};

/// Keys whose value says how bad a line is.
const LEVELS: &[&str] = &["level", "lvl", "severity", "log.level", "loglevel"];

/// Whether a line may be a JSON object; looks at its ends alone.
#[must_use]
pub fn is_json(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('{') && line.ends_with('}')
}

/// A line that is a JSON object as words, and how they are drawn. What strings hold is
/// given to `clean`: it may act on a terminal once it is read.
#[must_use]
pub fn pretty(line: &str, clean: impl Fn(&str) -> String) -> Option<(String, Vec<Paint>)> {
    if !is_json(line) {
        return None;
    }
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let mut words = Words::default();
    for (key, value) in &fields {
        if !words.text.is_empty() {
            words.text.push(' ');
        }
        words.put(Some(PaintKind::Key), &format!("{}=", clean(key)));
        let is_level = LEVELS.contains(&key.to_ascii_lowercase().as_str());
        let kind = is_level.then(|| severity(value)).flatten();
        words.put(kind.map(PaintKind::Level), &words_of(value, &clean));
    }
    Some((words.text, words.paint))
}

#[derive(Default)]
struct Words {
    text: String,
    paint: Vec<Paint>,
}

impl Words {
    fn put(&mut self, kind: Option<PaintKind>, piece: &str) {
        let from = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.push_str(piece);
        let to = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        if let Some(kind) = kind.filter(|_| from < to) {
            self.paint.push(Paint { from, to, kind });
        }
    }
}

fn words_of(value: &Value, clean: impl Fn(&str) -> String) -> String {
    match value {
        // Quoted where one could not tell where it ends.
        Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            format!("\"{}\"", clean(text))
        }
        Value::String(text) => clean(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            clean(&value.to_string())
        }
    }
}

/// How bad a level is: a word, or a number as bunyan and pino have it.
fn severity(value: &Value) -> Option<Severity> {
    if let Some(number) = value.as_u64() {
        return Some(match number {
            0..30 => Severity::Debug,
            30..40 => Severity::Info,
            40..50 => Severity::Warning,
            _ => Severity::Error,
        });
    }
    let word = value.as_str()?.to_ascii_lowercase();
    Some(match word.as_str() {
        "trace" | "debug" | "verbose" => Severity::Debug,
        "info" | "notice" | "information" => Severity::Info,
        "warn" | "warning" => Severity::Warning,
        "error" | "err" | "fatal" | "critical" | "crit" | "panic" | "alert" | "emerg" => {
            Severity::Error
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<(String, Vec<(String, PaintKind)>)> {
        let (text, paint) = pretty(line, |text| text.replace('\x1b', "ESC"))?;
        let pieces = paint.iter().map(|paint| {
            let range = paint.from as usize..paint.to as usize;
            (text.get(range).unwrap().to_owned(), paint.kind)
        });
        let pieces = pieces.collect();
        Some((text, pieces))
    }

    #[test]
    fn keys_keep_their_order_and_levels_are_known() {
        let (text, pieces) =
            shown(r#"{"z":1,"level":"WARN","msg":"two words","a":{"b":[true,null]}}"#).unwrap();
        assert_eq!(
            text,
            r#"z=1 level=WARN msg="two words" a={"b":[true,null]}"#
        );
        let level = (String::from("WARN"), PaintKind::Level(Severity::Warning));
        assert!(pieces.contains(&level), "{pieces:?}");
        assert_eq!(pieces.len(), 5);
    }

    #[test]
    fn what_strings_hold_is_made_safe() {
        let (text, _) = shown(r#"{"a\u001b":"\u001b[2J"}"#).unwrap();
        assert_eq!(text, "aESC=ESC[2J");
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        for line in ["", "{", "{}x", "[1]", "{broken}", "\"{}\"", "{\"a\":1"] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    #[test]
    fn numbers_are_levels_too() {
        for (level, kind) in [
            (10, Severity::Debug),
            (30, Severity::Info),
            (40, Severity::Warning),
            (60, Severity::Error),
        ] {
            let (_, pieces) = shown(&format!("{{\"level\":{level}}}")).unwrap();
            assert_eq!(pieces[1].1, PaintKind::Level(kind));
        }
    }
}
