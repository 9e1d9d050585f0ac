//! Projects as `portolan.toml` describes them, under `[projects.NAME]`.

mod build;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::table::TableSection;
use super::{LocalRun, Moment, Runs};

pub use build::build;

/// `[projects.NAME]`. What it says comes on top of what its file says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectSection {
    /// A `.wellcome_project` file that describes it.
    pub file: Option<PathBuf>,
    /// The project in that file, where it is called otherwise there.
    pub project: Option<String>,
    /// Its name for people.
    pub title: Option<String>,
    /// Whether the task definitions of all its services are left as they are.
    pub floating: Option<bool>,
    /// The table in which weco-deploy keeps its releases, where that is read and written too.
    pub table: Option<TableSection>,
    /// Its images.
    pub images: BTreeMap<String, ImageSection>,
    /// Its services, where there is more to say of them than which images they run.
    pub services: BTreeMap<String, ServiceSection>,
    /// Where it is deployed.
    pub environments: BTreeMap<String, EnvironmentSection>,
}

/// `[projects.NAME.images.IMAGE]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImageSection {
    /// Where it is released from: `[registry/]repository`; the built-in registry where none is
    /// named.
    pub repository: Option<String>,
    /// The AWS role that is assumed to read it there.
    pub role_arn: Option<String>,
    /// Where an environment takes it from, by environment.
    pub at: BTreeMap<String, AtSection>,
    /// The services that run it.
    pub services: Option<BTreeSet<String>>,
}

/// `projects.NAME.images.IMAGE.at.ENVIRONMENT`: `[registry/]repository`, or that with more.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a repository, or a table of `repository` and `role_arn`")]
pub enum AtSection {
    /// `[registry/]repository`.
    Repository(String),
    /// The same, and who reads and writes there.
    Place(AtPlace),
}

/// A repository, and who reads and writes there.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtPlace {
    /// `[registry/]repository`.
    pub repository: String,
    /// The AWS role that is assumed for it; the environment's where there is none.
    pub role_arn: Option<String>,
}

/// `[projects.NAME.services.SERVICE]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSection {
    /// Services of a lower wave are done before those of a higher one begin.
    pub wave: Option<u32>,
    /// Whether an environment may be without it.
    pub optional: Option<bool>,
    /// Whether its task definition is left as it is.
    pub floating: Option<bool>,
    /// The container of each image, where their repositories do not tell.
    pub containers: BTreeMap<String, String>,
    /// What it is called in an environment.
    pub environments: BTreeMap<String, PlaceSection>,
    /// What is run once around its change.
    pub hooks: Vec<HookSection>,
    /// How it is run on this machine.
    pub local: Option<LocalRun>,
}

/// `[projects.NAME.services.SERVICE.environments.ENVIRONMENT]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceSection {
    /// Its name there.
    pub name: Option<String>,
    /// The cluster it is in.
    pub cluster: Option<String>,
    /// The rule of `EventBridge` that runs it by the clock.
    pub rule: Option<String>,
    /// How many tasks of it run, on this machine.
    pub count: Option<u32>,
    /// Variables that it gets, on this machine.
    pub variables: BTreeMap<String, String>,
}

/// `[[projects.NAME.services.SERVICE.hooks]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookSection {
    /// What it is called.
    pub name: String,
    /// When it runs.
    #[serde(rename = "when")]
    pub moment: Moment,
    /// The container whose command is replaced.
    pub container: Option<String>,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// For how many seconds it may run: 600 where nothing is told.
    pub seconds: Option<u32>,
}

/// `[projects.NAME.environments.ENVIRONMENT]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentSection {
    /// Its name for people.
    pub title: Option<String>,
    /// Who runs its services.
    pub runs: Option<Runs>,
    /// The registry that its images are taken from.
    pub registry: Option<String>,
    /// The AWS account.
    pub account: Option<String>,
    /// The AWS region.
    pub region: Option<String>,
    /// The AWS role that is assumed for it.
    pub role_arn: Option<String>,
    /// The ECS clusters that its services are in.
    pub clusters: Option<Vec<String>>,
    /// What its images must be built for.
    pub platform: Option<String>,
    /// Whether a second person must agree.
    pub protected: Option<bool>,
    /// Environments in which what comes here must have succeeded first.
    pub after: Option<Vec<String>>,
    /// Tags that point to what is deployed there: `env.ENVIRONMENT` where nothing is told.
    pub tags: Option<Vec<String>>,
}
