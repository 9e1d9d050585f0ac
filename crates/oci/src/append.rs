//! Making an image from files and a base, without a daemon, reproducibly: equal inputs give equal
//! bytes, on any machine and on any day.
//!
//! The layer's entries are sorted, owned by 0:0, with one moment and modes 0755 or 0644. The base's
//! layers are copied as they are.

mod config;
mod error;
mod layer;
mod tar;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use portolan_model::{Digest, Platform, Tag, Target, Timestamp, media};

pub use error::AppendError;

use crate::copy::{copy_blobs, of_platform};
use crate::{BlobReader, CopyOptions, Descriptor, Fetched, Manifest, Place, Under};

/// Files that go into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A file or a directory on this machine. A symbolic link here is followed; those inside a
    /// directory are kept as links.
    pub from: PathBuf,
    /// Where it is in the image: a directory's contents go below it; a file gets this name, or its
    /// own below it where this ends in `/`.
    pub to: String,
}

/// What the image is to be. What is empty or none stays as in the base.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// The files of the new layer; no layer is made where there are none.
    pub files: Vec<Source>,
    /// The base's platform, where the base is an index; the image's, where there is no base.
    pub platform: Option<Platform>,
    /// What is run. The base's command goes with the base's entrypoint, so it is dropped.
    pub entrypoint: Option<Vec<String>>,
    /// Its arguments.
    pub cmd: Option<Vec<String>>,
    /// Names and values, added to the base's or replacing them.
    pub env: Vec<(String, String)>,
    /// Labels, added to the base's or replacing them.
    pub labels: BTreeMap<String, String>,
    /// Where it is run.
    pub working_dir: Option<String>,
    /// As whom it is run.
    pub user: Option<String>,
    /// `8080/tcp`, added to the base's.
    pub exposed_ports: Vec<String>,
    /// The moment of the image and of all its files; 1970-01-01 where there is none, since the
    /// present would make other bytes each time.
    pub created: Option<Timestamp>,
    /// Where the layer is written before it is put.
    pub work_dir: PathBuf,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The image's manifest.
    pub digest: Digest,
    /// Its media type: of the base's family, OCI where there is no base.
    pub media_type: String,
    /// The new layer, where there is one.
    pub layer: Option<Descriptor>,
}

/// Makes the image that `spec` describes on `base` (none: from nothing, "scratch"), and puts it
/// into `to`, under `tag` or under its digest alone.
pub async fn append(
    base: Option<(&Place, &Target)>,
    spec: &Spec,
    to: &Place,
    tag: Option<&Tag>,
) -> Result<Appended, AppendError> {
    config::check(spec)?;
    let base = match base {
        Some((place, target)) => Some((place, base_image(place, target, spec).await?)),
        None => None,
    };
    let layer = match spec.files.as_slice() {
        [] => None,
        _ => Some(layer::write(spec, base.is_none(), to.limits()).await?),
    };
    let mut before = Vec::new();
    let mut configuration = None;
    let mut is_docker = false;
    if let Some((place, fetched)) = &base
        && let Manifest::Image(image) = &fetched.manifest
    {
        is_docker = image.media_type == media::DOCKER_MANIFEST;
        configuration = Some(place.small_blob(&image.config).await?);
        before.clone_from(&image.layers);
        copy_blobs(place, to, &before, &CopyOptions::default()).await?;
    }
    let made = config::make(spec, configuration.as_deref(), layer.as_ref(), before, is_docker)?;
    if let Some(layer) = &layer {
        put_layer(to, layer).await?;
    }
    if !to.has_blob(&made.config).await? {
        to.put_small_blob(Bytes::from(made.config_bytes)).await?;
    }
    let under = tag.map_or(Under::Digest, Under::Tag);
    let digest = to.put_manifest(under, &made.media_type, Bytes::from(made.manifest)).await?;
    Ok(Appended { digest, media_type: made.media_type, layer: made.layer })
}

async fn base_image(place: &Place, target: &Target, spec: &Spec) -> Result<Fetched, AppendError> {
    let root = place.manifest(target).await?;
    let image = match (&root.manifest, &spec.platform) {
        (_, Some(platform)) => of_platform(place, root, platform).await?,
        (Manifest::Image(_), None) => root,
        (Manifest::Index(index), None) => {
            let [only] = index.manifests.as_slice() else {
                let platforms = index.manifests.iter().filter_map(|one| one.platform.as_ref());
                let platforms = platforms.take(50).map(ToString::to_string).collect();
                return Err(AppendError::WhichPlatform { platforms });
            };
            place.manifest(&Target::Digest(only.digest)).await?
        }
    };
    if image.manifest.is_runnable() {
        Ok(image)
    } else {
        Err(AppendError::NotRunnable { digest: image.digest })
    }
}

async fn put_layer(to: &Place, layer: &layer::Layer) -> Result<(), AppendError> {
    let wanted = Descriptor::new("", layer.digest, layer.size);
    if to.has_blob(&wanted).await? {
        return Ok(());
    }
    let file = layer.file.try_clone().map_err(AppendError::work(&layer.work_dir))?;
    let file = tokio::fs::File::from_std(file);
    Ok(to.put_blob(BlobReader::new(file, layer.digest, layer.size)).await?)
}
