//! Commands that are run once, as tasks beside their service.

use std::sync::PoisonError;
use std::time::Duration;

use portolan_aws::ecs::{RunTask, Service, Task};
use tokio::time::Instant;

use super::{EcsTarget, failed, key};
use crate::target::{Ended, Once, TargetError};

/// Who runs these tasks, in ECS's lists.
const STARTED_BY: &str = "portolan";

impl EcsTarget {
    pub(super) async fn run(&self, once: &Once) -> Result<Ended, TargetError> {
        let doing = || format!("run `{}` for service {}", once.command.join(" "), once.service);
        let service = self.service(&once.id).await?;
        let own = service.task_definition.clone();
        let Some(definition) = once.definition.clone().or(own) else {
            return Err(TargetError::new(doing(), false, "it has no task definition"));
        };
        let described = self.definition(&definition).await?;
        let container = match &once.container {
            Some(container) => container.clone(),
            None => first(&described).ok_or_else(|| {
                TargetError::new(doing(), false, "its task definition has no containers")
            })?,
        };
        let run = RunTask {
            cluster: service.cluster_arn.clone(),
            definition,
            launch: service.launch(),
            command: Some((container.clone(), once.command.clone())),
            started_by: STARTED_BY.to_owned(),
            // With the same token ECS answers with the task of the call before.
            token: once.token.clone(),
        };
        let task = self.ecs.run_task(&run).await.map_err(failed)?;
        let seconds = Duration::from_secs(u64::from(once.seconds));
        let ended = self.followed(&run.cluster, task, Instant::now() + seconds).await?;
        let Some(task) = ended else {
            let reason = format!("it was stopped after {} seconds", once.seconds);
            return Ok(Ended { exit_code: None, reason: Some(reason), log: Vec::new() });
        };
        let main = task.containers.iter().find(|it| it.name == container);
        let log = match main {
            Some(main) => self.log(&task, main).await,
            None => Vec::new(),
        };
        let exit_code = main.and_then(|main| main.exit_code).map(i64::from);
        let why = main.and_then(|main| main.reason.clone());
        Ok(Ended { exit_code, reason: why.or_else(|| task.stopped_reason.clone()), log })
    }

    /// The task as it stopped; none where it had to be.
    async fn followed(
        &self,
        cluster: &str,
        task: Task,
        deadline: Instant,
    ) -> Result<Option<Task>, TargetError> {
        let mut task = task;
        let arns = [task.task_arn.clone()];
        while task.last_status != "STOPPED" {
            if Instant::now() >= deadline {
                let reason = "its time is over";
                self.ecs.stop_task(cluster, &task.task_arn, reason).await.map_err(failed)?;
                return Ok(None);
            }
            tokio::time::sleep(self.poll).await;
            let tasks = self.ecs.describe(cluster, &arns).await.map_err(failed)?;
            task = tasks.described.into_iter().next().ok_or_else(|| {
                let doing = format!("follow the task {}", arns[0]);
                TargetError::new(doing, false, "ECS does not know of it any more")
            })?;
        }
        Ok(Some(task))
    }

    async fn service(&self, id: &str) -> Result<Service, TargetError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(service) = known {
            return Ok(service);
        }
        let found = self.ecs.describe_services(&[key(id)?]).await.map_err(failed)?;
        found
            .services
            .into_iter()
            .next()
            .ok_or_else(|| TargetError::new(format!("find service {id}"), false, "it is not there"))
    }
}

/// The first container of a definition, in its order.
fn first(definition: &portolan_aws::ecs::TaskDefinition) -> Option<String> {
    let containers = definition.fields().get("containerDefinitions")?.as_array()?;
    containers.first()?.get("name")?.as_str().map(str::to_owned)
}
