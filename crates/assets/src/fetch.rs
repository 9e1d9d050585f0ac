//! Bringing a set to a directory: every byte is verified before any file is in its place.

mod place;
mod ranges;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, TryStreamExt as _};
use portolan_model::Hasher;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::assets::Assets;
use crate::error::AssetsError;
use crate::manifest::{Blob, Entry, Manifest, Permissions};
use crate::tree::RANGE;
use crate::verify::is_right;

/// What is gathered of a body before it is written and hashed, in bytes.
const CHUNK: usize = 256 * 1024;

/// What was brought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fetched {
    /// Files that were written.
    pub written: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there as they should be.
    pub kept: u64,
}

/// A file that waits for all others.
struct Ready<'a> {
    path: &'a str,
    /// Where it waits; none where it is in its place already.
    waiting: Option<PathBuf>,
    mode: Option<Permissions>,
    size: u64,
}

impl Assets {
    /// Brings the files of a set to `directory`, which is made where it is missing. Files of the set
    /// that are there are replaced, others are left alone. Where anything of the set is missing or
    /// corrupt, nothing changes. `told` hears of bytes as they come.
    pub async fn fetch(
        &self,
        manifest: &Manifest,
        directory: &Path,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Fetched, AssetsError> {
        std::fs::create_dir_all(directory).map_err(AssetsError::io("make", directory))?;
        let root = directory.canonicalize().map_err(AssetsError::io("look at", directory))?;
        for entry in &manifest.entries {
            place::is_free(&root, entry)?;
        }
        let scratch = TempDir::with_prefix_in(".portolan-fetch-", &root)
            .map_err(AssetsError::io("make a directory in", &root))?;
        let files = manifest.entries.iter().enumerate().filter_map(|(at, entry)| match entry {
            Entry::File { path, blob, mode } => Some((at, path.as_str(), blob, *mode)),
            Entry::Symlink { .. } => None,
        });
        let lanes = &Semaphore::new(self.run.parallel);
        let fetches = files.map(|(at, path, blob, mode)| {
            let (waiting, place) = (scratch.path().join(at.to_string()), root.join(path));
            async move {
                let kept = is_same(&place, blob).await?;
                if kept {
                    told(blob.size);
                } else {
                    self.fetch_blob(blob, path, &waiting, lanes, told).await?;
                }
                let waiting = (!kept).then_some(waiting);
                Ok::<_, AssetsError>(Ready { path, waiting, mode, size: blob.size })
            }
        });
        let ready: Vec<Ready<'_>> = futures::stream::iter(fetches)
            .buffer_unordered(self.run.parallel)
            .try_collect()
            .await?;
        let mut done = Fetched::default();
        for file in &ready {
            place::put(&root, file.path, file.waiting.as_deref(), file.mode)?;
            if file.waiting.is_some() {
                done.written += 1;
                done.bytes += file.size;
            } else {
                done.kept += 1;
            }
        }
        // Last, so that no file is ever written through one.
        for entry in &manifest.entries {
            if let Entry::Symlink { path, target } = entry {
                if place::link(&root, path, target, scratch.path())? {
                    done.written += 1;
                } else {
                    done.kept += 1;
                }
            }
        }
        Ok(done)
    }

    async fn fetch_blob(
        &self,
        blob: &Blob,
        path: &str,
        to: &Path,
        lanes: &Semaphore,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AssetsError> {
        if let Some(tree) = &blob.blake3
            && blob.size > RANGE
        {
            return self.fetch_ranges(blob, tree, path, to, lanes, told).await;
        }
        let io = || AssetsError::io("write", to);
        let mut file = File::create_new(to).map_err(io())?;
        let (mut hasher, mut buffer) = (Hasher::new(), Vec::with_capacity(CHUNK));
        self.read_blob(blob, path, |bytes| {
            told(bytes.len() as u64);
            buffer.extend_from_slice(bytes);
            if buffer.len() >= CHUNK {
                hasher.update(&buffer);
                file.write_all(&buffer).map_err(io())?;
                buffer.clear();
            }
            Ok(())
        })
        .await?;
        hasher.update(&buffer);
        file.write_all(&buffer).map_err(io())?;
        is_right(blob, path, hasher)
    }
}

/// Whether the file at `place` has the bytes of `blob`.
async fn is_same(place: &Path, blob: &Blob) -> Result<bool, AssetsError> {
    let Ok(known) = place.symlink_metadata() else { return Ok(false) };
    if !known.is_file() || known.len() != blob.size {
        return Ok(false);
    }
    let (place, digest) = (place.to_owned(), blob.digest);
    let read = move || -> std::io::Result<bool> {
        let (mut file, mut hasher) = (File::open(&place)?, Hasher::new());
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = std::io::Read::read(&mut file, &mut buffer)?;
            if length == 0 {
                return Ok(hasher.finish() == digest);
            }
            hasher.update(&buffer[..length]);
        }
    };
    // One that cannot be read is replaced.
    Ok(tokio::task::spawn_blocking(read).await?.unwrap_or(false))
}
