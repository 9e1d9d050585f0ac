//! Why something with sets was not done.

use std::io;
use std::path::PathBuf;

use portolan_bucket::{BucketError, KeyError};
use portolan_model::{CommitId, Digest};

use crate::inputs::ListingError;
use crate::legacy::LegacyError;
use crate::manifest::{CloseError, ManifestError, Wrong};
use crate::name::Scope;

/// Why something with sets was not done.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    /// The bucket did not do it.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A name is no key of an object.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is a manifest, and it is not believed.
    #[error(
        "refused the set of {commit} in the scope {scope}: whoever may write to the bucket can have \
         put it there"
    )]
    Refused {
        /// The scope where it was found.
        scope: Scope,
        /// The commit.
        commit: CommitId,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// There is no set of a commit.
    #[error("there is no set of the commit {commit} in the scopes {scopes}")]
    NoSet {
        /// The commit.
        commit: CommitId,
        /// Where it was looked for.
        scopes: String,
    },
    /// A manifest cannot be made.
    #[error("could not make the manifest")]
    Close(#[from] CloseError),
    /// This run may only read.
    #[error("this run may only read: `read_only` is set, so nothing is {0}")]
    ReadOnly(&'static str),
    /// There is another set of the commit.
    #[error(
        "there is another set of {commit} in the scope {scope} already ({theirs}), and a set is \
         written once; {difference} (ours: {ours})"
    )]
    Conflict {
        /// The commit.
        commit: CommitId,
        /// The scope.
        scope: Scope,
        /// Whose is there.
        theirs: String,
        /// How many files ours has.
        ours: String,
        /// The first file that differs, and how.
        difference: String,
    },
    /// A blob is not there.
    #[error("the bytes of `{path}` ({digest}, scope {scope}) are not in the bucket")]
    Missing {
        /// The file.
        path: String,
        /// Its digest.
        digest: Digest,
        /// The scope that should hold it.
        scope: Scope,
    },
    /// A blob is not what its name says.
    #[error("the bytes of `{path}` are not those of {digest}: {found}")]
    Corrupt {
        /// The file.
        path: String,
        /// Its digest.
        digest: Digest,
        /// What is there.
        found: String,
    },
    /// A file cannot be read or written.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file cannot be part of a set.
    #[error("{} cannot be part of a set: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
    /// There is nothing to store.
    #[error(
        "there is nothing to store in {}: files whose name begins with a dot are left out unless \
         --hidden is given",
        .0.display()
    )]
    Nothing(PathBuf),
    /// What was to be written to is in the way.
    #[error("{} is in the way: {why}", path.display())]
    InTheWay {
        /// What is there.
        path: PathBuf,
        /// Why it is not replaced.
        why: &'static str,
    },
    /// The layout of s3-asset-manager is not as it must be, or could not be read.
    #[error(transparent)]
    Legacy(#[from] LegacyError),
    /// A set says what no set can.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// The list of inputs cannot be read.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// Part of the work broke off.
    #[error("a part of the work broke off")]
    Broken(#[from] tokio::task::JoinError),
}

impl AssetsError {
    /// Whether the storage cannot be reached, or not in time: another try may go well.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Bucket(error) | Self::Legacy(LegacyError::Store(error)) => error.is_passing(),
            _ => false,
        }
    }

    /// Whether bytes, or who wrote them, are not what they must be.
    pub fn is_verification(&self) -> bool {
        match self {
            Self::Bucket(error) => error.trouble() == portolan_bucket::Trouble::Changed,
            Self::Refused { .. }
            | Self::Missing { .. }
            | Self::Corrupt { .. }
            | Self::Listing(_) => true,
            _ => false,
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
