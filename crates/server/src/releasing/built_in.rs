//! Images of the built-in registry without a detour over the network, and of all others by it.

use std::io::Read as _;

use futures::FutureExt as _;
use portolan_model::{Digest, Limits, Platform, Tag, Target};
use portolan_oci::{ImageConfig, Manifest};
use portolan_registry::{KeptManifest, Registry, RegistryError};
use portolan_release::Images;
use portolan_release::images::ecr::EcrImages;
use portolan_release::images::{Resolved, There, Wanted};
use portolan_release::project::Spot;
use portolan_release::target::{Asked, TargetError};

/// The built-in registry, and all others.
#[derive(Debug)]
pub(super) struct BuiltIn {
    pub(super) registry: Registry,
    /// The host of the built-in registry.
    pub(super) host: Option<String>,
    pub(super) others: EcrImages,
}

fn failed(doing: String) -> impl FnOnce(RegistryError) -> TargetError {
    // What is left over is the disk or the store, which may be busy.
    move |error| TargetError::new(doing, true, error)
}

impl BuiltIn {
    fn is_own(&self, spot: &Spot) -> bool {
        spot.registry.is_none() || spot.registry == self.host
    }

    async fn manifest(
        &self,
        spot: &Spot,
        target: &Target,
    ) -> Result<Option<std::sync::Arc<KeptManifest>>, TargetError> {
        match self.registry.manifest(&spot.repository, target).await {
            Ok(manifest) => Ok(Some(manifest)),
            Err(RegistryError::NameUnknown(_) | RegistryError::ManifestUnknown { .. }) => Ok(None),
            Err(error) => Err(failed(format!("look for {target} in {spot}"))(error)),
        }
    }

    async fn there(&self, wanted: &Wanted) -> Result<There, TargetError> {
        let mut there = There::default();
        if let Some(kept) = self.manifest(&wanted.spot, &Target::Digest(wanted.digest)).await? {
            there.present = true;
            there.platforms = self.platforms(&wanted.spot, &kept).await?;
        }
        for tag in &wanted.tags {
            let found = self.manifest(&wanted.spot, &Target::Tag(tag.clone())).await?;
            there.tags.extend(found.map(|kept| (tag.clone(), kept.digest)));
        }
        Ok(there)
    }

    /// What an image is built for; nothing where it does not say.
    async fn platforms(
        &self,
        spot: &Spot,
        kept: &KeptManifest,
    ) -> Result<Vec<Platform>, TargetError> {
        let limits = Limits::default();
        let manifest = Manifest::parse(&kept.bytes, Some(&kept.media_type), &limits);
        let image = match manifest {
            Ok(Manifest::Image(image)) => image,
            Ok(index) => {
                let children = index.children().iter().filter_map(|it| it.platform.clone());
                // What is about an image is listed beside it, for no platform.
                return Ok(children.filter(|it| it.os != "unknown").collect());
            }
            Err(_) => return Ok(Vec::new()),
        };
        let digest = image.config.digest;
        let file = self.registry.blob_file(&spot.repository, &digest).await;
        let doing = format!("read the configuration {digest} of an image of {spot}");
        let (mut file, _) = file.map_err(failed(doing.clone()))?;
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let most = limits.manifest_bytes.saturating_add(1);
            std::io::Read::by_ref(&mut file).take(most).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        });
        let bytes = read.await.map_err(|error| TargetError::new(doing.clone(), true, error))?;
        let bytes = bytes.map_err(|error| TargetError::new(doing, true, error))?;
        let config = ImageConfig::parse(&bytes, &Limits::default());
        Ok(config.ok().and_then(|config| config.platform).into_iter().collect())
    }

    async fn pointed(&self, spot: &Spot, digest: &Digest, tag: &Tag) -> Result<(), TargetError> {
        let doing = || format!("point {spot}:{tag} to {digest}");
        let Some(kept) = self.manifest(spot, &Target::Digest(*digest)).await? else {
            return Err(TargetError::new(doing(), false, "the image is not there"));
        };
        let (target, bytes) = (Target::Tag(tag.clone()), kept.bytes.clone());
        let media_type = Some(kept.media_type.as_str());
        let put = self.registry.put_manifest(&spot.repository, &target, media_type, bytes).await;
        put.map(|_| ()).map_err(failed(doing()))
    }
}

impl Images for BuiltIn {
    fn place(&self, spot: &Spot) -> String {
        self.others.place(spot)
    }

    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Target) -> Asked<'a, Option<Resolved>> {
        if !self.is_own(spot) {
            return self.others.resolve(spot, target);
        }
        async move {
            let found = self.manifest(spot, target).await?;
            Ok(found.map(|kept| Resolved { digest: kept.digest, tags: Vec::new() }))
        }
        .boxed()
    }

    fn find<'a>(&'a self, spot: &'a Spot, targets: &'a [Target]) -> Asked<'a, Vec<Option<Digest>>> {
        if !self.is_own(spot) {
            return self.others.find(spot, targets);
        }
        async move {
            let mut found = Vec::with_capacity(targets.len());
            for target in targets {
                found.push(self.manifest(spot, target).await?.map(|kept| kept.digest));
            }
            Ok(found)
        }
        .boxed()
    }

    fn tags<'a>(&'a self, spot: &'a Spot, digest: &'a Digest) -> Asked<'a, Vec<Tag>> {
        if self.is_own(spot) {
            // It is asked for what weco-deploy can find, and that looks into ECR alone.
            return std::future::ready(Ok(Vec::new())).boxed();
        }
        self.others.tags(spot, digest)
    }

    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>> {
        async move {
            let elsewhere: Vec<Wanted> =
                wanted.iter().filter(|it| !self.is_own(&it.spot)).cloned().collect();
            let mut others = self.others.look(&elsewhere).await?.into_iter();
            let mut found = Vec::with_capacity(wanted.len());
            for one in wanted {
                found.push(if self.is_own(&one.spot) {
                    self.there(one).await?
                } else {
                    others.next().unwrap_or_default()
                });
            }
            Ok(found)
        }
        .boxed()
    }

    fn copy<'a>(&'a self, digest: &'a Digest, from: &'a Spot, to: &'a Spot) -> Asked<'a, ()> {
        self.others.copy(digest, from, to)
    }

    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()> {
        if self.is_own(spot) {
            self.pointed(spot, digest, tag).boxed()
        } else {
            self.others.point(spot, digest, tag)
        }
    }
}
