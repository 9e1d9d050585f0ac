//! Reading the journal: what waits, what was acted on, and what people ask for.

use portolan_model::EventId;

use super::{JournalEntry, JournalState, Payload, RawEvent, bytes};
use crate::page::{Page, Paged};
use crate::row::{Query, Row, Value, sql, sql_made};
use crate::{Store, StoreError};

/// Which entries of the journal are wanted.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// Only those in this state.
    pub state: Option<JournalState>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

/// Entries with what became of them. An entry that neither waits nor is dead was acted on.
const ENTRIES: &str = "SELECT id, source, kind, occurred_at, recorded_at, raw_bytes, payload, \
    CASE WHEN d.reason IS NOT NULL THEN 'dead' WHEN p.id IS NOT NULL THEN 'pending' \
    ELSE 'applied' END AS state, d.reason AS reason FROM journal \
    LEFT JOIN journal_dead AS d USING (id) LEFT JOIN journal_pending AS p USING (id)";

fn payload(row: &Row) -> Result<String, StoreError> {
    let raw_bytes = row.opt_int("raw_bytes")?;
    Payload { raw_bytes, bytes: row.bytes("payload")? }.text()
}

impl JournalEntry {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.event_id("id")?,
            source: row.text("source")?,
            kind: row.text("kind")?,
            occurred_at: row.time("occurred_at")?,
            recorded_at: row.time("recorded_at")?,
            payload: payload(row)?,
            state: row.parsed("state")?,
            reason: row.opt_text("reason")?,
        })
    }
}

impl RawEvent {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.event_id("id")?,
            kind: row.text("kind")?,
            occurred_at: row.time("occurred_at")?,
            payload: payload(row)?,
        })
    }
}

impl Store {
    /// The oldest entries that wait to be acted on, recorded after `after`.
    pub async fn pending_events(
        &self,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<RawEvent>, StoreError> {
        // The order of the tables is told: without figures SQLite may begin with all of the journal.
        let select =
            sql("SELECT p.id, kind, occurred_at, raw_bytes, payload FROM journal_pending AS p \
             CROSS JOIN journal AS j  \
             WHERE j.id = p.id AND p.id > $1 ORDER BY p.id LIMIT $2");
        self.raw_events(select, after, limit).await
    }

    /// Entries that were acted on, recorded after `after`, oldest first: for making anew what was
    /// made of them.
    pub async fn applied_events_after(
        &self,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<RawEvent>, StoreError> {
        let select = sql("SELECT j.id, kind, occurred_at, raw_bytes, payload FROM journal AS j \
              WHERE j.id > $1 \
             AND NOT EXISTS (SELECT 1 FROM journal_pending AS p WHERE p.id = j.id) \
             AND NOT EXISTS (SELECT 1 FROM journal_dead AS d WHERE d.id = j.id) \
             ORDER BY j.id LIMIT $2");
        self.raw_events(select, after, limit).await
    }

    async fn raw_events(
        &self,
        select: Query,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<RawEvent>, StoreError> {
        let select = select.bind(after_bytes(after)).bind(limit);
        self.all(select).await?.iter().map(RawEvent::read).collect()
    }

    /// Entries of the journal, newest first.
    pub async fn journal(
        &self,
        filter: &JournalFilter,
        page: Page,
    ) -> Result<Paged<JournalEntry>, StoreError> {
        let mut clause = Query::default();
        let pending = "id IN (SELECT id FROM journal_pending)";
        let dead = "id IN (SELECT id FROM journal_dead)";
        match filter.state {
            Some(JournalState::Pending) => clause.push(&format!(" AND {pending}"), []),
            Some(JournalState::Dead) => clause.push(&format!(" AND {dead}"), []),
            Some(JournalState::Applied) => {
                clause.push(&format!(" AND NOT {pending} AND NOT {dead}"), []);
            }
            None => {}
        }
        if let Some(kind) = &filter.kind {
            clause.push(" AND kind = ?", [kind.as_str().into()]);
        }
        let of = |before: &str| {
            sql_made(format!("{before} WHERE TRUE{}", clause.as_str())).with(clause.values.clone())
        };
        let count = of("SELECT COUNT(*) AS total FROM journal");
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let mut select = of(ENTRIES);
        select.push(" ORDER BY id DESC LIMIT ? OFFSET ?", [page.limit.into(), page.offset.into()]);
        let items =
            self.all(select).await?.iter().map(JournalEntry::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// One entry.
    pub async fn journal_entry(&self, id: EventId) -> Result<Option<JournalEntry>, StoreError> {
        let select = sql_made(format!("{ENTRIES} WHERE id = $1")).bind(bytes(id));
        self.first(select).await?.as_ref().map(JournalEntry::read).transpose()
    }

    /// Entries recorded after `after` (all where there is none), oldest first.
    pub async fn journal_after(
        &self,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let select = sql_made(format!("{ENTRIES} WHERE id > $1 ORDER BY id LIMIT $2"))
            .bind(after_bytes(after))
            .bind(limit);
        self.all(select).await?.iter().map(JournalEntry::read).collect()
    }
}

/// Before the identity of every entry, where there is none.
fn after_bytes(after: Option<EventId>) -> Value {
    after.map_or(Value::Bytes(Some(Vec::new())), bytes)
}
