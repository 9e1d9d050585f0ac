//! The registry and what it is made of.

use std::path::Path;
use std::sync::Arc;

use portolan_model::{Digest, Limits, RepositoryName};
use portolan_store::Store;

use crate::RegistryError;
use crate::blob::BlobRow;
use crate::cache::Cache;
use crate::files::Files;
use crate::manifest::{KeptManifest, ManifestKey};
use crate::upload::Uploads;

/// Manifests that are kept in memory, in bytes together.
const CACHED_MANIFESTS: usize = 32 << 20;
/// Answers to "does this repository hold this blob" that are kept in memory, in bytes together.
const CACHED_BLOBS: usize = 4 << 20;

/// The built-in registry. Cheap to clone; every clone is the same registry.
///
/// Other processes may have the same store and folder open: everything durable is checked there.
/// Only what is answered from memory may be as old as a second, and only for what another process
/// changed: whether a repository still holds a manifest or a blob and, on SQLite, what a tag points
/// to. On PostgreSQL, where replicas are the rule, a tag is always asked of the store.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) files: Arc<Files>,
    pub(crate) limits: Limits,
    pub(crate) uploads: Uploads,
    pub(crate) manifests: Cache<ManifestKey, Arc<KeptManifest>>,
    pub(crate) blobs: Cache<(RepositoryName, Digest), BlobRow>,
}

impl Registry {
    /// Opens the registry over `store`, with its bytes in the folder `dir`, which is made where it
    /// is missing. It touches the disk and so may block for a moment.
    pub fn open(store: Store, dir: &Path, limits: Limits) -> Result<Self, RegistryError> {
        let files = Files::open(dir)
            .map_err(RegistryError::io(format!("use the registry's folder {}", dir.display())))?;
        let inner = Inner {
            store,
            files: Arc::new(files),
            limits,
            uploads: Uploads::default(),
            manifests: Cache::new(CACHED_MANIFESTS),
            blobs: Cache::new(CACHED_BLOBS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The limits of what it takes.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }
}
