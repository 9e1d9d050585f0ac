//! Asking ECS what runs, every now and then, for what no event told.
//!
//! What ECS says is not written into the tables of what runs, but said as an event, so that there is
//! one way in: an event of ECS's that comes late changes nothing any more. Only what differs from
//! what is known is said.

mod clusters;
mod compare;
mod say;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use metrics::Label;
use portolan_aws::AwsError;
use portolan_aws::ecs::{Desired, Ecs, Service, Task};
use portolan_model::Timestamp;
use portolan_store::{StoreError, Sweep, Task as Row};
use portolan_tracker::Message;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::queue::{Failure, Progress, Work};
use super::turns;
use crate::{App, SweptEnvironment};
use clusters::Clusters;
use compare::Known;
use say::Speaker;

/// What changed less than this long ago, in milliseconds, may be on its way as an event.
const ON_ITS_WAY: i64 = 60_000;
/// Messages that are recorded in one change.
const BATCH: usize = 200;
/// Differences of one sweep that are logged one by one; the others are counted.
const LOGGED: u64 = 20;

/// Asks ECS about one environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SweepEcs {
    environment: String,
}

/// Queues a sweep of the environment `name` whenever it is time, until `stop`.
pub(super) async fn run(app: App, name: String, stop: CancellationToken) {
    let (interval, key) = (app.settings.aws.sweep, format!("ecs-sweep:{name}"));
    turns::run(app, SweepEcs { environment: name }, key, interval, stop).await;
}

impl Work for SweepEcs {
    const KIND: &'static str = "ecs-sweep";
    const PRIORITY: i64 = -5;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let mut swept = app.settings.aws.swept.iter();
            // The configuration may have changed since it was queued.
            let Some(place) = swept.find(|place| place.name == self.environment) else {
                return Ok(());
            };
            sweep(&app, place, &progress).await
        }
        .boxed()
    }
}

/// What a sweep has found so far.
#[derive(Debug, Default, Serialize)]
struct Found {
    clusters: u64,
    services: u64,
    tasks: u64,
    /// Tasks and services that were not as events had told.
    drift: u64,
}

/// Why a cluster could not be swept.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("the credentials for the environment {environment} are of another account: {arn}")]
    Account { environment: String, arn: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sweeps all clusters of an environment. One that cannot be swept does not keep the others.
async fn sweep(app: &App, place: &SweptEnvironment, progress: &Progress) -> Result<(), Failure> {
    let lost = |error: &StoreError| Failure::new(error, true);
    let ecs = Ecs::open(&place.reach).await;
    let mut sweeping = Sweeping { app, place, ecs, found: Found::default() };
    let mut failure = None;
    match sweeping.clusters().await {
        Ok(clusters) => {
            if let Clusters::All(arns) = &clusters {
                sweeping.forget_clusters(arns).await.map_err(|error| lost(&error))?;
            }
            for cluster in clusters.into_arns() {
                match sweeping.cluster(&cluster).await {
                    Ok(()) => sweeping.found.clusters += 1,
                    Err(SweepError::Store(error)) => return Err(lost(&error)),
                    Err(error) => failure = failure.or(Some(error)),
                }
                progress.keep(&sweeping.found).await.map_err(|error| lost(&error))?;
            }
        }
        Err(SweepError::Store(error)) => return Err(lost(&error)),
        Err(error) => failure = Some(error),
    }
    let found = sweeping.found;
    let sweep = Sweep {
        environment: place.name.clone(),
        at: app.store.now(),
        services: found.services,
        tasks: found.tasks,
        drift: found.drift,
        error: failure.as_ref().map(ToString::to_string),
    };
    if found.drift > 0 {
        let (environment, drift) = (&place.name, found.drift);
        tracing::warn!(environment, drift, "ECS was not as events had told");
    }
    let write = app.store.write(move |tx| Box::pin(async move { tx.swept(&sweep).await }));
    write.await.map_err(|error| lost(&error))?;
    app.store.wake_changes().await;
    // The next turn comes soon enough: nothing is gained by trying at once.
    failure.map_or(Ok(()), |error| Err(Failure::new(&error, false)))
}

/// One sweep of one environment.
struct Sweeping<'a> {
    app: &'a App,
    place: &'a SweptEnvironment,
    ecs: Ecs,
    found: Found,
}

impl Sweeping<'_> {
    /// Says that what ran in clusters that are no longer there, runs no longer. `there` is all that
    /// are.
    async fn forget_clusters(&mut self, there: &[String]) -> Result<(), StoreError> {
        let names: HashSet<&str> = there.iter().map(|arn| clusters::name(arn)).collect();
        let now = self.app.store.now();
        let mut open = self.app.store.tasks_open(&self.place.name).await?;
        open.retain(|task| {
            let (fact, place) = (&task.fact, self.place);
            let here = fact.account == place.account && fact.region == place.region;
            let gone = !fact.cluster.is_empty() && !names.contains(fact.cluster.as_str());
            here && gone && fact.id.starts_with("arn:") && is_settled(fact.word.at, now)
        });
        let speaker = Speaker { place: self.place, now };
        let messages = self.gone(&speaker, open);
        self.say(messages).await
    }

    /// Sweeps the cluster `arn`.
    async fn cluster(&mut self, arn: &str) -> Result<(), SweepError> {
        let cluster = clusters::name(arn);
        // Read before ECS is asked: what starts meanwhile is not missed.
        let mut open = self.app.store.tasks_open(&self.place.name).await?;
        open.retain(|task| task.fact.cluster == cluster && task.fact.id.starts_with("arn:"));
        let services = self.ecs.services(arn).await?;
        let mut tasks = self.ecs.tasks(arn, Desired::Running).await?;
        // In this order, one that begins to stop in between is in both, and not in none.
        let stopped = self.ecs.tasks(arn, Desired::Stopped).await?;
        tasks.described.extend(stopped.described);
        tasks.unknown.extend(stopped.unknown);
        let now = self.app.store.now();

        let listed: HashSet<&str> = tasks.described.iter().map(|task| &*task.task_arn).collect();
        let unknown: HashSet<&str> = tasks.unknown.iter().map(String::as_str).collect();
        let is_missing = |id: &str| !listed.contains(id) && !unknown.contains(id);
        open.retain(|task| is_missing(&task.fact.id) && is_settled(task.fact.word.at, now));
        let mut missing: Vec<String> = open.iter().map(|task| task.fact.id.clone()).collect();
        missing.dedup();
        // Asked once more, by name: a list may be behind.
        let asked = self.ecs.describe(arn, &missing).await?;
        let there: HashSet<&str> = asked
            .described
            .iter()
            .map(|task| task.task_arn.as_str())
            .chain(asked.unknown.iter().map(String::as_str))
            .collect();
        open.retain(|task| !there.contains(task.fact.id.as_str()));
        tasks.described.extend(asked.described);

        self.found.services += services.len() as u64;
        self.found.tasks += tasks.described.len() as u64;
        let speaker = Speaker { place: self.place, now };
        let mut messages = self.tasks(&speaker, &tasks.described).await?;
        messages.extend(self.gone(&speaker, open));
        messages.extend(self.services(&speaker, &services).await?);
        Ok(self.say(messages).await?)
    }

    /// What is to be said of `tasks`.
    async fn tasks(
        &mut self,
        speaker: &Speaker<'_>,
        tasks: &[Task],
    ) -> Result<Vec<Message>, SweepError> {
        let mut messages = Vec::new();
        let ignored = &self.app.settings.track.ignored_containers;
        for some in tasks.chunks(BATCH) {
            let ids: Vec<String> = some.iter().map(|task| task.task_arn.clone()).collect();
            let known = Known::tasks(self.app.store.tasks_with(&ids).await?);
            for task in some {
                let changed = compare::last_change(task);
                let settled = changed.is_none_or(|at| is_settled(at, speaker.now));
                if let Some(how) = known.task_differs(task, ignored).filter(|_| settled) {
                    self.drifted("task", &task.task_arn, how);
                    messages.push(speaker.task(task));
                }
            }
        }
        Ok(messages)
    }

    /// What is to be said of tasks that ECS no longer has.
    fn gone(&mut self, speaker: &Speaker<'_>, open: Vec<Row>) -> Vec<Message> {
        let mut containers: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in open {
            containers.entry(row.fact.id.clone()).or_default().push(row);
        }
        let mut messages = Vec::new();
        for (id, rows) in containers {
            self.drifted("gone", &id, "ECS no longer has it");
            messages.extend(speaker.gone(&rows));
        }
        messages
    }

    /// What is to be said of `services`.
    async fn services(
        &mut self,
        speaker: &Speaker<'_>,
        services: &[Service],
    ) -> Result<Vec<Message>, SweepError> {
        let deployments = services.iter().flat_map(|service| &service.deployments);
        let keys: Vec<String> = deployments.map(|each| each.id.clone()).collect();
        let known = self.app.store.deployments_with(&self.place.name, &keys).await?;
        let known = Known::deployments(known);
        let mut messages = Vec::new();
        for service in services {
            let settled = |at: Option<Timestamp>| at.is_none_or(|at| is_settled(at, speaker.now));
            let mut of = service.deployments.iter();
            if let Some(how) = of.find_map(|each| {
                known.deployment_differs(each).filter(|_| settled(each.updated_at))
            }) {
                if how.is_drift() {
                    self.drifted("service", &service.service_name, how.text());
                }
                messages.push(speaker.service(service));
            }
        }
        Ok(messages)
    }

    async fn say(&self, mut messages: Vec<Message>) -> Result<(), StoreError> {
        while !messages.is_empty() {
            let rest = messages.split_off(messages.len().min(BATCH));
            self.app.intake.take(messages).await?;
            messages = rest;
        }
        Ok(())
    }

    fn drifted(&mut self, what: &'static str, which: &str, how: &str) {
        self.found.drift += 1;
        let environment = &self.place.name;
        let labels = vec![Label::new("environment", environment.clone()), Label::new("what", what)];
        self.app.metrics.count("portolan_sweep_drift_total", labels, 1);
        if self.found.drift <= LOGGED {
            tracing::info!(environment, what, which, how, "no event told");
        }
    }
}

/// Whether an event about what changed at `at` would have come by now.
fn is_settled(at: Timestamp, now: Timestamp) -> bool {
    now.millis_since(at) > ON_ITS_WAY
}
