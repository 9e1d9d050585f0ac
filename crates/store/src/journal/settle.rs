//! What becomes of entries: acted on, dead, or waiting once more.

use portolan_model::EventId;

use super::{bytes, rows_of};
use crate::bulk::statements;
use crate::row::sql;
use crate::{StoreError, Tx};

impl Tx {
    /// Marks pending entries as acted on; how many no other process had acted on.
    pub async fn events_applied(&mut self, ids: &[EventId]) -> Result<u64, StoreError> {
        let mut applied = 0;
        for delete in
            statements("DELETE FROM journal_pending WHERE id IN (VALUES", rows_of(ids), ")")
        {
            applied += self.run(delete).await?;
        }
        Ok(applied)
    }

    /// Marks a pending entry as acted on; false where another process did.
    pub async fn event_applied(&mut self, id: EventId) -> Result<bool, StoreError> {
        Ok(self.events_applied(&[id]).await? == 1)
    }

    /// Makes an entry that is dead, or was applied, wait to be acted on once more; false where
    /// there is none.
    pub async fn replay_event(&mut self, id: EventId) -> Result<bool, StoreError> {
        let select = sql("SELECT id FROM journal WHERE id = $1").bind(bytes(id));
        if self.first(select).await?.is_none() {
            return Ok(false);
        }
        self.run(sql("DELETE FROM journal_dead WHERE id = $1").bind(bytes(id))).await?;
        let insert = sql("INSERT INTO journal_pending (id) VALUES ($1) ON CONFLICT DO NOTHING");
        self.run(insert.bind(bytes(id))).await?;
        Ok(true)
    }

    /// Makes every dead entry, of one kind or of all, wait to be acted on once more; how many.
    pub async fn replay_dead_events(&mut self, kind: Option<&str>) -> Result<u64, StoreError> {
        let mut insert = sql(
            "INSERT INTO journal_pending (id) SELECT id FROM journal_dead JOIN journal USING (id) \
             WHERE TRUE",
        );
        if let Some(kind) = kind {
            insert.push(" AND kind = ?", [kind.into()]);
        }
        insert.push(" ON CONFLICT DO NOTHING", []);
        self.run(insert).await?;
        // No entry is both: what waits now is dead no longer.
        let delete = "DELETE FROM journal_dead WHERE id IN (SELECT id FROM journal_pending)";
        self.run(sql(delete)).await
    }

    /// Sets an entry aside that cannot be understood.
    pub async fn event_dead(&mut self, id: EventId, reason: &str) -> Result<(), StoreError> {
        self.run(sql("DELETE FROM journal_pending WHERE id = $1").bind(bytes(id))).await?;
        let insert = sql("INSERT INTO journal_dead (id, reason) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET reason = excluded.reason");
        self.run(insert.bind(bytes(id)).bind(reason)).await.map(|_| ())
    }
}
