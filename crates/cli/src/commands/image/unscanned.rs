//! What manifest and configuration of an image say, without reading its layers.

use portolan_oci::manifest::{ImageManifest, Index};
use portolan_oci::{Descriptor, Fetched, ImageConfig, Location, Manifest, Place, PlaceError};
use serde_json::Value;

use crate::api::answers::{Child, Image, Layer};
use crate::error::Outcome;
use crate::registries;
use crate::session::Session;

/// Reads manifest and configuration of the image at `location`.
pub(super) async fn read(session: &Session<'_>, location: &Location) -> Outcome<Image> {
    let place = session.open(location).await?;
    let fetched = fetch(&place, location).await;
    let mut image = fetched.map_err(|error| registries::failure(&error))?;
    let names = &session.config.scan.labels;
    let first = |names: &[String]| {
        names.iter().find_map(|name| image.labels.get(name).filter(|it| !it.is_empty())).cloned()
    };
    let told = (first(&names.service_name), first(&names.source_url), first(&names.revision));
    (image.service_name, image.source_url, image.revision) = told;
    Ok(image)
}

async fn fetch(place: &Place, location: &Location) -> Result<Image, PlaceError> {
    let target = match location.target() {
        Some(target) => target,
        None => place.default_target().await?,
    };
    let fetched = place.manifest(&target).await?;
    match &fetched.manifest {
        Manifest::Index(index) => Ok(of_index(&fetched, index)),
        Manifest::Image(image) if fetched.manifest.is_runnable() => {
            let config = place.config(&image.config).await?;
            Ok(of_image(&fetched, image, &config))
        }
        Manifest::Image(image) => Ok(Image {
            kind: "artifact".to_owned(),
            compressed_bytes: total(&image.layers),
            layers: image.layers.iter().map(layer).collect(),
            ..bare(&fetched)
        }),
    }
}

fn bare(fetched: &Fetched) -> Image {
    Image {
        digest: fetched.digest,
        media_type: fetched.media_type.clone(),
        kind: String::new(),
        state: None,
        error: None,
        first_scanned_at: None,
        scanned_at: None,
        config_digest: None,
        built_at: None,
        platform: None,
        service_name: None,
        source_url: None,
        revision: None,
        labels: std::collections::BTreeMap::new(),
        config: Value::Null,
        compressed_bytes: 0,
        raw_bytes: None,
        file_count: None,
        layers: Vec::new(),
        children: Vec::new(),
        tags: Vec::new(),
    }
}

fn of_index(fetched: &Fetched, index: &Index) -> Image {
    let children = index.manifests.iter().map(|child| Child {
        digest: child.digest,
        media_type: child.media_type.clone(),
        size: child.size,
        platform: child.platform.as_ref().map(ToString::to_string),
    });
    Image { kind: "index".to_owned(), children: children.collect(), ..bare(fetched) }
}

fn of_image(fetched: &Fetched, image: &ImageManifest, config: &ImageConfig) -> Image {
    let mut commands = config.history.iter().filter(|step| !step.empty_layer);
    let mut diff_ids = config.diff_ids.iter();
    let layers = image.layers.iter().map(|descriptor| Layer {
        diff_id: diff_ids.next().copied(),
        created_by: commands.next().and_then(|step| step.created_by.clone()),
        ..layer(descriptor)
    });
    Image {
        kind: "image".to_owned(),
        config_digest: Some(image.config.digest),
        built_at: config.created,
        platform: config.platform.as_ref().map(ToString::to_string),
        labels: config.labels.clone(),
        config: serde_json::json!({
            "entrypoint": config.entrypoint,
            "cmd": config.cmd,
            "env": config.env,
            "workingDir": config.working_dir,
            "user": config.user,
            "exposedPorts": config.exposed_ports,
        }),
        compressed_bytes: total(&image.layers),
        layers: layers.collect(),
        ..bare(fetched)
    }
}

fn layer(descriptor: &Descriptor) -> Layer {
    Layer {
        digest: descriptor.digest,
        diff_id: None,
        media_type: descriptor.media_type.clone(),
        size: descriptor.size,
        raw_bytes: None,
        entries: None,
        created_by: None,
    }
}

fn total(layers: &[Descriptor]) -> u64 {
    layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
}
