//! What there is: clusters, services, tasks.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AT_ONCE, Ecs, Service, ServiceKey, Task};
use crate::AwsError;
use crate::wire::read;

/// Tasks that `DescribeTasks` takes at a time.
const TASKS: usize = 100;
/// Names of one kind that are asked for at most; ECS itself allows fewer in one cluster.
const MOST: usize = 100_000;
/// What is wrong with an answer of more than [`MOST`].
const ENDLESS: &str = "with more than 100000 names";

/// The tasks of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// Those that ECS told about.
    pub described: Vec<Task>,
    /// ARNs of those that ECS lists, and would not tell about: nothing is known about them.
    pub unknown: Vec<String>,
}

/// Which tasks are wanted, by what they shall become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desired {
    /// Those that shall run.
    Running,
    /// Those that shall stop, and for about an hour those that have.
    Stopped,
}

impl Desired {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
        }
    }
}

/// Of what could not be told about, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    pub(super) arn: String,
    pub(super) reason: String,
}

impl Ecs {
    /// The ARNs of all clusters.
    pub async fn clusters(&self) -> Result<Vec<String>, AwsError> {
        let doing = || "list the clusters of ECS".to_owned();
        self.names("ListClusters", json!({}), "clusterArns", doing).await
    }

    /// The services of `cluster` (a name or an ARN).
    pub async fn services(&self, cluster: &str) -> Result<Vec<Service>, AwsError> {
        let keys = self.service_keys(cluster).await?;
        // What has gone since it was listed is missing; it is gone.
        Ok(self.described(&keys, &[]).await?.services)
    }

    /// What the services of `cluster` are called.
    pub(super) async fn service_keys(&self, cluster: &str) -> Result<Vec<ServiceKey>, AwsError> {
        let doing = || format!("list the services of the ECS cluster {cluster}");
        let asked = json!({ "cluster": cluster, "maxResults": 100 });
        let arns = self.names("ListServices", asked, "serviceArns", doing).await?;
        let key = |service| ServiceKey { cluster: cluster.to_owned(), service };
        Ok(arns.into_iter().map(key).collect())
    }

    /// The tasks of `cluster` (a name or an ARN) that shall become `desired`.
    pub async fn tasks(&self, cluster: &str, desired: Desired) -> Result<Tasks, AwsError> {
        let doing = || format!("list the tasks of the ECS cluster {cluster}");
        let asked = json!({ "cluster": cluster, "desiredStatus": desired.word() });
        let arns = self.names("ListTasks", asked, "taskArns", doing).await?;
        self.describe(cluster, &arns).await
    }

    /// The tasks `arns` of `cluster`. Those that ECS does not know any more are left out.
    pub async fn describe(&self, cluster: &str, arns: &[String]) -> Result<Tasks, AwsError> {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Answer {
            tasks: Vec<Task>,
            failures: Vec<Failure>,
        }
        let doing = || format!("describe tasks of the ECS cluster {cluster}");
        let calls = arns.chunks(TASKS).map(|some| async move {
            let asked = json!({ "cluster": cluster, "tasks": some });
            self.ecs.read::<Answer>("DescribeTasks", &asked, doing).await
        });
        let calls: Vec<_> = calls.collect();
        let answers: Vec<Answer> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let mut tasks = Tasks::default();
        for answer in answers {
            let told = answer.failures.into_iter().filter(|failure| failure.reason != "MISSING");
            tasks.unknown.extend(told.map(|failure| failure.arn));
            tasks.described.extend(answer.tasks);
        }
        Ok(tasks)
    }

    /// The names in `field` of all pages that `action` answers to `asked`.
    pub(super) async fn names(
        &self,
        action: &str,
        mut asked: Value,
        field: &str,
        doing: impl Fn() -> String,
    ) -> Result<Vec<String>, AwsError> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let mut page = self.ecs.call(action, &asked, &doing).await?;
            if !page[field].is_null() {
                names.extend(read::<Vec<String>>(page[field].take(), &doing)?);
            }
            let next = page["nextToken"].take();
            if next.as_str().is_none_or(str::is_empty) {
                return Ok(names);
            }
            if names.len() > MOST || next == asked["nextToken"] {
                return Err(AwsError::Answer { doing: doing(), what: ENDLESS.into() });
            }
            asked["nextToken"] = next;
        }
    }
}
