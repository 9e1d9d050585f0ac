//! Sets in a bucket of S3 (moto) and in a directory, and the inputs of real repositories.

#![expect(clippy::unwrap_used, reason = "a test ends where it meets what it does not expect")]

mod bed;
mod explain;
mod fetch;
mod inputs;
mod kms;
mod prune;
mod ranges;
mod repository;
mod sets;
mod trust;
mod watch;
