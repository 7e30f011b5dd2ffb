//! The record on disk where the system itself says no.

#[cfg(test)]
mod full;
