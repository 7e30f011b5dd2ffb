//! The operator's own file with one route more, all else byte for byte as it was.
//!
//! Text is only ever put in, at places that the parser's own syntax tree names. (The
//! crate's editable tree takes blank lines out at the ends of lists and spreads every
//! object over lines, so only its reading is used.) What comes of it is read again as any
//! manifest is, and given out only if it says that one route more and nothing else.
//! Pure: it must not know of files.

mod entry;
mod layout;

use std::sync::Arc;

use serde_json::Value;

use super::plan::AgentSource;
use super::problem::{Problem, SourceFile};
use super::read::{read_manifest, value_of};
use crate::policy::Route;
use layout::Layout;

/// What a file with a route more would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// It has the route already, whoever wrote it.
    AlreadyThere,
    /// This text.
    Changed(String),
}

/// Why a route cannot be put into a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file has no such template.
    #[error("find the bottle `{template}` in it: it was taken out or has another name now")]
    NoTemplate {
        /// The template.
        template: String,
    },
    /// The template, or the whole file, has mistakes already.
    #[error("read the bottle `{template}` in it: {problem}")]
    Broken {
        /// The template.
        template: String,
        /// The first of them, with its place.
        problem: String,
    },
    /// What the file has does not go with the route.
    #[error("add the route beside what stands there: {problem}")]
    Clash {
        /// Why.
        problem: String,
    },
    /// The text that came of it does not say what it should.
    #[error("write the route so that it reads as exactly this one")]
    Unfaithful,
}

/// The mark that some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Adds a route to a template, in the style of what stands around it.
///
/// The route's provenance does not count; what it says must be what an entry of `routes`
/// can say.
///
/// # Errors
/// [`EditError`].
pub fn add_route(text: &str, template: &str, route: &Route) -> Result<Edited, EditError> {
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = text.strip_suffix(body).unwrap_or_default();
    let before = routes(body, template)?;
    let bare = route.bare();
    if before.contains(&bare) {
        return Ok(Edited::AlreadyThere);
    }
    let entry = entry::of(route).ok_or(EditError::Unfaithful)?;
    let layout = Layout::of(body, template).ok_or(EditError::Unfaithful)?;
    let after = layout.with(&entry);
    let read = routes(&after, template).map_err(|error| match error {
        EditError::Broken { problem, .. } => EditError::Clash { problem },
        other
        @ (EditError::NoTemplate { .. } | EditError::Clash { .. } | EditError::Unfaithful) => other,
    })?;
    let is_one_more = read.split_last() == Some((&bare, before.as_slice()));
    if is_one_more && is_all_else_the_same(body, &after, template, &entry) {
        return Ok(Edited::Changed(format!("{mark}{after}")));
    }
    Err(EditError::Unfaithful)
}

/// The routes of a template as the manifest's reader gives them, each made bare.
fn routes(text: &str, template: &str) -> Result<Vec<Route>, EditError> {
    let file = Arc::new(SourceFile {
        name: String::from("cellar.json"),
        text: Arc::from(text),
    });
    let (read, problems) = read_manifest(&file, AgentSource::Operator);
    let broken = |problems: &[Problem]| EditError::Broken {
        template: template.to_owned(),
        problem: problems
            .first()
            .map_or_else(String::new, ToString::to_string),
    };
    match read.templates.get(template).map(|entry| &entry.read) {
        Some(Ok(template)) => Ok(template.routes.iter().map(Route::bare).collect()),
        Some(Err(problems)) => Err(broken(problems)),
        None if read.templates.is_empty() && !problems.is_empty() => Err(broken(&problems)),
        None => Err(EditError::NoTemplate {
            template: template.to_owned(),
        }),
    }
}

fn is_all_else_the_same(before: &str, after: &str, template: &str, entry: &Value) -> bool {
    let (Some(mut before), Some(after)) = (value_of(before), value_of(after)) else {
        return false;
    };
    let routes = before
        .pointer_mut("/bottles")
        .and_then(|bottles| bottles.get_mut(template))
        .and_then(Value::as_object_mut)
        .map(|template| {
            template
                .entry("routes")
                .or_insert_with(|| Value::Array(Vec::new()))
        });
    if let Some(Value::Array(routes)) = routes {
        routes.push(entry.clone());
    }
    before == after
}

#[cfg(test)]
mod tests;
