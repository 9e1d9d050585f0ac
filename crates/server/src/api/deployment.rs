//! A deployment, in the shape that the portal's clients know, and more.

use portolan_model::{Digest, Timestamp};
use portolan_store::Task;
use portolan_tracker::status::{Phase, phase};
use portolan_tracker::view::DeploymentView;
use serde::Serialize;
use utoipa::ToSchema;

/// The name of who asked, where that is not known.
const NOBODY: &str = "n/a";

/// A deployment of a service to an environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the portal's clients know it by this name")]
pub(super) struct Deployment {
    /// Its identity: that under which it was asked for, else ECS's own.
    deployment_id: String,
    /// The environment's name.
    environment: String,
    /// The service.
    service: String,
    /// The version: the image's tag, else the beginning of its digest.
    version: String,
    /// The name of who asked for it; `n/a` where it is not known.
    user: String,
    /// The identity of who asked for it.
    user_id: Option<String>,
    /// When it was asked for, or made.
    #[schema(value_type = String, format = DateTime)]
    deployed_at: Timestamp,
    /// `REQUESTED`, `PENDING`, `RUNNING`, `STOPPING`, `STOPPED`, `UNDEPLOYED`, `FAILED` or
    /// `ROLLED_BACK`.
    status: &'static str,
    /// The image, as the task definition names it.
    docker_image: Option<String>,
    /// The ARN of the task definition.
    task_id: Option<String>,
    /// ECS's name for it.
    ecs_svc_deployment_id: Option<String>,
    /// CPU units of a task.
    cpu: Option<String>,
    /// Memory of a task, in MiB.
    memory: Option<String>,
    /// The ARN of its first task.
    instance_task_id: Option<String>,
    /// Tasks that shall run.
    instance_count: u64,
    /// What its tasks shall be: `RUNNING` or `STOPPED`.
    desired_status: Option<String>,
    /// The image's digest.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// The image's repository.
    repository: Option<String>,
    /// Tasks that are being started.
    pending_count: u64,
    /// Tasks that run.
    running_count: u64,
    /// Tasks that are being stopped.
    stopping_count: u64,
    /// Tasks that have stopped.
    stopped_count: u64,
    /// Whether its tasks die and are started again in a loop.
    unstable: bool,
    /// Whether it is but recorded, and nothing runs it; told where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recorded_only: bool,
    /// Why it failed, or why its tasks did.
    reasons: Vec<String>,
    /// The version that ran before it.
    previous_version: Option<String>,
    /// Since when its first task runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    running_since: Option<Timestamp>,
    /// When it was complete, or had failed.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// When the next deployment of the service took its place.
    #[schema(value_type = Option<String>, format = DateTime)]
    superseded_at: Option<Timestamp>,
    /// When something was last heard of it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The identity of the request that it came from.
    request_id: Option<String>,
    /// The account's number.
    account: Option<String>,
    /// The region.
    region: Option<String>,
    /// The cluster.
    cluster: Option<String>,
    /// The name of the ECS service, or of the family.
    ecs_service: Option<String>,
}

/// A deployment with its tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeploymentWhole {
    #[serde(flatten)]
    deployment: Deployment,
    /// Its tasks, each container by itself.
    instances: Vec<Instance>,
}

/// A container of a task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Instance {
    /// The task's ARN.
    task_arn: String,
    /// The container's name.
    container: String,
    /// `pending`, `running`, `stopping` or `stopped`.
    #[schema(value_type = String)]
    phase: Phase,
    /// Since when it is so.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The image, as the task definition names it.
    docker_image: String,
    /// The image's digest.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pending_at: Option<Timestamp>,
    /// When it first ran.
    #[schema(value_type = Option<String>, format = DateTime)]
    running_at: Option<Timestamp>,
    /// When it was told to stop.
    #[schema(value_type = Option<String>, format = DateTime)]
    stopping_at: Option<Timestamp>,
    /// When it had stopped, or another had taken its place.
    #[schema(value_type = Option<String>, format = DateTime)]
    stopped_at: Option<Timestamp>,
    /// Its health, where it is checked.
    health: Option<String>,
    /// How its process ended.
    exit_code: Option<i64>,
    /// Why it stopped.
    reason: Option<String>,
}

impl Instance {
    fn of(task: &Task, at: Timestamp) -> Option<Self> {
        let (phase, since) = phase(task, at)?;
        let by_then = |moment: Option<Timestamp>| moment.filter(|moment| *moment <= at);
        // What was last said of it may have been said after the moment that is asked about.
        let word = (task.fact.word.at <= at).then_some(&task.fact.word);
        Some(Self {
            task_arn: task.fact.id.clone(),
            container: task.fact.container.clone(),
            phase,
            since,
            docker_image: task.fact.image.clone(),
            digest: task.digest,
            pending_at: by_then(task.fact.pending_at),
            running_at: by_then(task.fact.running_at),
            stopping_at: by_then(task.fact.stopping_at),
            stopped_at: by_then(task.until()),
            health: word.and_then(|word| word.health.clone()),
            exit_code: word.and_then(|word| word.exit_code),
            reason: word.and_then(|word| word.reason.clone()),
        })
    }
}

/// `text`, unless it is empty.
fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// When something was last heard of a deployment by `at`.
fn updated(view: &DeploymentView, at: Timestamp) -> Timestamp {
    let mut heard = vec![Some(view.created_at())];
    if let Some(fact) = view.deployment.as_ref().map(|it| &it.fact) {
        let failed = fact.failed.as_ref().map(|(when, _)| *when);
        let desired = fact.desired.map(|(when, _)| when);
        heard.extend([fact.in_progress_at, fact.completed_at, failed, desired]);
    }
    for task in &view.tasks {
        let fact = &task.fact;
        let moments = [fact.pending_at, fact.running_at, fact.stopping_at, task.until()];
        heard.extend(moments);
    }
    let heard = heard.into_iter().flatten().filter(|moment| *moment <= at).max();
    heard.unwrap_or_else(|| view.created_at())
}

impl Deployment {
    /// `view`, which was so at `at`.
    pub(super) fn of(view: &DeploymentView, at: Timestamp) -> Self {
        let seen = view.deployment.as_ref();
        let fact = seen.map(|it| &it.fact);
        let request = view.request.as_ref();
        let made = |task: &&Task| task.fact.pending_at;
        let first = view.tasks.iter().filter(|task| phase(task, at).is_some()).min_by_key(made);
        let asked_cpu = || request.and_then(|it| it.cpu.clone());
        let asked_memory = || request.and_then(|it| it.memory.clone());
        let verdict = &view.verdict;
        Self {
            deployment_id: view.id().to_owned(),
            environment: view.environment().to_owned(),
            service: view.service().to_owned(),
            version: view.version.clone(),
            user: view.user().unwrap_or(NOBODY).to_owned(),
            user_id: request.and_then(|it| it.user_id.clone()),
            deployed_at: view.created_at(),
            status: verdict.status.name(),
            docker_image: seen.and_then(|it| it.image.clone()),
            task_id: fact.and_then(|it| it.task_definition.clone()),
            ecs_svc_deployment_id: fact
                .map(|it| it.key.clone())
                .filter(|key| key.starts_with("ecs-svc/")),
            cpu: first.and_then(|task| task.fact.cpu.clone()).or_else(asked_cpu),
            memory: first.and_then(|task| task.fact.memory.clone()).or_else(asked_memory),
            instance_task_id: first.map(|task| task.fact.id.clone()),
            instance_count: verdict.desired,
            desired_status: first
                .map(|task| {
                    if task.fact.stopping_at.is_some_and(|when| when <= at) {
                        "STOPPED"
                    } else {
                        "RUNNING"
                    }
                })
                .map(str::to_owned),
            digest: view.digest(),
            repository: seen.and_then(|it| it.repository.as_ref()).map(ToString::to_string),
            pending_count: verdict.counts.pending,
            running_count: verdict.counts.running,
            stopping_count: verdict.counts.stopping,
            stopped_count: verdict.counts.stopped,
            unstable: verdict.unstable,
            recorded_only: view.is_recorded_only(),
            reasons: verdict.reasons.clone(),
            previous_version: view.previous.clone(),
            running_since: view.running_since().filter(|since| *since <= at),
            finished_at: verdict.finished_at,
            superseded_at: view.superseded_at,
            updated_at: updated(view, at),
            request_id: fact
                .and_then(|it| it.request.clone())
                .or_else(|| request.map(|it| it.id.clone())),
            account: fact.and_then(|it| some(&it.account)),
            region: fact.and_then(|it| some(&it.region)),
            cluster: fact.and_then(|it| some(&it.cluster)),
            ecs_service: fact.and_then(|it| it.ecs_service.clone()),
        }
    }
}

impl DeploymentWhole {
    /// `view`, which was so at `at`, with its tasks.
    pub(super) fn of(view: &DeploymentView, at: Timestamp) -> Self {
        let instances = view.tasks.iter().filter_map(|task| Instance::of(task, at)).collect();
        Self { deployment: Deployment::of(view, at), instances }
    }
}
