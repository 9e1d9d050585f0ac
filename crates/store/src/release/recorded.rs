//! Services that are but recorded: what would run where nothing can run it.

use portolan_model::Timestamp;

use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

/// What would run of a service in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedService {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The deployment.
    pub deployment: String,
    /// The definition of its tasks, as whoever recorded it writes them.
    pub definition: String,
    /// Since when.
    pub at: Timestamp,
}

impl RecordedService {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            project: row.text("project")?,
            environment: row.text("environment")?,
            service: row.text("service")?,
            deployment: row.text("deployment")?,
            definition: row.text("definition")?,
            at: row.time("at")?,
        })
    }
}

impl Tx {
    /// Records what would run of a service, in place of what was recorded before.
    pub async fn record_service(&mut self, service: &RecordedService) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO recorded_service (project, environment, service, \
             deployment, definition, at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (project, environment, service) DO UPDATE SET \
             deployment = excluded.deployment, definition = excluded.definition, \
             at = excluded.at")
        .bind(service.project.as_str())
        .bind(service.environment.as_str())
        .bind(service.service.as_str())
        .bind(service.deployment.as_str())
        .bind(service.definition.as_str())
        .bind(service.at);
        self.run(upsert).await.map(|_| ())
    }

    /// Forgets what would run of a service: something does. False where nothing was recorded.
    pub async fn forget_recorded(
        &mut self,
        project: &str,
        environment: &str,
        service: &str,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM recorded_service WHERE project = $1 AND environment = $2 \
             AND service = $3")
        .bind(project)
        .bind(environment)
        .bind(service);
        Ok(self.run(delete).await? == 1)
    }
}

impl Store {
    /// What is recorded of an environment, of one project or of all; by project, then service.
    pub async fn recorded_services(
        &self,
        project: Option<&str>,
        environment: &str,
    ) -> Result<Vec<RecordedService>, StoreError> {
        let select = sql("SELECT * FROM recorded_service WHERE ($1 IS NULL OR project = $1) \
             AND environment = $2 ORDER BY project, service")
        .bind(project)
        .bind(environment);
        self.all(select).await?.iter().map(RecordedService::read).collect()
    }
}
