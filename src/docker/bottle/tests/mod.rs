//! The life of a bottle on an engine in memory, fault by fault.

mod brake;
mod build;
mod fence;
mod leftovers;
mod resume;
mod support;
mod up;
mod watch;
