//! How images are built for a bottle.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::policy::Route;

/// What the `RUN` steps of a build may reach and use. Nothing is reached unless a route
/// says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// The only hosts that `RUN` steps reach. TLS passes unread, and no route carries a
    /// credential.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Memory of one step, swap included.
    pub memory_bytes: u64,
    /// Thousandths of a CPU.
    pub cpu_millis: u64,
    /// How long the whole build may take, pulls included.
    #[serde(with = "super::seconds")]
    #[cfg_attr(test, schemars(with = "u64"))]
    pub timeout: Duration,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            memory_bytes: 4 << 30,
            cpu_millis: 2_000,
            timeout: Duration::from_mins(30),
        }
    }
}

impl Build {
    /// Whether it says no more than a template that says nothing: such a spec is written
    /// as it was before there was this, so that its digest stays.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Build {
    /// What steps reach and may use, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let routes: Vec<String> = self.routes.iter().map(Route::words).collect();
        let reached = if routes.is_empty() {
            String::from("nothing")
        } else {
            routes.join(", ")
        };
        let mib = self.memory_bytes >> 20;
        let (cpus, part) = (self.cpu_millis / 1_000, self.cpu_millis % 1_000 / 10);
        let seconds = self.timeout.as_secs();
        format!("steps reach {reached}; {mib} MiB, {cpus}.{part:02} CPUs, {seconds} s at most")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HostName, Provenance};

    #[test]
    fn it_reads_as_it_is_written_and_what_is_left_out_is_the_default() {
        let host = HostName::parse("deb.debian.org").unwrap();
        let build = Build {
            routes: vec![Route::to(host, vec![80], Provenance::Builtin)],
            timeout: Duration::from_secs(7),
            ..Build::default()
        };
        let text = serde_json::to_string(&build).unwrap();
        assert_eq!(serde_json::from_str::<Build>(&text).unwrap(), build);
        assert!(serde_json::from_str::<Build>("{}").unwrap().is_default());
        assert!(serde_json::from_str::<Build>(r#"{"network":"host"}"#).is_err());
    }
}
