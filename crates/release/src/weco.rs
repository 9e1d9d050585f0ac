//! What weco-deploy does, for those whose releases are in its tables.
//!
//! A release is an item of a `DynamoDB` table, and names its images by their `ref.` tags; deploying
//! it moves the images' tags `env.ENVIRONMENT`, and starts the services anew that run them. Task
//! definitions are left alone: who uses this has them from Terraform. Items and tags are those of
//! weco-deploy 5.7.4, so that either tool goes on where the other ended; what that one gets wrong
//! is done right, as `docs/from-weco-deploy.md` tells.

mod apply;
mod check;
pub(crate) mod date;
mod error;
mod file;
mod images;
pub(crate) mod item;
mod lease;
mod plan;
mod prepare;
mod record;
mod services;
mod table;

use std::sync::Arc;

use portolan_aws::ecs::Ecs;
use portolan_aws::{Aws, AwsSettings, Ecr};
use portolan_model::{Clock, Ids, Timestamp};

pub use apply::{Applied, Rolled, TagMove, Tagging};
pub use check::Checked;
pub use date::{ago, stamp};
pub use error::WecoError;
pub use file::{WecoFile, WecoProject, read as read_file};
pub use images::Labelled;
pub use item::{DeploymentItem, ReleaseItem};
pub use plan::{Move, WecoPlan};
pub use prepare::{Difference, Prepared};
pub use services::ServicesFound;
pub use table::{Deployments, Table};

use crate::project::ReleaseTable;

/// Calls that are under way at a time.
const AT_ONCE: usize = 10;

/// One project of a `.wellcome_project` file, where AWS has it.
#[derive(Debug)]
pub struct Weco {
    project: WecoProject,
    aws: Aws,
    /// As whom the caller came, before any role.
    base: Aws,
    table: Table,
    ecr: Ecr,
    ecs: Ecs,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Weco {
    /// `project`, as AWS is reached by `settings`: with their role and region where they name one,
    /// else with the project's. Nothing is asked yet.
    pub async fn open(
        project: WecoProject,
        settings: &AwsSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        let region = settings.region.clone().unwrap_or_else(|| project.region.clone());
        let table_region = settings.region.clone().unwrap_or_else(|| project.table_region.clone());
        let role = settings.role_arn.clone().unwrap_or_else(|| project.role_arn.clone());
        let at = |region: &str, role: Option<&str>| AwsSettings {
            region: Some(region.to_owned()),
            role_arn: role.map(str::to_owned),
            ..settings.clone()
        };
        let aws = Aws::open(&at(&region, Some(&role))).await;
        let of_table = if table_region == region {
            aws.clone()
        } else {
            Aws::open(&at(&table_region, Some(&role))).await
        };
        let base = Aws::open(&at(&region, None)).await;
        let told = &project.project;
        let told = told.table.clone().unwrap_or_else(|| ReleaseTable::of(&told.id));
        let table = Table::of(&of_table, &told);
        let (ecr, ecs) = (Ecr::of(&aws, None), Ecs::of(&aws));
        Self { project, aws, base, table, ecr, ecs, clock, ids }
    }

    /// The project.
    pub fn project(&self) -> &WecoProject {
        &self.project
    }

    /// The release `id`, or the one that was prepared last where `id` is `latest`.
    pub async fn release(&self, id: &str) -> Result<ReleaseItem, WecoError> {
        self.table.release(id).await
    }

    /// The last deployments that `wanted` names.
    pub async fn deployments(
        &self,
        wanted: &Deployments,
    ) -> Result<Vec<DeploymentItem>, WecoError> {
        self.table.deployments(wanted).await
    }

    /// The ARN of whoever calls, as it was before a role was taken on.
    pub async fn caller(&self) -> Result<String, WecoError> {
        Ok(self.base.caller().await?.arn)
    }

    /// The title of `environment`; an error that names those there are.
    pub fn environment(&self, environment: &str) -> Result<&str, WecoError> {
        let environments = &self.project.project.environments;
        match environments.get(environment) {
            Some(found) => Ok(&found.title),
            None => Err(WecoError::Environment {
                asked: environment.to_owned(),
                has: environments.keys().cloned().collect(),
            }),
        }
    }

    /// The repository of the image `id`, which may have left the project since.
    pub fn repository(&self, id: &str) -> String {
        let image = self.project.project.images.get(id);
        image.map_or_else(
            || format!("uk.ac.wellcome/{id}"),
            |image| image.source.repository.to_string(),
        )
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
