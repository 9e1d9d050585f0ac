//! What can go wrong in a layout.

use std::path::PathBuf;

use crate::registry::Fault;
use crate::{ManifestError, VerifyError};

/// Why a layout could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The operating system said no.
    #[error("could not {what} {}", .path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// There is no layout there, and the directory is not empty either.
    #[error(
        "{} is not an OCI layout (it has no valid file `oci-layout`); name one, or a directory \
         that is empty or does not exist yet",
        .path.display()
    )]
    NotLayout {
        /// The directory.
        path: PathBuf,
    },
    /// A version of the layout that is not known.
    #[error("{} is an OCI layout of version {version}, but only 1.x can be read", .path.display())]
    Version {
        /// The directory.
        path: PathBuf,
        /// What it says.
        version: String,
    },
    /// `index.json` is not an index.
    #[error("{} is not an index of images: {reason}", .path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Not in this layout.
    #[error("there is no {what} in the layout {}", .path.display())]
    NotFound {
        /// The directory.
        path: PathBuf,
        /// What was asked for.
        what: String,
    },
    /// Nothing was named, and there is more than one.
    #[error("the layout {} holds several images; name one of {}", .path.display(), names.join(", "))]
    Several {
        /// The directory.
        path: PathBuf,
        /// Some of their names.
        names: Vec<String>,
    },
    /// Larger than what may be read at once.
    #[error("{} has {size} bytes, over the limit of {limit} (limits.manifest_bytes)", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its bytes.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Not a regular file: following it could lead out of the layout, or never end.
    #[error("{} is not a regular file; refused", .path.display())]
    NotFile {
        /// What is there.
        path: PathBuf,
    },
    /// A manifest that is not taken.
    #[error("{} cannot be taken as a manifest", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// Bytes that are not those that their name promises.
    #[error("{} is broken", .path.display())]
    Verify {
        /// The file.
        path: PathBuf,
        /// How.
        source: VerifyError,
    },
}

impl LayoutError {
    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether the same may succeed a little later: what was being written came from a registry,
    /// and the connection broke.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Io { source, .. } => source
                .get_ref()
                .and_then(|cause| cause.downcast_ref::<Fault>())
                .is_some_and(Fault::is_transient),
            _ => false,
        }
    }
}
