//! Repositories of the built-in registry.

use portolan_model::{RepositoryName, Timestamp};

use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Makes sure that a repository exists.
    pub async fn ensure_repository(
        &mut self,
        name: &RepositoryName,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO repository (name, created_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .bind(now);
        self.run(insert).await.map(|_| ())
    }
}

impl Store {
    /// Names of repositories that hold a manifest, in byte order, after `last`.
    pub async fn repositories(
        &self,
        last: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, StoreError> {
        let select = sql("SELECT name FROM repository WHERE name > $1 AND EXISTS \
             (SELECT 1 FROM repository_manifest AS m WHERE m.repository = repository.name) \
             ORDER BY name LIMIT $2")
        .bind(last.unwrap_or(""))
        .bind(limit);
        let read = |row: &Row| row.parsed("name");
        self.all(select).await?.iter().map(read).collect()
    }

    /// Whether the built-in registry has this repository.
    pub async fn has_repository(&self, name: &RepositoryName) -> Result<bool, StoreError> {
        let select = sql("SELECT 1 AS one FROM repository WHERE name = $1").bind(name);
        Ok(self.first(select).await?.is_some())
    }
}
