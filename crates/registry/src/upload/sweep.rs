//! Beginning uploads, coming back to them, and removing those that nobody came back to.

use std::fs;
use std::io::{self, ErrorKind};
use std::sync::atomic::Ordering;
use std::time::Duration;

use portolan_model::{RepositoryName, Timestamp, UploadId};

use super::session::{self, Locked};
use super::sink::Sink;
use crate::error::blocking;
use crate::files::{Files, written};
use crate::{Registry, RegistryError};

/// Uploads that nobody wrote to for this long are removed.
const EXPIRY_MS: i64 = 24 * 3600 * 1000;
/// How often expired uploads are looked for, at most.
const SWEEP_MS: i64 = 10 * 60 * 1000;
/// Uploads that may be open at a time.
const OPEN: usize = 10_000;
/// How often, and after what pause, a lock is asked for that somebody holds. A client that lost its
/// connection may be back before the end of the old one was noticed.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

impl Registry {
    /// Begins an upload to `repository`.
    pub async fn start_upload(
        &self,
        repository: &RepositoryName,
    ) -> Result<UploadId, RegistryError> {
        let uploads = &self.inner.uploads;
        if uploads.is_sweep_due(self.inner.store.now(), SWEEP_MS) {
            self.remove_expired_uploads(false).await?;
        }
        if uploads.open.load(Ordering::Relaxed) >= OPEN {
            return Err(RegistryError::TooManyUploads(OPEN));
        }
        let id = UploadId::new(self.inner.store.ids());
        let (files, name) = (self.inner.files.clone(), repository.clone());
        blocking(move || session::create(&files, &name, id))
            .await?
            .map_err(RegistryError::io("begin an upload"))?;
        uploads.open.fetch_add(1, Ordering::Relaxed);
        Ok(id)
    }

    /// Removes uploads that nobody wrote to for a day; how many. With `dry_run` they are counted.
    pub(crate) async fn remove_expired_uploads(&self, dry_run: bool) -> Result<u64, RegistryError> {
        let before = self.inner.store.now().plus_millis(-EXPIRY_MS);
        let files = self.inner.files.clone();
        let (removed, left) = blocking(move || sweep(&files, before, dry_run))
            .await?
            .map_err(RegistryError::io("remove expired uploads"))?;
        self.inner.uploads.open.store(left, Ordering::Relaxed);
        Ok(removed)
    }

    /// Locks an upload of `repository` and brings its digest up to date.
    pub(super) async fn resume(
        &self,
        repository: &RepositoryName,
        id: UploadId,
    ) -> Result<Sink, RegistryError> {
        for attempt in 0..LOCK_TRIES {
            if attempt > 0 {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            let (registry, name) = (self.clone(), repository.clone());
            let opened = blocking(move || {
                Ok(match session::lock(&registry.inner.files, &name, id)? {
                    Locked::Yes(file) => {
                        let length = file.metadata()?.len();
                        let hasher = registry.inner.uploads.recall(id, length);
                        Ok(Sink::new(file, hasher)?)
                    }
                    Locked::Busy => Err(true),
                    Locked::Unknown => Err(false),
                })
            })
            .await?
            .map_err(|source: io::Error| {
                RegistryError::io(format!("continue the upload {id}"))(source)
            })?;
            match opened {
                Ok(sink) => return Ok(sink),
                Err(true) => {}
                Err(false) => {
                    return Err(RegistryError::UploadUnknown {
                        repository: repository.clone(),
                        id,
                    });
                }
            }
        }
        Err(RegistryError::UploadBusy(id))
    }
}

/// Removes uploads last written before `before`; how many, and how many are left.
fn sweep(files: &Files, before: Timestamp, dry_run: bool) -> io::Result<(u64, usize)> {
    let (mut removed, mut left) = (0, 0);
    for folder in files.uploads()? {
        let folder = folder?;
        let last = fs::metadata(session::data(&folder)).or_else(|_| fs::metadata(&folder));
        let last = match last {
            Ok(last) => written(&last),
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // Whoever is writing holds the lock; an upload without `data` was never begun.
        if last >= before || matches!(session::lock_data(&folder)?, Locked::Busy) {
            left += 1;
            continue;
        }
        if !dry_run {
            session::remove(&folder)?;
        }
        removed += 1;
    }
    Ok((removed, left))
}
