//! What may leave a bottle: hosts, routes and the decision over them.
//!
//! Everything here is pure: no clock, no name resolution, no I/O. The default of
//! every decision is to deny. It must not know of containers, files or terminals.

mod address;
mod bottle_budget;
mod credential;
mod decide;
#[cfg(feature = "findings")]
mod diff;
#[cfg(feature = "findings")]
pub mod dockerfile;
mod extension;
#[cfg(feature = "findings")]
pub mod findings;
#[cfg(all(feature = "findings", any(test, feature = "fuzzing")))]
pub mod fuzzing;
mod git;
mod host;
mod manager;
mod method;
mod next_hop;
#[cfg(feature = "findings")]
pub mod packages;
mod path;
mod pattern;
mod preset;
mod price;
mod problem;
mod reason;
mod route;
mod scan_rule;
mod suggest;

pub use address::{AddressClass, embedded_v4, is_public};
pub use bottle_budget::{BottleBudget, BudgetError, Measure, Span};
pub use credential::{Auth, AuthScheme, CredentialError, HeaderField, RouteRole, SecretName};
pub use decide::{
    ASK_BOUNDS, ASK_SECONDS, Denials, Grant, Permit, RequestAsk, RouteSet, Scheme, Unlisted,
};
#[cfg(feature = "findings")]
pub use diff::{DiffLine, Hunk, LineChange, LineDiff, shown_line};
pub use host::{HostName, HostNameError};
pub use manager::PackageManager;
pub use method::{Method, MethodError, Methods};
pub use next_hop::{HopHost, NextHop, NextHopError};
pub use path::{CanonicalPath, PathFault, PathPattern, PathPatternError};
pub use pattern::{HostPattern, HostPatternError};
pub use preset::{ModelApis, Preset, presets};
pub use price::{Price, Prices, Rate, RateError, Rates};
pub use problem::RouteProblem;
pub use reason::{Denial, Reason};
pub use route::{Budget, Effect, Provenance, Route, Scan, ScanMode, Tls};
pub use scan_rule::{ScanRule, ScanRuleError};
pub use suggest::{Refused, Suggestion, suggest};
