//! Writing, copying and deleting objects.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use portolan_model::{Hasher, failpoint};
use tempfile::NamedTempFile;

use super::attributes::{Remembered, bound};
use super::{Directory, is_missing, on_disk};
use crate::{BucketError, Copy, Key, Put, When, Written};

/// Bytes of one read.
const PIECE: usize = 256 << 10;
/// How old a temporary file is that no writer can still have.
const STALE: Duration = Duration::from_hours(24 * 7);

impl Directory {
    pub(crate) async fn put(
        &self,
        key: &Key,
        bytes: Bytes,
        how: &Put,
    ) -> Result<Written, BucketError> {
        let (directory, key, how) = (self.clone(), key.clone(), how.clone());
        on_disk(move || directory.write(&key, &mut bytes.as_ref(), &how, &|_| ())).await
    }

    pub(crate) async fn put_file(
        &self,
        key: &Key,
        file: &Path,
        how: &Put,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Written, BucketError> {
        let (directory, key, how) = (self.clone(), key.clone(), how.clone());
        let file = file.to_owned();
        // `told` is the caller's, and cannot go where the disk is waited for.
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let work = on_disk(move || {
            let failed = |error| BucketError::io(format!("read {}", file.display()), error);
            let mut from = File::open(&file).map_err(failed)?;
            directory.write(&key, &mut from, &how, &|count| {
                // Who is gone need not be told.
                let _ = sender.send(count);
            })
        });
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(count) = receiver.recv() => told(count),
                written = &mut work => {
                    while let Ok(count) = receiver.try_recv() {
                        told(count);
                    }
                    return written;
                }
            }
        }
    }

    pub(crate) async fn copy(
        &self,
        from: &Key,
        to: &Key,
        how: &Copy,
    ) -> Result<Written, BucketError> {
        let (directory, from, to, how) = (self.clone(), from.clone(), to.clone(), how.clone());
        on_disk(move || {
            let Some((mut file, _, known)) = directory.find(&from)? else {
                let missing = io::ErrorKind::NotFound.into();
                return Err(directory.failed("copy", &from, missing));
            };
            let put = Put {
                when: how.when,
                content_type: known.content_type,
                metadata: how.metadata.unwrap_or(known.metadata),
                digest: None,
                resume: false,
            };
            directory.write(&to, &mut file, &put, &|_| ())
        })
        .await
    }

    pub(crate) async fn delete(&self, keys: &[Key]) -> Result<(), BucketError> {
        let (directory, keys) = (self.clone(), keys.to_vec());
        on_disk(move || {
            let _lock = directory.lock()?;
            for key in &keys {
                let path = directory.path(key)?;
                let failed = |error| directory.failed("delete", key, error);
                match fs::remove_file(&path) {
                    Ok(()) => {}
                    Err(error) if is_missing(&error) => continue,
                    Err(error) => return Err(failed(error)),
                }
                match fs::remove_dir_all(directory.known(key)) {
                    Err(error) if !is_missing(&error) => return Err(failed(error)),
                    _ => {}
                }
                directory.prune(&path);
            }
            Ok(())
        })
        .await
    }

    /// Removes the folders of a deleted object that are empty now.
    fn prune(&self, path: &Path) {
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != &*self.root) {
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }

    /// Keeps other processes from changing names until it is dropped.
    fn lock(&self) -> Result<File, BucketError> {
        let hidden = self.hidden();
        let path = hidden.join("lock");
        let failed = |error| BucketError::io(format!("lock {}", path.display()), error);
        if !self.root.is_dir() {
            // A mistyped path must not become a bucket.
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        fs::create_dir_all(&hidden).map_err(failed)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    /// Writes an object of what `from` has.
    fn write(
        &self,
        key: &Key,
        from: &mut dyn Read,
        how: &Put,
        told: &dyn Fn(u64),
    ) -> Result<Written, BucketError> {
        let path = self.path(key)?;
        let failed = |error| self.failed("write", key, error);
        if !self.root.is_dir() {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        let writing = self.hidden().join("writing");
        fs::create_dir_all(&writing).map_err(failed)?;
        let mut file = temporary(&writing).map_err(failed)?;
        let digest = pour(from, file.as_file_mut(), told).map_err(failed)?;
        if how.digest.is_some_and(|expected| expected != digest) {
            return Err(BucketError::Changed { doing: format!("write {key}") });
        }
        file.as_file().sync_all().map_err(failed)?;
        sweep(&writing, file.path());
        let remembered = Remembered {
            key: key.as_str().to_owned(),
            etag: digest.hex(),
            content_type: how.content_type.clone(),
            metadata: how.metadata.clone(),
        };
        let _lock = self.lock()?;
        self.place(key, &path, file, &how.when, &remembered)
    }

    /// Gives the written `file` its name, under the lock.
    fn place(
        &self,
        key: &Key,
        path: &Path,
        file: NamedTempFile,
        when: &When,
        remembered: &Remembered,
    ) -> Result<Written, BucketError> {
        let failed = |error| self.failed("write", key, error);
        let before = self.find(key)?;
        let holds = match (when, &before) {
            (When::Always, _) | (When::Absent, None) => true,
            (When::Absent, Some(_)) | (When::Matches(_), None) => false,
            (When::Matches(etag), Some((_, _, known))) => known.etag == *etag,
        };
        if !holds {
            return Ok(Written::Refused);
        }
        let mut metadata = file.as_file().metadata().map_err(failed)?;
        if let Some((_, old, _)) = &before
            && bound(old) == bound(&metadata)
        {
            // Written twice within one tick of the file system's clock.
            let later = metadata.modified().map_err(failed)? + Duration::from_nanos(1);
            file.as_file().set_modified(later).map_err(failed)?;
            metadata = file.as_file().metadata().map_err(failed)?;
        }
        let known = self.known(key);
        fs::create_dir_all(&known).map_err(failed)?;
        let mut beside = temporary(&self.hidden().join("writing")).map_err(failed)?;
        serde_json::to_writer(&mut beside, remembered).map_err(io::Error::from).map_err(failed)?;
        beside.as_file().sync_all().map_err(failed)?;
        let own = known.join(bound(&metadata));
        beside.persist(&own).map_err(|error| failed(error.error))?;
        failpoint::hit("bucket.before-rename");
        let folder = path.parent().unwrap_or(&self.root);
        let fresh = !folder.is_dir();
        fs::create_dir_all(folder).map_err(failed)?;
        let placed = match when {
            When::Absent => file.persist_noclobber(path),
            When::Always | When::Matches(_) => file.persist(path),
        };
        match placed {
            Ok(_) => {}
            // Somebody who knows no lock of ours.
            Err(error)
                if *when == When::Absent && error.error.kind() == io::ErrorKind::AlreadyExists =>
            {
                return Ok(Written::Refused);
            }
            Err(error) => return Err(failed(error.error)),
        }
        failpoint::hit("bucket.after-rename");
        let above = if fresh { usize::MAX } else { 1 };
        let folders = folder.ancestors().take_while(|folder| folder.starts_with(&self.root));
        for folder in folders.take(above) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        forget_others(&known, &own);
        Ok(Written::Yes { etag: remembered.etag.clone() })
    }
}

/// A file without a lasting name, which others may read once it has one, as the umask allows.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// Pours what `from` has into `to`, and answers its digest.
fn pour(
    from: &mut dyn Read,
    to: &mut File,
    told: &dyn Fn(u64),
) -> io::Result<portolan_model::Digest> {
    let mut hasher = Hasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = match from.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&piece[..count])?;
        hasher.update(&piece[..count]);
        told(count as u64);
    }
}

/// Removes what is known of an object that is no more.
fn forget_others(known: &Path, own: &Path) {
    let Ok(entries) = fs::read_dir(known) else { return };
    for entry in entries.flatten() {
        if entry.path() != own {
            // It is found again at the next write.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Removes temporary files of writers that were killed long before `now` was written.
fn sweep(writing: &Path, now: &Path) {
    let moment = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    let (Ok(now), Ok(entries)) = (moment(now), fs::read_dir(writing)) else { return };
    for entry in entries.flatten() {
        let old = moment(&entry.path())
            .is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > STALE));
        if old {
            // Another writer may have been faster.
            let _ = fs::remove_file(entry.path());
        }
    }
}
