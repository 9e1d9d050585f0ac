//! Projects: images and services that are released together, and where to.

mod error;
mod hook;
mod local;
mod name;
mod roles;
pub mod section;
mod table;
mod warning;
mod wellcome;
pub(crate) mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Platform, RepositoryName, Tag};

pub use error::ProjectError;
pub use hook::{Hook, Moment};
pub use local::{LocalHealth, LocalRun};
pub use name::is_name;
pub use roles::Roles;
pub use section::{ProjectSection, build};
pub use table::ReleaseTable;
pub use warning::Warning;
pub use wellcome::read as read_wellcome;

/// A project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// Its name.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its images, by name.
    pub images: BTreeMap<String, Image>,
    /// Its services, by name.
    pub services: BTreeMap<String, Service>,
    /// Where it is deployed, by name.
    pub environments: BTreeMap<String, Environment>,
    /// The table of weco-deploy that is read and written besides the store.
    pub table: Option<ReleaseTable>,
}

/// An image of a project: where it is released from, and which services run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where it is released from.
    pub source: Spot,
    /// The AWS role that is assumed to read it there.
    pub role_arn: Option<String>,
    /// Where an environment takes it from, where that is not what the environment says for all.
    pub at: BTreeMap<String, Taken>,
    /// The services that run it; none for an image that only gets its tags.
    pub services: BTreeSet<String>,
}

/// Where an environment takes an image from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The repository.
    pub spot: Spot,
    /// The AWS role that is assumed for it; the environment's where there is none.
    pub role_arn: Option<String>,
}

/// A repository in a registry.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Spot {
    /// The registry's host; none for the built-in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The repository there.
    pub repository: RepositoryName,
}

/// A service of a project.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Service {
    /// Services of a lower wave are done before those of a higher one begin.
    pub wave: u32,
    /// Whether an environment may be without it.
    pub optional: bool,
    /// Whether its task definition is left as it is, and it is only started anew after the tag that
    /// it names has moved.
    pub floating: bool,
    /// The containers that run an image, where that is not told by the containers' repositories.
    pub containers: BTreeMap<String, String>,
    /// What it is called in an environment, where that is not found by its tags.
    pub places: BTreeMap<String, Place>,
    /// What is run once around its change.
    pub hooks: Vec<Hook>,
    /// How it is run where Portolan itself runs it.
    pub local: LocalRun,
}

/// What a service is called where it runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// Its name there; by its tags where there is none.
    pub name: Option<String>,
    /// The cluster it is in; any of the environment's where there is none.
    pub cluster: Option<String>,
    /// The rule of `EventBridge` that runs it by the clock; none for what is a service of ECS.
    pub rule: Option<String>,
    /// How many tasks of it run, where Portolan itself runs it and that differs there.
    pub count: Option<u32>,
    /// Variables that it gets, where Portolan itself runs it, besides those it gets everywhere.
    pub variables: BTreeMap<String, String>,
}

/// Who runs the services of an environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runs {
    /// Amazon ECS.
    #[default]
    Ecs,
    /// Portolan, by podman or docker on this machine; without either it is but recorded.
    Local,
    /// Nobody: what would run is recorded.
    Record,
}

/// Where a project is deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name for people.
    pub title: String,
    /// Who runs its services.
    pub runs: Runs,
    /// The registry that its images are taken from; each image's own where there is none.
    pub registry: Option<String>,
    /// The AWS account.
    pub account: Option<String>,
    /// The AWS region.
    pub region: Option<String>,
    /// The AWS role that is assumed for it.
    pub role_arn: Option<String>,
    /// The ECS clusters that its services are in; any where there is none.
    pub clusters: Vec<String>,
    /// What its images must be built for.
    pub platform: Platform,
    /// Whether a second person must agree.
    pub protected: bool,
    /// Environments in which what comes here must have succeeded first.
    pub after: Vec<String>,
    /// Tags that point to what is deployed there, for people.
    pub tags: Vec<Tag>,
}

impl Project {
    /// The service `id`'s images.
    pub fn images_of(&self, service: &str) -> BTreeSet<&str> {
        self.images
            .iter()
            .filter(|(_, image)| image.services.contains(service))
            .map(|(id, _)| id.as_str())
            .collect()
    }

    /// The environments that a release has been in before it comes to `environment`: those that this
    /// waits for, and those that they wait for.
    pub fn before(&self, environment: &str) -> BTreeSet<&str> {
        let after = |name: &str| {
            let place = self.environments.get(name).into_iter();
            place.flat_map(|place| place.after.iter().map(String::as_str))
        };
        let mut before = BTreeSet::new();
        let mut ask: Vec<&str> = after(environment).collect();
        while let Some(name) = ask.pop() {
            if before.insert(name) {
                ask.extend(after(name));
            }
        }
        before
    }

    /// Where `environment` takes the image `id` from.
    pub fn spot(&self, id: &str, environment: &str) -> Option<Spot> {
        let image = self.images.get(id)?;
        if let Some(taken) = image.at.get(environment) {
            return Some(taken.spot.clone());
        }
        let of_all = self.environments.get(environment)?.registry.clone();
        Some(Spot {
            registry: of_all.or_else(|| image.source.registry.clone()),
            repository: image.source.repository.clone(),
        })
    }
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.registry {
            Some(registry) => write!(f, "{registry}/{}", self.repository),
            None => self.repository.fmt(f),
        }
    }
}
