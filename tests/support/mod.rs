//! What tests of the whole product share. They drive the built binary and look at
//! the engine through its own command line, never through code under test.

pub(crate) mod agent;
pub(crate) mod double;
pub(crate) mod engine;
pub(crate) mod fake_engine;
pub(crate) mod hub;
pub(crate) mod json_schema;
pub(crate) mod manifests;
pub(crate) mod model;
pub(crate) mod operator;
pub(crate) mod output_schema;
pub(crate) mod terminal;
