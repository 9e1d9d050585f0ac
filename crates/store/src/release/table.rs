//! What is to be written into a project's table outside of this store.

use std::str::FromStr;

use portolan_model::{ReleaseId, Timestamp};

use crate::row::{Row, Value, sql};
use crate::{Store, StoreError, Tx};

/// Identities that are looked for in one statement at most.
const CHUNK: usize = 500;

/// What kind of thing is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// A release that was prepared.
    Release,
    /// A rollout that has come to its end.
    Rollout,
}

impl Told {
    /// The word in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Rollout => "rollout",
        }
    }
}

impl FromStr for Told {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Release, Self::Rollout]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("`{text}` is nothing that is written into a table"))
    }
}

/// Something that is to be written into a project's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableWrite {
    /// What kind of thing.
    pub kind: Told,
    /// Its identity.
    pub id: String,
    /// The project.
    pub project: String,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Why it never will be written; none: it is tried until it is.
    pub refused: Option<String>,
}

impl TableWrite {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            kind: row.parsed("kind")?,
            id: row.text("id")?,
            project: row.text("project")?,
            queued_at: row.time("queued_at")?,
            refused: row.opt_text("refused")?,
        })
    }
}

impl Tx {
    /// Remembers that something is to be written. What is remembered already stays as it is.
    pub async fn queue_table_write(&mut self, write: &TableWrite) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO table_write (kind, id, project, queued_at, refused) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kind, id) DO NOTHING")
        .bind(write.kind.name())
        .bind(write.id.as_str())
        .bind(write.project.as_str())
        .bind(write.queued_at)
        .bind(write.refused.as_deref());
        self.run(insert).await.map(|_| ())
    }

    /// Forgets what is written.
    pub async fn end_table_write(&mut self, kind: Told, id: &str) -> Result<(), StoreError> {
        let delete =
            sql("DELETE FROM table_write WHERE kind = $1 AND id = $2").bind(kind.name()).bind(id);
        self.run(delete).await.map(|_| ())
    }

    /// Remembers why something never will be written.
    pub async fn refuse_table_write(
        &mut self,
        kind: Told,
        id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let update = sql("UPDATE table_write SET refused = $3 WHERE kind = $1 AND id = $2")
            .bind(kind.name())
            .bind(id)
            .bind(reason);
        self.run(update).await.map(|_| ())
    }
}

impl Store {
    /// What waits to be written for a project, the longest first, `most` at most.
    pub async fn table_writes(
        &self,
        project: &str,
        most: u64,
    ) -> Result<Vec<TableWrite>, StoreError> {
        let select = sql("SELECT * FROM table_write WHERE project = $1 AND refused IS NULL \
             ORDER BY queued_at, id LIMIT $2")
        .bind(project)
        .bind(most);
        self.all(select).await?.iter().map(TableWrite::read).collect()
    }

    /// Whether something waits to be written for a project, or never will be.
    pub async fn table_write(
        &self,
        kind: Told,
        id: &str,
    ) -> Result<Option<TableWrite>, StoreError> {
        let select =
            sql("SELECT * FROM table_write WHERE kind = $1 AND id = $2").bind(kind.name()).bind(id);
        self.first(select).await?.as_ref().map(TableWrite::read).transpose()
    }

    /// Those of `ids` that are recorded.
    pub async fn known_releases(&self, ids: &[ReleaseId]) -> Result<Vec<ReleaseId>, StoreError> {
        let mut known = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut select = sql("SELECT id FROM release WHERE id IN (");
            select.push(
                &vec!["?"; chunk.len()].join(", "),
                chunk.iter().map(|id| Value::from(id.to_string())),
            );
            select.push(")", []);
            for row in self.all(select).await? {
                known.push(row.parsed("id")?);
            }
        }
        Ok(known)
    }
}
