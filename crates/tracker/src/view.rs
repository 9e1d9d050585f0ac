//! Deployments as they were at a moment: what the store knows of them, put together.

use std::collections::{BTreeMap, HashMap};

use portolan_model::{Digest, Tag, Timestamp, Version};
use portolan_store::{
    Deployment, DeploymentFilter, DeploymentRequest, Page, Store, StoreError, Task,
};

use crate::status::{self, Case, Status, Verdict};

/// Deployments that are looked through at most for one answer.
const MOST: u64 = 10_000;

/// A deployment, seen or asked for, as it was at a moment.
#[derive(Debug, Clone)]
pub struct DeploymentView {
    /// What was seen of it; none for a request that has not become one.
    pub deployment: Option<Deployment>,
    /// What it came from, where it was asked for.
    pub request: Option<DeploymentRequest>,
    /// Its tasks, by task and container.
    pub tasks: Vec<Task>,
    /// How it stands.
    pub verdict: Verdict,
    /// Its version: the tag that it was named by, else the best tag of its image, else the
    /// beginning of the image's digest.
    pub version: String,
    /// The version that the service ran before it in the environment, where there was one.
    pub previous: Option<String>,
    /// Until when it was the newest of its service in its environment.
    pub superseded_at: Option<Timestamp>,
}

/// Which deployments are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What the store can tell by itself.
    pub filter: DeploymentFilter,
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this user, by identity or name.
    pub user: Option<String>,
}

impl DeploymentView {
    /// What the API names it by: the identity under which it was asked for, else its own.
    pub fn id(&self) -> &str {
        let linked = self.deployment.as_ref().and_then(|it| it.fact.request.as_deref());
        let asked = || self.request.as_ref().map(|request| request.id.as_str());
        let own = || self.deployment.as_ref().map(|it| it.fact.id.as_str());
        linked.or_else(asked).or_else(own).unwrap_or_default()
    }

    /// The environment's name.
    pub fn environment(&self) -> &str {
        let of_request = || self.request.as_ref().map(|request| request.environment.as_str());
        let seen = self.deployment.as_ref().map(|it| it.fact.environment.as_str());
        seen.or_else(of_request).unwrap_or_default()
    }

    /// The service.
    pub fn service(&self) -> &str {
        let of_request = || self.request.as_ref().map(|request| request.service.as_str());
        let seen = self.deployment.as_ref().and_then(|it| it.service.as_deref());
        seen.or_else(of_request).unwrap_or_default()
    }

    /// When it was asked for, or made.
    pub fn created_at(&self) -> Timestamp {
        let asked = self.request.as_ref().map(|request| request.at);
        let made = self.deployment.as_ref().map(Deployment::created_at);
        asked.into_iter().chain(made).min().unwrap_or_default()
    }

    /// The name of who asked for it, where that is known.
    pub fn user(&self) -> Option<&str> {
        let request = self.request.as_ref();
        let asked = request.and_then(|it| it.user_name.as_deref().or(it.user_id.as_deref()));
        asked.or_else(|| self.deployment.as_ref()?.fact.deployed_by.as_deref())
    }

    /// When its first task ran.
    pub fn running_since(&self) -> Option<Timestamp> {
        self.tasks.iter().filter_map(|task| task.fact.running_at).min()
    }

    /// Whether it is but recorded, and nothing runs it.
    pub fn is_recorded_only(&self) -> bool {
        !self.tasks.is_empty() && self.tasks.iter().all(|task| task.fact.is_recorded_only())
    }

    /// The image of its first task.
    pub fn digest(&self) -> Option<Digest> {
        self.deployment.as_ref().and_then(|it| it.digest)
    }
}

/// Deployments of one service in one environment, oldest first.
type Line<'a> = Vec<&'a Deployment>;

/// What puts deployments together, for one moment.
pub(crate) struct Assembly<'a> {
    store: &'a Store,
    at: Timestamp,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(store: &'a Store, at: Timestamp) -> Self {
        Self { store, at }
    }

    /// These deployments, with what is known of each. `neighbours` holds those around them.
    pub(crate) async fn views(
        &self,
        wanted: Vec<Deployment>,
        neighbours: &[Deployment],
    ) -> Result<Vec<DeploymentView>, StoreError> {
        let keys: Vec<_> =
            wanted.iter().map(|it| (it.fact.environment.clone(), it.fact.key.clone())).collect();
        let mut tasks = tasks_by_deployment(self.store.tasks_of(&keys).await?);
        let mut requests = self.requests(&wanted).await?;
        let lines = lines(neighbours);
        let names = Names::of(self.store, wanted.iter().chain(neighbours)).await?;
        let views = wanted.into_iter().map(|deployment| {
            let (before, after) = around(&lines, &deployment);
            let key = (deployment.fact.environment.clone(), deployment.fact.key.clone());
            let tasks = tasks.remove(&key).unwrap_or_default();
            let request = requests.remove(&key);
            let case = Case {
                deployment: Some(&deployment),
                request: request.as_ref(),
                tasks: &tasks,
                before,
                after,
            };
            let verdict = status::judge(case, self.at);
            let version = names.version(&deployment);
            let previous = before.map(|before| names.version(before));
            let superseded_at = after.map(Deployment::created_at).filter(|when| *when <= self.at);
            DeploymentView {
                verdict,
                version,
                previous,
                superseded_at,
                request,
                tasks,
                deployment: Some(deployment),
            }
        });
        Ok(views.collect())
    }

    /// A request that has not become a deployment.
    pub(crate) fn unanswered(&self, request: DeploymentRequest) -> DeploymentView {
        let case = Case {
            deployment: None,
            request: Some(&request),
            tasks: &[],
            before: None,
            after: None,
        };
        DeploymentView {
            verdict: status::judge(case, self.at),
            deployment: None,
            version: request.version.clone(),
            tasks: Vec::new(),
            previous: None,
            superseded_at: None,
            request: Some(request),
        }
    }

    /// The requests that these deployments came from, by deployment: by the link that an event
    /// told, else the last request for the same service, environment and version before it.
    pub(crate) async fn requests(
        &self,
        deployments: &[Deployment],
    ) -> Result<HashMap<(String, String), DeploymentRequest>, StoreError> {
        let (Some(first), Some(last)) = (
            deployments.iter().map(Deployment::created_at).min(),
            deployments.iter().map(Deployment::created_at).max(),
        ) else {
            return Ok(HashMap::new());
        };
        let filter = DeploymentFilter {
            from: Some(first.plus_millis(-status::REQUEST_MILLIS)),
            to: Some(last),
            ..DeploymentFilter::default()
        };
        let near = self.store.deployment_requests(&filter, Page::first(MOST)).await?;
        let mut found = HashMap::new();
        for deployment in deployments {
            let linked = match &deployment.fact.request {
                None => None,
                Some(id) => match near.iter().find(|request| request.id == *id) {
                    Some(request) => Some(request.clone()),
                    None => self.store.deployment_request(id).await?,
                },
            };
            let fits = |request: &&DeploymentRequest| answers(deployment, request);
            let request = match (linked, &deployment.fact.request) {
                (Some(request), _) => Some(request),
                (None, Some(_)) => None,
                (None, None) => near.iter().find(fits).cloned(),
            };
            if let Some(request) = request {
                let key = (deployment.fact.environment.clone(), deployment.fact.key.clone());
                found.insert(key, request);
            }
        }
        Ok(found)
    }
}

/// Whether `deployment` may be what `request` asked for, by what it is and when it was made.
pub(crate) fn answers(deployment: &Deployment, request: &DeploymentRequest) -> bool {
    let later = deployment.created_at().millis_since(request.at);
    deployment.fact.environment == request.environment
        && deployment.service.as_ref() == Some(&request.service)
        && deployment.tag.as_ref().is_none_or(|tag| tag.as_str() == request.version)
        && (0..=status::REQUEST_MILLIS).contains(&later)
}

pub(crate) fn tasks_by_deployment(tasks: Vec<Task>) -> HashMap<(String, String), Vec<Task>> {
    let mut by_deployment: HashMap<_, Vec<Task>> = HashMap::new();
    for task in tasks {
        let key = (task.fact.environment.clone(), task.fact.deployment.clone());
        by_deployment.entry(key).or_default().push(task);
    }
    by_deployment
}

fn lines(deployments: &[Deployment]) -> BTreeMap<(&str, &str), Line<'_>> {
    let mut lines: BTreeMap<_, Line<'_>> = BTreeMap::new();
    for deployment in deployments {
        if let Some(service) = &deployment.service {
            let place = (deployment.fact.environment.as_str(), service.as_str());
            lines.entry(place).or_default().push(deployment);
        }
    }
    for line in lines.values_mut() {
        line.sort_by(|a, b| (a.created_at(), &a.fact.key).cmp(&(b.created_at(), &b.fact.key)));
        line.dedup_by(|a, b| a.fact.key == b.fact.key);
    }
    lines
}

/// The deployments of the same service and environment before and after `deployment`.
fn around<'a>(
    lines: &BTreeMap<(&str, &str), Line<'a>>,
    deployment: &Deployment,
) -> (Option<&'a Deployment>, Option<&'a Deployment>) {
    let service = deployment.service.as_deref().unwrap_or_default();
    let Some(line) = lines.get(&(deployment.fact.environment.as_str(), service)) else {
        return (None, None);
    };
    let Some(place) = line.iter().position(|it| it.fact.key == deployment.fact.key) else {
        return (None, None);
    };
    (place.checked_sub(1).and_then(|place| line.get(place).copied()), line.get(place + 1).copied())
}

/// By which names images are known.
pub(crate) struct Names(HashMap<Digest, Tag>);

impl Names {
    /// The names of the images of those deployments that were not named by a tag.
    pub(crate) async fn of(
        store: &Store,
        deployments: impl Iterator<Item = &Deployment>,
    ) -> Result<Self, StoreError> {
        let unnamed = deployments.filter(|it| it.tag.is_none()).filter_map(|it| it.digest);
        Self::of_digests(store, unnamed.collect()).await
    }

    pub(crate) async fn of_digests(
        store: &Store,
        mut digests: Vec<Digest>,
    ) -> Result<Self, StoreError> {
        digests.sort_unstable();
        digests.dedup();
        let mut best: HashMap<Digest, (Option<Version>, Tag)> = HashMap::new();
        for (digest, _, tag) in store.names_of_images(&digests).await? {
            let rank = (tag.as_str().parse::<Version>().ok(), tag);
            let better = best.get(&digest).is_none_or(|known| rank > *known);
            if better {
                best.insert(digest, rank);
            }
        }
        Ok(Self(best.into_iter().map(|(digest, (_, tag))| (digest, tag)).collect()))
    }

    fn version(&self, deployment: &Deployment) -> String {
        self.name(deployment.tag.as_ref(), deployment.digest)
    }

    /// The version of an image that is named by `tag`, or else is `digest`.
    pub(crate) fn name(&self, tag: Option<&Tag>, digest: Option<Digest>) -> String {
        if let Some(tag) = tag {
            return tag.to_string();
        }
        let Some(digest) = digest else { return String::new() };
        self.0.get(&digest).map_or_else(|| short(&digest), ToString::to_string)
    }
}

/// The beginning of a digest that people can tell from others: `sha256:` and twelve digits.
pub fn short(digest: &Digest) -> String {
    digest.to_string().chars().take("sha256:".len() + 12).collect()
}
