//! [OCI image layouts](https://github.com/opencontainers/image-spec/blob/main/image-layout.md):
//! images in a directory.
//!
//! A path is only ever made from the layout's own directory and a digest that was parsed, so
//! nothing that a layout says leads out of it. What is written is complete when it gets its name.

mod error;
mod file;
mod index;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use portolan_model::{Digest, Limits, Tag, Target, media};

pub use error::LayoutError;

use crate::{BlobReader, Descriptor, Fetched, Manifest, Under, VerifyError};
use index::Index;

const VERSION_FILE: &str = "oci-layout";
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An OCI layout directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
    limits: Arc<Limits>,
}

impl Layout {
    /// The layout that is at `path`.
    pub async fn open(path: &Path, limits: &Limits) -> Result<Self, LayoutError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            image_layout_version: String,
        }
        let layout = Self { root: path.to_owned(), limits: Arc::new(limits.clone()) };
        let none = || LayoutError::NotLayout { path: path.to_owned() };
        let file = path.join(VERSION_FILE);
        let bytes = file::read(&file, limits.manifest_bytes).await?.ok_or_else(none)?;
        let version: Version = serde_json::from_slice(&bytes).map_err(|_| none())?;
        if version.image_layout_version.split('.').next() != Some("1") {
            let version = version.image_layout_version.chars().take(40).collect();
            return Err(LayoutError::Version { path: path.to_owned(), version });
        }
        Ok(layout)
    }

    /// The layout that is at `path`, made where there is nothing yet or an empty directory.
    pub async fn create(path: &Path, limits: &Limits) -> Result<Self, LayoutError> {
        file::make_directory(path, "blobs/sha256", file::is_ours).await?;
        file::sweep(path).await?;
        let version = path.join(VERSION_FILE);
        if file::read(&version, limits.manifest_bytes).await?.is_none() {
            file::replace(&path.join(index::FILE), Index::empty().bytes()).await?;
            file::replace(&version, Bytes::from_static(VERSION.as_bytes())).await?;
        }
        Self::open(path, limits).await
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    fn missing(&self, target: &Target) -> LayoutError {
        LayoutError::NotFound { path: self.root.clone(), what: target.to_string() }
    }

    async fn index(&self) -> Result<Index, LayoutError> {
        Index::read(&self.root, &self.limits).await
    }

    /// The digest of the only image that is listed.
    pub async fn sole(&self) -> Result<Digest, LayoutError> {
        let index = self.index().await?;
        match index.entries() {
            [one] => Ok(one.digest),
            [] => Err(LayoutError::NotFound { path: self.root.clone(), what: "image".into() }),
            many => Err(LayoutError::Several {
                path: self.root.clone(),
                names: many.iter().take(20).map(index::name_or_digest).collect(),
            }),
        }
    }

    /// What `target` leads to; none where it is not there.
    pub async fn resolve(&self, target: &Target) -> Result<Option<Digest>, LayoutError> {
        match target {
            Target::Digest(digest) => Ok(self.blob_size(digest).await?.map(|_| *digest)),
            Target::Tag(tag) => Ok(self.index().await?.tagged(tag).map(|entry| entry.digest)),
        }
    }

    /// The manifest at `target`, its digest proven.
    pub async fn manifest(&self, target: &Target) -> Result<Fetched, LayoutError> {
        let index = self.index().await?;
        let (digest, listed) = match target {
            Target::Digest(digest) => (*digest, index.listed(digest)),
            Target::Tag(tag) => {
                let entry = index.tagged(tag).ok_or_else(|| self.missing(target))?;
                (entry.digest, Some(entry))
            }
        };
        let path = self.blob_path(&digest);
        let bytes = file::read(&path, self.limits.manifest_bytes).await?;
        let bytes = Bytes::from(bytes.ok_or_else(|| self.missing(target))?);
        let actual = Digest::of(&bytes);
        if actual != digest {
            let wrong = VerifyError::Digest { expected: digest, actual };
            return Err(LayoutError::Verify { path, source: wrong });
        }
        let media_type = listed.map(|entry| entry.media_type.as_str());
        let manifest = Manifest::parse(&bytes, media_type, &self.limits)
            .map_err(|source| LayoutError::Manifest { path, source })?;
        Ok(Fetched { digest, media_type: manifest.media_type().to_owned(), bytes, manifest })
    }

    /// How many bytes the blob has; none where it is not there.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, LayoutError> {
        file::size(&self.blob_path(digest)).await
    }

    /// Reads a blob, proven as it passes.
    pub async fn blob(&self, descriptor: &Descriptor) -> Result<BlobReader, LayoutError> {
        let target = Target::Digest(descriptor.digest);
        let file = file::open(&self.blob_path(&descriptor.digest)).await?;
        let file = file.ok_or_else(|| self.missing(&target))?;
        Ok(BlobReader::new(file, descriptor.digest, descriptor.size))
    }

    /// A whole blob of at most `limits.manifest_bytes`.
    pub async fn small_blob(&self, descriptor: &Descriptor) -> Result<Bytes, LayoutError> {
        let (expected, path) = (descriptor.digest, self.blob_path(&descriptor.digest));
        let bytes = file::read(&path, self.limits.manifest_bytes).await?;
        let bytes = Bytes::from(bytes.ok_or_else(|| self.missing(&Target::Digest(expected)))?);
        let (seen, actual) = (bytes.len() as u64, Digest::of(&bytes));
        let wrong = if seen != descriptor.size {
            VerifyError::Size { digest: expected, expected: descriptor.size, seen }
        } else if actual != expected {
            VerifyError::Digest { expected, actual }
        } else {
            return Ok(bytes);
        };
        Err(LayoutError::Verify { path, source: wrong })
    }

    /// Puts what `reader` gives, under its digest.
    pub async fn put_blob(&self, reader: BlobReader) -> Result<(), LayoutError> {
        let path = self.blob_path(&reader.digest());
        file::write(&self.root, &path, reader).await
    }

    /// Puts a small blob.
    pub async fn put_bytes(&self, bytes: Bytes) -> Result<Digest, LayoutError> {
        let digest = Digest::of(&bytes);
        let reader =
            BlobReader::new(std::io::Cursor::new(bytes.clone()), digest, bytes.len() as u64);
        self.put_blob(reader).await?;
        Ok(digest)
    }

    /// Puts a manifest, and lists it unless it is the child of another one.
    pub async fn put_manifest(
        &self,
        under: Under<'_>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, LayoutError> {
        let manifest =
            Manifest::parse(&bytes, Some(media_type), &self.limits).map_err(|source| {
                LayoutError::Manifest { path: self.blob_path(&Digest::of(&bytes)), source }
            })?;
        let entry = Descriptor::of(manifest.media_type(), &bytes);
        let digest = self.put_bytes(bytes).await?;
        let tag = match under {
            Under::Child => return Ok(digest),
            Under::Digest => None,
            Under::Tag(tag) => Some(tag.clone()),
        };
        index::edit(&self.root, &self.limits, move |index| index.enter(entry, tag.as_ref()))
            .await?;
        Ok(digest)
    }

    /// The tags, in the order in which they are listed.
    pub async fn tags(&self) -> Result<Vec<Tag>, LayoutError> {
        Ok(self.index().await?.tags())
    }

    /// The listed manifests whose subject is `digest`.
    pub async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, LayoutError> {
        let index = self.index().await?;
        let mut found = Vec::new();
        for entry in index.entries().iter().filter(|entry| {
            media::is_image(&entry.media_type) || media::is_index(&entry.media_type)
        }) {
            let fetched = self.manifest(&Target::Digest(entry.digest)).await?;
            if fetched.manifest.subject().is_some_and(|subject| subject.digest == *digest) {
                found.push(entry.clone());
            }
        }
        Ok(found)
    }

    /// Removes a tag, or all that leads to a digest with the manifest itself; false where there was
    /// none.
    pub async fn delete(&self, target: &Target) -> Result<bool, LayoutError> {
        let wanted = target.clone();
        let listed =
            index::edit(&self.root, &self.limits, move |index| index.remove(&wanted)).await?;
        match target {
            Target::Digest(digest) => Ok(file::remove(&self.blob_path(digest)).await? || listed),
            Target::Tag(_) => Ok(listed),
        }
    }
}
