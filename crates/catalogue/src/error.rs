//! Why an image cannot be catalogued.

use std::error::Error;

use portolan_model::{Digest, RepositoryName, Target};
use portolan_oci::config::ConfigError;
use portolan_oci::{ManifestError, VerifyError};
use portolan_store::StoreError;

use crate::ScanError;
use crate::content::ContentError;

/// Why an image cannot be catalogued.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// There is no such image.
    #[error("there is no manifest `{target}` in the repository `{repository}`")]
    NotFound {
        /// Where it was looked for.
        repository: RepositoryName,
        /// What was looked for.
        target: Target,
    },
    /// What came is not what was asked for.
    #[error("the manifest that was served as {expected} has digest {actual}")]
    ManifestDigest {
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// The manifest cannot be read.
    #[error("the manifest {digest} cannot be read")]
    Manifest {
        /// The manifest.
        digest: Digest,
        /// Why.
        source: ManifestError,
    },
    /// The configuration cannot be read.
    #[error("the configuration {digest} cannot be read")]
    Config {
        /// The configuration.
        digest: Digest,
        /// Why.
        source: ConfigError,
    },
    /// The configuration's bytes are not the ones that the manifest names.
    #[error("the configuration that was served as {expected} has digest {actual}")]
    ConfigDigest {
        /// From the manifest.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// A manifest and its configuration do not belong together.
    #[error("the manifest has {layers} layers, its configuration speaks of {diff_ids}")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration (`rootfs.diff_ids`).
        diff_ids: usize,
    },
    /// A blob that a manifest names is missing.
    #[error("the blob {0} is missing: push the image again")]
    BlobMissing(Digest),
    /// A layer cannot be read.
    #[error("the layer {digest} cannot be read")]
    Layer {
        /// The layer.
        digest: Digest,
        /// Why.
        source: ScanError,
    },
    /// An image that an index lists cannot be catalogued.
    #[error("the image {digest} ({platform}) of the index cannot be catalogued")]
    Child {
        /// The image.
        digest: Digest,
        /// What it is for, as the index says.
        platform: String,
        /// Why.
        source: Box<CatalogueError>,
    },
    /// Indexes in indexes in indexes.
    #[error("an index is nested deeper than {0} levels")]
    Depth(u32),
    /// None of the images that an index lists is in the repository.
    #[error("the repository has none of the images that the index lists")]
    Childless,
    /// The registry gives page after page.
    #[error("the registry lists {what} without end: more than {limit}")]
    Endless {
        /// What it lists.
        what: &'static str,
        /// How many are read at most.
        limit: usize,
    },
    /// The registry or the layout cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread that read a blob died.
    #[error("the thread that read the blob {0} died: this is a bug")]
    Thread(Digest),
    /// Another worker has taken the job over.
    #[error("another worker has taken this job over")]
    Superseded,
}

impl CatalogueError {
    /// Whether the same will fail again until someone pushes something else, or configures higher
    /// limits: it is then recorded at the image.
    pub fn is_permanent(&self) -> bool {
        match self {
            // A registry that serves other bytes than those asked for will do so again.
            Self::Layer { source: ScanError::Read(error), .. } => {
                VerifyError::in_chain(error).is_some()
            }
            Self::Layer { source: ScanError::Sink(_), .. }
            | Self::Store(_)
            | Self::Thread(_)
            | Self::Superseded => false,
            Self::Content(error) => !error.transient,
            Self::Child { source, .. } => source.is_permanent(),
            _ => true,
        }
    }

    /// The whole story in one line: this error and its causes.
    pub fn story(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // An error that only hands on its cause's text would tell it twice.
            let told = error.to_string();
            if !text.ends_with(&told) {
                text.push_str(": ");
                text.push_str(&told);
            }
            cause = error.source();
        }
        text
    }
}
