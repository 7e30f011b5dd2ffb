//! Finds secrets in what leaves and enters a bottle.
//!
//! Known values (each secret of the bottle, its canary) come first, in plain and in
//! every encoded form; then patterns, which are gitleaks' rules kept as data in
//! `assets/secret-rules.json`; then both again in what base64, hex, percent, JSON
//! escapes, gzip and zstd hide, to a bounded depth.
//!
//! Invariants: no clock and no I/O; a [`Finding`] never holds what was found; the
//! findings of a stream do not depend on how it was cut; nothing is compiled before
//! the first scan that needs it. It must not know of HTTP, routes or containers.

mod allow;
mod decode;
mod entropy;
mod finding;
mod forms;
mod host;
mod inflate;
mod known;
#[cfg(test)]
mod oracle;
mod pattern;
mod rules;
mod scanner;
mod segments;
mod shape;
mod stream;
mod suffixes;
mod view;
mod words;

pub use finding::{Finding, Kind, Layer, Unread};
pub use inflate::{ContentCoding, Unpacker};
pub use known::{Known, KnownError, MIN_KNOWN_BYTES};
pub use scanner::Scanner;
pub use stream::{Direction, Feed, Mode, Stream};
