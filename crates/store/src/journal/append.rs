//! Recording what was said.

use std::collections::HashSet;

use portolan_model::{Digest, Event, EventId, Timestamp};

use super::payload::Payload;
use super::{bytes, rows_of};
use crate::bulk::statements;
use crate::row::{Value, json_text};
use crate::{StoreError, Tx};

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
    pub payload: Payload,
    /// Why it cannot be understood, where it cannot.
    pub dead: Option<String>,
}

const INSERT: &str = "INSERT INTO journal (id, source, kind, dedupe, occurred_at, recorded_at, \
    raw_bytes, payload) VALUES";

/// Which of those that are listed are not in the journal.
const MISSING: &str = ") SELECT id FROM wanted WHERE NOT EXISTS \
    (SELECT 1 FROM journal WHERE journal.id = wanted.id)";

/// The key under which a repetition is known: half of a SHA-256, since the index of all keys is what
/// an event costs most, and what was said may name itself at any length.
fn dedupe(key: &str) -> Value {
    Value::Bytes(Some(Digest::of(key.as_bytes()).as_bytes()[..16].to_vec()))
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
            payload: Payload::of(&json_text(&event.kind)),
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
        let (mut ids, mut dead) = (Vec::with_capacity(entries.len()), Vec::new());
        let row = |entry: NewEntry| -> Vec<Value> {
            ids.push(entry.id);
            dead.extend(entry.dead.map(|reason| (entry.id, reason)));
            vec![
                bytes(entry.id),
                entry.source.into(),
                entry.kind.into(),
                dedupe(&entry.dedupe_key),
                entry.occurred_at.into(),
                now.into(),
                entry.payload.raw_bytes.into(),
                entry.payload.bytes.into(),
            ]
        };
        let rows: Vec<_> = entries.into_iter().map(row).collect();
        let mut inserted = 0;
        for insert in statements(INSERT, rows, "ON CONFLICT (dedupe) DO NOTHING") {
            inserted += self.run(insert).await?;
        }
        if inserted != ids.len() as u64 {
            let repeated = self.not_recorded(&ids).await?;
            ids.retain(|id| !repeated.contains(id));
            dead.retain(|(id, _)| !repeated.contains(id));
        }
        let buried: HashSet<EventId> = dead.iter().map(|(id, _)| *id).collect();
        let pending = rows_of(ids.iter().filter(|id| !buried.contains(id)));
        for insert in statements("INSERT INTO journal_pending (id) VALUES", pending, "") {
            self.run(insert).await?;
        }
        let dead = dead.into_iter().map(|(id, reason)| vec![bytes(id), reason.into()]).collect();
        for insert in statements("INSERT INTO journal_dead (id, reason) VALUES", dead, "") {
            self.run(insert).await?;
        }
        Ok(ids)
    }

    /// Those of `ids` that are identities of no entry.
    async fn not_recorded(&mut self, ids: &[EventId]) -> Result<HashSet<EventId>, StoreError> {
        let mut missing = HashSet::new();
        for select in statements("WITH wanted (id) AS (VALUES", rows_of(ids), MISSING) {
            for row in self.all(select).await? {
                missing.insert(row.event_id("id")?);
            }
        }
        Ok(missing)
    }
}
