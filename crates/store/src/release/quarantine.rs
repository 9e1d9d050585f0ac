//! Releases that are never deployed again by themselves.

use portolan_model::{ReleaseId, Timestamp};

use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

/// Why a release is not to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// The release.
    pub release: ReleaseId,
    /// Why.
    pub reason: String,
    /// By whose word.
    pub created_by: String,
    /// Since when.
    pub created_at: Timestamp,
}

impl Quarantine {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            release: row.parsed("release")?,
            reason: row.text("reason")?,
            created_by: row.text("created_by")?,
            created_at: row.time("created_at")?,
        })
    }
}

impl Tx {
    /// Puts a release in quarantine. Where it is there already the first word stands.
    pub async fn quarantine(&mut self, quarantine: &Quarantine) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO quarantine (release, reason, created_by, created_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (release) DO NOTHING")
        .bind(quarantine.release.to_string())
        .bind(quarantine.reason.as_str())
        .bind(quarantine.created_by.as_str())
        .bind(quarantine.created_at);
        self.run(insert).await.map(|_| ())
    }

    /// Takes a release out of quarantine; false where it was not there.
    pub async fn lift_quarantine(&mut self, release: ReleaseId) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM quarantine WHERE release = $1").bind(release.to_string());
        Ok(self.run(delete).await? == 1)
    }
}

impl Store {
    /// Why a release is in quarantine, where it is.
    pub async fn quarantine(&self, release: ReleaseId) -> Result<Option<Quarantine>, StoreError> {
        let select = sql("SELECT * FROM quarantine WHERE release = $1").bind(release.to_string());
        self.first(select).await?.as_ref().map(Quarantine::read).transpose()
    }

    /// All that is in quarantine of a project, newest first.
    pub async fn quarantines(&self, project: &str) -> Result<Vec<Quarantine>, StoreError> {
        let select = sql("SELECT q.* FROM quarantine AS q JOIN release AS r ON r.id = q.release \
             WHERE r.project = $1 ORDER BY q.created_at DESC, q.release DESC")
        .bind(project);
        self.all(select).await?.iter().map(Quarantine::read).collect()
    }
}
