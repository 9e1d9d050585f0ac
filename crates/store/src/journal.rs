//! The journal: what the outside world said, kept before it is acted on.

use std::str::FromStr;

use portolan_model::{Event, EventId, EventKind, Timestamp};

use crate::page::{Page, Paged};
use crate::row::{Row, json_text, sql};
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
}

impl Tx {
    /// Records `event` under the identity `id`; false where it was recorded before.
    pub async fn append_event(
        &mut self,
        id: EventId,
        event: &Event,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO journal \
             (id, source, kind, dedupe_key, occurred_at, recorded_at, payload, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending') ON CONFLICT (dedupe_key) DO NOTHING")
        .bind(id.to_string())
        .bind(event.source.as_str())
        .bind(event.kind.name())
        .bind(event.dedupe_key.as_str())
        .bind(event.occurred_at)
        .bind(now)
        .bind(json_text(&event.kind));
        Ok(self.run(insert).await? == 1)
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
            sql("SELECT * FROM journal WHERE state = 'pending' ORDER BY id LIMIT $1").bind(limit);
        self.all(select).await?.iter().map(JournalEntry::read).collect()
    }

    /// Entries of the journal, newest first.
    pub async fn journal(
        &self,
        filter: &JournalFilter,
        page: Page,
    ) -> Result<Paged<JournalEntry>, StoreError> {
        let state = filter.state.map(JournalState::name);
        let count = sql("SELECT COUNT(*) AS total FROM journal WHERE ($1 IS NULL OR state = $1)")
            .bind(state);
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT * FROM journal WHERE ($1 IS NULL OR state = $1) \
             ORDER BY id DESC LIMIT $2 OFFSET $3")
        .bind(state)
        .bind(page.limit)
        .bind(page.offset);
        let items =
            self.all(select).await?.iter().map(JournalEntry::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }
}
