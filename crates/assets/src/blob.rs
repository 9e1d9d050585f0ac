//! Bytes on their way into the bucket.

use std::path::Path;

use bytes::Bytes;
use portolan_bucket::{Attributes, Copy, Put, When};
use portolan_model::failpoint;

use crate::assets::Assets;
use crate::error::AssetsError;
use crate::manifest::Blob;

/// How old a blob may be when a new manifest names it, in milliseconds. Half of what
/// [`Assets::prune`] spares, so that nothing is taken away between a look and a manifest.
const FRESH_MILLIS: i64 = 12 * 60 * 60 * 1000;

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// Its bytes were sent.
    Sent,
    /// They were there.
    Present,
}

impl Assets {
    /// Whether what is known of a blob is old.
    pub(crate) fn is_old(&self, known: &Attributes) -> bool {
        self.clock.now().millis_since(known.modified) > FRESH_MILLIS
    }

    /// Makes a blob of the own scope young, without sending its bytes.
    pub(crate) async fn renew(&self, blob: &Blob) -> Result<(), AssetsError> {
        let key = self.blob_key(&blob.scope, &blob.digest)?;
        // S3 copies an object onto itself only where something about it changes.
        let told = [("renewed".to_owned(), self.clock.now().to_string())];
        let how = Copy { metadata: Some(told.into()), size: Some(blob.size), ..Copy::default() };
        self.bucket.copy(&key, &key, &how).await?;
        Ok(())
    }

    /// Stores small bytes: one request where they are new.
    pub(crate) async fn store_bytes(
        &self,
        blob: &Blob,
        bytes: Bytes,
    ) -> Result<Stored, AssetsError> {
        let key = self.blob_key(&blob.scope, &blob.digest)?;
        let put = |when| Put { when, digest: Some(blob.digest), ..Put::default() };
        let written = self.bucket.put(&key, bytes.clone(), &put(When::Absent)).await?;
        failpoint::hit("assets.after-blob");
        if written.is_yes() {
            return Ok(Stored::Sent);
        }
        match self.is_there(blob).await? {
            Some(known) if !self.is_old(&known) => Ok(Stored::Present),
            _ => {
                self.bucket.put(&key, bytes, &put(When::Always)).await?;
                Ok(Stored::Sent)
            }
        }
    }

    /// Stores a file, unless its bytes are there.
    pub(crate) async fn store_file(
        &self,
        blob: &Blob,
        file: &Path,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Stored, AssetsError> {
        match self.is_there(blob).await? {
            Some(known) if self.is_old(&known) => {
                self.renew(blob).await?;
                return Ok(Stored::Present);
            }
            Some(_) => return Ok(Stored::Present),
            None => {}
        }
        let key = self.blob_key(&blob.scope, &blob.digest)?;
        let how = Put { digest: Some(blob.digest), resume: true, ..Put::default() };
        self.bucket.put_file(&key, file, &how, told).await?;
        failpoint::hit("assets.after-blob");
        Ok(Stored::Sent)
    }
}
