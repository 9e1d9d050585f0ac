//! Blobs: who may read which, where their bytes are, and how one comes into being.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use portolan_model::{Digest, RepositoryName, Timestamp};
use portolan_store::StoreError;

use crate::error::blocking;
use crate::{BlobStream, Registry, RegistryError};

/// A blob whose link is older than this is linked again when a client asks whether it is there:
/// the client may be about to push a manifest that needs it. Garbage collection must leave alone
/// what was linked within this time.
const TOUCH_MS: i64 = 10 * 60 * 1000;
/// What an answer about a blob weighs in memory, about.
const ROW_WEIGHT: usize = 400;
/// How often a change is tried that met another one.
const TRIES: u32 = 3;

/// What the store knows of a blob in one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlobRow {
    size: u64,
    linked_at: Timestamp,
}

/// A blob that is open for reading.
#[derive(Debug, Clone)]
pub struct Blob {
    file: Arc<File>,
    size: u64,
}

impl Blob {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its bytes in `range`, as far as it reaches.
    pub fn read(&self, range: Range<u64>) -> BlobStream {
        BlobStream::new(self.file.clone(), range.start.min(self.size)..range.end.min(self.size))
    }
}

impl Registry {
    /// The size of a blob that `repository` may read, from the view of a client that may be about
    /// to rely on it: see [`GcOptions::grace`](crate::GcOptions::grace).
    pub async fn probe_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<u64, RegistryError> {
        let row = self.blob_row(repository, digest).await?;
        if self.inner.store.now().millis_since(row.linked_at) > TOUCH_MS
            && !self.link_blob(repository, digest).await?
        {
            return Err(RegistryError::BlobUnknown { repository: repository.clone(), digest });
        }
        Ok(row.size)
    }

    /// Opens a blob that `repository` may read.
    pub async fn blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<Blob, RegistryError> {
        let (file, size) = self.blob_file(repository, &digest).await?;
        Ok(Blob { file: Arc::new(file), size })
    }

    /// The file of a blob that `repository` may read, and its size. It is open, and so stays
    /// readable even if the blob is collected.
    pub async fn blob_file(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(File, u64), RegistryError> {
        let row = self.blob_row(repository, *digest).await?;
        let path = self.inner.files.blob(digest);
        match blocking(move || File::open(path)).await? {
            Ok(file) => Ok((file, row.size)),
            // Another process collected it within the last second.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.forget_blob(repository, *digest);
                Err(RegistryError::BlobUnknown { repository: repository.clone(), digest: *digest })
            }
            Err(error) => Err(RegistryError::io(format!("open the blob {digest}"))(error)),
        }
    }

    /// Lets `repository` have the blob too that `from` has; false where `from` has no such blob,
    /// since then whoever asks may not have the right to read it (CVE-2024-39897).
    pub async fn mount_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        from: &RepositoryName,
    ) -> Result<bool, RegistryError> {
        if self.inner.store.repository_blob(from, &digest).await?.is_none() {
            return Ok(false);
        }
        self.link_blob(repository, digest).await
    }

    /// Takes a blob out of a repository. Its bytes go with the next garbage collection, unless
    /// another repository has it too.
    pub async fn delete_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<(), RegistryError> {
        let name = repository.clone();
        let change = self
            .inner
            .store
            .write(move |tx| Box::pin(async move { tx.unlink_blob(&name, &digest).await }));
        let removed = change.await?;
        self.forget_blob(repository, digest);
        if removed {
            Ok(())
        } else {
            Err(RegistryError::BlobUnknown { repository: repository.clone(), digest })
        }
    }

    /// Makes the synced file `from` the blob `digest` of `repository`. Where the blob's bytes are
    /// there already, `from` stays where it is.
    pub(crate) async fn commit_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        size: u64,
        from: PathBuf,
    ) -> Result<(), RegistryError> {
        let mut attempt = 1;
        loop {
            let committed = self.try_commit_blob(repository, digest, size, from.clone()).await;
            match committed {
                // On PostgreSQL a garbage collection may have taken the row in between, which the
                // foreign key of the link tells.
                Err(StoreError::Sql { .. } | StoreError::Commit(_)) if attempt < TRIES => {
                    attempt += 1;
                }
                done => {
                    self.forget_blob(repository, digest);
                    return Ok(done?);
                }
            }
        }
    }

    async fn try_commit_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        size: u64,
        from: PathBuf,
    ) -> Result<(), StoreError> {
        let (files, name, now) =
            (self.inner.files.clone(), repository.clone(), self.inner.store.now());
        let change = self.inner.store.write(move |tx| {
            Box::pin(async move {
                tx.lock_blob(&digest).await?;
                let known = tx.blob_exists(&digest).await?;
                tokio::task::spawn_blocking(move || files.place(&from, &digest, size, known))
                    .await
                    .map_err(|_| StoreError::Closed)?
                    .map_err(|source| StoreError::Beside {
                        doing: format!("put the blob {digest} in its place"),
                        source,
                    })?;
                tx.put_blob(&digest, size, now).await?;
                tx.link_blob(&name, &digest, now).await.map(|_| ())
            })
        });
        change.await
    }

    async fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<bool, RegistryError> {
        let (name, now) = (repository.clone(), self.inner.store.now());
        let change = self
            .inner
            .store
            .write(move |tx| Box::pin(async move { tx.link_blob(&name, &digest, now).await }));
        let linked = change.await?;
        self.forget_blob(repository, digest);
        Ok(linked)
    }

    async fn blob_row(
        &self,
        repository: &RepositoryName,
        digest: Digest,
    ) -> Result<BlobRow, RegistryError> {
        let key = (repository.clone(), digest);
        let ticket = match self.inner.blobs.get(&key) {
            Ok(row) => return Ok(row),
            Err(ticket) => ticket,
        };
        let found = self.inner.store.repository_blob(repository, &digest).await?;
        let (size, linked_at) = found
            .ok_or_else(|| RegistryError::BlobUnknown { repository: repository.clone(), digest })?;
        let row = BlobRow { size, linked_at };
        self.inner.blobs.keep(ticket, key, row, ROW_WEIGHT);
        Ok(row)
    }

    pub(crate) fn forget_blob(&self, repository: &RepositoryName, digest: Digest) {
        self.inner.blobs.forget(|(name, held)| name == repository && *held == digest);
    }
}
