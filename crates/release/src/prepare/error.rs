//! Why a release could not be prepared.

use portolan_model::{ReferenceError, ReleaseId};
use portolan_store::StoreError;

use crate::releases::WorldError;
use crate::target::TargetError;

/// Why a release could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// No such project or environment.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The project has no images.
    #[error("project {0} has no images")]
    Empty(String),
    /// Some images were not found. Each is told with where it was looked for.
    #[error("there is no image for {what}: {}", .missing.join("; "))]
    Missing {
        /// By what.
        what: String,
        /// Which.
        missing: Vec<String>,
    },
    /// Several images fit, and which one is meant cannot be told.
    #[error("{what} is more than one image: {}", .several.join("; "))]
    Several {
        /// By what.
        what: String,
        /// Each image with what was found.
        several: Vec<String>,
    },
    /// Not the name of a commit.
    #[error("`{0}` is no commit: write seven to 64 hexadecimal digits")]
    Commit(String),
    /// No such release.
    #[error("there is no release {0}")]
    Release(ReleaseId),
    /// A change of an image that the release does not have.
    #[error("project {project} has no image `{image}`; it has {}", .has.join(", "))]
    Image {
        /// The project.
        project: String,
        /// What was asked for.
        image: String,
        /// What there is.
        has: Vec<String>,
    },
    /// A change that is neither a tag nor a digest.
    #[error("image {image}")]
    Change {
        /// The image.
        image: String,
        /// What is wrong.
        source: ReferenceError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A registry failed.
    #[error(transparent)]
    Registry(#[from] TargetError),
}
