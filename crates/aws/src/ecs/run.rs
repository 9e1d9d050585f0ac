//! A task that is [run](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html)
//! once, beside any service.

use serde::Deserialize;
use serde_json::{Value, json};

use super::list::Failure;
use super::{Ecs, Service, Task};
use crate::AwsError;

/// Where and how a task is to be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// `FARGATE`, `EC2`, `EXTERNAL`; none where capacity providers decide.
    pub launch_type: Option<String>,
    /// Fargate's version; none for the latest.
    pub platform_version: Option<String>,
    /// Capacity providers, as ECS takes them; empty where the launch type decides.
    pub capacity_provider_strategy: Vec<Value>,
    /// Subnets and security groups, as ECS takes them.
    pub network_configuration: Option<Value>,
}

/// A task that is to be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTask {
    /// The cluster, by name or ARN.
    pub cluster: String,
    /// The ARN of the task definition.
    pub definition: String,
    /// Where and how.
    pub launch: Launch,
    /// The container whose command is another, and that command.
    pub command: Option<(String, Vec<String>)>,
    /// Who runs it: 128 characters at most, as in `portolan`.
    pub started_by: String,
    /// What makes this call one with the same call made again: 64 characters at most.
    pub token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    tasks: Vec<Task>,
    failures: Vec<Failure>,
}

impl Service {
    /// Where and how its own tasks are run.
    pub fn launch(&self) -> Launch {
        let by_provider = !self.capacity_provider_strategy.is_empty();
        Launch {
            launch_type: self.launch_type.clone().filter(|_| !by_provider),
            platform_version: self.platform_version.clone(),
            capacity_provider_strategy: self.capacity_provider_strategy.clone(),
            network_configuration: self.network_configuration.clone(),
        }
    }
}

impl Ecs {
    /// Runs a task, and answers it as it is at its beginning. What becomes of it is told by
    /// [`describe`](Ecs::describe), until about an hour after it stopped.
    pub async fn run_task(&self, run: &RunTask) -> Result<Task, AwsError> {
        let RunTask { cluster, definition, launch, .. } = run;
        let doing = || format!("run {definition} in the ECS cluster {cluster}");
        let mut asked = json!({
            "cluster": cluster,
            "taskDefinition": definition,
            "count": 1,
            "clientToken": run.token,
            "startedBy": run.started_by,
        });
        if let Some((container, command)) = &run.command {
            asked["overrides"] =
                json!({ "containerOverrides": [{ "name": container, "command": command }] });
        }
        if let Some(kind) = &launch.launch_type {
            asked["launchType"] = json!(kind);
        }
        if let Some(version) = &launch.platform_version {
            asked["platformVersion"] = json!(version);
        }
        if !launch.capacity_provider_strategy.is_empty() {
            asked["capacityProviderStrategy"] = json!(launch.capacity_provider_strategy);
        }
        if let Some(network) = &launch.network_configuration {
            asked["networkConfiguration"] = network.clone();
        }
        let Answer { tasks, failures } = self.ecs.read("RunTask", &asked, doing).await?;
        tasks.into_iter().next().ok_or_else(|| {
            let why = failures.into_iter().next().unwrap_or_default().reason;
            let what = format!("that no task could be placed: {why}").into();
            AwsError::Answer { doing: doing(), what }
        })
    }

    /// Stops a task, with a reason that it will tell.
    pub async fn stop_task(&self, cluster: &str, arn: &str, reason: &str) -> Result<(), AwsError> {
        let asked = json!({ "cluster": cluster, "task": arn, "reason": reason });
        let stopped = self.ecs.call("StopTask", &asked, || format!("stop the task {arn}")).await;
        stopped.map(|_| ())
    }
}
