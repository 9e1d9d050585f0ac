//! Whether the bytes of a set are what its manifest says.

use futures::StreamExt as _;
use portolan_model::{Digest, Hasher};

use crate::assets::Assets;
use crate::error::AssetsError;
use crate::manifest::{Blob, Manifest};

/// What is wrong with a file of a set.
#[derive(Debug)]
pub struct Problem {
    /// The file, or what else the bytes are.
    pub path: String,
    /// What is wrong.
    pub error: AssetsError,
}

impl Assets {
    /// Reads every byte of a set in the bucket, and answers what is wrong, in the order of the
    /// paths. `told` hears of bytes as they are read. An error where the bucket does not answer.
    pub async fn verify(
        &self,
        manifest: &Manifest,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Problem>, AssetsError> {
        let mut named = std::collections::BTreeMap::new();
        for entry in &manifest.entries {
            if let Some(blob) = entry.blob() {
                named.entry(blob.clone()).or_insert_with(|| entry.path().to_owned());
            }
        }
        let listing = manifest.inputs.as_ref().and_then(|inputs| inputs.listing.clone());
        if let Some(listing) = listing {
            named.entry(listing).or_insert_with(|| "(the list of the inputs)".to_owned());
        }
        let read = named.into_iter().map(|(blob, path)| async move {
            let outcome = self.verify_blob(&blob, &path, told).await;
            (path, outcome)
        });
        let mut outcomes = futures::stream::iter(read).buffer_unordered(self.run.parallel);
        let mut problems = Vec::new();
        while let Some((path, outcome)) = outcomes.next().await {
            match outcome {
                Ok(()) => {}
                Err(error) if error.is_verification() => problems.push(Problem { path, error }),
                Err(error) => return Err(error),
            }
        }
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(problems)
    }

    async fn verify_blob(
        &self,
        blob: &Blob,
        path: &str,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AssetsError> {
        let mut hasher = Hasher::new();
        self.read_blob(blob, path, |bytes| {
            hasher.update(bytes);
            told(bytes.len() as u64);
            Ok(())
        })
        .await?;
        is_right(blob, path, hasher)
    }

    /// Hands the bytes of a blob to `each` as they come, and no more than it should have.
    pub(crate) async fn read_blob(
        &self,
        blob: &Blob,
        path: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), AssetsError>,
    ) -> Result<(), AssetsError> {
        let key = self.blob_key(&blob.scope, &blob.digest)?;
        let object = self.bucket.get(&key, None).await?;
        let mut object = object.ok_or_else(|| missing(path, blob))?;
        let wrong =
            |size: u64| corrupt(path, &blob.digest, format!("{size} bytes, not {}", blob.size));
        if object.attributes.size != blob.size {
            return Err(wrong(object.attributes.size));
        }
        let mut length = 0;
        while let Some(bytes) = object.body.next().await {
            let bytes = bytes?;
            length += bytes.len() as u64;
            if length > blob.size {
                return Err(wrong(length));
            }
            each(&bytes)?;
        }
        if length == blob.size { Ok(()) } else { Err(wrong(length)) }
    }
}

/// Whether what was hashed is what the blob is named.
pub(crate) fn is_right(blob: &Blob, path: &str, hasher: Hasher) -> Result<(), AssetsError> {
    let found = hasher.finish();
    if found == blob.digest {
        return Ok(());
    }
    Err(corrupt(path, &blob.digest, format!("they are those of {found}")))
}

/// That the bytes of a file are not there.
pub(crate) fn missing(path: &str, blob: &Blob) -> AssetsError {
    AssetsError::Missing { path: path.to_owned(), digest: blob.digest, scope: blob.scope.clone() }
}

/// That they are others.
pub(crate) fn corrupt(path: &str, digest: &Digest, found: String) -> AssetsError {
    AssetsError::Corrupt { path: path.to_owned(), digest: *digest, found }
}
