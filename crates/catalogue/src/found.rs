//! What is kept of manifests and configurations, as the store wants it.

use portolan_model::Platform;
use portolan_oci::manifest::ImageManifest;
use portolan_oci::{Descriptor, ImageConfig};
use portolan_store::{Child, ImageLayer, ScannedImage};

use crate::labels::{LabelNames, first};

/// `text` without what PostgreSQL cannot keep, written as in names of files.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\\x00")
}

/// `platform` if its text says the same again: the store keeps the text, and could not read another
/// one back.
fn platform(platform: &Platform) -> Option<Platform> {
    platform.to_string().parse().ok().filter(|read| read == platform)
}

/// What is known of an image whose layers have been read.
pub(crate) fn describe(
    manifest: &ImageManifest,
    config: ImageConfig,
    raw_bytes: u64,
    names: &LabelNames,
) -> ScannedImage {
    let commands = config.history.iter().filter(|step| !step.empty_layer);
    let mut commands = commands.map(|step| step.created_by.as_deref().map(storable));
    let layers = manifest.layers.iter().zip(&config.diff_ids).map(|(layer, diff_id)| {
        let created_by = commands.next().flatten();
        ImageLayer { diff_id: Some(*diff_id), created_by, ..bare(layer) }
    });
    let label = |names: &[String]| first(&config.labels, names).map(storable);
    ScannedImage {
        config_digest: Some(manifest.config.digest),
        created_at: config.created,
        service_name: label(&names.service_name),
        source_url: label(&names.source_url),
        revision: label(&names.revision),
        compressed_bytes: compressed_bytes(manifest),
        raw_bytes,
        layers: layers.collect(),
        config: serde_json::json!({
            "entrypoint": config.entrypoint,
            "cmd": config.cmd,
            "env": config.env,
            "workingDir": config.working_dir,
            "user": config.user,
            "exposedPorts": config.exposed_ports,
        }),
        platform: config.platform.as_ref().and_then(platform),
        labels: config.labels,
        ..ScannedImage::default()
    }
}

/// A chart, a signature, an attestation: what its manifest says is all that is taken.
pub(crate) fn artifact(manifest: &ImageManifest) -> ScannedImage {
    ScannedImage {
        config_digest: Some(manifest.config.digest),
        labels: manifest.annotations.clone(),
        compressed_bytes: compressed_bytes(manifest),
        layers: manifest.layers.iter().map(bare).collect(),
        ..ScannedImage::default()
    }
}

/// An entry of an index.
pub(crate) fn listed(child: &Descriptor) -> Child {
    Child {
        digest: child.digest,
        media_type: storable(&child.media_type),
        size: child.size,
        platform: child.platform.as_ref().and_then(platform),
    }
}

fn bare(layer: &Descriptor) -> ImageLayer {
    ImageLayer {
        digest: layer.digest,
        diff_id: None,
        media_type: storable(&layer.media_type),
        size: layer.size,
        created_by: None,
    }
}

/// Sizes are what a manifest claims: their sum need not be a number.
fn compressed_bytes(manifest: &ImageManifest) -> u64 {
    let sum = manifest.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    sum.min(i64::MAX.cast_unsigned())
}
