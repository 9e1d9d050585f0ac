//! Rollouts on a fake of ECS that does what AWS documents.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bed;
mod calls;
mod clock;
mod crash;
mod plain;
mod roles;
mod together;
mod trouble;
