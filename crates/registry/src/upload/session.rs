//! An upload on disk: `repository` says whose it is, `data` has the bytes so far.
//!
//! Whoever appends holds the lock of `data`. The lock belongs to the open file and not to its name,
//! so after taking it one looks whether the name still means that file: it may have become a blob
//! in between, and nothing may ever be appended to that.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use portolan_model::{RepositoryName, UploadId};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::files::Files;

/// What became of an attempt to lock an upload.
#[derive(Debug)]
pub(super) enum Locked {
    /// The locked file, to read and to append to.
    Yes(File),
    /// Somebody else is writing.
    Busy,
    /// There is no such upload.
    Unknown,
}

/// Where the bytes of the upload in `folder` are.
pub(super) fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Makes an empty upload that belongs to `repository`.
pub(super) fn create(files: &Files, repository: &RepositoryName, id: UploadId) -> io::Result<()> {
    let folder = files.upload(id);
    fs::create_dir(&folder)?;
    fs::write(folder.join("repository"), repository.as_str())?;
    File::create_new(data(&folder)).map(|_| ())
}

/// How many bytes an upload of `repository` has.
pub(super) fn size(
    files: &Files,
    repository: &RepositoryName,
    id: UploadId,
) -> io::Result<Option<u64>> {
    let folder = files.upload(id);
    if !belongs(&folder, repository)? {
        return Ok(None);
    }
    Ok(if_found(fs::metadata(data(&folder)))?.map(|data| data.len()))
}

/// Locks an upload of `repository`.
pub(super) fn lock(files: &Files, repository: &RepositoryName, id: UploadId) -> io::Result<Locked> {
    let folder = files.upload(id);
    if !belongs(&folder, repository)? {
        return Ok(Locked::Unknown);
    }
    lock_data(&folder)
}

/// Locks the bytes of the upload in `folder`, whoever it belongs to.
pub(super) fn lock_data(folder: &Path) -> io::Result<Locked> {
    let path = data(folder);
    let Some(file) = if_found(File::options().read(true).append(true).open(&path))? else {
        return Ok(Locked::Unknown);
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(Locked::Busy),
        Err(error) => return Err(error.into()),
    }
    let held = file.metadata()?;
    match if_found(fs::metadata(&path))? {
        Some(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => {
            Ok(Locked::Yes(file))
        }
        _ => Ok(Locked::Unknown),
    }
}

/// Removes the upload in `folder`, which may be gone already.
pub(super) fn remove(folder: &Path) -> io::Result<()> {
    if_found(fs::remove_dir_all(folder)).map(|_| ())
}

fn belongs(folder: &Path, repository: &RepositoryName) -> io::Result<bool> {
    let owner = if_found(fs::read(folder.join("repository")))?;
    Ok(owner.is_some_and(|owner| owner == repository.as_str().as_bytes()))
}

fn if_found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
