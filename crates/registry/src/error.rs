//! Why the registry refused or failed.

use portolan_model::{Digest, RepositoryName, Target, UploadId};
use portolan_oci::ManifestError;
use portolan_store::{ManifestPart, StoreError};

/// Why the registry refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no such repository.
    #[error("there is no repository `{0}`")]
    NameUnknown(RepositoryName),
    /// The repository does not hold the blob.
    #[error("the repository `{repository}` has no blob {digest}")]
    BlobUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// The blob.
        digest: Digest,
    },
    /// The repository does not hold the manifest.
    #[error("the repository `{repository}` has no manifest `{target}`")]
    ManifestUnknown {
        /// Where it was looked for.
        repository: RepositoryName,
        /// Its tag or digest.
        target: Target,
    },
    /// There is no such upload session in this repository.
    #[error(
        "there is no upload {id} in the repository `{repository}`: it was finished, cancelled or \
         has expired; start a new one"
    )]
    UploadUnknown {
        /// The repository that was asked.
        repository: RepositoryName,
        /// The session.
        id: UploadId,
    },
    /// Another request is writing to the session.
    #[error("another request is writing to the upload {0}; wait for it, or start a new upload")]
    UploadBusy(UploadId),
    /// Too many sessions are open.
    #[error("{0} uploads are open, which is the limit: finish or cancel some, or try again later")]
    TooManyUploads(usize),
    /// A chunk does not start where the session ends.
    #[error("the chunk starts at byte {start}, but the upload continues at byte {size}")]
    ChunkOrder {
        /// The first byte of the chunk, as it was declared.
        start: u64,
        /// Bytes that the session has.
        size: u64,
    },
    /// A chunk does not have the length that it declared.
    #[error("the chunk has {actual} bytes or more, but was declared to have {declared}")]
    ChunkLength {
        /// Bytes that it was to have.
        declared: u64,
        /// Bytes that came.
        actual: u64,
    },
    /// A blob is larger than the limit.
    #[error("the blob is larger than the limit of {limit} bytes (limits.layer_raw_bytes)")]
    BlobTooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// The bytes are not those that were announced.
    #[error("the content has the digest {actual}, but was sent as {expected}")]
    DigestMismatch {
        /// What was announced.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// The bytes are no manifest that can be taken.
    #[error("the manifest was refused")]
    ManifestInvalid(#[from] ManifestError),
    /// A manifest refers to what the repository does not hold.
    #[error(
        "the repository `{repository}` does not hold {count} of what the manifest refers to: push \
         blobs and listed manifests first",
        count = parts.len()
    )]
    PartsUnknown {
        /// Where it was put.
        repository: RepositoryName,
        /// What is missing.
        parts: Vec<ManifestPart>,
    },
    /// The client stopped sending in the middle.
    #[error("the client stopped sending in the middle; what arrived is kept")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client was silent for too long.
    #[error("the client sent nothing for {0} s; what arrived is kept")]
    Silent(u64),
    /// The folder of blobs could not be used.
    #[error("could not {doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the registry's records could not be read or changed")]
    Store(#[from] StoreError),
    /// A task of the registry ended before its end: the process is going down, or this is a bug.
    #[error("the registry stopped in the middle of its work")]
    Stopped,
}

impl RegistryError {
    /// Says what was being done when the system failed.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Runs what blocks on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RegistryError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| RegistryError::Stopped)
}
