//! How what ECS says differs from what is known.

use std::collections::HashMap;

use portolan_aws::ecs;
use portolan_model::Timestamp;
use portolan_store::{Deployment, Task};

/// What is known: tasks by ARN, or deployments by key.
pub(super) struct Known<T>(HashMap<String, Vec<T>>);

/// How a deployment differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// An event should have told of it.
    Drift(&'static str),
    /// No event tells of it.
    News,
}

impl Difference {
    pub(super) fn is_drift(self) -> bool {
        matches!(self, Self::Drift(_))
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Drift(text) => text,
            Self::News => "its number of tasks was not known",
        }
    }
}

impl Known<Task> {
    pub(super) fn tasks(rows: Vec<Task>) -> Self {
        let mut known: HashMap<String, Vec<Task>> = HashMap::new();
        for row in rows {
            known.entry(row.fact.id.clone()).or_default().push(row);
        }
        Self(known)
    }

    /// How `task` differs from what is known; none where it does not, or where ECS is behind.
    pub(super) fn task_differs(
        &self,
        task: &ecs::Task,
        ignored: &[String],
    ) -> Option<&'static str> {
        let rows = self.0.get(&task.task_arn).map_or(&[][..], Vec::as_slice);
        let counted = task.containers.iter().filter(|each| !ignored.contains(&each.name));
        for container in counted {
            let Some(row) = rows.iter().find(|row| row.fact.container == container.name) else {
                return Some("it is not known");
            };
            let word = &row.fact.word;
            let version = task.version.and_then(|version| u64::try_from(version).ok());
            let newer = if let Some(version) = version {
                version > word.version
            } else {
                let last = container.last_status.as_ref().unwrap_or(&task.last_status);
                *last != word.last_status || task.desired_status != word.desired_status
            };
            if newer {
                return Some("it has changed");
            }
        }
        None
    }
}

impl Known<Deployment> {
    pub(super) fn deployments(rows: Vec<Deployment>) -> Self {
        Self(rows.into_iter().map(|row| (row.fact.key.clone(), vec![row])).collect())
    }

    /// How `deployment` differs from what is known; none where it does not.
    pub(super) fn deployment_differs(&self, deployment: &ecs::Deployment) -> Option<Difference> {
        let Some(row) = self.0.get(&deployment.id).and_then(|rows| rows.first()) else {
            return Some(Difference::Drift("its deployment is not known"));
        };
        let fact = &row.fact;
        let ended = fact.completed_at.is_some() || fact.failed.is_some();
        match deployment.rollout_state.as_deref() {
            Some("COMPLETED") if fact.completed_at.is_none() => {
                return Some(Difference::Drift("its deployment is complete"));
            }
            Some("FAILED") if fact.failed.is_none() => {
                return Some(Difference::Drift("its deployment has failed"));
            }
            Some("IN_PROGRESS") if fact.in_progress_at.is_none() && !ended => {
                return Some(Difference::Drift("its deployment is in progress"));
            }
            _ => {}
        }
        let desired = u64::try_from(deployment.desired_count).ok();
        (fact.desired.map(|(_, count)| count) != desired).then_some(Difference::News)
    }
}

/// When `task` last changed, as far as it tells.
pub(super) fn last_change(task: &ecs::Task) -> Option<Timestamp> {
    [task.created_at, task.started_at, task.stopping_at, task.stopped_at].into_iter().max()?
}
