//! Files of a layout: only regular ones are read, and what is written appears whole or not at all.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::LayoutError;
use crate::{BlobReader, VerifyError};

/// How files that are being written are named, in the layout's own directory.
const PARTIAL: &str = ".portolan-";
/// Bytes written at once.
const PIECE: usize = 256 * 1024;

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LayoutError {
    move |source| LayoutError::Io { what, path: path.to_owned(), source }
}

/// Runs what blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, LayoutError> + Send + 'static,
) -> Result<T, LayoutError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(failed("work on", path)(io::Error::other(error))),
    }
}

/// The size of a regular file; none where there is nothing.
pub(super) async fn size(path: &Path) -> Result<Option<u64>, LayoutError> {
    match tokio::fs::symlink_metadata(path).await {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
        Ok(_) => Err(LayoutError::NotFile { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

/// Opens a regular file; none where there is nothing.
pub(super) async fn open(path: &Path) -> Result<Option<tokio::fs::File>, LayoutError> {
    if size(path).await?.is_none() {
        return Ok(None);
    }
    tokio::fs::File::open(path).await.map(Some).map_err(failed("open", path))
}

/// A whole regular file of at most `limit` bytes; none where there is nothing.
pub(super) async fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, LayoutError> {
    let here = path.to_owned();
    blocking(path, move || read_now(&here, limit)).await
}

/// [`read`], where blocking is allowed.
pub(super) fn read_now(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, LayoutError> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(LayoutError::NotFile { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("look at", path)(error)),
    }
    let file = std::fs::File::open(path).map_err(failed("open", path))?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut bytes)
        .map_err(failed("read", path))?;
    let size = bytes.len() as u64;
    if size > limit {
        return Err(LayoutError::TooLarge { path: path.to_owned(), size, limit });
    }
    Ok(Some(bytes))
}

/// Removes a file; false where there was none.
pub(super) async fn remove(path: &Path) -> Result<bool, LayoutError> {
    match tokio::fs::remove_file(path).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path)(error)),
    }
}

/// A file that is being written, locked for as long as its writer lives, so that [`sweep`] can tell
/// it from one whose writer was killed.
fn partial(root: &Path) -> Result<NamedTempFile, LayoutError> {
    let file = tempfile::Builder::new()
        .prefix(PARTIAL)
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(root)
        .map_err(failed("write into", root))?;
    file.as_file().lock().map_err(failed("lock a file in", root))?;
    Ok(file)
}

/// Makes the file durable and gives it its name, durably too.
fn persist(file: NamedTempFile, path: &Path) -> Result<(), LayoutError> {
    file.as_file().sync_all().map_err(failed("write", path))?;
    file.persist(path).map_err(|error| failed("write", path)(error.error))?;
    let directory = path.parent().unwrap_or(path);
    let handle = std::fs::File::open(directory).map_err(failed("open", directory))?;
    handle.sync_all().map_err(failed("write", directory))
}

/// Replaces the file at `path` by one with these bytes.
pub(super) async fn replace(path: &Path, bytes: Bytes) -> Result<(), LayoutError> {
    let target = path.to_owned();
    blocking(path, move || replace_now(&target, &bytes)).await
}

/// [`replace`], where blocking is allowed.
pub(super) fn replace_now(path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
    let mut file = partial(path.parent().unwrap_or(path))?;
    io::Write::write_all(&mut file, bytes).map_err(failed("write", path))?;
    persist(file, path)
}

/// Writes what `reader` gives to `path`, which exists only once all of it was proven. Where the
/// blob is there already it is left as it is.
pub(super) async fn write(
    root: &Path,
    path: &Path,
    mut reader: BlobReader,
) -> Result<(), LayoutError> {
    if size(path).await? == Some(reader.size()) {
        return Ok(());
    }
    let (here, target) = (root.to_owned(), path.to_owned());
    let (temporary, handle) = blocking(root, move || {
        let temporary = partial(&here)?;
        let handle = temporary.as_file().try_clone().map_err(failed("write into", &here))?;
        Ok((temporary, handle))
    })
    .await?;
    let mut out = tokio::io::BufWriter::with_capacity(PIECE, tokio::fs::File::from_std(handle));
    if let Err(source) = tokio::io::copy(&mut reader, &mut out).await {
        let path = path.to_owned();
        return Err(match VerifyError::in_chain(&source) {
            Some(wrong) => LayoutError::Verify { path, source: wrong },
            None => LayoutError::Io { what: "write", path, source },
        });
    }
    out.flush().await.map_err(failed("write", path))?;
    blocking(path, move || persist(temporary, &target)).await
}

/// Removes what killed writers left behind.
pub(super) async fn sweep(root: &Path) -> Result<(), LayoutError> {
    let here = root.to_owned();
    blocking(root, move || {
        for entry in here.read_dir().map_err(failed("list", &here))? {
            let entry = entry.map_err(failed("list", &here))?;
            let ours = entry.file_name().to_string_lossy().starts_with(PARTIAL);
            if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let path = entry.path();
            let file = std::fs::File::open(&path).map_err(failed("open", &path))?;
            if file.try_lock().is_ok() {
                std::fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    })
    .await
}

/// Whether the directory is a layout, empty, or one that was being made when its maker was killed.
pub(super) fn is_ours(root: &Path) -> bool {
    let of_layout = |name: &str| {
        matches!(name, "blobs" | "index.json" | "oci-layout") || name.starts_with(PARTIAL)
    };
    let mut entries = match root.read_dir() {
        Ok(entries) => entries.flatten(),
        Err(_) => return false,
    };
    root.join("oci-layout").exists()
        || entries.all(|entry| of_layout(&entry.file_name().to_string_lossy()))
}

/// Makes a directory with all above it, where `may` allows what is there now.
pub(super) async fn make_directory(
    root: &Path,
    blobs: &str,
    may: fn(&Path) -> bool,
) -> Result<(), LayoutError> {
    let (here, inside): (PathBuf, PathBuf) = (root.to_owned(), root.join(blobs));
    blocking(root, move || {
        if here.exists() && !may(&here) {
            return Err(LayoutError::NotLayout { path: here });
        }
        std::fs::create_dir_all(&inside).map_err(failed("make", &inside))
    })
    .await
}
