//! What the last sweep of an environment found.

use portolan_model::Timestamp;

use super::deployment::Deployment;
use super::task::Task;
use crate::row::{Value, sql};
use crate::{Store, StoreError, Tx};

/// Values bound in one statement at most.
const CHUNK: usize = 500;

/// What a sweep of an environment found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    /// The environment's name.
    pub environment: String,
    /// When.
    pub at: Timestamp,
    /// Services that ECS told of.
    pub services: u64,
    /// Tasks that ECS told of.
    pub tasks: u64,
    /// Tasks and services that were not as events had told.
    pub drift: u64,
    /// Why it could not be finished.
    pub error: Option<String>,
}

impl Tx {
    /// Keeps what a sweep found, in place of what the one before found.
    pub async fn swept(&mut self, sweep: &Sweep) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO sweep (environment, at, services, tasks, drift, error) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (environment) DO UPDATE SET \
             at = excluded.at, services = excluded.services, tasks = excluded.tasks, \
             drift = excluded.drift, error = excluded.error")
        .bind(sweep.environment.as_str())
        .bind(sweep.at)
        .bind(sweep.services)
        .bind(sweep.tasks)
        .bind(sweep.drift)
        .bind(sweep.error.as_deref());
        self.run(insert).await.map(|_| ())
    }
}

impl Store {
    /// The tasks of these identities, ended or not, held or not; by task and container.
    pub async fn tasks_with(&self, ids: &[String]) -> Result<Vec<Task>, StoreError> {
        let mut tasks = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM task WHERE id IN (");
            let values = chunk.iter().map(|id| Value::from(id.as_str()));
            select.push(&format!("{}) ORDER BY id, container", marks(chunk.len())), values);
            for row in self.all(select).await? {
                tasks.push(Task::read(&row)?);
            }
        }
        Ok(tasks)
    }

    /// The deployments of an environment that have these keys, with or without a known image.
    pub async fn deployments_with(
        &self,
        environment: &str,
        keys: &[String],
    ) -> Result<Vec<Deployment>, StoreError> {
        let mut deployments = Vec::new();
        for chunk in keys.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM deployment WHERE environment = $1 AND key IN (")
                .bind(environment);
            let values = chunk.iter().map(|key| Value::from(key.as_str()));
            select.push(&format!("{}) ORDER BY key", marks(chunk.len())), values);
            for row in self.all(select).await? {
                deployments.push(Deployment::read(&row)?);
            }
        }
        Ok(deployments)
    }

    /// What the last sweep of each environment found, by environment.
    pub async fn sweeps(&self) -> Result<Vec<Sweep>, StoreError> {
        let rows = self.all(sql("SELECT * FROM sweep ORDER BY environment")).await?;
        rows.iter()
            .map(|row| {
                Ok(Sweep {
                    environment: row.text("environment")?,
                    at: row.time("at")?,
                    services: row.count("services")?,
                    tasks: row.count("tasks")?,
                    drift: row.count("drift")?,
                    error: row.opt_text("error")?,
                })
            })
            .collect()
    }
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}
