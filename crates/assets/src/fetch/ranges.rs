//! A large blob, in several ranges at once: each is written where it belongs and hashed as it comes.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_bucket::{BucketError, Key, Object, Trouble};
use tokio::sync::Semaphore;

use crate::assets::Assets;
use crate::error::AssetsError;
use crate::manifest::Blob;
use crate::tree::{self, RangeHash, RangeHasher, TreeHash};
use crate::verify::{corrupt, missing};

/// How often a range is asked for whose bytes break off.
const TRIES: u32 = 3;

/// A blob on its way to a file.
struct Fetch<'a> {
    key: Key,
    blob: &'a Blob,
    /// The name of its file in the set.
    path: &'a str,
    file: File,
    to: &'a Path,
    lanes: &'a Semaphore,
    told: &'a (dyn Fn(u64) + Sync),
}

/// What has come of a range.
struct Taken {
    hasher: RangeHasher,
    /// Where the next bytes belong.
    at: u64,
}

impl Assets {
    /// Brings a blob of more than one range to the file `to`, which is new, and proves that it has the
    /// hash `tree`. There are as many connections as `lanes` has room for.
    pub(super) async fn fetch_ranges(
        &self,
        blob: &Blob,
        tree: &TreeHash,
        path: &str,
        to: &Path,
        lanes: &Semaphore,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AssetsError> {
        let key = self.blob_key(&blob.scope, &blob.digest)?;
        // Asked once before many are: some stores read all bytes for the first answer about an object.
        let known = self.bucket.head(&key).await?.ok_or_else(|| missing(path, blob))?;
        of_size(known.size, blob, path)?;
        let file = File::create_new(to).map_err(AssetsError::io("write", to))?;
        let fetch = Fetch { key, blob, path, file, to, lanes, told };
        let ranges = tree::ranges(blob.size).map(|range| self.fetch_range(&fetch, range));
        let hashes: Vec<RangeHash> =
            stream::iter(ranges).buffered(self.run.parallel).try_collect().await?;
        match tree::whole(&hashes, blob.size) {
            Some(found) if found == *tree => Ok(()),
            _ => Err(corrupt(path, &blob.digest, format!("their BLAKE3 is not {tree}"))),
        }
    }

    /// Brings one range, and goes on where its bytes broke off.
    async fn fetch_range(
        &self,
        fetch: &Fetch<'_>,
        range: Range<u64>,
    ) -> Result<RangeHash, AssetsError> {
        let (path, blob) = (fetch.path, fetch.blob);
        // They are never closed.
        let _lane = fetch.lanes.acquire().await.ok();
        let mut taken = Taken { hasher: RangeHasher::new(range.start), at: range.start };
        let mut tries = 1;
        loop {
            let object = self.bucket.get(&fetch.key, Some(taken.at..range.end)).await?;
            let object = object.ok_or_else(|| missing(path, blob))?;
            of_size(object.attributes.size, blob, path)?;
            match fetch.take(object, &mut taken, range.end).await? {
                None => return Ok(taken.hasher.finish()),
                Some(error) if error.trouble() == Trouble::Unreachable && tries < TRIES => {
                    tracing::debug!(key = %fetch.key, %error, "going on with bytes that broke off");
                    tries += 1;
                }
                Some(error) => return Err(error.into()),
            }
        }
    }
}

impl Fetch<'_> {
    /// Takes the bytes of `object` up to `end`, and answers why they broke off. They are hashed and
    /// written while they are in the processor's cache: threads that write to one file wait for each
    /// other.
    async fn take(
        &self,
        mut object: Object,
        taken: &mut Taken,
        end: u64,
    ) -> Result<Option<BucketError>, AssetsError> {
        while let Some(bytes) = object.body.next().await {
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => return Ok(Some(error)),
            };
            let length = bytes.len() as u64;
            if length > end - taken.at {
                return Err(self.of_another_size());
            }
            taken.hasher.update(&bytes);
            let written = self.file.write_all_at(&bytes, taken.at);
            written.map_err(AssetsError::io("write", self.to))?;
            taken.at += length;
            (self.told)(length);
        }
        if taken.at == end { Ok(None) } else { Err(self.of_another_size()) }
    }

    fn of_another_size(&self) -> AssetsError {
        let found = "a range of them has another size than it was asked for".to_owned();
        corrupt(self.path, &self.blob.digest, found)
    }
}

/// Whether an object has the size that it should have.
fn of_size(size: u64, blob: &Blob, path: &str) -> Result<(), AssetsError> {
    if size == blob.size {
        return Ok(());
    }
    Err(corrupt(path, &blob.digest, format!("{size} bytes, not {}", blob.size)))
}
