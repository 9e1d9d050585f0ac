//! A directory as a bucket: an object is a file of its key, and what is known of it besides lies in
//! a hidden tree of its own.
//!
//! A write goes to a temporary file, is synced, and takes its name in one step, so that a crash
//! leaves the old object or the new one. Processes of one machine that write at once are kept apart
//! by a lock; which of two writes [`crate::When::Absent`] wins is decided by the file system.

mod attributes;
mod read;
mod walk;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use read::FileBody;
pub(crate) use walk::DirectoryListing;

use crate::{BucketError, Key, KeyError};

/// The folder for what is no object. No key begins with it.
const HIDDEN: &str = ".portolan-bucket";

/// A directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: Arc<Path>,
}

impl Directory {
    pub(crate) fn open(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn hidden(&self) -> PathBuf {
        self.root.join(HIDDEN)
    }

    /// Where an object is.
    fn path(&self, key: &Key) -> Result<PathBuf, BucketError> {
        let doing = || format!("find {key} in {}", self.root.display());
        let wrong = |source| BucketError::Key { doing: doing(), source };
        // It may have come as another tool had it, and must not lead out of here.
        let checked: Key = key.as_str().parse().map_err(wrong)?;
        let parts = checked.as_str().split('/');
        let what = if parts.clone().next() == Some(HIDDEN) {
            "that name is taken for what the directory itself keeps"
        } else if parts.clone().any(|part| part.len() > 255) {
            "a directory takes no part of more than 255 bytes"
        } else {
            return Ok(self.root.join(checked.as_str()));
        };
        let key = checked.as_str().chars().take(100).collect();
        Err(wrong(KeyError { key, what }))
    }

    /// What to answer where `error` came up for `key`.
    fn failed(&self, doing: &str, key: &Key, error: io::Error) -> BucketError {
        let doing = format!("{doing} {key} in {}", self.root.display());
        match error.kind() {
            io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::AlreadyExists => BucketError::Key {
                doing,
                source: KeyError {
                    key: key.as_str().chars().take(100).collect(),
                    what: "in a directory no object has the name of another one's folder",
                },
            },
            _ => BucketError::io(doing, error),
        }
    }
}

/// Whether nothing of that name is there. A folder where an object is asked for is none either.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Runs what waits for the disk where it holds up nobody.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BucketError> + Send + 'static,
) -> Result<T, BucketError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(BucketError::io("wait for the disk", io::Error::other(error))))
}
