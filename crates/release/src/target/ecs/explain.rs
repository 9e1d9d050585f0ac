//! Why a deployment failed: events of its service, tasks that stopped, and the last that they wrote.

use portolan_aws::ecs::{Container, Task};

use super::{EcsTarget, failed, key, rule};
use crate::target::{Explanation, Started, StoppedContainer, StoppedTask, TargetError};

/// Events that are told at most.
const EVENTS: usize = 10;
/// Tasks that are told at most.
const TASKS: usize = 3;
/// Lines of each container's log that are told at most.
const LINES: usize = 20;

impl EcsTarget {
    pub(super) async fn explained(&self, started: &Started) -> Result<Explanation, TargetError> {
        if rule::rule(&started.id).is_some() {
            return Ok(Explanation::default());
        }
        let key = key(&started.id)?;
        let services = self.ecs.describe_services(std::slice::from_ref(&key));
        let tasks = self.ecs.tasks_of(&key, &started.deployment);
        let (services, tasks) = futures::try_join!(services, tasks).map_err(failed)?;
        let events = services.services.into_iter().flat_map(|service| service.events);
        let events = events.take(EVENTS).map(|event| event.message).collect();
        let mut stopped: Vec<Task> =
            tasks.described.into_iter().filter(|task| task.last_status == "STOPPED").collect();
        stopped.sort_by_key(|task| std::cmp::Reverse(task.stopped_at));
        let mut told = Vec::new();
        for task in stopped.iter().take(TASKS) {
            told.push(self.stopped(task).await);
        }
        Ok(Explanation { events, tasks: told })
    }

    async fn stopped(&self, task: &Task) -> StoppedTask {
        let mut containers = Vec::new();
        for container in &task.containers {
            containers.push(StoppedContainer {
                name: container.name.clone(),
                exit_code: container.exit_code.map(i64::from),
                reason: container.reason.clone(),
                log: self.log(task, container).await,
            });
        }
        StoppedTask {
            id: task.task_arn.rsplit('/').next().unwrap_or_default().to_owned(),
            reason: task.stopped_reason.clone(),
            containers,
        }
    }

    /// The last lines that a container of a task wrote, where they can be read: not everybody who
    /// may deploy may read logs.
    pub(super) async fn log(&self, task: &Task, container: &Container) -> Vec<String> {
        let Some(arn) = &task.task_definition_arn else { return Vec::new() };
        let Ok(definition) = self.definition(arn).await else { return Vec::new() };
        let streams = definition.log_streams(&task.task_arn);
        let Some(at) = streams.iter().find(|stream| stream.container == container.name) else {
            return Vec::new();
        };
        match self.logs.last_lines(&at.group, &at.stream, LINES).await {
            Ok(lines) => lines.into_iter().map(|line| line.text).collect(),
            Err(error) => {
                tracing::warn!(%error, "a log cannot be read");
                Vec::new()
            }
        }
    }
}
