//! The parts of the screen, each drawn from the state into its place.

pub(super) mod audit;
pub(super) mod builds;
mod columns;
pub(super) mod copying;
pub(super) mod detail;
pub(super) mod egress;
pub(super) mod footer;
pub(super) mod group;
pub(super) mod inbox;
pub(super) mod link;
pub(super) mod list;
pub(super) mod logs;
pub(super) mod needs;
pub(super) mod output;
pub(super) mod requests;
pub(super) mod session;
pub(super) mod spec;
pub(super) mod split;
pub(super) mod stats;
pub(super) mod title;
