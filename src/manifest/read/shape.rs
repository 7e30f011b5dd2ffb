//! The reader itself: which keys an object may hold, and of which type a value is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged as _;

use crate::manifest::model::{Entry, Located};
use crate::manifest::problem::{Place, Problem, SourceFile};

/// Which keys one kind of object may hold.
#[derive(Debug)]
pub(super) struct Shape {
    /// What the object is called in messages, with its article.
    pub(super) what: &'static str,
    /// What to write where something else than such an object stands.
    pub(super) form: &'static str,
    /// The keys it may hold, in the order in which they are offered.
    pub(super) known: &'static [&'static str],
    /// Keys that exist elsewhere and must not stand here, with the reason.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

/// The values of one object by key.
#[derive(Debug)]
pub(super) struct Fields<'v> {
    values: BTreeMap<&'v str, &'v Value<'v>>,
    /// Whether it held a key that was refused, so that another one may be missing.
    has_refused: bool,
    pub(super) place: Place,
}

impl<'v> Fields<'v> {
    pub(super) const fn has_refused(&self) -> bool {
        self.has_refused
    }

    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'v>> {
        self.values.get(key).copied()
    }
}

/// Reads one file and collects what is wrong with it.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) file: Arc<SourceFile>,
    pub(super) problems: Vec<Problem>,
}

impl Reader {
    pub(super) const fn new(file: Arc<SourceFile>) -> Self {
        Self {
            file,
            problems: Vec::new(),
        }
    }

    pub(super) fn place(&self, range: Range<usize>) -> Place {
        Place {
            file: Arc::clone(&self.file),
            range,
        }
    }

    pub(super) fn place_of(&self, value: &Value<'_>) -> Place {
        let range = value.range();
        self.place(range.start..range.end)
    }

    pub(super) fn wrong(&mut self, place: &Place, message: &str, help: impl Into<String>) {
        self.problems
            .push(place.problem(message, Some(help.into())));
    }

    pub(super) fn wrong_at(&mut self, value: &Value<'_>, message: &str, help: impl Into<String>) {
        let place = self.place_of(value);
        self.wrong(&place, message, help);
    }

    /// Reads one entry, and keeps its mistakes with it.
    pub(super) fn entry<T>(
        &mut self,
        place: Place,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Entry<T> {
        let before = self.problems.len();
        let value = read(self);
        let found = self.problems.get(before..).unwrap_or_default();
        let read = match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => Err(found.to_vec()),
        };
        Entry { place, read }
    }

    /// The members of an object whose keys are the user's own names.
    pub(super) fn members<'v>(
        &mut self,
        value: &'v Value<'v>,
        what: &str,
    ) -> Vec<(Located<&'v str>, &'v Value<'v>)> {
        let Some(object) = self.object(value, what, "write it as { \"name\": … }") else {
            return Vec::new();
        };
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members = Vec::new();
        for property in &object.properties {
            let range = property.name.range();
            let place = self.place(range.start..range.end);
            let key = property.name.as_str();
            if self.is_first(&mut seen, key, &place) {
                members.push((Located { value: key, place }, &property.value));
            }
        }
        members
    }

    /// The values of an object that may hold only the keys of `shape`.
    pub(super) fn fields<'v>(&mut self, value: &'v Value<'v>, shape: &Shape) -> Option<Fields<'v>> {
        let object = self.object(value, shape.what, shape.form)?;
        let mut seen = BTreeMap::new();
        let mut values = BTreeMap::new();
        let before = self.problems.len();
        for property in &object.properties {
            let range = property.name.range();
            let place = self.place(range.start..range.end);
            let key = property.name.as_str();
            if let Some((_, reason)) = shape.refused.iter().find(|(name, _)| *name == key) {
                let message = format!("`{key}` must not stand in {}", shape.what);
                self.wrong(&place, &message, *reason);
            } else if !shape.known.contains(&key) {
                let message = format!("`{key}` is no key of {}", shape.what);
                self.wrong(&place, &message, offer(key, shape));
            } else if self.is_first(&mut seen, key, &place) {
                values.insert(key, &property.value);
            }
        }
        let has_refused = self.problems.len() > before;
        Some(Fields {
            values,
            has_refused,
            place: self.place_of(value),
        })
    }

    fn object<'v>(
        &mut self,
        value: &'v Value<'v>,
        what: &str,
        form: &str,
    ) -> Option<&'v Object<'v>> {
        if let Value::Object(object) = value {
            return Some(object);
        }
        self.type_error(value, what, "an object", form);
        None
    }

    fn is_first<'v>(
        &mut self,
        seen: &mut BTreeMap<&'v str, usize>,
        key: &'v str,
        place: &Place,
    ) -> bool {
        let line = place.problem("", None).line;
        if let Some(first) = seen.get(key) {
            let message = format!("`{key}` is written twice");
            let help = format!("it stands in line {first} already; keep one of the two");
            self.wrong(place, &message, help);
            return false;
        }
        seen.insert(key, line);
        true
    }

    pub(super) fn type_error(&mut self, value: &Value<'_>, what: &str, wanted: &str, help: &str) {
        let found = match value {
            Value::StringLit(_) => "a string",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(_) => "a boolean",
            Value::Object(_) => "an object",
            Value::Array(_) => "a list",
            Value::NullKeyword(_) => "null",
        };
        self.wrong_at(
            value,
            &format!("{what} must be {wanted}, not {found}"),
            help,
        );
    }

    /// A string that is not empty and holds no NUL.
    pub(super) fn text(&mut self, value: &Value<'_>, what: &str, help: &str) -> Option<String> {
        let Value::StringLit(literal) = value else {
            self.type_error(value, what, "a string", help);
            return None;
        };
        if literal.value.is_empty() {
            self.wrong_at(value, &format!("{what} is empty"), help);
            return None;
        }
        if literal.value.contains('\0') {
            let help = "take the \\u0000 out: no path, argument or variable can carry one";
            self.wrong_at(value, &format!("{what} holds a NUL character"), help);
            return None;
        }
        Some(literal.value.as_ref().to_owned())
    }

    /// As [`Reader::text`], with its place.
    pub(super) fn located(
        &mut self,
        value: &Value<'_>,
        what: &str,
        help: &str,
    ) -> Option<Located<String>> {
        let place = self.place_of(value);
        let value = self.text(value, what, help)?;
        Some(Located { value, place })
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>, what: &str) -> Option<bool> {
        if let Value::BooleanLit(literal) = value {
            return Some(literal.value);
        }
        self.type_error(
            value,
            what,
            "true or false",
            "write true or false without quotes",
        );
        None
    }

    /// The elements of a list.
    pub(super) fn list<'v>(
        &mut self,
        value: &'v Value<'v>,
        what: &str,
        help: &str,
    ) -> Option<&'v [Value<'v>]> {
        if let Value::Array(array) = value {
            return Some(&array.elements);
        }
        self.type_error(value, what, "a list", help);
        None
    }

    /// A list of strings, each with its place. Items of another type are noted and
    /// left out, so that the others are still looked at.
    pub(super) fn texts(
        &mut self,
        value: &Value<'_>,
        what: &str,
        help: &str,
    ) -> Option<Vec<Located<String>>> {
        let elements = self.list(value, what, help)?;
        let item = format!("an item of {what}");
        Some(
            elements
                .iter()
                .filter_map(|element| self.located(element, &item, help))
                .collect(),
        )
    }

    /// The one key of several that is there.
    pub(super) fn one_of<'v>(
        &mut self,
        fields: &Fields<'v>,
        what: &str,
        keys: &[&'static str],
        help: &str,
    ) -> Option<(&'static str, &'v Value<'v>)> {
        let mut present = keys
            .iter()
            .filter_map(|key| fields.get(key).map(|value| (*key, value)));
        let first = present.next();
        let second = present.next();
        match (first, second) {
            (Some(found), None) => Some(found),
            (Some((one, _)), Some((other, value))) => {
                let message = format!("{what} holds both `{one}` and `{other}`");
                self.wrong_at(value, &message, format!("keep one of the two: {help}"));
                None
            }
            // A misspelt key says enough.
            (None, _) if fields.has_refused => None,
            (None, _) => {
                self.wrong(&fields.place.clone(), &format!("{what} says nothing"), help);
                None
            }
        }
    }
}

fn offer(key: &str, shape: &Shape) -> String {
    if let Some(near) = suggest(key, shape.known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let known: Vec<_> = shape.known.iter().map(|key| format!("`{key}`")).collect();
    format!("{} may hold {}", shape.what, known.join(", "))
}

/// The known word nearest to what was written, if one is near enough to be meant.
pub(in crate::manifest) fn suggest<'k>(
    written: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    // A third of the letters may differ: enough for a slip of the fingers or a
    // plural, too little to offer another word.
    let limit = (written.chars().count() / 3).clamp(1, 3);
    if written.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|word| {
            let folded = written.to_ascii_lowercase().replace('-', "_");
            (strsim::osa_distance(&folded, &word.replace('-', "_")), word)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}
