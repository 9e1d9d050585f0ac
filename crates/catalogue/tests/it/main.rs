//! The scanner against archives of real tools and of hostile ones, and the catalogue over a store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backfill;
mod compression;
mod hostile;
mod images;
mod real;
mod resume;
mod shelf;
mod support;
mod walk;
