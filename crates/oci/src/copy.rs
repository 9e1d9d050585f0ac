//! Copying an image, with the same digest, from any place to any other.
//!
//! What a manifest needs is there before the manifest is, and a tag moves last. So a copy that was
//! killed leaves nothing half, and when it is run again it goes on where it stopped.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use portolan_model::{Digest, Platform, Tag, Target, media};

use crate::{Descriptor, Fetched, Manifest, Place, PlaceError, Under};

/// Indexes inside indexes are followed this far.
const MOST_DEPTH: u32 = 4;
/// A blob whose transfer broke is begun again this often in all.
const BLOB_ATTEMPTS: u32 = 4;

/// What is told of everything that happens while copying.
pub type Progress = Arc<dyn Fn(CopyEvent<'_>) + Send + Sync>;

/// How to copy.
#[derive(Clone)]
pub struct CopyOptions {
    /// Of an index, the image of this platform alone; all platforms where there is none.
    pub platform: Option<Platform>,
    /// What is about the image (signatures, SBOMs) too.
    pub referrers: bool,
    /// Blobs that are copied at once.
    pub streams: usize,
    /// Told of everything that happens.
    pub progress: Option<Progress>,
}

impl fmt::Debug for CopyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyOptions")
            .field("platform", &self.platform)
            .field("referrers", &self.referrers)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self { platform: None, referrers: false, streams: 4, progress: None }
    }
}

/// Something that happened while copying.
#[derive(Debug, Clone, Copy)]
pub enum CopyEvent<'a> {
    /// An image is begun: so many blobs, with so many bytes in all.
    Blobs {
        /// How many.
        count: usize,
        /// Bytes of all of them.
        bytes: u64,
    },
    /// So many more bytes have passed.
    Bytes(u64),
    /// A blob is done.
    Blob {
        /// Which.
        descriptor: &'a Descriptor,
        /// How.
        how: BlobOutcome,
    },
    /// A manifest was put.
    Manifest(Digest),
}

/// What became of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobOutcome {
    /// Its bytes passed through here.
    Copied,
    /// The registry took it over from another of its repositories.
    Mounted,
    /// It was there already.
    Present,
    /// It is a foreign layer that the source has not either.
    Foreign,
}

/// What a copy came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// The manifest that is now at the other place.
    pub digest: Option<Digest>,
    /// Manifests that were put.
    pub manifests: u64,
    /// Manifests that were there already.
    pub manifests_present: u64,
    /// Blobs whose bytes were copied.
    pub blobs: u64,
    /// Blobs that the registry took over from another repository.
    pub blobs_mounted: u64,
    /// Blobs that were there already.
    pub blobs_present: u64,
    /// Foreign layers that were left where they are.
    pub blobs_foreign: u64,
    /// Bytes of the blobs that were copied.
    pub bytes: u64,
}

/// Why an image was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// At one of the two places.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The image is not for the platform that was asked for.
    #[error("there is no image for {platform}; there is {}", .has.join(", "))]
    Platform {
        /// What was asked for.
        platform: Platform,
        /// What there is.
        has: Vec<String>,
    },
    /// Indexes inside indexes without end.
    #[error("the index lists indexes more than {MOST_DEPTH} deep")]
    TooDeep,
    /// A copy under a new digest would be another image.
    #[error("put {expected}, but the other place says that it is {actual}")]
    Digest {
        /// What was put.
        expected: Digest,
        /// What it is said to be.
        actual: Digest,
    },
}

/// Copies the image at `target` in `from` to `to`: under `tag`, or under its digest alone.
pub async fn copy(
    from: &Place,
    target: &Target,
    to: &Place,
    tag: Option<&Tag>,
    options: &CopyOptions,
) -> Result<Copied, CopyError> {
    let copy = Copy { from, to, options, counts: Mutex::default(), done: Mutex::default() };
    let mut root = from.manifest(target).await?;
    if let Some(platform) = &options.platform {
        root = of_platform(from, root, platform).await?;
    }
    let digest = root.digest;
    copy.manifest(root, tag.map_or(Under::Digest, Under::Tag), 0).await?;
    let mut counts = copy.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    counts.digest = Some(digest);
    Ok(counts)
}

/// The image of `platform`: `root` itself, or the one that it lists.
pub(crate) async fn of_platform(
    from: &Place,
    root: Fetched,
    platform: &Platform,
) -> Result<Fetched, CopyError> {
    let shown =
        |has: Option<&Platform>| has.map_or("one without a platform".into(), Platform::to_string);
    match &root.manifest {
        Manifest::Index(index) => {
            let Some(child) = index.for_platform(platform) else {
                let has = index.manifests.iter().map(|child| shown(child.platform.as_ref()));
                return Err(CopyError::Platform {
                    platform: platform.clone(),
                    has: has.take(50).collect(),
                });
            };
            Ok(from.manifest(&Target::Digest(child.digest)).await?)
        }
        Manifest::Image(image) => {
            let has = from.config(&image.config).await?.platform;
            let fits = has.as_ref().is_some_and(|has| {
                has.os == platform.os
                    && has.architecture == platform.architecture
                    && (platform.variant.is_none() || has.variant == platform.variant)
            });
            if fits {
                return Ok(root);
            }
            Err(CopyError::Platform { platform: platform.clone(), has: vec![shown(has.as_ref())] })
        }
    }
}

/// Copies blobs alone, for an image that is yet to be made of them.
pub(crate) async fn copy_blobs(
    from: &Place,
    to: &Place,
    blobs: &[Descriptor],
    options: &CopyOptions,
) -> Result<(), CopyError> {
    let copy = Copy { from, to, options, counts: Mutex::default(), done: Mutex::default() };
    copy.blobs(blobs.iter()).await
}

struct Copy<'a> {
    from: &'a Place,
    to: &'a Place,
    options: &'a CopyOptions,
    counts: Mutex<Copied>,
    /// Manifests and blobs that are known to be there: layers are shared, also within one index.
    done: Mutex<HashSet<Digest>>,
}

impl Copy<'_> {
    fn count(&self, change: impl FnOnce(&mut Copied)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, event: CopyEvent<'_>) {
        if let Some(progress) = &self.options.progress {
            progress(event);
        }
    }

    fn is_done(&self, digest: &Digest) -> bool {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn set_done(&self, digest: Digest) {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
    }

    /// Copies a manifest after all that it needs; what is about it, after it.
    fn manifest<'b>(
        &'b self,
        fetched: Fetched,
        under: Under<'b>,
        depth: u32,
    ) -> BoxFuture<'b, Result<(), CopyError>> {
        Box::pin(async move {
            if depth > MOST_DEPTH {
                return Err(CopyError::TooDeep);
            }
            let digest = fetched.digest;
            // A place that has a manifest has what it needs: nothing is put in another order.
            let present = self.to.resolve(&Target::Digest(digest)).await?.is_some();
            if !present {
                for child in fetched.manifest.children() {
                    self.child(child, depth).await?;
                }
                if matches!(fetched.manifest, Manifest::Image(_)) {
                    self.blobs(fetched.manifest.blobs()).await?;
                }
            }
            self.put(fetched, under, present).await?;
            if self.options.referrers {
                for about in self.from.referrers(&digest).await? {
                    if !self.is_done(&about.digest) {
                        let about = self.from.manifest(&Target::Digest(about.digest)).await?;
                        self.manifest(about, Under::Digest, depth + 1).await?;
                    }
                }
            }
            Ok(())
        })
    }

    async fn child(&self, child: &Descriptor, depth: u32) -> Result<(), CopyError> {
        if self.is_done(&child.digest) {
            return Ok(());
        }
        let child = self.from.manifest(&Target::Digest(child.digest)).await?;
        self.manifest(child, Under::Child, depth + 1).await
    }

    async fn put(
        &self,
        fetched: Fetched,
        under: Under<'_>,
        present: bool,
    ) -> Result<(), CopyError> {
        let expected = fetched.digest;
        let named = match under {
            Under::Tag(tag) => self.to.resolve(&Target::Tag(tag.clone())).await? == Some(expected),
            Under::Child => true,
            // A layout lists an image that was only somebody's child until now.
            Under::Digest => matches!(self.to, Place::Registry(_)),
        };
        if present && named {
            self.count(|counts| counts.manifests_present += 1);
        } else {
            let actual = self.to.put_manifest(under, &fetched.media_type, fetched.bytes).await?;
            if actual != expected {
                return Err(CopyError::Digest { expected, actual });
            }
            self.count(|counts| counts.manifests += 1);
            self.tell(CopyEvent::Manifest(expected));
        }
        self.set_done(expected);
        Ok(())
    }

    async fn blobs(&self, blobs: impl Iterator<Item = &Descriptor>) -> Result<(), CopyError> {
        let mut seen = HashSet::new();
        // Owned, since a stream of borrowed ones makes a future that is not provably Send.
        let wanted: Vec<Descriptor> = blobs
            .filter(|blob| !self.is_done(&blob.digest) && seen.insert(blob.digest))
            .cloned()
            .collect();
        self.tell(CopyEvent::Blobs {
            count: wanted.len(),
            bytes: wanted.iter().fold(0, |sum: u64, blob| sum.saturating_add(blob.size)),
        });
        futures::stream::iter(wanted)
            .map(|blob| self.blob(blob))
            .buffer_unordered(self.options.streams.max(1))
            .try_collect::<()>()
            .await
    }

    async fn blob(&self, descriptor: Descriptor) -> Result<(), CopyError> {
        let how = self.move_blob(&descriptor).await?;
        self.set_done(descriptor.digest);
        self.count(|counts| match how {
            BlobOutcome::Copied => {
                counts.blobs += 1;
                counts.bytes += descriptor.size;
            }
            BlobOutcome::Mounted => counts.blobs_mounted += 1,
            BlobOutcome::Present => counts.blobs_present += 1,
            BlobOutcome::Foreign => counts.blobs_foreign += 1,
        });
        self.tell(CopyEvent::Blob { descriptor: &descriptor, how });
        Ok(())
    }

    async fn move_blob(&self, descriptor: &Descriptor) -> Result<BlobOutcome, PlaceError> {
        if self.to.has_blob(descriptor).await? {
            return Ok(BlobOutcome::Present);
        }
        if media::is_foreign(&descriptor.media_type) && !self.from.has_blob(descriptor).await? {
            return Ok(BlobOutcome::Foreign);
        }
        if self.to.mount(&descriptor.digest, self.from).await? {
            return Ok(BlobOutcome::Mounted);
        }
        let mut attempt = 1;
        loop {
            match self.stream_blob(descriptor).await {
                Ok(()) => return Ok(BlobOutcome::Copied),
                Err(error) if error.is_transient() && attempt < BLOB_ATTEMPTS => {
                    tracing::warn!(%error, digest = %descriptor.digest, attempt, "blob again");
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn stream_blob(&self, descriptor: &Descriptor) -> Result<(), PlaceError> {
        let mut reader = self.from.blob(descriptor).await?;
        if let Some(progress) = self.options.progress.clone() {
            reader = reader.inspect(move |piece| progress(CopyEvent::Bytes(piece.len() as u64)));
        }
        self.to.put_blob(reader).await
    }
}
