//! The built-in registry over TCP: the checklist of the OCI conformance suite, hostile requests, and
//! real clients.

#![allow(missing_docs, reason = "tests")]
#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod bed;
mod clients;
mod content;
mod hostile;
mod lists;
mod push;
mod ranges;
