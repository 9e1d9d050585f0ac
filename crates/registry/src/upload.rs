//! Upload sessions: blobs that are on their way in.

mod receive;
mod session;
mod sink;
mod sweep;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::Stream;
use portolan_model::{Digest, Hasher, RepositoryName, Timestamp, UploadId, failpoint};

use crate::error::blocking;
use crate::{Registry, RegistryError};
use receive::{BoxError, receive};
use sink::Sink;

/// Running digests that are remembered. One that was forgotten is computed again from the file.
const REMEMBERED: usize = 1024;

/// The bytes of a blob that a chunk says it carries, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRange {
    /// The first byte.
    pub start: u64,
    /// The last byte, not before the first.
    pub end: u64,
}

impl ChunkRange {
    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        (self.end - self.start).saturating_add(1)
    }
}

/// What this process knows of the uploads beside their files: nothing that cannot be forgotten.
#[derive(Debug)]
pub(crate) struct Uploads {
    hashers: Mutex<HashMap<UploadId, Hasher>>,
    open: AtomicUsize,
    swept_at: AtomicI64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            hashers: Mutex::default(),
            open: AtomicUsize::new(0),
            swept_at: AtomicI64::new(i64::MIN),
        }
    }
}

impl Uploads {
    /// The digest of the first `length` bytes of an upload, as far as this process computed it.
    fn recall(&self, id: UploadId, length: u64) -> Option<Hasher> {
        let mut hashers = self.hashers.lock().unwrap_or_else(PoisonError::into_inner);
        hashers.remove(&id).filter(|hasher| hasher.length() == length)
    }

    fn remember(&self, id: UploadId, hasher: Hasher) {
        let mut hashers = self.hashers.lock().unwrap_or_else(PoisonError::into_inner);
        if hashers.len() >= REMEMBERED {
            hashers.clear();
        }
        hashers.insert(id, hasher);
    }

    fn closed(&self, id: UploadId) {
        self.hashers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let one_less = |open: usize| Some(open.saturating_sub(1));
        let _ = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
    }

    /// Whether it is time to look for expired uploads; true for one caller only.
    fn is_sweep_due(&self, now: Timestamp, interval_ms: i64) -> bool {
        let last = self.swept_at.load(Ordering::Relaxed);
        last.saturating_add(interval_ms) <= now.millis()
            && self
                .swept_at
                .compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Registry {
    /// How many bytes an upload has.
    pub async fn upload_size(
        &self,
        repository: &RepositoryName,
        id: UploadId,
    ) -> Result<u64, RegistryError> {
        let (files, name) = (self.inner.files.clone(), repository.clone());
        let unknown = || RegistryError::UploadUnknown { repository: repository.clone(), id };
        blocking(move || session::size(&files, &name, id))
            .await?
            .map_err(RegistryError::io(format!("read the upload {id}")))?
            .ok_or_else(unknown)
    }

    /// Appends `body` to an upload, and answers how many bytes it has then. A body that breaks off
    /// leaves what arrived, and the upload can be continued from there.
    ///
    /// With a `range`, the body must be exactly that and continue where the upload ends. Whoever
    /// asked may go away: what is under way is brought to its end.
    pub async fn append<E: Into<BoxError> + Send + 'static>(
        &self,
        repository: &RepositoryName,
        id: UploadId,
        range: Option<ChunkRange>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<u64, RegistryError> {
        let (registry, repository) = (self.clone(), repository.clone());
        let work = async move {
            let sink = registry.take_in(&repository, id, range, body).await?;
            let size = sink.size();
            registry.inner.uploads.remember(id, sink.into_hasher());
            Ok(size)
        };
        tokio::spawn(work).await.map_err(|_| RegistryError::Stopped)?
    }

    /// Appends `body`, which may be empty, and makes the upload the blob `digest` of the
    /// repository; answers its size. Where the bytes are not those of `digest`, the upload is gone.
    pub async fn finish_upload<E: Into<BoxError> + Send + 'static>(
        &self,
        repository: &RepositoryName,
        id: UploadId,
        digest: Digest,
        range: Option<ChunkRange>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<u64, RegistryError> {
        let (registry, repository) = (self.clone(), repository.clone());
        let work = async move {
            let sink = registry.take_in(&repository, id, range, body).await?;
            let size = sink.size();
            let actual = sink.digest();
            if actual != digest {
                registry.drop_upload(id).await?;
                return Err(RegistryError::DigestMismatch { expected: digest, actual });
            }
            // The sink holds the lock of the upload until the blob is in its place.
            let (sink, synced) = blocking(move || {
                let synced = sink.sync();
                (sink, synced)
            })
            .await?;
            synced.map_err(RegistryError::io(format!("sync the upload {id} to disk")))?;
            let data = session::data(&registry.inner.files.upload(id));
            if let Err(error) = registry.commit_blob(&repository, digest, size, data).await {
                registry.inner.uploads.remember(id, sink.into_hasher());
                return Err(error);
            }
            registry.drop_upload(id).await?;
            drop(sink);
            Ok(size)
        };
        tokio::spawn(work).await.map_err(|_| RegistryError::Stopped)?
    }

    /// Forgets an upload and its bytes.
    pub async fn cancel_upload(
        &self,
        repository: &RepositoryName,
        id: UploadId,
    ) -> Result<(), RegistryError> {
        let sink = self.resume(repository, id).await?;
        self.drop_upload(id).await?;
        drop(sink);
        Ok(())
    }

    /// Takes a whole blob in one go; nothing stays of it where that fails.
    pub async fn push_blob<E: Into<BoxError> + Send + 'static>(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<u64, RegistryError> {
        let id = self.start_upload(repository).await?;
        let pushed = self.finish_upload(repository, id, digest, None, body).await;
        if pushed.is_err() {
            // It may be gone already, as after a wrong digest; what is left expires.
            self.cancel_upload(repository, id).await.ok();
        }
        pushed
    }

    async fn take_in<E: Into<BoxError> + Send + 'static>(
        &self,
        repository: &RepositoryName,
        id: UploadId,
        range: Option<ChunkRange>,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<Sink, RegistryError> {
        let sink = self.resume(repository, id).await?;
        let start = sink.size();
        if let Some(range) = range
            && range.start != start
        {
            self.inner.uploads.remember(id, sink.into_hasher());
            return Err(RegistryError::ChunkOrder { start: range.start, size: start });
        }
        let limit = self.inner.limits.layer_raw_bytes;
        let (sink, outcome) = receive(sink, body, range.map(|range| range.length()), limit).await?;
        let Err(error) = outcome else {
            failpoint::hit("upload.after-append");
            return Ok(sink);
        };
        if matches!(error, RegistryError::ChunkLength { .. }) {
            blocking(move || sink.cut(start))
                .await?
                .map_err(RegistryError::io(format!("take back a chunk of the upload {id}")))?;
        } else {
            self.inner.uploads.remember(id, sink.into_hasher());
        }
        Err(error)
    }

    async fn drop_upload(&self, id: UploadId) -> Result<(), RegistryError> {
        self.inner.uploads.closed(id);
        let folder = self.inner.files.upload(id);
        blocking(move || session::remove(&folder))
            .await?
            .map_err(RegistryError::io(format!("remove the upload {id}")))
    }
}
