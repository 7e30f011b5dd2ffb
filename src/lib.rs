//! Cellar: one operator, many sealed coding agents.
//!
//! The binary in `main.rs` is the product; this library exists so that tests and
//! benchmarks can reach its parts. `ARCHITECTURE.md` draws the modules and says
//! which may name which; `tests/layering.rs` keeps that table true.

pub mod policy;
pub mod pty;
pub mod request;
pub mod secret;
pub mod spec;
pub mod wire;

#[cfg(feature = "host")]
pub mod app;
#[cfg(feature = "host")]
pub mod docker;
#[cfg(feature = "host")]
pub mod manifest;
#[cfg(feature = "host")]
pub mod state;
#[cfg(feature = "host")]
pub mod store;
#[cfg(feature = "host")]
pub mod ui;

#[cfg(feature = "guest")]
pub mod guest;
#[cfg(feature = "guest")]
pub mod scan;
