//! From the text of one file to typed values, with every mistake of the file at once.
//!
//! The readers walk the syntax tree by hand, because a derived deserialiser stops
//! at the first mistake and forgets where it was. Unknown keys, keys written twice
//! and values of another type are mistakes; nothing is ever skipped silently.

mod agent;
mod budget;
mod build;
mod config;
mod env;
mod files;
mod measure;
mod route;
mod secret;
mod shape;
mod syntax;
mod template;
mod theme;
mod top;

pub(super) use agent::{argument_advice, ours};
pub(super) use config::read_config;
pub(super) use files::{FileError, Kept, canonical_within, read_bytes, read_text};
pub(super) use shape::suggest;
pub(super) use syntax::{value_of, with_tokens};
pub(super) use theme::read_theme;
pub(super) use top::{Manifests, MountRoot, read_manifest, read_mounts};
