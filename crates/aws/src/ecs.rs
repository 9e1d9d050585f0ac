//! ECS: what it says now, and what a deployment asks of it.
//!
//! What is read: clusters, [services](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html),
//! [tasks](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html) and task
//! definitions, all pages. What is changed: a task definition registered, a service updated, a task
//! run.

mod definition;
mod find;
mod list;
mod register;
mod run;
mod shape;
mod update;

pub use definition::{LogStream, TaskDefinition, WithImages};
pub use find::{ByTags, Found, ServiceKey};
pub use list::{Desired, Tasks};
pub use run::{Launch, RunTask};
pub use shape::{
    CircuitBreaker, Container, Deployment, DeploymentConfiguration, DeploymentController, Service,
    ServiceEvent, Tag, Task,
};
pub use update::Updated;

use crate::wire::{ECS, TAGGING, Wire};
use crate::{Aws, AwsSettings};

/// Calls of one question that are under way at a time.
const AT_ONCE: usize = 8;

/// ECS in one region of one account.
#[derive(Debug, Clone)]
pub struct Ecs {
    ecs: Wire,
    tagging: Wire,
}

impl Ecs {
    /// ECS as `settings` say. Nothing is asked yet.
    pub async fn open(settings: &AwsSettings) -> Self {
        Self::of(&Aws::open(settings).await)
    }

    /// ECS of an account and region that is already reached.
    pub fn of(aws: &Aws) -> Self {
        Self { ecs: Wire::new(&aws.config, ECS), tagging: Wire::new(&aws.config, TAGGING) }
    }
}
