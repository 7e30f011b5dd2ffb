//! A bottle beside the manifest of today. Reads files; asks for no secret.

use jiff::Timestamp;
use serde::Serialize;

use super::cellar::{Cellar, RoutesChange};
use super::exit::Failure;
use super::planning;
use crate::manifest::{Loaded, ResolveError};
use crate::policy::RouteSet;
use crate::spec::{Drift, Spec, brought_to};
use crate::store::Record;

/// The manifest as it was read once, for any number of bottles.
#[derive(Debug)]
pub(crate) struct Today(Result<Loaded, String>);

/// How a bottle stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum Beside {
    /// Nothing differs.
    Same,
    /// Something does.
    Differs {
        /// What, in one line.
        words: String,
        /// What, both ways.
        drift: Drift,
    },
    /// The manifest does not say.
    Untold {
        /// Why.
        why: String,
    },
}

impl Today {
    /// Reads the files as they are now.
    pub(crate) fn load() -> Self {
        Self(planning::load().map_err(|failure| failure.cause()))
    }

    /// The spec that a bottle would have if it were started now. The error is in words.
    pub(crate) fn spec(&self, bottle: &Spec) -> Result<Spec, String> {
        let loaded = self.0.as_ref().map_err(Clone::clone)?;
        if !loaded.manifest.has_operator_file() {
            return Err(String::from("there is no cellar.json any more"));
        }
        let resolved = loaded.manifest.resolve_again(bottle);
        resolved.map_err(|error| words(loaded, &bottle.agent, &error))
    }

    /// Compares a bottle with it; nothing for one of the demo, which comes from nowhere.
    pub(crate) fn beside(&self, record: &Record) -> Option<Beside> {
        if record.is_demo {
            return None;
        }
        Some(match self.spec(&record.spec) {
            Ok(manifest) => {
                let drift = Drift::between(&manifest, &record.spec, Timestamp::now());
                if drift.is_none() {
                    Beside::Same
                } else {
                    let words = drift.words();
                    Beside::Differs { words, drift }
                }
            }
            Err(why) => Beside::Untold { why },
        })
    }
}

fn words(loaded: &Loaded, agent: &str, error: &ResolveError) -> String {
    let first = error.problems().first().or_else(|| loaded.problems.first());
    match (error, first) {
        (ResolveError::UnknownAgent { .. }, _) if agent.starts_with("repo/") => {
            format!("its agent `{agent}` is a repository's: look from there")
        }
        (ResolveError::UnknownAgent { .. }, None) => {
            format!("its agent `{agent}` is gone from it")
        }
        (_, Some(problem)) => format!("it has mistakes: {problem}"),
        (other, None) => format!("failed to {other}"),
    }
}

impl Beside {
    /// In one line; for a list, where what is as it should be needs no word, see
    /// [`Beside::mark`].
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Same => String::from("as it says today"),
            Self::Differs { words, .. } => format!("differs: {words}"),
            Self::Untold { why } => format!("cannot tell: {why}"),
        }
    }

    /// As [`Beside::words`], empty where nothing differs.
    pub(crate) fn mark(&self) -> String {
        match self {
            Self::Same => String::new(),
            Self::Differs { .. } | Self::Untold { .. } => self.words(),
        }
    }
}

impl Cellar {
    /// Brings the routes of a bottle to the manifest's, if its record is still the one
    /// that was looked at.
    ///
    /// # Errors
    /// As [`Cellar::change_routes`].
    pub(crate) async fn bring(
        &self,
        seen: &Record,
        manifest: &RouteSet,
    ) -> Result<RoutesChange, Failure> {
        self.change_routes(&seen.id, |routes| {
            if *routes != seen.spec.routes {
                let attempt = format!("change the routes of `{}`", seen.id);
                let why = "they were changed since they were shown";
                return Err(Failure::because(attempt, why).help("look at it again"));
            }
            *routes = brought_to(manifest, routes);
            Ok(())
        })
        .await
    }
}
