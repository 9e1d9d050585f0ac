//! Descriptors: what a manifest says about something else (media type, digest, size).

use std::collections::BTreeMap;

use portolan_model::{Digest, Platform};
use serde::{Deserialize, Serialize};

use crate::manifest::ManifestError;

/// Names a blob or a manifest, as in the specification's
/// [descriptor](https://github.com/opencontainers/image-spec/blob/main/descriptor.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: String,
    /// The bytes' digest.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
    /// Where else the bytes may be had (foreign layers).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Free text by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an index's entry runs on; none where it was not told in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The type of the artifact that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// The descriptor of `bytes` as `media_type`, with nothing else.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }

    /// A descriptor with nothing but what each must have.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
        }
    }
}

/// A descriptor as it was written, not yet believed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawDescriptor {
    #[serde(default)]
    media_type: Option<String>,
    digest: String,
    size: serde_json::Number,
    urls: Option<Vec<String>>,
    annotations: Option<BTreeMap<String, Option<String>>>,
    platform: Option<RawPlatform>,
    artifact_type: Option<String>,
}

#[derive(Deserialize)]
struct RawPlatform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

impl RawPlatform {
    fn checked(self) -> Option<Platform> {
        let told = |text: Option<String>| text.filter(|text| !text.is_empty());
        Some(Platform {
            os: told(self.os)?,
            architecture: told(self.architecture)?,
            variant: told(self.variant),
        })
    }
}

/// Annotations without those whose value is null.
pub(crate) fn annotations(
    raw: Option<BTreeMap<String, Option<String>>>,
) -> BTreeMap<String, String> {
    raw.into_iter().flatten().filter_map(|(name, text)| Some((name, text?))).collect()
}

impl RawDescriptor {
    /// The descriptor, if its digest and size can be believed; `place` says where it stood.
    pub(crate) fn checked(self, place: &str) -> Result<Descriptor, ManifestError> {
        let digest = self
            .digest
            .parse()
            .map_err(|source| ManifestError::Digest { place: place.to_owned(), source })?;
        // Registries and clients written in Go keep a size in an i64.
        let size =
            self.size.as_u64().filter(|size| i64::try_from(*size).is_ok()).ok_or_else(|| {
                ManifestError::Size { place: place.to_owned(), size: self.size.to_string() }
            })?;
        let media_type = self
            .media_type
            .filter(|media_type| !media_type.is_empty())
            .ok_or_else(|| ManifestError::Missing(format!("{place}.mediaType")))?;
        Ok(Descriptor {
            media_type,
            digest,
            size,
            urls: self.urls.unwrap_or_default(),
            annotations: annotations(self.annotations),
            platform: self.platform.and_then(RawPlatform::checked),
            artifact_type: self.artifact_type.filter(|text| !text.is_empty()),
        })
    }
}
