//! The folder of blobs and uploads: which file is where, and how one is put in place for good.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use portolan_model::{Digest, Timestamp, UploadId, failpoint};

/// `blobs/sha256/ab/<hex>` and `uploads/<id>/`.
#[derive(Debug)]
pub(crate) struct Files {
    blobs: PathBuf,
    uploads: PathBuf,
}

impl Files {
    /// The folders under `dir`, which are made where they are missing.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let blobs = dir.join("blobs/sha256");
        let uploads = dir.join("uploads");
        fs::create_dir_all(&blobs)?;
        fs::create_dir_all(&uploads)?;
        for folder in [dir, &dir.join("blobs")] {
            sync_folder(folder)?;
        }
        Ok(Self { blobs, uploads })
    }

    /// Where the bytes of a blob are.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.blobs.join(&hex[..2]).join(hex)
    }

    /// The folder of an upload.
    pub(crate) fn upload(&self, id: UploadId) -> PathBuf {
        self.uploads.join(id.to_string())
    }

    /// The folders of all uploads.
    pub(crate) fn uploads(&self) -> io::Result<impl Iterator<Item = io::Result<PathBuf>> + use<>> {
        Ok(fs::read_dir(&self.uploads)?.map(|entry| entry.map(|entry| entry.path())))
    }

    /// Gives the synced file `from` the name of the blob that it is, durably. Where the bytes are
    /// there already they stay, and so does `from`; `known` tells that the store believes so.
    ///
    /// It can be done again after any failure, which is what [`portolan_store::Store::write`] asks.
    pub(crate) fn place(
        &self,
        from: &Path,
        digest: &Digest,
        size: u64,
        known: bool,
    ) -> io::Result<()> {
        let to = self.blob(digest);
        let folder = to.parent().unwrap_or(&self.blobs);
        if fs::metadata(&to).is_ok_and(|found| found.is_file() && found.len() == size) {
            // Bytes that the store does not know may be of a process that was killed just before
            // it made their name durable.
            return if known { Ok(()) } else { sync_folder(folder) };
        }
        match fs::create_dir(folder) {
            Ok(()) => sync_folder(&self.blobs)?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        failpoint::hit("blob.before-rename");
        fs::rename(from, &to)?;
        failpoint::hit("blob.after-rename");
        sync_folder(folder)
    }

    /// Removes the bytes of a blob; whether there were any.
    pub(crate) fn remove(&self, digest: &Digest) -> io::Result<bool> {
        match fs::remove_file(self.blob(digest)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The digests and sizes of the files that are named as blobs, are in the folder of those whose
    /// first byte is `first`, and were written before `before`.
    pub(crate) fn blobs_before(
        &self,
        first: u8,
        before: Timestamp,
    ) -> io::Result<Vec<(Digest, u64)>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.blobs.join(format!("{first:02x}"))) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let digest = name.to_str().and_then(|hex| format!("sha256:{hex}").parse().ok());
            let Some(digest) = digest else { continue };
            match entry.metadata() {
                Ok(file) if file.is_file() && written(&file) < before => {
                    found.push((digest, file.len()));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// When a file was last written.
pub(crate) fn written(file: &fs::Metadata) -> Timestamp {
    let since = file.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placing_twice_keeps_one_file_and_removing_twice_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let digest = Digest::of(b"abc");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::write(&one, "abc").unwrap();
        fs::write(&two, "abc").unwrap();
        files.place(&one, &digest, 3, false).unwrap();
        assert!(!one.exists());
        files.place(&two, &digest, 3, true).unwrap();
        assert!(two.exists(), "the bytes were there");
        // After a failure the first name is gone, and the same is asked again.
        files.place(&one, &digest, 3, false).unwrap();
        let far = Timestamp::from_millis(i64::MAX);
        let first = digest.as_bytes()[0];
        assert_eq!(files.blobs_before(first, far).unwrap(), [(digest, 3)]);
        assert_eq!(files.blobs_before(first ^ 1, far).unwrap(), []);
        assert_eq!(files.blobs_before(first, Timestamp::from_millis(0)).unwrap(), []);
        // Bytes that were cut short are replaced.
        fs::write(files.blob(&digest), "a").unwrap();
        files.place(&two, &digest, 3, true).unwrap();
        assert_eq!(fs::read(files.blob(&digest)).unwrap(), b"abc");
        assert!(files.remove(&digest).unwrap());
        assert!(!files.remove(&digest).unwrap());
    }
}
