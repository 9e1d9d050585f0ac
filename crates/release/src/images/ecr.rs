//! ECR by AWS's own calls, and all other registries by theirs.
//!
//! One call tells of an image and where its repository's tags point, and needs no login to the
//! registry. Bytes are copied by the registry's protocol, there as elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use portolan_aws::{Aws, AwsError, AwsSettings, Ecr, EcrHost, RegistryImage, Tagged, Trouble};
use portolan_model::{Digest, Limits, Tag, Target, media};
use portolan_oci::Manifest;

use super::oci::{OciImages, listed};
use super::{Images, Resolved, There, Wanted};
use crate::many::many;
use crate::project::Spot;
use crate::target::{Asked, TargetError};

/// Repositories that are asked about at once.
const AT_ONCE: usize = 8;
/// For how long a manifest that was read is not read again, where it is put under a tag.
const FRESH: Duration = Duration::from_mins(1);

/// An image in a repository.
type Key = (Spot, Digest);

/// ECR by AWS's own calls, and all other registries by theirs.
#[derive(Debug)]
pub struct EcrImages {
    settings: AwsSettings,
    others: OciImages,
    /// How each region is reached, once it was.
    regions: tokio::sync::Mutex<HashMap<String, Aws>>,
    /// Manifests that were just read.
    read: Mutex<HashMap<Key, (Instant, RegistryImage)>>,
}

/// An error of AWS, in the words of whoever runs services.
pub(crate) fn failed(error: AwsError) -> TargetError {
    let transient = matches!(error.trouble(), Trouble::Throttled | Trouble::Unreachable);
    let doing = match &error {
        AwsError::Call { doing, .. } | AwsError::Answer { doing, .. } => doing.clone(),
    };
    let said = match error {
        AwsError::Call { said, .. } => said,
        AwsError::Answer { what, .. } => format!("AWS answered {what}"),
    };
    TargetError::new(doing, transient, said)
}

impl EcrImages {
    /// ECR as `settings` reach it (in whichever region a registry is), and all other registries as
    /// `others` does.
    pub fn new(settings: AwsSettings, others: OciImages) -> Self {
        let (regions, read) = Default::default();
        Self { settings, others, regions, read }
    }

    async fn ecr(&self, spot: &Spot) -> Option<Ecr> {
        let host = EcrHost::parse(spot.registry.as_deref()?)?;
        let mut regions = self.regions.lock().await;
        let aws = if let Some(aws) = regions.get(&host.region) {
            aws.clone()
        } else {
            let region = Some(host.region.clone());
            let aws = Aws::open(&AwsSettings { region, ..self.settings.clone() }).await;
            regions.insert(host.region.clone(), aws.clone());
            aws
        };
        Some(Ecr::of(&aws, Some(host.account)))
    }

    fn keep(&self, spot: &Spot, image: &RegistryImage) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|_, (at, _)| at.elapsed() < FRESH);
        read.insert((spot.clone(), image.digest), (Instant::now(), image.clone()));
    }

    fn kept(&self, spot: &Spot, digest: &Digest) -> Option<RegistryImage> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, image) = read.get(&(spot.clone(), *digest))?;
        (at.elapsed() < FRESH).then(|| image.clone())
    }

    async fn there(&self, wanted: &Wanted) -> Result<There, TargetError> {
        let Some(ecr) = self.ecr(&wanted.spot).await else {
            let there = self.others.look(std::slice::from_ref(wanted)).await?;
            return Ok(there.into_iter().next().unwrap_or_default());
        };
        let own = Target::Digest(wanted.digest);
        let tags = wanted.tags.iter().map(|tag| Target::Tag(tag.clone()));
        let targets: Vec<Target> = std::iter::once(own.clone()).chain(tags).collect();
        let images = match ecr.images(wanted.spot.repository.as_str(), &targets).await {
            Ok(images) => images,
            Err(error) if error.code() == Some("RepositoryNotFoundException") => {
                return Ok(There::default());
            }
            Err(error) => return Err(failed(error)),
        };
        let mut there = There::default();
        for (target, image) in images.found {
            match target {
                Target::Tag(tag) => {
                    there.tags.insert(tag, image.digest);
                }
                Target::Digest(_) => {
                    self.keep(&wanted.spot, &image);
                    there.present = true;
                    there.platforms = platforms(&image);
                }
            }
        }
        Ok(there)
    }

    async fn pointed(
        &self,
        ecr: &Ecr,
        spot: &Spot,
        digest: Digest,
        tag: &Tag,
    ) -> Result<(), TargetError> {
        let repository = spot.repository.as_str();
        let doing = || format!("point {spot}:{tag} to {digest}");
        let image = if let Some(image) = self.kept(spot, &digest) {
            image
        } else {
            let target = Target::Digest(digest);
            let images = ecr.images(repository, &[target]).await.map_err(failed)?;
            let found = images.found.into_iter().next().map(|(_, image)| image);
            found.ok_or_else(|| TargetError::new(doing(), false, "the image is not there"))?
        };
        match ecr.put_tag(repository, &image, tag.as_str()).await.map_err(failed)? {
            Tagged::Moved => Ok(()),
            Tagged::Immutable => {
                Err(TargetError::new(doing(), false, "tags of the repository are immutable"))
            }
            // Some answer so too where an immutable tag stays where it is.
            Tagged::Already => {
                let target = Target::Tag(tag.clone());
                let images = ecr.images(repository, &[target]).await.map_err(failed)?;
                if images.found.first().is_some_and(|(_, image)| image.digest == digest) {
                    return Ok(());
                }
                Err(TargetError::new(doing(), false, "the tag did not move: it may be immutable"))
            }
        }
    }
}

fn platforms(image: &RegistryImage) -> Vec<portolan_model::Platform> {
    let is_index = media::MANIFESTS.contains(&image.media_type.as_str());
    let media_type = Some(image.media_type.as_str()).filter(|_| is_index);
    let parsed = Manifest::parse(image.manifest.as_bytes(), media_type, &Limits::default());
    parsed.map(|manifest| listed(&manifest)).unwrap_or_default()
}

impl Images for EcrImages {
    fn place(&self, spot: &Spot) -> String {
        self.others.place(spot)
    }

    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Target) -> Asked<'a, Option<Resolved>> {
        async move {
            let Some(ecr) = self.ecr(spot).await else {
                return self.others.resolve(spot, target).await;
            };
            let repository = spot.repository.as_str();
            let targets = std::slice::from_ref(target);
            let images = ecr.images(repository, targets).await.map_err(failed)?;
            Ok(images.found.into_iter().next().map(|(_, image)| {
                self.keep(spot, &image);
                Resolved { digest: image.digest, tags: Vec::new() }
            }))
        }
        .boxed()
    }

    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>> {
        async move {
            let mut looks = Vec::with_capacity(wanted.len());
            for one in wanted {
                looks.push(self.there(one).boxed());
            }
            many(looks, AT_ONCE).await.into_iter().collect()
        }
        .boxed()
    }

    fn copy<'a>(&'a self, digest: &'a Digest, from: &'a Spot, to: &'a Spot) -> Asked<'a, ()> {
        self.others.copy(digest, from, to)
    }

    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()> {
        async move {
            match self.ecr(spot).await {
                Some(ecr) => self.pointed(&ecr, spot, *digest, tag).await,
                None => self.others.point(spot, digest, tag).await,
            }
        }
        .boxed()
    }
}
