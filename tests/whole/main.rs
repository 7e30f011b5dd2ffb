//! The product as its user meets it: the built binary in a terminal, on a real
//! engine. One test crate, so that the support is compiled and linked once.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod asking;
#[cfg(test)]
mod brake;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod build;
#[cfg(test)]
mod claude;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod console;
#[cfg(test)]
mod denials;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod look;
#[cfg(test)]
mod manifest_scope;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod progress;
#[cfg(test)]
mod rebuild;
#[cfg(test)]
mod record;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod scripting;
#[cfg(test)]
mod session;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stats;
#[cfg(test)]
mod threats;
#[cfg(test)]
mod views;
