//! Where the bytes of an upload go: to the file, and through the digest.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZeroU64;

use bytes::Bytes;
use portolan_model::{Digest, Hasher};
use rustix::fs::{Advice, fadvise};

/// Written bytes after which the kernel is told to begin with writing them to disk.
const WRITEBACK: u64 = 8 << 20;
/// Bytes that are read at a time to compute a digest again.
const READ: usize = 1 << 20;

/// A locked upload with the digest of all its bytes.
#[derive(Debug)]
pub(super) struct Sink {
    file: File,
    hasher: Hasher,
    on_the_way: u64,
}

impl Sink {
    /// The sink over a locked file whose bytes have the digest in `hasher`, where that is known;
    /// else they are read once.
    pub(super) fn new(mut file: File, hasher: Option<Hasher>) -> io::Result<Self> {
        let hasher = match hasher {
            Some(hasher) => hasher,
            None => hash(&mut file)?,
        };
        let on_the_way = hasher.length();
        Ok(Self { file, hasher, on_the_way })
    }

    /// Bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.hasher.length()
    }

    /// The digest of the bytes so far.
    pub(super) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Lets go of the lock, and keeps the digest for the next chunk.
    pub(super) fn into_hasher(self) -> Hasher {
        self.hasher
    }

    /// Appends.
    pub(super) fn take(&mut self, parts: &[Bytes]) -> io::Result<()> {
        for part in parts {
            self.file.write_all(part)?;
            self.hasher.update(part);
        }
        if let Some(length) = NonZeroU64::new(self.size() - self.on_the_way)
            && length.get() >= WRITEBACK
        {
            // Linux begins to write out the dirty pages of a range that is said to be no longer
            // needed, and keeps them in memory since they are dirty. So the disk is busy while the
            // client still sends, and the sync at the end is short. It is only advice: if it does
            // nothing, that sync takes longer.
            fadvise(&self.file, self.on_the_way, Some(length), Advice::DontNeed).ok();
            self.on_the_way = self.size();
        }
        Ok(())
    }

    /// Makes the bytes durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Takes back everything after the first `size` bytes.
    pub(super) fn cut(self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }
}

fn hash(file: &mut File) -> io::Result<Hasher> {
    let mut hasher = Hasher::new();
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; READ];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_same_with_and_without_memory() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let open = || File::options().read(true).append(true).open(&path).unwrap();
        let block = Bytes::from(vec![7; 3 << 20]);
        let mut sink = Sink::new(open(), None).unwrap();
        for _ in 0..4 {
            sink.take(std::slice::from_ref(&block)).unwrap();
        }
        let digest = sink.digest();
        let hasher = sink.into_hasher();
        let forgotten = Sink::new(open(), None).unwrap();
        assert_eq!((forgotten.digest(), forgotten.size()), (digest, 12 << 20));
        let mut recalled = Sink::new(open(), Some(hasher)).unwrap();
        recalled.take(&[Bytes::from_static(b"x")]).unwrap();
        recalled.sync().unwrap();
        assert_eq!(Sink::new(open(), None).unwrap().digest(), recalled.digest());
        recalled.cut(12 << 20).unwrap();
        assert_eq!(Sink::new(open(), None).unwrap().digest(), digest);
    }
}
