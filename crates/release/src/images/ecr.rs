//! ECR by AWS's own calls, and all other registries by theirs.
//!
//! One call tells of an image and where its repository's tags point, and needs no login to the
//! registry. Bytes are copied by the registry's protocol, there as elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use portolan_aws::{
    Aws, AwsError, AwsSettings, Ecr, EcrHost, Mutability, RegistryImage, Tagged, Trouble,
};
use portolan_model::{Digest, Limits, Tag, Target, media};
use portolan_oci::Manifest;

use super::oci::{OciImages, listed};
use super::{Images, Resolved, There, Wanted};
use crate::many::many;
use crate::project::{Roles, Spot};
use crate::target::{Asked, TargetError};

/// Repositories that are asked about at once.
const AT_ONCE: usize = 8;
/// Manifests that are kept at most. One never changes, and is put as it was read.
const KEPT: usize = 1_000;
/// For how long what a tag led to is not asked for once more by whoever comes next.
const FRESH: Duration = Duration::from_secs(5);

/// An image in a repository.
type Key = (Spot, Digest);

/// ECR by AWS's own calls, and all other registries by theirs.
#[derive(Debug)]
pub struct EcrImages {
    settings: AwsSettings,
    roles: Roles,
    others: OciImages,
    /// How each region is reached in each role, once it was.
    regions: tokio::sync::Mutex<HashMap<(String, Option<String>), Aws>>,
    /// Manifests that were read.
    read: Mutex<HashMap<Key, RegistryImage>>,
    /// Tags of which is asked where they point whenever something is looked for.
    also: Vec<Tag>,
    /// What was just found beside what was looked for. Whoever asks first has it, and no second one.
    just: Mutex<HashMap<Key, (Instant, There)>>,
}

/// An error of AWS, in the words of whoever runs services.
pub(crate) fn failed(error: AwsError) -> TargetError {
    // Credentials are renewed sooner or later, by whoever gives them.
    let transient =
        matches!(error.trouble(), Trouble::Throttled | Trouble::Unreachable | Trouble::Expired);
    let advice = error.trouble().advice();
    let doing = match &error {
        AwsError::Call { doing, .. } | AwsError::Answer { doing, .. } => doing.clone(),
    };
    let said = match error {
        AwsError::Call { said, .. } => format!("{said}{advice}"),
        AwsError::Answer { what, .. } => format!("AWS answered {what}"),
    };
    TargetError::new(doing, transient, said)
}

impl EcrImages {
    /// ECR as `settings` reach it (in whichever region a registry is, in the role that `roles` tells
    /// for a repository), and all other registries as `others` does. Whoever looks for an image will ask next where the tags `also` point: they are
    /// asked for in the same call.
    pub fn new(settings: AwsSettings, roles: Roles, others: OciImages, also: Vec<Tag>) -> Self {
        let (regions, read, just) = Default::default();
        Self { settings, roles, others, regions, read, also, just }
    }

    async fn ecr(&self, spot: &Spot) -> Option<Ecr> {
        let host = EcrHost::parse(spot.registry.as_deref()?)?;
        let told = self.roles.of(spot).map(ToOwned::to_owned);
        let way = (host.region.clone(), told.or_else(|| self.settings.role_arn.clone()));
        let mut regions = self.regions.lock().await;
        let aws = if let Some(aws) = regions.get(&way) {
            aws.clone()
        } else {
            let (region, role_arn) = (Some(way.0.clone()), way.1.clone());
            let aws = Aws::open(&AwsSettings { region, role_arn, ..self.settings.clone() }).await;
            regions.insert(way, aws.clone());
            aws
        };
        Some(Ecr::of(&aws, Some(host.account)))
    }

    fn keep(&self, spot: &Spot, image: &RegistryImage) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= KEPT {
            read.clear();
        }
        read.insert((spot.clone(), image.digest), image.clone());
    }

    fn kept(&self, spot: &Spot, digest: &Digest) -> Option<RegistryImage> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(&(spot.clone(), *digest)).cloned()
    }

    /// What was just found of an image, where that is all that is wanted.
    fn just(&self, wanted: &Wanted) -> Option<There> {
        let mut just = self.just.lock().unwrap_or_else(PoisonError::into_inner);
        just.retain(|_, (at, _)| at.elapsed() < FRESH);
        let (_, there) = just.remove(&(wanted.spot.clone(), wanted.digest))?;
        wanted.tags.iter().all(|tag| self.also.contains(tag)).then_some(there)
    }

    async fn there(&self, wanted: &Wanted) -> Result<There, TargetError> {
        let Some(ecr) = self.ecr(&wanted.spot).await else {
            let there = self.others.look(std::slice::from_ref(wanted)).await?;
            return Ok(there.into_iter().next().unwrap_or_default());
        };
        if let Some(there) = self.just(wanted) {
            return Ok(there);
        }
        let own = Target::Digest(wanted.digest);
        let tags = wanted.tags.iter().map(|tag| Target::Tag(tag.clone()));
        let targets: Vec<Target> = std::iter::once(own).chain(tags).collect();
        let images = match ecr.images(wanted.spot.repository.as_str(), &targets).await {
            Ok(images) => images,
            Err(error) if is_no_repository(&error) => return Ok(There::default()),
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

    /// Which tags can be moved, by repository: one call for each registry and role. Where that may not be
    /// asked nothing is known.
    async fn fixed(&self, wanted: &[Wanted]) -> HashMap<Spot, Mutability> {
        let mut registries: HashMap<(&str, Option<&str>), Vec<&Spot>> = HashMap::new();
        for one in wanted.iter().filter(|one| !one.tags.is_empty()) {
            let host = one.spot.registry.as_deref().unwrap_or_default();
            registries.entry((host, self.roles.of(&one.spot))).or_default().push(&one.spot);
        }
        let mut rules = HashMap::new();
        for spots in registries.into_values() {
            let Some(first) = spots.first() else { continue };
            let Some(ecr) = self.ecr(first).await else { continue };
            let names: Vec<String> = spots.iter().map(|spot| spot.repository.to_string()).collect();
            match ecr.repositories(&names).await {
                Ok(found) => {
                    for repository in found {
                        let spot =
                            spots.iter().find(|it| it.repository.as_str() == repository.name);
                        rules.extend(spot.map(|spot| ((*spot).clone(), repository.mutability)));
                    }
                }
                Err(error) => tracing::debug!(%error, "whether tags can be moved is not known"),
            }
        }
        rules
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

fn is_no_repository(error: &AwsError) -> bool {
    error.code() == Some("RepositoryNotFoundException")
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
            let also = self.also.iter().map(|tag| Target::Tag(tag.clone()));
            let also = also.filter(|other| other != target);
            let targets: Vec<Target> = std::iter::once(target.clone()).chain(also).collect();
            let images = match ecr.images(spot.repository.as_str(), &targets).await {
                Ok(images) => images,
                Err(error) if is_no_repository(&error) => return Ok(None),
                Err(error) => return Err(failed(error)),
            };
            let is_it = |(asked, _): &&(Target, RegistryImage)| asked == target;
            let Some((_, image)) = images.found.iter().find(is_it) else { return Ok(None) };
            self.keep(spot, image);
            let tags = images.found.iter().filter_map(|(asked, image)| match asked {
                Target::Tag(tag) => Some((tag.clone(), image.digest)),
                Target::Digest(_) => None,
            });
            let there = There {
                present: true,
                platforms: platforms(image),
                tags: tags.collect(),
                fixed_tags: false,
            };
            let mut just = self.just.lock().unwrap_or_else(PoisonError::into_inner);
            just.insert((spot.clone(), image.digest), (Instant::now(), there));
            Ok(Some(Resolved { digest: image.digest, tags: Vec::new() }))
        }
        .boxed()
    }

    fn find<'a>(&'a self, spot: &'a Spot, targets: &'a [Target]) -> Asked<'a, Vec<Option<Digest>>> {
        async move {
            let Some(ecr) = self.ecr(spot).await else {
                return self.others.find(spot, targets).await;
            };
            let images = match ecr.images(spot.repository.as_str(), targets).await {
                Ok(images) => images.found,
                Err(error) if is_no_repository(&error) => Vec::new(),
                Err(error) => return Err(failed(error)),
            };
            let at = |target: &Target| images.iter().find(|(asked, _)| asked == target);
            Ok(targets.iter().map(|target| at(target).map(|(_, image)| image.digest)).collect())
        }
        .boxed()
    }

    fn tags<'a>(&'a self, spot: &'a Spot, digest: &'a Digest) -> Asked<'a, Vec<Tag>> {
        async move {
            let Some(ecr) = self.ecr(spot).await else {
                return self.others.tags(spot, digest).await;
            };
            let target = Target::Digest(*digest);
            match ecr.image_detail(spot.repository.as_str(), &target).await {
                Ok(detail) => {
                    let tags = detail.map(|detail| detail.tags).unwrap_or_default();
                    Ok(tags.iter().filter_map(|tag| tag.parse().ok()).collect())
                }
                Err(error) if is_no_repository(&error) => Ok(Vec::new()),
                Err(error) => Err(failed(error)),
            }
        }
        .boxed()
    }

    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>> {
        async move {
            let mut looks = Vec::with_capacity(wanted.len());
            for one in wanted {
                looks.push(self.there(one).boxed());
            }
            let (there, fixed) = futures::join!(many(looks, AT_ONCE), self.fixed(wanted));
            let mut there: Vec<There> = there.into_iter().collect::<Result<_, _>>()?;
            for (there, wanted) in there.iter_mut().zip(wanted) {
                let cannot_move =
                    |rule: &Mutability| wanted.tags.iter().any(|tag| !rule.can_move(tag.as_str()));
                there.fixed_tags |= fixed.get(&wanted.spot).is_some_and(cannot_move);
            }
            Ok(there)
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
