//! Garbage collection, while pushes run here and in other processes.
//!
//! First the rows go, in changes that keep manifests from being pushed meanwhile, so that what was
//! found unreferenced is so when it is removed. Then the files: each under the lock of its blob, and
//! only while the blob still has no row, since a push may have brought it back. A run that is killed
//! leaves files without rows at most, which the next run finds by looking at the folder.

use std::time::Duration;

use futures::future::try_join_all;
use portolan_model::{Digest, Timestamp};
use portolan_store::StoreError;

use crate::error::blocking;
use crate::push::lock_manifests;
use crate::{Registry, RegistryError};

/// Files that are removed at a time.
const REMOVALS: usize = 16;

/// How garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcOptions {
    /// Blobs that were linked, touched or written within this time stay: a push that needs them
    /// may be under way. With less than the quarter of an hour a push may be told that a blob is
    /// there and then, at its manifest, that it is not; what was pushed is whole all the same.
    /// Default: 24 h.
    pub grace: Duration,
    /// Manifests without a tag, that no index and no subject keeps, go when they were pushed longer
    /// ago than this. Default: they stay.
    pub untagged_after: Option<Duration>,
    /// Only tell what would go. Manifests that would go first are counted as staying.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { grace: Duration::from_hours(24), untagged_after: None, dry_run: false }
    }
}

/// What a collection removed, or with [`GcOptions::dry_run`] would remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GcReport {
    /// Untagged manifests taken out of their repositories.
    pub manifests: u64,
    /// Blobs that nothing refers to.
    pub blobs: u64,
    /// The bytes of those blobs and of orphan files.
    pub bytes: u64,
    /// Files that were no blob of anybody: what a killed process left.
    pub orphans: u64,
    /// Uploads that nobody came back to.
    pub uploads: u64,
}

impl Registry {
    /// Removes what nothing refers to and nobody touched within the grace time.
    pub async fn collect(&self, options: GcOptions) -> Result<GcReport, RegistryError> {
        let ago = |time: Duration| {
            let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
            self.inner.store.now().plus_millis(millis.saturating_neg())
        };
        let before = ago(options.grace);
        let mut report = GcReport::default();
        let blobs = if options.dry_run {
            self.inner.store.unreferenced_blobs(before).await?
        } else {
            if let Some(age) = options.untagged_after {
                report.manifests = self.remove_untagged(ago(age)).await?;
            }
            self.remove_rows(before).await?
        };
        for blob in &blobs {
            report.blobs += 1;
            report.bytes += blob.size;
        }
        if !options.dry_run {
            for some in blobs.chunks(REMOVALS) {
                // Together, so that they share commits.
                try_join_all(some.iter().map(|blob| self.remove_file(blob.digest))).await?;
            }
        }
        for folder in 0..=u8::MAX {
            let files = self.inner.files.clone();
            let found = blocking(move || files.blobs_before(folder, before))
                .await?
                .map_err(RegistryError::io("list the files of blobs"))?;
            for (digest, size) in found {
                let is_orphan = self.inner.store.blob_size(&digest).await?.is_none();
                if is_orphan && (options.dry_run || self.remove_file(digest).await?) {
                    report.orphans += 1;
                    report.bytes += size;
                }
            }
        }
        report.uploads = self.remove_expired_uploads(options.dry_run).await?;
        Ok(report)
    }

    async fn remove_untagged(&self, before: Timestamp) -> Result<u64, RegistryError> {
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                lock_manifests(tx).await?;
                let removed = tx.remove_untagged_manifests(before).await?;
                tx.remove_orphan_manifests().await?;
                Ok(removed)
            })
        });
        let removed = change.await?;
        self.inner.manifests.forget(|_| true);
        Ok(removed)
    }

    async fn remove_rows(
        &self,
        before: Timestamp,
    ) -> Result<Vec<portolan_store::Unreferenced>, RegistryError> {
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                lock_manifests(tx).await?;
                tx.remove_orphan_manifests().await?;
                tx.unlink_unreferenced_blobs(before).await?;
                tx.remove_unlinked_blobs(before).await
            })
        });
        let removed = change.await?;
        self.inner.blobs.forget(|_| true);
        Ok(removed)
    }

    /// Removes the bytes of a blob that has no row; whether there were any.
    async fn remove_file(&self, digest: Digest) -> Result<bool, RegistryError> {
        let files = self.inner.files.clone();
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                tx.lock_blob(&digest).await?;
                if tx.blob_exists(&digest).await? {
                    return Ok(false);
                }
                tokio::task::spawn_blocking(move || files.remove(&digest))
                    .await
                    .map_err(|_| StoreError::Closed)?
                    .map_err(|source| StoreError::Beside {
                        doing: format!("remove the blob {digest}"),
                        source,
                    })
            })
        });
        Ok(change.await?)
    }
}
