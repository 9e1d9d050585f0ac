//! Why `check` or `upload` ended without doing what it was asked, and with which exit code.

use std::io;

use portolan_bucket::{BucketError, BucketUrlError, KeyError};

/// Why `check` or `upload` ended.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// A variable is not set. The code differs between the two programs.
    #[error("the variable {name} is not set")]
    Missing {
        /// Which.
        name: &'static str,
        /// The exit code for it.
        code: u8,
    },
    /// `PACKAGE_ASSETS_BUCKET` is no name of a bucket.
    #[error("PACKAGE_ASSETS_BUCKET names no bucket")]
    Bucket(#[source] BucketUrlError),
    /// `AWS_ROLE` is set to nothing.
    #[error("AWS_ROLE is set, and names no role: set it to the ARN of one, or unset it")]
    Role,
    /// The repository is a bare one.
    #[error("the repository at {0} is a bare one: it has no files to build from")]
    Bare(String),
    /// There is no repository, or it has no commit.
    #[error("could not read the commit of the repository at {path}: {what}")]
    Git {
        /// `GIT_REPO_PATH`.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is nothing to upload.
    #[error("{0} has no file that is not hidden")]
    NothingToUpload(String),
    /// `check` was not run here.
    #[error("there is no .commit-hash in {0}")]
    NoCommit(String),
    /// A pattern of the filter matches no file (trap T1).
    #[error("the pattern `{pattern}` of CODE_HASH_FIND_FILTER matches no file")]
    NoMatch {
        /// The pattern, or the whole filter where it has none.
        pattern: String,
        /// What may be the reason.
        why: &'static str,
    },
    /// State files are of another run (trap T2).
    #[error("{what}")]
    Stale {
        /// What does not fit what.
        what: String,
    },
    /// A set is not whole, or not clear (traps T3 and T10).
    #[error("{what}")]
    Unclear {
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// A state file has what no `check` writes (trap T18).
    #[error("{file} does not have {expected}, but `{found}`")]
    State {
        /// The file.
        file: String,
        /// What it should have.
        expected: &'static str,
        /// The beginning of what it has.
        found: String,
    },
    /// A file could not be read or written.
    #[error("could not {doing}")]
    Io {
        /// What was done, and to what.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
    /// There is more than is taken.
    #[error("could not {doing}: there are more than {limit} {of}")]
    TooMuch {
        /// What was done.
        doing: String,
        /// How many are taken.
        limit: usize,
        /// Of what.
        of: &'static str,
    },
    /// A name of which no key can be made.
    #[error("could not make a key for {0}")]
    Key(String, #[source] KeyError),
    /// The bucket did not do what it was asked.
    #[error(transparent)]
    Store(#[from] BucketError),
}

impl LegacyError {
    /// The exit code: 100 to 103 and 1 are the original's, 104 to 107 ours.
    pub fn code(&self) -> u8 {
        match self {
            Self::Missing { code, .. } => *code,
            Self::NothingToUpload(_) => 102,
            Self::Bare(_) | Self::NoCommit(_) => 103,
            Self::NoMatch { .. } => 104,
            Self::Stale { .. } => 105,
            Self::Unclear { .. } => 106,
            Self::State { .. } => 107,
            Self::Bucket(_)
            | Self::Role
            | Self::Git { .. }
            | Self::Io { .. }
            | Self::TooMuch { .. }
            | Self::Key(..)
            | Self::Store(_) => 1,
        }
    }

    /// What to do now, where the text does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoMatch { why, .. } => Some(why),
            Self::Stale { .. } => Some(
                "run `check` again for this commit in this directory, and `upload` after it; \
                 PORTOLAN_COMPAT=exact takes the files as they are",
            ),
            Self::Unclear { hint, .. } => Some(hint),
            Self::State { .. } => Some(
                "only `check` writes this file: remove it and run `check` again; \
                 PORTOLAN_COMPAT=exact takes it as it is",
            ),
            Self::NoCommit(_) => Some("run `check` first, with the same PACKAGE_DIRECTORY"),
            _ => None,
        }
    }

    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }
}
