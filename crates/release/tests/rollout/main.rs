//! Rollouts on a target in memory: to the end, back, killed anywhere, two at once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod back;
mod bed;
mod crash;
mod failure;
mod memory;
mod order;
mod prepare;
mod record;
mod shelf;
mod table;
mod together;
