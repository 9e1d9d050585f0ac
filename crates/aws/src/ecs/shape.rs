//! Services and tasks with ECS's own names for their fields, so that one that was asked for reads
//! as one that an event told. What no event tells is read, and not written.

use portolan_model::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// When it began to run.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub started_at: Option<Timestamp>,
    /// When it began to stop.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub stopping_at: Option<Timestamp>,
    /// When it had stopped.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub stopped_at: Option<Timestamp>,
    /// ECS's own count of its changes; none where it is 0, which ECS never says.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "version")]
    pub version: Option<i64>,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// One container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
    /// What rolls it out.
    #[serde(skip_serializing)]
    pub deployment_controller: DeploymentController,
    /// How it is rolled out.
    #[serde(skip_serializing)]
    pub deployment_configuration: DeploymentConfiguration,
    /// `FARGATE`, `EC2`, `EXTERNAL`; none where capacity providers decide.
    #[serde(skip_serializing)]
    pub launch_type: Option<String>,
    /// Fargate's version.
    #[serde(skip_serializing)]
    pub platform_version: Option<String>,
    /// Its capacity providers, as ECS told them.
    #[serde(skip_serializing)]
    pub capacity_provider_strategy: Vec<Value>,
    /// Its subnets and security groups, as ECS told them.
    #[serde(skip_serializing)]
    pub network_configuration: Option<Value>,
    /// What ECS says happened to it, newest first, 100 at most.
    #[serde(skip_serializing)]
    pub events: Vec<ServiceEvent>,
    /// Its tags, where they were asked for.
    #[serde(skip_serializing)]
    pub tags: Vec<Tag>,
}

impl Service {
    /// What rolls it out: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub fn controller(&self) -> &str {
        if self.deployment_controller.kind.is_empty() {
            "ECS"
        } else {
            &self.deployment_controller.kind
        }
    }

    /// The value of its tag `key`.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    /// Its deployment that `id` names.
    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.id == id)
    }

    /// The deployment that it shall become.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status.as_deref() == Some("PRIMARY"))
    }
}

/// One deployment of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
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
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
}

/// What rolls a service out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DeploymentController {
    /// `ECS`, `CODE_DEPLOY`, `EXTERNAL`; empty for ECS's default, which is `ECS`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// How a service is rolled out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentConfiguration {
    /// What ends a rollout that does not get anywhere.
    pub deployment_circuit_breaker: CircuitBreaker,
    /// The most tasks while it is rolled out, in per cent of those that shall run.
    pub maximum_percent: Option<i32>,
    /// The fewest healthy tasks while it is rolled out, in per cent of those that shall run.
    pub minimum_healthy_percent: Option<i32>,
    /// `ROLLING`, `BLUE_GREEN`, `LINEAR`, `CANARY`.
    pub strategy: Option<String>,
}

/// What ends a rollout that does not get anywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    /// Whether it does.
    pub enable: bool,
    /// Whether it also deploys again what was last deployed with success.
    pub rollback: bool,
}

/// What ECS says happened to a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEvent {
    /// Its identity.
    pub id: String,
    /// When.
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// What.
    pub message: String,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Seconds since 1970, with decimals.
fn moment<'de, D: Deserializer<'de>>(told: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds = Option::<f64>::deserialize(told)?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of this kind saturates")]
    Ok(seconds.map(|seconds| Timestamp::from_millis((seconds * 1000.0).round() as i64)))
}

fn version<'de, D: Deserializer<'de>>(told: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<i64>::deserialize(told)?.filter(|version| *version > 0))
}
