//! Deployments: merging facts into rows, and reading them.

use std::fmt::Write as _;

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use super::NEVER;
use super::fact::DeploymentFact;
use crate::bulk::statements;
use crate::row::{Row, Value};
use crate::{StoreError, Tx};

/// A deployment, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What was said of it. `created_at` is always known.
    pub fact: DeploymentFact,
    /// The service; none while it has no task whose image is known.
    pub service: Option<String>,
    /// The image of its first task.
    pub digest: Option<Digest>,
    /// That image, as it was named.
    pub image: Option<String>,
    /// The image's repository.
    pub repository: Option<RepositoryName>,
    /// The image's tag.
    pub tag: Option<Tag>,
}

fn when(moment: i64) -> Option<Timestamp> {
    (moment != NEVER).then(|| Timestamp::from_millis(moment))
}

fn never(moment: Option<Timestamp>) -> Value {
    moment.map_or(NEVER, Timestamp::millis).into()
}

impl Deployment {
    /// When it was made, or first heard of.
    pub fn created_at(&self) -> Timestamp {
        self.fact.created_at.unwrap_or_default()
    }

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let time = |column: &str| row.int(column).map(when);
        let desired = row.opt_int("desired")?.and_then(|count| u64::try_from(count).ok());
        Ok(Self {
            fact: DeploymentFact {
                environment: row.text("environment")?,
                key: row.text("key")?,
                id: row.text("id")?,
                account: row.text("account")?,
                region: row.text("region")?,
                cluster: row.text("cluster")?,
                ecs_service: row.opt_text("ecs_service")?,
                task_definition: row.opt_text("task_definition")?,
                deployed_by: row.opt_text("deployed_by")?,
                request: row.opt_text("request")?,
                created_at: time("created_at")?,
                in_progress_at: time("in_progress_at")?,
                completed_at: time("completed_at")?,
                failed: match time("failed_at")? {
                    Some(at) => Some((at, row.opt_text("reason")?)),
                    None => None,
                },
                desired: match (desired, row.int("desired_at")?) {
                    (Some(count), at) => Some((Timestamp::from_millis(at), count)),
                    (None, _) => None,
                },
                rollback: row.bool("rollback")?,
            },
            service: row.opt_text("service")?,
            digest: row.opt_digest("digest")?,
            image: row.opt_text("image")?,
            repository: row.opt_parsed("repository")?,
            tag: row.opt_parsed("tag")?,
        })
    }
}

fn row(fact: DeploymentFact, now: Timestamp) -> Vec<Value> {
    let (failed_at, reason) = fact.failed.unzip();
    let (desired_at, desired) = fact.desired.unzip();
    vec![
        fact.environment.into(),
        fact.key.into(),
        fact.id.into(),
        fact.account.into(),
        fact.region.into(),
        fact.cluster.into(),
        fact.ecs_service.into(),
        fact.task_definition.into(),
        fact.deployed_by.into(),
        fact.request.into(),
        never(fact.created_at),
        never(fact.in_progress_at),
        never(fact.completed_at),
        never(failed_at),
        reason.flatten().into(),
        desired.and_then(|count| i64::try_from(count).ok()).into(),
        desired_at.map_or(i64::MIN, Timestamp::millis).into(),
        fact.rollback.into(),
        now.into(),
    ]
}

const INSERT: &str = "INSERT INTO deployment (environment, key, id, account, region, cluster, \
    ecs_service, task_definition, deployed_by, request, created_at, in_progress_at, completed_at, \
    failed_at, reason, desired, desired_at, rollback, recorded_at) VALUES";

const HIGHER: &[&str] = &[
    "id",
    "account",
    "region",
    "cluster",
    "ecs_service",
    "task_definition",
    "deployed_by",
    "request",
];
const LOWER: &[&str] =
    &["created_at", "in_progress_at", "completed_at", "failed_at", "recorded_at"];

fn upsert() -> String {
    let mut text = String::from("ON CONFLICT (environment, key) DO UPDATE SET ");
    let mut rule = |column: &str, stands: &str| {
        let _ = write!(
            text,
            "{column} = CASE WHEN {stands} THEN excluded.{column} ELSE deployment.{column} END, "
        );
    };
    for column in HIGHER {
        let stands =
            format!("deployment.{column} IS NULL OR excluded.{column} > deployment.{column}");
        rule(column, &stands);
    }
    for column in LOWER {
        rule(column, &format!("excluded.{column} < deployment.{column}"));
    }
    rule(
        "reason",
        "excluded.failed_at < deployment.failed_at OR (excluded.failed_at = deployment.failed_at \
         AND (deployment.reason IS NULL OR excluded.reason > deployment.reason))",
    );
    for column in ["desired", "desired_at"] {
        rule(
            column,
            "excluded.desired_at > deployment.desired_at OR (excluded.desired_at = \
             deployment.desired_at AND excluded.desired > deployment.desired)",
        );
    }
    text.push_str("rollback = deployment.rollback OR excluded.rollback WHERE FALSE");
    // Each event of a task names its deployment, and most say nothing new of it.
    for column in HIGHER {
        let _ = write!(
            text,
            " OR excluded.{column} > deployment.{column} \
             OR (deployment.{column} IS NULL AND excluded.{column} IS NOT NULL)"
        );
    }
    for column in LOWER.iter().filter(|column| **column != "recorded_at") {
        let _ = write!(text, " OR excluded.{column} < deployment.{column}");
    }
    text.push_str(
        " OR excluded.desired_at > deployment.desired_at OR (excluded.desired_at = \
         deployment.desired_at AND excluded.desired > deployment.desired) \
         OR (excluded.failed_at = deployment.failed_at AND excluded.reason > deployment.reason) \
         OR (excluded.rollback AND NOT deployment.rollback)",
    );
    text
}

impl Tx {
    /// Merges facts about deployments, at most one for each, into their rows.
    pub async fn merge_deployments(
        &mut self,
        facts: Vec<DeploymentFact>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let rows = facts.into_iter().map(|fact| row(fact, now)).collect();
        for insert in statements(INSERT, rows, &upsert()) {
            self.run(insert).await?;
        }
        Ok(())
    }
}
