//! Finding services, and what they run.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::FutureExt as _;
use portolan_aws::ecs::{ByTags, Desired, Service, ServiceKey, Task, TaskDefinition};
use portolan_model::{Digest, Reference};

use super::{AT_ONCE, EcsTarget, failed, id};
use crate::many::many;
use crate::target::{Controller, Found, Seen, SeenContainer, TargetError};

/// The tag that says which service of the project a service is.
const SERVICE: &str = "deployment:service";
/// The tag that says which environment it is in.
const ENVIRONMENT: &str = "deployment:env";

impl EcsTarget {
    pub(super) async fn found(
        &self,
        wanted: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Found>, TargetError> {
        let mut by_name: BTreeMap<String, Vec<Service>> =
            wanted.iter().map(|name| (name.clone(), Vec::new())).collect();
        let (named, tagged) = (self.named(wanted).await?, self.tagged(wanted).await?);
        for (name, service) in named.into_iter().chain(tagged) {
            by_name.entry(name).or_default().push(service);
        }
        let all: Vec<&Service> = by_name.values().flatten().collect();
        for service in &all {
            self.keep(service);
        }
        let tasks = self.tasks_of(&all).await?;
        let definitions = self.definitions_of(&all, &tasks).await?;
        let ruled = self.ruled(wanted).await?;
        let found = by_name.iter().map(|(name, services)| {
            let found = match services.as_slice() {
                [] => Found::None,
                [one] => Found::One(Box::new(seen(one, &definitions, &tasks))),
                several => Found::Several(several.iter().map(id).collect()),
            };
            (name.clone(), found)
        });
        Ok(found.chain(ruled).collect())
    }

    /// Those of `wanted` that the project gives a name in the environment.
    async fn named(
        &self,
        wanted: &BTreeSet<String>,
    ) -> Result<Vec<(String, Service)>, TargetError> {
        let mut keys: HashMap<ServiceKey, &String> = HashMap::new();
        for name in wanted {
            if let Some((cluster, service)) = self.place(name) {
                keys.insert(ServiceKey { cluster, service }, name);
            }
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let asked: Vec<ServiceKey> = keys.keys().cloned().collect();
        let found = self.ecs.describe_services(&asked).await.map_err(failed)?;
        let named = found.services.into_iter().filter(is_there).filter_map(|service| {
            let own = id(&service);
            let is_it =
                |key: &&ServiceKey| format!("{}/{}", last(&key.cluster), last(&key.service)) == own;
            let name = (*keys.get(keys.keys().find(is_it)?)?).clone();
            Some((name, service))
        });
        Ok(named.collect())
    }

    /// Cluster and name of a service that has them from the project.
    fn place(&self, service: &str) -> Option<(String, String)> {
        let place = self.project.services.get(service)?.places.get(&self.environment)?;
        let name = place.name.clone()?;
        let clusters = self.project.environments.get(&self.environment);
        let first = clusters.and_then(|place| place.clusters.first().cloned());
        let cluster = place.cluster.clone().or(first).unwrap_or_else(|| "default".to_owned());
        Some((cluster, name))
    }

    async fn tagged(
        &self,
        wanted: &BTreeSet<String>,
    ) -> Result<Vec<(String, Service)>, TargetError> {
        let values = wanted.iter().filter(|name| self.place(name).is_none()).cloned();
        let values: BTreeSet<String> = values.filter(|name| self.rule_of(name).is_none()).collect();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let clusters = self.project.environments.get(&self.environment);
        let by = ByTags {
            clusters: clusters.map(|place| place.clusters.clone()).unwrap_or_default(),
            equal: [(ENVIRONMENT.to_owned(), self.environment.clone())].into(),
            key: SERVICE.to_owned(),
            values,
        };
        let found = self.ecs.find_services(&by).await.map_err(failed)?;
        let named = |service: Service| {
            let name = service.tag(SERVICE)?.to_owned();
            Some((name, service))
        };
        Ok(found.into_iter().filter(is_there).filter_map(named).collect())
    }

    /// The definitions of the services whose tasks do not tell what their containers are.
    async fn definitions_of(
        &self,
        services: &[&Service],
        tasks: &HashMap<String, Vec<Task>>,
    ) -> Result<HashMap<String, TaskDefinition>, TargetError> {
        let untold = services.iter().filter(|service| told(service, tasks).is_none());
        let arns: BTreeSet<&str> = untold.filter_map(|service| current(service)).collect();
        let mut reads = Vec::new();
        for arn in &arns {
            reads.push(self.definition(arn).boxed());
        }
        let mut definitions = HashMap::new();
        for (arn, definition) in arns.iter().zip(many(reads, AT_ONCE).await) {
            definitions.insert((*arn).to_owned(), definition?);
        }
        Ok(definitions)
    }

    /// Whether a definition names every image of the project by its digest.
    fn is_pinned(&self, definition: &TaskDefinition) -> bool {
        definition
            .images()
            .into_iter()
            .all(|(container, image)| pinned(image).is_some() || !self.is_own(container, image))
    }

    /// Whether a container may be one that runs an image of the project: by its name, or by the
    /// repository of its image.
    fn is_own(&self, container: &str, image: &str) -> bool {
        let named = |service: &crate::project::Service| {
            service.containers.values().any(|name| name == container)
        };
        let Ok(reference) = image.parse::<Reference>() else { return true };
        let is_there = |spot: &crate::project::Spot| spot.repository == reference.repository;
        self.project.services.values().any(named)
            || self.project.images.values().any(|image| {
                is_there(&image.source) || image.at.values().any(|taken| is_there(&taken.spot))
            })
    }

    /// Tasks of the services whose definitions, as far as they are known, do not tell what runs; by
    /// service.
    async fn tasks_of(
        &self,
        services: &[&Service],
    ) -> Result<HashMap<String, Vec<Task>>, TargetError> {
        let told = |service: &Service| {
            let definition = current(service).and_then(|arn| self.definitions.get(arn));
            is_settled(service) && definition.is_some_and(|it| self.is_pinned(&it))
        };
        let unknown: BTreeSet<&str> = services
            .iter()
            .filter(|service| !told(service) && service.running_count > 0)
            .map(|service| service.cluster_arn.as_str())
            .collect();
        let mut reads = Vec::new();
        for cluster in unknown {
            reads.push(self.ecs.tasks(cluster, Desired::Running).boxed());
        }
        let mut by_service: HashMap<String, Vec<Task>> = HashMap::new();
        for tasks in many(reads, AT_ONCE).await {
            for task in tasks.map_err(failed)?.described {
                let group = task.group.as_deref().and_then(|group| group.strip_prefix("service:"));
                if let Some(name) = group {
                    let of = format!("{}/{name}", last(&task.cluster_arn));
                    by_service.entry(of).or_default().push(task);
                }
            }
        }
        Ok(by_service)
    }
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

fn is_there(service: &Service) -> bool {
    service.status.as_deref() == Some("ACTIVE")
}

/// The definition that a service shall have.
fn current(service: &Service) -> Option<&str> {
    let of_primary = service.primary().and_then(|primary| primary.task_definition.as_deref());
    of_primary.or(service.task_definition.as_deref())
}

/// Whether all tasks of a service are of its one deployment.
fn is_settled(service: &Service) -> bool {
    service.deployments.len() == 1
        && service.running_count == service.desired_count
        && service.pending_count == 0
}

fn pinned(image: &str) -> Option<Digest> {
    image.parse::<Reference>().ok()?.digest
}

fn seen(
    service: &Service,
    definitions: &HashMap<String, TaskDefinition>,
    tasks: &HashMap<String, Vec<Task>>,
) -> Seen {
    let arn = current(service);
    let defined = arn.and_then(|arn| definitions.get(arn)).map(TaskDefinition::images);
    let images = told(service, tasks).or(defined);
    let own = tasks.get(&id(service));
    let containers = images.unwrap_or_default().into_iter().map(|(name, image)| {
        let runs = match own {
            Some(tasks) => running(tasks, name),
            // All of its tasks are as the definition says.
            None if service.running_count > 0 => pinned(image).into_iter().collect(),
            None => BTreeSet::new(),
        };
        SeenContainer { name: name.to_owned(), image: image.to_owned(), runs }
    });
    let controller = match service.controller() {
        "ECS" => Controller::Own,
        other => Controller::Other(other.to_owned()),
    };
    Seen {
        id: id(service),
        controller,
        definition: arn.map(str::to_owned),
        deployment: service.primary().map(|primary| primary.id.clone()),
        desired: u64::try_from(service.desired_count).unwrap_or(0),
        containers: containers.collect(),
    }
}

/// A service's containers with the images that they name, by one of its tasks that is as its
/// definition says now.
fn told<'a>(
    service: &Service,
    tasks: &'a HashMap<String, Vec<Task>>,
) -> Option<BTreeMap<&'a str, &'a str>> {
    let own = tasks.get(&id(service))?;
    let task = own.iter().find(|task| task.task_definition_arn.as_deref() == current(service))?;
    Some(task.containers.iter().map(|it| (it.name.as_str(), it.image.as_str())).collect())
}

/// The images that a container of tasks runs.
fn running(tasks: &[Task], container: &str) -> BTreeSet<Digest> {
    let containers = tasks.iter().flat_map(|task| &task.containers);
    let named = containers.filter(|it| it.name == container);
    named.filter_map(|it| it.image_digest.as_deref()?.parse().ok()).collect()
}
