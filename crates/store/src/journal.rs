//! The journal: what the outside world said, kept before it is acted on.

use std::collections::HashSet;
use std::str::FromStr;

use portolan_model::{Event, EventId, EventKind, Timestamp};

use crate::bulk::statements;
use crate::page::{Page, Paged};
use crate::row::{Query, Row, Value, json_text, sql, sql_made};
use crate::{Store, StoreError, Tx};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Recorded, not acted on.
    Pending,
    /// Acted on.
    Applied,
    /// Not understood; the reason says why.
    Dead,
}

impl JournalState {
    /// The word in the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for JournalState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::Applied, Self::Dead]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a journal entry"))
    }
}

/// One entry of the journal.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// Its identity; entries sort by it in the order in which they were recorded.
    pub id: EventId,
    /// Who said it.
    pub source: String,
    /// The name of what happened.
    pub kind: String,
    /// When it happened, by the word of who said it.
    pub occurred_at: Timestamp,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// What was said, as JSON.
    pub payload: String,
    /// What became of it.
    pub state: JournalState,
    /// Why it is dead.
    pub reason: Option<String>,
}

impl JournalEntry {
    /// What happened, where the payload can be understood.
    pub fn event(&self) -> Result<EventKind, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            source: row.text("source")?,
            kind: row.text("kind")?,
            occurred_at: row.time("occurred_at")?,
            recorded_at: row.time("recorded_at")?,
            payload: row.text("payload")?,
            state: row.parsed("state")?,
            reason: row.opt_text("reason")?,
        })
    }
}

/// Which entries of the journal are wanted.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Only those in this state.
    pub state: Option<JournalState>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

/// An entry as a way in hands it over.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Its identity.
    pub id: EventId,
    /// Who said it.
    pub source: String,
    /// The name of what happened.
    pub kind: String,
    /// Two entries with one key are the same; the second is not recorded.
    pub dedupe_key: String,
    /// When it happened, by the word of who said it.
    pub occurred_at: Timestamp,
    /// What was said, as it was said.
    pub payload: String,
    /// Why it cannot be understood, where it cannot.
    pub dead: Option<String>,
}

impl Tx {
    /// Records `event` under the identity `id`; false where it was recorded before.
    pub async fn append_event(
        &mut self,
        id: EventId,
        event: &Event,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let entry = NewEntry {
            id,
            source: event.source.clone(),
            kind: event.kind.name().to_owned(),
            dedupe_key: event.dedupe_key.clone(),
            occurred_at: event.occurred_at,
            payload: json_text(&event.kind),
            dead: None,
        };
        Ok(!self.append_entries(vec![entry], now).await?.is_empty())
    }

    /// Records all of these entries; those that were not recorded before.
    pub async fn append_entries(
        &mut self,
        entries: Vec<NewEntry>,
        now: Timestamp,
    ) -> Result<Vec<EventId>, StoreError> {
        let mut bodies = Vec::with_capacity(entries.len());
        let mut row = |entry: NewEntry| -> Vec<Value> {
            bodies.push((entry.id, entry.payload));
            let state = entry.dead.as_ref().map_or(JournalState::Pending, |_| JournalState::Dead);
            vec![
                entry.id.to_string().into(),
                entry.source.into(),
                entry.kind.into(),
                entry.dedupe_key.into(),
                entry.occurred_at.into(),
                now.into(),
                state.name().into(),
                entry.dead.into(),
            ]
        };
        let insert = "INSERT INTO journal (id, source, kind, dedupe_key, occurred_at, \
             recorded_at, state, reason) VALUES";
        let rows = entries.into_iter().map(&mut row).collect();
        let ids: Vec<EventId> = bodies.iter().map(|(id, _)| *id).collect();
        let mut inserted = 0;
        for insert in statements(insert, rows, "ON CONFLICT (dedupe_key) DO NOTHING") {
            inserted += self.run(insert).await?;
        }
        // Asking for each row what became of it costs as much as the row; mostly all are new.
        let recorded = if inserted == ids.len() as u64 { ids } else { self.recorded(&ids).await? };
        let new: HashSet<&EventId> = recorded.iter().collect();
        bodies.retain(|(id, _)| new.contains(id));
        let rows =
            bodies.into_iter().map(|(id, body)| vec![id.to_string().into(), body.into()]).collect();
        for insert in statements("INSERT INTO journal_body (id, payload) VALUES", rows, "") {
            self.run(insert).await?;
        }
        Ok(recorded)
    }

    /// Those of `ids` that are identities of entries.
    async fn recorded(&mut self, ids: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        let rows = ids.iter().map(|id| vec![id.to_string().into()]).collect();
        let mut recorded = Vec::with_capacity(ids.len());
        for select in statements("SELECT id FROM journal WHERE id IN (VALUES", rows, ")") {
            for row in self.all(select).await? {
                recorded.push(row.parsed("id")?);
            }
        }
        Ok(recorded)
    }

    /// Marks pending entries as acted on; how many no other process had acted on.
    pub async fn events_applied(&mut self, ids: &[EventId]) -> Result<u64, StoreError> {
        let rows = ids.iter().map(|id| vec![id.to_string().into()]).collect();
        let update =
            "UPDATE journal SET state = 'applied' WHERE state = 'pending' AND id IN (VALUES";
        let mut applied = 0;
        for update in statements(update, rows, ")") {
            applied += self.run(update).await?;
        }
        Ok(applied)
    }

    /// Makes an entry that is dead, or was applied, wait to be acted on once more; false where
    /// there is none.
    pub async fn replay_event(&mut self, id: EventId) -> Result<bool, StoreError> {
        let update = sql("UPDATE journal SET state = 'pending', reason = NULL WHERE id = $1")
            .bind(id.to_string());
        Ok(self.run(update).await? == 1)
    }

    /// Makes every dead entry, of one kind or of all, wait to be acted on once more; how many.
    pub async fn replay_dead_events(&mut self, kind: Option<&str>) -> Result<u64, StoreError> {
        let mut update =
            sql("UPDATE journal SET state = 'pending', reason = NULL WHERE state = 'dead'");
        if let Some(kind) = kind {
            update.push(" AND kind = ?", [kind.into()]);
        }
        self.run(update).await
    }

    /// Marks a pending entry as acted on; false where another process did.
    pub async fn event_applied(&mut self, id: EventId) -> Result<bool, StoreError> {
        let update =
            sql("UPDATE journal SET state = 'applied' WHERE id = $1 AND state = 'pending'")
                .bind(id.to_string());
        Ok(self.run(update).await? == 1)
    }

    /// Sets an entry aside that cannot be understood.
    pub async fn event_dead(&mut self, id: EventId, reason: &str) -> Result<(), StoreError> {
        let update = sql("UPDATE journal SET state = 'dead', reason = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(reason);
        self.run(update).await.map(|_| ())
    }
}

impl Store {
    /// The oldest entries that wait to be acted on.
    pub async fn pending_events(&self, limit: u32) -> Result<Vec<JournalEntry>, StoreError> {
        let select =
            sql("SELECT * FROM journal JOIN journal_body USING (id) WHERE state = 'pending' ORDER BY id LIMIT $1").bind(limit);
        self.all(select).await?.iter().map(JournalEntry::read).collect()
    }

    /// Entries of the journal, newest first.
    pub async fn journal(
        &self,
        filter: &JournalFilter,
        page: Page,
    ) -> Result<Paged<JournalEntry>, StoreError> {
        let mut clause = Query::default();
        if let Some(state) = filter.state {
            clause.push(" AND state = ?", [state.name().into()]);
        }
        if let Some(kind) = &filter.kind {
            clause.push(" AND kind = ?", [kind.as_str().into()]);
        }
        let of = |before: &str| {
            sql_made(format!("{before} WHERE TRUE{}", clause.as_str())).with(clause.values.clone())
        };
        let count = of("SELECT COUNT(*) AS total FROM journal");
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let mut select = of("SELECT * FROM journal JOIN journal_body USING (id)");
        select.push(" ORDER BY id DESC LIMIT ? OFFSET ?", [page.limit.into(), page.offset.into()]);
        let items =
            self.all(select).await?.iter().map(JournalEntry::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// One entry.
    pub async fn journal_entry(&self, id: EventId) -> Result<Option<JournalEntry>, StoreError> {
        let select = sql("SELECT * FROM journal JOIN journal_body USING (id) WHERE id = $1")
            .bind(id.to_string());
        self.first(select).await?.as_ref().map(JournalEntry::read).transpose()
    }

    /// Entries that were acted on, recorded after `after`, oldest first: for making anew what was
    /// made of them.
    pub async fn applied_events_after(
        &self,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let select = sql("SELECT * FROM journal JOIN journal_body USING (id) WHERE id > $1 AND state = 'applied' \
             ORDER BY id LIMIT $2")
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit);
        self.all(select).await?.iter().map(JournalEntry::read).collect()
    }

    /// Entries recorded after `after` (all where there is none), oldest first.
    pub async fn journal_after(
        &self,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let select = sql(
            "SELECT * FROM journal JOIN journal_body USING (id) WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit);
        self.all(select).await?.iter().map(JournalEntry::read).collect()
    }
}
