//! The built-in registry: uploads, blobs, manifests and tags over the store and a folder of blobs.
//!
//! Floor 3, and no HTTP: the routes of [OCI Distribution 1.1](https://github.com/opencontainers/distribution-spec/blob/main/spec.md)
//! are the server's. What keeps it right:
//!
//! - A blob's file appears under its digest by a rename, after its bytes were compared with the
//!   digest and synced, inside the change that records it. So a row always has its bytes; bytes
//!   without a row are garbage that [`Registry::collect`] removes.
//! - A manifest is recorded in one change with the check that all it refers to is there, with its
//!   tag, and with the journal entry that says so.
//! - An upload is a folder with files and nothing else, locked by whoever writes to it: it survives
//!   a restart, and two processes on one folder cannot mix their bytes.

mod blob;
mod cache;
mod collect;
mod error;
mod files;
mod list;
mod manifest;
mod push;
mod registry;
mod stream;
mod upload;

pub use blob::Blob;
pub use collect::{GcOptions, GcReport};
pub use error::RegistryError;
pub use list::Listing;
pub use manifest::KeptManifest;
pub use push::Pushed;
pub use registry::Registry;
pub use stream::BlobStream;
pub use upload::ChunkRange;
