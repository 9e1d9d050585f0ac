//! Services and tasks with ECS's own names for their fields, so that one that was asked for reads
//! as one that an event told.

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types as sdk;
use portolan_model::Timestamp;
use serde::Serialize;

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its ARN.
    pub task_arn: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// The ARN of its task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,
    /// What it is: `RUNNING`.
    pub last_status: String,
    /// What it shall become: `RUNNING` or `STOPPED`.
    pub desired_status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_status: Option<String>,
    /// `service:NAME` or `family:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Who started it: `ecs-svc/NUMBER` for a service's deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// `FARGATE`, `EC2`, `EXTERNAL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// CPU units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Memory in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Why it stopped, as one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<String>,
    /// Why it stopped, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it began to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it began to stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Timestamp>,
    /// When it had stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// ECS's own count of its changes; none where it is 0, which ECS never says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// The image, as the task definition names it.
    pub image: String,
    /// The digest of the image that was pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<String>,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_status: Option<String>,
    /// How its process ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Why it stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Its ARN.
    pub service_arn: String,
    /// Its name.
    pub service_name: String,
    /// The ARN of its cluster.
    pub cluster_arn: String,
    /// `ACTIVE`, `DRAINING`, `INACTIVE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Tasks that shall run.
    pub desired_count: i32,
    /// Tasks that run.
    pub running_count: i32,
    /// Tasks that are about to.
    pub pending_count: i32,
    /// The ARN of its task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// Its deployments, newest first.
    pub deployments: Vec<Deployment>,
}

/// One deployment of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// `ecs-svc/NUMBER`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE`, `INACTIVE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The ARN of its task definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<String>,
    /// Tasks that shall run.
    pub desired_count: i32,
    /// Tasks that run.
    pub running_count: i32,
    /// Tasks that are about to.
    pub pending_count: i32,
    /// Tasks that did not come to run.
    pub failed_tasks: i32,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`; none for services that do not roll out by ECS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_state: Option<String>,
    /// Why, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_state_reason: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl Task {
    pub(super) fn read(task: &sdk::Task) -> Self {
        Self {
            task_arn: text(task.task_arn()),
            cluster_arn: text(task.cluster_arn()),
            task_definition_arn: told(task.task_definition_arn()),
            last_status: text(task.last_status()),
            desired_status: text(task.desired_status()),
            health_status: told(task.health_status().map(sdk::HealthStatus::as_str)),
            group: told(task.group()),
            started_by: told(task.started_by()),
            launch_type: told(task.launch_type().map(sdk::LaunchType::as_str)),
            availability_zone: told(task.availability_zone()),
            cpu: told(task.cpu()),
            memory: told(task.memory()),
            stop_code: told(task.stop_code().map(sdk::TaskStopCode::as_str)),
            stopped_reason: told(task.stopped_reason()),
            created_at: moment(task.created_at()),
            started_at: moment(task.started_at()),
            stopping_at: moment(task.stopping_at()),
            stopped_at: moment(task.stopped_at()),
            version: Some(task.version()).filter(|version| *version > 0),
            containers: task.containers().iter().map(Container::read).collect(),
        }
    }
}

impl Container {
    fn read(container: &sdk::Container) -> Self {
        Self {
            name: text(container.name()),
            image: text(container.image()),
            image_digest: told(container.image_digest()),
            last_status: told(container.last_status()),
            health_status: told(container.health_status().map(sdk::HealthStatus::as_str)),
            exit_code: container.exit_code(),
            reason: told(container.reason()),
        }
    }
}

impl Service {
    pub(super) fn read(service: &sdk::Service) -> Self {
        Self {
            service_arn: text(service.service_arn()),
            service_name: text(service.service_name()),
            cluster_arn: text(service.cluster_arn()),
            status: told(service.status()),
            desired_count: service.desired_count(),
            running_count: service.running_count(),
            pending_count: service.pending_count(),
            task_definition: told(service.task_definition()),
            deployments: service.deployments().iter().map(Deployment::read).collect(),
        }
    }
}

impl Deployment {
    fn read(deployment: &sdk::Deployment) -> Self {
        Self {
            id: text(deployment.id()),
            status: told(deployment.status()),
            task_definition: told(deployment.task_definition()),
            desired_count: deployment.desired_count(),
            running_count: deployment.running_count(),
            pending_count: deployment.pending_count(),
            failed_tasks: deployment.failed_tasks(),
            rollout_state: told(
                deployment.rollout_state().map(sdk::DeploymentRolloutState::as_str),
            ),
            rollout_state_reason: told(deployment.rollout_state_reason()),
            created_at: moment(deployment.created_at()),
            updated_at: moment(deployment.updated_at()),
        }
    }
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn told(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

fn moment(moment: Option<&DateTime>) -> Option<Timestamp> {
    moment?.to_millis().ok().map(Timestamp::from_millis)
}
