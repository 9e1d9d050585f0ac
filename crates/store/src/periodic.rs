//! Work that is done again and again, by one process at a time.

use portolan_model::Timestamp;

use crate::row::sql;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Whether it is this caller's turn to queue the work `name`: it is due at `now`, or was never
    /// done. The next turn is at `next`. One that was to come later than that, by an interval that
    /// was longer, is due now.
    pub async fn take_turn(
        &mut self,
        name: &str,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        let upsert = sql("INSERT INTO periodic (name, due_at) VALUES ($1, $3) \
             ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at \
             WHERE periodic.due_at <= $2 OR periodic.due_at > excluded.due_at")
        .bind(name)
        .bind(now)
        .bind(next);
        Ok(self.run(upsert).await? == 1)
    }
}

impl Store {
    /// When the work `name` is due next; none where it was never done.
    pub async fn next_turn(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let select = sql("SELECT due_at FROM periodic WHERE name = $1").bind(name);
        self.first(select).await?.map(|row| row.time("due_at")).transpose()
    }
}
