//! What the operator's side tells egress while the bottle runs, and what egress answers.
//!
//! It travels on the control line: console → hub → egress, and back as a role's
//! reports. The hub carries it and holds none of it; a console that hears nothing asks
//! again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::{Prices, RouteSet};

/// From the console, through the hub, to egress.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToEgress {
    /// Replaces all routes at once. Answered with [`super::RoleReport::Routes`], or with
    /// [`super::RoleReport::RoutesRefused`] and the old ones still in force.
    Routes {
        /// Which table this is; must be higher than that of the one in force.
        generation: u64,
        /// The routes.
        routes: RouteSet,
        /// What models cost, where the operator says so; else egress goes by its own table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prices: Option<Prices>,
    },
    /// Values of the secrets that routes name, kept in memory only. Never logged,
    /// recorded or answered with. Those that are not named here stay as they are.
    Secrets {
        /// The values by the secrets' names.
        values: BTreeMap<String, String>,
    },
    /// Refuses what is held, and the same host and port for a while. Letting it through
    /// is a route: what a new table allows is held no longer.
    Refuse {
        /// [`HoldRecord::id`].
        hold: u64,
    },
    /// Refuses what waits because a budget of the bottle is spent, and what comes, until
    /// that budget is raised or its time passes.
    RefuseBudgets,
}

impl std::fmt::Debug for ToEgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Routes {
                generation,
                routes,
                prices,
            } => f
                .debug_struct("Routes")
                .field("generation", generation)
                .field("routes", routes)
                .field("prices", prices)
                .finish(),
            Self::Secrets { values } => {
                let names: Vec<&String> = values.keys().collect();
                f.debug_struct("Secrets").field("names", &names).finish()
            }
            Self::Refuse { hold } => f.debug_struct("Refuse").field("hold", hold).finish(),
            Self::RefuseBudgets => f.write_str("RefuseBudgets"),
        }
    }
}

/// Connections or requests that wait for the operator. Those that one answer would serve
/// wait together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HoldRecord {
    /// Counts from 1 within one life of the sidecar.
    pub id: u64,
    /// When the first of them came.
    pub at: Timestamp,
    /// When it is refused without an answer.
    pub until: Timestamp,
    /// The host as asked, in its canonical spelling.
    pub host: String,
    /// The port as asked.
    pub port: u16,
    /// How many wait.
    pub waiting: u32,
    /// The one request that is asked for, where host and port are allowed and it is not;
    /// whatever goes there otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<HeldRequest>,
}

impl HoldRecord {
    /// What is asked for, in one line: `pkgs.test:443`, `POST api.test:443/graphql`. It
    /// is the bottle's word and may hold anything.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            host,
            port,
            request,
            ..
        } = self;
        match request {
            None => format!("{host}:{port}"),
            Some(HeldRequest { method, path }) => format!("{method} {host}:{port}{path}"),
        }
    }
}

/// A request to a host that routes allow for other methods or paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeldRequest {
    /// The method.
    pub method: String,
    /// The path in its canonical spelling, at most [`HeldRequest::MAX_PATH`] bytes long
    /// and without its query, which no route looks at.
    pub path: String,
}

impl HeldRequest {
    /// The longest path that an operator is asked about.
    pub const MAX_PATH: usize = 1024;
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    /// A route lets it through.
    Allowed,
    /// The operator refused it.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// Who waited went away.
    Withdrawn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let values = BTreeMap::from([(String::from("token"), String::from("hunter2"))]);
        let text = format!("{:?}", ToEgress::Secrets { values });
        assert_eq!(text, r#"Secrets { names: ["token"] }"#);
    }
}
