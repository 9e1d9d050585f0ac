//! The registry without HTTP, on both engines, with other processes on the same data.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere")]

mod bed;
mod blob;
mod collect;
mod manifest;
mod upload;
