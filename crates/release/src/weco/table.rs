//! The table of releases.

use std::time::Duration;

use portolan_aws::dynamo::{Dynamo, Expression, Item, Query};
use portolan_aws::{Aws, AwsError};
use serde_json::{Value, json};

use super::WecoError;
use super::item::{DeploymentItem, ReleaseItem};
use crate::project::ReleaseTable;

/// Releases that are read at most to find deployments in them.
const MOST: usize = 1_000;
/// How often a table that was just made is looked at, and with what pause.
const LOOKS: usize = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Which deployments are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deployments {
    /// Of this release alone.
    pub release: Option<String>,
    /// To this environment alone.
    pub environment: Option<String>,
    /// The most.
    pub limit: usize,
}

/// The table of one project.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) dynamo: Dynamo,
    pub(super) name: String,
    project: String,
}

/// The key of an item.
pub(super) fn key(id: &str) -> Item {
    [("release_id".to_owned(), json!(id))].into_iter().collect()
}

/// Whether `error` says that there is no table.
fn is_absent(error: &AwsError) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

impl Table {
    /// The table `told`, as `aws` reaches it. Nothing is asked yet.
    pub fn of(aws: &Aws, told: &ReleaseTable) -> Self {
        let (name, project) = (told.name.clone(), told.project.clone());
        Self { dynamo: Dynamo::of(aws), name, project }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The releases that were prepared last, newest first; `most` at most. What is none is left out.
    pub(crate) async fn newest(&self, most: usize) -> Result<Vec<ReleaseItem>, WecoError> {
        let items = self.query("project_gsi", most).await?.into_iter();
        let read = items.filter_map(|item| {
            let read = ReleaseItem::of(item, &self.name);
            read.inspect_err(|error| tracing::warn!(%error, "left out")).ok()
        });
        Ok(read.collect())
    }

    /// The release `id`; none where there is none, or no table.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<ReleaseItem>, WecoError> {
        let found = match self.dynamo.get(&self.name, &key(id)).await {
            Err(error) if is_absent(&error) => None,
            found => found?,
        };
        found.map(|item| ReleaseItem::of(item, &self.name)).transpose()
    }

    /// The release that was prepared last; none where there is none, or no table.
    pub(super) async fn latest(&self) -> Result<Option<ReleaseItem>, WecoError> {
        let mut items = self.query("project_gsi", 1).await?;
        items.pop().map(|item| ReleaseItem::of(item, &self.name)).transpose()
    }

    pub(super) async fn release(&self, id: &str) -> Result<ReleaseItem, WecoError> {
        if id == "latest" {
            return self.latest().await?.ok_or(WecoError::NoReleases);
        }
        let none = || WecoError::NoRelease { id: id.to_owned(), table: self.name.clone() };
        self.find(id).await?.ok_or_else(none)
    }

    pub(crate) async fn deployments(
        &self,
        wanted: &Deployments,
    ) -> Result<Vec<DeploymentItem>, WecoError> {
        let releases = if let Some(id) = &wanted.release {
            vec![self.release(id).await?]
        } else {
            // Each has at least one; an environment may have none of the last ones.
            let most = if wanted.environment.is_some() { MOST } else { wanted.limit };
            let items = self.query("deployment_gsi", most).await?;
            let read = |item| ReleaseItem::of(item, &self.name);
            items.into_iter().map(read).collect::<Result<_, _>>()?
        };
        let all = releases.iter().flat_map(ReleaseItem::deployments);
        let is_wanted = |it: &DeploymentItem| {
            wanted.environment.as_ref().is_none_or(|environment| it.environment == *environment)
        };
        let mut all: Vec<_> = all.filter(is_wanted).collect();
        all.sort_by(|one, other| other.created.cmp(&one.created));
        all.truncate(wanted.limit);
        Ok(all)
    }

    async fn query(&self, index: &str, most: usize) -> Result<Vec<Item>, WecoError> {
        let query = Query {
            index: Some(index.to_owned()),
            keys: Expression::new("project_id = :p", [(":p", json!(self.project))]),
            descending: true,
            most,
        };
        match self.dynamo.query(&self.name, &query).await {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            items => Ok(items?),
        }
    }

    /// Puts a new release into the table, which is made where there is none. One that is there
    /// already stays as it is.
    pub(crate) async fn put(&self, release: &ReleaseItem) -> Result<(), WecoError> {
        let is_new = Expression::new("attribute_not_exists(release_id)", []);
        match self.dynamo.put(&self.name, release.item(), Some(&is_new)).await {
            Err(error) if is_absent(&error) => {
                self.create().await?;
                self.dynamo.put(&self.name, release.item(), Some(&is_new)).await?;
            }
            put => drop(put?),
        }
        Ok(())
    }

    async fn create(&self) -> Result<(), WecoError> {
        self.dynamo.create(&self.shape()).await?;
        for _ in 0..LOOKS {
            if self.dynamo.status(&self.name).await?.as_deref() == Some("ACTIVE") {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(WecoError::TableNotReady(self.name.clone()))
    }

    /// The table as weco-deploy makes it, but paid by what is asked of it: with one write a second,
    /// two people at once wait for each other.
    fn shape(&self) -> Value {
        let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        let part = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let index = |name: &str, order: &str| {
            json!({
                "IndexName": name,
                "KeySchema": [part("project_id", "HASH"), part(order, "RANGE")],
                "Projection": { "ProjectionType": "ALL" },
            })
        };
        json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [part("release_id", "HASH")],
            "AttributeDefinitions": [
                text("release_id"), text("project_id"), text("date_created"),
                text("last_date_deployed"),
            ],
            "GlobalSecondaryIndexes": [
                index("project_gsi", "date_created"), index("deployment_gsi", "last_date_deployed"),
            ],
        })
    }
}
