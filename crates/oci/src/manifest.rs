//! Manifests of images and indexes, read from bytes that nobody has checked yet.
//!
//! OCI image manifest and index, Docker schema 2 manifest and manifest list. The bytes are kept by
//! the caller: a manifest is never written again from what was read, so its digest never changes.

mod error;
mod raw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use portolan_model::{Limits, Platform, media};

pub use error::ManifestError;

use crate::Descriptor;

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// One image or artifact.
    Image(Box<ImageManifest>),
    /// A list of manifests, by platform.
    Index(Box<Index>),
}

/// The manifest of one image or artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageManifest {
    /// Its media type, one of [`media::is_image`].
    pub media_type: String,
    /// The image's configuration.
    pub config: Descriptor,
    /// The layers, the lowest first.
    pub layers: Vec<Descriptor>,
    /// The manifest that this one is about (a signature's image).
    pub subject: Option<Descriptor>,
    /// The type of the artifact, where it is one.
    pub artifact_type: Option<String>,
    /// Free text by name.
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its media type, one of [`media::is_index`].
    pub media_type: String,
    /// The manifests, with their platforms.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one is about.
    pub subject: Option<Descriptor>,
    /// The type of the artifact, where it is one.
    pub artifact_type: Option<String>,
    /// Free text by name.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest that was served, or pushed, as `content_type` (with or without
    /// parameters; none where there was no such word, as in a layout).
    pub fn parse(
        bytes: &[u8],
        content_type: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, ManifestError> {
        raw::parse(bytes, content_type, limits)
    }

    /// The manifest's own media type.
    pub fn media_type(&self) -> &str {
        match self {
            Self::Image(image) => &image.media_type,
            Self::Index(index) => &index.media_type,
        }
    }

    /// The manifest that this one is about.
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(image) => image.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }

    /// Free text by name.
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Image(image) => &image.annotations,
            Self::Index(index) => &index.annotations,
        }
    }

    /// The manifests that an index lists; nothing for an image.
    pub fn children(&self) -> &[Descriptor] {
        match self {
            Self::Image(_) => &[],
            Self::Index(index) => &index.manifests,
        }
    }

    /// The blobs that an image needs, its configuration first; nothing for an index.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let image = match self {
            Self::Image(image) => Some(image),
            Self::Index(_) => None,
        };
        image.into_iter().flat_map(|image| std::iter::once(&image.config).chain(&image.layers))
    }

    /// Everything that the manifest needs: blobs and children, not its subject.
    pub fn descriptors(&self) -> impl Iterator<Item = &Descriptor> {
        self.blobs().chain(self.children())
    }

    /// The type of the artifact: what the manifest says, else its configuration's media type (the
    /// rule of the distribution specification for referrers).
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Image(image) => {
                Some(image.artifact_type.as_deref().unwrap_or(&image.config.media_type))
            }
            Self::Index(index) => index.artifact_type.as_deref(),
        }
    }

    /// Whether it is one image that can be run, as opposed to an artifact or an index.
    pub fn is_runnable(&self) -> bool {
        matches!(self, Self::Image(image) if media::is_image_config(&image.config.media_type))
    }
}

impl Index {
    /// The entry for `platform`. Where `platform` names no variant, one without a variant is
    /// preferred, and any will do.
    pub fn for_platform(&self, platform: &Platform) -> Option<&Descriptor> {
        let fits = |with_variant: bool| {
            self.manifests.iter().find(|entry| {
                entry.platform.as_ref().is_some_and(|has| {
                    has.os == platform.os
                        && has.architecture == platform.architecture
                        && (with_variant || has.variant == platform.variant)
                })
            })
        };
        fits(false).or_else(|| if platform.variant.is_none() { fits(true) } else { None })
    }
}
