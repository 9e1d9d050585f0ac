//! Why an image was not made.

use std::io;
use std::path::{Path, PathBuf};

use portolan_model::Digest;

use crate::PlaceError;
use crate::copy::CopyError;

/// Why an image was not made.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// At the base's place or at the image's.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The base's layers could not be copied, or the base is for another platform.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The base is for several platforms, and none was named.
    #[error("the base is for several platforms; name one of {}", platforms.join(", "))]
    WhichPlatform {
        /// What there is.
        platforms: Vec<String>,
    },
    /// The base is an artifact, or an index of indexes.
    #[error("the base {digest} is not an image that can be run")]
    NotRunnable {
        /// The base.
        digest: Digest,
    },
    /// The base's configuration cannot be read.
    #[error("the base's configuration is not a JSON object")]
    BaseConfig(#[source] Option<serde_json::Error>),
    /// A file to put in could not be read.
    #[error("could not read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The layer could not be written to where it is made.
    #[error("could not write the layer in {}", .path.display())]
    Work {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither a file, a directory nor a symbolic link.
    #[error("{} is neither a file, a directory nor a symbolic link; leave it out", .path.display())]
    Kind {
        /// What it is.
        path: PathBuf,
    },
    /// A name that means a deletion in a layer.
    #[error("{} has a name that means a deletion in an image (`.wh.`); rename it", .path.display())]
    Whiteout {
        /// The file.
        path: PathBuf,
    },
    /// Two files for one path of different kinds.
    #[error("`{path}` in the image would be a directory and something else at once")]
    Conflict {
        /// The path in the image.
        path: String,
    },
    /// The file grew or shrank while it was read.
    #[error("{} changed while it was read; try again when nobody writes to it", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A path is too long, or there are too many.
    #[error("{what} is over the limit of {limit} (limits.{name})")]
    Limit {
        /// What there is too much of.
        what: String,
        /// How much there may be.
        limit: u64,
        /// The limit's name.
        name: &'static str,
    },
    /// A word of the configuration that no runtime would understand.
    #[error("`{value}` is not {what}")]
    Word {
        /// What it should have been.
        what: &'static str,
        /// What it is.
        value: String,
    },
}

impl AppendError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn work(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Work { path: path.to_owned(), source }
    }
}
