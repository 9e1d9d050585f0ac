//! The built command line as a person and a script see it: what it prints, where, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test ends where it meets what it does not expect")]

mod configuration;
mod errors;
mod events;
mod help;
mod images;
mod registry;
mod run;
mod server;
mod track;
