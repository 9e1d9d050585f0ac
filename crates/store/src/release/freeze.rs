//! Environments in which nothing is to change.

use portolan_model::Timestamp;

use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

/// Why nothing is to change in an environment of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// Why.
    pub reason: String,
    /// By whose word.
    pub created_by: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when; until it is thawed where none is told.
    pub until: Option<Timestamp>,
}

impl Freeze {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            project: row.text("project")?,
            environment: row.text("environment")?,
            reason: row.text("reason")?,
            created_by: row.text("created_by")?,
            created_at: row.time("created_at")?,
            until: row.opt_time("until")?,
        })
    }
}

impl Tx {
    /// Freezes an environment of a project; the newest word stands.
    pub async fn freeze(&mut self, freeze: &Freeze) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO environment_freeze (project, environment, reason, \
             created_by, created_at, until) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (project, environment) DO UPDATE SET reason = excluded.reason, \
             created_by = excluded.created_by, created_at = excluded.created_at, \
             until = excluded.until")
        .bind(freeze.project.as_str())
        .bind(freeze.environment.as_str())
        .bind(freeze.reason.as_str())
        .bind(freeze.created_by.as_str())
        .bind(freeze.created_at)
        .bind(freeze.until);
        self.run(upsert).await.map(|_| ())
    }

    /// Lets an environment of a project change again; false where it could.
    pub async fn thaw(&mut self, project: &str, environment: &str) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM environment_freeze WHERE project = $1 AND environment = $2")
            .bind(project)
            .bind(environment);
        Ok(self.run(delete).await? == 1)
    }
}

impl Store {
    /// Why nothing is to change in an environment of a project at the moment `at`.
    pub async fn frozen(
        &self,
        project: &str,
        environment: &str,
        at: Timestamp,
    ) -> Result<Option<Freeze>, StoreError> {
        let select = sql("SELECT * FROM environment_freeze WHERE project = $1 \
             AND environment = $2 AND (until IS NULL OR until > $3)")
        .bind(project)
        .bind(environment)
        .bind(at);
        self.first(select).await?.as_ref().map(Freeze::read).transpose()
    }
    /// All that is frozen of a project at the moment `at`, by environment.
    pub async fn freezes(&self, project: &str, at: Timestamp) -> Result<Vec<Freeze>, StoreError> {
        let select = sql("SELECT * FROM environment_freeze WHERE project = $1 \
             AND (until IS NULL OR until > $2) ORDER BY environment")
        .bind(project)
        .bind(at);
        self.all(select).await?.iter().map(Freeze::read).collect()
    }
}
