//! A place that images are read from and written to: a repository in a registry, or a layout.

use bytes::Bytes;
use portolan_model::{Digest, Limits, RepositoryName, Tag, Target};

use crate::config::{ConfigError, ImageConfig};
use crate::layout::{Layout, LayoutError};
use crate::registry::{Client, RegistryError, Repository, SetupError};
use crate::{BlobReader, Descriptor, Location, Manifest};

/// Where images are.
#[derive(Debug, Clone)]
pub enum Place {
    /// A repository in a registry.
    Registry(Repository),
    /// An OCI layout directory.
    Layout(Layout),
}

/// A manifest that was read, its digest proven.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, exactly.
    pub bytes: Bytes,
    /// What they say.
    pub manifest: Manifest,
}

/// Under what a manifest is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Under<'a> {
    /// A tag, which is moved where it exists.
    Tag(&'a Tag),
    /// Its digest alone, as an image of its own.
    Digest,
    /// Its digest alone, as a part of an index that will be put.
    Child,
}

/// What went wrong at a place.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// At a registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// In a layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A location that names no registry.
    #[error("`{0}` names no registry: write it as in registry.example/{0}")]
    NoRegistry(String),
    /// The client could not be set up for it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The image's configuration cannot be read.
    #[error("the configuration {digest} cannot be read")]
    Config {
        /// The blob.
        digest: Digest,
        /// Why.
        source: ConfigError,
    },
}

impl PlaceError {
    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_not_found(),
            Self::Layout(error) => error.is_not_found(),
            _ => false,
        }
    }

    /// Whether the same may succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_transient(),
            Self::Layout(error) => error.is_transient(),
            _ => false,
        }
    }

    /// What to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            _ => None,
        }
    }
}

impl Place {
    /// The place that `location` names, for reading: a layout must exist.
    pub async fn open(location: &Location, client: &Client) -> Result<Self, PlaceError> {
        match location {
            Location::Layout { path, .. } => {
                Ok(Self::Layout(Layout::open(path, client.limits()).await?))
            }
            Location::Registry(reference) => {
                let host = reference.registry.as_deref();
                let host = host.ok_or_else(|| PlaceError::NoRegistry(reference.to_string()))?;
                Ok(Self::Registry(client.repository(host, &reference.repository)?))
            }
        }
    }

    /// The place that `location` names, for writing: a layout is made where there is none.
    pub async fn create(location: &Location, client: &Client) -> Result<Self, PlaceError> {
        match location {
            Location::Layout { path, .. } => {
                Ok(Self::Layout(Layout::create(path, client.limits()).await?))
            }
            Location::Registry(_) => Self::open(location, client).await,
        }
    }

    /// The limits of what is read there.
    pub fn limits(&self) -> &Limits {
        match self {
            Self::Registry(repository) => repository.limits(),
            Self::Layout(layout) => layout.limits(),
        }
    }

    /// What is meant where nothing was named: the tag `latest`, or a layout's only image.
    pub async fn default_target(&self) -> Result<Target, PlaceError> {
        match self {
            // A tag may be `latest`, so this never falls to the digest.
            Self::Registry(repository) => Ok(portolan_model::Reference {
                registry: None,
                repository: repository.name().clone(),
                tag: None,
                digest: None,
            }
            .target()),
            Self::Layout(layout) => Ok(Target::Digest(layout.sole().await?)),
        }
    }

    /// The digest that `target` leads to; none where there is no such manifest.
    pub async fn resolve(&self, target: &Target) -> Result<Option<Digest>, PlaceError> {
        match self {
            Self::Registry(repository) => {
                Ok(repository.resolve(target).await?.map(|resolved| resolved.digest))
            }
            Self::Layout(layout) => Ok(layout.resolve(target).await?),
        }
    }

    /// The manifest at `target`, its digest proven.
    pub async fn manifest(&self, target: &Target) -> Result<Fetched, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.manifest(target).await?),
            Self::Layout(layout) => Ok(layout.manifest(target).await?),
        }
    }

    /// Whether the blob is there.
    pub async fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, PlaceError> {
        let size = match self {
            Self::Registry(repository) => repository.blob_size(&descriptor.digest).await?,
            Self::Layout(layout) => layout.blob_size(&descriptor.digest).await?,
        };
        Ok(size == Some(descriptor.size))
    }

    /// Reads a blob, proven as it passes.
    pub async fn blob(&self, descriptor: &Descriptor) -> Result<BlobReader, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.blob(descriptor).await?),
            Self::Layout(layout) => Ok(layout.blob(descriptor).await?),
        }
    }

    /// A whole blob of at most `limits.manifest_bytes`.
    pub async fn small_blob(&self, descriptor: &Descriptor) -> Result<Bytes, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.small_blob(descriptor).await?),
            Self::Layout(layout) => Ok(layout.small_blob(descriptor).await?),
        }
    }

    /// The configuration of an image.
    pub async fn config(&self, descriptor: &Descriptor) -> Result<ImageConfig, PlaceError> {
        let bytes = self.small_blob(descriptor).await?;
        ImageConfig::parse(&bytes, self.limits())
            .map_err(|source| PlaceError::Config { digest: descriptor.digest, source })
    }

    /// Puts what `reader` gives; it becomes visible only when its digest is proven.
    pub async fn put_blob(&self, reader: BlobReader) -> Result<(), PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.put_blob(reader).await?),
            Self::Layout(layout) => Ok(layout.put_blob(reader).await?),
        }
    }

    /// Puts a small blob.
    pub async fn put_small_blob(&self, bytes: Bytes) -> Result<Digest, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.put_small_blob(bytes).await?),
            Self::Layout(layout) => Ok(layout.put_bytes(bytes).await?),
        }
    }

    /// The repository from which blobs can be mounted into this place, where both are in one
    /// registry.
    pub(crate) fn mountable<'a>(&self, from: &'a Self) -> Option<&'a RepositoryName> {
        match (self, from) {
            (Self::Registry(to), Self::Registry(from))
                if to.registry().host() == from.registry().host() && to.name() != from.name() =>
            {
                Some(from.name())
            }
            _ => None,
        }
    }

    /// Takes the blob over from another repository of the same registry; false where that cannot
    /// be done and the bytes must be put.
    pub async fn mount(&self, digest: &Digest, from: &Self) -> Result<bool, PlaceError> {
        match (self, self.mountable(from)) {
            (Self::Registry(to), Some(name)) => Ok(to.mount(digest, name).await?),
            _ => Ok(false),
        }
    }

    /// Puts a manifest, as it is. What it needs must be there already.
    pub async fn put_manifest(
        &self,
        under: Under<'_>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, PlaceError> {
        match self {
            Self::Registry(repository) => {
                let tag = match under {
                    Under::Tag(tag) => Some(tag),
                    Under::Digest | Under::Child => None,
                };
                Ok(repository.put_manifest(tag, media_type, bytes).await?)
            }
            Self::Layout(layout) => Ok(layout.put_manifest(under, media_type, bytes).await?),
        }
    }

    /// All tags.
    pub async fn tags(&self) -> Result<Vec<Tag>, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.tags().await?),
            Self::Layout(layout) => Ok(layout.tags().await?),
        }
    }

    /// Points `tag` to what `target` leads to.
    pub async fn tag(&self, target: &Target, tag: &Tag) -> Result<Digest, PlaceError> {
        let fetched = self.manifest(target).await?;
        self.put_manifest(Under::Tag(tag), &fetched.media_type, fetched.bytes).await
    }

    /// The manifests whose subject is `digest`.
    pub async fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.referrers(digest).await?),
            Self::Layout(layout) => Ok(layout.referrers(digest).await?),
        }
    }

    /// Deletes a manifest and every tag that leads to it; false where there was none.
    pub async fn delete_manifest(&self, digest: &Digest) -> Result<bool, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.delete_manifest(digest).await?),
            Self::Layout(layout) => Ok(layout.delete(&Target::Digest(*digest)).await?),
        }
    }

    /// Deletes a tag and leaves what it leads to; false where there was none.
    pub async fn delete_tag(&self, tag: &Tag) -> Result<bool, PlaceError> {
        match self {
            Self::Registry(repository) => Ok(repository.delete_tag(tag).await?),
            Self::Layout(layout) => Ok(layout.delete(&Target::Tag(tag.clone())).await?),
        }
    }
}
