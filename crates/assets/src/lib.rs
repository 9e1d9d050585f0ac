//! What a build made for a commit: checked, stored, fetched and proven. Floor 3.
//!
//! A **set** is the files that one build made of one commit. It is a manifest that names blobs by
//! their digest; the manifest is written last and once, so that a set is there whole or not at all.
//! Sets are found by their commit, or by what went into the build: the [`inputs`] hash.

mod assets;
mod blob;
mod check;
pub mod envelope;
mod error;
mod explain;
mod fetch;
pub mod git;
pub mod inputs;
pub mod keys;
pub mod legacy;
mod list;
pub mod manifest;
pub mod name;
pub mod pattern;
mod prune;
mod tree;
mod upload;
mod verify;
pub mod walk;
pub mod watch;

pub use assets::{Assets, Found, Run};
pub use check::{Answer, By, Hit};
pub use error::AssetsError;
pub use explain::{Change, Difference, Explained};
pub use fetch::Fetched;
pub use list::Listed;
pub use name::{Project, Scope};
pub use prune::Pruned;
pub use tree::TreeHash;
pub use upload::{Outcome, Uploaded};
pub use verify::Problem;
