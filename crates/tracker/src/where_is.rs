//! Where something runs: from a fact about images to the services and tasks that run them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};
use portolan_store::{Deployment, DeploymentRequest, Origin, StoreError, Task};

use crate::Tracker;
use crate::view::{Assembly, Names};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// An image, an index that it is part of, or an image that is part of it.
    Digest(Digest),
    /// Every image that the tag has pointed to, or that the repository has.
    Image(RepositoryName, Option<Tag>),
    /// Images built from a commit that starts so.
    Commit(String),
    /// Images that show this path to a container.
    Path(String),
    /// Images that have this label with this value.
    Label(String, String),
}

/// Tasks of one deployment that run an image.
#[derive(Debug, Clone)]
pub struct Found {
    /// The environment's name.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The image.
    pub digest: Digest,
    /// The image as the task definition names it.
    pub image: String,
    /// The version.
    pub version: String,
    /// What the image says of where it came from.
    pub origin: Origin,
    /// The tasks, by name; each once, whatever its containers.
    pub tasks: Vec<String>,
    /// Since when the first of them runs.
    pub since: Timestamp,
    /// The deployment that they are of.
    pub deployment: Option<Cause>,
}

/// A deployment, as the cause of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What the API names it by, as in [`DeploymentView::id`](crate::DeploymentView::id).
    pub id: String,
    /// When it was asked for, or made.
    pub created_at: Timestamp,
    /// The name of who asked for it, where that is known.
    pub user: Option<String>,
}

impl Cause {
    fn of(seen: &Deployment, request: Option<&DeploymentRequest>) -> Self {
        let asked = request.and_then(|it| it.user_name.clone().or_else(|| it.user_id.clone()));
        let id = seen.fact.request.clone().or_else(|| request.map(|it| it.id.clone()));
        Self {
            id: id.unwrap_or_else(|| seen.fact.id.clone()),
            created_at: request.map_or(seen.created_at(), |it| it.at.min(seen.created_at())),
            user: asked.or_else(|| seen.fact.deployed_by.clone()),
        }
    }
}

/// Where something ran at a moment.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// Images that fit, whether they run or not, with the indexes that they are part of.
    pub images: u64,
    /// What runs them; by service, then in the order of promotion, then by image.
    pub found: Vec<Found>,
}

impl Tracker {
    /// Where `fact` runs at `at`, in these environments or, where none is named, in all.
    pub async fn whereabouts(
        &self,
        fact: &Fact,
        environments: &[String],
        at: Timestamp,
    ) -> Result<Whereabouts, StoreError> {
        let digests = self.images(fact, at).await?;
        let tasks = self.store().tasks_running(&digests, environments, at).await?;
        let keys: BTreeSet<(String, String)> = tasks
            .iter()
            .map(|task| (task.fact.environment.clone(), task.fact.deployment.clone()))
            .collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let seen = self.store().deployments_keyed(&keys).await?;
        // Nothing that needs all tasks of a deployment: there may be thousands.
        let requests = Assembly::new(self.store(), at).requests(&seen).await?;
        let causes = seen
            .into_iter()
            .map(|it| {
                let key = (it.fact.environment.clone(), it.fact.key.clone());
                let cause = Cause::of(&it, requests.get(&key));
                (key, cause)
            })
            .collect();
        let running: BTreeSet<Digest> = tasks.iter().filter_map(|task| task.digest).collect();
        let running: Vec<_> = running.into_iter().collect();
        let origins = self.store().origins(&running).await?.into_iter().collect();
        let names = Names::of_digests(self.store(), running).await?;
        let mut found = gather(&tasks, &names, &origins, &causes);
        let places = &self.rules().places;
        found.sort_by(|a, b| {
            let order = |it: &Found| {
                let place = (places.rank(&it.environment), it.environment.clone());
                (it.service.clone(), place, it.image.clone(), it.since)
            };
            order(a).cmp(&order(b))
        });
        Ok(Whereabouts { images: digests.len() as u64, found })
    }

    /// The images that `fact` is true of, with their indexes and parts.
    async fn images(&self, fact: &Fact, at: Timestamp) -> Result<Vec<Digest>, StoreError> {
        let store = self.store();
        let digests = match fact {
            Fact::Digest(digest) => vec![*digest],
            Fact::Image(repository, tag) => {
                store.digests_of_reference(repository, tag.as_ref(), at).await?
            }
            Fact::Commit(commit) => store.digests_of_commit(commit).await?,
            // An index does not say which of its images a task runs, so a path of one counts.
            Fact::Path(path) => {
                let images = store.images_showing(path).await?;
                return store.image_indexes(&images).await;
            }
            Fact::Label(name, value) => store.digests_with_label(name, value).await?,
        };
        store.image_family(&digests).await
    }
}

/// Tasks together with those of the same deployment and image.
fn gather(
    tasks: &[Task],
    names: &Names,
    origins: &HashMap<Digest, Origin>,
    causes: &HashMap<(String, String), Cause>,
) -> Vec<Found> {
    let mut found: BTreeMap<(&str, &str, Digest, &str, &str), Found> = BTreeMap::new();
    for task in tasks {
        let (Some(digest), Some(service), Some(since)) =
            (task.digest, task.service.as_deref(), task.fact.running_at)
        else {
            continue;
        };
        let fact = &task.fact;
        let place = (fact.environment.as_str(), fact.deployment.as_str(), digest, service);
        let place = (place.0, place.1, place.2, place.3, fact.image.as_str());
        let known = found.entry(place).or_insert_with(|| Found {
            environment: fact.environment.clone(),
            service: service.to_owned(),
            digest,
            image: fact.image.clone(),
            version: names.name(fact.tag.as_ref(), Some(digest)),
            origin: origins.get(&digest).cloned().unwrap_or_default(),
            tasks: Vec::new(),
            since,
            deployment: causes.get(&(fact.environment.clone(), fact.deployment.clone())).cloned(),
        });
        // Tasks come by name, so that those of several containers are neighbours.
        if known.tasks.last() != Some(&fact.id) {
            known.tasks.push(fact.id.clone());
        }
        known.since = known.since.min(since);
    }
    found.into_values().collect()
}
