//! What one event says, whoever said it and however it was wrapped.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

/// What one event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A task is in some state.
    Task(Box<TaskObserved>),
    /// A deployment that Portolan itself made has come to its end.
    Ended(Box<EndObserved>),
    /// A deployment of an ECS service went on, ended or failed.
    Rollout(RolloutObserved),
    /// An ECS service, as a sweep found it.
    Service(ServiceObserved),
    /// A deployment that was asked for has become one of ECS.
    Link(LinkObserved),
    /// Somebody asked for a deployment.
    Request(Box<RequestObserved>),
    /// Something that is not ECS runs an image from now on, or no longer.
    Deployed(Box<DeployedObserved>),
    /// An image came into a registry, or left it.
    Image(ImageObserved),
    /// An object came into a bucket, or left it.
    Object(ObjectObserved),
    /// Understood, and of no interest; why.
    Nothing(&'static str),
}

/// An object of S3 that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectObserved {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key: 1 to 1,024 bytes.
    pub key: String,
    /// Whether it went.
    pub gone: bool,
    /// When.
    pub at: Timestamp,
}

/// Where in AWS something was seen. Empty where the event does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The account's number.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name of the cluster, without the rest of its ARN.
    pub cluster: String,
}

/// A task of ECS, or of Portolan's own, at one moment.
///
/// Source: [task state change events](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html)
/// and [the task's life](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskObserved {
    /// Where.
    pub origin: Origin,
    /// The environment's name, where the event tells it: that of a task of Portolan's own.
    pub environment: Option<String>,
    /// The deployment that it is of, where that is not told by who started it.
    pub deployment: Option<String>,
    /// The task's ARN; none in minimal messages.
    pub arn: Option<String>,
    /// The identity of the event itself.
    pub event_id: Option<String>,
    /// ECS's own count of the task's changes.
    pub version: Option<u64>,
    /// When it was in this state: `updatedAt`, else the event's `time`.
    pub at: Timestamp,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// When it began to stop.
    pub stopping_at: Option<Timestamp>,
    /// When it had stopped.
    pub stopped_at: Option<Timestamp>,
    /// What it is, in ECS's words: `RUNNING`; `RECORDED` where it is but written down.
    pub last_status: String,
    /// What it shall become: `RUNNING` or `STOPPED`.
    pub desired_status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: Option<String>,
    /// `service:NAME` or `family:NAME`.
    pub group: Option<String>,
    /// Who started it: `ecs-svc/NUMBER` for a service's deployment.
    pub started_by: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// CPU units, as text.
    pub cpu: Option<String>,
    /// Memory in MiB, as text.
    pub memory: Option<String>,
    /// Why it stopped, as one word.
    pub stop_code: Option<String>,
    /// Why it stopped, as a sentence.
    pub stopped_reason: Option<String>,
    /// Its containers.
    pub containers: Vec<ContainerObserved>,
}

/// One container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerObserved {
    /// Its name in the task definition.
    pub name: String,
    /// The image, as the task definition names it.
    pub image: String,
    /// The digest of the image that was pulled.
    pub digest: Option<Digest>,
    /// What it is, in ECS's words.
    pub last_status: Option<String>,
    /// How its process ended.
    pub exit_code: Option<i64>,
    /// Why it stopped.
    pub reason: Option<String>,
}

/// How far a deployment of an ECS service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RolloutState {
    /// `SERVICE_DEPLOYMENT_IN_PROGRESS`.
    InProgress,
    /// `SERVICE_DEPLOYMENT_COMPLETED`.
    Completed,
    /// `SERVICE_DEPLOYMENT_FAILED`.
    Failed,
}

/// A deployment of an ECS service went on, ended or failed.
///
/// Source: [deployment state change events](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutObserved {
    /// Where.
    pub origin: Origin,
    /// The service's name, out of the ARN in `resources`.
    pub service: Option<String>,
    /// `ecs-svc/NUMBER`.
    pub deployment: String,
    /// How far it is.
    pub state: RolloutState,
    /// When: `updatedAt`, else the event's `time`.
    pub at: Timestamp,
    /// Why, as a sentence.
    pub reason: Option<String>,
}

/// A deployment that Portolan itself made has come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndObserved {
    /// The environment's name.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The deployment, as its tasks name it.
    pub deployment: String,
    /// When.
    pub at: Timestamp,
    /// Why it failed; none where it is complete.
    pub failed: Option<String>,
    /// Whether it went back to what ran before.
    pub rollback: bool,
    /// By whose order.
    pub by: Option<String>,
}

/// An ECS service, as a sweep found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceObserved {
    /// Where.
    pub origin: Origin,
    /// Its name.
    pub service: String,
    /// When it was asked.
    pub at: Timestamp,
    /// Tasks that shall run.
    pub desired: u64,
    /// Its deployments.
    pub deployments: Vec<DeploymentObserved>,
}

/// One deployment of a service that a sweep found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentObserved {
    /// `ecs-svc/NUMBER`.
    pub id: String,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// Tasks that shall run.
    pub desired: u64,
    /// How far it is, where ECS says so.
    pub state: Option<RolloutState>,
    /// Why.
    pub reason: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
}

/// A deployment that was asked for has become one of ECS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkObserved {
    /// Where.
    pub origin: Origin,
    /// The identity under which it was asked for.
    pub request: String,
    /// `ecs-svc/NUMBER`.
    pub deployment: String,
    /// When.
    pub at: Timestamp,
    /// Who asked, where the event says so.
    pub user: Option<String>,
    /// How far it is, where the event says so.
    pub state: Option<RolloutState>,
    /// Why, as a sentence.
    pub reason: Option<String>,
    /// What was asked for, where the event says so.
    pub asked: Option<Box<RequestObserved>>,
}

/// Somebody asked for a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestObserved {
    /// The identity under which it was asked for.
    pub id: String,
    /// The service.
    pub service: String,
    /// The version: a tag.
    pub version: String,
    /// The environment's name.
    pub environment: String,
    /// When.
    pub at: Timestamp,
    /// The identity of who asked.
    pub user_id: Option<String>,
    /// The name of who asked.
    pub user_name: Option<String>,
    /// Tasks that shall run.
    pub instance_count: Option<u64>,
    /// CPU units, as text.
    pub cpu: Option<String>,
    /// Memory in MiB, as text.
    pub memory: Option<String>,
}

/// Something that is not ECS runs an image from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedObserved {
    /// The identity of the event.
    pub event_id: String,
    /// The environment's name.
    pub environment: String,
    /// The service.
    pub service: Option<String>,
    /// The image, as it was named; none where the service was removed.
    pub image: Option<String>,
    /// Its digest, where it was told.
    pub digest: Option<Digest>,
    /// When.
    pub at: Timestamp,
    /// Whether it went back to what ran before.
    pub rollback: bool,
    /// Who says so.
    pub by: Option<String>,
}

/// An image came into a registry, or left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageObserved {
    /// It was pushed. Without a digest, the registry has to be asked what the tag points to.
    Pushed {
        /// Where.
        repository: RepositoryName,
        /// The tag that now points to it.
        tag: Option<Tag>,
        /// The manifest.
        digest: Option<Digest>,
        /// When.
        at: Timestamp,
    },
    /// A tag, or without one a manifest with all its tags, was deleted.
    Deleted {
        /// Where.
        repository: RepositoryName,
        /// The tag.
        tag: Option<Tag>,
        /// The manifest.
        digest: Option<Digest>,
        /// When.
        at: Timestamp,
    },
}
