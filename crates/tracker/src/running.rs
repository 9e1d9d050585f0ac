//! What runs where, at any moment.

use std::collections::{BTreeMap, HashMap};

use portolan_model::{Digest, Tag, Timestamp};
use portolan_store::{Deployment, DeploymentFilter, StoreError, Task, TaskFilter};

use crate::Tracker;
use crate::status::{Counts, Phase, Status, phase};
use crate::view::{Assembly, DeploymentView, Names};

/// Deployments of each service and environment that are looked at: the one that counts, and those
/// that tell whether it went back.
const DEPTH: u64 = 3;

/// What runs where, at one moment.
#[derive(Debug, Clone)]
pub struct Running {
    /// The moment.
    pub at: Timestamp,
    /// One for each service in each environment in which something of it was ever deployed; by
    /// service, then in the order of promotion.
    pub cells: Vec<Cell>,
    /// Tasks that are there and whose image is not known; 0 where one service was asked for.
    pub held: u64,
}

/// One service in one environment.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The environment's name.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The newest deployment.
    pub newest: DeploymentView,
    /// Its tasks of all deployments, by phase.
    pub counts: Counts,
    /// What runs: each image with how many tasks run it, most first.
    pub images: Vec<RunningImage>,
    /// Whether some of what runs is but recorded, and nothing runs it.
    pub recorded_only: bool,
}

/// An image that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningImage {
    /// The image.
    pub digest: Option<Digest>,
    /// The image as the task definition names it.
    pub image: String,
    /// The version.
    pub version: String,
    /// Tasks that run it.
    pub tasks: u64,
    /// Since when the first of them runs.
    pub since: Timestamp,
    /// The key of the newest deployment whose tasks run it.
    pub deployment: String,
}

/// Which services are wanted, and where.
#[derive(Debug, Clone, Default)]
pub struct RunningFilter {
    /// Only in these environments, where any is named.
    pub environments: Vec<String>,
    /// Only this service.
    pub service: Option<String>,
}

impl Cell {
    /// Whether something of it runs.
    pub fn runs(&self) -> bool {
        !self.images.is_empty()
    }

    /// The version that runs, or, where nothing does, that of the newest deployment.
    pub fn version(&self) -> &str {
        let newest = self.images.iter().find(|image| self.is_newest(image));
        newest.or(self.images.first()).map_or(&self.newest.version, |image| &image.version)
    }

    /// Whether tasks run another image than that of the newest deployment, though it is complete.
    pub fn drifts(&self) -> bool {
        self.newest.verdict.status == Status::Running
            && self.newest.verdict.finished_at.is_some()
            && self.images.iter().any(|image| image.digest != self.newest.digest())
    }

    fn is_newest(&self, image: &RunningImage) -> bool {
        self.newest.deployment.as_ref().is_some_and(|it| it.fact.key == image.deployment)
    }
}

impl Tracker {
    /// What ran where at `at`.
    pub async fn running(
        &self,
        at: Timestamp,
        filter: &RunningFilter,
    ) -> Result<Running, StoreError> {
        let store = self.store();
        let one = match filter.environments.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let tasks = store
            .tasks(&TaskFilter {
                at: Some(at),
                environment: one,
                service: filter.service.clone(),
                ..TaskFilter::default()
            })
            .await?;
        let deployments = DeploymentFilter {
            environments: filter.environments.clone(),
            services: filter.service.clone().map(|service| vec![service]),
            ..DeploymentFilter::default()
        };
        let latest = store.latest_deployments(at, DEPTH, &deployments).await?;
        let (wanted, known) = (newest_of(&latest), by_key(&latest));
        let views = Assembly::new(store, at).views(wanted, &latest).await?;
        let unnamed =
            tasks.iter().filter(|task| task.fact.tag.is_none()).filter_map(|task| task.digest);
        let names = Names::of_digests(store, unnamed.collect()).await?;
        let mut by_place: HashMap<(String, String), Vec<Task>> = HashMap::new();
        for task in tasks {
            let place = (task.fact.environment.clone(), task.service.clone().unwrap_or_default());
            by_place.entry(place).or_default().push(task);
        }
        let mut cells: Vec<Cell> = views
            .into_iter()
            .map(|newest| {
                let place = (newest.environment().to_owned(), newest.service().to_owned());
                let tasks = by_place.remove(&place).unwrap_or_default();
                cell(place, newest, &tasks, &known, &names, at)
            })
            .collect();
        let places = &self.rules().places;
        cells.sort_by(|a, b| {
            let rank = |cell: &Cell| places.rank(&cell.environment);
            (&a.service, rank(a), &a.environment).cmp(&(&b.service, rank(b), &b.environment))
        });
        // A held task is of no service yet: where one is asked for, there is nothing to count.
        let held = if filter.service.is_some() { 0 } else { store.tasks_held(at).await? };
        Ok(Running { at, cells, held })
    }
}

/// The newest deployment of each service in each environment; `latest` is newest first.
fn newest_of(latest: &[Deployment]) -> Vec<Deployment> {
    let mut newest: BTreeMap<(&str, Option<&str>), &Deployment> = BTreeMap::new();
    for deployment in latest {
        let place = (deployment.fact.environment.as_str(), deployment.service.as_deref());
        let best = newest.entry(place).or_insert(deployment);
        let rank = |it: &Deployment| (it.created_at(), it.fact.key.clone());
        if rank(deployment) > rank(best) {
            *best = deployment;
        }
    }
    newest.into_values().cloned().collect()
}

fn by_key(latest: &[Deployment]) -> HashMap<(&str, &str), Timestamp> {
    latest
        .iter()
        .map(|it| ((it.fact.environment.as_str(), it.fact.key.as_str()), it.created_at()))
        .collect()
}

fn cell(
    (environment, service): (String, String),
    newest: DeploymentView,
    tasks: &[Task],
    known: &HashMap<(&str, &str), Timestamp>,
    names: &Names,
    at: Timestamp,
) -> Cell {
    let mut counts = Counts::default();
    let mut recorded_only = false;
    let mut images: HashMap<(Option<Digest>, Option<&Tag>), RunningImage> = HashMap::new();
    let made = |deployment: &str| known.get(&(environment.as_str(), deployment)).copied();
    for task in tasks {
        let Some((phase, since)) = phase(task, at) else { continue };
        counts.add(phase);
        if phase != Phase::Running {
            continue;
        }
        recorded_only |= task.fact.is_recorded_only();
        let tag = task.fact.tag.as_ref();
        let image = images.entry((task.digest, tag)).or_insert_with(|| RunningImage {
            digest: task.digest,
            image: task.fact.image.clone(),
            version: names.name(tag, task.digest),
            tasks: 0,
            since,
            deployment: task.fact.deployment.clone(),
        });
        image.tasks += 1;
        image.since = image.since.min(since);
        if (made(&task.fact.deployment), &task.fact.deployment)
            > (made(&image.deployment), &image.deployment)
        {
            image.deployment.clone_from(&task.fact.deployment);
        }
    }
    let mut images: Vec<_> = images.into_values().collect();
    images.sort_by(|a, b| b.tasks.cmp(&a.tasks).then_with(|| a.image.cmp(&b.image)));
    Cell { environment, service, newest, counts, images, recorded_only }
}
