//! From a manifest to what is known of its image.

use std::io::Read;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use portolan_model::{Digest, RepositoryName, Target, failpoint, media};
use portolan_oci::manifest::{ImageManifest, Index};
use portolan_oci::{Descriptor, ImageConfig, Manifest, VerifyError};
use portolan_store::{ImageKind, ImageState, ScannedImage};

use crate::content::Content;
use crate::found::{artifact, describe, listed, storable};
use crate::{Catalogue, CatalogueError};

/// Indexes in indexes, at most.
const DEPTH: u32 = 3;

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// The manifest that the target named: of many platforms, the index's.
    pub digest: Digest,
    /// What it stands for.
    pub kind: ImageKind,
    /// Whether it had been scanned before, so that nothing was read.
    pub known: bool,
}

/// Whether a layer of this media type is an archive of files. Signatures and attestations have an
/// image's configuration too, but other layers.
fn is_layer(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.")
}

fn kind(manifest: &Manifest) -> ImageKind {
    match manifest {
        Manifest::Index(_) => ImageKind::Index,
        Manifest::Image(image)
            if manifest.is_runnable()
                && image.layers.iter().all(|layer| is_layer(&layer.media_type)) =>
        {
            ImageKind::Image
        }
        Manifest::Image(_) => ImageKind::Artifact,
    }
}

/// Whether an index's entry is something about another entry, and nothing to run.
fn is_attestation(child: &Descriptor) -> bool {
    child.annotations.contains_key("vnd.docker.reference.type")
        || child.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
}

impl Catalogue {
    /// Scans the image that `target` names in `repository`: every platform of an index, and of each
    /// every layer that was not read before. What is found is in the store when this returns.
    ///
    /// Doing it again changes nothing; being killed at any point and doing it again comes to the
    /// same rows. A [permanent](CatalogueError::is_permanent) error is recorded at the image.
    pub async fn scan_image(
        &self,
        content: &dyn Content,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Scanned, CatalogueError> {
        self.scan_manifest(content, repository, target, 0).await
    }

    fn scan_manifest<'a>(
        &'a self,
        content: &'a dyn Content,
        repository: &'a RepositoryName,
        target: &'a Target,
        depth: u32,
    ) -> BoxFuture<'a, Result<Scanned, CatalogueError>> {
        async move {
            let served = content.manifest(repository, target).await?;
            let served = served.ok_or_else(|| CatalogueError::NotFound {
                repository: repository.clone(),
                target: target.clone(),
            })?;
            let digest = Digest::of(&served.bytes);
            if let Target::Digest(expected) = target
                && *expected != digest
            {
                let error = CatalogueError::ManifestDigest { expected: *expected, actual: digest };
                self.record_failure(*expected, &error).await?;
                return Err(error);
            }
            let limits = &self.shared.limits;
            let parsed = Manifest::parse(&served.bytes, Some(&served.media_type), limits);
            let kind = parsed.as_ref().map_or(ImageKind::Artifact, kind);
            self.see(repository, digest, &served.media_type, kind).await?;
            if self.is_known(&digest).await? {
                return Ok(Scanned { digest, kind, known: true });
            }
            let found = match parsed {
                Ok(Manifest::Index(index)) => {
                    self.read_index(content, repository, &index, depth).await
                }
                Ok(Manifest::Image(image)) if kind == ImageKind::Image => {
                    self.read_image(content, repository, &image).await
                }
                Ok(Manifest::Image(image)) => Ok(artifact(&image)),
                Err(source) => Err(CatalogueError::Manifest { digest, source }),
            };
            match found {
                Ok(found) => self.put_image(digest, kind, found).await?,
                Err(error) => {
                    self.record_failure(digest, &error).await?;
                    return Err(error);
                }
            }
            Ok(Scanned { digest, kind, known: false })
        }
        .boxed()
    }

    async fn see(
        &self,
        repository: &RepositoryName,
        digest: Digest,
        media_type: &str,
        kind: ImageKind,
    ) -> Result<(), CatalogueError> {
        let (repository, now) = (repository.clone(), self.store().now());
        let media_type = storable(media_type);
        let see = self.store().write(move |tx| {
            async move { tx.see_image(&repository, &digest, &media_type, kind, now).await }.boxed()
        });
        Ok(see.await?)
    }

    async fn is_known(&self, digest: &Digest) -> Result<bool, CatalogueError> {
        let image = self.store().image(digest).await?;
        Ok(image.is_some_and(|image| {
            image.state == ImageState::Scanned
                && image.found.scan_key == Some(self.shared.image_key)
        }))
    }

    async fn put_image(
        &self,
        digest: Digest,
        kind: ImageKind,
        found: ScannedImage,
    ) -> Result<(), CatalogueError> {
        let found = ScannedImage { scan_key: Some(self.shared.image_key), ..found };
        let now = self.store().now();
        failpoint::hit("scan.before-image-commit");
        let put = self.store().write(move |tx| {
            async move { tx.put_scanned_image(&digest, kind, &found, now).await }.boxed()
        });
        put.await?;
        failpoint::hit("scan.after-image-commit");
        self.store().wake_changes().await;
        Ok(())
    }

    async fn record_failure(
        &self,
        digest: Digest,
        error: &CatalogueError,
    ) -> Result<(), CatalogueError> {
        if !error.is_permanent() {
            return Ok(());
        }
        let (story, now) = (storable(&error.story()), self.store().now());
        let record = self
            .store()
            .write(move |tx| async move { tx.image_failed(&digest, &story, now).await }.boxed());
        record.await?;
        self.store().wake_changes().await;
        Ok(())
    }

    /// Scans what an index lists. Of the images that are not in the repository (someone copied one
    /// platform alone) only the names are known, unless it is all of them.
    async fn read_index(
        &self,
        content: &dyn Content,
        repository: &RepositoryName,
        index: &Index,
        depth: u32,
    ) -> Result<ScannedImage, CatalogueError> {
        if depth == DEPTH {
            return Err(CatalogueError::Depth(DEPTH));
        }
        let images = index.manifests.iter().filter(|child| !is_attestation(child));
        let mut first_image: Option<Digest> = None;
        let mut missing = 0;
        for child in images {
            let target = Target::Digest(child.digest);
            match self.scan_manifest(content, repository, &target, depth + 1).await {
                Ok(scanned) if scanned.kind != ImageKind::Artifact => {
                    first_image.get_or_insert(child.digest);
                }
                Ok(_) => {}
                Err(CatalogueError::NotFound { .. }) => missing += 1,
                Err(source) => {
                    let platform = child.platform.as_ref().map(ToString::to_string);
                    return Err(CatalogueError::Child {
                        digest: child.digest,
                        platform: platform.unwrap_or_else(|| "no platform".into()),
                        source: Box::new(source),
                    });
                }
            }
        }
        let mut found = match first_image {
            Some(digest) => self.store().image(&digest).await?.map(|image| image.found),
            None if missing > 0 => return Err(CatalogueError::Childless),
            None => None,
        }
        .unwrap_or_default();
        found.layers = Vec::new();
        found.platform = None;
        found.children = index.manifests.iter().map(listed).collect();
        Ok(found)
    }

    async fn read_image(
        &self,
        content: &dyn Content,
        repository: &RepositoryName,
        manifest: &ImageManifest,
    ) -> Result<ScannedImage, CatalogueError> {
        let config = self.read_config(content, repository, &manifest.config).await?;
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
        if layers != diff_ids {
            return Err(CatalogueError::LayerCount { layers, diff_ids });
        }
        let readings: Vec<_> = manifest
            .layers
            .iter()
            .zip(&config.diff_ids)
            .filter(|(layer, _)| !media::is_foreign(&layer.media_type))
            .map(|(layer, diff_id)| self.ensure_layer(content, repository, layer, Some(*diff_id)))
            .collect();
        // What one layer did wrong does not keep the others from being read: they are needed when
        // it is pushed again.
        let parallel = self.shared.options.parallel_layers.clamp(1, 64);
        let results: Vec<_> = stream::iter(readings).buffered(parallel).collect().await;
        let mut raw_bytes = 0;
        for result in results {
            raw_bytes += result?.raw_bytes;
        }
        Ok(describe(manifest, config, raw_bytes, &self.shared.options.labels))
    }

    async fn read_config(
        &self,
        content: &dyn Content,
        repository: &RepositoryName,
        descriptor: &Descriptor,
    ) -> Result<ImageConfig, CatalogueError> {
        let (digest, limit) = (descriptor.digest, self.shared.limits.manifest_bytes);
        let blob = content.blob(repository, descriptor).await?;
        let blob = blob.ok_or(CatalogueError::BlobMissing(digest))?;
        let read = move || {
            let mut bytes = Vec::new();
            // One byte over the limit shows that it is over.
            blob.take(limit.saturating_add(1)).read_to_end(&mut bytes).map(|_| bytes)
        };
        let bytes = tokio::task::spawn_blocking(read).await;
        let bytes = bytes.map_err(|_| CatalogueError::Thread(digest))?.map_err(|source| {
            let doing = format!("read the configuration {digest} of {repository}");
            let transient = VerifyError::in_chain(&source).is_none();
            crate::ContentError { doing, transient, source: source.into() }
        })?;
        let config = ImageConfig::parse(&bytes, &self.shared.limits);
        let actual = Digest::of(&bytes);
        if actual != digest && bytes.len() as u64 <= limit {
            return Err(CatalogueError::ConfigDigest { expected: digest, actual });
        }
        config.map_err(|source| CatalogueError::Config { digest, source })
    }
}
