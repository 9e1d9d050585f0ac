//! What ECS says now: clusters, [services](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html)
//! and [tasks](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html), all pages.

mod shape;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::DesiredStatus;

pub use shape::{Container, Deployment, Service, Task};

use crate::{AwsError, AwsSettings};

/// Services that `DescribeServices` takes at a time.
const SERVICES: usize = 10;
/// Tasks that `DescribeTasks` takes at a time.
const TASKS: usize = 100;
/// Names of one kind that are asked for at most; ECS itself allows fewer in one cluster.
const MOST: usize = 100_000;
/// What is wrong with an answer of more than [`MOST`].
const ENDLESS: &str = "with more than 100000 names";

/// ECS in one region of one account.
#[derive(Debug, Clone)]
pub struct Ecs {
    client: Client,
}

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

impl Ecs {
    /// ECS as `settings` say. Nothing is asked yet.
    pub async fn open(settings: &AwsSettings) -> Self {
        Self { client: Client::new(&settings.load().await) }
    }

    /// The ARNs of all clusters.
    pub async fn clusters(&self) -> Result<Vec<String>, AwsError> {
        let doing = || "list the clusters of ECS".to_owned();
        let mut pages = self.client.list_clusters().into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::call(doing(), &error))?;
            add(&mut arns, page.cluster_arns, doing)?;
        }
        Ok(arns)
    }

    /// The services of `cluster` (a name or an ARN).
    pub async fn services(&self, cluster: &str) -> Result<Vec<Service>, AwsError> {
        let doing = || format!("list the services of the ECS cluster {cluster}");
        let listing = self.client.list_services().cluster(cluster);
        let mut pages = listing.into_paginator().page_size(100).send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::call(doing(), &error))?;
            add(&mut arns, page.service_arns, doing)?;
        }
        let mut services = Vec::with_capacity(arns.len());
        for some in arns.chunks(SERVICES) {
            let call = self.client.describe_services().cluster(cluster);
            let answer = call.set_services(Some(some.to_vec())).send().await;
            let answer = answer.map_err(|error| {
                AwsError::call(format!("describe services of the ECS cluster {cluster}"), &error)
            })?;
            // What has gone since it was listed is a failure that says MISSING; it is gone.
            services.extend(answer.services.unwrap_or_default().iter().map(Service::read));
        }
        Ok(services)
    }

    /// The tasks of `cluster` (a name or an ARN) that shall become `desired`.
    pub async fn tasks(&self, cluster: &str, desired: Desired) -> Result<Tasks, AwsError> {
        let doing = || format!("list the tasks of the ECS cluster {cluster}");
        let desired = match desired {
            Desired::Running => DesiredStatus::Running,
            Desired::Stopped => DesiredStatus::Stopped,
        };
        let listing = self.client.list_tasks().cluster(cluster).desired_status(desired);
        let mut pages = listing.into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| AwsError::call(doing(), &error))?;
            add(&mut arns, page.task_arns, doing)?;
        }
        self.describe(cluster, &arns).await
    }

    /// The tasks `arns` of `cluster`. Those that ECS does not know any more are left out.
    pub async fn describe(&self, cluster: &str, arns: &[String]) -> Result<Tasks, AwsError> {
        let mut tasks = Tasks::default();
        for some in arns.chunks(TASKS) {
            let call = self.client.describe_tasks().cluster(cluster);
            let answer = call.set_tasks(Some(some.to_vec())).send().await;
            let answer = answer.map_err(|error| {
                AwsError::call(format!("describe tasks of the ECS cluster {cluster}"), &error)
            })?;
            for failure in answer.failures() {
                if failure.reason() != Some("MISSING") {
                    tasks.unknown.extend(failure.arn().map(ToOwned::to_owned));
                }
            }
            tasks.described.extend(answer.tasks.unwrap_or_default().iter().map(Task::read));
        }
        Ok(tasks)
    }
}

fn add(
    all: &mut Vec<String>,
    page: Option<Vec<String>>,
    doing: impl Fn() -> String,
) -> Result<(), AwsError> {
    all.extend(page.unwrap_or_default());
    if all.len() > MOST {
        return Err(AwsError::Answer { doing: doing(), what: ENDLESS });
    }
    Ok(())
}
