//! The services that run the images of a release, by their tags, and what they run.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use portolan_aws::ecs::{ByTags, Desired, Service, Task};
use portolan_model::{Digest, Reference};

use super::{ReleaseItem, Weco, WecoError};
use crate::many::many;

const SERVICE: &str = "deployment:service";
const ENVIRONMENT: &str = "deployment:env";

/// The services of an environment that run the images of a release.
#[derive(Debug, Clone, Default)]
pub struct ServicesFound {
    /// The services of each image of the release; none for one that the project no longer has.
    pub by_image: BTreeMap<String, BTreeSet<String>>,
    /// What ECS says of each that is there.
    pub(super) found: BTreeMap<String, Service>,
    /// Those that are not there.
    pub missing: BTreeSet<String>,
}

impl ServicesFound {
    /// What the services of an image are called in ECS, in order.
    pub fn names(&self, image: &str) -> Vec<&str> {
        let services = self.by_image.get(image).into_iter().flatten();
        let mut names: Vec<_> =
            services.filter_map(|id| Some(self.found.get(id)?.service_name.as_str())).collect();
        names.sort_unstable();
        names
    }

    /// How many were found.
    pub fn count(&self) -> usize {
        self.found.len()
    }
}

impl Weco {
    /// The services that run the images of `release` in `environment`. Two that cannot be told
    /// apart, and one that ECS does not roll out itself, are errors.
    pub async fn services(
        &self,
        release: &ReleaseItem,
        environment: &str,
    ) -> Result<ServicesFound, WecoError> {
        self.environment(environment)?;
        let images = &self.project.project.images;
        let of = |id: &str| images.get(id).map(|image| image.services.clone()).unwrap_or_default();
        let all = release.images();
        let by_image: BTreeMap<String, BTreeSet<String>> =
            all.keys().map(|id| ((*id).to_owned(), of(id))).collect();
        let wanted = all.iter().filter(|(_, name)| name.is_some());
        let values: BTreeSet<String> = wanted.flat_map(|(id, _)| of(id)).collect();
        let by = ByTags {
            clusters: Vec::new(),
            equal: [(ENVIRONMENT.to_owned(), environment.to_owned())].into(),
            key: SERVICE.to_owned(),
            values: values.clone(),
        };
        let mut found: BTreeMap<String, Service> = BTreeMap::new();
        for service in self.ecs.find_services(&by).await? {
            let id = service.tag(SERVICE).unwrap_or_default().to_owned();
            if service.controller() != "ECS" {
                let controller = service.controller().to_owned();
                return Err(WecoError::Controller { service: service.service_arn, controller });
            }
            let arn = service.service_arn.clone();
            if let Some(other) = found.insert(id.clone(), service) {
                let found = vec![other.service_arn, arn];
                let environment = environment.to_owned();
                return Err(WecoError::Several { service: id, environment, found });
            }
        }
        let missing = values.into_iter().filter(|id| !found.contains_key(id)).collect();
        Ok(ServicesFound { by_image, found, missing })
    }

    /// The tasks of `services` that shall run, by service.
    pub(super) async fn tasks<'a>(
        &self,
        services: &BTreeMap<&'a str, &Service>,
    ) -> Result<BTreeMap<&'a str, Vec<Task>>, WecoError> {
        let clusters: BTreeSet<&str> =
            services.values().map(|service| service.cluster_arn.as_str()).collect();
        let reads = clusters
            .into_iter()
            .map(|cluster| async move { self.ecs.tasks(cluster, Desired::Running).await }.boxed());
        // One question for tasks is asked in several calls at a time.
        let mut tasks: BTreeMap<&str, Vec<Task>> = BTreeMap::new();
        for read in many(reads.collect(), 1).await {
            for task in read?.described {
                let name = task.group.as_deref().and_then(|group| group.strip_prefix("service:"));
                let own = services.iter().find(|(_, service)| {
                    service.cluster_arn == task.cluster_arn
                        && Some(service.service_name.as_str()) == name
                });
                if let Some((id, _)) = own {
                    tasks.entry(id).or_default().push(task);
                }
            }
        }
        Ok(tasks)
    }
}

/// The digests that containers of `tasks` from `repository` run, with the name of each container
/// and the image that its definition names. Sidecars from elsewhere are nobody's concern.
pub(super) fn running<'a>(
    tasks: &'a [Task],
    repository: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, Option<Digest>)> {
    let containers = tasks.iter().flat_map(|task| &task.containers);
    let own = containers.filter(move |container| {
        let named = container.image.parse::<Reference>().ok();
        named.is_some_and(|image| image.repository.as_str() == repository)
    });
    own.map(|container| {
        let digest = container.image_digest.as_deref().and_then(|text| text.parse().ok());
        (container.name.as_str(), container.image.as_str(), digest)
    })
}
