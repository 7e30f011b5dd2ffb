//! The user's files: parsed, validated with positions, resolved to a launch plan.
//!
//! [`Manifest::load`] reads `cellar.json`, `mounts.json` and a repository's
//! `.cellar/agents.json`; [`Manifest::resolve`] turns an agent's name into a
//! [`Plan`]. Where secrets come from is read, what they are is not.
//! The operator's files are trusted, a repository's file is a stranger's: it may
//! name agents and nothing that opens the seal. This module reads files and, but for
//! [`write_starter`] and [`Rewrite::commit`], changes none; it must not know of engines,
//! terminals or the record on disk.

mod again;
mod compose;
mod config;
mod edit;
mod load;
mod model;
mod paths;
mod plan;
mod prices;
mod problem;
mod prompt;
mod provider;
mod read;
mod resolve;
mod rewrite;
mod schema;
mod skills;
mod starter;
mod summary;
mod theme;
mod visible;
mod workspace;

pub use config::{Config, Desktop, Notifications, load_config};
pub use edit::{EditError, Edited, add_route};
pub use load::{AgentListing, Loaded, Manifest};
pub use paths::{ManifestPaths, NoHome};
pub use plan::{AgentSource, HomeFile, Need, Plan, PromptSummary, SecretAsk, SecretSource};
pub use prices::{PricesError, load_prices};
pub use problem::{Paint, Problem};
pub use resolve::{ResolveError, ResolveOptions};
pub use rewrite::{Rewrite, RewriteError, Written};
pub use schema::{agents_schema, config_schema, manifest_schema, mounts_schema, theme_schema};
pub use starter::{InitError, starter, write_starter};
pub use summary::SummaryRow;
pub use theme::{
    AUTO_THEME, Background, Ink, Palette, Theme, Tint, builtin_theme_names, load_theme, theme_names,
};
pub use visible::visible;
