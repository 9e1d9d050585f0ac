//! Registries that speak the OCI distribution protocol.

use std::sync::Arc;

use futures::FutureExt as _;
use portolan_model::{Digest, Platform, RepositoryName, Tag, Target};
use portolan_oci::{Client, CopyOptions, Fetched, Manifest, Place, PlaceError, copy};

use super::logins::RoleLogins;
use super::{Images, Resolved, There, Wanted};
use crate::many::many;
use crate::project::Spot;
use crate::target::{Asked, TargetError};

/// Images that are asked about at once.
const AT_ONCE: usize = 8;

/// Registries that speak the OCI distribution protocol.
#[derive(Debug, Clone)]
pub struct OciImages {
    client: Client,
    builtin: Option<String>,
    roles: Option<Arc<RoleLogins>>,
}

impl OciImages {
    /// Registries as `client` reaches them; `builtin` is the host of the built-in one, where it is
    /// reached at all.
    pub fn new(client: Client, builtin: Option<String>) -> Self {
        Self { client, builtin, roles: None }
    }

    /// The same, in a role where one is told.
    pub fn with_roles(self, roles: RoleLogins) -> Self {
        Self { roles: Some(Arc::new(roles)), ..self }
    }

    fn host<'a>(&'a self, spot: &'a Spot) -> Option<&'a str> {
        spot.registry.as_deref().or(self.builtin.as_deref())
    }

    fn open(&self, spot: &Spot) -> Result<Place, TargetError> {
        let doing = || format!("reach the repository {spot}");
        let Some(host) = self.host(spot) else {
            let why = "the built-in registry is not reached from here";
            return Err(TargetError::new(doing(), false, why));
        };
        let in_role = self.roles.as_ref().map(|roles| roles.client(&self.client, spot));
        let client = in_role.as_ref().unwrap_or(&self.client);
        let repository = client.repository(host, &spot.repository);
        repository.map(Place::Registry).map_err(|error| TargetError::new(doing(), false, error))
    }

    async fn there(&self, wanted: &Wanted) -> Result<There, TargetError> {
        let doing = || format!("look for {} in {}", wanted.digest, wanted.spot);
        let failed = |error: PlaceError| TargetError::new(doing(), error.is_transient(), error);
        let place = self.open(&wanted.spot)?;
        let mut there = There::default();
        match place.manifest(&Target::Digest(wanted.digest)).await {
            Ok(fetched) => {
                there.present = true;
                there.platforms = platforms(&place, &fetched).await.map_err(failed)?;
            }
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(failed(error)),
        }
        for tag in &wanted.tags {
            let found = place.resolve(&Target::Tag(tag.clone())).await.map_err(failed)?;
            there.tags.extend(found.map(|digest| (tag.clone(), digest)));
        }
        Ok(there)
    }
}

/// What an image is built for.
async fn platforms(place: &Place, fetched: &Fetched) -> Result<Vec<Platform>, PlaceError> {
    match &fetched.manifest {
        Manifest::Index(_) => Ok(listed(&fetched.manifest)),
        Manifest::Image(image) if fetched.manifest.is_runnable() => {
            Ok(place.config(&image.config).await?.platform.into_iter().collect())
        }
        Manifest::Image(_) => Ok(Vec::new()),
    }
}

/// What the images of an index are built for.
pub(super) fn listed(manifest: &Manifest) -> Vec<Platform> {
    let platforms = manifest.children().iter().filter_map(|child| child.platform.clone());
    // What is about an image is listed beside it, for no platform.
    platforms.filter(|platform| platform.os != "unknown").collect()
}

impl Images for OciImages {
    fn place(&self, spot: &Spot) -> String {
        let name = |name: &RepositoryName| name.to_string();
        self.host(spot).map_or_else(
            || name(&spot.repository),
            |host| format!("{host}/{}", name(&spot.repository)),
        )
    }

    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Target) -> Asked<'a, Option<Resolved>> {
        async move {
            let found = self.open(spot)?.resolve(target).await.map_err(|error| {
                let doing = format!("look for {target} in {spot}");
                TargetError::new(doing, error.is_transient(), error)
            })?;
            Ok(found.map(|digest| Resolved { digest, tags: Vec::new() }))
        }
        .boxed()
    }

    fn find<'a>(&'a self, spot: &'a Spot, targets: &'a [Target]) -> Asked<'a, Vec<Option<Digest>>> {
        async move {
            let finds = targets.iter().map(|target| self.resolve(spot, target)).collect();
            let found: Result<Vec<_>, _> = many(finds, AT_ONCE).await.into_iter().collect();
            Ok(found?.into_iter().map(|found| found.map(|it| it.digest)).collect())
        }
        .boxed()
    }

    fn tags<'a>(&'a self, _: &'a Spot, _: &'a Digest) -> Asked<'a, Vec<Tag>> {
        // The protocol tells where a tag points, and not what points to an image.
        std::future::ready(Ok(Vec::new())).boxed()
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
        async move {
            let (source, destination) = (self.open(from)?, self.open(to)?);
            let target = Target::Digest(*digest);
            let options = CopyOptions { referrers: true, ..CopyOptions::default() };
            let copied = copy(&source, &target, &destination, None, &options).await;
            copied.map(|_| ()).map_err(|error| {
                let doing = format!("copy {digest} from {from} to {to}");
                let transient = matches!(&error, portolan_oci::copy::CopyError::Place(place) if place.is_transient());
                TargetError::new(doing, transient, error)
            })
        }
        .boxed()
    }

    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()> {
        async move {
            let doing = || format!("point {spot}:{tag} to {digest}");
            let place = self.open(spot)?;
            let put = place.tag(&Target::Digest(*digest), tag).await;
            let put =
                put.map_err(|error| TargetError::new(doing(), error.is_transient(), error))?;
            if put == *digest {
                return Ok(());
            }
            Err(TargetError::new(doing(), false, format!("the registry says that it is {put}")))
        }
        .boxed()
    }
}
