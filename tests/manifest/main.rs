//! The user's files from the outside: what is taken, what is refused and in which
//! words, and what a plan says before anything starts.

#[cfg(test)]
mod again;
#[cfg(test)]
mod build;
#[cfg(test)]
mod edit;
#[cfg(test)]
mod egress;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod mounts;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod property;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod support;
