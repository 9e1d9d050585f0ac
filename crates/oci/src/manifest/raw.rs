//! From bytes to a manifest that can be believed.

use std::collections::BTreeMap;

use portolan_model::{Limits, media};
use serde::Deserialize;

use super::{ImageManifest, Index, Manifest, ManifestError};
use crate::descriptor::{Descriptor, RawDescriptor, annotations};

/// Both shapes at once, so that one document with both can be seen and refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    media_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

/// What can be told about a document without believing its shape.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: Option<serde_json::Number>,
    media_type: Option<String>,
}

pub(super) fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    limits: &Limits,
) -> Result<Manifest, ManifestError> {
    let size = bytes.len() as u64;
    if size > limits.manifest_bytes {
        return Err(ManifestError::TooLarge { size, limit: limits.manifest_bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ManifestError::NotUtf8)?;
    let content_type = content_type.map(essence).filter(|essence| !essence.is_empty());
    check_kind(text, content_type.as_deref())?;
    let raw: RawManifest = serde_json::from_str(text).map_err(ManifestError::Json)?;
    let is_index = raw.manifests.is_some();
    if is_index && (raw.layers.is_some() || raw.config.is_some()) {
        return Err(ManifestError::Ambiguous);
    }
    let by_shape = if is_index { media::OCI_INDEX } else { media::OCI_MANIFEST };
    let said = raw.media_type.as_deref().filter(|said| !said.is_empty());
    let media_type = said.or(content_type.as_deref()).unwrap_or(by_shape).to_owned();
    if media::is_index(&media_type) != is_index {
        return Err(ManifestError::Disagree {
            field: by_shape.to_owned(),
            content_type: media_type,
        });
    }
    let subject = raw.subject.map(|subject| subject.checked("subject")).transpose()?;
    let artifact_type = raw.artifact_type.filter(|text| !text.is_empty());
    let annotations = annotations(raw.annotations);
    if is_index {
        let manifests = list(raw.manifests, "manifests", limits.index_manifests)?;
        return Ok(Manifest::Index(Box::new(Index {
            media_type,
            manifests,
            subject,
            artifact_type,
            annotations,
        })));
    }
    let config = raw.config.ok_or_else(|| ManifestError::Missing("config".into()))?;
    Ok(Manifest::Image(Box::new(ImageManifest {
        media_type,
        config: config.checked("config")?,
        layers: list(raw.layers, "layers", limits.image_layers)?,
        subject,
        artifact_type,
        annotations,
    })))
}

/// The media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Refuses what is not a manifest of schema 2 before its shape is looked at, so that the error
/// names the cause and not its consequence.
fn check_kind(text: &str, content_type: Option<&str>) -> Result<(), ManifestError> {
    let kind: Kind = serde_json::from_str(text).map_err(ManifestError::Json)?;
    let said = kind.media_type.as_deref().filter(|said| !said.is_empty());
    let known = |name: &str| media::is_image(name) || media::is_index(name);
    let schema1 = |name: &str| name.starts_with("application/vnd.docker.distribution.manifest.v1+");
    let version = kind.schema_version.as_ref().and_then(serde_json::Number::as_u64);
    if version == Some(1) || content_type.is_some_and(schema1) || said.is_some_and(schema1) {
        return Err(ManifestError::Schema1);
    }
    for name in [content_type, said].into_iter().flatten() {
        if !known(name) {
            return Err(ManifestError::MediaType(name.chars().take(200).collect()));
        }
    }
    if let (Some(said), Some(content_type)) = (said, content_type)
        && said != content_type
    {
        return Err(ManifestError::Disagree {
            field: said.to_owned(),
            content_type: content_type.to_owned(),
        });
    }
    match (version, kind.schema_version) {
        (Some(2), _) => Ok(()),
        (_, Some(other)) => Err(ManifestError::SchemaVersion(other.to_string())),
        (_, None) => Err(ManifestError::Missing("schemaVersion".into())),
    }
}

fn list(
    raw: Option<Vec<RawDescriptor>>,
    what: &'static str,
    limit: u32,
) -> Result<Vec<Descriptor>, ManifestError> {
    let raw = raw.unwrap_or_default();
    if raw.len() > limit as usize {
        return Err(ManifestError::TooMany { what, count: raw.len(), limit });
    }
    raw.into_iter()
        .enumerate()
        .map(|(at, descriptor)| descriptor.checked(&format!("{what}[{at}]")))
        .collect()
}
