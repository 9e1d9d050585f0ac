//! The engine, driven for real: podman runs containers whose images come from a real registry.

#![allow(missing_docs, reason = "tests")]
#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod bed;
mod detection;
mod failures;
mod life;
mod once;
mod pulls;
